//! The console over HTTP: who gets in, what every answer carries, what the forms and
//! pages do, and that an outsider cannot tell a hidden ticket from none.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use firstline::console;
use firstline::console::session::hash_token;
use firstline::store::records::{ApiToken, TicketFilter};
use serde_json::{Value, json};
use tower::ServiceExt;

use acceptance::bot::{Article, START, TestBot};
use acceptance::db::TestDb;

pub(crate) const ARTICLES: &[Article] = &[
    Article(
        "keystone/orders.md",
        "everyone",
        "---\ntitle: Create a purchase order\nsystem: Keystone\nowner: olga@example.com\nreviewed: 2026-08-01\n---\n# Create a purchase order\n\nOpen **Keystone > Purchasing > New order**, choose the vendor and add the lines. Orders above 5000 EUR go to your manager for approval. Press **Submit**; the order number starts with PO.\n",
    ),
    Article(
        "finance/close.md",
        "finance",
        "---\ntitle: Close the month\nsystem: Keystone\nowner: fred@example.com\nreviewed: 2024-01-01\n---\n# Close the month\n\nRun the accrual report zebrafinch in Keystone on the second working day, then lock the period.\n",
    ),
];

/// A bot, its console, and one session per person.
pub(crate) struct Desk {
    pub(crate) bot: TestBot,
    router: Router,
    _db: TestDb,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

impl Desk {
    pub(crate) async fn new() -> Desk {
        let db = TestDb::sqlite();
        let store = db.store().await;
        let bot = TestBot::new(store, &db.path("index"), ARTICLES).await;
        for name in ["ana", "ben", "olga", "hana", "root"] {
            let email = format!("{name}@example.com");
            let (hash, csrf) = (hash_token(&format!("session-{name}")), format!("csrf-{name}"));
            bot.app.store.create_session(&hash, &email, &csrf, START, i64::MAX).await.unwrap();
        }
        let router = console::router(Arc::clone(&bot.app), None);
        Desk { bot, router, _db: db }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Reply {
        let request = Request::get(path)
            .header(header::HOST, "desk.test")
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, format!("firstline=session-{who}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A form as the pages send it.
    pub(crate) async fn post(&self, who: &str, path: &str, form: &str) -> Reply {
        let body = format!("csrf=csrf-{who}&{form}");
        let request = Request::post(path)
            .header(header::HOST, "desk.test")
            .header(header::ORIGIN, "http://desk.test")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, format!("firstline=session-{who}"));
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn token(&self, who: &str, scopes: &[&str]) -> String {
        let token = format!("token-{who}-{}", scopes.join("-"));
        let row = ApiToken {
            id: token.clone(),
            name: "test".into(),
            email: format!("{who}@example.com"),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            created_at: START,
            last_used_at: None,
            revoked_at: None,
        };
        self.bot.app.store.create_token(&row, &hash_token(&token)).await.unwrap();
        token
    }

    async fn api(
        &self,
        token: &str,
        method: Method,
        path: &str,
        extra: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A ticket of Ana's with the ERP team.
    async fn ticket(&self) -> String {
        let text = "Keystone is down for our whole team since this morning, nobody can post orders";
        self.bot.say("ana", None, text).await;
        let viewer = self.bot.viewer("ana").await;
        let page = self.bot.app.store.tickets(&TicketFilter::default(), &viewer).await.unwrap();
        page.items.first().expect("an outage is filed").key.clone()
    }
}

#[tokio::test]
async fn strangers_are_led_to_the_sign_in_page() {
    let desk = Desk::new().await;
    for path in ["/", "/tickets", "/my", "/knowledge", "/jobs", "/tickets/FL-1"] {
        let reply = desk.get("nobody", path).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (StatusCode::SEE_OTHER, "/sign-in"),
            "{path}"
        );
    }
    assert!(desk.get("nobody", "/sign-in").await.body.contains("firstline login"));
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_by_a_button() {
    let desk = Desk::new().await;
    let store = &desk.bot.app.store;
    store.create_login_link(&hash_token("link"), "ana@example.com", START + 600_000).await.unwrap();
    // Looking at it, as a mail scanner does, uses nothing up.
    for _ in 0..2 {
        assert!(desk.get("nobody", "/sign-in?token=link").await.body.contains("value=\"link\""));
    }
    let first = desk.post("nobody", "/sign-in", "token=link").await;
    assert_eq!((first.status, first.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = first.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let second = desk.post("nobody", "/sign-in", "token=link").await;
    assert_eq!(second.header("location"), "/sign-in?failed=1");
}

#[tokio::test]
async fn no_changing_route_works_without_the_token_or_from_elsewhere() {
    let desk = Desk::new().await;
    let routes = console::changing_routes();
    assert!(routes.len() >= 15, "{routes:?}");
    for (method, path) in routes {
        let concrete = path.replace("{id}", "x").replace("{key}", "FL-1");
        // Signing out, one of them, ends the session.
        let session = format!("session{}", path.replace(['/', '{', '}'], "-"));
        let (store, hash) = (&desk.bot.app.store, hash_token(&session));
        store
            .create_session(&hash, "root@example.com", "csrf-root", START, i64::MAX)
            .await
            .unwrap();
        let request = |origin: &str, csrf: &str| {
            Request::builder()
                .method(method)
                .uri(&concrete)
                .header(header::HOST, "desk.test")
                .header(header::ORIGIN, origin)
                .header("x-csrf-token", csrf)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, format!("firstline={session}"))
                .body(Body::from("token=x"))
                .unwrap()
        };
        let elsewhere = desk.send(request("http://evil.test", "csrf-root")).await;
        assert_eq!(elsewhere.status, StatusCode::FORBIDDEN, "{path} from elsewhere");
        if path != "/sign-in" {
            let wrong = desk.send(request("http://desk.test", "csrf-ana")).await;
            assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{path} with a wrong token");
        }
        let own = desk.send(request("http://desk.test", "csrf-root")).await;
        assert_ne!(own.status, StatusCode::FORBIDDEN, "{path} with everything right");
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let desk = Desk::new().await;
    for path in ["/", "/assets/app.css", "/nowhere", "/healthz", "/api/v1/openapi.json"] {
        let reply = desk.get("ana", path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
    let page = desk.get("ana", "/").await.body;
    assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick"));
    assert!(!page.replace("<script type=\"module\" src=\"/assets/", "").contains("<script"));
}

#[tokio::test]
async fn a_question_is_asked_and_read_with_plain_forms() {
    let desk = Desk::new().await;
    let sent = desk
        .post("ana", "/chat", "event_id=e1&text=How+do+I+create+a+purchase+order+in+Keystone%3F")
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let chat = sent.header("location").to_owned();
    desk.bot.run().await;
    let page = desk.get("ana", &chat).await;
    assert!(page.body.contains("Purchasing"), "the answer is on the page");
    let at = page.body.find("class=\"source\" href=\"").expect("with its source");
    let link =
        page.body[at..].split('"').nth(3).unwrap().replace("&amp;", "&").replace("&#x2f;", "/");
    let article = desk.get("ana", &link).await;
    assert!(article.body.contains("id=\"cited\""), "the cited passage is marked");
    assert_eq!(desk.get("ben", &chat).await.status, StatusCode::NOT_FOUND);
    // The same event again says nothing twice.
    desk.post("ana", "/chat", "event_id=e1&text=How+do+I+create+a+purchase+order+in+Keystone%3F")
        .await;
    desk.bot.run().await;
    assert_eq!(desk.get("ana", &chat).await.body.matches("message mine").count(), 1);
}

#[tokio::test]
async fn what_people_write_is_text() {
    let desk = Desk::new().await;
    let text = "%3Cscript%3Ealert(1)%3C%2Fscript%3E+%3Cimg+src%3Dx+onerror%3Dalert(1)%3E+Keystone+is+down+for+everyone";
    let sent = desk.post("ana", "/chat", &format!("event_id=e1&text={text}")).await;
    desk.bot.run().await;
    let page = desk.get("ana", sent.header("location")).await.body;
    assert!(
        page.contains("&lt;script&gt;")
            && !page.contains("<script>alert")
            && !page.contains("<img src=x")
    );
    for path in ["/my", "/tickets"] {
        assert!(!desk.get("ana", path).await.body.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn empty_and_huge_messages_are_refused_with_a_sentence() {
    let desk = Desk::new().await;
    let empty = desk.post("ana", "/chat", "event_id=e&text=+").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let huge =
        desk.post("ana", "/chat", &format!("event_id=e&text={}", "word+".repeat(210_000))).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(huge.body.contains("attach it"), "{}", huge.body);
}

#[tokio::test]
async fn an_outsider_cannot_tell_a_hidden_ticket_from_none() {
    let desk = Desk::new().await;
    let key = desk.ticket().await;
    let hidden = desk.get("ben", &format!("/tickets/{key}")).await;
    let none = desk.get("ben", "/tickets/FL-99999").await;
    assert_eq!((hidden.status, &hidden.body), (StatusCode::NOT_FOUND, &none.body));
    for action in ["change", "comment", "merge", "unmerge", "review", "reopen"] {
        let form = "kind=bug&text=x&into=FL-1&status=closed";
        let hidden = desk.post("ben", &format!("/tickets/{key}/{action}"), form).await;
        let none = desk.post("ben", &format!("/tickets/FL-99999/{action}"), form).await;
        assert_eq!((hidden.status, &hidden.body), (StatusCode::NOT_FOUND, &none.body), "{action}");
    }
    assert!(!desk.get("ben", "/tickets").await.body.contains(&key));
}

#[tokio::test]
async fn an_owner_corrects_reviews_and_replies() {
    let desk = Desk::new().await;
    let key = desk.ticket().await;
    let page = desk.get("olga", &format!("/tickets/{key}")).await;
    assert!(page.body.contains("Why the bot decided so"));
    let changed = desk.post("olga", &format!("/tickets/{key}/change"), "version=1&kind=bug").await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
    let stale = desk.post("olga", &format!("/tickets/{key}/change"), "version=1&kind=change").await;
    assert!(stale.header("location").contains("said=stale"));
    let reply = desk.post("olga", &format!("/tickets/{key}/comment"), "text=We+are+on+it").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    let note =
        desk.post("olga", &format!("/tickets/{key}/comment"), "text=secretnote&internal=1").await;
    assert_eq!(note.status, StatusCode::SEE_OTHER);
    desk.bot.run().await;
    let seen = desk.get("ana", &format!("/tickets/{key}")).await.body;
    assert!(seen.contains("We are on it") && !seen.contains("secretnote"));
    assert!(!seen.contains("Why the bot decided so"));
    let next = desk.post("olga", &format!("/tickets/{key}/review"), "").await;
    assert_eq!(next.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_article_for_others_does_not_exist() {
    let desk = Desk::new().await;
    let fred = desk.bot.viewer("fred").await;
    let documents = desk.bot.app.store.documents(&fred).await.unwrap();
    let close = documents.iter().find(|d| d.audience == "finance").unwrap();
    let reply = desk.get("ana", &format!("/articles/{}", close.id)).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert!(!desk.get("ana", "/knowledge").await.body.contains("Close the month"));
    assert!(!desk.get("ana", "/knowledge?q=zebrafinch").await.body.contains("Close the month"));
}

#[tokio::test]
async fn only_admins_know_of_jobs() {
    let desk = Desk::new().await;
    assert_eq!(desk.get("ana", "/jobs").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.get("root", "/jobs").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_api_takes_a_request_once() {
    let desk = Desk::new().await;
    let token = desk.token("ana", &["requests", "search"]).await;
    let body = json!({ "text": "How do I create a purchase order?" }).to_string();
    let key = [("idempotency-key", "k1")];
    let first = desk.api(&token, Method::POST, "/api/v1/requests", &key, &body).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.body);
    let again = desk.api(&token, Method::POST, "/api/v1/requests", &key, &body).await;
    assert_eq!(again.json()["id"], first.json()["id"]);
    let other =
        desk.api(&token, Method::POST, "/api/v1/requests", &key, r#"{"text":"else"}"#).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.header("content-type"), "application/problem+json");
    desk.bot.run().await;
    let path = first.header("location").to_owned();
    let settled = desk.api(&token, Method::GET, &path, &[], "").await.json();
    assert_eq!(settled["state"], "settled", "{settled}");
    let events = desk.api(&token, Method::GET, &format!("{path}/events"), &[], "").await;
    assert!(events.body.contains("event: settled"), "{}", events.body);
    let judged = desk
        .api(&token, Method::POST, &format!("{path}/feedback"), &[], r#"{"verdict":"solved"}"#)
        .await;
    assert_eq!(judged.status, StatusCode::ACCEPTED);
    let found = desk.api(&token, Method::GET, "/api/v1/search?q=purchase%20order", &[], "").await;
    assert_eq!(found.json()["hits"][0]["path"], "keystone/orders.md");
    let stranger = desk.token("ben", &["requests"]).await;
    assert_eq!(
        desk.api(&stranger, Method::GET, &path, &[], "").await.status,
        StatusCode::NOT_FOUND
    );
    let big = json!({ "text": "x".repeat(70_000) }).to_string();
    let big = desk.api(&token, Method::POST, "/api/v1/requests", &[], &big).await;
    assert_eq!(big.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_api_changes_tickets_as_last_read() {
    let desk = Desk::new().await;
    let key = desk.ticket().await;
    let path = format!("/api/v1/tickets/{key}");
    let token = desk.token("olga", &["tickets:read", "tickets:write"]).await;
    let read = desk.api(&token, Method::GET, &path, &[], "").await;
    let tag = read.header("etag").to_owned();
    let change = r#"{"priority":"P1"}"#;
    let without = desk.api(&token, Method::PATCH, &path, &[], change).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
    let done = desk.api(&token, Method::PATCH, &path, &[("if-match", &tag)], change).await;
    assert_eq!(done.json()["priority"], "P1", "{}", done.body);
    let late = desk.api(&token, Method::PATCH, &path, &[("if-match", &tag)], change).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let reader = desk.token("olga", &["tickets:read"]).await;
    let denied = desk.api(&reader, Method::PATCH, &path, &[("if-match", &tag)], change).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    let outsider = desk.token("ben", &["tickets:read"]).await;
    let hidden = desk.api(&outsider, Method::GET, &path, &[], "").await;
    let none = desk.api(&outsider, Method::GET, "/api/v1/tickets/FL-99999", &[], "").await;
    assert_eq!((hidden.status, hidden.body), (StatusCode::NOT_FOUND, none.body));
    let list = desk.api(&outsider, Method::GET, "/api/v1/tickets", &[], "").await.json();
    assert_eq!(
        (list["total"].as_i64(), list["items"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
}

#[tokio::test]
async fn the_document_names_every_route_and_no_other() {
    let desk = Desk::new().await;
    let document = desk.get("ana", "/api/v1/openapi.json").await.json();
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.push((method.to_uppercase(), path.clone()));
        }
    }
    let mut served: Vec<(String, String)> =
        console::api_routes().into_iter().map(|(m, p)| (m.to_owned(), p.to_owned())).collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
}

#[tokio::test]
async fn files_come_back_only_to_those_who_may_see_them() {
    let desk = Desk::new().await;
    let boundary = "X";
    let body = "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.svg\"\r\n\r\n<svg onload=alert(1)>\r\n--X--\r\n";
    let request = Request::post("/attachments")
        .header(header::HOST, "desk.test")
        .header(header::ORIGIN, "http://desk.test")
        .header("x-csrf-token", "csrf-ana")
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
        .header(header::COOKIE, "firstline=session-ana");
    let stored = desk.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.body);
    let path = format!("/attachments/{}", stored.json()["id"].as_str().unwrap());
    let own = desk.get("ana", &path).await;
    assert_eq!(own.header("content-type"), "application/octet-stream");
    assert!(own.header("content-disposition").starts_with("attachment"));
    assert_eq!(desk.get("ben", &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn readiness_says_what_is_ready() {
    let desk = Desk::new().await;
    let reply = desk.get("nobody", "/readyz").await;
    assert_eq!(reply.json()["database"], true, "{}", reply.body);
    assert_eq!(desk.get("nobody", "/healthz").await.body, "ok\n");
}

#[tokio::test]
async fn what_only_the_team_sees_does_not_stir_anybody_elses_page() {
    let desk = Desk::new().await;
    let key = desk.ticket().await;
    let path = format!("/tickets/{key}");
    let mark = async |who: &str| {
        let page = desk.get(who, &path).await.body;
        let (_, rest) = page.split_once("data-mark=\"").expect("a page that follows its ticket");
        rest.split('"').next().unwrap().to_owned()
    };
    let (ana, olga) = (mark("ana").await, mark("olga").await);
    desk.post("olga", &format!("{path}/comment"), "internal=1&text=They+always+say+so").await;
    assert_eq!(mark("ana").await, ana, "a note is not for the requester");
    assert_ne!(mark("olga").await, olga, "but for the team");
    desk.post("olga", &format!("{path}/comment"), "text=We+are+on+it").await;
    assert_ne!(mark("ana").await, ana);
    // Who may not see it is told what is told of a ticket that does not exist.
    let hidden = desk.get("ben", &format!("{path}/events")).await;
    let none = desk.get("ben", "/tickets/FL-999/events").await;
    assert_eq!((hidden.status, &hidden.body), (StatusCode::NOT_FOUND, &none.body));
}
