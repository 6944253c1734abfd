#![allow(clippy::unwrap_used)]

use firstline_core::chat::Platform;

use super::super::activity::{Activity, Said, Scope, read};
use super::*;

fn place(team: Option<&str>) -> Place {
    Place {
        platform: Platform::Teams,
        tenant: "tenant-1".into(),
        channel: "19:c@thread".into(),
        team: team.map(str::to_owned),
        outsiders: false,
    }
}

fn message(more: &Value) -> Value {
    let mut message = json!({
        "id": "1700000000001", "replyToId": null, "messageType": "message",
        "createdDateTime": "2026-03-02T09:00:00.001Z", "deletedDateTime": null,
        "from": { "application": null, "device": null, "user": { "id": "aad-ana",
            "displayName": "Ana Silva", "userIdentityType": "aadUser" } },
        "body": { "contentType": "html",
            "content": "<p><at id=\"0\">Firstline</at>&nbsp;my <b>VPN</b> is down</p>" },
        "attachments": [], "mentions": [{ "id": 0, "mentionText": "Firstline", "mentioned":
            { "application": { "id": "app-1", "applicationIdentityType": "bot" }, "user": null } }],
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn told(place: &Place, message: &Value) -> Option<Value> {
    let service_url = "https://smba.trafficmanager.net/emea/";
    Reader { place, service_url, app_id: "app-1" }.activity(message)
}

fn said(place: &Place, message: &Value) -> Said {
    match read(&told(place, message).unwrap()) {
        Activity::Said(said) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_reads_as_if_it_had_come() {
    let in_team = place(Some("19:t@thread"));
    let reply = json!({ "replyToId": "1700000000000" });
    let plain = json!({ "body": { "contentType": "text", "content": "1 < 2" }, "mentions": [] });
    let others = json!({ "mentions": [{ "id": 0, "mentionText": "Ben", "mentioned":
        { "application": null, "user": { "id": "aad-ben" } } }], "body": { "contentType": "html",
        "content": "<at id=\"0\">Ben</at> come here" } });
    for (place, more, scope, name, text, mention) in [
        (
            &in_team,
            json!({}),
            Scope::Channel,
            "said:19:c@thread;messageid=1700000000001:1700000000001",
            "my **VPN** is down",
            true,
        ),
        (
            &in_team,
            reply,
            Scope::Channel,
            "said:19:c@thread;messageid=1700000000000:1700000000001",
            "my **VPN** is down",
            true,
        ),
        (
            &place(None),
            json!({}),
            Scope::GroupChat,
            "said:19:c@thread:1700000000001",
            "my **VPN** is down",
            true,
        ),
        (&place(None), plain, Scope::GroupChat, "said:19:c@thread:1700000000001", "1 < 2", false),
        (
            &place(None),
            others,
            Scope::GroupChat,
            "said:19:c@thread:1700000000001",
            "@Ben come here",
            false,
        ),
    ] {
        let message = message(&more);
        let activity = read(&told(place, &message).unwrap());
        assert_eq!(activity.event_id().as_deref(), Some(name), "{message}");
        let said = said(place, &message);
        assert_eq!((said.text.as_str(), said.mention), (text, mention), "{message}");
        let origin = said.origin;
        assert_eq!((origin.scope, origin.outsiders), (scope, false), "{message}");
        assert_eq!((origin.tenant.as_str(), origin.from.id.as_str()), ("tenant-1", "aad-ana"));
    }
}

#[test]
fn where_outsiders_read_along_they_still_do() {
    for team in [None, Some("19:t@thread")] {
        let shared = Place { outsiders: true, ..place(team) };
        assert!(said(&shared, &message(&json!({}))).origin.outsiders, "{team:?}");
    }
}

#[test]
fn what_no_person_says_is_not_told() {
    for more in [
        json!({ "from": { "application": { "id": "app-1" }, "user": null } }),
        json!({ "from": null, "messageType": "systemEventMessage" }),
        json!({ "messageType": "unknownFutureValue" }),
        json!({ "messageType": null }),
        json!({ "deletedDateTime": "2026-03-02T09:01:00Z" }),
        json!({ "id": null }),
    ] {
        assert_eq!(told(&place(None), &message(&more)), None, "{more}");
    }
}

#[test]
fn what_people_have_answered_is_left_to_them() {
    let by = |id: &str, user: Option<&str>, quoted: Option<&str>| {
        let quote = quoted.map(|id| json!({ "contentType": "messageReference", "id": id }));
        json!({
            "id": id, "from": { "user": user.map(|user| json!({ "id": user })) },
            "attachments": quote.into_iter().collect::<Vec<_>>(),
        })
    };
    let (ana, ben) = (Some("ana"), Some("ben"));
    for (thread, is_chat, left) in [
        (vec![by("1", ana, None)], false, vec![false]),
        (vec![by("1", ana, None), by("2", ana, None)], false, vec![false, false]),
        (vec![by("1", ana, None), by("2", None, None)], false, vec![false, false]),
        (vec![by("1", ana, None), by("2", ben, None)], false, vec![true, false]),
        (
            vec![by("1", ana, None), by("2", ben, None), by("3", ana, None)],
            false,
            vec![true, false, false],
        ),
        (
            vec![by("1", ana, None), by("2", ana, None), by("3", ben, None)],
            false,
            vec![true, true, false],
        ),
        (vec![by("1", ana, None), by("2", ben, None)], true, vec![false, false]),
        (vec![by("1", ana, None), by("2", ben, Some("1"))], true, vec![true, false]),
        (vec![by("1", ana, None), by("2", ana, Some("1"))], true, vec![false, false]),
    ] {
        let found: Vec<bool> =
            (0..thread.len()).map(|at| is_left_to_people(&thread, at, is_chat)).collect();
        assert_eq!(found, left, "{thread:?}");
    }
}
