#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::testing::{Answer, Fake};
use super::*;

const CONVERSATION: &str = "19:abc@thread.tacv2;messageid=1/2";
const ESCAPED: &str = "19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F2";
/// When the service says it is.
const DATE_NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

async fn start() -> (Fake, Api) {
    let fake = Fake::start().await;
    let credentials = Credentials {
        app_id: "app".into(),
        app_password: "p&ss wörd".into(),
        token_url: fake.address("/token"),
    };
    let hosts = Hosts::new(&[&fake.url]);
    let api = Api::new(client().unwrap(), hosts, Some(credentials));
    (fake, api)
}

async fn send(fake: &Fake, api: &Api) -> Result<String, TeamsError> {
    let activity = json!({ "type": "message", "text": "hello" });
    api.send(&fake.address("/emea/"), CONVERSATION, None, &activity).await
}

#[tokio::test]
async fn calls_go_to_the_conversations_address() {
    let (fake, api) = start().await;
    let service = fake.address("/emea/");
    let activity = json!({ "type": "message" });
    let id = api.send(&service, CONVERSATION, None, &activity).await.unwrap();
    assert_eq!(id, "activity-1");
    api.send(&service, "a:1", Some("1:?%é"), &activity).await.unwrap();
    api.send(&fake.url, "a:1", None, &activity).await.unwrap();
    api.update(&service, "a:1", "7", &activity).await.unwrap();
    let called: Vec<_> =
        fake.asked("").into_iter().filter(|a| !a.what.contains("/token")).collect();
    let lines: Vec<_> = called.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(
        lines,
        [
            &format!("POST /emea/v3/conversations/{ESCAPED}/activities"),
            "POST /emea/v3/conversations/a%3A1/activities/1%3A%3F%25%C3%A9",
            "POST /v3/conversations/a%3A1/activities",
            "PUT /emea/v3/conversations/a%3A1/activities/7",
        ]
    );
    for asked in called {
        assert_eq!(asked.token.as_deref(), Some("Bearer token-1"));
        assert_eq!(asked.body, activity.to_string());
    }
    let tokens = fake.asked("POST /token");
    assert_eq!(tokens.len(), 1);
    assert_eq!(
        tokens[0].body,
        "grant_type=client_credentials&client_id=app&client_secret=p%26ss+w%C3%B6rd\
         &scope=https%3A%2F%2Fapi.botframework.com%2F.default"
    );
}

#[tokio::test]
async fn an_id_cannot_climb_the_path() {
    let (fake, api) = start().await;
    for id in ["", ".", ".."] {
        let outcome = api.update(&fake.url, "a:1", id, &json!({})).await;
        assert!(matches!(outcome, Err(TeamsError::NotAllowed(_))), "{id}: {outcome:?}");
    }
    api.update(&fake.url, "../..", "a/../b", &json!({})).await.unwrap();
    assert_eq!(fake.asked("PUT /v3/conversations/..%2F../activities/a%2F..%2Fb").len(), 1);
    assert_eq!(fake.asked("PUT").len(), 1);
}

#[tokio::test]
async fn other_hosts_are_never_contacted() {
    let stranger = Fake::start().await;
    let (fake, _) = start().await;
    let api = Api::new(client().unwrap(), Hosts::new(&[]), None);
    let with_user = stranger.url.replace("://", "://smba.trafficmanager.net@");
    for address in [stranger.url.as_str(), &with_user, "nonsense", ""] {
        let none = json!({});
        let outcomes = [
            api.send(address, "c", None, &none).await.map(|_| ()),
            api.update(address, "c", "a", &none).await,
            api.member(address, "c", "u").await.map(|_| ()),
            api.attachment(address, 10).await.map(|_| ()),
        ];
        for outcome in outcomes {
            let Err(TeamsError::NotAllowed(host)) = outcome else { panic!("{outcome:?}") };
            assert!(["127.0.0.1", "an unreadable address"].contains(&host.as_str()), "{host}");
        }
    }
    assert!(stranger.asked("").is_empty());
    // Nor by way of a redirect.
    let (_, api) = (&fake, Api::new(client().unwrap(), Hosts::new(&[&fake.url]), None));
    let away: &'static str = stranger.url.clone().leak();
    fake.answer("service", Answer::Plain(307, vec![("location", away)], String::new()));
    let outcome = send(&fake, &api).await;
    assert!(
        matches!(&outcome, Err(TeamsError::Unknown(why)) if why == "status 307"),
        "{outcome:?}"
    );
    assert!(stranger.asked("").is_empty());
}

#[tokio::test]
async fn without_credentials_no_token_is_shown() {
    let fake = Fake::start().await;
    let api = Api::new(client().unwrap(), Hosts::loopback(), None);
    send(&fake, &api).await.unwrap();
    let asked = fake.asked("");
    assert_eq!((asked.len(), &asked[0].token), (1, &None));
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    for (life_s, fetches) in [(3600, 1), (301, 1), (300, 3), (1, 3), (0, 3), (u64::MAX, 3)] {
        let (fake, api) = start().await;
        fake.tokens_last(life_s);
        for _ in 0..3 {
            send(&fake, &api).await.unwrap();
        }
        assert_eq!(fake.asked("POST /token").len(), fetches, "{life_s}");
        let shown = fake.asked("POST /emea").pop().unwrap().token.unwrap();
        assert_eq!(shown, format!("Bearer token-{fetches}"), "{life_s}");
    }
}

#[tokio::test]
async fn those_who_send_at_once_share_a_token() {
    let (fake, api) = start().await;
    let sent = futures::future::join_all((0..10).map(|_| send(&fake, &api))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(fake.asked("POST /token").len(), 1);
    // So do those whose token is refused at once.
    for _ in 0..10 {
        fake.answer("service", Answer::status(401));
    }
    let sent = futures::future::join_all((0..10).map(|_| send(&fake, &api))).await;
    let refused = sent.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(fake.asked("POST /token").len(), 2, "{refused} refused");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (fake, api) = start().await;
    send(&fake, &api).await.unwrap();
    fake.answer("service", Answer::status(401));
    send(&fake, &api).await.unwrap();
    let shown: Vec<_> = fake.asked("POST /emea").into_iter().map(|a| a.token.unwrap()).collect();
    assert_eq!(shown, ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
    let denied = json!({ "error": { "code": "Unauthorized", "message": "what people wrote" } });
    fake.answer("service", Answer::status(401));
    fake.answer("service", Answer::json(401, &denied));
    let outcome = send(&fake, &api).await;
    assert_eq!(outcome.unwrap_err().to_string(), "Teams says Unauthorized (status 401)");
    assert_eq!(fake.asked("POST /token").len(), 3);
    assert_eq!(fake.asked("POST /emea").len(), 5);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let (fake, api) = start().await;
    let denied = json!({ "error": "invalid_client", "error_codes": [7_000_215],
        "error_description": "AADSTS7000215: what nobody needs" });
    for (answer, why) in [
        (Answer::json(401, &denied), "status 401, invalid_client, AADSTS7000215"),
        (Answer::status(500), "status 500"),
        (Answer::status(302), "status 302"),
        (Answer::json(200, &json!({ "token_type": "Bearer" })), "error decoding response body"),
        (Answer::Half, ""),
    ] {
        fake.answer("/token", answer);
        let outcome = send(&fake, &api).await;
        let Err(TeamsError::Token(said)) = outcome else { panic!("{why}: {outcome:?}") };
        assert!(said == why || why.is_empty(), "{why}: {said}");
    }
    assert!(fake.asked("POST /emea").is_empty());
    send(&fake, &api).await.unwrap();
}

#[tokio::test]
async fn failures_say_whether_anything_was_done() {
    let (fake, api) = start().await;
    let later = |status, headers| Answer::Plain(status, headers, String::new());
    let code = |code: Value| json!({ "error": { "code": code, "message": "what people wrote" } });
    let long = "x".repeat(65);
    for (answer, expected) in [
        (later(429, vec![("retry-after", "7")]), "Teams asks to wait 7 s"),
        (later(429, vec![("retry-after", " 0 ")]), "Teams asks to wait 0 s"),
        (later(429, vec![]), "Teams asks to wait 30 s"),
        (later(429, vec![("retry-after", "soon")]), "Teams asks to wait 30 s"),
        (later(429, vec![("retry-after", "-5")]), "Teams asks to wait 30 s"),
        (later(429, vec![("retry-after", "18446744073709551615")]), "Teams asks to wait 3600 s"),
        (
            later(429, vec![("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT"), ("date", DATE_NOW)]),
            "Teams asks to wait 120 s",
        ),
        (
            later(429, vec![("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT"), ("date", DATE_NOW)]),
            "Teams asks to wait 0 s",
        ),
        (
            later(429, vec![("retry-after", "Sat, 06 Nov 2094 08:40:00 GMT"), ("date", DATE_NOW)]),
            "Teams asks to wait 3600 s",
        ),
        (later(503, vec![("retry-after", "9")]), "Teams asks to wait 9 s"),
        (later(503, vec![]), "Teams did not answer: status 503"),
        (later(500, vec![("retry-after", "9")]), "Teams did not answer: status 500"),
        (later(502, vec![("retry-after", "9")]), "Teams did not answer: status 502"),
        (later(504, vec![]), "Teams did not answer: status 504"),
        (
            Answer::json(404, &code(json!("ConversationNotFound"))),
            "Teams says ConversationNotFound (status 404)",
        ),
        (Answer::json(403, &code(json!("what people wrote"))), "Teams says no reason (status 403)"),
        (Answer::json(403, &code(json!(long))), "Teams says no reason (status 403)"),
        (Answer::json(413, &code(json!(null))), "Teams says no reason (status 413)"),
        (Answer::status(412), "Teams says no reason (status 412)"),
        (Answer::Plain(200, vec![], "<html>".into()), "Teams did not answer: no JSON came"),
    ] {
        fake.answer("service", answer);
        assert_eq!(send(&fake, &api).await.unwrap_err().to_string(), expected);
    }
    for (answer, id) in [
        (Answer::json(201, &json!({ "id": "1:x", "future": {} })), "1:x"),
        (Answer::json(202, &json!({})), ""),
        (Answer::json(200, &json!({ "id": 7 })), ""),
        (Answer::status(200), ""),
    ] {
        fake.answer("service", answer);
        assert_eq!(send(&fake, &api).await.unwrap(), id);
    }
    fake.answer("service", Answer::Half);
    let cut = send(&fake, &api).await;
    assert!(matches!(cut, Err(TeamsError::Unknown(_))), "{cut:?}");
}

#[test]
fn a_moment_means_nothing_without_the_services_clock() {
    let mut headers = HeaderMap::new();
    assert_eq!(retry_after(&headers), None);
    headers.insert(RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT".parse().unwrap());
    assert_eq!(retry_after(&headers), None);
    headers.insert(DATE, "once".parse().unwrap());
    assert_eq!(retry_after(&headers), None);
    headers.insert(DATE, DATE_NOW.parse().unwrap());
    assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
}

#[tokio::test]
async fn nobody_there_is_an_unknown_outcome() {
    // Bound and let go again: nobody listens there.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let api = Api::new(client().unwrap(), Hosts::loopback(), None);
    let outcome = api.update(&format!("http://{gone}/"), "c", "a", &json!({})).await;
    assert!(matches!(outcome, Err(TeamsError::Unknown(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_member_is_read_tolerantly() {
    let (fake, api) = start().await;
    let some = |text: &str| Some(text.to_owned());
    let asked = Member { id: "29:asked".to_owned(), ..Member::default() };
    let known = Member {
        id: "29:x".into(),
        name: some("Anna"),
        email: some("Anna@corp.example"),
        user_principal_name: some("anna@corp.example"),
        aad_object_id: some("o-1"),
        tenant_id: some("t-1"),
        user_role: some("user"),
    };
    let by_object_id = Member { aad_object_id: some("o-2"), ..asked.clone() };
    for (answer, member) in [
        (
            json!({ "id": "29:x", "name": "Anna", "givenName": "Anna", "email": "Anna@corp.example",
                "userPrincipalName": "anna@corp.example", "aadObjectId": "o-1", "tenantId": "t-1",
                "userRole": "user", "future": [1] }),
            &known,
        ),
        (json!({ "objectId": "o-2", "email": null, "name": "" }), &by_object_id),
        (json!({ "email": ["x@corp.example"], "userRole": 7 }), &asked),
        (json!({}), &asked),
    ] {
        fake.answer("service", Answer::json(200, &answer));
        let found = api.member(&fake.url, "a:1", "29:asked").await.unwrap();
        assert_eq!(found, *member, "{answer}");
    }
    assert_eq!(fake.asked("GET /v3/conversations/a%3A1/members/29%3Aasked").len(), 4);
    for odd in [json!([]), json!(null), json!("x")] {
        fake.answer("service", Answer::json(200, &odd));
        let found = api.member(&fake.url, "a:1", "29:asked").await;
        assert!(matches!(found, Err(TeamsError::Unknown(_))), "{found:?}");
    }
}

#[tokio::test]
async fn a_file_is_fetched_up_to_its_limit() {
    let (fake, api) = start().await;
    let url = fake.address("/v3/attachments/a%20b/views/original?t=1");
    for (limit, expected) in [(5, Some("12345")), (4, None), (0, None)] {
        fake.answer("service", Answer::Plain(200, vec![], "12345".into()));
        match (api.attachment(&url, limit).await, expected) {
            (Ok(file), Some(expected)) => assert_eq!(file, expected.as_bytes()),
            (Err(TeamsError::TooLarge(most)), None) => assert_eq!(most, limit),
            (outcome, _) => panic!("{limit}: {outcome:?}"),
        }
    }
    let asked = fake.asked("GET /v3/attachments/a%20b/views/original?t=1");
    assert_eq!((asked.len(), asked[0].token.as_deref()), (3, Some("Bearer token-1")));
    fake.answer("service", Answer::Half);
    let cut = api.attachment(&url, 100).await;
    assert!(matches!(cut, Err(TeamsError::Unknown(_))), "{cut:?}");
}
