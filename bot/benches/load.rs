//! Requests over HTTP against the real program, workers running, messages of mixed real
//! length (the shipped examples). Prints how long acknowledgement and reply take, memory,
//! and the time from start to ready.
//!
//! `cargo bench -p firstline --bench load -- [--passages N] [--rate PER_SECOND]
//! [--seconds S] [--database URL]`

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline::prompts::shipped_examples;
use firstline::store::Store;
use tokio::io::{AsyncBufReadExt, BufReader};

struct Settings {
    passages: usize,
    rate: f64,
    seconds: f64,
    database: Option<String>,
}

fn settings() -> Settings {
    let mut settings = Settings { passages: 10_000, rate: 20.0, seconds: 20.0, database: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
        match name.as_str() {
            "--passages" => settings.passages = value().parse().unwrap(),
            "--rate" => settings.rate = value().parse().unwrap(),
            "--seconds" => settings.seconds = value().parse().unwrap(),
            "--database" => settings.database = Some(value()),
            // What `cargo bench` adds.
            "--bench" => {}
            other => panic!("{other} is not known; see the top of bot/benches/load.rs"),
        }
    }
    settings
}

/// Documents that together give about `passages` passages: the words of the shipped
/// examples, scattered by a fixed sequence.
fn write_documents(folder: &Path, passages: usize) {
    let words: Vec<String> = shipped_examples()
        .iter()
        .flat_map(|e| e.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut seed: u64 = 42;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..passages.div_ceil(10) {
        let mut text = format!("# Article {number} about {}\n", words[next(words.len())]);
        for section in 0..10 {
            text.push_str(&format!("\n## Part {section} {}\n\n", words[next(words.len())]));
            for _ in 0..14 {
                let from = next(words.len() - 16);
                text.push_str(&words[from..from + 14].join(" "));
                text.push_str(".\n");
            }
        }
        std::fs::write(folder.join(format!("{number}.md")), text).unwrap();
    }
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn line(name: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        println!("{name}: nothing measured");
        return;
    }
    println!(
        "{name}: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms ({} measured)",
        percentile(&values, 0.5),
        percentile(&values, 0.95),
        percentile(&values, 0.99),
        percentile(&values, 1.0),
        values.len()
    );
}

fn memory_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    let kb: f64 = line.split_whitespace().nth(1).and_then(|v| v.parse().ok()).unwrap_or(0.0);
    kb / 1024.0
}

#[tokio::main]
async fn main() {
    let settings = settings();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let docs = dir.path().join("docs");
    let data = dir.path().join("data");
    write_documents(&docs, settings.passages);
    let url = settings
        .database
        .clone()
        .unwrap_or_else(|| format!("sqlite:{}", data.join("firstline.db").display()));
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstline"));
        command.arg("--data").arg(&data).env("FIRSTLINE__DATABASE__URL", &url);
        command.env("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:0").stderr(Stdio::null());
        command
    };
    let run = |arguments: &[&str]| {
        let output = program().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?} failed");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["migrate"]);
    run(&["user", "add", "load@example.com", "Load"]);
    let started = Instant::now();
    let bytes: u64 = std::fs::read_dir(&docs)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    run(&["index", docs.to_str().unwrap()]);
    let took = started.elapsed().as_secs_f64();
    println!("indexing into the store: {:.1} MB in {took:.1} s", bytes as f64 / 1e6);
    let printed =
        run(&["token", "create", "load", "--as", "load@example.com", "--scope", "requests"]);
    let token = printed.split_whitespace().find(|w| w.starts_with("fl_")).unwrap().to_owned();

    // The first start builds the index from the store, the second finds it.
    for start in ["first", "second"] {
        let (mut child, _, took) = serve(program()).await;
        println!("{start} start to ready: {:.0} ms", took.as_secs_f64() * 1e3);
        let _ = Command::new("kill").arg("-TERM").arg(child.id().unwrap().to_string()).status();
        child.wait().await.unwrap();
    }
    let (mut child, address, _) = serve(program()).await;
    let pid = child.id().unwrap();
    println!("memory when ready: {:.0} MB", memory_mb(pid));

    let http = reqwest::Client::new();
    let texts: Arc<Vec<String>> =
        Arc::new(shipped_examples().into_iter().map(|e| e.text).collect());
    let total = (settings.rate * settings.seconds) as usize;
    let begun = Instant::now();
    let mut sent = Vec::with_capacity(total);
    for number in 0..total {
        let due = begun + Duration::from_secs_f64(number as f64 / settings.rate);
        tokio::time::sleep_until(due.into()).await;
        let (http, token, address) = (http.clone(), token.clone(), address.clone());
        let text = texts[number * 7 % texts.len()].clone();
        sent.push(tokio::spawn(async move {
            let at = Instant::now();
            let reply = http
                .post(format!("{address}/api/v1/requests"))
                .bearer_auth(&token)
                .header("Idempotency-Key", format!("load-{number}"))
                .json(&serde_json::json!({ "text": text }))
                .send()
                .await
                .ok()?;
            (reply.status() == 202).then(|| at.elapsed().as_secs_f64() * 1e3)
        }));
    }
    let mut acknowledged = Vec::new();
    for one in sent {
        acknowledged.extend(one.await.unwrap());
    }
    let refused = total - acknowledged.len();
    println!("{} requests/s for {} s, {refused} refused", settings.rate, settings.seconds);
    line("acknowledged", acknowledged);

    let store = Store::connect(&url).await.unwrap();
    let patience = Instant::now();
    let replies = loop {
        let times = store.reply_times().await.unwrap();
        if times.len() >= total - refused || patience.elapsed() > Duration::from_secs(120) {
            break times;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    println!("all settled {:.1} s after the last was sent", patience.elapsed().as_secs_f64());
    line("accepted to reply written", replies.iter().map(|ms| *ms as f64).collect());
    println!("memory after the load: {:.0} MB", memory_mb(pid));
    child.kill().await.unwrap();
}

/// Starts the service; its process, its address and how long it took to be ready.
async fn serve(mut command: Command) -> (tokio::process::Child, String, Duration) {
    let started = Instant::now();
    command.arg("serve").stdout(Stdio::piped());
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("serve says where it is");
        if let Some(at) = line.find("http://") {
            break line[at..].split_whitespace().next().unwrap().to_owned();
        }
    };
    let http = reqwest::Client::new();
    loop {
        let ready = http.get(format!("{address}/readyz")).send().await;
        if ready.is_ok_and(|reply| reply.status().is_success()) {
            return (child, address, started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
