//! Messages that grow while they are written
//! (<https://docs.slack.dev/reference/methods/chat.startStream> and its neighbours).

use serde_json::{Value, json};

use super::limits::check_content;
use super::world::{Workspace, name_blocks, refuse, text_of};
use super::{FakeSlack, Posted};

const LONGEST: usize = 12_000;

impl FakeSlack {
    /// Ends all streams, as Slack does with those that last for minutes.
    pub fn end_streams(&self) {
        for channel in self.lock().channels.values_mut() {
            channel.messages.iter_mut().for_each(|message| message.streams = false);
        }
    }
}

impl Workspace {
    pub(super) fn start_stream(&mut self, with: &Value) -> Result<Value, Value> {
        let channel = self.known(text_of(with, "channel"))?;
        if self.channels[&channel].kind != "im" {
            for to in ["recipient_user_id", "recipient_team_id"] {
                if text_of(with, to).is_empty() {
                    return Err(refuse(&format!("missing_{to}")));
                }
            }
        }
        let thread = text_of(with, "thread_ts");
        if self.find(&channel, thread, "invalid_thread_ts")?.thread_ts.is_some() {
            return Err(refuse("invalid_thread_ts"));
        }
        let posted = self.put(
            &channel,
            Posted {
                thread_ts: Some(thread.to_owned()),
                user: FakeSlack::BOT_USER.to_owned(),
                text: written(with)?,
                streams: true,
                ..Posted::default()
            },
        );
        Ok(json!({"channel": channel, "ts": posted.ts}))
    }

    pub(super) fn append_stream(&mut self, with: &Value) -> Result<Value, Value> {
        let (channel, mut posted) = self.growing(with)?;
        let more = written(with)?;
        if more.is_empty() {
            return Err(refuse("no_text"));
        }
        posted.text.push_str(&more);
        Ok(self.keep(&channel, posted))
    }

    /// Blocks stand under what was written.
    pub(super) fn stop_stream(&mut self, with: &Value) -> Result<Value, Value> {
        let (channel, mut posted) = self.growing(with)?;
        posted.text.push_str(&written(with)?);
        posted.streams = false;
        if !with["blocks"].is_null() || !with["metadata"].is_null() {
            check_content(with)?;
            posted.blocks = with["blocks"].clone();
            posted.metadata = with["metadata"].clone();
            name_blocks(&mut posted.blocks, &mut self.serial);
        }
        Ok(self.keep(&channel, posted))
    }

    fn growing(&self, with: &Value) -> Result<(String, Posted), Value> {
        let channel = self.known(text_of(with, "channel"))?;
        let posted = self.find(&channel, text_of(with, "ts"), "message_not_found")?;
        if !posted.streams {
            return Err(refuse("message_not_in_streaming_state"));
        }
        Ok((channel, posted))
    }
}

fn written(with: &Value) -> Result<String, Value> {
    let text = text_of(with, "markdown_text");
    if text.chars().count() <= LONGEST { Ok(text.to_owned()) } else { Err(refuse("msg_too_long")) }
}
