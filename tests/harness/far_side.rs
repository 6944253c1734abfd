//! The far side of the web chat: what a person's browser was sent, recorded by a stand-in
//! for it that outlives the service. Like `chat.js` it sends with an event id it may repeat,
//! follows each conversation's live events and takes them up again where they broke, with
//! the last event's id, from whichever process serves next.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::process::Taken;

/// How long [`FarSide::until`] waits for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// One message as the page was sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its place in the conversation: the event's id.
    pub seq: i64,
    /// `mine`, `bot` or `person`.
    pub author: String,
    pub request: Option<String>,
    /// The ticket on its card.
    pub ticket: Option<String>,
}

/// Messages by conversation, each in the order and as often as it came.
pub type Record = HashMap<String, Vec<Shown>>;

/// One signed-in person's browser.
pub struct FarSide {
    visitor: Visitor,
    /// Where the service is now; `None` until it was first started.
    address: watch::Sender<Option<String>>,
    record: watch::Sender<Record>,
    pages: HashMap<String, AbortHandle>,
}

#[derive(Clone)]
struct Visitor {
    http: Client,
    session: String,
    csrf: String,
}

impl FarSide {
    /// A browser that holds this session's token.
    pub fn new(session: &str, csrf: &str) -> FarSide {
        crate::model::install_crypto();
        let visitor = Visitor {
            http: Client::builder()
                .connect_timeout(Duration::from_secs(20))
                // No connection outlives its process, whoever takes its port next.
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            session: session.to_owned(),
            csrf: csrf.to_owned(),
        };
        FarSide {
            visitor,
            address: watch::Sender::new(None),
            record: watch::Sender::default(),
            pages: HashMap::new(),
        }
    }

    /// The service is now here; every open page connects to it.
    pub fn served_at(&self, url: &str) {
        self.address.send_replace(Some(url.to_owned()));
    }

    /// Says something in a conversation of its own, as the page does: ids of its request and
    /// its conversation; `None` when the service did not acknowledge it.
    pub async fn say(&self, event: &str, text: &str) -> Option<Taken> {
        let url = self.address.borrow().clone()?;
        let words: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let reply = self
            .visitor
            .http
            .post(format!("{url}/chat"))
            .header("cookie", format!("firstline={}", self.visitor.session))
            .header("x-csrf-token", &self.visitor.csrf)
            .header("origin", &url)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(Duration::from_secs(20))
            .body(format!("event_id={event}&text={words}"))
            .send()
            .await
            // Shown with a test that fails.
            .inspect_err(|error| eprintln!("{event} is not taken: {error:?}"))
            .ok()?;
        if reply.status() != 202 {
            eprintln!("{event} is not taken: {}", reply.status());
            return None;
        }
        let body: Value = reply.json().await.ok()?;
        Some(Taken {
            request: body["request_id"].as_str()?.to_owned(),
            conversation: body["conversation_id"].as_str()?.to_owned(),
        })
    }

    /// Opens a conversation's page, once, and keeps it open.
    pub fn open(&mut self, conversation: &str) {
        if self.pages.contains_key(conversation) {
            return;
        }
        let page = Page {
            visitor: self.visitor.clone(),
            conversation: conversation.to_owned(),
            record: self.record.clone(),
            last: None,
            retry: Duration::from_secs(3),
        };
        let task = tokio::spawn(page.follow(self.address.subscribe()));
        self.pages.insert(conversation.to_owned(), task.abort_handle());
    }

    /// Closes every page; what they were sent stays on record.
    pub fn close_all(&mut self) {
        for (_, page) in self.pages.drain() {
            page.abort();
        }
    }

    /// What came so far.
    pub fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    /// Waits until the record satisfies `enough`; panics when it does not come to that.
    pub async fn until(&self, what: &str, enough: impl FnMut(&Record) -> bool) {
        let mut record = self.record.subscribe();
        if tokio::time::timeout(PATIENCE, record.wait_for(enough)).await.is_err() {
            panic!("{what}: not sent within {PATIENCE:?}; sent so far: {:#?}", self.record());
        }
    }
}

impl Drop for FarSide {
    fn drop(&mut self) {
        self.close_all();
    }
}

/// One open page: its place in the stream outlives each connection.
struct Page {
    visitor: Visitor,
    conversation: String,
    record: watch::Sender<Record>,
    last: Option<String>,
    /// What the service asks to wait before taking up a broken stream.
    retry: Duration,
}

impl Page {
    async fn follow(mut self, mut address: watch::Receiver<Option<String>>) {
        loop {
            let known = address.wait_for(Option::is_some).await.map(|url| url.clone());
            let Ok(Some(url)) = known else { return };
            // A dead process and a broken stream are the same to a page: it tries again when
            // told to, or at once where there is a new process.
            let _ = self.read(&url).await;
            let _ = tokio::time::timeout(self.retry, address.changed()).await;
        }
    }

    /// One connection, to its end.
    async fn read(&mut self, url: &str) -> reqwest::Result<()> {
        let mut request = self
            .visitor
            .http
            .get(format!("{url}/chat/{}/events?after=0", self.conversation))
            .header("cookie", format!("firstline={}", self.visitor.session));
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        let mut bytes = request.send().await?.error_for_status()?.bytes_stream();
        let mut read: Vec<u8> = Vec::new();
        while let Some(more) = bytes.next().await {
            read.extend(more?);
            // An event cut off in the middle did not happen.
            while let Some(end) = read.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = read.drain(..end + 2).collect();
                self.take(&String::from_utf8_lossy(&event));
            }
        }
        Ok(())
    }

    fn take(&mut self, event: &str) {
        let field = |name: &str| {
            let mut lines = event.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        if let Some(ms) = field("retry").and_then(|ms| ms.parse().ok()) {
            self.retry = Duration::from_millis(ms);
        }
        if let Some(id) = field("id") {
            self.last = Some(id.to_owned());
        }
        if field("event") != Some("message") {
            return;
        }
        let data: Value = serde_json::from_str(field("data").unwrap_or_default()).unwrap();
        let html = data["html"].as_str().unwrap();
        let shown = Shown {
            seq: data["seq"].as_i64().unwrap(),
            author: attribute(html, "data-author").unwrap_or_default(),
            request: attribute(html, "data-request"),
            ticket: attribute(html, "data-ticket-card"),
        };
        self.record.send_modify(|record| {
            record.entry(self.conversation.clone()).or_default().push(shown);
        });
    }
}

/// The first attribute of this name.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}
