//! Every activity the Bot Framework and Teams document is read for what it is or passed over by
//! name, and none that lacks a member or bears it in another shape is taken for more than it
//! says.
#![allow(clippy::unwrap_used)]

mod passed_over;

use std::collections::BTreeSet;
use std::mem::discriminant;

use serde_json::{Deserializer, Value, json};

use super::activity::{Activity, Feedback, Origin, Pressed, Reacted, Reviewed, Scope, read};
use crate::platform::mutations::mutations;
use crate::platform::offer::button_of;
use crate::platform::review::AGREE;
use passed_over::{PASSED_OVER, UNKNOWN};

/// What the bot takes up, and as what.
const TAKEN_UP: &str = r#"
["said", {"text": "<at>Firstline</at> hi", "entities": [{"type": "mention", "text":
 "<at>Firstline</at>", "mentioned": {"id": "28:bot", "name": "Firstline"}}]}]
["said", {"text": "hi", "channelData": {"tenant": {"id": "tenant-2"}, "channel":
 {"id": "19:c@thread.tacv2", "type": "shared"}}}]
["said", {"text": "hi", "conversation": {"conversationType": "personal", "id": "a:1",
 "tenantId": "tenant-1"}, "channelData": {"tenant": {"id": "tenant-1"}}}]
["said", {"text": "hi", "conversation": {"conversationType": "groupChat", "id": "19:g@thread.v2",
 "tenantId": "tenant-1", "isGroup": true}, "channelData": {"source": {"name": "message"}}}]
["said", {"text": "see this", "attachments": [{"contentType": "text/html", "content": "<p>a</p>"},
 {"contentType": "application/vnd.microsoft.teams.file.download.info", "name": "a.txt",
 "content": {"downloadUrl": "https://x.sharepoint.com/a", "fileType": "txt"}}]}]
["edited", {"type": "messageUpdate", "text": "hi", "channelData": {"eventType": "editMessage"}}]
["edited", {"type": "messageUpdate", "text": "hi",
 "channelData": {"eventType": "undeleteMessage", "tenant": {"id": "tenant-1"}}}]
["deleted", {"type": "messageDelete", "channelData": {"eventType": "softDeleteMessage"}}]
["reacted", {"type": "messageReaction", "replyToId": "1699", "reactionsAdded": [{"type": "like"}]}]
["reacted", {"type": "messageReaction", "replyToId": "1699",
 "reactionsRemoved": [{"type": "1f44d_thumbsup"}]}]
["installed", {"type": "installationUpdate", "action": "add",
 "channelData": {"settings": {"selectedChannel": {"id": "19:c@thread.tacv2"}}}}]
["added", {"type": "conversationUpdate", "membersAdded": [{"id": "29:1ana"}, {"id": "28:bot"}],
 "channelData": {"eventType": "teamMemberAdded", "team": {"id": "19:t@thread.tacv2"}}}]
["pressed", {"replyToId": "1699", "value": {"verb": "firstline.solved", "request": "r1"}}]
["pressed", {"type": "invoke", "name": "adaptiveCard/action", "replyToId": "1699", "value":
 {"trigger": "manual", "action": {"type": "Action.Execute", "verb": "firstline.not_helpful",
 "data": {"request": "r1"}}}}]
["reviewed", {"replyToId": "1699", "value": {"verb": "firstline.review", "ticket": "FL-1"}}]
["reviewed", {"type": "invoke", "name": "adaptiveCard/action", "replyToId": "1699", "value":
 {"trigger": "manual", "action": {"type": "Action.Execute", "verb": "firstline.review",
 "data": {"ticket": "FL-1"}}}}]
["dialog-fetch", {"type": "invoke", "name": "task/fetch", "replyToId": "1699", "value":
 {"data": {"request": "r1", "msteams": {"type": "task/fetch"}}, "context": {"theme": "dark"}}}]
["dialog-submit", {"type": "invoke", "name": "task/submit", "value":
 {"data": {"request": "r1", "summary": "hi"}, "context": {"theme": "dark"}}}]
["extension-fetch", {"type": "invoke", "name": "composeExtension/fetchTask", "value":
 {"commandId": "fileTicket", "commandContext": "message", "messagePayload": {"id": "1699",
 "from": {"user": {"id": "aad-ben", "displayName": "Ben"}}, "linkToMessage": "https://t.example/1",
 "body": {"contentType": "html", "content": "<p>It is <b>down</b></p>"}}}}]
["extension-submit", {"type": "invoke", "name": "composeExtension/submitAction", "value":
 {"commandId": "fileTicket", "commandContext": "message", "data": {"summary": "hi"},
 "messagePayload": {"id": "1699"}}}]
["extension-submit", {"type": "invoke", "name": "composeExtension/submitAction", "value":
 {"commandId": "fileTicket", "botMessagePreviewAction": "send", "botActivityPreview": [{}]}}]
["feedback", {"type": "invoke", "name": "message/submitAction", "replyToId": "1699", "value":
 {"actionName": "feedback", "actionValue": {"reaction": "dislike",
 "feedback": "{\"feedbackText\":\"No.\"}"}}}]
"#;

/// What every activity of Teams has; it is somebody's message in a channel unless told otherwise.
fn activity(more: &Value) -> Value {
    let mut activity = json!({
        "type": "message", "id": "1700000000001", "channelId": "msteams",
        "timestamp": "2026-03-02T09:00:00.000Z", "localTimezone": "Europe/Berlin",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": { "id": "29:1ana", "aadObjectId": "aad-ana", "name": "Ana Silva" },
        "recipient": { "id": "28:bot", "name": "Firstline" },
        "conversation": { "conversationType": "channel", "tenantId": "tenant-1", "isGroup": true,
            "id": "19:c@thread.tacv2;messageid=1700000000000" },
        "channelData": { "tenant": { "id": "tenant-1" }, "team": { "id": "19:t@thread.tacv2" },
            "channel": { "id": "19:c@thread.tacv2" } },
        "entities": [{ "type": "clientInfo", "locale": "de-DE", "platform": "Web" }],
    });
    for (name, value) in more.as_object().unwrap() {
        activity[name] = value.clone();
    }
    activity
}

fn taken_up() -> Vec<(String, Value)> {
    let rows = Deserializer::from_str(TAKEN_UP).into_iter::<(String, Value)>();
    rows.map(Result::unwrap).map(|(kind, more)| (kind, activity(&more))).collect()
}

fn nothing_to_us() -> Vec<Value> {
    let rows = |table| Deserializer::from_str(table).into_iter::<Value>().map(Result::unwrap);
    let invoke = |mut more: Value| {
        more["type"] = json!("invoke");
        more
    };
    let all = rows(PASSED_OVER).chain(rows(UNKNOWN).map(invoke));
    all.map(|more| activity(&more)).collect()
}

#[test]
fn every_documented_activity_is_read_or_passed_over_by_name() {
    for (kind, payload) in taken_up() {
        let id = read(&payload).event_id().unwrap_or_default();
        assert_eq!(id.split(':').next(), Some(kind.as_str()), "{payload}");
        assert!(sound(&payload, &read(&payload)), "{payload}");
    }
    let mut seen = BTreeSet::new();
    for payload in nothing_to_us() {
        let named = |member: &str| payload[member].as_str().unwrap_or("nameless").to_owned();
        let expected = match named("type").as_str() {
            "invoke" => Activity::Unknown { invoke: named("name") },
            kind => Activity::PassedOver { kind: kind.to_owned() },
        };
        assert_eq!(read(&payload), expected, "{payload}");
        assert!(seen.insert(payload.to_string()), "twice: {payload}");
    }
}

fn is(value: &Value, text: &str) -> bool {
    !text.is_empty() && value == text
}

/// Where it comes from is what stands in the payload, and no place is taken for a more private
/// one.
fn comes_from(payload: &Value, origin: &Origin) -> bool {
    let (conversation, data) = (&payload["conversation"], &payload["channelData"]);
    let tenants = [&conversation["tenantId"], &data["tenant"]["id"]];
    let foreign = tenants.iter().all(|tenant| tenant.as_str().is_some_and(|id| !id.is_empty()))
        && tenants[0] != tenants[1];
    tenants.iter().any(|tenant| is(tenant, &origin.tenant))
        && is(&payload["serviceUrl"], &origin.service_url)
        && is(&conversation["id"], &origin.conversation)
        && is(&payload["from"]["id"], &origin.from.id)
        && is(&payload["recipient"]["id"], &origin.bot)
        && [&payload["id"], &payload["timestamp"]].iter().any(|id| is(id, &origin.id))
        && (origin.scope == Scope::Personal) == (conversation["conversationType"] == "personal")
        && origin.outsiders == (foreign || data["channel"]["type"] == "shared")
}

/// What a reading says is what stands in the payload, and nothing there forbids it.
fn sound(payload: &Value, activity: &Activity) -> bool {
    let (data, value) = (&payload["channelData"], &payload["value"]);
    let invoke = |name: &str| payload["type"] == "invoke" && payload["name"] == name;
    let of = |kind: &str| payload["type"] == kind;
    let role = &payload["from"]["role"];
    let from_bot = |origin: &Origin| {
        role == "bot" || origin.from.id == origin.bot || origin.from.id.starts_with("28:")
    };
    let fits = match activity {
        Activity::Said(said) => of("message") && !from_bot(&said.origin),
        Activity::Edited(said) => {
            let kinds = ["editMessage", "undeleteMessage"];
            of("messageUpdate")
                && kinds.iter().any(|kind| data["eventType"] == *kind)
                && !from_bot(&said.origin)
        }
        Activity::Deleted { .. } => of("messageDelete") && data["eventType"] == "softDeleteMessage",
        Activity::Pressed(pressed) => was_pressed(payload, pressed) && !from_bot(&pressed.origin),
        Activity::Reviewed(it) => was_reviewed(payload, it) && !from_bot(&it.origin),
        Activity::DialogFetch(dialog) => invoke("task/fetch") && dialog.data == value["data"],
        Activity::DialogSubmit(dialog) => invoke("task/submit") && dialog.data == value["data"],
        Activity::ExtensionFetch(extension) => {
            invoke("composeExtension/fetchTask") && is(&value["commandId"], &extension.command)
        }
        Activity::ExtensionSubmit(extension) => {
            invoke("composeExtension/submitAction") && is(&value["commandId"], &extension.command)
        }
        Activity::Feedback(Feedback { positive, reply_to, .. }) => {
            let word = if *positive { "like" } else { "dislike" };
            invoke("message/submitAction")
                && is(&payload["replyToId"], reply_to)
                && value["actionValue"]["reaction"] == word
        }
        Activity::Reacted(Reacted { origin, added, removed, .. }) => {
            let given = |list: &str, kind: &String| {
                payload[list].as_array().unwrap().iter().any(|one| is(&one["type"], kind))
            };
            of("messageReaction")
                && !from_bot(origin)
                && added.iter().all(|kind| given("reactionsAdded", kind))
                && removed.iter().all(|kind| given("reactionsRemoved", kind))
        }
        Activity::Installed { .. } => of("installationUpdate") && payload["action"] == "add",
        Activity::Added { origin } => {
            let mut added = payload["membersAdded"].as_array().into_iter().flatten();
            of("conversationUpdate") && added.any(|one| is(&one["id"], &origin.bot))
        }
        Activity::Unknown { invoke } => of("invoke") && named(&payload["name"], invoke),
        Activity::PassedOver { kind } => !of("invoke") && named(&payload["type"], kind),
    };
    // Whoever invokes waits for an answer, whatever it was.
    fits && activity.origin().is_none_or(|origin| comes_from(payload, origin))
        && activity.origin().is_some() == activity.event_id().is_some()
        && activity.wants_answer() == of("invoke")
}

fn named(value: &Value, kind: &str) -> bool {
    is(value, kind) || kind == "nameless" && value.as_str().is_none_or(str::is_empty)
}

fn was_pressed(payload: &Value, pressed: &Pressed) -> bool {
    let Some((verb, data)) = press(payload, pressed.invoke) else { return false };
    verb.as_str().and_then(button_of) == Some(pressed.button)
        && is(&data["request"], &pressed.request)
}

fn was_reviewed(payload: &Value, reviewed: &Reviewed) -> bool {
    let Some((verb, data)) = press(payload, reviewed.invoke) else { return false };
    verb == AGREE.0 && is(&data["ticket"], &reviewed.ticket)
}

/// What a button carries.
fn press(payload: &Value, invoke: bool) -> Option<(&Value, &Value)> {
    let value = &payload["value"];
    let (kind, verb, data) = match invoke {
        true => ("invoke", &value["action"]["verb"], &value["action"]["data"]),
        false => ("message", &value["verb"], value),
    };
    (payload["type"] == kind).then_some((verb, data))
}

/// The marks that alone keep one of the activities above from being heard: it is another one
/// without them.
const MARKS: [&str; 3] = [
    // Whose it is: a bot's.
    "/from",
    "/from/role",
    // That it is a press of a button, from clients that send these as messages.
    "/value",
];

#[test]
fn a_missing_or_odd_member_never_makes_more_of_an_activity() {
    let mut let_in = BTreeSet::new();
    let taken_up = taken_up().into_iter().map(|(_, payload)| payload);
    for payload in taken_up.chain(nothing_to_us()) {
        let whole = read(&payload);
        for (place, changed) in mutations(&payload) {
            let activity = read(&changed);
            assert!(sound(&changed, &activity), "{place}: {activity:?} of {changed}");
            if activity.origin().is_some() && discriminant(&activity) != discriminant(&whole) {
                let_in.insert(place);
            }
        }
    }
    let known: BTreeSet<String> = MARKS.map(str::to_owned).into();
    assert_eq!(let_in, known);
}
