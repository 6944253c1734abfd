//! Every interaction and command Slack documents, over the wire: what is not the bot's is
//! answered and passed over, what is wrong is refused in words, and neither leaves anything
//! behind. The shapes are those of <https://docs.slack.dev/reference/interaction-payloads>,
//! <https://docs.slack.dev/interactivity/implementing-slash-commands> and, for what Slack has
//! retired and still sends for old messages, <https://api.slack.com/dialogs>.

use acceptance::db::on_both;
use acceptance::slack::{FakeSlack, form, now, signed};
use serde_json::{Deserializer, Value, json};

use crate::slack::{Desk, QUESTION};

/// Whatever could be seen by anybody.
const SEEN: [&str; 7] = [
    "chat.postMessage",
    "chat.postEphemeral",
    "chat.update",
    "conversations.open",
    "views.open",
    "views.publish",
    "views.update",
];

/// Interactions that are nothing to the bot.
const PASSED_OVER: &str = r#"
{"type": "block_suggestion", "action_id": "elsewhere", "block_id": "b", "value": "inv",
 "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1", "type": "modal"}}
{"type": "dialog_cancellation", "callback_id": "old", "state": "x", "action_ts": "1.1",
 "channel": {"id": "C1"}, "response_url": "https://hooks.example/1"}
{"type": "dialog_submission", "callback_id": "old", "submission": {"summary": "hi"},
 "state": "x", "action_ts": "1.1", "channel": {"id": "C1"}}
{"type": "dialog_suggestion", "callback_id": "old", "name": "system", "value": "key",
 "action_ts": "1.1", "channel": {"id": "C1"}}
{"type": "interactive_message", "callback_id": "old", "actions": [{"name": "firstline.solved",
 "type": "button", "value": "r1"}], "channel": {"id": "C1"}, "message_ts": "1.1",
 "attachment_id": "1", "original_message": {"text": "hi", "ts": "1.1"}}
{"type": "message_action", "callback_id": "elsewhere", "channel": {"id": "C1"},
 "message_ts": "1.1", "message": {"type": "message", "user": "UBEN", "ts": "1.1", "text": "hi"}}
{"type": "shortcut", "callback_id": "elsewhere", "action_ts": "1.1"}
{"type": "view_closed", "is_cleared": false, "view": {"id": "V1", "type": "modal",
 "callback_id": "firstline.ticket", "private_metadata": "\"nothing\"", "state": {"values": {}}}}
{"type": "view_submission", "response_urls": [], "view": {"id": "V1", "type": "modal",
 "callback_id": "elsewhere", "private_metadata": "", "state": {"values": {}}}}
{"type": "view_submission", "view": {"id": "V1", "type": "modal",
 "callback_id": "firstline.ticket", "private_metadata": "{", "state": {"values": {}}}}
{"type": "view_submission", "view": {"id": "V1", "type": "modal",
 "callback_id": "firstline.correction", "private_metadata": "", "state": {"values": {}}}}
{"type": "workflow_step_edit", "callback_id": "old", "workflow_step": {"workflow_id": "W1",
 "step_id": "1", "inputs": {}, "outputs": []}}
{"type": "block_actions", "actions": []}
{"type": "block_actions", "function_data": {"execution_id": "Fx1", "function": {"callback_id":
 "f"}, "inputs": {}}, "interactivity": {"interactor": {"id": "UANA", "secret": "x"},
 "interactivity_pointer": "1.2"}, "bot_access_token": "xwfp-x", "actions": [{"type": "button",
 "action_id": "approve", "block_id": "b", "value": "r1", "action_ts": "1.1"}]}
"#;

/// What people can press and choose in blocks, by <https://docs.slack.dev/reference/block-kit>.
const ELEMENTS: &str = r#"
{"type": "button", "value": "r1", "text": {"type": "plain_text", "text": "Go"}}
{"type": "channels_select", "selected_channel": "C1"}
{"type": "checkboxes", "selected_options": [{"value": "a"}]}
{"type": "conversations_select", "selected_conversation": "C1"}
{"type": "datepicker", "selected_date": "2026-03-02"}
{"type": "datetimepicker", "selected_date_time": 1772442000}
{"type": "email_text_input", "value": "ana@example.com"}
{"type": "external_select", "selected_option": {"value": "a"}}
{"type": "feedback_buttons", "value": "positive_feedback"}
{"type": "icon_button", "icon": "trash", "value": "r1"}
{"type": "multi_channels_select", "selected_channels": ["C1"]}
{"type": "multi_conversations_select", "selected_conversations": ["C1"]}
{"type": "multi_external_select", "selected_options": [{"value": "a"}]}
{"type": "multi_static_select", "selected_options": []}
{"type": "multi_users_select", "selected_users": ["UBEN"]}
{"type": "number_input", "value": "3"}
{"type": "overflow", "selected_option": {"value": "a"}}
{"type": "plain_text_input", "value": "hi"}
{"type": "radio_buttons", "selected_option": {"value": "a"}}
{"type": "rich_text_input", "rich_text_value": {"type": "rich_text", "elements": []}}
{"type": "static_select", "selected_option": null}
{"type": "timepicker", "selected_time": "09:00"}
{"type": "url_text_input", "value": "https://example.com"}
{"type": "users_select", "selected_user": "UBEN"}
{"type": "workflow_button"}
"#;

fn rows(table: &str) -> impl Iterator<Item = Value> {
    Deserializer::from_str(table).into_iter().map(Result::unwrap)
}

/// An interaction with one element, under a message in a channel.
fn under_a_message(mut action: Value, id: &str) -> Value {
    action["action_id"] = json!(id);
    action["block_id"] = json!("b");
    action["action_ts"] = json!("1.1");
    json!({
        "type": "block_actions", "actions": [action], "channel": { "id": "C1", "name": "c1" },
        "container": { "type": "message", "message_ts": "1.1", "channel_id": "C1" },
        "message": { "type": "message", "user": "UBOT", "bot_id": "B1", "ts": "1.1", "text": "hi" },
        "state": { "values": {} }, "response_url": "https://hooks.example/1",
    })
}

/// The same in a view.
fn in_a_view(mut action: Value, id: &str, view: Value) -> Value {
    action["action_id"] = json!(id);
    action["action_ts"] = json!("1.1");
    json!({
        "type": "block_actions", "actions": [action], "view": view,
        "container": { "type": "view", "view_id": "V1" },
    })
}

/// Interactions that are the bot's: what Slack is asked for, and whether the form stays open.
fn answered() -> Vec<(Value, &'static [&'static str], bool)> {
    let button = || json!({ "type": "button", "value": "no such request" });
    let home = || json!({ "id": "V1", "type": "home", "callback_id": "" });
    let form = || {
        json!({ "id": "V1", "hash": "1.x", "type": "modal", "callback_id": "firstline.ticket",
            "private_metadata": "\"nothing\"", "state": { "values": {} } })
    };
    let mut correction = form();
    correction["callback_id"] = json!("firstline.correction");
    correction["private_metadata"] = json!("{\"key\":\"NONE-1\",\"version\":1}");
    let whisper: &[&str] = &["chat.postEphemeral"];
    vec![
        (json!({ "type": "shortcut", "callback_id": "firstline.file" }), &["views.open"], false),
        (
            json!({ "type": "message_action", "callback_id": "firstline.file_from_message",
                "channel": { "id": "C1" }, "message_ts": "1.1",
                "message": { "type": "message", "user": "UBEN", "ts": "1.1", "text": "hi" } }),
            &["views.open"],
            false,
        ),
        (in_a_view(button(), "firstline.new_ticket", home()), &["views.open"], false),
        (
            in_a_view(json!({ "type": "static_select", "block_id": "kind" }), "value", form()),
            &["views.update"],
            false,
        ),
        (under_a_message(button(), "firstline.solved"), whisper, false),
        (under_a_message(button(), "firstline.not_helpful"), whisper, false),
        (under_a_message(button(), "firstline.talk_to_person"), whisper, false),
        (under_a_message(button(), "firstline.file_ticket"), whisper, false),
        (under_a_message(button(), "firstline.correct"), whisper, false),
        (in_a_view(button(), "firstline.review", home()), &["views.publish"], false),
        (json!({ "type": "view_submission", "view": form() }), &[], true),
        (json!({ "type": "view_submission", "view": correction }), &[], true),
    ]
}

impl Desk {
    /// How often each of these was asked of Slack.
    fn seen(&self) -> [usize; SEEN.len()] {
        SEEN.map(|method| self.slack.calls(method).len())
    }

    /// Somebody's interaction, with what all have in common: what Slack was asked for, and the
    /// answer.
    async fn interacts(&self, user: &str, row: &Value) -> (Vec<&'static str>, String) {
        let mut payload = self.slack.uses_shortcut(user, "");
        let members = payload.as_object_mut().unwrap();
        members.remove("callback_id");
        members.extend(row.as_object().unwrap().clone());
        let before = self.seen();
        let reply = self.slack.send_interaction(&self.url, &payload).await;
        assert_eq!(reply.status(), 200, "{row}");
        let body = reply.text().await.unwrap();
        self.bot.run().await;
        let after = self.seen();
        let asked = (0..SEEN.len()).filter(|at| after[*at] > before[*at]).map(|at| SEEN[at]);
        (asked.collect(), body)
    }
}

#[tokio::test]
async fn every_documented_interaction_is_answered_or_passed_over() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        desk.slack.add_channel("C1", "channel");
        let elements = rows(ELEMENTS).flat_map(|element| {
            let home = json!({ "id": "V1", "type": "home", "callback_id": "elsewhere" });
            let view = in_a_view(element.clone(), "elsewhere", home);
            [view, under_a_message(element, "elsewhere")]
        });
        for row in rows(PASSED_OVER).chain(elements) {
            assert_eq!(desk.interacts("UANA", &row).await, (vec![], String::new()), "{row}");
        }
        for (row, asked, stays_open) in answered() {
            let (seen, body) = desk.interacts("UANA", &row).await;
            assert_eq!(seen, asked, "{row}");
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            assert_eq!(body["response_action"] == "errors", stays_open, "{row}");
            // Whom Slack does not know has nothing here, whatever they press.
            let nobody = desk.interacts("UNOBODY", &row).await;
            assert_eq!(nobody, (vec![], String::new()), "{row}");
        }
        assert_eq!(desk.tickets().await.len(), 0);
        assert_eq!(desk.bot.app.store.jobs(None, 10).await.unwrap().len(), 0);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_asks_nothing_leaves_nothing() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        for (user, text) in [("UANA", ""), ("UANA", "help"), ("UANA", "  "), ("UNOBODY", QUESTION)]
        {
            let reply = desk.slack.send_command(&desk.url, user, "C1", "/firstline", text).await;
            assert_eq!(reply.status(), 200, "{user}: {text}");
            let shown: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
            assert_eq!(shown["response_type"], "ephemeral", "{user}: {text}");
            assert!(shown["text"].as_str().is_some_and(|says| !says.is_empty()), "{shown}");
        }
        // Now and then Slack looks whether the address answers.
        let body = form(&json!({ "ssl_check": "1", "token": "verification" }));
        let mut check = reqwest::Client::new().post(format!("{}/slack/commands", desk.url));
        for (name, value) in signed(FakeSlack::SIGNING_SECRET, now(), &body) {
            check = check.header(name, value);
        }
        assert_eq!(check.body(body).send().await.unwrap().status(), 200);
        desk.bot.run().await;
        assert_eq!(desk.seen(), [0; SEEN.len()]);
        assert_eq!(desk.bot.app.store.jobs(None, 10).await.unwrap().len(), 0);
        desk.bot.assert_quiet().await;
    })
    .await;
}
