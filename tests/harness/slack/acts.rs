//! What people do in Slack beside writing and pressing: change and take back, react, send files,
//! open the Home tab and the assistant, use shortcuts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::world::without_nulls;
use super::{FakeSlack, Posted};

impl FakeSlack {
    /// Someone changes what they wrote; the event that tells the app.
    pub fn edits(&self, channel: &str, ts: &str, text: &str) -> Value {
        let mut slack = self.lock();
        let kind = slack.channel(channel, "channel").kind.clone();
        let before = slack.find(channel, ts, "").unwrap();
        let before_shown = slack.shown(&before, false);
        let after = Posted { text: text.to_owned(), edited: true, ..before };
        let shown = slack.shown(&after, false);
        let messages = &mut slack.channel(channel, "channel").messages;
        *messages.iter_mut().find(|m| m.ts == ts).unwrap() = after;
        let event_ts = slack.next_ts();
        slack.callback(
            json!({
                "type": "message", "subtype": "message_changed", "hidden": true,
                "channel": channel, "channel_type": kind, "ts": event_ts, "event_ts": event_ts,
                "message": shown, "previous_message": before_shown,
            }),
            false,
        )
    }

    /// Someone takes back what they wrote.
    pub fn deletes(&self, channel: &str, ts: &str) -> Value {
        let mut slack = self.lock();
        let kind = slack.channel(channel, "channel").kind.clone();
        let before = slack.find(channel, ts, "").unwrap();
        let shown = slack.shown(&before, false);
        slack.channel(channel, "channel").messages.retain(|m| m.ts != ts);
        let event_ts = slack.next_ts();
        slack.callback(
            json!({
                "type": "message", "subtype": "message_deleted", "hidden": true,
                "channel": channel, "channel_type": kind, "ts": event_ts, "event_ts": event_ts,
                "deleted_ts": ts, "previous_message": shown,
            }),
            false,
        )
    }

    /// Someone puts an emoji under a message.
    pub fn reacts(&self, channel: &str, ts: &str, user: &str, emoji: &str) -> Value {
        let mut slack = self.lock();
        let author = slack.find(channel, ts, "").unwrap().user;
        let event_ts = slack.next_ts();
        slack.callback(
            json!({
                "type": "reaction_added", "user": user, "reaction": emoji, "item_user": author,
                "item": {"type": "message", "channel": channel, "ts": ts}, "event_ts": event_ts,
            }),
            false,
        )
    }

    /// Someone writes and sends a file along.
    pub fn sends_file(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        name: &str,
        bytes: &[u8],
    ) -> Value {
        let mut slack = self.lock();
        let kind = slack.channel(channel, "im").kind.clone();
        let id = format!("F{}", slack.next());
        let url = format!("{}/files/{id}", self.api_url());
        slack.files.insert(id.clone(), bytes.to_vec());
        let file = json!({
            "id": id, "name": name, "title": name, "mode": "hosted", "size": bytes.len(),
            "mimetype": "application/octet-stream", "url_private": url,
            "url_private_download": url,
        });
        let (user, text) = (user.to_owned(), text.to_owned());
        let posted = Posted { user, text, files: vec![file], ..Posted::default() };
        let posted = slack.put(channel, posted);
        let mut event = slack.message_event(&posted, channel, &kind);
        event["event"]["subtype"] = json!("file_share");
        event
    }

    pub fn opens_home(&self, user: &str) -> Value {
        let mut slack = self.lock();
        let event_ts = slack.next_ts();
        slack.callback(
            json!({
                "type": "app_home_opened", "user": user, "channel": format!("D{user}"),
                "tab": "home", "event_ts": event_ts,
            }),
            false,
        )
    }

    /// What somebody's Home tab shows.
    pub fn home(&self, user: &str) -> Value {
        self.lock().homes.get(user).cloned().unwrap_or_default()
    }

    pub fn opens_assistant(&self, user: &str) -> Value {
        let mut slack = self.lock();
        let channel = format!("D{user}");
        slack.channel(&channel, "im");
        let begun = Posted { user: Self::BOT_USER.to_owned(), ..Posted::default() };
        let begun = slack.put(&channel, begun);
        let event_ts = slack.next_ts();
        slack.callback(
            json!({
                "type": "assistant_thread_started", "event_ts": event_ts,
                "assistant_thread": {
                    "user_id": user, "channel_id": channel, "thread_ts": begun.ts, "context": {},
                },
            }),
            false,
        )
    }

    /// Someone uses a shortcut that stands nowhere.
    pub fn uses_shortcut(&self, user: &str, callback_id: &str) -> Value {
        let mut slack = self.lock();
        let action_ts = slack.next_ts();
        let rest = json!({ "callback_id": callback_id, "action_ts": action_ts });
        slack.interaction("shortcut", user, rest)
    }

    /// Someone uses a shortcut on a message.
    pub fn uses_message_shortcut(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        callback_id: &str,
    ) -> Value {
        let mut slack = self.lock();
        let posted = slack.find(channel, ts, "").unwrap();
        let rest = json!({
            "callback_id": callback_id, "message_ts": ts, "message": slack.shown(&posted, false),
            "channel": {"id": channel, "name": channel.to_lowercase()},
            "response_url": format!("{}/actions/{}", self.url, slack.next()),
        });
        slack.interaction("message_action", user, rest)
    }

    /// Someone presses or chooses something in a view that stays open; `values` as it stands.
    pub fn chooses(&self, user: &str, view: &Value, action: Value, values: Value) -> Value {
        let mut slack = self.lock();
        let mut view = view.clone();
        view["state"] = json!({"values": values});
        let container = json!({"type": "view", "view_id": view["id"]});
        let rest = json!({"container": container, "view": view, "actions": [action]});
        slack.interaction("block_actions", user, without_nulls(rest))
    }
}

/// A file, for the bot alone.
pub(super) async fn file(
    State(fake): State<FakeSlack>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Vec<u8>, StatusCode> {
    let bearer = format!("Bearer {}", FakeSlack::BOT_TOKEN);
    let allowed = headers.get(header::AUTHORIZATION);
    if allowed.is_none_or(|token| token.as_bytes() != bearer.as_bytes()) {
        return Err(StatusCode::FORBIDDEN);
    }
    fake.lock().files.get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}
