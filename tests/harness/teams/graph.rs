//! Microsoft Graph, as far as it shows messages to an app that was given leave: those of a channel
//! (<https://learn.microsoft.com/graph/api/chatmessage-delta>) and of a chat
//! (<https://learn.microsoft.com/graph/api/chat-list-messages>).

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::people::guid;
use super::sign_in::Service;
use super::world::World;
use super::{Call, FakeTeams, Kind, Posted};

pub(super) const CHANNEL: &str = "/v1.0/teams/{team}/channels/{channel}/messages/delta";
pub(super) const CHAT: &str = "/v1.0/chats/{chat}/messages";

/// Messages in a page, whatever is asked for.
const PAGE: usize = 50;

type Names = HashMap<String, String>;

impl FakeTeams {
    /// Where messages are read.
    pub fn graph_url(&self) -> String {
        self.url.clone()
    }

    /// The app may read a chat, or all channels of a team.
    pub fn consent(&self, to: &str) {
        self.lock().consents.insert(to.to_owned());
    }

    /// Pages hold no more than this.
    pub fn set_page(&self, messages: usize) {
        self.lock().page = messages;
    }

    /// It is this late, in epoch milliseconds, when the next message is written.
    pub fn set_clock(&self, now: i64) {
        self.lock().clock = now.unsigned_abs();
    }
}

pub(super) async fn channel_messages(
    State(fake): State<FakeTeams>,
    Path(names): Path<Names>,
    Query(query): Query<Names>,
    headers: HeaderMap,
) -> Response<Body> {
    let with = json!({ "path": names, "query": query });
    fake.answer(Call::ChannelMessages, with, |world| {
        world.check_token(&headers, Service::Graph)?;
        let (team, channel) = (&names["team"], &names["channel"]);
        let known = world.conversations.contains_key(channel) && *team == guid("team");
        if !known || Kind::of(channel) != Kind::Channel {
            return Err(Answer::error(404, "NotFound", "Resource not found."));
        }
        world.check_leave(FakeTeams::TEAM)?;
        let asked = Asked::of(&query)?;
        let chains = world.conversations[channel].messages.iter().filter(|m| m.thread.is_none());
        let chains = chains.filter_map(|begun| {
            let all = world.conversations[channel].messages.iter();
            let chain: Vec<&Posted> = all.filter(|m| m.within(&begun.id)).collect();
            let changed = chain.iter().any(|m| written(m) > asked.since);
            let mut shown = world.shown(begun, channel);
            if asked.replies {
                let replies = chain.iter().filter(|m| m.thread.is_some());
                shown["replies"] = replies.map(|m| world.shown(m, channel)).collect();
            }
            changed.then_some(shown)
        });
        let path = format!("/v1.0/teams/{team}/channels/{channel}/messages/delta");
        Ok(world.page(chains.collect(), &asked, &path))
    })
}

pub(super) async fn chat_messages(
    State(fake): State<FakeTeams>,
    Path(names): Path<Names>,
    Query(query): Query<Names>,
    headers: HeaderMap,
) -> Response<Body> {
    let with = json!({ "path": names, "query": query });
    fake.answer(Call::ChatMessages, with, |world| {
        world.check_token(&headers, Service::Graph)?;
        let chat = &names["chat"];
        if !world.conversations.contains_key(chat) || Kind::of(chat) != Kind::GroupChat {
            return Err(Answer::error(404, "NotFound", "Resource not found."));
        }
        world.check_leave(chat)?;
        let mut asked = Asked::of(&query)?;
        let ordered = query.get("$orderby").is_some_and(|by| by == "lastModifiedDateTime desc");
        if !ordered && asked.from == 0 {
            // Where order and filter are not by the same, the filter does not count.
            asked.since = Timestamp::UNIX_EPOCH;
        }
        let all = world.conversations[chat].messages.iter().rev();
        let within = all.filter(|m| written(m) > asked.since);
        let shown = within.map(|m| world.shown(m, chat)).collect();
        Ok(world.page(shown, &asked, &format!("/v1.0/chats/{chat}/messages")))
    })
}

/// What a request asks for, or the token of the page before.
struct Asked {
    since: Timestamp,
    replies: bool,
    from: usize,
}

impl Asked {
    fn of(query: &Names) -> Result<Asked, Answer> {
        let wrong = |what: &str| Answer::error(400, "BadRequest", what);
        if let Some(token) = query.get("$skiptoken") {
            let parts: Vec<&str> = token.split('~').collect();
            let [since, replies, from] = parts[..] else { return Err(wrong("a skip token")) };
            let since = since.parse().map_err(|_| wrong("a skip token"))?;
            let from = from.parse().map_err(|_| wrong("a skip token"))?;
            return Ok(Asked { since, replies: replies == "true", from });
        }
        let top = query.get("$top").map_or(Ok(PAGE), |top| top.parse::<usize>());
        if !top.is_ok_and(|top| (1..=PAGE).contains(&top)) {
            return Err(wrong("$top"));
        }
        let since = match query.get("$filter") {
            Some(filter) => {
                let since = filter.strip_prefix("lastModifiedDateTime gt ");
                since
                    .and_then(|at| at.parse().ok())
                    .ok_or_else(|| wrong("Invalid filter clause"))?
            }
            None => Timestamp::UNIX_EPOCH,
        };
        let replies = query.get("$expand").is_some_and(|what| what == "replies");
        Ok(Asked { since, replies, from: 0 })
    }
}

fn written(posted: &Posted) -> Timestamp {
    Timestamp::from_millisecond(posted.id.parse().unwrap()).unwrap()
}

impl World {
    fn check_leave(&self, of: &str) -> Result<(), Answer> {
        if self.consents.contains(of) {
            return Ok(());
        }
        let text = "Missing role permissions on the request.";
        Err(Answer::error(403, "Forbidden", text))
    }

    fn page(&self, all: Vec<Value>, asked: &Asked, path: &str) -> Answer {
        let end = asked.from + self.page;
        let url = self.graph_url();
        let link = format!("{url}{path}?$skiptoken={}~{}~{end}", asked.since, asked.replies);
        let more = all.len() > end;
        let value: Vec<Value> = all.into_iter().skip(asked.from).take(self.page).collect();
        let mut page = json!({ "@odata.count": value.len(), "value": value });
        if more {
            page["@odata.nextLink"] = json!(link);
        }
        Answer::json(200, &page)
    }

    /// A message as <https://learn.microsoft.com/graph/api/resources/chatmessage> has it.
    fn shown(&self, posted: &Posted, conversation: &str) -> Value {
        let at = written(posted).to_string();
        let by_bot = posted.from == FakeTeams::BOT;
        let author = self.user(&posted.from);
        let bot = json!({
            "@odata.type": "#microsoft.graph.teamworkApplicationIdentity",
            "id": FakeTeams::APP_ID, "displayName": FakeTeams::BOT_NAME,
            "applicationIdentityType": "bot",
        });
        let user = json!({
            "@odata.type": "#microsoft.graph.teamworkUserIdentity",
            "id": author.aad_object_id, "displayName": author.name,
            "userIdentityType": "aadUser", "tenantId": author.tenant,
        });
        let mark = format!("<at>{}</at>", FakeTeams::BOT_NAME);
        let named = posted.text.strip_prefix(&mark);
        let words = named.unwrap_or(&posted.text).trim_start();
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let named = named.is_some();
        let call = format!("<at id=\"0\">{}</at>&nbsp;", FakeTeams::BOT_NAME);
        let content = format!("<p>{}{words}</p>", if named { call.as_str() } else { "" });
        let mention = json!({
            "id": 0, "mentionText": FakeTeams::BOT_NAME,
            "mentioned": { "application": bot, "device": null, "conversation": null, "user": null },
        });
        let quote = posted.quotes.as_ref().map(|id| {
            json!({ "id": id, "contentType": "messageReference", "contentUrl": null,
                "content": json!({ "messageId": id }).to_string(), "name": null })
        });
        let channel = Kind::of(conversation) == Kind::Channel;
        json!({
            "id": posted.id, "replyToId": posted.thread, "etag": posted.id,
            "messageType": "message", "createdDateTime": at, "lastModifiedDateTime": at,
            "lastEditedDateTime": posted.edited.then_some(&at),
            "deletedDateTime": posted.deleted.then_some(&at), "subject": null, "summary": null,
            "chatId": (!channel).then_some(conversation), "importance": "normal",
            "locale": "en-us", "webUrl": null, "policyViolation": null, "eventDetail": null,
            "from": {
                "application": by_bot.then_some(&bot), "device": null,
                "user": (!by_bot).then_some(user),
            },
            "body": { "contentType": "html", "content": content },
            "channelIdentity": channel
                .then(|| json!({ "teamId": guid("team"), "channelId": conversation })),
            "attachments": quote.into_iter().collect::<Vec<_>>(),
            "mentions": named.then_some(mention).into_iter().collect::<Vec<_>>(),
            "reactions": [], "messageHistory": [],
        })
    }
}
