//! The life of a request in Microsoft Teams, over the wire: the production loop and the real route
//! against a stateful stand-in for Teams, on both databases.

use std::sync::Arc;

use acceptance::bot::{START, TestBot};
use acceptance::db::on_both;
use acceptance::teams::{Call, FakeTeams, Fault, Flaw, Posted, User, now};
use firstline::flows;
use firstline::platform::Connections;
use firstline::ports::{Model, Store};
use firstline::store::records::{Ticket, TicketFilter, TicketPatch};
use firstline_core::ticket::{Kind, Status};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pipeline::POST_INVOICE;

pub(crate) const QUESTION: &str = "how do I post a vendor invoice in Keystone?";
const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";
pub(crate) const HELP: &str = "19:help@thread.tacv2";
/// In which the bot only suggests.
pub(crate) const SUGGEST: &str = "19:suggest@thread.tacv2";

/// The bot, connected to a tenant.
pub(crate) struct Desk {
    pub(crate) bot: TestBot,
    pub(crate) teams: FakeTeams,
    pub(crate) connections: Connections,
    url: String,
    _dir: TempDir,
}

impl Desk {
    pub(crate) async fn new(store: Store) -> Desk {
        Self::on(store, None, "").await
    }

    pub(crate) async fn with_model(store: Store, model: Option<Arc<dyn Model>>) -> Desk {
        Self::on(store, model, "").await
    }

    /// With further settings.
    pub(crate) async fn with(store: Store, more: &str) -> Desk {
        Self::on(store, None, more).await
    }

    async fn on(store: Store, model: Option<Arc<dyn Model>>, more: &str) -> Desk {
        acceptance::model::install_crypto();
        let teams = FakeTeams::start().await;
        for name in ["Ana", "Ben", "Olga"] {
            let email = format!("{}@example.com", name.to_lowercase());
            teams.add_user(User { email: Some(email), ..User::new(name) });
        }
        for channel in [HELP, SUGGEST] {
            teams.add_conversation(channel, &["29:ana", "29:ben", "29:olga"]);
        }
        let more = format!(
            "\n[teams]\napp_id = \"{}\"\napp_password = \"{}\"\ntenant_id = \"{}\"\n\
             openid_metadata_url = \"{}\"\ntoken_url = \"{}\"\ngraph_url = \"{}\"\n\
             [[channel]]\nplatform = \"teams\"\nid = \"{HELP}\"\nmode = \"act\"\n\
             [[channel]]\nplatform = \"teams\"\nid = \"{SUGGEST}\"\nmode = \"suggest\"\n{more}",
            FakeTeams::APP_ID,
            FakeTeams::APP_PASSWORD,
            FakeTeams::TENANT,
            teams.metadata_url(),
            teams.token_url(),
            teams.graph_url(),
        );
        let dir = TempDir::new().unwrap();
        let mut connected = None;
        let articles = [POST_INVOICE];
        let bot =
            TestBot::on(store, dir.path(), &articles, model, &more, |config, store, clock, _| {
                let connections = Connections::new(config, store, clock).unwrap();
                let chats = connections.chats(store);
                connected = Some(connections);
                Arc::new(chats)
            })
            .await;
        // Tokens are dated by real time.
        bot.clock.advance(i64::try_from(now()).unwrap() * 1000 - START);
        let connections = connected.unwrap();
        let router = connections.router(&bot.app);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Desk { bot, teams, connections, url, _dir: dir }
    }

    /// Sends an activity and lets the bot do what follows; what Teams got.
    pub(crate) async fn send(&self, activity: &Value) -> (u16, Value) {
        let reply = self.teams.send(&self.url, activity).await;
        let status = reply.status().as_u16();
        let body = serde_json::from_str(&reply.text().await.unwrap()).unwrap_or_default();
        self.bot.run().await;
        (status, body)
    }

    pub(crate) async fn says(
        &self,
        place: &str,
        user: &str,
        text: &str,
        thread: Option<&str>,
    ) -> String {
        let said = self.teams.says(place, user, text, thread);
        assert_eq!(self.send(&said).await.0, 200);
        said["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn replies(&self, place: &str, thread: Option<&str>) -> Vec<Posted> {
        let mut posted = self.teams.messages(place, thread);
        posted.retain(|m| m.from == FakeTeams::BOT);
        posted
    }

    async fn tickets(&self) -> Vec<Ticket> {
        let root = self.bot.viewer("root").await;
        self.bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap().items
    }
}

pub(crate) fn shown(posted: &Posted) -> String {
    posted.card.to_string()
}

/// The dialog of an answer to an invoke.
pub(crate) fn dialog(answer: &Value) -> Value {
    answer["task"]["value"]["card"]["content"].clone()
}

/// What a dialog sends when its button is pressed with these inputs.
pub(crate) fn filled(card: &Value, title: &str, inputs: Value) -> Value {
    let mut data = serde_json::Map::new();
    for element in card["body"].as_array().unwrap() {
        if let (Some(id), Some(value)) = (element["id"].as_str(), element.get("value")) {
            data.insert(id.to_owned(), value.clone());
        }
    }
    let sets = card["body"].as_array().unwrap().iter().filter(|e| e["type"] == "ActionSet");
    let actions = sets.flat_map(|set| set["actions"].as_array().unwrap());
    let mut actions = actions.chain(card["actions"].as_array().unwrap());
    let action = actions.find(|action| action["title"] == title).expect(title);
    data.extend(action["data"].as_object().unwrap().clone());
    data.extend(inputs.as_object().unwrap().clone());
    Value::Object(data)
}

#[tokio::test]
async fn a_request_lives_in_its_chat_from_question_to_resolution() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let chat = desk.teams.personal("29:ana");
        let asked = desk.teams.says(&chat, "29:ana", QUESTION, None);
        for _ in 0..2 {
            assert_eq!(desk.send(&asked).await.0, 200, "sent again, it is recognised");
        }
        let replies = desk.replies(&chat, None);
        assert_eq!(replies.len(), 1);
        assert!(shown(&replies[0]).contains("Purchasing"), "{}", replies[0].card);

        desk.says(&chat, "29:ana", "and if posting is refused with KS-1180?", None).await;
        let answer = desk.replies(&chat, None).pop().unwrap();
        assert!(shown(&answer).contains("finance controller"), "read in the light of the chat");

        let press = |title: &str| {
            let action = answer.action(title).unwrap_or_else(|| panic!("{title}"));
            desk.teams.presses("29:ana", &chat, &answer.id, &action)
        };
        let (status, card) = desk.send(&press("Not helpful")).await;
        assert_eq!((status, &card["statusCode"]), (200, &json!(200)));
        assert!(card["value"].to_string().contains("not helpful"), "{card}");
        let now_shown = desk.replies(&chat, None).into_iter().find(|m| m.id == answer.id).unwrap();
        assert!(now_shown.edited && now_shown.action("That solved it").is_none());
        assert!(now_shown.action("File a ticket").is_some());

        let (_, opened) = desk.send(&press("File a ticket")).await;
        let form = dialog(&opened);
        let process = filled(&form, "Show the fields of this kind", json!({ "kind": "process" }));
        let (_, opened) = desk.send(&desk.teams.dialog_submit("29:ana", &chat, &process)).await;
        assert!(dialog(&opened).to_string().contains("What goes wrong"), "{opened}");
        let empty = filled(&form, "File the ticket", json!({ "kind": "bug", "summary": " " }));
        let (_, opened) = desk.send(&desk.teams.dialog_submit("29:ana", &chat, &empty)).await;
        assert!(dialog(&opened).to_string().contains("Say in one line"), "{opened}");
        let whole = filled(
            &form,
            "File the ticket",
            json!({ "kind": "bug", "summary": "KS-1180 though the period is open" }),
        );
        let submission = desk.teams.dialog_submit("29:ana", &chat, &whole);
        for _ in 0..2 {
            assert_eq!(desk.send(&submission).await, (200, json!({})));
        }
        let tickets = desk.tickets().await;
        assert_eq!(tickets.len(), 1);
        assert_eq!(
            (tickets[0].kind, tickets[0].requester.as_str()),
            (Kind::Bug, "ana@example.com")
        );
        let filed = desk.replies(&chat, None).pop().unwrap();
        assert!(shown(&filed).contains(&tickets[0].key), "{}", filed.card);

        let olga = desk.bot.viewer("olga").await;
        let done = TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() };
        flows::ticket::patch(&desk.bot.app, &olga, &tickets[0].key, None, done).await.unwrap();
        desk.bot.run().await;
        let told = desk.replies(&chat, None).pop().unwrap();
        assert!(told.id != filed.id && shown(&told).contains(&tickets[0].key), "{}", told.card);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn in_a_channel_it_answers_in_the_thread_and_yields_to_people() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let other = "19:other@thread.tacv2";
        desk.teams.add_conversation(other, &["29:ana"]);
        let unasked = desk.says(other, "29:ana", QUESTION, None).await;
        assert!(desk.replies(other, Some(&unasked)).is_empty(), "nobody asked the bot");
        let named = desk.teams.mentions(other, "29:ana", QUESTION, None);
        desk.send(&named).await;
        assert_eq!(desk.replies(other, named["id"].as_str()).len(), 1);

        let asked = desk.says(HELP, "29:ana", QUESTION, None).await;
        let thread = Some(asked.as_str());
        assert_eq!(desk.replies(HELP, thread).len(), 1, "a support channel");
        desk.says(HELP, "29:ana", "and if posting is refused with KS-1180?", thread).await;
        assert_eq!(desk.replies(HELP, thread).len(), 2, "a follow-up needs no mention");
        desk.says(HELP, "29:ben", "come over, I show you", thread).await;
        desk.says(HELP, "29:ana", "and where is the due date?", thread).await;
        assert_eq!(desk.replies(HELP, thread).len(), 2, "a person has replied");

        // Its own words come back to it, and somebody else's buttons are not theirs.
        let answer = desk.replies(HELP, thread).remove(1);
        desk.send(&desk.teams.echo(HELP, &answer)).await;
        let action = answer.action("That solved it").unwrap();
        let (_, told) = desk.send(&desk.teams.presses("29:ben", HELP, &answer.id, &action)).await;
        assert!(told["value"].as_str().unwrap().contains("Only the person who asked"), "{told}");
        assert_eq!(desk.replies(HELP, thread).len(), 2);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_becomes_a_ticket_of_its_author() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let other = "19:other@thread.tacv2";
        desk.teams.add_conversation(other, &["29:ana", "29:ben"]);
        let said = desk.says(other, "29:ana", TROUBLE, None).await;
        let fetch = desk.teams.extension_fetch("29:ben", other, "fileTicket", Some(&said));
        let (_, opened) = desk.send(&fetch).await;
        let form = dialog(&opened);
        assert!(form.to_string().contains("KS-9911"), "{form}");
        let data = filled(&form, "File the ticket", json!({}));
        let sent = desk.teams.extension_submit("29:ben", other, "fileTicket", Some(&said), &data);
        for _ in 0..2 {
            assert_eq!(desk.send(&sent).await, (200, json!({})));
        }
        let tickets = desk.tickets().await;
        assert_eq!(tickets.len(), 1, "{tickets:?}");
        let of = (tickets[0].requester.as_str(), tickets[0].text.as_str());
        assert_eq!(of, ("ana@example.com", TROUBLE));
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn changes_files_and_thumbs_are_followed() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let chat = desk.teams.personal("29:ana");
        let asked = desk.says(&chat, "29:ana", "how do I post it?", None).await;
        let before = desk.replies(&chat, None).len();
        let edit = desk.teams.edits(&chat, &asked, QUESTION);
        for _ in 0..2 {
            assert_eq!(desk.send(&edit).await.0, 200);
        }
        let replies = desk.replies(&chat, None);
        assert_eq!(replies.len(), before + 1, "one change, one answer");
        assert!(shown(replies.last().unwrap()).contains("Purchasing"));

        let answer = replies.last().unwrap();
        let thumbs = desk.teams.feedback("29:ana", &chat, &answer.id, "like", "thanks");
        assert_eq!(desk.send(&thumbs).await.0, 200);
        let all = desk.bot.app.store.conversations_of("ana@example.com", 9).await.unwrap();
        let messages = desk.bot.app.store.messages(&all[0].id, 0, 99).await.unwrap();
        let request = messages[0].request_id.clone().unwrap();
        let request = desk.bot.app.store.request(&request).await.unwrap().unwrap();
        assert_eq!(request.verdict.map(|v| v.as_str()), Some("solved"));

        assert_eq!(desk.send(&desk.teams.deletes(&chat, &asked)).await.0, 200);
        let left = desk.bot.app.store.messages(&all[0].id, 0, 99).await.unwrap();
        assert!(left.iter().all(|m| m.body.text != QUESTION), "{left:?}");

        let ben = desk.teams.personal("29:ben");
        let mut sent = desk.teams.says(&ben, "29:ben", "talk to a person", None);
        let png = b"\x89PNG\r\n\x1a\n and so on";
        let file = desk.teams.upload("shot.png", "png", png);
        sent["attachments"].as_array_mut().unwrap().push(file);
        assert_eq!(desk.send(&sent).await.0, 200);
        let key = &desk.tickets().await[0].key;
        let files = desk.bot.app.store.attachments_of_ticket(key).await.unwrap();
        let named: Vec<_> = files.iter().map(|f| (f.name.as_str(), f.mime.as_str())).collect();
        assert_eq!(named, [("shot.png", "image/png")]);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_that_teams_did_not_sign_reaches_the_bot() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let chat = desk.teams.personal("29:ana");
        let said = desk.teams.says(&chat, "29:ana", QUESTION, None);
        for flaw in Flaw::ALL {
            let token = desk.teams.flawed_token(flaw);
            let status = desk.teams.send_with(&desk.url, &said, &token).await.status().as_u16();
            assert!([401, 403].contains(&status), "{flaw:?}: {status}");
        }
        let elsewhere = FakeTeams::of_tenant(&said, "22222222-2222-2222-2222-222222222222");
        assert_eq!(desk.send(&elsewhere).await.0, 403);
        let bare = reqwest::Client::new().post(format!("{}/api/messages", desk.url));
        assert_eq!(bare.body(said.to_string()).send().await.unwrap().status(), 401);
        // Endorsed for its channel, but it would have the bot answer elsewhere.
        let mut astray = said.clone();
        astray["serviceUrl"] = json!("https://evil.example/");
        let token =
            desk.teams.token_with(|claims, _| claims["serviceurl"] = astray["serviceUrl"].clone());
        assert_eq!(desk.teams.send_with(&desk.url, &astray, &token).await.status(), 403);
        desk.bot.run().await;
        assert!(desk.replies(&chat, None).is_empty());

        assert_eq!(desk.send(&said).await.0, 200);
        desk.teams.rotate_keys();
        let later = desk.teams.says(&chat, "29:ana", "and with KS-1180?", None);
        assert_eq!(desk.send(&later).await.0, 401, "keys are fetched again after a while only");
        desk.bot.clock.advance(6 * 60_000);
        assert_eq!(desk.send(&later).await.0, 200, "keys changed in mid-run");
        assert_eq!(desk.replies(&chat, None).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_answer_stays_what_it_is_whatever_is_pressed_under_it() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let chat = desk.teams.personal("29:ana");
        desk.says(&chat, "29:ana", QUESTION, None).await;
        let answer = desk.replies(&chat, None).pop().unwrap();
        for title in ["Not helpful", "Talk to a person"] {
            let action = answer.action(title).unwrap();
            let press = desk.teams.presses("29:ana", &chat, &answer.id, &action);
            assert_eq!(desk.send(&press).await.0, 200, "{title}");
        }
        let replies = desk.replies(&chat, None);
        assert!(replies.len() > 1, "more was said after it: {replies:?}");
        let now = replies.iter().find(|reply| reply.id == answer.id).unwrap();
        let shown = shown(now);
        assert!(shown.contains("Purchasing"), "{shown}");
        for note in ["this was not helpful", "You asked for a person"] {
            assert_eq!(shown.matches(note).count(), 1, "{note}: {shown}");
        }
        assert!(now.action("Talk to a person").is_none());
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_is_tried_again_or_said() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let chat = desk.teams.personal("29:ana");
        desk.teams.fail_next(Call::GetConversationMember, Fault::Status(500));
        let said = desk.teams.says(&chat, "29:ana", QUESTION, None);
        assert_eq!(desk.send(&said).await.0, 503, "Teams sends it again");
        desk.teams.fail_next(Call::SendToConversation, Fault::RateLimited { retry_after_s: 40 });
        assert_eq!(desk.send(&said).await.0, 200);
        assert!(desk.replies(&chat, None).is_empty());
        desk.bot.clock.advance(39_000);
        desk.bot.run().await;
        assert!(desk.replies(&chat, None).is_empty(), "Retry-After is kept");
        desk.bot.clock.advance(60_000);
        desk.bot.run().await;
        assert_eq!(desk.replies(&chat, None).len(), 1);

        desk.teams.expire_tokens();
        desk.says(&chat, "29:ana", "and with KS-1180?", None).await;
        assert_eq!(desk.replies(&chat, None).len(), 2, "the bot gets a new token");

        let binary = desk.teams.says(&chat, "29:ana", "\u{0}\u{1}\u{2}\u{0}\u{3}", None);
        assert_eq!(desk.send(&binary).await.0, 200);
        let odd = json!({
            "type": "invoke", "name": "future/thing", "channelId": "msteams", "id": "x",
            "serviceUrl": desk.teams.service_url(), "from": said["from"], "conversation": said["conversation"],
            "recipient": said["recipient"], "channelData": said["channelData"],
        });
        assert_eq!(desk.send(&odd).await.0, 501);
        assert_eq!(desk.send(&desk.teams.installs(&chat, "29:ana")).await.0, 200);
        let hello = desk.replies(&chat, None).pop().unwrap();
        assert!(shown(&hello).contains("Hello"), "{}", hello.card);
    })
    .await;
}

#[tokio::test]
async fn guests_hear_only_what_is_public() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        desk.teams.add_user(User::guest("Gus", "gus@elsewhere.example"));
        for (who, knows) in [("29:ana", true), ("29:gus", false)] {
            let chat = desk.teams.personal(who);
            desk.says(&chat, who, QUESTION, None).await;
            let said = desk.replies(&chat, None);
            assert_eq!(said.len(), 1, "{who}");
            assert_eq!(shown(&said[0]).contains("Purchasing"), knows, "{who}: {}", said[0].card);
        }
        let guest = desk.bot.app.store.person("gus@elsewhere.example").await.unwrap();
        assert_eq!(guest, None, "a guest is nobody's colleague");
    })
    .await;
}

#[tokio::test]
async fn owners_review_in_their_chat_and_others_are_told_no() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let hers = desk.teams.personal("29:ana");
        for summary in ["It rejects my invoice", "It prints no labels"] {
            desk.bot.files("ana", summary).await;
        }
        let keys = |posted: &Posted| ["FL-1", "FL-2"].map(|key| shown(posted).contains(key));
        desk.says(&hers, "29:ana", "review", None).await;
        let refused = desk.replies(&hers, None).pop().unwrap();
        assert!(shown(&refused).contains("support owners") && keys(&refused) == [false, false]);

        let chat = desk.teams.personal("29:olga");
        desk.says(&chat, "29:olga", "Review", None).await;
        let list = desk.replies(&chat, None).pop().unwrap();
        assert_eq!(keys(&list), [true, true], "{}", list.card);
        let by = |who: &str, title: &str| {
            let now = desk.replies(&chat, None).into_iter().find(|m| m.id == list.id).unwrap();
            desk.teams.presses(who, &chat, &list.id, &now.action(title).unwrap())
        };
        let (_, told) = desk.send(&by("29:ben", "Looks right")).await;
        assert!(told["value"].to_string().contains("no such ticket"), "{told}");
        let (_, told) = desk.send(&by("29:ben", "Correct")).await;
        assert!(told["task"]["value"].to_string().contains("no such ticket"), "{told}");

        let (_, opened) = desk.send(&by("29:olga", "Correct")).await;
        let wrong = json!({ "kind": "change", "impact": "team" });
        let data = filled(&dialog(&opened), "Correct it", wrong);
        let sent = desk.teams.dialog_submit("29:olga", &chat, &data);
        assert_eq!(desk.send(&sent).await, (200, json!({})));
        let (_, told) = desk.send(&sent).await;
        assert!(told.to_string().contains("just changed"), "sent twice: {told}");
        let (_, card) = desk.send(&by("29:olga", "Looks right")).await;
        assert_eq!(card["statusCode"], 200);
        assert!(card["value"].to_string().contains("Nothing waits"), "{card}");
        let then = desk.replies(&chat, None).into_iter().find(|m| m.id == list.id).unwrap();
        assert!(then.edited && then.action("Correct").is_none(), "{}", then.card);
        let tickets = desk.tickets().await;
        let by = |t: &Ticket| t.reviewed_by.as_deref() == Some("olga@example.com");
        assert!(tickets.len() == 2 && tickets.iter().all(by), "{tickets:?}");
        assert_eq!(tickets.iter().filter(|t| t.kind == Kind::Change).count(), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}
