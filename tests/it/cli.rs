//! The command line as people and scripts meet it: the real program, its output, its
//! errors and its exit codes.
#![allow(clippy::unwrap_used)]

use std::process::{Output, Stdio};

use acceptance::process::firstline;
use firstline_indexer::LocalIndex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(TempDir::new().unwrap())
    }

    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        firstline(&self.0.path().join("data"))
            .current_dir(self.0.path())
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .await
            .unwrap()
    }

    async fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, &[]).await;
        assert!(output.status.success(), "{arguments:?}: {}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn stdin(&self, arguments: &[&str], input: &str) -> (i32, Vec<Value>) {
        let mut child = firstline(&self.0.path().join("data"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        (output.status.code().unwrap(), lines)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What `doctor --json` found about `check`, with its exit code.
    async fn doctor(&self, check: &str, environment: &[(&str, &str)]) -> (i32, Value) {
        let free = ("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:0");
        let environment: Vec<(&str, &str)> =
            std::iter::once(free).chain(environment.iter().copied()).collect();
        let output = self.run(&["doctor", "--json"], &environment).await;
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let finding = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|finding| finding["check"] == check)
            .unwrap_or_else(|| panic!("{check} is not in {text}{}", err(&output)));
        (output.status.code().unwrap(), finding)
    }

    async fn doctor_finds(&self, check: &str, environment: &[(&str, &str)], words: &str) {
        let (code, finding) = self.doctor(check, environment).await;
        assert_eq!((code, &finding["state"]), (1, &Value::from("bad")), "{finding}");
        assert!(finding["found"].as_str().unwrap().contains(words), "{finding}");
        assert!(finding["mend"].is_string(), "{finding}");
    }
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn documents_come_change_and_vanish() {
    let place = Place::new();
    let docs = place.0.path().join("docs");
    place.file("docs/vpn.md", "# VPN certificate\n\nRenew the VPN certificate in Gatehouse.");
    place.file("docs/lunch.md", "# Lunch\n\nThe canteen opens at noon.");
    place.file("docs/logo.png", "no text");
    let docs = docs.to_str().unwrap();
    let output = place.run(&["index", docs], &[]).await;
    assert!(err(&output).contains("Everyone may read"), "{}", err(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("docs: 2 read") && text.contains("logo.png"), "{text}");
    let found = place.good(&["search", "vpn certificate", "--json"]).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["hits"][0]["path"], "vpn.md");

    std::fs::remove_file(place.0.path().join("docs/vpn.md")).unwrap();
    let text = place.good(&["index", docs]).await;
    assert!(text.contains("0 read") && text.contains("1 unchanged, 1 removed"), "{text}");
    let found = place.good(&["search", "vpn certificate", "--json"]).await;
    assert!(!found.contains("vpn.md"), "{found}");
}

#[tokio::test]
async fn readers_find_what_their_groups_may_read() {
    let place = Place::new();
    place.file("pay/bonus.md", "# Bonus\n\nThe bonus matrix of the managers.");
    let pay = place.0.path().join("pay");
    let refused = place.run(&["index", pay.to_str().unwrap(), "--audience", "bosses"], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("there is no group \"bosses\""), "{}", err(&refused));
    place.good(&["group", "add", "bosses", "tom@example.com"]).await;
    place.good(&["user", "add", "ana@example.com"]).await;
    place.good(&["index", pay.to_str().unwrap(), "--audience", "bosses"]).await;
    for (reader, hits) in [(None, 0), (Some("ana@example.com"), 0), (Some("tom@example.com"), 1)] {
        let mut arguments = vec!["search", "bonus matrix", "--json"];
        arguments.extend(reader.iter().flat_map(|r| ["--as", r]));
        let found: Value = serde_json::from_str(&place.good(&arguments).await).unwrap();
        assert_eq!(found["hits"].as_array().unwrap().len(), hits, "{reader:?}");
    }
    let unknown = place.run(&["search", "bonus", "--as", "eve@example.com"], &[]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("nobody with the address eve@example.com"));
}

#[tokio::test]
async fn lines_in_lines_out() {
    let place = Place::new();
    let input = "{\"id\":\"a\",\"text\":\"how do I get a new badge?\"}\nbroken\n\
                 {\"id\":3,\"text\":\"thanks!\",\"thread\":[{\"from\":\"bot\",\"text\":\"Done.\"}]}\n";
    for command in ["ask", "search"] {
        let (code, lines) = place.stdin(&[command, "--stdin"], input).await;
        assert_eq!((code, lines.len()), (1, 3), "{command}: {lines:?}");
        assert_eq!((&lines[0]["id"], &lines[2]["id"]), (&"a".into(), &3.into()));
        assert!(lines[1]["error"].is_string() && lines[1]["id"].is_null());
        assert!(lines[0]["error"].is_null() && lines[2]["error"].is_null(), "{lines:?}");
    }
}

#[tokio::test]
async fn wrong_usage_is_exit_2_and_failure_exit_1() {
    let place = Place::new();
    for (arguments, code) in [
        (&["frobnicate"][..], 2),
        (&["tickets", "list", "--kind", "rant"], 2),
        (&["ask"], 2),
        (&["ask", " "], 1),
        (&["tickets", "show", "FL-1"], 1),
        (&["demo", "--listen", "0.0.0.0:8080"], 1),
        (&["--config", "absent.toml", "user", "list"], 1),
        (&["jobs", "discard", "x"], 1),
    ] {
        let output = place.run(arguments, &[]).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(!err(&output).is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    for command in ["demo", "serve"] {
        let output = place.run(&[command, "--listen", &address], &[]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("is taken"), "{}", err(&output));
    }
    let listen = [("FIRSTLINE__SERVER__LISTEN", address.as_str())];
    place.doctor_finds("port", &listen, "is taken").await;
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_the_configuration() {
    let place = Place::new();
    let unknown = [("FIRSTLINE__SERVER__LISEN", "x")];
    place.doctor_finds("configuration", &unknown, "Did you mean `listen`?").await;
    let secret = [
        ("FIRSTLINE__MODEL__BASE_URL", "http://localhost/v1"),
        ("FIRSTLINE__MODEL__NAME", "m"),
        ("FIRSTLINE__MODEL__API_KEY_FILE", "/absent/key"),
    ];
    place.doctor_finds("configuration", &secret, "/absent/key").await;
    let folder = [("FIRSTLINE__MODEL__EMBEDDINGS", "/absent/model")];
    place.doctor_finds("embeddings", &folder, "/absent/model has no config.json").await;
    let (code, finding) = place.doctor("embeddings", &[]).await;
    assert_eq!(&finding["state"], &Value::from("skipped"), "{code} {finding}");
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_the_database() {
    let place = Place::new();
    let away = [("FIRSTLINE__DATABASE__URL", "postgres://nobody@127.0.0.1:9/none")];
    place.doctor_finds("database", &away, "").await;
    place.doctor_finds("tables", &[], "missing").await;
    place.good(&["migrate"]).await;
    place.doctor_finds("sources", &[], "no documents").await;
    place.file("docs/a.md", "# A\n\nSomething to read.");
    place.good(&["index", place.0.path().join("docs").to_str().unwrap()]).await;
    let (code, finding) = place.doctor("sources", &[]).await;
    assert_eq!((code, &finding["state"]), (0, &Value::from("good")), "{finding}");

    // Someone holds the index and does not follow the store.
    let held = LocalIndex::open(&place.0.path().join("data/index")).unwrap();
    place.doctor_finds("index", &[], "behind although the service runs").await;
    drop(held);
    std::fs::remove_dir_all(place.0.path().join("data/index")).unwrap();
    place.file("data/index", "in the way");
    place.doctor_finds("index", &[], "cannot be written").await;
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_the_model_and_the_clock() {
    let place = Place::new();
    let server = MockServer::start().await;
    let base = format!("{}/v1", server.uri());
    let model = [("FIRSTLINE__MODEL__BASE_URL", base.as_str()), ("FIRSTLINE__MODEL__NAME", "m")];
    let gone = [("FIRSTLINE__MODEL__BASE_URL", "http://127.0.0.1:9/v1"), model[1]];
    place.doctor_finds("model", &gone, "cannot be reached").await;

    let reply = ResponseTemplate::new(401).set_body_string("{\"error\":{\"message\":\"no\"}}");
    Mock::given(any()).respond_with(reply).mount(&server).await;
    place.doctor_finds("model", &model, "refused the API key").await;

    server.reset().await;
    let chat = serde_json::json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Blue, I think."}}],
    });
    let reply = ResponseTemplate::new(200)
        .set_body_json(chat)
        .insert_header("date", "Sun, 01 Mar 2020 12:00:00 GMT");
    Mock::given(any()).respond_with(reply).mount(&server).await;
    place.doctor_finds("model", &model, "structured output").await;
    place.doctor_finds("clock", &model, "ahead of that of the model's server").await;
}

#[tokio::test]
async fn the_discord_app_is_explained_with_its_link() {
    let shell = Place::new();
    let said = shell.good(&["manifest", "discord", "--application-id", "42"]).await;
    assert!(said.contains("client_id=42&scope=bot+applications.commands"), "{said}");
    assert!(said.contains("Message Content Intent") && said.contains("Embed Links"), "{said}");
    let unnamed = shell.run(&["manifest", "discord"], &[]).await;
    assert!(err(&unnamed).contains("--application-id"), "{}", err(&unnamed));
}
