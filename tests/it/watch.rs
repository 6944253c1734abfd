//! Documents that come, change and vanish while the service runs: a configured folder
//! read by the service itself, and one read by `index --watch` beside it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use acceptance::bot;
use acceptance::process::{Service, firstline, run};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, timeout_at};

/// What a reader may wait for something to show or to be gone.
const TWO_SECONDS: Duration = Duration::from_secs(2);
/// After this it is taken never to come.
const NEVER: Duration = Duration::from_secs(60);

struct Place {
    dir: TempDir,
    token: String,
}

impl Place {
    /// A company with a folder `docs`, configured as a source if `configured`.
    async fn new(configured: bool) -> Place {
        let dir = TempDir::new().unwrap();
        let docs = dir.path().join("docs");
        std::fs::create_dir(&docs).unwrap();
        let source = if configured {
            format!(
                "[[source]]\nname = \"docs\"\nkind = \"folder\"\nlocation = \"{}\"\naudience = \"everyone\"\n",
                docs.display()
            )
        } else {
            String::new()
        };
        let config = format!("{}{source}", bot::COMPANY);
        std::fs::write(dir.path().join("firstline.toml"), config).unwrap();
        let mut place = Place { dir, token: String::new() };
        place.good(&["migrate"]).await;
        place.good(&["user", "add", "ana@example.com", "Ana"]).await;
        let create = ["token", "create", "watch", "--as", "ana@example.com"];
        let scopes = ["--scope", "requests", "--scope", "search"];
        let printed = place.good(&[&create[..], &scopes[..]].concat()).await;
        place.token = printed.split_whitespace().find(|w| w.starts_with("fl_")).unwrap().to_owned();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = firstline(&self.path("data"));
        command.arg("--config").arg(self.path("firstline.toml")).args(arguments);
        command
    }

    async fn good(&self, arguments: &[&str]) -> String {
        run(self.command(arguments)).await
    }

    async fn serve(&self) -> Service {
        let config = self.path("firstline.toml");
        Service::start(&self.path("data"), &config, &self.token, &[]).await.unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path("docs").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path("docs").join(name)).unwrap();
    }
}

/// An article that only `word` finds.
fn article(word: &str) -> String {
    format!(
        "---\ntitle: The {word} procedure\nreviewed: 2026-08-01\n---\n# The {word} procedure\n\nTo start the {word} procedure open the {word} page and press the green button.\n"
    )
}

/// Paths of the articles that hold `word`.
async fn finds(service: &Service, word: &str) -> Vec<String> {
    let found = service.get(&format!("/api/v1/search?q={word}")).await;
    let hits = found["hits"].as_array().unwrap().iter();
    let about = hits.filter(|hit| hit.to_string().contains(word));
    about.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect()
}

/// Looks whenever the service says that something happened, until `word` is found in exactly
/// `paths`; how long that took.
async fn until(service: &mut Service, word: &str, paths: &[&str]) -> Duration {
    let start = Instant::now();
    loop {
        let found = finds(service, word).await;
        if found == paths {
            return start.elapsed();
        }
        // What was said before this look is kept, so nothing is missed in between.
        let line = timeout_at(start + NEVER, service.log.recv()).await;
        assert!(matches!(line, Ok(Some(_))), "{word} is found in {found:?} instead of {paths:?}");
    }
}

/// What the answer to a question cites.
async fn cited(service: &Service, key: &str, text: &str) -> Vec<String> {
    let id = service.post(key, text).await.unwrap();
    let request = service.settled(&id.request).await;
    let citations = request["answer"]["citations"].as_array().cloned().unwrap_or_default();
    citations.iter().map(Value::to_string).collect()
}

/// New, changed and vanished files as a running service shows them.
async fn follows(place: &Place, service: &mut Service) {
    place.write("new.md", &article("zebrafinch"));
    until(service, "zebrafinch", &["new.md"]).await;
    // A folder that came with its file.
    place.write("deep/er/file.md", &article("wolframite"));
    until(service, "wolframite", &["deep/er/file.md"]).await;

    let question = "How do I start the zebrafinch procedure?";
    let before = cited(service, "before", question).await;
    assert!(before.iter().any(|c| c.contains("zebrafinch")), "{before:?}");

    place.write("new.md", &article("quincefall"));
    until(service, "quincefall", &["new.md"]).await;
    assert!(finds(service, "zebrafinch").await.is_empty(), "its old text is found");
    let after = cited(service, "changed", question).await;
    assert!(after.is_empty(), "{after:?}");

    std::fs::rename(place.path("docs/new.md"), place.path("docs/renamed.md")).unwrap();
    until(service, "quincefall", &["renamed.md"]).await;

    // A busy machine may be late once; a service that takes its time is late each time.
    let mut took = Vec::new();
    for word in ["hawfinch", "bullfinch", "goldfinch"] {
        let name = format!("{word}.md");
        place.write(&name, &article(word));
        until(service, word, &[&name]).await;
        place.remove(&name);
        took.push(until(service, word, &[]).await);
        let question = format!("How do I start the {word} procedure?");
        let cited = cited(service, word, &question).await;
        assert!(cited.is_empty(), "{cited:?}");
    }
    let best = took.iter().min().unwrap();
    assert!(*best <= TWO_SECONDS, "gone after {took:?}");
    std::fs::remove_dir_all(place.path("docs/deep")).unwrap();
    until(service, "wolframite", &[]).await;
    until(service, "quincefall", &["renamed.md"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_folder_is_followed() {
    let place = Place::new(true).await;
    place.write("there.md", &article("tamarisk"));
    let mut service = place.serve().await;
    until(&mut service, "tamarisk", &["there.md"]).await;
    follows(&place, &mut service).await;
    service.kill().await;

    // What vanishes while nobody looks is gone after the next start.
    place.remove("there.md");
    let mut service = place.serve().await;
    until(&mut service, "tamarisk", &[]).await;
    service.kill().await;
}

/// Waits for a line of the log that holds `words`; how often `never` was said until then.
async fn logged(service: &mut Service, words: &str, never: &str) -> usize {
    let mut said = 0;
    let deadline = Instant::now() + NEVER;
    loop {
        let line = timeout_at(deadline, service.log.recv()).await.expect(words).expect(words);
        said += usize::from(line.contains(never));
        if line.contains(words) {
            return said;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_folder_may_come_late_and_go_for_a_while() {
    const MISSING: &str = "the source is missing";
    const THERE: &str = "the source is there now";
    let place = Place::new(true).await;
    std::fs::remove_dir(place.path("docs")).unwrap();
    let mut service = place.serve().await;
    logged(&mut service, MISSING, "could not be read").await;

    // It comes with an article; said once, however often it was looked for.
    std::fs::create_dir(place.path("new")).unwrap();
    std::fs::write(place.path("new/one.md"), article("tamarisk")).unwrap();
    std::fs::rename(place.path("new"), place.path("docs")).unwrap();
    assert_eq!(logged(&mut service, THERE, MISSING).await, 0);
    until(&mut service, "tamarisk", &["one.md"]).await;
    place.write("two.md", &article("zebrafinch"));
    until(&mut service, "zebrafinch", &["two.md"]).await;

    // Away as a whole, it keeps its articles ...
    std::fs::rename(place.path("docs"), place.path("away")).unwrap();
    logged(&mut service, MISSING, MISSING).await;
    assert_eq!(finds(&service, "tamarisk").await, ["one.md"]);
    // ... until another is in its place, which is followed like the first.
    place.write("three.md", &article("quincefall"));
    until(&mut service, "quincefall", &["three.md"]).await;
    until(&mut service, "tamarisk", &[]).await;
    place.write("four.md", &article("wolframite"));
    until(&mut service, "wolframite", &["four.md"]).await;

    // Replaced at once, before anybody could see that it was away.
    std::fs::remove_dir_all(place.path("docs")).unwrap();
    std::fs::rename(place.path("away"), place.path("docs")).unwrap();
    until(&mut service, "zebrafinch", &["two.md"]).await;
    until(&mut service, "wolframite", &[]).await;
    place.remove("two.md");
    until(&mut service, "zebrafinch", &[]).await;
    service.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_watched_by_another_process_is_followed() {
    let place = Place::new(false).await;
    place.write("there.md", &article("tamarisk"));
    let mut service = place.serve().await;
    let docs = place.path("docs");
    let mut watching = watch(&place, &docs).await;
    until(&mut service, "tamarisk", &["there.md"]).await;
    follows(&place, &mut service).await;
    watching.kill().await.unwrap();
    service.kill().await;
}

/// `index DOCS --watch` in a process of its own, from when it says that it watches.
async fn watch(place: &Place, docs: &Path) -> tokio::process::Child {
    let mut command = place.command(&["index", docs.to_str().unwrap(), "--watch"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("it goes on until it watches");
        if line.starts_with("Watching") {
            break;
        }
    }
    // Keep reading, so that it never blocks on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}
