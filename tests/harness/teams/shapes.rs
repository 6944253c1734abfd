//! The shape of the activities Teams sends
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages>).

use serde_json::{Value, json};

use super::people::guid;
use super::world::{START, World};
use super::{FakeTeams, Kind, Posted, User, text_of, without_nulls};

/// The midnight before the first thing happens, on 2 November 2026.
const MIDNIGHT: u64 = START - 12 * 3_600_000;

impl World {
    pub(super) fn says(
        &mut self,
        conversation: &str,
        user: &str,
        text: &str,
        thread: Option<&str>,
        mentions: bool,
    ) -> Value {
        let user = self.enter(conversation, user);
        let activity = content(text, mentions);
        let posted = Posted {
            thread: thread.map(str::to_owned),
            from: user.id,
            text: text_of(&activity, "text").to_owned(),
            activity,
            ..Posted::default()
        };
        let posted = self.put(conversation, posted);
        self.message(conversation, &posted)
    }

    /// A message, whoever wrote it.
    pub(super) fn message(&self, conversation: &str, posted: &Posted) -> Value {
        let mut author = self.user(&posted.from);
        if posted.from == FakeTeams::BOT {
            author = User { name: FakeTeams::BOT_NAME.to_owned(), bot: true, ..author };
        }
        let root = posted.thread.as_ref().unwrap_or(&posted.id);
        let mut message = self.activity("message", &posted.id, conversation, &author, Some(root));
        let clients = message["entities"].as_array().cloned().unwrap_or_default();
        message.as_object_mut().unwrap().extend(posted.activity.as_object().cloned().unwrap());
        let own = message["entities"].as_array().cloned().unwrap_or_default();
        if own != clients {
            message["entities"] = json!([own, clients].concat());
        }
        message
    }

    pub(super) fn joins(&mut self, conversation: &str, user: &str, member: Value) -> Value {
        let rest = json!({"membersAdded": [member]});
        let mut event = self.event("conversationUpdate", conversation, user, None, rest);
        if Kind::of(conversation) == Kind::Channel {
            event["channelData"]["eventType"] = json!("teamMemberAdded");
        }
        event
    }

    /// Anything but a message that is kept; `about` one in whose thread it happens.
    pub(super) fn event(
        &mut self,
        kind: &str,
        conversation: &str,
        user: &str,
        about: Option<&str>,
        rest: Value,
    ) -> Value {
        let user = self.enter(conversation, user);
        let root = about.map(|id| {
            let thread = self.find(conversation, id).and_then(|posted| posted.thread.clone());
            thread.unwrap_or_else(|| id.to_owned())
        });
        let id = format!("f:{}", guid(&format!("event {}", self.next())));
        let mut event = self.activity(kind, &id, conversation, &user, root.as_ref());
        event.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap());
        event
    }

    /// What every activity says; in a channel, within the thread of `root`.
    fn activity(
        &self,
        kind: &str,
        id: &str,
        conversation: &str,
        from: &User,
        root: Option<&String>,
    ) -> Value {
        let of = Kind::of(conversation);
        let channel = of == Kind::Channel;
        let place = root.filter(|_| channel).map(|root| format!("{conversation};messageid={root}"));
        let team = json!({"id": FakeTeams::TEAM, "name": "Acme", "aadGroupId": guid("team")});
        let at = id.parse().unwrap_or(self.clock).max(START);
        json!({
            "type": kind, "id": id, "channelId": "msteams", "serviceUrl": self.service_url,
            "timestamp": stamp(at, 0, "Z"), "localTimestamp": stamp(at, 1, "+01:00"),
            "localTimezone": "Europe/Berlin", "locale": "en-GB", "from": from.account(),
            "recipient": {"id": FakeTeams::BOT, "name": FakeTeams::BOT_NAME},
            "conversation": without_nulls(json!({
                "id": place.as_deref().unwrap_or(conversation), "conversationType": of.as_str(),
                "tenantId": FakeTeams::TENANT, "isGroup": (of != Kind::Personal).then_some(true),
            })),
            "channelData": without_nulls(json!({
                "tenant": {"id": FakeTeams::TENANT}, "team": channel.then_some(team),
                "channel": channel.then(|| json!({"id": conversation})),
                "teamsTeamId": channel.then_some(FakeTeams::TEAM),
                "teamsChannelId": channel.then_some(conversation),
            })),
            "entities": [{
                "type": "clientInfo", "locale": "en-GB", "country": "DE", "platform": "Web",
                "timezone": "Europe/Berlin",
            }],
        })
    }

    /// What a command of the message extension carries.
    pub(super) fn command(
        &mut self,
        conversation: &str,
        command: &str,
        message: Option<&str>,
    ) -> Value {
        let request = guid(&format!("request {}", self.next())).replace('-', "");
        let mut value = json!({
            "commandId": command, "commandContext": "compose", "requestId": request,
            "context": {"theme": "default"},
        });
        let posted =
            message.and_then(|id| self.find(conversation, id).map(|posted| posted.clone()));
        if let Some(posted) = posted {
            let author = self.user(&posted.from);
            let at = posted.id.parse().unwrap_or(START);
            let link =
                format!("https://teams.microsoft.com/l/message/{conversation}/{}", posted.id);
            value["commandContext"] = json!("message");
            value["messagePayload"] = json!({
                "id": posted.id, "replyToId": posted.thread, "createdDateTime": stamp(at, 0, "Z"),
                "lastModifiedDateTime": null, "deleted": false, "subject": null, "summary": null,
                "importance": "normal", "locale": "en-gb", "reactions": [], "mentions": [],
                "attachments": [],
                "linkToMessage": link,
                "body": {"contentType": "html", "content": html(&posted.text)},
                "from": {"device": null, "conversation": null, "application": null, "user": {
                    "userIdentityType": "aadUser", "id": author.aad_object_id,
                    "displayName": author.name,
                }},
            });
        }
        value
    }
}

/// A person's text in the two forms Teams sends it, with the mention of the bot if there is one.
pub(super) fn content(text: &str, mentions: bool) -> Value {
    let bot = json!({"id": FakeTeams::BOT, "name": FakeTeams::BOT_NAME});
    let mark = format!("<at>{}</at>", FakeTeams::BOT_NAME);
    let shown = if mentions { format!("{mark} {text}") } else { text.to_owned() };
    let page = if mentions {
        let span =
            "<span itemscope=\"\" itemtype=\"http://schema.skype.com/Mention\" itemid=\"0\">";
        format!("<p>{span}{}</span>&nbsp;{}</p>", FakeTeams::BOT_NAME, escape(text))
    } else {
        html(text)
    };
    let mention = json!([{"type": "mention", "mentioned": bot, "text": mark}]);
    without_nulls(json!({
        "text": shown, "textFormat": "plain", "entities": mentions.then_some(mention),
        "attachments": [{"contentType": "text/html", "content": page}],
    }))
}

fn html(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A moment of this November, some hours ahead.
fn stamp(ms: u64, ahead: u64, zone: &str) -> String {
    let (s, ms) = ((ms - MIDNIGHT) / 1000 + ahead * 3600, ms % 1000);
    let (day, hour, minute) = (2 + s / 86_400, s / 3600 % 24, s / 60 % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}:{:02}.{ms:03}{zone}", s % 60)
}
