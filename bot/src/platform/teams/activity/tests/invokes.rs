//! What Teams wants an answer to.

use super::*;

fn invoke(name: &str, value: &Value) -> Activity {
    read(&activity(&json!({
        "type": "invoke", "name": name, "value": value, "id": "f:1", "replyToId": "1699",
    })))
}

#[test]
fn presses() {
    let execute = |verb: &str, data: Value| {
        invoke(
            "adaptiveCard/action",
            &json!({ "action": { "type": "Action.Execute", "verb": verb, "data": data }, "trigger": "manual" }),
        )
    };
    for (verb, button) in [
        ("firstline.solved", Button::Solved),
        ("firstline.not_helpful", Button::NotHelpful),
        ("firstline.talk_to_person", Button::TalkToPerson),
    ] {
        let submit = read(&activity(&json!({
            "value": { "verb": verb, "request": "r1" }, "text": null, "replyToId": "1699",
        })));
        for (read, invoke) in [(execute(verb, json!({ "request": "r1" })), true), (submit, false)] {
            assert_eq!(read.wants_answer(), invoke);
            let Activity::Pressed(pressed) = read else { panic!("{read:?}") };
            assert_eq!((pressed.button, pressed.request.as_str()), (button, "r1"));
            assert_eq!((pressed.reply_to.as_deref(), pressed.invoke), (Some("1699"), invoke));
        }
    }
    for (verb, data) in [
        ("firstline.future", json!({ "request": "r1" })),
        ("firstline.solved", json!({ "request": "" })),
        ("firstline.solved", json!({})),
        ("firstline.solved", json!(7)),
    ] {
        let unknown = Activity::Unknown { invoke: "adaptiveCard/action".into() };
        assert_eq!(execute(verb, data), unknown, "{verb}");
    }
}

#[test]
fn dialogs_and_feedback_want_an_answer() {
    let data = json!({ "request": "r1", "msteams": { "type": "task/fetch" } });
    for (name, value) in [
        ("task/fetch", json!({ "data": data, "context": { "theme": "dark" } })),
        ("task/submit", json!({ "data": data })),
    ] {
        let read = invoke(name, &value);
        assert!(read.wants_answer());
        let (Activity::DialogFetch(dialog) | Activity::DialogSubmit(dialog)) = read else {
            panic!("{read:?}")
        };
        assert_eq!((dialog.data, dialog.reply_to.as_deref()), (data.clone(), Some("1699")));
    }
    let feedback = |reaction: &str, words: &str| {
        invoke(
            "message/submitAction",
            &json!({ "actionName": "feedback", "actionValue": { "reaction": reaction, "feedback": words } }),
        )
    };
    for (reaction, words, positive, text) in [
        ("like", "{\"feedbackText\":\"Good.\"}", true, "Good."),
        ("dislike", "{\"feedbackText\":\"\"}", false, ""),
        ("dislike", "not JSON", false, ""),
    ] {
        let read = feedback(reaction, words);
        let Activity::Feedback(given) = read else { panic!("{read:?}") };
        assert_eq!((given.positive, given.text.as_str()), (positive, text));
        assert_eq!(given.reply_to, "1699");
    }
    for (name, value) in [
        ("message/submitAction", json!({ "actionName": "future" })),
        (
            "message/submitAction",
            json!({ "actionName": "feedback", "actionValue": { "reaction": "shrug" } }),
        ),
        ("signin/verifyState", json!({})),
        ("composeExtension/query", json!({})),
    ] {
        let read = invoke(name, &value);
        assert_eq!(read, Activity::Unknown { invoke: name.into() });
        assert!(read.wants_answer() && read.event_id().is_none());
    }
    let malformed = read(&json!({ "type": "invoke", "name": "task/fetch" }));
    assert_eq!(malformed, Activity::Unknown { invoke: "task/fetch".into() });
}

#[test]
fn a_ticket_from_a_message() {
    let payload = |content_type: &str, content: &str| {
        json!({
            "commandId": "fileTicket", "commandContext": "message",
            "messagePayload": {
                "id": "1699", "linkToMessage": "https://teams.example/l/message/1",
                "from": { "user": { "id": "aad-ben", "displayName": "Ben" }, "application": null },
                "body": { "contentType": content_type, "content": content },
            },
            "data": { "kind": "bug" },
        })
    };
    for (content_type, content, text) in
        [("html", "<p>It is <b>down</b></p>", "It is **down**"), ("text", "a <b> c", "a <b> c")]
    {
        let read = invoke("composeExtension/fetchTask", &payload(content_type, content));
        let Activity::ExtensionFetch(extension) = read else { panic!("{read:?}") };
        assert_eq!((extension.command.as_str(), &extension.data), ("fileTicket", &Value::Null));
        let quoted = Quoted {
            id: "1699".into(),
            text: text.into(),
            author: Some("aad-ben".into()),
            author_name: "Ben".into(),
            link: Some("https://teams.example/l/message/1".into()),
        };
        assert_eq!(extension.message, Some(quoted));
    }
    let sent = invoke("composeExtension/submitAction", &payload("text", "x"));
    let Activity::ExtensionSubmit(sent) = sent else { panic!("{sent:?}") };
    assert_eq!(sent.data, json!({ "kind": "bug" }));
    let mut elsewhere = payload("text", "x");
    elsewhere["commandContext"] = json!("compose");
    let read = invoke("composeExtension/fetchTask", &elsewhere);
    let Activity::ExtensionFetch(extension) = read else { panic!("{read:?}") };
    assert_eq!(extension.message, None);
}
