//! Channels in which the bot only suggests or watches: what it keeps to itself, what support
//! owners see of it and do with it. Over the wire, on both databases.

use std::sync::Arc;

use acceptance::bot::{Article, START, put_articles};
use acceptance::db::on_both;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use firstline::console;
use firstline::console::session::hash_token;
use firstline::flows::suggestion::{self, Refusal};
use firstline::store::records::{RequestRow, Suggestion, SuggestionState};
use serde_json::Value;
use tower::ServiceExt;

use crate::slack::{Desk, QUESTION};

use SuggestionState::{Dismissed, Overtaken, Posted, Waiting};

const CHANNELS: &str = "
[[channel]]
platform = \"slack\"
id = \"CSUG\"
mode = \"suggest\"

[[channel]]
platform = \"slack\"
id = \"CWATCH\"
mode = \"watch\"
";

const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";

async fn desk(store: firstline::ports::Store) -> Desk {
    let desk = Desk::new(store, CHANNELS).await;
    for channel in ["CSUG", "CWATCH"] {
        desk.slack.add_channel(channel, "channel");
    }
    desk
}

impl Desk {
    async fn suggestions(&self, who: &str, state: SuggestionState) -> Vec<Suggestion> {
        let viewer = self.bot.viewer(who).await;
        let store = &self.bot.app.store;
        let found = store.suggestions(&viewer, state, None, 50).await.unwrap();
        assert_eq!(store.suggestion_count(&viewer, state).await.unwrap(), found.len() as i64);
        found
    }

    /// The one suggestion that waits for the owners of Keystone.
    async fn waiting(&self) -> Suggestion {
        let mut waiting = self.suggestions("olga", Waiting).await;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        waiting.remove(0)
    }

    async fn posts(&self, who: &str, suggestion: &Suggestion) -> Result<(), Refusal> {
        let viewer = self.bot.viewer(who).await;
        let (id, version) = (&suggestion.request_id, suggestion.version);
        let posted = suggestion::post(&self.bot.app, &viewer, id, version).await;
        self.bot.run().await;
        posted
    }

    async fn request(&self, suggestion: &Suggestion) -> RequestRow {
        self.bot.app.store.request(&suggestion.request_id).await.unwrap().unwrap()
    }

    /// Nobody was told anything there: no message, no sign, no file.
    fn silent(&self, channel: &str) {
        let said = self.slack.messages(channel, None);
        assert!(said.iter().all(|m| m.user != acceptance::slack::FakeSlack::BOT_USER), "{said:?}");
        for call in ["chat.postMessage", "assistant.threads.setStatus", "reactions.add"] {
            assert_eq!(self.slack.calls(call), Vec::<Value>::new(), "{call}");
        }
    }

    /// A page or form of the console as this person's browser asks for it.
    pub(crate) async fn console(
        &self,
        who: &str,
        path: &str,
        form: Option<&str>,
    ) -> (StatusCode, String) {
        let (store, email) = (&self.bot.app.store, format!("{who}@example.com"));
        let (hash, csrf) = (hash_token(&format!("session-{who}")), format!("csrf-{who}"));
        if store.session(&hash, START).await.unwrap().is_none() {
            store.create_session(&hash, &email, &csrf, START, i64::MAX).await.unwrap();
        }
        let request = Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header(header::HOST, "desk.test")
            .header(header::ORIGIN, "http://desk.test")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, format!("firstline=session-{who}"));
        let body = form.map_or(String::new(), |form| format!("csrf={csrf}&{form}"));
        let router = console::router(Arc::clone(&self.bot.app), None);
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let place = parts.headers.get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned());
        let body = place.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        self.bot.run().await;
        (parts.status, body)
    }
}

#[tokio::test]
async fn an_answer_is_suggested_and_posted_once() {
    on_both(async |store| {
        let desk = desk(store).await;
        let asked = desk.says("CSUG", "UANA", QUESTION, None).await;
        desk.says("CSUG", "UBEN", "good morning everyone", None).await;
        desk.says("CSUG", "UBEN", "help", None).await;
        desk.silent("CSUG");
        desk.bot.assert_quiet().await;

        let waiting = desk.waiting().await;
        assert_eq!(waiting.requester, "ana@example.com");
        assert_eq!((waiting.text.as_str(), waiting.action.as_str()), (QUESTION, "answer"));
        assert_eq!(waiting.team.as_deref(), Some("erp-team"));
        assert!(waiting.draft.says.text.contains("Purchasing > Invoices > New"), "{waiting:?}");
        let kept = desk.request(&waiting).await;
        assert!(kept.kind.is_some() && kept.confidence.is_some() && kept.answer.is_none());
        let store = &desk.bot.app.store;
        assert_eq!(store.assessments(&kept.id).await.unwrap().len(), 1);
        assert_eq!(store.outcomes(0, i64::MAX).await.unwrap().answered, 0, "nobody was answered");

        // Owners of another team, and those who own nothing, are told nothing.
        assert_eq!(desk.suggestions("hana", Waiting).await, []);
        assert_eq!(desk.suggestions("ana", Waiting).await, []);
        assert_eq!(desk.suggestions("root", Waiting).await.len(), 1);
        for who in ["hana", "ana"] {
            let refused = desk.posts(who, &waiting).await;
            assert!(matches!(refused, Err(Refusal::NotFound)), "{who}: {refused:?}");
        }
        desk.silent("CSUG");

        desk.posts("olga", &waiting).await.unwrap();
        let again = desk.posts("root", &waiting).await;
        assert!(matches!(again, Err(Refusal::Changed)), "{again:?}");
        let replies = desk.replies("CSUG", &asked);
        assert_eq!(replies.len(), 1);
        assert!(replies[0].text.contains("Purchasing &gt; Invoices &gt; New"), "{replies:?}");
        assert!(replies[0].blocks.to_string().contains("firstline.solved"), "{replies:?}");
        let posted = desk.suggestions("olga", Posted).await.remove(0);
        assert_eq!(posted.decided_by.as_deref(), Some("olga@example.com"));
        assert_eq!(store.outcomes(0, i64::MAX).await.unwrap().answered, 1);

        // From now on it is as in any support channel.
        desk.says("CSUG", "UANA", "and if posting is refused with KS-1185?", Some(&asked)).await;
        let replies = desk.replies("CSUG", &asked);
        assert_eq!(replies.len(), 2);
        assert!(replies[1].text.contains("blocked for payment"), "{}", replies[1].text);
        desk.press("UANA", "CSUG", &replies[1], "firstline.solved").await;
        assert_eq!(desk.replies("CSUG", &asked).len(), 3);
        assert_eq!(desk.suggestions("olga", Waiting).await, []);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_ticket_is_filed_when_its_suggestion_is_posted() {
    on_both(async |store| {
        let desk = desk(store).await;
        let event = desk.slack.sends_file("CSUG", "UANA", TROUBLE, "screen.txt", b"KS-9911");
        assert_eq!(desk.event(&event).await, 200);
        let asked = event["event"]["ts"].as_str().unwrap();
        desk.silent("CSUG");
        assert_eq!(desk.tickets().await, []);

        let waiting = desk.waiting().await;
        assert_eq!(waiting.action, "file");
        assert!(waiting.draft.ticket.is_some());
        desk.bot.clock.advance(60_000);
        desk.posts("olga", &waiting).await.unwrap();
        let tickets = desk.tickets().await;
        assert_eq!(tickets.len(), 1);
        assert_eq!(tickets[0].requester, "ana@example.com");
        assert_eq!(tickets[0].created_at, desk.bot.app.clock.now(), "it is filed now");
        let store = &desk.bot.app.store;
        assert_eq!(store.attachments_of_ticket(&tickets[0].key).await.unwrap().len(), 1);
        let replies = desk.replies("CSUG", asked);
        assert_eq!(replies.len(), 1);
        assert!(replies[0].text.contains(&tickets[0].key), "{}", replies[0].text);
        assert_eq!(desk.request(&waiting).await.ticket_key.as_ref(), Some(&tickets[0].key));

        // More of it belongs to the ticket.
        desk.says("CSUG", "UANA", "it also says KS-9912 now", Some(asked)).await;
        assert_eq!(desk.tickets().await.len(), 1);
        assert_eq!(desk.replies("CSUG", asked).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn whoever_replies_first_overtakes_a_suggestion() {
    on_both(async |store| {
        let desk = desk(store).await;
        let asked = desk.says("CSUG", "UANA", QUESTION, None).await;
        let waiting = desk.waiting().await;
        desk.says("CSUG", "UBEN", "I can show you, come over", Some(&asked)).await;
        let refused = desk.posts("olga", &waiting).await;
        assert!(matches!(refused, Err(Refusal::Overtaken)), "{refused:?}");
        desk.silent("CSUG");
        assert_eq!(desk.suggestions("olga", Waiting).await, []);
        let overtaken = desk.suggestions("olga", Overtaken).await;
        assert_eq!(overtaken[0].draft, waiting.draft, "it can still be read");
        let olga = desk.bot.viewer("olga").await;
        suggestion::dismiss(&desk.bot.app, &olga, &waiting.request_id).await.unwrap();
        let again = suggestion::dismiss(&desk.bot.app, &olga, &waiting.request_id).await;
        assert!(matches!(again, Err(Refusal::Changed)), "{again:?}");
        assert_eq!(desk.suggestions("olga", Dismissed).await.len(), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_said_after_a_question_is_taken_up_as_silently() {
    on_both(async |store| {
        let desk = desk(store).await;
        let asked = desk.says("CSUG", "UANA", QUESTION, None).await;
        let first = desk.waiting().await;
        desk.bot.clock.advance(1_000);
        desk.says("CSUG", "UANA", "and if posting is refused with KS-1185?", Some(&asked)).await;
        desk.silent("CSUG");
        let both = desk.suggestions("olga", Waiting).await;
        assert_eq!(both.len(), 2, "the newest first");
        assert!(both[0].draft.says.text.contains("blocked for payment"), "{both:?}");
        assert_eq!(both[1], first);
        let (store, olga) = (&desk.bot.app.store, desk.bot.viewer("olga").await);
        let newest = store.suggestions(&olga, Waiting, None, 1).await.unwrap();
        assert_eq!(newest, both[..1]);
        let after = Some(newest[0].request_id.as_str());
        assert_eq!(store.suggestions(&olga, Waiting, after, 1).await.unwrap(), both[1..]);
        // Each may be posted: what the bot was told to say overtakes nothing.
        desk.posts("olga", &both[1]).await.unwrap();
        desk.posts("olga", &both[0]).await.unwrap();
        assert_eq!(desk.replies("CSUG", &asked).len(), 2);

        // Called by name, it answers; what it would have said before is overtaken by that.
        let other = desk.says("CSUG", "UBEN", QUESTION, None).await;
        let call = desk.slack.mentions("CSUG", "UBEN", "<@UBOT> how do I post it?", Some(&other)).0;
        assert_eq!(desk.event(&call).await, 200);
        assert_eq!(desk.replies("CSUG", &other).len(), 1);
        assert_eq!(desk.suggestions("olga", Waiting).await, []);
        assert_eq!(desk.suggestions("olga", Overtaken).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_changed_or_deleted_request_changes_its_suggestion() {
    on_both(async |store| {
        let desk = desk(store).await;
        let asked = desk.says("CSUG", "UANA", "how do I post it in Keystone?", None).await;
        let before = desk.waiting().await;
        desk.bot.clock.advance(1_000);
        assert_eq!(desk.event(&desk.slack.edits("CSUG", &asked, QUESTION)).await, 200);
        let after = desk.waiting().await;
        assert_eq!(after.text, QUESTION);
        let refused = desk.posts("olga", &before).await;
        assert!(matches!(refused, Err(Refusal::Changed)), "{refused:?}");

        // An article that is no longer for everyone in the channel is not quoted there.
        let Article(path, _, text) = crate::pipeline::POST_INVOICE;
        put_articles(&desk.bot.app.store, &[Article(path, "finance", text)]).await;
        for (who, refusal) in [("olga", "no such"), ("root", "no longer open")] {
            let refused = desk.posts(who, &after).await.unwrap_err().to_string();
            assert!(refused.contains(refusal), "{who}: {refused}");
        }
        assert_eq!(desk.event(&desk.slack.deletes("CSUG", &asked)).await, 200);
        assert_eq!(desk.suggestions("root", Waiting).await, []);
        desk.silent("CSUG");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_watched_channel_is_only_recorded() {
    on_both(async |store| {
        let desk = desk(store).await;
        desk.says("CWATCH", "UANA", TROUBLE, None).await;
        let asked = desk.says("CWATCH", "UANA", QUESTION, None).await;
        desk.says("CWATCH", "UANA", &"x ".repeat(40_000), None).await;
        desk.silent("CWATCH");
        assert_eq!(desk.tickets().await, []);
        for state in SuggestionState::ALL {
            assert_eq!(desk.suggestions("root", state).await, []);
        }
        let store = &desk.bot.app.store;
        let held = store.export_person("ana@example.com").await.unwrap();
        let requests = held["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 2);
        for request in requests.iter().map(|r| &r["request"]) {
            assert!(request["kind"].is_string() && request["confidence"].is_f64(), "{request}");
            assert_eq!(request["system"], "Keystone");
        }
        let outcomes = store.outcomes(0, i64::MAX).await.unwrap();
        assert_eq!((outcomes.answered, outcomes.filed), (0, 0));

        // Called, it answers there too, and goes on in that thread.
        let call =
            desk.slack.mentions("CWATCH", "UANA", &format!("<@UBOT> {QUESTION}"), Some(&asked)).0;
        assert_eq!(desk.event(&call).await, 200);
        assert_eq!(desk.replies("CWATCH", &asked).len(), 1);
        desk.says("CWATCH", "UANA", "and if posting is refused with KS-1185?", Some(&asked)).await;
        assert_eq!(desk.replies("CWATCH", &asked).len(), 2);
        desk.says("CWATCH", "UANA", &"x ".repeat(40_000), Some(&asked)).await;
        assert_eq!(desk.replies("CWATCH", &asked).len(), 3, "told that it is too long");
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_not_told_where_nothing_is_said() {
    on_both(async |store| {
        let desk = desk(store).await;
        let event = desk.slack.says("CSUG", "channel", "UANA", QUESTION, None);
        assert_eq!(desk.slack.send_event(&desk.url, &event).await.status(), 200);
        // Whether it could not be heard or could not be answered.
        for _ in ["heard", "event"] {
            let (app, store) = (&desk.bot.app, &desk.bot.app.store);
            let leased = store.lease("w", 1, 1_000, app.clock.now()).await.unwrap().remove(0);
            firstline::flows::react::tell_failure(app, &leased).await;
            desk.bot.clock.advance(2_000);
            firstline::worker::step(app).await.unwrap();
        }
        desk.bot.run().await;
        desk.silent("CSUG");
        desk.waiting().await;
    })
    .await;
}

#[tokio::test]
async fn owners_decide_in_the_console() {
    on_both(async |store| {
        let desk = desk(store).await;
        let (_, tickets) = desk.console("olga", "/tickets", None).await;
        assert!(tickets.contains("Suggestions (0)"), "{tickets}");
        let (_, empty) = desk.console("olga", "/suggestions", None).await;
        assert!(empty.contains("Nothing waits"), "{empty}");
        desk.says("CSUG", "UANA", TROUBLE, None).await;
        desk.bot.clock.advance(1_000);
        let asked = desk.says("CSUG", "UANA", QUESTION, None).await;
        let [answer, ticket] = desk.suggestions("olga", Waiting).await.try_into().unwrap();

        let (status, page) = desk.console("olga", "/suggestions", None).await;
        assert_eq!(status, StatusCode::OK);
        for shown in [QUESTION, TROUBLE, "Waiting (2)", "CSUG", "Post a vendor invoice", "FL-…"] {
            assert!(page.contains(shown), "{shown} is not in {page}");
        }
        assert!(!page.contains("ticket-key"), "{page}");
        assert!(page.find(QUESTION) < page.find(TROUBLE), "the newest first");
        let (_, tickets) = desk.console("olga", "/tickets", None).await;
        assert!(tickets.contains("Suggestions (2)"), "{tickets}");
        for who in ["ana", "ben"] {
            assert_eq!(desk.console(who, "/suggestions", None).await.0, StatusCode::NOT_FOUND);
            assert!(!desk.console(who, "/tickets", None).await.1.contains("Suggestions ("));
        }
        let (_, hanas) = desk.console("hana", "/suggestions", None).await;
        assert!(!hanas.contains(QUESTION) && hanas.contains("Waiting (0)"), "{hanas}");

        let post = format!("/suggestions/{}/post", answer.request_id);
        let form = format!("version={}", answer.version);
        assert_eq!(desk.console("ana", &post, Some(&form)).await.0, StatusCode::NOT_FOUND);
        assert_eq!(desk.console("hana", &post, Some(&form)).await.0, StatusCode::NOT_FOUND);
        desk.silent("CSUG");
        for said in ["posted", "changed"] {
            let (status, place) = desk.console("olga", &post, Some(&form)).await;
            assert_eq!(status, StatusCode::SEE_OTHER);
            assert_eq!(place, format!("/suggestions?said={said}"));
        }
        assert_eq!(desk.replies("CSUG", &asked).len(), 1);
        let dismiss = format!("/suggestions/{}/dismiss", ticket.request_id);
        let (_, place) = desk.console("olga", &dismiss, Some("")).await;
        assert_eq!(place, "/suggestions?said=dismissed");
        assert_eq!(desk.tickets().await, []);
        for (state, text) in [("posted", QUESTION), ("dismissed", TROUBLE)] {
            let path = format!("/suggestions?state={state}");
            let (_, page) = desk.console("olga", &path, None).await;
            assert!(page.contains(text) && page.contains("by <bdi>Olga</bdi>"), "{page}");
            assert!(!page.contains("Post it"), "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn suggestions_are_exported_and_erased_with_their_requester() {
    on_both(async |store| {
        let desk = desk(store).await;
        desk.says("CSUG", "UANA", QUESTION, None).await;
        let store = &desk.bot.app.store;
        let held = store.export_person("ana@example.com").await.unwrap();
        let suggested = &held["requests"][0]["suggested"]["says"]["text"];
        assert!(suggested.as_str().unwrap().contains("Purchasing"), "{held}");
        let id = desk.waiting().await.request_id;
        store.erase_person("ana@example.com", START).await.unwrap();
        assert_eq!(store.suggestion(&id).await.unwrap(), None);
        assert_eq!(desk.suggestions("root", Waiting).await, []);
    })
    .await;
}
