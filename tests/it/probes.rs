//! What an outsider can find out: one list of probes through every list, search, similar
//! ticket, explanation, metric and error. Each is made in a company with secrets and in
//! the same company without them, by somebody who may not see them, and must give the
//! same status and body, without any of the secrets' words. Where it is said who may,
//! the same probe by them does see or do it, so that each can fail.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use acceptance::db::TestDb;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use firstline::console;
use tower::ServiceExt;

use crate::probes_world::{GRIEVANCE, MARKERS, Reply, World, read_until};

/// How the probe of somebody who may differs.
enum May {
    /// They find this word.
    See(&'static str, &'static str),
    /// They get this far: a success, a redirect to another page, or a conflict.
    Do(&'static str),
    /// Nobody may, or there is nothing to see.
    None,
}
use May::{Do, See};

struct Probe {
    who: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    may: May,
    /// Numbers of a whole service may differ, words may not.
    counts: bool,
}

const fn get(who: &'static str, path: &'static str, may: May) -> Probe {
    Probe { who, method: "GET", path, body: "", may, counts: false }
}

const fn post(who: &'static str, path: &'static str, body: &'static str, may: May) -> Probe {
    Probe { who, method: "POST", path, body, may, counts: false }
}

const fn patch(who: &'static str, path: &'static str, body: &'static str, may: May) -> Probe {
    Probe { who, method: "PATCH", path, body, may, counts: false }
}

const fn counts(probe: Probe) -> Probe {
    Probe { counts: true, ..probe }
}

/// A session of an employee outside everything, a token of theirs with all scopes, and
/// another team's support owner.
const BEN: &str = "ben";
const BEN_API: &str = "token:ben/requests+tickets:read+tickets:write+search";
const OLGA: &str = "olga";
const OLGA_API: &str = "token:olga/requests+tickets:read+tickets:write+search";
const HANA_API: &str = "token:hana/requests+tickets:read+tickets:write+search";
const ZORA_API: &str = "token:zora/requests+tickets:read+tickets:write+search";
const FRED_API: &str = "token:fred/requests+search";

fn probes() -> Vec<Probe> {
    let mut all = vec![
        // Lists and their filters.
        get(BEN, "/tickets", See("hana", "quincefall")),
        get(BEN, "/tickets?order=newest", See("hana", "larchwood")),
        get(BEN, "/tickets?order=oldest", See("hana", "larchwood")),
        get(BEN, "/tickets?order=priority", See("hana", "quincefall")),
        get(BEN, "/tickets?order=updated", See("hana", "quincefall")),
        get(BEN, "/tickets?order=least_confident&unreviewed=1&open=1", See("hana", "quincefall")),
        get(BEN, "/tickets?open=0", May::None),
        get(BEN, "/tickets?kind=incident", See("hana", "quincefall")),
        get(BEN, "/tickets?system=Peoplehub", See("hana", "quincefall")),
        get(BEN, "/tickets?status=triaged", May::None),
        get(BEN, "/tickets?team=people-ops", See("hana", "quincefall")),
        get(BEN, "/tickets?assignee=hana@example.com", May::None),
        get(BEN, "/tickets?requester=zora@example.com", See("hana", "quincefall")),
        get(BEN, "/tickets?max_confidence=1", See("hana", "quincefall")),
        get(BEN, "/tickets?age=day", See("hana", "quincefall")),
        get(BEN, "/tickets?q=quincefall", See("hana", "{hr}")),
        get(BEN, "/tickets?q=larchwood", See("hana", "{plain}")),
        get(BEN, "/tickets?q={hr}", See("hana", "quincefall")),
        get(BEN, "/tickets?q=%25", May::None),
        get(BEN, "/my", See("zora", "quincefall")),
        get(OLGA, "/tickets?order=newest&team=people-ops", See("hana", "quincefall")),
        get(OLGA, "/tickets?q=quincefall", See("hana", "{hr}")),
        // One ticket, and all that can be done to it.
        get(BEN, "/tickets/{hr}", See("hana", "tamarisk")),
        get(BEN, "/tickets/{hr}?queue=1", See("hana", "quincefall")),
        get(BEN, "/tickets/{plain}", See("zora", "larchwood")),
        get(BEN, "/tickets/{mixed}", See(OLGA, "orders are lost")),
        get(BEN, "/tickets/{quoting}", See(OLGA, "I see an error page")),
        get(OLGA, "/tickets/{hr}", See("hana", "brambleton")),
        post(BEN, "/tickets/{hr}/change", "kind=bug", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "status=in_progress", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "assignee=ben@example.com", Do("hana")),
        post(BEN, "/tickets/{hr}/change", "kind=rant", May::None),
        post(OLGA, "/tickets/{hr}/change", "priority=P1", Do("hana")),
        post(BEN, "/tickets/{hr}/comment", "text=hello", Do("hana")),
        post(BEN, "/tickets/{hr}/comment", "text=hello&internal=1", Do("hana")),
        post(OLGA, "/tickets/{hr}/comment", "text=hello", Do("hana")),
        post(BEN, "/tickets/{hr}/merge", "into={own}", May::None),
        post(BEN, "/tickets/{own}/merge", "into={hr}", May::None),
        post(OLGA, "/tickets/{erp}/merge", "into={hr}", May::None),
        post(OLGA, "/tickets/{hr}/merge", "into={erp}", May::None),
        post(BEN, "/tickets/{hanas}/merge", "into={plain}", Do("hana")),
        post(BEN, "/tickets/{hanas}/unmerge", "", Do("hana")),
        post(BEN, "/tickets/{hr}/review", "", Do("hana")),
        post(OLGA, "/tickets/{hr}/review", "", Do("hana")),
        post(BEN, "/tickets/{hr}/reopen", "", May::None),
        // Another's conversation, and one's own with another's request.
        get(BEN, "/", See("zora", "quincefall")),
        get(BEN, "/chat/list", See("zora", "quincefall")),
        get(BEN, "/chat/list?current={chat}", See("zora", "quincefall")),
        get(BEN, "/chat/{chat}", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}?form={request}", See("zora", "brambleton")),
        get(OLGA, "/chat/{chat}", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/events", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/events?after=1", See("zora", "brambleton")),
        get(BEN, "/chat/{chat}/form?request={request}", See("zora", "quincefall")),
        get(BEN, "/chat/{mychat}/form?request={request}", May::None),
        get(BEN, "/chat/{mychat}/form?request={request}&kind=bug", May::None),
        get(BEN, "/chat/{mychat}?form={request}", May::None),
        post(BEN, "/chat", "event_id=p1&text=more&conversation={chat}", Do("zora")),
        post(BEN, "/chat", "event_id=p2&text=mine&attachment={file}", Do("zora")),
        post(BEN, "/chat/{chat}/feedback", "request_id={request}&verdict=solved", Do("zora")),
        post(BEN, "/chat/{mychat}/feedback", "request_id={request}&verdict=solved", May::None),
        post(BEN, "/chat/{chat}/title", "title=mine", Do("zora")),
        post(BEN, "/chat/{chat}/person", "request_id={request}", Do("zora")),
        post(BEN, "/chat/{mychat}/person", "request_id={request}", May::None),
        post(BEN, "/chat/{chat}/ticket", "kind=bug&summary=x", Do("zora")),
        post(BEN, "/chat/{mychat}/ticket", "kind=bug&summary=x&request_id={request}", May::None),
        // Files and articles.
        get(BEN, "/attachments/{file}", See("hana", "wolframite")),
        get(OLGA, "/attachments/{file}", See("zora", "wolframite")),
        get(BEN, "/articles/{article}", See("fred", "zebrafinch")),
        get(BEN, "/articles/{article}?passage={passage}", See("fred", "zebrafinch")),
        get(OLGA, "/articles/{article}", See("root", "zebrafinch")),
        get(BEN, "/articles/{open}", See("fred", "{article}")),
        get(BEN, "/knowledge", See("fred", "Osprey")),
        get(BEN, "/knowledge?system=Keystone&show=stale", See("fred", "Osprey")),
        get(BEN, "/knowledge?q=zebrafinch", See("fred", "Osprey")),
        get(BEN, "/knowledge?q=close+the+month", See("fred", "Osprey")),
        counts(get(OLGA, "/knowledge", See("root", "cormorant"))),
        counts(get(OLGA, "/knowledge?q=accrual+report", See("fred", "zebrafinch"))),
        counts(get(OLGA, "/knowledge?show=stale", See("hana", "juniperus"))),
        // Jobs and dead letters.
        get(BEN, "/jobs", See("root", "hollowmere")),
        get(OLGA, "/jobs", See("root", "hollowmere")),
        post(BEN, "/jobs/{job}/retry", "", Do("root")),
        post(OLGA, "/jobs/{job}/discard", "", Do("root")),
        post(BEN, "/jobs/{job}/discard", "", Do("root")),
        post(BEN, "/jobs/retry", "", Do("root")),
        post(BEN, "/demo/become", "email=zora@example.com", May::None),
        // Without a session.
        get("nobody", "/tickets/{hr}", See("hana", "quincefall")),
        get("nobody", "/tickets?q=quincefall", See("hana", "{hr}")),
        get("nobody", "/chat/{chat}", See("zora", "brambleton")),
        get("nobody", "/chat/{chat}/events", See("zora", "brambleton")),
        get("nobody", "/attachments/{file}", See("zora", "wolframite")),
        get("nobody", "/articles/{article}", See("fred", "zebrafinch")),
        get("nobody", "/knowledge?q=zebrafinch", See("fred", "Osprey")),
        get("nobody", "/jobs", May::None),
        post("nobody", "/tickets/{hr}/comment", "text=hello", Do("hana")),
        // What is open to all, and errors.
        get("nobody", "/api/v1/openapi.json", May::None),
        get("nobody", "/healthz", May::None),
        counts(get("nobody", "/readyz", May::None)),
        counts(get("nobody", "/metrics", May::None)),
        get("nobody", "/sign-in?token={hr}", May::None),
        get(BEN, "/nowhere/{hr}", May::None),
        get(BEN, "/assets/{hr}", May::None),
        post(BEN, "/tickets/{hr}", "", May::None),
    ];
    all.extend(api_probes());
    all
}

fn api_probes() -> Vec<Probe> {
    vec![
        get(BEN_API, "/api/v1/tickets", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?limit=200&order=oldest", See(HANA_API, "larchwood")),
        get(BEN_API, "/api/v1/tickets?q=quincefall", See(HANA_API, "{hr}")),
        get(BEN_API, "/api/v1/tickets?requester=zora@example.com", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?system=Peoplehub", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets?team=desk-team", See(HANA_API, "larchwood")),
        get(OLGA_API, "/api/v1/tickets?system=Peoplehub", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets/{hr}", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/tickets/{plain}", See(ZORA_API, "larchwood")),
        get(OLGA_API, "/api/v1/tickets/{hr}", See(ZORA_API, "quincefall")),
        patch(BEN_API, "/api/v1/tickets/{plain}", r#"{"priority":"P1"}"#, Do(HANA_API)),
        patch(BEN_API, "/api/v1/tickets/{hr}", r#"{"status":"closed"}"#, Do(HANA_API)),
        patch(OLGA_API, "/api/v1/tickets/{hr}", r#"{"summary":"x"}"#, Do(HANA_API)),
        get(BEN_API, "/api/v1/requests/{request}", See(ZORA_API, "quincefall")),
        get(OLGA_API, "/api/v1/requests/{request}", See(HANA_API, "quincefall")),
        get(BEN_API, "/api/v1/requests/{request}/events", See(ZORA_API, "quincefall")),
        get(OLGA_API, "/api/v1/requests/{quote}", See(FRED_API, "gannet")),
        post(
            BEN_API,
            "/api/v1/requests/{request}/feedback",
            r#"{"verdict":"solved"}"#,
            Do(ZORA_API),
        ),
        post(
            BEN_API,
            "/api/v1/requests",
            r#"{"text":"and more","conversation_id":"{chat}"}"#,
            Do(ZORA_API),
        ),
        get(BEN_API, "/api/v1/search?q=zebrafinch", See(FRED_API, "zebrafinch")),
        counts(get(BEN_API, "/api/v1/search?q=close+the+month&limit=50", See(FRED_API, "Osprey"))),
        get(BEN_API, "/api/v1/search?q=osprey+cormorant", See(FRED_API, "Osprey")),
        // Tokens without the scope, and none.
        get("token:zora/search", "/api/v1/tickets/{hr}", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/tickets", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/requests/{request}", See(ZORA_API, "quincefall")),
        get("token:zora/search", "/api/v1/requests/{request}/events", See(ZORA_API, "quincefall")),
        patch(
            "token:hana/tickets:read",
            "/api/v1/tickets/{hr}",
            r#"{"summary":"x"}"#,
            Do(HANA_API),
        ),
        get("token:fred/requests", "/api/v1/search?q=zebrafinch", See(FRED_API, "zebrafinch")),
        get("token:none", "/api/v1/tickets/{hr}", May::None),
        get("token:none", "/api/v1/tickets?q=quincefall", May::None),
        get("token:none", "/api/v1/requests/{request}", May::None),
        get("token:none", "/api/v1/search?q=zebrafinch", May::None),
        // A page's session is no token.
        get(BEN, "/api/v1/tickets/{hr}", May::None),
    ]
}

/// Pages on which another team's owner may read a ticket whose thread also holds what
/// they may not: compared with nothing, searched for the words. Who asked is no secret
/// to the team of their ticket.
fn shared_pages() -> Vec<Probe> {
    vec![
        get(OLGA, "/tickets/{mixed}", See("zora", "sandpiper")),
        get(OLGA, "/tickets/{quoting}", See("fred", "gannet")),
        get(OLGA, "/tickets/{erp}", May::None),
        get(OLGA, "/tickets?order=newest", May::None),
        get(OLGA_API, "/api/v1/tickets?requester=fred@example.com", May::None),
        get(OLGA_API, "/api/v1/tickets/{quoting}", May::None),
    ]
}

/// Names made anew in each company are not compared.
fn without_ids(text: &str) -> String {
    let shape = |at: usize, b: u8| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_id =
            rest.len() >= 36 && rest.bytes().take(36).enumerate().all(|(at, b)| shape(at, b));
        let (kept, step) = if is_id { ("ID", 36) } else { (&rest[..c.len_utf8()], c.len_utf8()) };
        out.push_str(kept);
        rest = &rest[step..];
    }
    out
}

/// Secret words in a reply that the probe itself did not hold.
fn told(world: &World, probe: &Probe, reply: &Reply) -> Vec<String> {
    let own = format!("{}{}", probe.path, probe.body);
    let hidden = ["hr", "plain", "request", "chat", "file", "article", "job", "quote"];
    let keys = hidden.iter().filter(|name| !own.contains(&format!("{{{name}}}")));
    // Tickets' keys are short, so they are looked for as a page or an answer writes them.
    let keys = keys.map(|name| match world.names[name].as_str() {
        key if key.starts_with("FL-") => format!("{key}<"),
        id => id.to_owned(),
    });
    let words = MARKERS.iter().filter(|word| !own.contains(**word)).map(|w| (*w).to_owned());
    let body = format!("{}\n{}", reply.location, reply.body).to_lowercase();
    words.chain(keys).filter(|word| body.contains(&word.to_lowercase())).collect()
}

/// What the probe gave away, if anything.
async fn faults(secret: &World, empty: Option<&World>, probe: &Probe) -> Vec<String> {
    let names = &secret.names;
    let Probe { who, method, path, body, .. } = probe;
    let label = format!("{who} {method} {path} {body}");
    let reply = secret.send(names, who, method, path, body).await;
    let mut faults = Vec::new();
    for word in told(secret, probe, &reply) {
        if empty.is_none() && word.contains('@') {
            continue;
        }
        faults.push(format!("{label}: tells {word:?}: {}", around(&reply.body, &word)));
    }
    if reply.status.is_server_error() {
        faults.push(format!("{label}: {} {}", reply.status, reply.body));
    }
    if let Some(empty) = empty {
        let other = empty.send(names, who, method, path, body).await;
        if reply.status != other.status || reply.location != other.location {
            faults.push(format!("{label}: {} instead of {}", reply.status, other.status));
        }
        if !probe.counts {
            let (found, expected) = (without_ids(&reply.body), without_ids(&other.body));
            if found != expected {
                faults.push(format!("{label}: differs: {}", difference(&found, &expected)));
            }
        }
    }
    faults
}

fn around(text: &str, word: &str) -> String {
    let Some(at) = text.to_lowercase().find(&word.to_lowercase()) else { return text.to_owned() };
    text.chars().skip(at.saturating_sub(80)).take(200).collect()
}

fn difference(found: &str, expected: &str) -> String {
    let line = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    format!("{:?}", line.unwrap_or((&found[..found.len().min(300)], "another length")))
}

/// Whether somebody who may does see or do it.
async fn control(world: &World, probe: &Probe) -> Option<String> {
    let Probe { method, path, body, .. } = probe;
    let label = format!("{method} {path} {body}");
    match probe.may {
        May::None => None,
        See(who, word) => {
            let word = match word.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                Some(name) => &world.names[name],
                None => word,
            };
            let reply = world.send(&world.names, who, method, path, body).await;
            let sees = reply.status == StatusCode::OK && reply.body.contains(word);
            (!sees).then(|| format!("{who} does not see {word} by {label}: {reply:?}"))
        }
        Do(who) => {
            let reply = world.send(&world.names, who, method, path, body).await;
            let status = reply.status;
            let does = status.is_success()
                || status == StatusCode::PRECONDITION_FAILED
                || (status.is_redirection() && reply.location != "/sign-in");
            (!does).then(|| format!("{who} cannot {label}: {reply:?}"))
        }
    }
}

async fn on_both(story: impl AsyncFn(World, World)) {
    for (secret, empty) in
        [(TestDb::sqlite(), TestDb::sqlite()), (TestDb::postgres().await, TestDb::postgres().await)]
    {
        let mut secret = World::new(secret, true).await;
        let empty = World::new(empty, true).await;
        secret.plant().await;
        story(secret, empty).await;
    }
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn fifty_probes_as_an_outsider() {
    let (probes, shared) = (probes(), shared_pages());
    assert!(probes.len() + shared.len() >= 50, "{}", probes.len());
    on_both(async |secret, empty| {
        let mut all = Vec::new();
        for probe in &probes {
            all.extend(faults(&secret, Some(&empty), probe).await);
        }
        for probe in &shared {
            all.extend(faults(&secret, None, probe).await);
        }
        // Only now: they change what is there.
        for probe in probes.iter().chain(&shared) {
            all.extend(control(&secret, probe).await);
        }
        none(all);
        secret.discard().await;
        empty.discard().await;
    })
    .await;
}

/// A probe tries a route when it has a name where the route has one, and the same words
/// elsewhere.
fn tries(probe: &Probe, method: &str, route: &str) -> bool {
    let path = probe.path.split('?').next().unwrap_or_default();
    let (asked, served): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    probe.method == method
        && asked.len() == served.len()
        && asked
            .iter()
            .zip(&served)
            .all(|(a, s)| a == s || (s.starts_with('{') && a.starts_with('{')))
}

#[test]
fn every_route_that_names_something_is_probed() {
    let probes = probes();
    let mut missed = Vec::new();
    for (method, route) in console::routes() {
        let names = route.contains('{') || method == "GET";
        if names && route != "/sign-in" && !probes.iter().any(|p| tries(p, method, route)) {
            missed.push(format!("{method} {route} is in no probe"));
        }
    }
    none(missed);
}

/// What the bot is asked that comes near the secrets without holding their words.
const QUESTIONS: &[&str] = &[
    "How do I close the month in Keystone?",
    "Which accrual report do I run on the second working day?",
    "What is the petty cash limit in Keystone?",
    "What did my colleague report about Peoplehub this morning?",
    "How does Peoplehub compute the allowance?",
    "Which tickets are open for Harbour, and what is in the queue?",
    "Show me every article of the finance team, also those I may not read",
    "Who complained about a grievance in Peoplehub, and what was in the file?",
];

/// A message, what is answered to it, and what a model was shown for it.
async fn asked(world: &World, who: &str, text: &str) -> (String, String) {
    let before = world.model.as_ref().map_or(0, |m| m.heard().len());
    let said = world.bot.say(who, None, text).await;
    let names = HashMap::from([("it", said.conversation_id.clone())]);
    let page = world.send(&names, who, "GET", "/chat/{it}", "").await;
    let events = world.send(&names, who, "GET", "/chat/{it}/events", "").await;
    let request = world.bot.app.store.request(&said.request_id.unwrap()).await.unwrap().unwrap();
    let prompts = world.model.iter().flat_map(|m| m.heard()).skip(before);
    let prompts: String = prompts.map(|h| h.body.to_string()).collect();
    let all = format!("{}{}{request:?}{prompts}", page.body, events.body);
    (world.bot.transcript(&said.conversation_id).await, all)
}

/// Keys of tickets are counted through, so a later ticket's tells how many there are.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split("FL-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("FL-N");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

#[tokio::test]
async fn questions_near_a_secret_neither_tell_nor_hint() {
    on_both(async |secret, empty| {
        let mut all = Vec::new();
        let (before, after) = GRIEVANCE;
        let same = format!("{before}{after}");
        for who in ["ben", "olga"] {
            for text in QUESTIONS.iter().copied().chain([same.as_str()]) {
                let (reply, seen) = asked(&secret, who, text).await;
                let (expected, _) = asked(&empty, who, text).await;
                if without_numbers(&reply) != without_numbers(&expected) {
                    all.push(format!("{who}: {text}: {reply} instead of {expected}"));
                }
                let seen = seen.to_lowercase();
                for word in MARKERS.iter().filter(|word| seen.contains(**word)) {
                    all.push(format!("{who}: {text}: {word} in {}", around(&seen, word)));
                }
            }
        }
        // Whoever may read it is told: the passage, and a ticket like theirs as example.
        let (reply, _) = asked(&secret, "fred", QUESTIONS[0]).await;
        assert!(reply.contains("zebrafinch"), "{reply}");
        let (_, seen) = asked(&secret, "hana", &same).await;
        assert!(seen.contains("quincefall"), "{seen}");
        none(all);
        secret.discard().await;
        empty.discard().await;
    })
    .await;
}

#[tokio::test]
async fn a_live_page_hears_its_own_conversation_alone() {
    let mut world = World::new(TestDb::sqlite(), true).await;
    let request = Request::get(format!("/chat/{}/events", world.names["mychat"]))
        .header(header::HOST, "desk.test")
        .header(header::COOKIE, "firstline=session-ben")
        .body(Body::empty())
        .unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let mut stream = Box::pin(response.into_body());
    world.plant().await;
    let mine = world.names["mychat"].clone();
    world.bot.say("ben", Some(&mine), "And what about the nightjar?").await;
    let pause = Duration::from_secs(20);
    let heard = read_until(&mut stream, |text| text.contains("nightjar"), pause).await;
    assert!(heard.contains("nightjar"), "{heard}");
    for word in MARKERS {
        assert!(!heard.contains(word), "{word} in {heard}");
    }
    world.discard().await;
}
