//! Graph, as far as it shows messages.

use acceptance::teams::FakeTeams;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bot, CHANNEL, code, escape, message, read};

const CHAT: &str = "19:lunch@thread.v2";

/// What Graph answers at this address, to whoever shows this token.
async fn get(bot: &Bot, token: &str, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
    let query: Vec<String> = query.iter().map(|(n, v)| format!("{n}={}", escape(v))).collect();
    let url = format!("{}/v1.0/{path}?{}", bot.fake.graph_url(), query.join("&"));
    read(bot.http.get(url).bearer_auth(token).send().await.unwrap()).await
}

/// A bot with a token for Graph, the group of its team, and the path of the channel's messages.
async fn start() -> (Bot, String, String) {
    let bot = Bot::new().await;
    bot.fake.add_conversation(CHAT, &["29:ana"]);
    let scope = format!("{}/.default", bot.fake.graph_url());
    let (status, answer) = bot.ask_for_token(&[("scope", &scope)]).await;
    assert_eq!(status, 200, "{answer}");
    let (status, team) = bot.call(Method::GET, &["teams", FakeTeams::TEAM], Value::Null).await;
    assert_eq!(status, 200, "{team}");
    let group = team["aadGroupId"].as_str().unwrap();
    let path = format!("teams/{group}/channels/{}/messages/delta", escape(CHANNEL));
    (bot, answer["access_token"].as_str().unwrap().to_owned(), path)
}

#[tokio::test]
async fn only_an_app_with_leave_and_a_token_for_graph_reads() {
    let (bot, token, path) = start().await;
    assert_eq!(get(&bot, &bot.token, &path, &[]).await.0, 401, "the Connector's token");
    let of_graph = Bot { fake: bot.fake.clone(), http: bot.http.clone(), token: token.clone() };
    assert_eq!(of_graph.posts(CHANNEL, message("hi")).await.0, 401, "and the other way round");
    let (status, refusal) = get(&bot, &token, &path, &[]).await;
    assert_eq!((status, code(&refusal)), (403, "Forbidden"));
    bot.fake.consent(FakeTeams::TEAM);
    assert_eq!(get(&bot, &token, &path, &[]).await.0, 200);
    let chat = format!("chats/{}/messages", escape(CHAT));
    assert_eq!(get(&bot, &token, &chat, &[]).await.0, 403, "leave is given chat by chat");
    bot.fake.consent(CHAT);
    assert_eq!(get(&bot, &token, &chat, &[]).await.0, 200);
    let personal = format!("chats/{}/messages", escape(&bot.fake.personal("29:ana")));
    for gone in
        [personal.as_str(), "chats/19:none@thread.v2/messages", "teams/t/channels/c/messages/delta"]
    {
        assert_eq!(get(&bot, &token, gone, &[]).await.0, 404, "{gone}");
    }
    for (name, value) in [("$top", "51"), ("$top", "0"), ("$filter", "id gt 1")] {
        assert_eq!(get(&bot, &token, &path, &[(name, value)]).await.0, 400, "{name}={value}");
    }
}

#[tokio::test]
async fn chains_come_whole_and_pages_end() {
    let (bot, token, path) = start().await;
    bot.fake.consent(FakeTeams::TEAM);
    let old = bot.fake.says(CHANNEL, "29:ana", "old", None);
    let silent = bot.fake.says(CHANNEL, "29:ana", "silent", None);
    let since = {
        let (_, all) = get(&bot, &token, &path, &[]).await;
        all["value"][1]["createdDateTime"].as_str().unwrap().to_owned()
    };
    bot.fake.says(CHANNEL, "29:ben", "again", old["id"].as_str());
    bot.fake.mentions(CHANNEL, "29:ana", "new & <b>", None);
    bot.says(CHANNEL, "of the bot").await;
    bot.fake.set_page(2);
    let filter = format!("lastModifiedDateTime gt {since}");
    let query = [("$filter", filter.as_str()), ("$expand", "replies"), ("$top", "50")];
    let (_, first) = get(&bot, &token, &path, &query).await;
    let next = first["@odata.nextLink"].as_str().unwrap();
    let second = read(bot.http.get(next).bearer_auth(&token).send().await.unwrap()).await.1;
    assert!(second["@odata.nextLink"].is_null());
    let messages: Vec<&Value> =
        [&first, &second].into_iter().flat_map(|page| page["value"].as_array().unwrap()).collect();
    assert_eq!(messages.len(), 3, "one was not touched since: {messages:?}");
    assert!(messages.iter().all(|m| m["id"] != silent["id"]));
    assert_eq!(
        (&messages[0]["id"], &messages[0]["replies"][0]["replyToId"]),
        (&old["id"], &old["id"])
    );
    let named = &messages[1]["mentions"][0]["mentioned"]["application"]["id"];
    assert_eq!(named, FakeTeams::APP_ID);
    let content = "<p><at id=\"0\">Firstline</at>&nbsp;new &amp; &lt;b&gt;</p>";
    assert_eq!(messages[1]["body"]["content"], content);
    let from = &messages[2]["from"];
    assert_eq!(
        (&from["application"]["id"], &from["user"]),
        (&json!(FakeTeams::APP_ID), &Value::Null)
    );
}

#[tokio::test]
async fn a_chats_filter_counts_with_its_order_alone() {
    let (bot, token, _) = start().await;
    bot.fake.consent(CHAT);
    let path = format!("chats/{}/messages", escape(CHAT));
    let first = bot.fake.says(CHAT, "29:ana", "one", None);
    let (_, all) = get(&bot, &token, &path, &[]).await;
    let at = all["value"][0]["createdDateTime"].as_str().unwrap();
    let second = bot.fake.quotes(CHAT, "29:ana", "two", first["id"].as_str().unwrap());
    let filter = ("$filter", format!("lastModifiedDateTime gt {at}"));
    let filter = (filter.0, filter.1.as_str());
    let (_, both) = get(&bot, &token, &path, &[filter]).await;
    assert_eq!(both["value"].as_array().unwrap().len(), 2, "it does not count");
    let (_, one) =
        get(&bot, &token, &path, &[filter, ("$orderby", "lastModifiedDateTime desc")]).await;
    let one = one["value"].as_array().unwrap();
    assert_eq!((one.len(), &one[0]["id"]), (1, &second["id"]));
    let quoted = &one[0]["attachments"][0];
    assert_eq!((&quoted["contentType"], &quoted["id"]), (&json!("messageReference"), &first["id"]));
}
