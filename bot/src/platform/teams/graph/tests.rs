#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::api::client;
use super::super::testing::{Answer, Fake};
use super::super::token::Credentials;
use super::*;
use crate::platform::missed::testing::Leaping;

const CHANNEL: &str = "19:abc@thread.tacv2";
const PATH: &str = "GET /v1.0/teams/group-1/channels/19%3Aabc%40thread.tacv2/messages/delta";

async fn start() -> (Fake, Graph, Arc<Leaping>) {
    let fake = Fake::start().await;
    let credentials = Credentials {
        app_id: "app".into(),
        app_password: "secret".into(),
        token_url: fake.address("/token"),
    };
    let clock = Arc::new(Leaping::default());
    let graph = Graph::new(client().unwrap(), credentials, &fake.url, clock.clone()).unwrap();
    (fake, graph, clock)
}

fn channel() -> Source {
    Source::Channel { group: "group-1".into(), channel: CHANNEL.into() }
}

fn since() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

/// A message of this minute, with what else it has.
fn message(id: &str, minute: u8, more: Value) -> Value {
    let mut message =
        json!({ "id": id, "createdDateTime": format!("2026-03-02T09:{minute:02}:00.5Z") });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

fn page(messages: &[Value], next: Option<&str>) -> Answer {
    Answer::json(200, &json!({ "value": messages, "@odata.nextLink": next }))
}

fn ids(threads: &[Vec<Value>]) -> Vec<Vec<&str>> {
    threads
        .iter()
        .map(|thread| thread.iter().map(|m| m["id"].as_str().unwrap()).collect())
        .collect()
}

#[tokio::test]
async fn a_channel_comes_thread_by_thread_and_page_by_page() {
    let (fake, graph, _) = start().await;
    let replies = json!({ "replies": [message("3", 3, json!({})), message("2", 2, json!({}))],
        "replies@odata.nextLink": fake.address("/v1.0/more") });
    fake.answer(
        "service",
        page(&[message("1", 1, replies)], Some(&fake.address("/v1.0/next?t=1"))),
    );
    fake.answer("service", page(&[message("5", 5, json!({ "replies": [] }))], None));
    fake.answer("service", page(&[message("4", 4, json!({}))], None));
    let threads = graph.threads(&channel(), since()).await.unwrap();
    assert_eq!(ids(&threads), [vec!["1", "2", "3", "4"], vec!["5"]]);
    let asked = fake.asked("GET /v1.0");
    let lines: Vec<&str> = asked.iter().map(|asked| asked.what.as_str()).collect();
    let query = "?$filter=lastModifiedDateTime%20gt%202026-03-02T09:00:00Z&$expand=replies&$top=50";
    assert_eq!(lines, [format!("{PATH}{query}").as_str(), "GET /v1.0/next?t=1", "GET /v1.0/more"]);
    assert!(asked.iter().all(|asked| asked.token.as_deref() == Some("Bearer token-1")));
    let scope = format!("{}/.default", fake.url).replace(':', "%3A").replace('/', "%2F");
    assert!(fake.asked("POST /token")[0].body.ends_with(&format!("&scope={scope}")));
}

#[tokio::test]
async fn a_chat_is_one_thread() {
    let (fake, graph, _) = start().await;
    fake.answer("service", page(&[message("2", 2, json!({})), message("1", 1, json!({}))], None));
    let threads = graph.threads(&Source::Chat("19:g@thread.v2".into()), since()).await.unwrap();
    assert_eq!(ids(&threads), [["1", "2"]]);
    let query = "$filter=lastModifiedDateTime%20gt%202026-03-02T09:00:00Z\
                 &$orderby=lastModifiedDateTime%20desc&$top=50";
    let line = format!("GET /v1.0/chats/19%3Ag%40thread.v2/messages?{query}");
    assert_eq!(fake.asked("GET")[0].what, line);
}

#[tokio::test]
async fn no_link_leads_the_token_elsewhere() {
    let (stranger, _, _) = start().await;
    for link in [
        stranger.address("/v1.0/next"),
        "https://graph.microsoft.com/v1.0/next".to_owned(),
        "nonsense".to_owned(),
    ] {
        let (fake, graph, _) = start().await;
        let user = fake.url.replace("://", "://user@");
        for link in [link.as_str(), &user] {
            fake.answer("service", page(&[message("1", 1, json!({}))], Some(link)));
            let outcome = graph.threads(&channel(), since()).await;
            assert!(matches!(outcome, Err(TeamsError::NotAllowed(_))), "{link}: {outcome:?}");
            let more = json!({ "replies": [], "replies@odata.nextLink": link });
            fake.answer("service", page(&[message("1", 1, more)], None));
            let outcome = graph.threads(&channel(), since()).await;
            assert!(matches!(outcome, Err(TeamsError::NotAllowed(_))), "{link}: {outcome:?}");
        }
        assert_eq!(fake.asked("GET").len(), 4, "{link}");
    }
    assert!(stranger.asked("").is_empty());
}

#[tokio::test]
async fn it_waits_as_long_as_graph_asks_and_takes_no_for_an_answer() {
    let (fake, graph, clock) = start().await;
    let later = || Answer::Plain(429, vec![("retry-after", "20")], String::new());
    fake.answer("service", later());
    fake.answer("service", later());
    fake.answer("service", page(&[], None));
    assert!(graph.threads(&channel(), since()).await.unwrap().is_empty());
    assert_eq!((fake.asked("GET").len(), clock.now()), (3, 40_000));

    let refusal = json!({ "error": { "code": "Forbidden", "message": "Missing role" } });
    for (status, readable) in [(403, Some(false)), (404, Some(false)), (500, None)] {
        fake.answer("service", Answer::json(status, &refusal));
        assert_eq!(graph.is_readable(&channel()).await.ok(), readable, "{status}");
    }
    fake.answer("service", page(&[], None));
    assert!(graph.is_readable(&channel()).await.unwrap());
    assert!(fake.asked("GET").last().unwrap().what.ends_with("?$top=1"));
    fake.answer("service", Answer::json(403, &refusal));
    let outcome = graph.threads(&channel(), since()).await;
    assert!(matches!(outcome, Err(TeamsError::Refused { status: 403, .. })), "{outcome:?}");
    assert_eq!(clock.now(), 40_000);
}

#[tokio::test]
async fn only_an_address_with_tls_or_of_this_machine_is_graphs() {
    let (fake, _, _) = start().await;
    for (address, taken) in [
        (GRAPH_URL, true),
        ("https://graph.microsoft.us/", true),
        (fake.url.as_str(), true),
        ("http://graph.microsoft.com", false),
        ("graph.microsoft.com", false),
    ] {
        let credentials = Credentials {
            app_id: "app".into(),
            app_password: "secret".into(),
            token_url: fake.address("/token"),
        };
        let clock = Arc::new(Leaping::default());
        let graph = Graph::new(client().unwrap(), credentials, address, clock);
        assert_eq!(graph.is_ok(), taken, "{address}");
    }
}
