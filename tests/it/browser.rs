//! The real program in the real Chromium: ask, open the source, file, correct with one
//! key, see it in the thread. Pictures go to `target/screenshots`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
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
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn start(width: u32, height: u32, extra: &[&str]) -> Browser {
        let driver = tool("CHROMEDRIVER", "/usr/bin/chromedriver");
        let chromium = tool("CHROMIUM", "/usr/bin/chromium");
        let mut driver = Command::new(driver)
            .arg("--port=0")
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
        let options = json!({ "browserName": "chrome", "goog:chromeOptions": { "binary": chromium, "args": arguments } });
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
    }
}

/// The demo on a port of its own.
async fn demo(data: &Path) -> (Child, String) {
    let mut command = firstline(data);
    command.args(["demo", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("the demo says where it is");
        if let Some(at) = line.find("http://") {
            break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}

#[tokio::test]
async fn ask_read_file_correct() {
    let data = tempfile::tempdir().unwrap();
    let (_demo, url) = demo(&data.path().join("demo")).await;
    let browser = Browser::start(1360, 900, &[]).await;
    browser.client.goto(&url).await.unwrap();
    browser.see(".welcome").await;
    browser.picture("start").await;

    // A question gets its answer with a source that opens at the cited passage.
    let ask = "I have a new phone. How do I move my Gatehouse MFA to it?";
    browser.see("#text").await.send_keys(&format!("{ask}\u{e007}")).await.unwrap();
    browser.see(".message.bot:not(.waiting) a.cite[data-article]").await.click().await.unwrap();
    browser.see(".reading .cited").await;
    browser.picture("answer").await;
    browser.see("#panel-close").await.click().await.unwrap();
    browser.see("button[class='button small']").await.click().await.unwrap();
    browser.see(".actions .done").await;

    // An outage becomes a ticket in the thread.
    browser.client.goto(&url).await.unwrap();
    let outage = "Lookout dashboards show an error for our whole team since this morning";
    browser.see("#text").await.send_keys(&format!("{outage}\u{e007}")).await.unwrap();
    let card = browser.see(".ticket-card a.key").await;
    let key = card.text().await.unwrap();
    browser.picture("ticket-in-thread").await;
    let chat = browser.client.current_url().await.unwrap();

    // The owner moves it with one key, and the requester sees so.
    browser.become_person("priya.nair@larkfield.example").await;
    browser.client.goto(&format!("{url}/tickets/{key}")).await.unwrap();
    browser.see("body").await.send_keys("2").await.unwrap();
    browser.see("button[value='bug'][aria-pressed='true']").await;
    browser.see("button[name='status'][value='in_progress']").await.click().await.unwrap();
    browser.see(".desk-head .chip.in_progress").await;
    browser.picture("review").await;
    browser.become_person("ana.silva@larkfield.example").await;
    browser.client.goto(chat.as_str()).await.unwrap();
    browser.see(".ticket-card .chip.in_progress").await;
    browser.picture("told").await;
    browser.client.close().await.unwrap();
}

#[tokio::test]
async fn narrow_and_dark() {
    let data = tempfile::tempdir().unwrap();
    let (_demo, url) = demo(&data.path().join("demo")).await;
    let browser =
        Browser::start(500, 860, &["--force-dark-mode", "--blink-settings=preferredColorScheme=0"])
            .await;
    for (name, path) in
        [("narrow-start", "/"), ("narrow-my", "/my"), ("narrow-knowledge", "/knowledge")]
    {
        browser.client.goto(&format!("{url}{path}")).await.unwrap();
        browser.see("#main").await;
        // Nothing may stick out sideways.
        let wide = browser
            .client
            .execute("return document.documentElement.scrollWidth > window.innerWidth", vec![])
            .await
            .unwrap();
        assert_eq!(wide, json!(false), "{path} scrolls sideways");
        browser.picture(name).await;
    }
    browser.client.close().await.unwrap();
}
