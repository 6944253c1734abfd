//! What happens in Teams, told as Teams tells a bot of it.

use serde_json::{Value, json};

use super::shapes::content;
use super::{FakeTeams, Posted, text_of, without_nulls};

impl FakeTeams {
    /// Someone writes; the activity that tells the bot. Outside personal chats Teams sends it
    /// only to a bot that may read everything.
    pub fn says(&self, conversation: &str, user: &str, text: &str, thread: Option<&str>) -> Value {
        self.lock().says(conversation, user, text, thread, false)
    }

    /// Someone writes, addressing the bot first.
    pub fn mentions(
        &self,
        conversation: &str,
        user: &str,
        text: &str,
        thread: Option<&str>,
    ) -> Value {
        self.lock().says(conversation, user, text, thread, true)
    }

    /// Someone answers to a message in a chat, by quoting it.
    pub fn quotes(&self, conversation: &str, user: &str, text: &str, message: &str) -> Value {
        let mut world = self.lock();
        let said = world.says(conversation, user, text, None, false);
        let posted = world.find(conversation, text_of(&said, "id")).unwrap();
        posted.quotes = Some(message.to_owned());
        said
    }

    /// The author changes what a message says; whom it addressed it still addresses.
    pub fn edits(&self, conversation: &str, message: &str, text: &str) -> Value {
        let mut world = self.lock();
        let posted = world.find(conversation, message).unwrap();
        let mentions = posted.activity["entities"].is_array();
        posted.edited = true;
        posted.activity = content(text, mentions);
        posted.text = text_of(&posted.activity, "text").to_owned();
        let posted = posted.clone();
        let mut event = world.message(conversation, &posted);
        event["type"] = json!("messageUpdate");
        event["channelData"]["eventType"] = json!("editMessage");
        event
    }

    /// The author deletes a message.
    pub fn deletes(&self, conversation: &str, message: &str) -> Value {
        let mut world = self.lock();
        let posted = world.find(conversation, message).unwrap();
        posted.deleted = true;
        let gone = Posted { activity: json!({}), ..posted.clone() };
        let mut event = world.message(conversation, &gone);
        event["type"] = json!("messageDelete");
        event["channelData"]["eventType"] = json!("softDeleteMessage");
        event
    }

    /// The bot's own message, as an activity.
    pub fn echo(&self, conversation: &str, posted: &Posted) -> Value {
        self.lock().message(conversation, posted)
    }

    /// Someone reacts to a message: `like`, `heart`, `laugh`, `surprised`, `sad`, `angry`.
    pub fn reacts(&self, conversation: &str, user: &str, message: &str, reaction: &str) -> Value {
        let rest = json!({"replyToId": message, "reactionsAdded": [{"type": reaction}]});
        self.lock().event("messageReaction", conversation, user, Some(message), rest)
    }

    /// Someone presses a button of a card, the inputs left as they were.
    pub fn presses(&self, user: &str, conversation: &str, message: &str, action: &Value) -> Value {
        self.fills_in(user, conversation, message, action, &json!({}))
    }

    /// Someone fills in a card's inputs and presses a button. What comes of it depends on the
    /// action: an invoke for `Action.Execute`, a dialog where the data asks for it, else a
    /// message without text.
    pub fn fills_in(
        &self,
        user: &str,
        conversation: &str,
        message: &str,
        action: &Value,
        inputs: &Value,
    ) -> Value {
        let mut data = if action["data"].is_null() { json!({}) } else { action["data"].clone() };
        if let (Some(data), Some(inputs)) = (data.as_object_mut(), inputs.as_object()) {
            data.extend(inputs.clone());
        }
        if action["type"] == "Action.Execute" {
            let pressed = json!({
                "type": "Action.Execute", "title": action["title"], "id": action["id"],
                "verb": action["verb"], "data": data,
            });
            let value = json!({"action": without_nulls(pressed), "trigger": "manual"});
            return self.invoke("adaptiveCard/action", conversation, user, Some(message), value);
        }
        if data["msteams"]["type"] == "task/fetch" {
            return self.dialog_fetch(user, conversation, message, &data);
        }
        let rest = json!({"replyToId": message, "value": data});
        self.lock().event("message", conversation, user, Some(message), rest)
    }

    /// Someone opens a dialog from a card.
    pub fn dialog_fetch(
        &self,
        user: &str,
        conversation: &str,
        message: &str,
        data: &Value,
    ) -> Value {
        let value = json!({"data": data, "context": {"theme": "default"}});
        self.invoke("task/fetch", conversation, user, Some(message), value)
    }

    /// Someone submits a dialog.
    pub fn dialog_submit(&self, user: &str, conversation: &str, data: &Value) -> Value {
        let value = json!({"data": data, "context": {"theme": "default"}});
        self.invoke("task/submit", conversation, user, None, value)
    }

    /// Someone picks a command of the message extension, from a message's menu or below the
    /// compose box
    /// (<https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/create-task-module>).
    pub fn extension_fetch(
        &self,
        user: &str,
        conversation: &str,
        command: &str,
        message: Option<&str>,
    ) -> Value {
        let value = self.lock().command(conversation, command, message);
        self.invoke("composeExtension/fetchTask", conversation, user, message, value)
    }

    /// Someone submits the dialog of such a command.
    pub fn extension_submit(
        &self,
        user: &str,
        conversation: &str,
        command: &str,
        message: Option<&str>,
        data: &Value,
    ) -> Value {
        let mut value = self.lock().command(conversation, command, message);
        value["data"] = data.clone();
        self.invoke("composeExtension/submitAction", conversation, user, message, value)
    }

    /// Someone presses `like` or `dislike` below a message and says why.
    pub fn feedback(
        &self,
        user: &str,
        conversation: &str,
        message: &str,
        reaction: &str,
        why: &str,
    ) -> Value {
        let form = json!({"feedbackText": why}).to_string();
        let given = json!({"reaction": reaction, "feedback": form});
        let value = json!({"actionName": "feedback", "actionValue": given});
        self.invoke("message/submitAction", conversation, user, Some(message), value)
    }

    /// Someone installs the app where they are.
    pub fn installs(&self, conversation: &str, user: &str) -> Value {
        self.installation(conversation, user, true)
    }

    /// Someone uninstalls it; the bot may not write there any more.
    pub fn uninstalls(&self, conversation: &str, user: &str) -> Value {
        self.installation(conversation, user, false)
    }

    fn installation(&self, conversation: &str, user: &str, adds: bool) -> Value {
        let mut world = self.lock();
        world.conversation(conversation).bot = adds;
        let rest = json!({"action": if adds { "add" } else { "remove" }});
        world.event("installationUpdate", conversation, user, None, rest)
    }

    /// Someone adds the bot to a conversation.
    pub fn adds_bot(&self, conversation: &str, user: &str) -> Value {
        let mut world = self.lock();
        world.conversation(conversation).bot = true;
        world.joins(conversation, user, json!({"id": Self::BOT}))
    }

    /// Someone adds somebody else.
    pub fn adds(&self, conversation: &str, user: &str, member: &str) -> Value {
        let mut world = self.lock();
        let member = world.enter(conversation, member);
        let account = without_nulls(json!({
            "id": member.id, "aadObjectId": member.account()["aadObjectId"],
        }));
        world.joins(conversation, user, account)
    }

    /// An activity as it would come from a tenant that is not ours.
    pub fn of_tenant(activity: &Value, tenant: &str) -> Value {
        let mut activity = activity.clone();
        activity["conversation"]["tenantId"] = json!(tenant);
        activity["channelData"]["tenant"]["id"] = json!(tenant);
        activity
    }

    fn invoke(
        &self,
        name: &str,
        conversation: &str,
        user: &str,
        message: Option<&str>,
        value: Value,
    ) -> Value {
        let rest = without_nulls(json!({"name": name, "replyToId": message, "value": value}));
        let mut event = self.lock().event("invoke", conversation, user, message, rest);
        let source = if message.is_some() { "message" } else { "compose" };
        event["channelData"]["source"] = json!({"name": source});
        event
    }
}
