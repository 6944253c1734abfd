//! The life of a request in Slack, over the wire: the production loop and the real routes
//! against a stateful stand-in for Slack, on both databases. What goes wrong on the wire is in
//! `slack_wire`.

use std::sync::Arc;

use acceptance::bot::TestBot;
use acceptance::db::on_both;
use acceptance::slack::{FakeSlack, Fault, Posted, User};
use firstline::flows;
use firstline::platform::Connections;
use firstline::ports::{Model, Store};
use firstline::store::conversation_id;
use firstline::store::records::{TicketFilter, TicketPatch};
use firstline_core::chat::{ConversationKey, Platform};
use firstline_core::ticket::Status;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pipeline::POST_INVOICE;

pub(crate) const QUESTION: &str = "how do I post a vendor invoice in Keystone?";

/// The bot, connected to a workspace.
pub(crate) struct Desk {
    pub(crate) bot: TestBot,
    pub(crate) slack: FakeSlack,
    pub(crate) url: String,
    pub(crate) connections: Connections,
    _dir: TempDir,
}

impl Desk {
    pub(crate) async fn new(store: Store, more: &str) -> Desk {
        Self::with_secret(store, more, true).await
    }

    pub(crate) async fn with_secret(store: Store, more: &str, secret: bool) -> Desk {
        let known = format!("signing_secret = \"{}\"\n", FakeSlack::SIGNING_SECRET);
        Self::with_settings(store, if secret { &known } else { "" }, more).await
    }

    /// With further lines in `[slack]`.
    pub(crate) async fn with_settings(store: Store, settings: &str, more: &str) -> Desk {
        Self::built(store, settings, more, None).await
    }

    pub(crate) async fn with_model(store: Store, more: &str, model: Arc<dyn Model>) -> Desk {
        let known = format!("signing_secret = \"{}\"\n", FakeSlack::SIGNING_SECRET);
        Self::built(store, &known, more, Some(model)).await
    }

    async fn built(
        store: Store,
        settings: &str,
        more: &str,
        model: Option<Arc<dyn Model>>,
    ) -> Desk {
        acceptance::model::install_crypto();
        let slack = FakeSlack::start().await;
        for (id, name) in [("UANA", "ana"), ("UBEN", "ben"), ("UOLGA", "olga")] {
            let email = Some(format!("{name}@example.com"));
            slack.add_user(User { id: id.into(), name: name.into(), email, ..User::default() });
        }
        let section = format!(
            "\n[slack]\nbot_token = \"{}\"\napi_url = \"{}\"\n{settings}",
            FakeSlack::BOT_TOKEN,
            slack.api_url()
        );
        let dir = TempDir::new().unwrap();
        let mut connected = None;
        let articles = [POST_INVOICE];
        let more = format!("{section}{more}");
        let bot =
            TestBot::on(store, dir.path(), &articles, model, &more, |config, store, clock, _| {
                let connections = Connections::new(config, store, clock).unwrap();
                let chats = connections.chats(store);
                connected = Some(connections);
                Arc::new(chats)
            })
            .await;
        slack.keep_time_by(bot.clock.clone());
        let connections = connected.unwrap();
        let router = connections.router(&bot.app);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Desk { bot, slack, url, connections, _dir: dir }
    }

    /// Sends an event and lets the bot do what follows; the status Slack got.
    pub(crate) async fn event(&self, payload: &Value) -> u16 {
        let status = self.slack.send_event(&self.url, payload).await.status().as_u16();
        self.bot.run().await;
        status
    }

    pub(crate) async fn says(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread: Option<&str>,
    ) -> String {
        let kind = if channel.starts_with('D') { "im" } else { "channel" };
        let event = self.slack.says(channel, kind, user, text, thread);
        assert_eq!(self.event(&event).await, 200);
        event["event"]["ts"].as_str().unwrap().to_owned()
    }

    /// What the bot posted into a thread.
    pub(crate) fn replies(&self, channel: &str, thread: &str) -> Vec<Posted> {
        let mut posted = self.slack.messages(channel, Some(thread));
        posted.retain(|m| m.user == FakeSlack::BOT_USER);
        posted
    }

    /// Somebody asks what waits for their review; the answer.
    pub(crate) async fn reviews(&self, channel: &str, user: &str) -> Posted {
        let asked = self.says(channel, user, "review", None).await;
        self.replies(channel, &asked).pop().unwrap()
    }

    /// A message as it reads now.
    pub(crate) fn shown(&self, channel: &str, posted: &Posted) -> Posted {
        let mut all = self.slack.messages(channel, None).into_iter();
        all.find(|it| it.ts == posted.ts).unwrap()
    }

    /// Presses a button of a message, found by its name.
    pub(crate) async fn press(
        &self,
        user: &str,
        channel: &str,
        on: &Posted,
        button: &str,
    ) -> Value {
        let element = buttons(on).into_iter().find(|b| b["action_id"] == button);
        let element = element.unwrap_or_else(|| panic!("no {button} in {}", on.blocks));
        let payload = self.slack.presses(user, channel, &on.ts, &element);
        let reply = self.slack.send_interaction(&self.url, &payload).await;
        assert_eq!(reply.status(), 200);
        self.bot.run().await;
        payload
    }

    /// The service begins to listen again, and catches up.
    pub(crate) async fn keep_up(&self) {
        self.connections.catch_up(&self.bot.app).await;
    }

    pub(crate) async fn tickets(&self) -> Vec<firstline::store::records::Ticket> {
        let root = self.bot.viewer("root").await;
        self.bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap().items
    }
}

fn buttons(posted: &Posted) -> Vec<Value> {
    let blocks = posted.blocks.as_array().cloned().unwrap_or_default();
    let actions = blocks.into_iter().filter(|b| b["type"] == "actions");
    actions.flat_map(|b| b["elements"].as_array().cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_request_lives_in_its_thread_from_question_to_resolution() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let asked = desk.says("D1", "UANA", QUESTION, None).await;
        let replies = desk.replies("D1", &asked);
        assert_eq!(replies.len(), 1);
        let answer = &replies[0];
        assert!(answer.text.contains("Purchasing &gt; Invoices &gt; New"), "{}", answer.text);
        assert!(answer.blocks.to_string().contains("[1]"), "{}", answer.blocks);

        // A follow-up in the thread, without naming the bot, is read in its light.
        desk.says("D1", "UANA", "and if posting is refused with KS-1180?", Some(&asked)).await;
        let replies = desk.replies("D1", &asked);
        assert!(replies[1].text.contains("finance controller"), "{}", replies[1].text);

        desk.press("UANA", "D1", &replies[1], "firstline.not_helpful").await;
        let replies = desk.replies("D1", &asked);
        assert_eq!(replies.len(), 3);
        let left: Vec<Value> = buttons(&replies[1]).iter().map(|b| b["action_id"].clone()).collect();
        assert_eq!(left, ["firstline.file_ticket", "firstline.talk_to_person"]);
        assert!(replies[1].blocks.to_string().contains("not helpful"), "{}", replies[1].blocks);
        desk.press("UANA", "D1", &replies[1], "firstline.file_ticket").await;
        let view = desk.slack.views().pop().expect("a form was opened");
        let values = json!({
            "kind": {"value": {"type": "static_select", "selected_option": {"value": "bug"}}},
            "summary": {"value": {"type": "plain_text_input", "value": "KS-1180 though the period is open"}},
        });
        let submission = desk.slack.submits("UANA", &view, values);
        for _ in 0..2 {
            let reply = desk.slack.send_interaction(&desk.url, &submission).await;
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.text().await.unwrap(), "", "an empty answer closes the form");
        }
        desk.bot.run().await;
        let tickets = desk.tickets().await;
        assert_eq!(tickets.len(), 1);
        assert_eq!(tickets[0].requester, "ana@example.com");
        assert_eq!(tickets[0].summary, "KS-1180 though the period is open");
        let filed = desk.replies("D1", &asked).pop().unwrap();
        assert!(filed.text.contains(&tickets[0].key), "{}", filed.text);

        let olga = desk.bot.viewer("olga").await;
        let done = TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() };
        flows::ticket::patch(&desk.bot.app, &olga, &tickets[0].key, None, done).await.unwrap();
        desk.bot.run().await;
        assert_eq!(desk.replies("D1", &asked).last(), Some(&filed), "a notice can wait its turn");
        desk.bot.clock.advance(2_000);
        desk.bot.run().await;
        let told = desk.replies("D1", &asked).pop().unwrap();
        assert!(told.text.contains(&tickets[0].key) && told.ts > filed.ts, "{}", told.text);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_mention_its_message_and_their_repetitions_are_one_request() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let (mention, message) =
            desk.slack.mentions("C1", "UANA", &format!("<@UBOT> {QUESTION}"), None);
        for event in [&message, &mention, &mention, &message] {
            assert_eq!(desk.event(event).await, 200);
        }
        let ts = mention["event"]["ts"].as_str().unwrap();
        let replies = desk.replies("C1", ts);
        assert_eq!(replies.len(), 1);
        assert_eq!(replies[0].thread_ts.as_deref(), Some(ts));
        // Whoever is named is known by name, whatever Slack calls them.
        let named =
            desk.says("D2", "UANA", "<@UBEN> cannot post an invoice in Keystone", None).await;
        let place = ConversationKey {
            platform: Platform::Slack,
            tenant: FakeSlack::TEAM.into(),
            channel: "D2".into(),
            thread: named,
        };
        let store = &desk.bot.app.store;
        let heard = store.messages(&conversation_id(&place), 0, 1).await.unwrap().remove(0);
        assert!(heard.body.text.starts_with("@ben cannot post"), "{}", heard.body.text);
        // What the bot says comes back to it as an event.
        assert_eq!(desk.event(&desk.slack.echo(&replies[0], "C1", "channel")).await, 200);
        assert_eq!(desk.replies("C1", ts).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn it_speaks_where_it_should_and_yields_to_people() {
    on_both(async |store| {
        let help = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";
        let desk = Desk::new(store, help).await;
        let elsewhere = desk.says("C1", "UANA", QUESTION, None).await;
        assert_eq!(desk.replies("C1", &elsewhere).len(), 0, "nobody asked the bot");

        let asked = desk.says("CHELP", "UANA", QUESTION, None).await;
        assert_eq!(desk.replies("CHELP", &asked).len(), 1);
        desk.says("CHELP", "UANA", "and if posting is refused with KS-1185?", Some(&asked)).await;
        assert_eq!(desk.replies("CHELP", &asked).len(), 2, "a follow-up needs no mention");

        desk.says("CHELP", "UBEN", "I can show you, come over", Some(&asked)).await;
        desk.says("CHELP", "UANA", "and where is the due date?", Some(&asked)).await;
        assert_eq!(desk.replies("CHELP", &asked).len(), 2, "a person has replied");
        let (again, _) =
            desk.slack.mentions("CHELP", "UANA", &format!("<@UBOT> {QUESTION}"), Some(&asked));
        assert_eq!(desk.event(&again).await, 200);
        assert_eq!(desk.replies("CHELP", &asked).len(), 3, "asked again by name");
    })
    .await;
}

#[tokio::test]
async fn who_asks_decides_what_is_said() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let user = |id: &str| User {
            id: id.into(),
            name: id.to_lowercase(),
            email: Some(format!("{}@elsewhere.example", id.to_lowercase())),
            ..User::default()
        };
        desk.slack.add_user(User { restricted: true, ..user("UGUEST") });
        desk.slack.add_user(User { stranger: true, ..user("USTRANGE") });
        desk.slack.add_user(User { email: None, ..user("UNOMAIL") });
        desk.slack.add_user(User { bot: true, ..user("UROBOT") });
        desk.slack.add_user(User { deleted: true, ..user("UGONE") });
        desk.slack.add_user(user("UNEW"));
        for (who, replies, knows) in [
            ("UANA", 1, true),
            ("UNEW", 1, true),
            ("UGUEST", 1, false),
            ("USTRANGE", 1, false),
            ("UNOMAIL", 1, false),
            ("UROBOT", 0, false),
            ("UGONE", 0, false),
            ("UNOBODY", 0, false),
        ] {
            let asked = desk.says(&format!("D{who}"), who, QUESTION, None).await;
            let said = desk.replies(&format!("D{who}"), &asked);
            assert_eq!(said.len(), replies, "{who}");
            let told = said.iter().any(|m| m.text.contains("Purchasing"));
            assert_eq!(told, knows, "{who}: {said:?}");
        }
        let new = desk.bot.app.store.person("unew@elsewhere.example").await.unwrap();
        assert!(new.is_some_and(|p| p.active), "a colleague is known from now on");
        let guest = desk.bot.app.store.person("uguest@elsewhere.example").await.unwrap();
        assert_eq!(guest, None, "a guest is nobody's colleague");

        // In a channel shared with others only what is public is said, even to a colleague.
        let (mut shared, _) =
            desk.slack.mentions("C1", "UANA", &format!("<@UBOT> {QUESTION}"), None);
        shared["is_ext_shared_channel"] = json!(true);
        assert_eq!(desk.event(&shared).await, 200);
        let said = desk.replies("C1", shared["event"]["ts"].as_str().unwrap());
        assert!(said.len() == 1 && !said[0].text.contains("Purchasing"), "{said:?}");
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_buttons_do_nothing_but_say_so() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let (mention, _) = desk.slack.mentions("C1", "UANA", &format!("<@UBOT> {QUESTION}"), None);
        desk.event(&mention).await;
        let ts = mention["event"]["ts"].as_str().unwrap();
        let answer = desk.replies("C1", ts).remove(0);
        for button in buttons(&answer) {
            let name = button["action_id"].as_str().unwrap();
            desk.press("UBEN", "C1", &answer, name).await;
            let whispered = desk.slack.calls("chat.postEphemeral");
            assert_eq!(whispered.last().unwrap()["user"], "UBEN", "{name}");
        }
        assert_eq!(desk.slack.calls("chat.postEphemeral").len(), buttons(&answer).len());
        assert_eq!(desk.replies("C1", ts).len(), 1);
        assert_eq!((desk.slack.views().len(), desk.tickets().await.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_command_is_answered_in_direct_messages() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let reply = desk.slack.send_command(&desk.url, "UANA", "C1", "/firstline", "help").await;
        let help: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
        assert_eq!(help["response_type"], "ephemeral");
        desk.slack.add_user(User {
            id: "UDORA".into(),
            name: "dora".into(),
            email: Some("dora@example.com".into()),
            locale: "de-DE".into(),
            ..User::default()
        });
        let reply = desk.slack.send_command(&desk.url, "UDORA", "C1", "/firstline", "help").await;
        assert!(reply.text().await.unwrap().contains("Hallo"), "in the language of the profile");
        let asked = desk.says("DDORA", "UDORA", "help", None).await;
        assert!(desk.replies("DDORA", &asked)[0].text.contains("Hallo"));
        let reply = desk.slack.send_command(&desk.url, "UANA", "C1", "/firstline", QUESTION).await;
        assert_eq!(reply.status(), 200);
        desk.bot.run().await;
        let heading = desk.slack.messages("DUANA", None).remove(0);
        assert!(heading.text.contains(QUESTION), "{}", heading.text);
        let replies = desk.replies("DUANA", &heading.ts);
        assert!(replies.iter().any(|m| m.text.contains("Purchasing")), "{replies:?}");
    })
    .await;
}

#[tokio::test]
async fn a_confidential_ticket_is_not_named_where_others_read_along() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let told =
            "Peoplehub shows my parental leave twice and payroll deducted it twice, error PH-77";
        let asked = desk.says("D1", "UANA", told, None).await;
        let mut tickets = desk.tickets().await;
        if tickets.is_empty() {
            let offer = desk.replies("D1", &asked).remove(0);
            desk.press("UANA", "D1", &offer, "firstline.talk_to_person").await;
            tickets = desk.tickets().await;
        }
        assert!(tickets.len() == 1 && tickets[0].confidential, "{tickets:?}");
        let key = &tickets[0].key;
        for (says, named_alone) in
            [("my tickets", true), (&format!("status {key}"), true), (told, false)]
        {
            let (mention, _) = desk.slack.mentions("C1", "UANA", &format!("<@UBOT> {says}"), None);
            assert_eq!(desk.event(&mention).await, 200);
            for reply in desk.replies("C1", mention["event"]["ts"].as_str().unwrap()) {
                let all = format!("{} {}", reply.text, reply.blocks);
                assert!(!all.contains("parental"), "{says}: {all}");
            }
            let alone = desk.says("D1", "UANA", says, None).await;
            let told = desk.replies("D1", &alone).pop().unwrap();
            assert!(!named_alone || told.text.contains("parental"), "{says}: {}", told.text);
        }
    })
    .await;
}

#[tokio::test]
async fn called_into_a_thread_it_reads_what_was_said_there() {
    on_both(async |store| {
        let desk = Desk::new(store, "").await;
        let begun = desk.says("C1", "UBEN", QUESTION, None).await;
        desk.says("C1", "UANA", "no idea, sorry", Some(&begun)).await;
        assert_eq!(desk.replies("C1", &begun).len(), 0);
        let (call, _) = desk.slack.mentions("C1", "UBEN", "<@UBOT>", Some(&begun));
        assert_eq!(desk.event(&call).await, 200);
        let replies = desk.replies("C1", &begun);
        assert!(replies.len() == 1 && replies[0].text.contains("Purchasing"), "{replies:?}");

        // What cannot be read is no reason to be silent.
        let begun = desk.says("C1", "UBEN", "anyone?", None).await;
        desk.slack.fail_next("conversations.replies", Fault::Status(500));
        let call = format!("<@UBOT> {QUESTION}");
        let (call, _) = desk.slack.mentions("C1", "UANA", &call, Some(&begun));
        assert_eq!(desk.event(&call).await, 200);
        assert_eq!(desk.replies("C1", &begun).len(), 1);
    })
    .await;
}
