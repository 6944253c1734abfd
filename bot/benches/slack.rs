//! Signed Slack events over HTTP against the real program, workers running and a Slack of its own
//! behind it: how many are accepted a second, each on disk before it is acknowledged, and how long
//! acknowledgement takes at half that rate. With `--url`, the same load against any other server.
//!
//! `cargo bench -p firstline --bench slack -- [--seconds S] [--connections N] [--rounds N]
//! [--database URL] [--url URL --secret SECRET]`

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::Path;
use axum::routing::any;
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "bench";

struct Settings {
    seconds: f64,
    connections: usize,
    rounds: usize,
    database: Option<String>,
    url: Option<String>,
    secret: String,
}

fn settings() -> Settings {
    let mut settings = Settings {
        seconds: 10.0,
        connections: 32,
        rounds: 3,
        database: None,
        url: None,
        secret: SECRET.to_owned(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
        match name.as_str() {
            "--seconds" => settings.seconds = value().parse().unwrap(),
            "--connections" => settings.connections = value().parse().unwrap(),
            "--rounds" => settings.rounds = value().parse().unwrap(),
            "--database" => settings.database = Some(value()),
            "--url" => settings.url = Some(value()),
            "--secret" => settings.secret = value(),
            // What `cargo bench` adds.
            "--bench" => {}
            other => panic!("{other} is not known; see the top of bot/benches/slack.rs"),
        }
    }
    settings
}

/// Just enough of Slack's Web API for the service to do all its work.
async fn stand_in() -> String {
    async fn call(Path(method): Path<String>) -> Json<Value> {
        static POSTED: AtomicUsize = AtomicUsize::new(0);
        Json(match method.as_str() {
            "users.info" => {
                json!({"ok": true, "user": {"id": "UANA", "name": "ana", "team_id": "T1",
                "profile": {"email": "load@example.com"}}})
            }
            "auth.test" => json!({"ok": true, "team_id": "T1", "user_id": "UBOT", "bot_id": "B1",
                "team": "Bench"}),
            "chat.postMessage" => {
                let ts = POSTED.fetch_add(1, Ordering::Relaxed);
                json!({"ok": true, "channel": "C1", "ts": format!("{ts}.0")})
            }
            _ => json!({"ok": true}),
        })
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let router = Router::new().route("/api/{method}", any(call));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The same on a thread of its own; where it is.
fn beside() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tell.send(stand_in().await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// Whole requests, each with an event of its own, signed for the next five minutes.
fn requests(host: &str, path: &str, secret: &str, round: &str, count: usize) -> Vec<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let one = |n: usize| {
        let ts = format!("{now}.{n:06}");
        let body = json!({
            "token": "t", "team_id": "T1", "api_app_id": "A1", "type": "event_callback",
            "event_id": format!("Ev{round}{n}"), "event_time": now, "is_ext_shared_channel": false,
            "event_context": format!("4-{round}-{n}"),
            "event": {"type": "app_mention", "user": "UANA", "team": "T1", "channel": "C1",
                "ts": ts, "event_ts": ts, "client_msg_id": format!("{round}-{n}"),
                "text": format!("<@UBOT> how do I post an invoice, number {n}?"),
                "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "UBOT"},
                        {"type": "text", "text": format!(" how do I post an invoice, number {n}?")}]}]}]},
            "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": "UBOT",
                "is_bot": true, "is_enterprise_install": false}],
        })
        .to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v0:{now}:{body}").as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    (0..count).map(one).collect()
}

/// What was acknowledged with 200, and how long each took in ms.
#[derive(Default)]
struct Outcome {
    took: Vec<f64>,
    refused: usize,
}

/// Sends what is left of `requests` over `connections` until `seconds` are over: as fast as they
/// are answered, or at `rate` a second, counted from when each was due.
async fn load(
    host: &str,
    requests: Vec<Vec<u8>>,
    connections: usize,
    seconds: f64,
    rate: Option<f64>,
) -> (Outcome, f64) {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(seconds);
    let senders: Vec<_> = (0..connections)
        .map(|_| {
            let (host, requests, next) = (host.to_owned(), requests.clone(), next.clone());
            tokio::spawn(async move {
                let mut outcome = Outcome::default();
                let mut stream = TcpStream::connect(&host).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 4096];
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(n) else { break };
                    let mut due = Instant::now();
                    if let Some(rate) = rate {
                        due = begun + Duration::from_secs_f64(n as f64 / rate);
                        tokio::time::sleep_until(due.into()).await;
                    }
                    if due >= end {
                        break;
                    }
                    stream.write_all(request).await.unwrap();
                    match answered(&mut stream, &mut buffer).await {
                        true => outcome.took.push(due.elapsed().as_secs_f64() * 1e3),
                        false => outcome.refused += 1,
                    }
                }
                outcome
            })
        })
        .collect();
    let mut all = Outcome::default();
    for sender in senders {
        let one = sender.await.unwrap();
        all.took.extend(one.took);
        all.refused += one.refused;
    }
    let took = begun.elapsed().as_secs_f64();
    assert!(next.load(Ordering::Relaxed) < requests.len(), "there were too few requests");
    (all, took)
}

/// Reads one answer; whether it is a 200.
async fn answered(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    let mut answer: Vec<u8> = Vec::new();
    loop {
        let n = stream.read(buffer).await.unwrap();
        assert!(n > 0, "the server hung up");
        answer.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let whole = match length {
            Some(length) => body.len() >= length.trim().parse().unwrap(),
            None if head.contains("chunked") => body.ends_with("0\r\n\r\n"),
            None => true,
        };
        if whole {
            return head.contains(" 200");
        }
    }
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn line(name: &str, mut outcome: Outcome, seconds: f64) -> f64 {
    outcome.took.sort_by(f64::total_cmp);
    let rate = outcome.took.len() as f64 / seconds;
    println!(
        "{name}: {rate:.0} events/s, p50 {:.1} ms, p99 {:.1} ms, max {:.0} ms, {} refused",
        percentile(&outcome.took, 0.5),
        percentile(&outcome.took, 0.99),
        percentile(&outcome.took, 1.0),
        outcome.refused
    );
    rate
}

async fn measure(url: &str, settings: &Settings) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let path = format!("/{path}");
    let mut rates = Vec::new();
    for round in 0..settings.rounds {
        let count = (20_000.0 * settings.seconds) as usize;
        let requests = requests(host, &path, &settings.secret, &format!("A{round}x"), count);
        let (outcome, took) =
            load(host, requests, settings.connections, settings.seconds, None).await;
        rates.push(line(&format!("as fast as it goes, round {round}"), outcome, took));
    }
    rates.sort_by(f64::total_cmp);
    let half = rates[rates.len() / 2] / 2.0;
    let requests =
        requests(host, &path, &settings.secret, "B", (half * settings.seconds) as usize + 99);
    let connections = settings.connections * 4;
    let (outcome, took) = load(host, requests, connections, settings.seconds, Some(half)).await;
    line("at half the median rate", outcome, took);
}

fn main() {
    let settings = settings();
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread to send, as a client elsewhere would leave the server its cores.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match &settings.url {
            Some(url) => measure(url, &settings).await,
            None => measure_ours(&settings).await,
        }
    });
}

async fn measure_ours(settings: &Settings) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data/firstline.db");
    let database = settings.database.clone().unwrap_or(format!("sqlite:{}", file.display()));
    let slack = beside();
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstline"));
        command.arg("--data").arg(dir.path().join("data"));
        command.env("FIRSTLINE__DATABASE__URL", &database).stderr(Stdio::null());
        command
    };
    for arguments in [["migrate", "", ""], ["user", "add", "load@example.com"]] {
        let arguments = arguments.iter().filter(|argument| !argument.is_empty());
        assert!(program().args(arguments).status().unwrap().success());
    }
    let mut command = program();
    command.arg("serve").env("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
    command.env("FIRSTLINE__SLACK__BOT_TOKEN", "xoxb-bench");
    command.env("FIRSTLINE__SLACK__SIGNING_SECRET", SECRET);
    command.env("FIRSTLINE__SLACK__API_URL", slack);
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("serve says where it is");
        if let Some(at) = line.find("http://") {
            break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
        }
    };
    // The local engine is trained in the first seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    measure(&format!("{address}/slack/events"), settings).await;
    child.kill().await.unwrap();
}
