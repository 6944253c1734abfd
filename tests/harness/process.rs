//! The real program in a process of its own: started, talked to over HTTP, killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The built program, beside the test binary. `tests/run` builds it first.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().nth(2).expect("tests run from target/PROFILE/deps");
    let program = profile.join("firstline");
    assert!(
        program.exists(),
        "{} is missing; build it first: cargo build --bin firstline",
        program.display()
    );
    program
}

/// A command of the program with a clean environment of its own.
pub fn firstline(data: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("--data").arg(data).kill_on_drop(true).stdin(Stdio::null());
    for (name, _) in std::env::vars() {
        if name.starts_with("FIRSTLINE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end; its standard output. Panics with its errors if it failed.
pub async fn run(mut command: Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Ids of a message the service has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub request: String,
    pub conversation: String,
}

/// For what takes seconds at most on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of a log that came and were not read.
fn so_far(log: &mut UnboundedReceiver<String>) -> String {
    std::iter::from_fn(|| log.try_recv().ok()).collect::<Vec<_>>().join("\n")
}

/// How a platform calls the service: it waits for an answer, though not for ever, and no
/// connection outlives its process, whoever takes its port next.
pub(crate) fn caller() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).build().unwrap()
}

/// A running service.
pub struct Service {
    pub child: Child,
    pub url: String,
    /// Lines of its log, each kept until it is read.
    pub log: UnboundedReceiver<String>,
    token: String,
    http: reqwest::Client,
}

impl Service {
    /// Starts `serve` with this configuration file and waits until it says where it is.
    /// `None` when it died before that (a planned crash).
    pub async fn start(
        data: &Path,
        config: &Path,
        token: &str,
        environment: &[(&str, &str)],
    ) -> Option<Service> {
        let mut command = firstline(data);
        command
            .arg("--config")
            .arg(config)
            .arg("serve")
            .envs(environment.iter().copied())
            .env("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, mut log) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                // A test that does not read the log has dropped it.
                let _ = sender.send(line);
            }
        });
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        // The first line of standard output that names an address is the address.
        let address = async {
            loop {
                let line = lines.next_line().await.unwrap()?;
                if let Some(at) = line.find("http://") {
                    let url = line[at..].split_whitespace().next().unwrap();
                    break Some(url.trim_end_matches('/').to_owned());
                }
            }
        };
        let Ok(url) = tokio::time::timeout(PATIENCE, address).await else {
            panic!(
                "the service does not say where it is within {PATIENCE:?}:\n{}",
                so_far(&mut log)
            );
        };
        let url = url?;
        // Keep reading, so that the service never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        crate::model::install_crypto();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Some(Service { child, url, log, token: token.to_owned(), http })
    }

    /// `POST /api/v1/requests`; what was accepted, `None` when the service did not say so.
    pub async fn post(&self, key: &str, text: &str) -> Option<Taken> {
        let reply = self
            .http
            .post(format!("{}/api/v1/requests", self.url))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .json(&json!({"text": text}))
            .send()
            .await
            .ok()?;
        if reply.status() != 202 {
            return None;
        }
        let body: Value = reply.json().await.ok()?;
        Some(Taken {
            request: body["id"].as_str()?.to_owned(),
            conversation: body["conversation_id"].as_str()?.to_owned(),
        })
    }

    pub async fn get(&self, path: &str) -> Value {
        let reply = self
            .http
            .get(format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        assert!(reply.status().is_success(), "{path}: {}", reply.status());
        reply.json().await.unwrap()
    }

    /// Waits for a request to be settled, by following its events to their end.
    pub async fn settled(&self, id: &str) -> Value {
        let reply = self
            .http
            .get(format!("{}/api/v1/requests/{id}/events", self.url))
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(300))
            .send()
            .await
            .unwrap();
        assert!(reply.status().is_success(), "events: {}", reply.status());
        reply.text().await.unwrap();
        self.get(&format!("/api/v1/requests/{id}")).await
    }

    /// Waits for the process to die of a planned crash.
    pub async fn died(&mut self) {
        let Ok(status) = tokio::time::timeout(PATIENCE, self.child.wait()).await else {
            let log = so_far(&mut self.log);
            panic!("the planned point is not passed within {PATIENCE:?}:\n{log}");
        };
        assert!(!status.unwrap().success(), "the process died of the crash, not of its own accord");
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }
}
