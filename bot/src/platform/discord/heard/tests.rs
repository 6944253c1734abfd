#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

const BOT: UserId = UserId::new(1);

fn user(id: &str, more: Value) -> Value {
    with(json!({ "id": id, "username": "ana", "discriminator": "0", "avatar": null }), more)
}

fn with(mut value: Value, more: Value) -> Value {
    for (name, it) in more.as_object().unwrap() {
        value[name] = it.clone();
    }
    value
}

fn message(more: Value) -> Value {
    let base = json!({
        "id": "50", "channel_id": "10", "guild_id": "3", "author": user("7", json!({})),
        "content": "hello", "timestamp": "2026-01-01T00:00:00Z", "edited_timestamp": null,
        "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
        "attachments": [], "embeds": [], "pinned": false, "type": 0,
    });
    with(base, more)
}

fn hear(more: Value, place: Where) -> Heard {
    let message: Message = serde_json::from_value(message(more)).unwrap();
    read(&message, place, BOT, &|named| (named == Named::Channel(9)).then(|| "general".to_owned()))
}

fn said(more: Value, place: Where) -> Said {
    match hear(more, place) {
        Heard::Said(said) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn people_are_heard_and_everything_else_is_passed_over() {
    for (more, kind) in [
        (json!({}), None),
        (json!({ "type": 19 }), None),
        (json!({ "future": { "x": 1 } }), None),
        (json!({ "author": user("8", json!({ "bot": true })) }), Some("bot")),
        (json!({ "author": user("1", json!({ "bot": true })), "content": "<@1>" }), Some("bot")),
        (json!({ "author": user("8", json!({ "system": true })) }), Some("system")),
        (json!({ "webhook_id": "4" }), Some("webhook")),
        (json!({ "type": 7 }), Some("report")),
        (json!({ "type": 18 }), Some("report")),
        (json!({ "type": 21 }), Some("report")),
        (json!({ "type": 99 }), Some("report")),
    ] {
        let heard = match hear(more.clone(), Where::Channel) {
            Heard::PassedOver { kind } => Some(kind),
            _ => None,
        };
        assert_eq!(heard, kind, "{more}");
    }
}

#[test]
fn text_that_is_kept_back_is_told_from_text_that_is_not_there() {
    let empty = |more: Value| with(json!({ "content": "" }), more);
    let file = json!([{ "id": "1", "filename": "a.png", "size": 9, "url": "https://a", "proxy_url": "https://b", "content_type": "image/png" }]);
    for (more, place, withheld) in [
        (empty(json!({})), Where::Channel, true),
        (empty(json!({})), Where::Thread { parent: 2, forum: true }, true),
        (empty(json!({})), Where::Direct, false),
        (empty(json!({ "mentions": [user("1", json!({ "bot": true }))] })), Where::Channel, false),
        (empty(json!({ "mentions": [user("8", json!({}))] })), Where::Channel, true),
        (empty(json!({ "attachments": file })), Where::Channel, false),
        (
            empty(json!({ "sticker_items": [{ "id": "1", "name": "s", "format_type": 1 }] })),
            Where::Channel,
            false,
        ),
        (json!({}), Where::Channel, false),
    ] {
        let heard = hear(more.clone(), place);
        assert_eq!(heard == Heard::Withheld { channel: 10 }, withheld, "{more} gave {heard:?}");
    }
}

#[test]
fn what_is_said_and_where() {
    let more = json!({
        "content": "<@1> can <@8> see <#9>? <:x:5>",
        "mentions": [user("1", json!({ "bot": true })), user("8", json!({ "member": { "nick": "Ben", "roles": [], "joined_at": null, "deaf": false, "mute": false } }))],
        "attachments": [{ "id": "1", "filename": "a.png", "size": 9, "url": "https://a", "proxy_url": "https://b" }],
        "author": user("7", json!({ "global_name": "Ana Silva" })),
    });
    let expected = Said {
        guild: Some(3),
        channel: 10,
        thread: None,
        thread_is_forum_post: false,
        message_id: 50,
        author: Author { id: 7, name: "Ana Silva".to_owned() },
        text: "can @Ben see #general? :x:".to_owned(),
        mention: true,
        direct: false,
        attachments: vec![Attached {
            name: "a.png".to_owned(),
            url: "https://a".to_owned(),
            size: 9,
            content_type: None,
        }],
    };
    assert_eq!(said(more, Where::Channel), expected);

    let thread = said(json!({}), Where::Thread { parent: 2, forum: true });
    assert_eq!((thread.channel, thread.thread, thread.thread_is_forum_post), (2, Some(10), true));
    let direct = said(json!({ "guild_id": null }), Where::Direct);
    assert_eq!((direct.guild, direct.direct, direct.mention), (None, true, false));
    let nick = json!({ "member": { "nick": "Ani", "roles": [], "joined_at": null, "deaf": false, "mute": false } });
    assert_eq!(said(nick, Where::Channel).author.name, "Ani");
    assert_eq!(said(json!({}), Where::Channel).author.name, "ana");
}

#[test]
fn threads_are_below_a_channel_or_a_forum() {
    let channel = |id: &str, kind: u64, parent: Option<&str>| -> GuildChannel {
        let value = json!({ "id": id, "guild_id": "3", "type": kind, "name": "x", "parent_id": parent, "position": 0, "permission_overwrites": [] });
        serde_json::from_value(value).unwrap()
    };
    let (text, forum) = (channel("2", 0, Some("4")), channel("2", 15, None));
    for (kind, parent, place) in [
        (0, None, Where::Channel),
        (5, None, Where::Channel),
        (11, Some(&text), Where::Thread { parent: 2, forum: false }),
        (12, None, Where::Thread { parent: 2, forum: false }),
        (11, Some(&forum), Where::Thread { parent: 2, forum: true }),
        (99, None, Where::Channel),
    ] {
        assert_eq!(whereabouts(&channel("10", kind, Some("2")), parent), place, "{kind}");
    }
}

#[test]
fn edits_that_say_something_new() {
    let stamp = json!({ "edited_timestamp": "2026-01-01T00:01:00Z" });
    let edit = |more: Value| -> Option<Edited> {
        let event = with(message(stamp.clone()), more);
        edited(&serde_json::from_value(event).unwrap(), BOT, &|_| None)
    };
    let expected =
        Edited { guild: Some(3), place: 10, message_id: 50, text: "now this".to_owned() };
    assert_eq!(edit(json!({ "content": "<@1> now this" })), Some(expected));
    for more in [
        json!({ "edited_timestamp": null, "embeds": [{}] }),
        json!({ "content": "" }),
        json!({ "author": null }),
        json!({ "author": user("8", json!({ "bot": true })) }),
        json!({ "webhook_id": "4" }),
        json!({ "type": 21 }),
    ] {
        assert_eq!(edit(more.clone()), None, "{more}");
    }
    let bare: MessageUpdateEvent =
        serde_json::from_value(json!({ "id": "50", "channel_id": "10" })).unwrap();
    assert_eq!(edited(&bare, BOT, &|_| None), None);
}

#[test]
fn deletions_name_their_messages() {
    let gone =
        deleted(Some(GuildId::new(3)), ChannelId::new(10), &[MessageId::new(5), MessageId::new(6)]);
    assert_eq!(gone, Deleted { guild: Some(3), place: 10, message_ids: vec![5, 6] });
}
