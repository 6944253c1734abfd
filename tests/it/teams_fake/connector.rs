//! What the Connector keeps, and how it fails when told to.

use acceptance::teams::{Call, FakeTeams, Fault, Role, User};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bot, CHANNEL, code, message, with_card};

#[tokio::test]
async fn only_holders_of_a_token_are_let_in() {
    let mut bot = Bot::new().await;
    let good = bot.token.clone();
    for token in ["", "guess", FakeTeams::APP_PASSWORD] {
        bot.token = token.to_owned();
        assert_eq!(bot.posts("a:ana", message("hi")).await.0, 401, "{token:?}");
    }
    bot.token = good;
    assert_eq!(bot.posts("a:ana", message("hi")).await.0, 201);
    bot.fake.expire_tokens();
    assert_eq!(bot.posts("a:ana", message("hi")).await.0, 401);
    bot.fake.set_expires_in(0);
    bot.token = bot.fresh_token().await;
    assert_eq!(bot.posts("a:ana", message("hi")).await.0, 401, "over at once");
    bot.fake.set_expires_in(3600);
    bot.token = bot.fresh_token().await;
    assert_eq!(bot.posts("a:ana", message("hi")).await.0, 201);
    assert_eq!(bot.fake.messages("a:ana", None).len(), 2, "the others left nothing");
    assert_eq!(bot.fake.calls(Call::Token).len(), 3);
    assert_eq!(bot.fake.calls(Call::SendToConversation).len(), 7);
}

#[tokio::test]
async fn tokens_are_for_who_knows_everything_right() {
    let bot = Bot::new().await;
    for (name, value, status, error) in [
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("client_id", "somebody", 400, "unauthorized_client"),
        ("client_secret", "guess", 401, "invalid_client"),
        ("scope", "https://graph.microsoft.com/.default", 400, "invalid_scope"),
    ] {
        let (answered, refusal) = bot.ask_for_token(&[(name, value)]).await;
        assert_eq!((answered, &refusal["error"]), (status, &json!(error)), "{name}");
    }
    let url = bot.fake.token_url().replace(FakeTeams::TENANT, "botframework.com");
    assert_eq!(bot.http.post(url).send().await.unwrap().status(), 400, "another tenant");
}

#[tokio::test]
async fn a_conversation_remembers_what_was_said_there() {
    let bot = Bot::new().await;
    bot.fake.says("a:ana", "29:ana", "hello", None);
    let id = bot.says("a:ana", "Hello, Ana").await;
    let said = bot.fake.messages("a:ana", None);
    let said: Vec<_> = said.iter().map(|m| (m.from.as_str(), m.text.as_str())).collect();
    assert_eq!(said, [("29:ana", "hello"), (FakeTeams::BOT, "Hello, Ana")]);
    let card = json!({"type": "AdaptiveCard", "version": "1.5", "body": [
        {"type": "TextBlock", "text": "Solved?"},
    ], "actions": [{"type": "Action.Execute", "title": "Yes", "verb": "solved"}]});
    let path = ["conversations", "a:ana", "activities", &id];
    let (status, answer) = bot.call(Method::PUT, &path, with_card(&card)).await;
    assert_eq!((status, &answer["id"]), (200, &json!(id)));
    let updated = bot.fake.messages("a:ana", None).pop().unwrap();
    assert!(updated.edited && updated.text.is_empty(), "nothing of the old one is left");
    assert_eq!(updated.card, card);
    assert_eq!(updated.action("Yes").unwrap()["verb"], "solved");
    assert_eq!(updated.action("No"), None);
    assert_eq!(bot.call(Method::DELETE, &path, Value::Null).await.0, 200);
    assert!(bot.fake.messages("a:ana", None).pop().unwrap().deleted);
    let (status, refusal) = bot.call(Method::PUT, &path, message("again")).await;
    assert_eq!((status, code(&refusal)), (404, "ActivityNotFoundInConversation"));
}

#[tokio::test]
async fn a_bot_changes_only_its_own_messages() {
    let bot = Bot::new().await;
    let asked = bot.fake.says("a:ana", "29:ana", "hello", None);
    let path = ["conversations", "a:ana", "activities", asked["id"].as_str().unwrap()];
    for (method, body) in [(Method::PUT, message("goodbye")), (Method::DELETE, Value::Null)] {
        let (status, refusal) = bot.call(method, &path, body).await;
        assert_eq!((status, code(&refusal)), (403, "NotEnoughPermissions"));
    }
    assert_eq!(bot.fake.messages("a:ana", None)[0].text, "hello");
}

#[tokio::test]
async fn channels_have_threads() {
    let bot = Bot::new().await;
    let asked = bot.fake.mentions(CHANNEL, "29:ana", "help", None);
    let root = asked["id"].as_str().unwrap();
    let thread = asked["conversation"]["id"].as_str().unwrap();
    assert_eq!(thread, format!("{CHANNEL};messageid={root}"));
    let inner = bot.says(thread, "in the thread").await;
    let (status, _) = bot.posts(&format!("{CHANNEL};messageid={inner}"), message("deeper")).await;
    assert_eq!(status, 404, "threads have no threads");
    let path = ["conversations", CHANNEL, "activities", root];
    assert_eq!(bot.call(Method::POST, &path, message("a reply")).await.0, 201);
    bot.says(CHANNEL, "a thread of its own").await;
    bot.fake.says(CHANNEL, "29:ben", "me too", Some(root));
    let texts = |thread| {
        let messages = bot.fake.messages(CHANNEL, thread);
        messages.into_iter().map(|m| m.text).collect::<Vec<_>>()
    };
    let begun = "<at>Firstline</at> help";
    assert_eq!(texts(Some(root)), [begun, "in the thread", "a reply", "me too"]);
    assert_eq!(texts(None).len(), 5);
    let begins =
        json!({"channelData": {"channel": {"id": CHANNEL}}, "activity": message("an alert")});
    let (status, created) = bot.call(Method::POST, &["conversations"], begins).await;
    let id = created["activityId"].as_str().unwrap();
    assert_eq!(
        (status, created["id"].as_str().unwrap()),
        (201, &*format!("{CHANNEL};messageid={id}"))
    );
    assert_eq!(texts(Some(id)), ["an alert"]);
}

#[tokio::test]
async fn text_beside_a_card_is_split_off() {
    let bot = Bot::new().await;
    let mut both = with_card(&json!({
        "type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "card"}],
    }));
    both["text"] = json!("text");
    let (status, answer) = bot.posts("a:ana", both).await;
    assert_eq!((status, answer), (201, json!({})), "no id");
    let posted = bot.fake.messages("a:ana", None);
    assert_eq!((&*posted[0].text, &posted[0].card), ("text", &Value::Null));
    assert_eq!((&*posted[1].text, &posted[1].card["type"]), ("", &json!("AdaptiveCard")));
}

#[tokio::test]
async fn nobody_writes_where_they_are_not() {
    let bot = Bot::new().await;
    bot.fake.add_conversation("19:chat@thread.v2", &["29:ana"]);
    bot.fake.remove_bot("19:chat@thread.v2");
    for (place, status, error) in [
        ("a:nobody", 404, "ConversationNotFound"),
        ("19:chat@thread.v2", 403, "BotNotInConversationRoster"),
        ("19:help@thread.tacv2;messageid=1", 404, "ConversationNotFound"),
        ("a:ana;messageid=1", 404, "ConversationNotFound"),
    ] {
        let (answered, refusal) = bot.posts(place, message("hi")).await;
        assert_eq!((answered, code(&refusal)), (status, error), "{place}");
    }
    bot.fake.adds_bot("19:chat@thread.v2", "29:ana");
    bot.says("19:chat@thread.v2", "thanks").await;
}

#[tokio::test]
async fn a_personal_chat_opens_where_the_bot_is_installed() {
    let bot = Bot::new().await;
    bot.fake.add_user(User::new("Ben Okri"));
    let with = |id: &str, tenant: &str| json!({"members": [{"id": id}], "tenantId": tenant});
    let ana = User::new("Ana Lima").aad_object_id;
    for (body, status, expected) in [
        (with("29:ana", FakeTeams::TENANT), 201, "a:ana"),
        (with(&ana, FakeTeams::TENANT), 201, "a:ana"),
        (with("29:ben", FakeTeams::TENANT), 403, "ForbiddenOperationException"),
        (with("29:zoe", FakeTeams::TENANT), 400, "MemberNotFoundInConversation"),
        (with("29:ana", "elsewhere"), 400, "BadSyntax"),
        (
            json!({"isGroup": true, "members": [{"id": "29:ana"}, {"id": "29:ben"}]}),
            400,
            "BadSyntax",
        ),
    ] {
        let (answered, answer) = bot.call(Method::POST, &["conversations"], body.clone()).await;
        let said = answer["id"].as_str().unwrap_or(code(&answer));
        assert_eq!((answered, said), (status, expected), "{body}");
    }
    bot.fake.installs("a:ben", "29:ben");
    let body = with("29:ben", FakeTeams::TENANT);
    assert_eq!(bot.call(Method::POST, &["conversations"], body).await.0, 201);
}

#[tokio::test]
async fn the_roster_tells_who_is_there() {
    let bot = Bot::new().await;
    let guest = User::guest("Gil Paz", "gil@partner.example");
    bot.fake.add_user(guest.clone());
    bot.fake.add_user(User { role: Role::Anonymous, ..User::new("Somebody") });
    bot.fake.add_conversation(CHANNEL, &["29:gil", "29:somebody"]);
    for id in ["29:gil", &guest.aad_object_id] {
        let path = ["conversations", CHANNEL, "members", id];
        let (status, member) = bot.call(Method::GET, &path, Value::Null).await;
        assert_eq!(status, 200);
        assert_eq!(member["userRole"], "guest");
        assert_eq!(member["email"], "gil@partner.example");
        assert_eq!(member["userPrincipalName"], "gil_partner.example#EXT#@acme.example");
        assert_eq!(member["tenantId"], FakeTeams::TENANT);
    }
    let path = ["conversations", CHANNEL, "members", "29:somebody"];
    let (_, member) = bot.call(Method::GET, &path, Value::Null).await;
    assert_eq!((&member["userRole"], &member["email"]), (&json!("anonymous"), &Value::Null));
    let path = ["conversations", "a:ana", "members", "29:gil"];
    let (status, refusal) = bot.call(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code(&refusal)), (404, "MemberNotFoundInConversation"));
    let many: Vec<_> = (0..60).map(|n| format!("29:p{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    bot.fake.add_conversation("19:all@thread.v2", &many);
    let url =
        format!("{}v3/conversations/19%3Aall%40thread.v2/pagedmembers", bot.fake.service_url());
    let mut seen = Vec::new();
    for page in ["?pageSize=10", "?pageSize=50&continuationToken=50"] {
        let request = bot.http.get(format!("{url}{page}")).bearer_auth(&bot.token);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["continuationToken"].is_string(), seen.is_empty());
        seen.extend(answer["members"].as_array().unwrap().iter().map(|m| m["id"].clone()));
    }
    assert_eq!(seen, many, "fifty at least, none twice");
}

#[tokio::test]
async fn files_are_kept() {
    let bot = Bot::new().await;
    let upload = bot.fake.upload("log.txt", "text/plain", b"all is well");
    let url = upload["content"]["downloadUrl"].as_str().unwrap();
    assert_eq!(bot.http.get(url).send().await.unwrap().text().await.unwrap(), "all is well");
    assert_eq!(bot.fake.calls(Call::Download)[0]["token"], false);
    let picture = bot.fake.paste("image/png", b"png");
    let url = picture["contentUrl"].as_str().unwrap();
    assert_eq!(bot.http.get(url).send().await.unwrap().status(), 401);
    let shown = bot.http.get(url).bearer_auth(&bot.token).send().await.unwrap();
    assert_eq!(
        (&shown.headers()["content-type"], 200),
        (&"image/png".parse().unwrap(), shown.status().as_u16())
    );
    let info = url.strip_suffix("/views/original").unwrap();
    let info = bot.http.get(info).bearer_auth(&bot.token).send().await.unwrap();
    assert_eq!(info.json::<Value>().await.unwrap()["views"][0]["size"], 3);
}

#[tokio::test]
async fn calls_go_wrong_as_told_and_then_right() {
    let bot = Bot::new().await;
    let path = ["conversations", "a:ana", "activities"];
    let call = Call::SendToConversation;
    bot.fake.fail_next(call, Fault::RateLimited { retry_after_s: 7 });
    let limited = bot.try_call(Method::POST, &path, message("1")).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    bot.fake.fail_next(call, Fault::Status(502));
    assert_eq!(bot.posts("a:ana", message("2")).await, (502, Value::Null));
    bot.fake.fail_next(call, Fault::Error { status: 412, code: "PreconditionFailed" });
    let (status, refusal) = bot.posts("a:ana", message("3")).await;
    assert_eq!((status, code(&refusal)), (412, "PreconditionFailed"));
    assert_eq!(bot.fake.messages("a:ana", None), [], "none of these was done");
    bot.fake.fail_next(call, Fault::HalfBody);
    let half = bot.try_call(Method::POST, &path, message("4")).await.unwrap();
    assert_eq!(half.status(), 201);
    assert!(half.bytes().await.is_err());
    bot.fake.fail_next(call, Fault::DoneButLost);
    assert!(bot.try_call(Method::POST, &path, message("5")).await.is_err());
    bot.says("a:ana", "6").await;
    let texts: Vec<_> = bot.fake.messages("a:ana", None).into_iter().map(|m| m.text).collect();
    assert_eq!(texts, ["4", "5", "6"]);
    let calls = bot.fake.calls(call);
    assert_eq!((calls.len(), &calls[0]["conversation"]), (6, &json!("a:ana")));
    for (call, url) in
        [(Call::Metadata, bot.fake.metadata_url()), (Call::Token, bot.fake.token_url())]
    {
        bot.fake.fail_next(call, Fault::Status(503));
        let method = if call == Call::Token { Method::POST } else { Method::GET };
        assert_eq!(bot.http.request(method, url).send().await.unwrap().status(), 503);
    }
}
