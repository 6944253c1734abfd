//! The chats in which people write while the service is killed.

use std::collections::HashMap;
use std::sync::Mutex;

use acceptance::db::TestDb;
use acceptance::discord::{self, FakeDiscord};
use acceptance::process::Service;
use acceptance::slack::{self, FakeSlack};
use acceptance::teams::{self, FakeTeams};
use firstline_core::capabilities::{Capabilities, DISCORD, SLACK, TEAMS};
use serde_json::{Value, json};

/// A chat in which Ana writes.
pub(super) trait Chat {
    /// What it can and cannot do.
    const CAN: &Capabilities;
    /// Where its events may be cut off before they are accepted.
    const BEFORE: &[&str];
    async fn begin() -> Self;
    /// What the site's configuration says of it.
    fn settings(&self) -> String {
        String::new()
    }
    /// Returns once a service that runs is known to it.
    async fn met(&self, _database: &TestDb) {}
    /// What connects the service to it.
    fn environment(&self) -> Vec<(&'static str, String)>;
    /// Ana writes the `n`th message; the event that tells of it.
    fn says(&self, n: u64, text: &str) -> Value;
    /// Whether the service acknowledged the event.
    async fn sent(&self, service: &Service, event: &Value) -> bool;
    /// How often the bot replied to what the event tells of.
    fn replies(&self, event: &Value) -> usize;
}

/// Messages go to so many places in turn, none of which is spoken to too fast.
const PLACES: u64 = 16;

pub(super) struct Slack(FakeSlack);

impl Chat for Slack {
    const CAN: &Capabilities = &SLACK;
    const BEFORE: &[&str] = &["kept", "heard"];

    async fn begin() -> Self {
        let fake = FakeSlack::start().await;
        let email = Some("ana@example.com".to_owned());
        let ana =
            slack::User { id: "UANA".into(), name: "Ana".into(), email, ..Default::default() };
        fake.add_user(ana);
        Slack(fake)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("FIRSTLINE__SLACK__BOT_TOKEN", FakeSlack::BOT_TOKEN.into()),
            ("FIRSTLINE__SLACK__SIGNING_SECRET", FakeSlack::SIGNING_SECRET.into()),
            ("FIRSTLINE__SLACK__API_URL", self.0.api_url()),
        ]
    }

    fn says(&self, n: u64, text: &str) -> Value {
        self.0.says(&format!("D{}", n % PLACES), "im", "UANA", text, None)
    }

    async fn sent(&self, service: &Service, event: &Value) -> bool {
        self.0.try_event(&service.url, event).await == Some(200)
    }

    fn replies(&self, event: &Value) -> usize {
        let (channel, ts) = (event["event"]["channel"].as_str(), event["event"]["ts"].as_str());
        let thread = self.0.messages(channel.unwrap(), ts);
        thread.iter().filter(|m| m.user == FakeSlack::BOT_USER).count()
    }
}

pub(super) struct Teams(FakeTeams);

impl Chat for Teams {
    const CAN: &Capabilities = &TEAMS;
    const BEFORE: &[&str] = &[];

    async fn begin() -> Self {
        let fake = FakeTeams::start().await;
        let email = Some("ana@example.com".to_owned());
        fake.add_user(teams::User { email, ..teams::User::new("Ana Lima") });
        for n in 0..PLACES {
            fake.add_conversation(&Self::place(n), &["29:ana"]);
        }
        Teams(fake)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("FIRSTLINE__TEAMS__APP_ID", FakeTeams::APP_ID.into()),
            ("FIRSTLINE__TEAMS__APP_PASSWORD", FakeTeams::APP_PASSWORD.into()),
            ("FIRSTLINE__TEAMS__TENANT_ID", FakeTeams::TENANT.into()),
            ("FIRSTLINE__TEAMS__OPENID_METADATA_URL", self.0.metadata_url()),
            ("FIRSTLINE__TEAMS__TOKEN_URL", self.0.token_url()),
        ]
    }

    fn says(&self, n: u64, text: &str) -> Value {
        self.0.mentions(&Self::place(n), "29:ana", text, None)
    }

    async fn sent(&self, service: &Service, event: &Value) -> bool {
        self.0.try_send(&service.url, event).await == Some(200)
    }

    fn replies(&self, event: &Value) -> usize {
        let place = event["conversation"]["id"].as_str().unwrap();
        let place = place.split(';').next().unwrap();
        let thread = self.0.messages(place, event["id"].as_str());
        thread.iter().filter(|m| m.from == FakeTeams::BOT).count()
    }
}

impl Teams {
    fn place(n: u64) -> String {
        format!("19:help{}@thread.tacv2", n % PLACES)
    }
}

/// Discord tells what happens once and waits for no acknowledgement: whatever was written while
/// nobody listened is read from its history.
pub(super) struct Discord {
    fake: FakeDiscord,
    /// Ids of messages that were written, by their number.
    written: Mutex<HashMap<u64, u64>>,
}

const ANA: u64 = 101;
const FIRST_CHANNEL: u64 = 500;

impl Chat for Discord {
    const CAN: &Capabilities = &DISCORD;
    const BEFORE: &[&str] = &[];

    async fn begin() -> Self {
        let fake = FakeDiscord::start().await;
        fake.live_in_real_time();
        fake.add_member(discord::User::new(ANA, "ana"));
        for n in 0..PLACES {
            fake.add_channel(FIRST_CHANNEL + n, &format!("help-{n}"));
        }
        Discord { fake, written: Mutex::default() }
    }

    fn settings(&self) -> String {
        let channel = |n| {
            let id = FIRST_CHANNEL + n;
            format!("[[channel]]\nplatform = \"discord\"\nid = \"{id}\"\nmode = \"act\"\n")
        };
        (0..PLACES).map(channel).collect()
    }

    async fn met(&self, database: &TestDb) {
        self.fake.connected().await;
        let store = database.store().await;
        // From now on it knows what it missed.
        while store.meta("discord_listened_until").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        store.close().await;
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("FIRSTLINE__DISCORD__TOKEN", FakeDiscord::TOKEN.into()),
            ("FIRSTLINE__DISCORD__APPLICATION_ID", FakeDiscord::APPLICATION.to_string()),
            ("FIRSTLINE__DISCORD__API_URL", self.fake.api_url()),
        ]
    }

    fn says(&self, n: u64, text: &str) -> Value {
        json!({"n": n, "text": text})
    }

    async fn sent(&self, _service: &Service, event: &Value) -> bool {
        let (n, text) = (event["n"].as_u64().unwrap(), event["text"].as_str().unwrap());
        let channel = FIRST_CHANNEL + n % PLACES;
        let mut written = self.written.lock().unwrap();
        written.entry(n).or_insert_with(|| self.fake.says(channel, ANA, text));
        true
    }

    fn replies(&self, event: &Value) -> usize {
        let message = self.written.lock().unwrap()[&event["n"].as_u64().unwrap()];
        // The thread that begins with a message has its id.
        let thread = self.fake.messages(message);
        thread.iter().filter(|m| m.author == FakeDiscord::BOT_USER).count()
    }
}
