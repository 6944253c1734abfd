//! The real program in the real Chromium. `story` tells all of it once; the others look
//! at one part each: writing and files, what arrives by itself, the desk, suggestions, what is a
//! person's own, and whether everybody can use it. Waiting is always for something on the page,
//! never for time.

mod access;
mod chat;
mod desk;
mod incidents;
mod live;
mod log;
mod people;
mod served;
mod story;
mod suggestions;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use firstline::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use acceptance::process::firstline;

const WAIT: Duration = Duration::from_secs(20);

fn tool(variable: &str, usual: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing: install Chromium and its driver (Debian: apt-get install chromium chromium-driver), or name it in {variable}",
        path.display()
    );
    path
}

struct Browser {
    client: Client,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    async fn start(width: u32, height: u32, extra: &[&str]) -> Browser {
        Browser::start_in("UTC", width, height, extra).await
    }

    /// In a time zone.
    async fn start_in(zone: &str, width: u32, height: u32, extra: &[&str]) -> Browser {
        let driver = tool("CHROMEDRIVER", "/usr/bin/chromedriver");
        let chromium = tool("CHROMIUM", "/usr/bin/chromium");
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .env("TZ", zone)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("the driver says its port");
            if let Some((_, rest)) = line.split_once("on port ") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                if let Ok(port) = digits.parse::<u16>()
                    && port > 0
                {
                    break port;
                }
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let profile = tempfile::tempdir().unwrap();
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        arguments.extend(extra.iter().map(|a| (*a).to_owned()));
        let options = json!({ "browserName": "chrome", "goog:chromeOptions": { "binary": chromium, "args": arguments }, "goog:loggingPrefs": { "browser": "WARNING" } });
        let capabilities = options.as_object().unwrap().clone();
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client = ClientBuilder::new(connector)
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        Browser { client, _driver: driver, _profile: profile }
    }

    async fn see(&self, css: &str) -> fantoccini::elements::Element {
        self.client
            .wait()
            .at_most(WAIT)
            .for_element(Locator::Css(css))
            .await
            .unwrap_or_else(|error| panic!("{css} does not appear: {error}"))
    }

    async fn picture(&self, name: &str) {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    async fn become_person(&self, email: &str) {
        self.see("#person-menu summary").await.click().await.unwrap();
        self.see(&format!("button[value='{email}']")).await.click().await.unwrap();
        self.see("#main").await;
        let who = format!("#person-menu button[aria-current][value='{email}']");
        self.holds(&format!("document.querySelector(\"{who}\")")).await;
    }

    /// Like [`Browser::become_person`], from a page that has the menu.
    async fn become_person_from(&self, url: &str, email: &str) {
        self.open(url).await;
        self.become_person(email).await;
    }

    async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
        self.see("#main").await;
    }

    /// The value of a script's expression.
    async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression})"), vec![]).await.unwrap()
    }

    /// Runs statements in the page.
    async fn run(&self, statements: &str, values: Vec<Value>) -> Value {
        self.client.execute(statements, values).await.unwrap()
    }

    /// Waits in the page until the expression is true.
    async fn holds(&self, expression: &str) {
        let script = "const done = arguments[arguments.length - 1]; const end = Date.now() + 20000;\
            const look = () => { let now = false; try { now = !!(HERE); } catch (e) { now = false; }\
            if (now || Date.now() > end) done(now); else setTimeout(look, 20); }; look();"
            .replace("HERE", expression);
        // A page that is just being left cannot answer; the next one can.
        for _ in 0..3 {
            if let Ok(now) = self.client.execute_async(&script, vec![]).await {
                if now != json!(true) {
                    self.picture("failed").await;
                }
                assert_eq!(now, json!(true), "never so: {expression}");
                return;
            }
        }
        panic!("the page does not answer: {expression}");
    }

    async fn text(&self, css: &str) -> String {
        // In one step: what is there may be replaced by the next live event.
        self.see(css).await;
        let text = self.value(&format!("document.querySelector(`{css}`).innerText")).await;
        text.as_str().unwrap().trim().to_owned()
    }

    /// Presses keys wherever the focus is.
    async fn keys(&self, keys: &str) {
        let active = self.client.active_element().await.unwrap();
        active.send_keys(keys).await.unwrap();
    }

    async fn write(&self, text: &str) {
        self.see("#text").await.send_keys(text).await.unwrap();
    }

    /// Sends a message and waits for the answer to it.
    async fn ask(&self, text: &str) {
        let before = self.value("document.querySelectorAll('article.message.bot').length").await;
        self.write(&format!("{text}{}", key::ENTER)).await;
        let more = format!("document.querySelectorAll('article.message.bot').length > {before}");
        self.holds(&more).await;
    }

    async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// Keys as WebDriver writes them.
mod key {
    pub(super) const ENTER: &str = "\u{e007}";
    pub(super) const ESCAPE: &str = "\u{e00c}";
    pub(super) const SHIFT: &str = "\u{e008}";
    pub(super) const TAB: &str = "\u{e004}";
}

const ANA: &str = "ana.silva@larkfield.example";
const PRIYA: &str = "priya.nair@larkfield.example";
const SAM: &str = "sam.doyle@larkfield.example";

/// A program that says where it is, and the folder of its data.
struct Demo {
    data: TempDir,
    child: Child,
    url: String,
}

impl Demo {
    async fn start() -> Demo {
        let data = tempfile::tempdir().unwrap();
        let (child, url) = Self::launch(data.path(), "127.0.0.1:0").await;
        Demo { data, child, url }
    }

    async fn launch(data: &Path, listen: &str) -> (Child, String) {
        let mut command = firstline(&data.join("demo"));
        command.args(["demo", "--listen", listen]);
        listening(command).await
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// kill -9.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// At the same place as before.
    async fn start_again(&mut self) {
        let listen = self.url.trim_start_matches("http://").to_owned();
        (self.child, self.url) = Self::launch(self.data.path(), &listen).await;
    }

    /// Its database, as another process sees it.
    async fn store(&self) -> Store {
        let file = self.data.path().join("demo/firstline.db");
        Store::connect(&format!("sqlite:{}", file.display())).await.unwrap()
    }
}

/// Starts a program and waits until it says its address.
async fn listening(mut command: Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("the program says where it is");
        if let Some(at) = line.find("http://") {
            break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}
