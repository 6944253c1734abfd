#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serenity::model::application::CommandData;

use super::*;

/// As Discord gives a command back that it was sent.
fn registered(wanted: &Value) -> Value {
    let mut all = wanted.as_array().unwrap().clone();
    all.reverse();
    for (at, command) in all.iter_mut().enumerate() {
        let command = command.as_object_mut().unwrap();
        for (name, value) in [
            ("id", json!(at.to_string())),
            ("application_id", json!("1")),
            ("version", json!("77")),
            ("default_member_permissions", json!(null)),
            ("dm_permission", json!(true)),
            ("nsfw", json!(false)),
            ("contexts", json!([1, 0])),
            ("name_localizations", json!(null)),
            ("future", json!({ "x": 1 })),
        ] {
            command.insert(name.to_owned(), value);
        }
        if command["options"] == json!([]) {
            command.remove("options");
        }
        for option in command.get_mut("options").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if option["required"] == false {
                option.as_object_mut().unwrap().remove("required");
            }
        }
    }
    Value::Array(all)
}

#[test]
fn commands_are_registered_again_only_when_they_changed() {
    let wanted = definitions();
    assert!(same(&registered(&wanted), &wanted));
    let change = |pointer: &str, value: Value| {
        let mut existing = registered(&wanted);
        *existing.pointer_mut(pointer).unwrap() = value;
        existing
    };
    // Reversed: the menu first, then `/ticket`, `/ask`, `/firstline`.
    for (pointer, value) in [
        ("/0/name", json!("File")),
        ("/1/description", json!("Else")),
        ("/1/nsfw", json!(true)),
        ("/1/default_member_permissions", json!("8")),
        ("/1/contexts", json!([0])),
        ("/1/contexts", json!(null)),
        ("/1/options", json!([])),
        ("/1/options/1/options/0/autocomplete", json!(false)),
        ("/2/options/0/required", json!(false)),
        ("/2/options/0/max_length", json!(null)),
        ("/3", json!(7)),
    ] {
        assert!(!same(&change(pointer, value.clone()), &wanted), "{pointer} {value}");
    }
    let mut fewer = registered(&wanted);
    fewer.as_array_mut().unwrap().pop();
    for existing in [fewer, json!([]), json!(null), json!({ "message": "401" })] {
        assert!(!same(&existing, &wanted), "{existing}");
    }
    assert!(!same(&json!(null), &json!(null)), "what is no list is not the same");
}

fn within_limits(of: &Value, menu: bool, names: &mut BTreeSet<String>) {
    let name = of["name"].as_str().unwrap();
    assert!((1..=32).contains(&name.chars().count()), "{name}");
    let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '_';
    assert!(menu || name.chars().all(plain), "{name}");
    assert!(names.insert(name.to_owned()), "{name} is there twice");
    let description = of["description"].as_str().unwrap().chars().count();
    assert!(if menu { description == 0 } else { (1..=100).contains(&description) }, "{name}");
    let options = of["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(options.len() <= 25);
    let mut inner = BTreeSet::new();
    let mut optional = false;
    for option in options {
        within_limits(option, false, &mut inner);
        let required = option["required"] == true;
        assert!(!(optional && required), "{name}: what is required comes first");
        optional |= !required;
        assert!(option["max_length"].as_u64().is_none_or(|length| length <= 6000));
        assert!(option["autocomplete"] != true || option.get("choices").is_none());
    }
}

#[test]
fn definitions_keep_discords_limits() {
    let mut names = BTreeSet::new();
    for command in definitions().as_array().unwrap() {
        within_limits(command, command["type"] == MESSAGE, &mut names);
    }
    assert_eq!(names.len(), 4);
    assert!(definitions().to_string().len() < 4000);
}

#[test]
fn what_is_asked_for() {
    let slash = |name: &str, options: Value| json!({ "id": "9", "type": 1, "name": name, "options": options });
    let string = |name: &str, value: &str| json!({ "type": 3, "name": name, "value": value });
    let sub = |name: &str, options: Value| json!([{ "type": 1, "name": name, "options": options }]);
    let user = |id: &str, name: &str| json!({ "id": id, "username": "x", "global_name": name, "discriminator": "0", "avatar": null });
    let menu = json!({
        "id": "9", "type": 3, "name": "File a ticket", "target_id": "50",
        "resolved": { "messages": { "50": {
            "id": "50", "channel_id": "10", "author": user("7", "Ana"), "content": "<@8> it is **down**",
            "timestamp": "2026-01-01T00:00:00Z", "edited_timestamp": null, "tts": false,
            "mention_everyone": false, "mentions": [user("8", "Ben")], "mention_roles": [],
            "attachments": [], "embeds": [], "pinned": false, "type": 0,
        } } },
    });
    let quoted = Quoted {
        channel: 10,
        message_id: 50,
        author: 7,
        author_is_bot: false,
        author_name: "Ana".to_owned(),
        text: "@Ben it is **down**".to_owned(),
    };
    let mut focused = string("key", "fl-1");
    focused["focused"] = true.into();
    for (data, asked) in [
        (slash("firstline", json!([])), Some(Asked::Help)),
        (slash("firstline", json!([string("text", "  ")])), Some(Asked::Help)),
        (slash("firstline", json!([string("text", "help")])), Some(Asked::Help)),
        (slash("firstline", json!([string("text", " Link")])), Some(Asked::Link)),
        (slash("firstline", json!([string("text", "unlink")])), Some(Asked::Unlink)),
        (slash("firstline", json!([string("text", "Review")])), Some(Asked::Review)),
        (slash("firstline", json!([string("text", " VPN? ")])), Some(Asked::Ask("VPN?".into()))),
        (
            slash("ask", json!([string("question", "how <:x:1>")])),
            Some(Asked::Ask("how :x:".into())),
        ),
        (slash("ticket", sub("list", json!([]))), Some(Asked::MyTickets)),
        (slash("ticket", sub("new", json!([]))), Some(Asked::NewTicket)),
        (
            slash("ticket", sub("status", json!([string("key", "FL-1 ")]))),
            Some(Asked::Status("FL-1".into())),
        ),
        (slash("ticket", sub("future", json!([]))), None),
        (slash("future", json!([])), None),
        (menu, Some(Asked::FileFrom(quoted))),
        (
            slash("ticket", sub("status", json!([focused]))),
            Some(Asked::Autocomplete { typed: "fl-1".into() }),
        ),
    ] {
        assert_eq!(read(&data), asked, "{data}");
        // The client reads an interaction and gives it on; nothing may be lost on the way.
        let typed: CommandData = serde_json::from_value(data.clone()).unwrap();
        assert_eq!(read(&serde_json::to_value(&typed).unwrap()), asked, "{data}");
    }
    for odd in [json!(null), json!({ "type": 2, "name": "ask" }), json!({ "name": 7 })] {
        assert_eq!(read(&odd), None, "{odd}");
    }
}

#[test]
fn suggestions_keep_discords_limits() {
    let long = "😀 \n".repeat(90);
    let tickets: Vec<(String, &str)> =
        (0..40).map(|n| (format!("FL-{n}"), long.as_str())).collect();
    let mut shown: Vec<(&str, &str)> = vec![("", "x"), ("FL-99", " ")];
    shown.extend(tickets.iter().map(|(key, summary)| (key.as_str(), *summary)));
    let data = suggestions(shown);
    let choices = data["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 25);
    assert_eq!(choices[0], json!({ "name": "FL-99", "value": "FL-99" }));
    for choice in choices {
        assert!((1..=100).contains(&text::size(choice["name"].as_str().unwrap())));
    }
}
