//! The shape of what the service is sent.

use acceptance::teams::{FakeTeams, User};
use serde_json::{Value, json};

use super::{Bot, CHANNEL, with_card};

const CHAT: &str = "19:chat@thread.v2";

async fn people() -> FakeTeams {
    let fake = FakeTeams::start().await;
    fake.add_user(User::new("Ana Lima"));
    fake.add_user(User::new("Ben Okri"));
    fake
}

#[tokio::test]
async fn every_activity_says_who_where_and_when() {
    let fake = people().await;
    let root = fake.says(CHANNEL, "29:ana", "help", None)["id"].as_str().unwrap().to_owned();
    let action = json!({"type": "Action.Execute", "title": "Yes", "verb": "solved"});
    let all = |place: &str| {
        let asked = fake.says(place, "29:ana", "one", None)["id"].as_str().unwrap().to_owned();
        vec![
            fake.mentions(place, "29:ana", "two", None),
            fake.edits(place, &asked, "three"),
            fake.reacts(place, "29:ana", &asked, "like"),
            fake.presses("29:ana", place, &asked, &action),
            fake.presses("29:ana", place, &asked, &json!({"type": "Action.Submit", "data": {}})),
            fake.dialog_fetch("29:ana", place, &asked, &json!({})),
            fake.dialog_submit("29:ana", place, &json!({})),
            fake.extension_fetch("29:ana", place, "file", Some(&asked)),
            fake.extension_submit("29:ana", place, "file", None, &json!({})),
            fake.feedback("29:ana", place, &asked, "like", "clear"),
            fake.installs(place, "29:ana"),
            fake.adds_bot(place, "29:ana"),
            fake.adds(place, "29:ana", "29:ben"),
            fake.deletes(place, &asked),
        ]
    };
    for (place, kind, group) in [
        ("a:ana", "personal", None),
        (CHAT, "groupChat", Some(true)),
        (CHANNEL, "channel", Some(true)),
    ] {
        for activity in all(place) {
            let is = |pointer: &str| activity.pointer(pointer).cloned().unwrap_or_default();
            assert_eq!(is("/channelId"), "msteams", "{activity}");
            assert_eq!(is("/serviceUrl"), *fake.service_url());
            assert_eq!(is("/from/id"), "29:ana");
            assert_eq!(is("/from/name"), "Ana Lima");
            assert_eq!(is("/from/aadObjectId"), *User::new("Ana Lima").aad_object_id);
            assert_eq!(is("/recipient/id"), FakeTeams::BOT);
            assert_eq!(is("/conversation/conversationType"), kind);
            assert_eq!(is("/conversation/tenantId"), FakeTeams::TENANT);
            assert_eq!(is("/conversation/isGroup").as_bool(), group);
            assert_eq!(is("/channelData/tenant/id"), FakeTeams::TENANT);
            assert!(!is("/id").as_str().unwrap().is_empty());
            assert!(is("/timestamp").as_str().unwrap().starts_with("2026-11-02T12:"), "{activity}");
            assert!(is("/localTimestamp").as_str().unwrap().starts_with("2026-11-02T13:"));
            assert_eq!(is("/localTimezone"), "Europe/Berlin");
            assert_eq!(is("/locale"), "en-GB");
            let entities = is("/entities");
            assert_eq!(entities.as_array().unwrap().last().unwrap()["type"], "clientInfo");
            let channel = (kind == "channel").then_some(CHANNEL);
            assert_eq!(is("/channelData/channel/id").as_str(), channel, "{activity}");
            assert_eq!(is("/channelData/team/id").is_string(), channel.is_some());
        }
    }
    let ids: Vec<_> = all(CHANNEL).iter().map(|activity| activity["id"].clone()).collect();
    let again: Vec<_> = all(CHANNEL).iter().map(|activity| activity["id"].clone()).collect();
    assert!(ids.iter().all(|id| !again.contains(id)), "nothing has the id of another");
    assert_eq!(fake.messages(CHANNEL, Some(&root)).len(), 1);
}

#[tokio::test]
async fn a_mention_is_told_three_times_over() {
    let fake = people().await;
    let asked = fake.mentions(CHANNEL, "29:ana", "is <b> fine?", None);
    assert_eq!(asked["text"], "<at>Firstline</at> is <b> fine?");
    let mention = &asked["entities"][0];
    assert_eq!(mention["mentioned"], json!({"id": FakeTeams::BOT, "name": "Firstline"}));
    assert!(asked["text"].as_str().unwrap().contains(mention["text"].as_str().unwrap()));
    let page = asked["attachments"][0]["content"].as_str().unwrap();
    assert!(page.contains("itemid=\"0\">Firstline</span>&nbsp;is &lt;b&gt; fine?"), "{page}");
    let strange = FakeTeams::of_tenant(&asked, "elsewhere");
    assert_eq!(strange["channelData"]["tenant"]["id"], "elsewhere");
    assert_eq!(strange["conversation"]["tenantId"], "elsewhere");
    assert_eq!(strange["text"], asked["text"]);
    let plain = fake.says("a:ana", "29:ana", "hello", None);
    assert_eq!(
        (&plain["text"], &plain["entities"].as_array().unwrap().len()),
        (&json!("hello"), &1)
    );
    assert_eq!(plain["attachments"][0]["content"], "<p>hello</p>");
}

#[tokio::test]
async fn a_message_is_edited_and_deleted_where_it_is() {
    let fake = people().await;
    let asked = fake.mentions(CHANNEL, "29:ana", "help", None);
    let id = asked["id"].as_str().unwrap();
    let edited = fake.edits(CHANNEL, id, "help me");
    assert_eq!(edited["type"], "messageUpdate");
    assert_eq!(edited["channelData"]["eventType"], "editMessage");
    assert_eq!((&edited["id"], &edited["conversation"]), (&asked["id"], &asked["conversation"]));
    assert_eq!(edited["text"], "<at>Firstline</at> help me");
    assert_eq!(edited["entities"], asked["entities"]);
    let posted = &fake.messages(CHANNEL, None)[0];
    assert_eq!((&*posted.text, posted.edited), ("<at>Firstline</at> help me", true));
    let deleted = fake.deletes(CHANNEL, id);
    assert_eq!(deleted["type"], "messageDelete");
    assert_eq!(deleted["channelData"]["eventType"], "softDeleteMessage");
    assert_eq!((&deleted["id"], &deleted["text"]), (&asked["id"], &Value::Null));
    assert!(fake.messages(CHANNEL, None)[0].deleted);
}

#[tokio::test]
async fn a_press_becomes_what_its_action_asks_for() {
    let bot = Bot::new().await;
    let asked = bot.fake.mentions(CHANNEL, "29:ana", "help", None);
    let thread = asked["conversation"]["id"].as_str().unwrap();
    let card = json!({
        "type": "AdaptiveCard", "version": "1.5",
        "body": [{"type": "Input.Text", "id": "note"}],
        "actions": [
            {"type": "Action.Execute", "title": "Yes", "verb": "solved", "data": {"request": "r1"}},
            {"type": "Action.Submit", "title": "Send", "data": {"kind": "form"}},
            {"type": "Action.Submit", "title": "Open", "data": {"msteams": {"type": "task/fetch"}}},
        ],
    });
    let (_, posted) = bot.posts(thread, with_card(&card)).await;
    let id = posted["id"].as_str().unwrap();
    let posted = bot.fake.messages(CHANNEL, None).pop().unwrap();
    let press = |title: &str| {
        let (action, inputs) = (posted.action(title).unwrap(), json!({"note": "thanks"}));
        bot.fake.fills_in("29:ben", CHANNEL, id, &action, &inputs)
    };
    let pressed = press("Yes");
    assert_eq!(
        (&pressed["type"], &pressed["name"]),
        (&json!("invoke"), &json!("adaptiveCard/action"))
    );
    assert_eq!(
        pressed["value"],
        json!({"trigger": "manual", "action": {
            "type": "Action.Execute", "title": "Yes", "verb": "solved",
            "data": {"request": "r1", "note": "thanks"},
        }})
    );
    let sent = press("Send");
    assert_eq!((&sent["type"], &sent["text"]), (&json!("message"), &Value::Null));
    assert_eq!(sent["value"], json!({"kind": "form", "note": "thanks"}));
    let opened = press("Open");
    assert_eq!(opened["name"], "task/fetch");
    assert_eq!(opened["value"]["data"]["note"], "thanks");
    for activity in [&pressed, &sent, &opened] {
        assert_eq!(activity["replyToId"], id);
        assert_eq!(activity["conversation"]["id"], thread, "in the thread of the card");
        assert_eq!(activity["from"]["id"], "29:ben");
    }
    assert_eq!(bot.fake.messages(CHANNEL, None).len(), 2, "a press is no message");
}

#[tokio::test]
async fn invokes_have_the_names_and_values_teams_gives_them() {
    let fake = people().await;
    let asked = fake.says(CHAT, "29:ana", "the <printer> is gone", None);
    let id = asked["id"].as_str().unwrap();
    let from_message = fake.extension_fetch("29:ben", CHAT, "file", Some(id));
    let value = &from_message["value"];
    assert_eq!(from_message["name"], "composeExtension/fetchTask");
    assert_eq!(from_message["channelData"]["source"]["name"], "message");
    assert_eq!(
        (&value["commandId"], &value["commandContext"]),
        (&json!("file"), &json!("message"))
    );
    let message = &value["messagePayload"];
    assert_eq!((&message["id"], &message["createdDateTime"]), (&asked["id"], &asked["timestamp"]));
    assert_eq!(message["body"]["content"], "<p>the &lt;printer&gt; is gone</p>");
    assert_eq!(message["from"]["user"]["id"], asked["from"]["aadObjectId"]);
    let composed = fake.extension_submit("29:ben", CHAT, "file", None, &json!({"kind": "access"}));
    assert_eq!(composed["name"], "composeExtension/submitAction");
    assert_eq!(composed["value"]["commandContext"], "compose");
    assert_eq!(composed["value"]["data"], json!({"kind": "access"}));
    assert_eq!(composed["value"]["messagePayload"], Value::Null);
    let submitted = fake.dialog_submit("29:ben", CHAT, &json!({"kind": "access"}));
    assert_eq!(
        (&submitted["name"], &submitted["value"]["data"]["kind"]),
        (&json!("task/submit"), &json!("access"))
    );
    let judged = fake.feedback("29:ben", CHAT, id, "dislike", "too long");
    assert_eq!(
        (&judged["name"], &judged["replyToId"]),
        (&json!("message/submitAction"), &asked["id"])
    );
    assert_eq!(
        judged["value"]["actionValue"],
        json!({
            "reaction": "dislike", "feedback": "{\"feedbackText\":\"too long\"}",
        })
    );
    let liked = fake.reacts(CHAT, "29:ben", id, "like");
    assert_eq!(
        (&liked["reactionsAdded"], &liked["replyToId"]),
        (&json!([{"type": "like"}]), &asked["id"])
    );
}

#[tokio::test]
async fn comings_and_goings_change_the_roster() {
    let bot = Bot::new().await;
    let left = bot.fake.uninstalls("a:ana", "29:ana");
    assert_eq!((&left["type"], &left["action"]), (&json!("installationUpdate"), &json!("remove")));
    assert_eq!(bot.posts("a:ana", super::message("hi")).await.0, 403);
    let came = bot.fake.installs("a:ana", "29:ana");
    assert_eq!(came["action"], "add");
    bot.says("a:ana", "hi").await;
    let added = bot.fake.adds_bot(CHANNEL, "29:ana");
    assert_eq!(added["type"], "conversationUpdate");
    assert_eq!(added["membersAdded"], json!([{"id": FakeTeams::BOT}]));
    assert_eq!(added["conversation"]["id"], CHANNEL, "no thread");
    assert_eq!(added["channelData"]["eventType"], "teamMemberAdded");
    let added = bot.fake.adds(CHANNEL, "29:ana", "29:zoe");
    assert_eq!(added["membersAdded"][0]["id"], "29:zoe");
    let path = ["conversations", CHANNEL, "members", "29:zoe"];
    assert_eq!(bot.call(reqwest::Method::GET, &path, Value::Null).await.0, 200);
}

#[tokio::test]
async fn the_bot_hears_itself_under_its_own_name() {
    let bot = Bot::new().await;
    bot.says("a:ana", "hello").await;
    let posted = bot.fake.messages("a:ana", None).pop().unwrap();
    let echo = bot.fake.echo("a:ana", &posted);
    assert_eq!(echo["from"], json!({"id": FakeTeams::BOT, "name": "Firstline"}));
    assert_eq!(
        (&echo["type"], &echo["text"], &echo["id"]),
        (&json!("message"), &json!("hello"), &json!(posted.id))
    );
}
