//! What the Bot Connector answers
//! (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>),
//! refusing in the words Teams documents
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability>).

use std::collections::HashMap;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Path, Query, State};
use axum::http::{HeaderMap, Method, Response, header};
use serde_json::{Value, json};

use super::answer::Answer;
use super::limits::{check_activity, check_size};
use super::people::guid;
use super::rates::Scenario;
use super::sign_in::Service;
use super::streams;
use super::world::{Conversation, File, World};
use super::{CARD, Call, FakeTeams, Kind, Posted, chat_with, list, text_of, without_nulls};

const CONVERSATIONS: &str = "/emea/v3/conversations";
const ACTIVITIES: &str = "/emea/v3/conversations/{conversation}/activities";
const ACTIVITY: &str = "/emea/v3/conversations/{conversation}/activities/{activity}";
const MEMBER: &str = "/emea/v3/conversations/{conversation}/members/{member}";
const PAGED_MEMBERS: &str = "/emea/v3/conversations/{conversation}/pagedmembers";
const ATTACHMENT: &str = "/emea/v3/attachments/{attachment}";
const VIEW: &str = "/emea/v3/attachments/{attachment}/views/{view}";
const TEAM: &str = "/emea/v3/teams/{team}";

pub(super) const PATHS: [&str; 8] =
    [CONVERSATIONS, ACTIVITIES, ACTIVITY, MEMBER, PAGED_MEMBERS, ATTACHMENT, VIEW, TEAM];

type Names = HashMap<String, String>;

pub(super) async fn connect(
    State(fake): State<FakeTeams>,
    method: Method,
    path: MatchedPath,
    Path(names): Path<Names>,
    Query(query): Query<Names>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let call = match (method.as_str(), path.as_str()) {
        ("POST", CONVERSATIONS) => Call::CreateConversation,
        ("POST", ACTIVITIES) => Call::SendToConversation,
        ("POST", ACTIVITY) => Call::ReplyToActivity,
        ("PUT", ACTIVITY) => Call::UpdateActivity,
        ("DELETE", ACTIVITY) => Call::DeleteActivity,
        ("GET", MEMBER) => Call::GetConversationMember,
        ("GET", PAGED_MEMBERS) => Call::GetConversationPagedMembers,
        ("GET", ATTACHMENT) => Call::GetAttachmentInfo,
        ("GET", VIEW) => Call::GetAttachment,
        ("GET", TEAM) => Call::FetchTeamDetails,
        _ => return Response::builder().status(405).body(Body::empty()).unwrap(),
    };
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let named = |name: &str| names.get(name).map(String::as_str).unwrap_or_default();
    let mut with = json!(names);
    if !sent.is_null() {
        with["body"] = sent.clone();
    }
    fake.answer(call, with, |world| {
        world.check_token(&headers, Service::Connector)?;
        check_size(&body)?;
        let (place, activity) = (named("conversation"), named("activity"));
        match call {
            Call::CreateConversation => world.create(&sent),
            Call::SendToConversation => world.post(place, None, &sent),
            Call::ReplyToActivity => world.post(place, Some(activity), &sent),
            Call::UpdateActivity => world.update(place, activity, &sent),
            Call::DeleteActivity => world.delete(place, activity),
            Call::GetConversationMember => world.member(place, named("member")),
            Call::GetConversationPagedMembers => world.paged_members(place, &query),
            Call::FetchTeamDetails => team(named("team")),
            Call::GetAttachmentInfo => {
                let file = world.file(named("attachment"))?;
                let views = json!([{"viewId": "original", "size": file.bytes.len()}]);
                let info = json!({"name": file.name, "type": file.kind, "views": views});
                Ok(Answer::json(200, &info))
            }
            _ => {
                let file = world.file(named("attachment"))?;
                Ok(Answer::file(&file.kind, &file.bytes))
            }
        }
    })
}

/// The address of an upload is its own key: no token belongs there.
pub(super) async fn download(
    State(fake): State<FakeTeams>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let with = json!({"file": file, "token": headers.contains_key(header::AUTHORIZATION)});
    fake.answer(Call::Download, with, |world| {
        let file = world.file(&file)?;
        Ok(Answer::file(&file.kind, &file.bytes))
    })
}

fn not_found(code: &str) -> Answer {
    Answer::error(404, code, "Conversation not found.")
}

/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context>
fn team(id: &str) -> Result<Answer, Answer> {
    if id != FakeTeams::TEAM {
        return Err(Answer::error(404, "NotFound", "Team not found."));
    }
    let team = json!({"id": id, "name": "Acme", "aadGroupId": guid("team")});
    Ok(Answer::json(200, &team))
}

fn bad_syntax(message: &str) -> Answer {
    Answer::error(400, "BadSyntax", message)
}

fn id(id: &str) -> Value {
    json!({"id": id})
}

impl World {
    /// The conversation an id means and, if it says so, the message that began the thread.
    fn place(&self, id: &str) -> Result<(String, Option<String>), Answer> {
        let (id, root) = id.split_once(";messageid=").map_or((id, None), |(id, m)| (id, Some(m)));
        let conversation = self.known(id)?;
        let begins = |m: &Posted| Some(m.id.as_str()) == root && m.thread.is_none();
        let threads = Kind::of(id) == Kind::Channel && conversation.messages.iter().any(begins);
        if root.is_some() && !threads {
            return Err(not_found("ConversationNotFound"));
        }
        Ok((id.to_owned(), root.map(str::to_owned)))
    }

    fn known(&self, id: &str) -> Result<&Conversation, Answer> {
        let found = self.conversations.get(id);
        let conversation = found.ok_or_else(|| not_found("ConversationNotFound"))?;
        if conversation.bot {
            return Ok(conversation);
        }
        let text = "The bot is not part of the conversation roster.";
        Err(Answer::error(403, "BotNotInConversationRoster", text))
    }

    fn count(&mut self, scenario: Scenario, place: &str, calls: usize) -> Result<(), Answer> {
        let rates = self.rates.as_mut();
        let counted = rates.map(|it| it.admit(scenario, place, calls, Instant::now()));
        counted.unwrap_or(Ok(())).map_err(Answer::throttled)
    }

    /// One person's chat, or a new thread of a channel; nothing else can be created.
    fn create(&mut self, with: &Value) -> Result<Answer, Answer> {
        self.count(Scenario::Create, "", 1)?;
        let activity = &with["activity"];
        let data = &with["channelData"];
        if let Some(channel) = data["channel"]["id"].as_str() {
            self.known(channel)?;
            check_activity(activity)?;
            let begun = self.keep_message(channel, None, activity);
            let place = format!("{channel};messageid={}", begun.id);
            return Ok(Answer::json(201, &json!({"id": place, "activityId": begun.id})));
        }
        let tenant = with["tenantId"].as_str().or(data["tenant"]["id"].as_str());
        let members: Vec<_> = list(&with["members"]).map(|member| text_of(member, "id")).collect();
        let ([member], Some(FakeTeams::TENANT), false) =
            (&members[..], tenant, with["isGroup"] == true)
        else {
            return Err(bad_syntax("Incorrect conversation creation parameters"));
        };
        let known = |id: &str| self.users.values().find(|u| u.id == id || u.aad_object_id == id);
        let unknown = || Answer::error(400, "MemberNotFoundInConversation", "Unknown member.");
        let chat = chat_with(&known(member).ok_or_else(unknown)?.id);
        if !self.conversations.get(&chat).is_some_and(|chat| chat.bot) {
            let text = "Bot isn't installed in user's personal scope";
            return Err(Answer::error(403, "ForbiddenOperationException", text));
        }
        let mut answer = id(&chat);
        if !activity.is_null() {
            check_activity(activity)?;
            answer["activityId"] = json!(self.keep_message(&chat, None, activity).id);
        }
        Ok(Answer::json(201, &answer))
    }

    /// Text and attachments in one activity become two messages, of which neither id is told
    /// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages>).
    fn post(
        &mut self,
        place: &str,
        reply_to: Option<&str>,
        sent: &Value,
    ) -> Result<Answer, Answer> {
        let (conversation, mut thread) = self.place(place)?;
        check_activity(sent)?;
        if let Some(replied) = reply_to {
            let replied = self.sent_before(&conversation, replied)?;
            if Kind::of(&conversation) == Kind::Channel {
                thread = thread.or(replied.thread).or(Some(replied.id));
            }
        }
        let splits = !text_of(sent, "text").is_empty() && list(&sent["attachments"]).count() > 0;
        self.count(Scenario::Send, &conversation, if splits { 2 } else { 1 })?;
        if let Some(info) = streams::info(sent) {
            return self.stream(&conversation, sent, &info);
        }
        if sent["type"] == "typing" {
            return Ok(Answer::json(201, &id(&self.next().to_string())));
        }
        if !splits {
            let posted = self.keep_message(&conversation, thread, sent);
            return Ok(Answer::json(201, &id(&posted.id)));
        }
        for left_out in ["attachments", "text"] {
            let mut half = sent.clone();
            half.as_object_mut().unwrap().remove(left_out);
            self.keep_message(&conversation, thread.clone(), &half);
        }
        Ok(Answer::json(201, &json!({})))
    }

    pub(super) fn keep_message(
        &mut self,
        place: &str,
        thread: Option<String>,
        sent: &Value,
    ) -> Posted {
        let from = FakeTeams::BOT.to_owned();
        self.put(place, Posted { thread, from, ..holding(sent) })
    }

    fn sent_before(&mut self, conversation: &str, activity: &str) -> Result<Posted, Answer> {
        let posted = self.find(conversation, activity).map(|posted| posted.clone());
        posted.ok_or_else(|| not_found("ActivityNotFoundInConversation"))
    }

    /// A message of the bot's own.
    fn own(&mut self, place: &str, activity: &str) -> Result<(String, Posted), Answer> {
        let (conversation, _) = self.place(place)?;
        let posted = self.sent_before(&conversation, activity)?;
        if posted.from != FakeTeams::BOT {
            let text = "A bot changes only what it sent.";
            return Err(Answer::error(403, "NotEnoughPermissions", text));
        }
        self.count(Scenario::Send, &conversation, 1)?;
        Ok((conversation, posted))
    }

    /// Nothing of the message before is kept but its place.
    fn update(&mut self, place: &str, activity: &str, sent: &Value) -> Result<Answer, Answer> {
        let (conversation, old) = self.own(place, activity)?;
        check_activity(sent)?;
        if old.streams.is_some() {
            let text = "The message is being streamed.";
            return Err(Answer::error(403, "ContentStreamNotAllowed", text));
        }
        if let Some(posted) = self.find(&conversation, activity) {
            let Posted { id, thread, from, .. } = old;
            *posted = Posted { id, thread, from, edited: true, ..holding(sent) };
        }
        Ok(Answer::json(200, &id(activity)))
    }

    fn delete(&mut self, place: &str, activity: &str) -> Result<Answer, Answer> {
        let (conversation, _) = self.own(place, activity)?;
        if let Some(posted) = self.find(&conversation, activity) {
            posted.deleted = true;
        }
        Ok(Answer::empty(200))
    }

    /// By either id.
    fn member(&mut self, place: &str, member: &str) -> Result<Answer, Answer> {
        let (conversation, _) = self.place(place)?;
        self.count(Scenario::Members, &conversation, 1)?;
        let mut members = self.known(&conversation)?.members.iter().map(|id| self.user(id));
        let found = members.find(|user| user.id == member || user.aad_object_id == member);
        let unknown = || Answer::error(404, "MemberNotFoundInConversation", "Unknown member.");
        Ok(Answer::json(200, &found.ok_or_else(unknown)?.shown()))
    }

    /// Fifty to five hundred at a time.
    fn paged_members(&mut self, place: &str, query: &Names) -> Result<Answer, Answer> {
        let (conversation, _) = self.place(place)?;
        self.count(Scenario::Members, &conversation, 1)?;
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let from = number("continuationToken").unwrap_or(0);
        let size = number("pageSize").unwrap_or(200).clamp(50, 500);
        let all = &self.known(&conversation)?.members;
        let page = all.iter().skip(from).take(size).map(|id| self.user(id).shown());
        let members: Vec<_> = page.collect();
        let next = (from + size < all.len()).then(|| (from + size).to_string());
        let answer = without_nulls(json!({"members": members, "continuationToken": next}));
        Ok(Answer::json(200, &answer))
    }

    fn file(&self, id: &str) -> Result<&File, Answer> {
        self.files.get(id).ok_or_else(|| Answer::error(404, "NotFound", "There is no such file."))
    }
}

/// A message with what was sent, its place still to be filled in.
pub(super) fn holding(sent: &Value) -> Posted {
    let card = list(&sent["attachments"]).find(|it| it["contentType"] == CARD);
    Posted {
        text: text_of(sent, "text").to_owned(),
        card: card.map(|it| it["content"].clone()).unwrap_or_default(),
        activity: sent.clone(),
        ..Posted::default()
    }
}
