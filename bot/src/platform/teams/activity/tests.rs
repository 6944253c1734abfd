mod invokes;

use serde_json::json;

use super::origin::From;
use super::*;

const CHANNEL: &str = "19:abc@thread.tacv2";

/// An activity of this shape, with whatever is to be different.
fn activity(more: &Value) -> Value {
    let mut activity = json!({
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2026-03-02T09:00:00.000Z",
        "localTimezone": "Europe/Berlin",
        "locale": "de-DE",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": { "id": "29:1ana", "aadObjectId": "aad-ana", "name": "Ana Silva" },
        "recipient": { "id": "28:bot", "name": "Firstline" },
        "conversation": {
            "conversationType": "channel",
            "tenantId": "tenant-1",
            "id": format!("{CHANNEL};messageid=1700000000000"),
            "isGroup": true,
        },
        "channelData": {
            "tenant": { "id": "tenant-1" },
            "team": { "id": "19:team@thread.tacv2" },
            "channel": { "id": CHANNEL },
        },
        "text": "<at>Firstline</at> my VPN is down\n",
        "textFormat": "plain",
        "entities": [
            { "type": "mention", "text": "<at>Firstline</at>",
              "mentioned": { "id": "28:bot", "name": "Firstline" } },
            { "type": "clientInfo", "locale": "de-DE", "timezone": "Europe/Berlin" },
        ],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        activity[name] = value.clone();
    }
    activity
}

fn said(more: &Value) -> Said {
    match read(&activity(more)) {
        Activity::Said(said) => said,
        other => panic!("{other:?}"),
    }
}

fn personal() -> Value {
    json!({ "conversationType": "personal", "tenantId": "tenant-1", "id": "a:1chat" })
}

#[test]
fn everything_a_message_tells_is_kept() {
    let said = said(&json!({}));
    assert_eq!((said.text.as_str(), said.mention), ("my VPN is down", true));
    assert_eq!(
        said.origin,
        Origin {
            tenant: "tenant-1".into(),
            service_url: "https://smba.trafficmanager.net/emea/".into(),
            conversation: "19:abc@thread.tacv2;messageid=1700000000000".into(),
            scope: Scope::Channel,
            channel: Some(CHANNEL.into()),
            thread: Some("1700000000000".into()),
            team: Some("19:team@thread.tacv2".into()),
            outsiders: false,
            id: "1700000000001".into(),
            from: From {
                id: "29:1ana".into(),
                aad_object_id: Some("aad-ana".into()),
                name: "Ana Silva".into(),
            },
            bot: "28:bot".into(),
            locale: Some("de-DE".into()),
            timestamp: Some("2026-03-02T09:00:00.000Z".into()),
            timezone: Some("Europe/Berlin".into()),
        }
    );
}

#[test]
fn places() {
    let group = json!({ "conversationType": "groupChat", "tenantId": "t", "id": "19:g@unq" });
    let root = json!({ "conversationType": "channel", "tenantId": "t", "id": CHANNEL });
    let nameless = json!({ "tenantId": "t", "id": "19:x" });
    let future = json!({ "conversationType": "hologram", "tenantId": "t", "id": "19:x" });
    for (more, scope, channel, thread) in [
        (json!({ "conversation": personal(), "channelData": {} }), Scope::Personal, None, None),
        (json!({ "conversation": group, "channelData": {} }), Scope::GroupChat, None, None),
        (json!({}), Scope::Channel, Some(CHANNEL), Some("1700000000000")),
        // What begins a thread is its own root.
        (json!({ "conversation": root }), Scope::Channel, Some(CHANNEL), Some("1700000000001")),
        (json!({ "conversation": nameless }), Scope::Channel, Some(CHANNEL), Some("1700000000001")),
        (json!({ "conversation": nameless, "channelData": {} }), Scope::GroupChat, None, None),
        (json!({ "conversation": future, "channelData": {} }), Scope::GroupChat, None, None),
    ] {
        let origin = said(&more).origin;
        assert_eq!(
            (origin.scope, origin.channel.as_deref(), origin.thread.as_deref()),
            (scope, channel, thread),
            "{more}"
        );
    }
    for (data, outsiders) in [
        (json!({ "channel": { "id": CHANNEL, "type": "shared" } }), true),
        (json!({ "tenant": { "id": "tenant-2" }, "channel": { "id": CHANNEL } }), true),
        (json!({ "channel": { "id": CHANNEL, "type": "standard" } }), false),
    ] {
        assert_eq!(said(&json!({ "channelData": data })).origin.outsiders, outsiders, "{data}");
    }
}

#[test]
fn people_are_heard_and_everything_else_is_passed_over() {
    for (more, heard) in [
        (json!({}), true),
        (json!({ "entities": null, "attachments": [{ "contentType": 7 }] }), true),
        (json!({ "text": null }), true),
        (json!({ "from": { "id": "28:bot" } }), false),
        (json!({ "from": { "id": "28:other", "name": "Other" } }), false),
        (json!({ "from": { "id": "29:1", "role": "bot" } }), false),
        (json!({ "from": {} }), false),
        (json!({ "recipient": null }), false),
        (json!({ "serviceUrl": "" }), false),
        (json!({ "conversation": { "id": "19:x" }, "channelData": {} }), false),
        (json!({ "value": { "verb": "future" } }), false),
        (json!({ "type": "typing" }), false),
        (json!({ "type": "messageUpdate" }), false),
        (json!({ "type": "messageDelete", "channelData": {} }), false),
        (json!({ "type": "installationUpdate", "action": "remove" }), false),
        (json!({ "type": "conversationUpdate", "membersAdded": [{ "id": "29:9" }] }), false),
        (json!({ "type": null }), false),
    ] {
        let read = read(&activity(&more));
        assert_eq!(matches!(read, Activity::Said(_)), heard, "{more}");
        assert_eq!(matches!(read, Activity::PassedOver { .. }), !heard, "{more}");
    }
    for odd in [json!(null), json!([]), json!("x"), json!({ "type": "message", "from": 3 })] {
        assert!(matches!(read(&odd), Activity::PassedOver { .. }), "{odd}");
    }
}

#[test]
fn words_and_names() {
    let mention = |id: &str, name: &str| {
        json!({ "type": "mention", "text": format!("<at>{name}</at>"),
            "mentioned": { "id": id, "name": name } })
    };
    let html = |content: &str| json!([{ "contentType": "text/html", "content": content }]);
    let both = json!([mention("28:bot", "Firstline"), mention("29:2", "Ben")]);
    for (more, text, mentioned) in [
        (
            json!({ "text": "<at>Firstline</at> ask <at>Ben</at>", "entities": both }),
            "ask @Ben",
            true,
        ),
        (
            json!({ "text": "<at>Ben</at>, hi", "entities": [mention("29:2", "Ben")] }),
            "@Ben, hi",
            false,
        ),
        (json!({ "text": "Firstline, hi", "entities": [] }), "Firstline, hi", false),
        (
            json!({ "text": "Firstline a", "attachments": html(
                "<p><span itemtype=\"http://schema.skype.com/Mention\" itemid=\"0\">Firstline</span>\
                 &nbsp;<b>a</b></p>") }),
            "**a**",
            true,
        ),
        (json!({ "text": "plain", "attachments": html("<div> </div>") }), "plain", true),
        (json!({ "text": "<b>a</b>", "textFormat": "xml" }), "**a**", true),
        (json!({ "text": "<b>a</b> &amp; b" }), "<b>a</b> & b", true),
    ] {
        let said = said(&more);
        assert_eq!((said.text.as_str(), said.mention), (text, mentioned), "{more}");
    }
}

#[test]
fn what_is_attached() {
    let file = "application/vnd.microsoft.teams.file.download.info";
    let said = said(&json!({ "attachments": [
        { "contentType": file, "name": "log.txt", "contentUrl": "https://x.sharepoint.com/log.txt",
          "content": { "downloadUrl": "https://x.sharepoint.com/get?1", "fileType": "txt", "uniqueId": "u" } },
        { "contentType": file, "content": { "downloadUrl": "file:///etc/passwd" } },
        { "contentType": "image/*", "contentUrl": "https://smba.example/v3/attachments/1" },
        { "contentType": "image/png", "contentUrl": "data:image/png;base64,AA" },
        { "contentType": "application/vnd.microsoft.card.adaptive", "content": {} },
        { "contentType": null },
    ] }));
    assert_eq!(
        said.attachments,
        [
            Attachment::File {
                name: "log.txt".into(),
                extension: "txt".into(),
                url: "https://x.sharepoint.com/get?1".into(),
            },
            Attachment::Image {
                content_type: "image/*".into(),
                url: "https://smba.example/v3/attachments/1".into(),
            },
        ]
    );
}

#[test]
fn what_becomes_of_messages_and_of_the_bot() {
    for (more, kind) in [
        (
            json!({ "type": "messageUpdate", "channelData": { "eventType": "editMessage" } }),
            "edited",
        ),
        (
            json!({ "type": "messageUpdate", "channelData": { "eventType": "undeleteMessage" } }),
            "edited",
        ),
        (
            json!({ "type": "messageDelete", "channelData": { "eventType": "softDeleteMessage" } }),
            "deleted",
        ),
        (json!({ "type": "messageReaction", "reactionsAdded": [{ "type": "like" }] }), "reacted"),
        (json!({ "type": "installationUpdate", "action": "add" }), "installed"),
        (
            json!({ "type": "conversationUpdate", "membersAdded": [{ "id": "29:1" }, { "id": "28:bot" }] }),
            "added",
        ),
        (json!({}), "said"),
    ] {
        let mut value = activity(&more);
        // Teams tells the tenant here as well.
        value["channelData"]["tenant"]["id"] = json!("tenant-1");
        let read = read(&value);
        let id = read.event_id().unwrap_or_default();
        assert_eq!(id.split(':').next(), Some(kind), "{more}");
        assert!(!read.wants_answer(), "{more}");
        assert_eq!(id, super::read(&value).event_id().unwrap_or_default(), "the same again");
    }
    let reaction = read(&activity(&json!({
        "type": "messageReaction", "replyToId": "17", "reactionsAdded": [{ "type": "like" }, {}],
        "reactionsRemoved": [{ "type": "heart" }],
    })));
    let Activity::Reacted(reacted) = reaction else { panic!("{reaction:?}") };
    assert_eq!(reacted.reply_to, "17");
    assert_eq!((reacted.added, reacted.removed), (vec!["like".into()], vec!["heart".into()]));
}

#[test]
fn events_are_told_apart() {
    let edit = |at: &str| {
        json!({ "type": "messageUpdate", "timestamp": at, "channelData": {
            "eventType": "editMessage", "tenant": { "id": "tenant-1" } } })
    };
    let ids: Vec<Option<String>> = [
        json!({}),
        json!({ "id": "2" }),
        json!({ "conversation": personal() }),
        edit("2026-03-02T09:00:00Z"),
        edit("2026-03-02T09:00:01Z"),
        json!({ "id": null }),
    ]
    .iter()
    .map(|more| read(&activity(more)).event_id())
    .collect();
    for (at, id) in ids.iter().enumerate() {
        assert!(id.is_some(), "{at}");
        assert!(!ids.iter().skip(at + 1).any(|other| other == id), "{id:?}");
    }
    assert_eq!(read(&json!({ "type": "typing" })).event_id(), None);
}
