//! What Discord refuses, and how its calls go wrong.

use acceptance::discord::{FakeDiscord, Fault};
use serde_json::{Value, json};
use serenity::all::{
    CreateActionRow, CreateInputText, CreateInteractionResponse, CreateModal, InputTextStyle,
    Interaction,
};

use super::{ANA, Desk, HELP, HELP_CHANNEL, guild, http, refusal};

#[tokio::test]
async fn limits_refuse() {
    let discord = guild().await;
    let http = http(&discord, FakeDiscord::TOKEN);
    let long = |n: usize| "ä".repeat(n);
    let row = |buttons: usize| {
        let button = |n| json!({"type": 2, "style": 1, "label": "x", "custom_id": format!("b{n}")});
        json!({"type": 1, "components": (0..buttons).map(button).collect::<Vec<_>>()})
    };
    let button = |id: &str| {
        let button = json!({"type": 2, "style": 1, "label": "x", "custom_id": id});
        json!({"content": "x", "components": [{"type": 1, "components": [button]}]})
    };
    let select = |options: usize| {
        let option = |n: usize| json!({"label": "x", "value": n.to_string()});
        let options: Vec<_> = (0..options).map(option).collect();
        let menu = json!({"type": 3, "custom_id": "s", "options": options});
        json!({"content": "x", "components": [{"type": 1, "components": [menu]}]})
    };
    let embed = |description: usize, count: usize| json!({"embeds": vec![json!({"description": long(description)}); count]});
    let field = |name: usize, value: usize, count: usize| {
        let field = json!({"name": long(name), "value": long(value)});
        json!({"embeds": [{"fields": vec![field; count]}]})
    };
    let cases: [(Value, &str); 24] = [
        (json!({"content": long(2000)}), ""),
        (json!({"content": long(2001)}), "content BASE_TYPE_MAX_LENGTH"),
        (json!({"content": " "}), "empty"),
        (json!({"content": "x", "nonce": long(26)}), "nonce BASE_TYPE_MAX_LENGTH"),
        (embed(600, 10), ""),
        (embed(1, 11), "embeds BASE_TYPE_BAD_LENGTH"),
        (embed(601, 10), "embeds MAX_EMBED_SIZE_EXCEEDED"),
        (embed(4097, 1), "embeds.0.description BASE_TYPE_MAX_LENGTH"),
        (field(1, 1, 25), ""),
        (field(1, 1, 26), "embeds.0.fields BASE_TYPE_BAD_LENGTH"),
        (field(257, 1, 1), "embeds.0.fields.0.name BASE_TYPE_BAD_LENGTH"),
        (field(1, 1025, 1), "embeds.0.fields.0.value BASE_TYPE_BAD_LENGTH"),
        (json!({"content": "x", "components": [row(5)]}), ""),
        (
            json!({"content": "x", "components": [row(6)]}),
            "components.0.components BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!({"content": "x", "components": [row(1), row(1)]}),
            "components.1.components.0.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            json!({"content": "x", "components": [row(0)]}),
            "components.0.components BASE_TYPE_BAD_LENGTH",
        ),
        (button(&long(100)), ""),
        (button(&long(101)), "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH"),
        (button(""), "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH"),
        (select(25), ""),
        (select(26), "components.0.components.0.options BASE_TYPE_BAD_LENGTH"),
        (select(0), "components.0.components.0.options BASE_TYPE_BAD_LENGTH"),
        (
            json!({"content": "x", "components": [{"type": 2, "custom_id": "x"}]}),
            "components.0.type UNION_TYPE_CHOICES",
        ),
        (
            json!({"content": "x", "message_reference": {"message_id": "1"}}),
            "message_reference MESSAGE_REFERENCE_UNKNOWN_MESSAGE",
        ),
    ];
    for (message, wanted) in cases {
        let result = http.send_message(HELP_CHANNEL, Vec::new(), &message).await;
        match wanted {
            "" => assert!(result.is_ok(), "{message}: {result:?}"),
            "empty" => assert_eq!(refusal(result), (400, 50_006, vec![]), "{message}"),
            _ => {
                let (status, code, errors) = refusal(result);
                assert_eq!((status, code), (400, 50_035), "{message}");
                assert!(errors.iter().any(|error| error == wanted), "{message}: {errors:?}");
            }
        }
    }
    let six: Vec<_> = (0..6).map(|_| row(1)).collect();
    let many = json!({"content": "x", "components": six});
    let (_, _, errors) = refusal(http.send_message(HELP_CHANNEL, Vec::new(), &many).await);
    assert!(errors.contains(&"components BASE_TYPE_BAD_LENGTH".to_owned()), "{errors:?}");
    let nowhere = http.send_message(1.into(), Vec::new(), &json!({"content": "x"})).await;
    assert_eq!(refusal(nowhere), (404, 10_003, vec![]));
}

#[tokio::test]
async fn limits_of_commands_and_forms_refuse() {
    let mut desk = Desk::new().await;
    let command = |name: &str, more: Value| {
        let mut command = json!({"name": name, "description": "d", "type": 1});
        command.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        command
    };
    let many = |kind: u64, count: usize| {
        let description = if kind == 1 { "d" } else { "" };
        let one = |n| json!({"name": format!("c{n}"), "type": kind, "description": description});
        json!((0..count).map(one).collect::<Vec<_>>())
    };
    let option = |name: &str, required: bool| json!({"name": name, "description": "d", "type": 3, "required": required});
    let options = |count: usize| {
        let options: Vec<_> = (0..count).map(|n| option(&format!("o{n}"), false)).collect();
        json!([command("c", json!({"options": options}))])
    };
    let large = |length: usize| {
        let choice = json!({"name": "n".repeat(100), "value": "v".repeat(100)});
        let mut filled = option("o", false);
        filled["choices"] = json!(vec![choice; 25]);
        json!([command("c", json!({"options": vec![filled; length]}))])
    };
    let cases: [(Value, &str); 14] = [
        (many(1, 100), ""),
        (many(1, 101), "100 APPLICATION_COMMAND_LIMIT"),
        (many(3, 15), ""),
        (many(3, 16), "15 APPLICATION_COMMAND_LIMIT"),
        (json!([command(&"a".repeat(32), json!({}))]), ""),
        (json!([command(&"a".repeat(33), json!({}))]), "0.name BASE_TYPE_BAD_LENGTH"),
        (json!([command("Ticket", json!({}))]), "0.name APPLICATION_COMMAND_INVALID_NAME"),
        (json!([command("a b", json!({}))]), "0.name APPLICATION_COMMAND_INVALID_NAME"),
        (
            json!([command("a", json!({})), command("a", json!({}))]),
            "1.name APPLICATION_COMMANDS_DUPLICATE_NAME",
        ),
        (
            json!([command("a", json!({"description": "d".repeat(101)}))]),
            "0.description BASE_TYPE_BAD_LENGTH",
        ),
        (options(25), ""),
        (options(26), "0.options BASE_TYPE_BAD_LENGTH"),
        (
            json!([command("a", json!({"options": [option("x", false), option("y", true)]}))]),
            "0.options.1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (large(2), "0 APPLICATION_COMMAND_TOO_LARGE"),
    ];
    for (commands, wanted) in cases {
        let result = desk.http.create_global_commands(&commands).await;
        if wanted.is_empty() {
            assert!(result.is_ok(), "{commands}: {result:?}");
        } else {
            let (status, code, errors) = refusal(result);
            assert_eq!((status, code), (400, 50_035), "{commands}");
            assert!(errors.iter().any(|error| error == wanted), "{commands}: {errors:?}");
        }
    }
    desk.http.create_global_commands(&json!([command("ticket", json!({}))])).await.unwrap();
    assert_eq!(desk.discord.commands().len(), 1, "each time all are overwritten");

    let form = |title: usize, label: usize, rows: usize| {
        let row = |n| {
            let (label, style) = ("l".repeat(label), InputTextStyle::Short);
            let input = CreateInputText::new(style, label, format!("i{n}"));
            CreateActionRow::InputText(input)
        };
        let form =
            CreateModal::new("m", "t".repeat(title)).components((0..rows).map(row).collect());
        CreateInteractionResponse::Modal(form)
    };
    desk.discord.command(ANA, HELP, "ticket", json!([]));
    let Interaction::Command(asked) = desk.asked().await else { panic!("no command came") };
    let cases = [
        ((46, 45, 5), "data.title BASE_TYPE_BAD_LENGTH"),
        ((45, 46, 5), "data.components.0.components.0.label BASE_TYPE_BAD_LENGTH"),
        ((45, 45, 6), "data.components BASE_TYPE_BAD_LENGTH"),
        ((45, 45, 0), "data.components BASE_TYPE_BAD_LENGTH"),
    ];
    for ((title, label, rows), wanted) in cases {
        let result = asked.create_response(&desk.http, form(title, label, rows)).await;
        let (_, _, errors) = refusal(result);
        assert!(errors.iter().any(|error| error == wanted), "{wanted}: {errors:?}");
    }
    asked.create_response(&desk.http, form(45, 45, 5)).await.unwrap();
}

#[tokio::test]
async fn calls_go_wrong_as_told() {
    let discord = guild().await;
    let http = http(&discord, FakeDiscord::TOKEN);
    let route = "POST /channels/{id}/messages";
    let say = async |text: &str| HELP_CHANNEL.say(&http, text).await;
    discord.fail_next(route, Fault::Error { status: 403, code: 50_013 });
    discord.fail_next(route, Fault::Status(502));
    discord.fail_next(route, Fault::HalfBody);
    discord.fail_next(route, Fault::DoneButLost);
    assert_eq!(refusal(say("a").await), (403, 50_013, vec![]));
    assert_eq!(refusal(say("b").await).0, 502);
    assert!(say("c").await.is_err(), "half an answer");
    assert!(say("d").await.is_err(), "no answer");
    say("e").await.unwrap();
    let texts: Vec<_> = discord.messages(HELP).into_iter().map(|m| m.content).collect();
    assert_eq!(texts, ["c", "d", "e"], "two are done, though the bot cannot know");
    assert_eq!(discord.calls(route).len(), 5);
}

#[tokio::test]
async fn a_rate_limit_says_how_long_it_lasts() {
    let discord = guild().await;
    let client = reqwest::Client::new();
    let route = "POST /channels/{id}/messages";
    let say = async || {
        let url = format!("{}/channels/{HELP}/messages", discord.api_url());
        let request = client.post(url).header("authorization", "Bot fake-token");
        request.header("content-type", "application/json").body(r#"{"content":"x"}"#).send().await
    };
    for global in [false, true] {
        discord.fail_next(route, Fault::RateLimited { retry_after_s: 0.05, global });
        let refused = say().await.unwrap();
        assert_eq!(refused.status(), 429);
        let header =
            |name: &str| refused.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(header("retry-after").as_deref(), Some("1"));
        assert_eq!(header("x-ratelimit-remaining").as_deref(), Some("0"));
        assert_eq!(header("x-ratelimit-reset-after").as_deref(), Some("0.05"));
        assert_eq!(header("x-ratelimit-global").is_some(), global);
        let body: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!((&body["retry_after"], &body["global"]), (&json!(0.05), &json!(global)));
        assert_eq!(say().await.unwrap().status(), 200);
    }
    assert_eq!(discord.messages(HELP).len(), 2);
    // The bot's client does not wait where its own limiter is off, but says what happened.
    discord.fail_next(route, Fault::RateLimited { retry_after_s: 0.05, global: false });
    let http = http(&discord, FakeDiscord::TOKEN);
    assert_eq!(refusal(HELP_CHANNEL.say(&http, "x").await).0, 429);
    HELP_CHANNEL.say(&http, "x").await.unwrap();
}
