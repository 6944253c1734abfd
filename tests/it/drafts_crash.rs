//! Kill the process while an answer is composed and its draft is shown, start it again: one answer
//! stands there, in the draft's place. Teams alone cannot be asked for a draft whose name was not
//! noted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acceptance::db::TestDb;
use acceptance::discord::{self, FakeDiscord};
use acceptance::model::{Heard, Reply, ScriptedModel};
use acceptance::process::Service;
use acceptance::slack::{self, FakeSlack};
use acceptance::teams::{self, FakeTeams};
use firstline::adapters::clock::SystemClock;
use firstline::ports::{Clock as _, Store};
use firstline::store::records::AccountLink;
use serde_json::json;
use tokio::sync::Notify;

use crate::crash::Site;
use crate::discord::{ANA, QUESTION, account};

const START: &str = r#"{"abstain": null, "statements": [{"text": "A vendor invoice is posted once the goods receipt exists.", "cites": [1]}, "#;
const REST: &str = r#"{"text": "Press Post; the document number starts with VI.", "cites": [1]}]}"#;

/// A model that stops in the middle of its answer until it may go on.
struct Halting {
    server: ScriptedModel,
    gate: Arc<Notify>,
    /// It stops no more.
    flows: Arc<AtomicBool>,
}

impl Halting {
    async fn start() -> Halting {
        let (gate, flows) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (shut, open) = (gate.clone(), flows.clone());
        let server = ScriptedModel::start(move |heard: &Heard| {
            if !heard.streams() {
                return Reply::Say(json!({"kind": "question", "confidence": 0.95,
                    "system": "Keystone", "impact": "one", "urgency": "normal",
                    "sentiment": "neutral", "language": "en",
                    "summary": "How to post a vendor invoice"}));
            }
            match open.load(Ordering::SeqCst) {
                true => Reply::Text(format!("{START}{REST}")),
                false => Reply::Gated(START.into(), REST.into(), shut.clone()),
            }
        });
        Halting { server: server.await.unwrap(), gate, flows }
    }
}

/// Where Ana asks.
enum Place {
    /// A direct message, or a channel.
    Slack(FakeSlack, &'static str),
    Teams(FakeTeams),
    Discord(FakeDiscord),
}

impl Place {
    async fn slack(channel: &'static str) -> Place {
        let fake = FakeSlack::start().await;
        let email = Some("ana@example.com".to_owned());
        fake.add_user(slack::User { id: "UANA".into(), email, ..Default::default() });
        fake.add_channel(channel, if channel.starts_with('D') { "im" } else { "channel" });
        Place::Slack(fake, channel)
    }

    async fn teams() -> Place {
        let fake = FakeTeams::start().await;
        let email = Some("ana@example.com".to_owned());
        fake.add_user(teams::User { email, ..teams::User::new("Ana") });
        Place::Teams(fake)
    }

    async fn discord(store: &Store) -> Place {
        let fake = FakeDiscord::start().await;
        fake.add_member(discord::User::new(ANA, "ana"));
        let link = AccountLink { of: account(ANA), name: "ana".into() };
        store.create_account_link("once", &link, 0, i64::MAX).await.unwrap();
        store.use_account_link("once", "ana@example.com", 1).await.unwrap().unwrap();
        Place::Discord(fake)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Place::Slack(fake, _) => vec![
                ("FIRSTLINE__SLACK__BOT_TOKEN", FakeSlack::BOT_TOKEN.into()),
                ("FIRSTLINE__SLACK__SIGNING_SECRET", FakeSlack::SIGNING_SECRET.into()),
                ("FIRSTLINE__SLACK__API_URL", fake.api_url()),
            ],
            Place::Teams(fake) => vec![
                ("FIRSTLINE__TEAMS__APP_ID", FakeTeams::APP_ID.into()),
                ("FIRSTLINE__TEAMS__APP_PASSWORD", FakeTeams::APP_PASSWORD.into()),
                ("FIRSTLINE__TEAMS__TENANT_ID", FakeTeams::TENANT.into()),
                ("FIRSTLINE__TEAMS__OPENID_METADATA_URL", fake.metadata_url()),
                ("FIRSTLINE__TEAMS__TOKEN_URL", fake.token_url()),
            ],
            Place::Discord(fake) => vec![
                ("FIRSTLINE__DISCORD__TOKEN", FakeDiscord::TOKEN.into()),
                ("FIRSTLINE__DISCORD__APPLICATION_ID", FakeDiscord::APPLICATION.to_string()),
                ("FIRSTLINE__DISCORD__API_URL", fake.api_url()),
            ],
        }
    }

    async fn asks(&self, service: &Service) {
        match self {
            Place::Slack(fake, channel) => {
                let event = match channel.starts_with('D') {
                    true => fake.says(channel, "im", "UANA", QUESTION, None),
                    false => fake.mentions(channel, "UANA", QUESTION, None).0,
                };
                fake.try_event(&service.url, &event).await;
            }
            Place::Teams(fake) => {
                let said = fake.says(&fake.personal("29:ana"), "29:ana", QUESTION, None);
                fake.try_send(&service.url, &said).await;
            }
            Place::Discord(fake) => {
                fake.connected().await;
                fake.says(fake.dm(ANA), ANA, QUESTION);
            }
        }
    }

    /// What the bot said: whether each is a whole answer.
    fn replies(&self) -> Vec<bool> {
        match self {
            Place::Slack(fake, channel) => {
                let said = fake.messages(channel, None).into_iter();
                let ours = said.filter(|m| m.user == FakeSlack::BOT_USER);
                let whole = |m: slack::Posted| {
                    !m.streams && m.blocks.to_string().contains("firstline.not_helpful")
                };
                ours.map(whole).collect()
            }
            Place::Teams(fake) => {
                let said = fake.messages(&fake.personal("29:ana"), None).into_iter();
                let ours = said.filter(|m| m.from == FakeTeams::BOT);
                ours.map(|m| m.card.to_string().contains("firstline.not_helpful")).collect()
            }
            Place::Discord(fake) => {
                let said = fake.messages(fake.dm(ANA)).into_iter();
                let ours = said.filter(|m| m.author == FakeDiscord::BOT_USER);
                ours.map(|m| m.components.to_string().contains("firstline.not_helpful")).collect()
            }
        }
    }
}

async fn busy(store: &Store) -> bool {
    let counts = store.job_counts(SystemClock.now()).await.unwrap();
    counts.ready + counts.running > 0
}

async fn in_time(what: &str, wait: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "{what}");
}

async fn killed_at_each_point_of_a_draft(begin: impl AsyncFn(&Store) -> Place) {
    for database in [TestDb::sqlite(), TestDb::postgres().await] {
        let site = Site::new(database).await;
        let store = site.database.store().await;
        let place = begin(&store).await;
        for (nth, point) in
            ["drafting", "shown", "drafted", "settled", "sent"].into_iter().enumerate()
        {
            let model = Halting::start().await;
            let mut environment = place.environment();
            environment.push(("FIRSTLINE__MODEL__BASE_URL", model.server.base_url().into()));
            environment.push(("FIRSTLINE__MODEL__NAME", "halting".into()));
            // Long enough that nobody else takes the request while its answer is halted.
            environment.push(("FIRSTLINE__SERVER__LEASE_S", "5".into()));
            let environment: Vec<_> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let plan = format!("{point}:1");
            let dying = [&environment[..], &[("FIRSTLINE_CRASH_AT", &plan)]].concat();
            let mut service = site.start_in("data", &dying).await.unwrap();
            let before = place.replies().len();
            place.asks(&service).await;
            if ["settled", "sent"].contains(&point) {
                let shown = async {
                    while place.replies().len() == before {
                        service.get("/readyz").await;
                    }
                };
                in_time("a draft is shown", shown).await;
                model.gate.notify_one();
            }
            service.died().await;
            drop(service);
            let left: Vec<bool> = place.replies().split_off(before);
            assert_eq!(left.len(), usize::from(point != "drafting"), "{nth}: {point}");

            model.flows.store(true, Ordering::SeqCst);
            let mut service = site.start_in("data", &environment).await.unwrap();
            let answered = async {
                while !place.replies()[before..].contains(&true) || busy(&store).await {
                    service.get("/readyz").await;
                }
            };
            in_time("the answer comes", answered).await;
            let stand = place.replies().split_off(before);
            match (&place, point) {
                (Place::Teams(_), "shown") => assert_eq!(stand, [false, true]),
                _ => assert_eq!(stand, [true], "{point}"),
            }
            service.kill().await;
        }
        store.close().await;
        site.database.discard().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_slack_becomes_the_answer_after_a_kill() {
    killed_at_each_point_of_a_draft(async |_| Place::slack("D1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_in_a_channel_of_slack_becomes_the_answer_after_a_kill() {
    killed_at_each_point_of_a_draft(async |_| Place::slack("C1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_teams_becomes_the_answer_after_a_kill() {
    killed_at_each_point_of_a_draft(async |_| Place::teams().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_in_discord_becomes_the_answer_after_a_kill() {
    killed_at_each_point_of_a_draft(async |store| Place::discord(store).await).await;
}
