//! What an outsider can find out: one list of probes through every list, search, similar
//! ticket, explanation, metric and error. Each is made in a company with secrets and in
//! the same company without them, by somebody who may not see them, and must give the
//! same status and body, without any of the secrets' words. Where it is said who may,
//! the same probe by them does see or do it, so that each can fail.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use acceptance::db::TestDb;
use acceptance::process::{firstline, run};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use firstline::console;
use tower::ServiceExt;

mod table;
mod world;

use table::{May, Probe, probes, shared_pages};
use world::{GRIEVANCE, MARKERS, Reply, World, read_until};

use May::{Do, See};

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

async fn on_both(with_model: bool, story: impl AsyncFn(World, World)) {
    for (secret, empty) in
        [(TestDb::sqlite(), TestDb::sqlite()), (TestDb::postgres().await, TestDb::postgres().await)]
    {
        let mut secret = World::new(secret, with_model).await;
        let empty = World::new(empty, with_model).await;
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
    on_both(true, async |secret, empty| {
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
    "Harbour takes no cases since this morning, does anybody else see that?",
    "Peoplehub shows the files of an investigation to all of us",
    "How much may our office pay in cash before it goes through the bank?",
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

/// What a person gets who asks what is held about them.
async fn exported(world: &World, who: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = firstline(folder.path());
    command.env("FIRSTLINE__DATABASE__URL", world.url());
    command.args(["privacy", "export", &format!("{who}@example.com")]);
    run(command).await
}

/// Asks everything near a secret in both companies, then looks at what is held about those
/// who asked: the same in both, and without a word of the secrets.
async fn ask_near_secrets(secret: &World, empty: &World) {
    let mut all = Vec::new();
    let (before, after) = GRIEVANCE;
    let same = format!("{before}{after}");
    for who in ["ben", "olga"] {
        for text in QUESTIONS.iter().copied().chain([same.as_str()]) {
            let (reply, seen) = asked(secret, who, text).await;
            let (expected, _) = asked(empty, who, text).await;
            if without_numbers(&reply) != without_numbers(&expected) {
                all.push(format!("{who}: {text}: {reply} instead of {expected}"));
            }
            let seen = seen.to_lowercase();
            for word in MARKERS.iter().filter(|word| seen.contains(**word)) {
                all.push(format!("{who}: {text}: {word} in {}", around(&seen, word)));
            }
        }
        let held = exported(secret, who).await.to_lowercase();
        assert!(held.contains("petty cash"), "{held}");
        for word in MARKERS.iter().filter(|word| held.contains(**word)) {
            all.push(format!("{who}: exported: {word} in {}", around(&held, word)));
        }
    }
    // Whoever may read it is told: the passage, and what is held about them.
    let (reply, _) = asked(secret, "fred", QUESTIONS[0]).await;
    assert!(reply.contains("zebrafinch"), "{reply}");
    assert!(exported(secret, "zora").await.contains("quincefall"));
    none(all);
}

#[tokio::test]
async fn questions_near_a_secret_neither_tell_nor_hint() {
    on_both(true, async |secret, empty| {
        ask_near_secrets(&secret, &empty).await;
        // A ticket like theirs is an example for those who may see it.
        let (before, after) = GRIEVANCE;
        let (_, seen) = asked(&secret, "hana", &format!("{before}{after}")).await;
        assert!(seen.contains("quincefall"), "{seen}");
        secret.discard().await;
        empty.discard().await;
    })
    .await;
}

#[tokio::test]
async fn nor_does_the_local_engine() {
    on_both(false, async |secret, empty| {
        ask_near_secrets(&secret, &empty).await;
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
