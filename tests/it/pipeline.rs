//! Requests from the chat to their settlement, over the production loop, on both
//! databases.

use acceptance::bot::{Article, TestBot};
use acceptance::db::on_both;
use firstline::ports::SendError;
use firstline::store::records::{Author, TicketFilter, TicketPatch};
use firstline::{accept, flows, worker};
use firstline_core::chat::{Button, TicketForm, Verdict};
use firstline_core::ticket::{Kind, Status};
use tempfile::TempDir;

pub(crate) const POST_INVOICE: Article = Article(
    "keystone/post-an-invoice.md",
    "everyone",
    "---\ntitle: Post a vendor invoice in Keystone\nsystem: Keystone\nowner: erp-team\nreviewed: 2026-08-01\n---\n\
     A vendor invoice is posted by the accounts payable clerk once the goods receipt exists.\n\n\
     ## Posting the invoice\n\n\
     1. Open Purchasing > Invoices > New and pick the purchase order.\n\
     2. Compare the quantities with the goods receipt; a difference above 2 % blocks posting.\n\
     3. Press Post. Keystone answers with the document number, which starts with VI.\n\n\
     ## If posting is refused\n\n\
     Error KS-1180 means that the period is closed: ask the finance controller to open it. \
     Error KS-1185 means that the vendor is blocked for payment.\n",
);

const SALARY: Article = Article(
    "peoplehub/salary-bands.md",
    "people-ops",
    "---\ntitle: Salary bands in Peoplehub\nsystem: Peoplehub\nowner: people-ops\nreviewed: 2026-08-01\n---\n\
     The salary band of a senior engineer runs from 61,000 to 78,000 EUR a year. Bands are \
     reviewed each March by people-ops together with the works council.\n",
);

const VISITORS: Article = Article(
    "gatehouse/visitor-wifi.md",
    "public",
    "---\ntitle: Wireless network for visitors\nsystem: Gatehouse\nowner: it\nreviewed: 2026-08-01\n---\n\
     Visitors choose the network Guests and type the voucher printed on their badge; the voucher \
     for the visitors' wireless network lasts one day.\n",
);

async fn bot(store: firstline::ports::Store, dir: &TempDir) -> TestBot {
    TestBot::new(store, dir.path(), &[POST_INVOICE, SALARY]).await
}

#[tokio::test]
async fn what_is_public_is_known_to_employees_too() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = TestBot::new(store, dir.path(), &[POST_INVOICE, VISITORS]).await;
        let said = bot.say("ana", None, "how do visitors get on the wireless network?").await;
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.text.contains("voucher"), "{}", reply.body.text);
    })
    .await;
}

#[tokio::test]
async fn a_question_is_answered_with_its_source() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.text.contains("Purchasing > Invoices > New"), "{}", reply.body.text);
        assert!(reply.body.text.contains("[1]"), "{}", reply.body.text);
        assert_eq!(reply.body.citations[0].path, "keystone/post-an-invoice.md");
        assert!(reply.body.buttons.contains(&Button::Solved));
        assert_eq!(bot.chat.shown(&said.conversation_id).len(), 1);

        let request = bot.app.store.request(&said.request_id.unwrap()).await.unwrap().unwrap();
        assert_eq!(request.action.as_deref(), Some("answer"));
        let readings = bot.app.store.assessments(&request.id).await.unwrap();
        assert_eq!(readings.len(), 1);
        assert!(readings[0].chosen && readings[0].engine == "local");
        assert_eq!(readings[0].input_hash.len(), 64);
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_settles_delivers_at_once_and_a_failed_delivery_is_tried_again() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot.accept("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let said = said.unwrap();
        assert_eq!(worker::step(&bot.app).await.unwrap(), 1, "the event alone is leased");
        assert_eq!(bot.chat.shown(&said.conversation_id).len(), 1);
        bot.assert_quiet().await;

        let busy = SendError::Wait { reason: "busy".into(), ms: 500 };
        bot.chat.fail_next(busy);
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let request = bot.app.store.request(&said.request_id.unwrap()).await.unwrap().unwrap();
        assert_eq!(request.action.as_deref(), Some("answer"), "it is settled all the same");
        assert!(bot.chat.shown(&said.conversation_id).is_empty());
        bot.clock.advance(5_000);
        bot.run().await;
        assert_eq!(bot.chat.shown(&said.conversation_id).len(), 1);
        assert!(bot.last_reply(&said.conversation_id).await.unwrap().sent_at.is_some());
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn trouble_is_filed_to_the_right_team_and_its_changes_are_told() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot
            .say(
                "ana",
                None,
                "Keystone is down since 9, nobody in the warehouse can log in, error 503",
            )
            .await;
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.text.contains("FL-1"), "{}", reply.body.text);
        let ticket = bot.app.store.ticket("FL-1").await.unwrap().unwrap();
        assert_eq!((ticket.kind, ticket.system.as_deref()), (Kind::Incident, Some("Keystone")));
        assert_eq!(ticket.team.as_deref(), Some("erp-team"));
        assert_eq!(ticket.requester, "ana@example.com");

        let olga = bot.viewer("olga").await;
        let patch = TicketPatch { status: Some(Status::InProgress), ..TicketPatch::default() };
        flows::ticket::patch(&bot.app, &olga, "FL-1", None, patch).await.unwrap();
        flows::ticket::comment(&bot.app, &olga, "FL-1", "We restart the server now.", false)
            .await
            .unwrap();
        flows::ticket::comment(&bot.app, &olga, "FL-1", "Disk was full again.", true)
            .await
            .unwrap();
        bot.run().await;
        let transcript = bot.transcript(&said.conversation_id).await;
        assert!(transcript.contains("being worked on"), "{transcript}");
        assert!(transcript.contains("⇐ We restart the server now."), "{transcript}");
        assert!(!transcript.contains("Disk was full"), "a note stays internal: {transcript}");

        // Resolved and reopened by the requester.
        let patch = TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() };
        flows::ticket::patch(&bot.app, &olga, "FL-1", None, patch).await.unwrap();
        let ana = bot.viewer("ana").await;
        let reopened = flows::ticket::reopen(&bot.app, &ana, "FL-1").await.unwrap();
        assert_eq!(reopened.status, Status::Triaged);
        bot.run().await;
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn what_one_may_not_read_and_what_does_not_exist_get_the_same_reply() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let asked = "what is the salary band of a senior engineer?";
        let ana = bot.say("ana", None, asked).await;
        let hana = bot.say("hana", None, asked).await;
        let refused = bot.last_reply(&ana.conversation_id).await.unwrap();
        let told = bot.last_reply(&hana.conversation_id).await.unwrap();
        assert!(told.body.text.contains("61,000"), "{}", told.body.text);
        assert!(!refused.body.text.contains("61,000"), "{}", refused.body.text);
        assert!(refused.body.citations.is_empty());
        let request = bot.app.store.request(&ana.request_id.unwrap()).await.unwrap().unwrap();
        let kept = serde_json::to_string(&request.decision).unwrap();
        assert!(!kept.contains("Salary bands"), "not even the explanation names it: {kept}");
    })
    .await;
}

#[tokio::test]
async fn an_unanswered_question_offers_a_ticket_and_the_form_files_it_once() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot.say("ana", None, "how do I book a parking space for a visitor?").await;
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.buttons.contains(&Button::FileTicket));
        let request_id = said.request_id.clone().unwrap();
        let request = bot.app.store.request(&request_id).await.unwrap().unwrap();
        assert!(request.abstained.is_some() && request.ticket_key.is_none());
        assert_eq!(bot.app.store.gaps(10).await.unwrap()[0].request_id, request_id);

        let ana = bot.viewer("ana").await;
        let form = reply.body.form.clone().unwrap();
        for event in ["form-1", "form-1", "form-2"] {
            let request = Some(request_id.clone());
            accept::file_ticket(
                &bot.app,
                &ana,
                &said.conversation_id,
                request,
                TicketForm { summary: "Parking for visitors".into(), ..form.clone() },
                event.into(),
            )
            .await
            .unwrap();
            bot.run().await;
        }
        let root = bot.viewer("root").await;
        let page = bot.app.store.tickets(&TicketFilter::default(), &root).await.unwrap();
        assert_eq!(page.total, 1, "the same request is one ticket");
        assert_eq!(page.items[0].summary, "Parking for visitors");
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_event_changes_nothing() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let ana = bot.viewer("ana").await;
        let say = accept::Say {
            conversation: None,
            text: "how do I post a vendor invoice in Keystone?".into(),
            attachments: Vec::new(),
            event_id: "once".into(),
            platform: firstline_core::chat::Platform::Web,
            key: None,
        };
        let first = accept::say(&bot.app, &ana, say.clone()).await.unwrap();
        let again = accept::say(&bot.app, &ana, say).await.unwrap();
        assert!(!first.duplicate && again.duplicate);
        assert_eq!(first.request_id, again.request_id);
        bot.run().await;
        let messages = bot.app.store.messages(&first.conversation_id, 0, 10).await.unwrap();
        assert_eq!(messages.len(), 2, "one message, one reply");
    })
    .await;
}

#[tokio::test]
async fn feedback_is_kept_and_answered() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let ana = bot.viewer("ana").await;
        let request_id = said.request_id.unwrap();
        accept::feedback(&bot.app, &ana, &request_id, Verdict::NotHelpful, bot.event_id())
            .await
            .unwrap();
        bot.run().await;
        let request = bot.app.store.request(&request_id).await.unwrap().unwrap();
        assert_eq!(request.verdict, Some(Verdict::NotHelpful));
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.buttons.contains(&Button::FileTicket));

        let ben = bot.viewer("ben").await;
        let stolen =
            accept::feedback(&bot.app, &ben, &request_id, Verdict::Solved, bot.event_id()).await;
        assert!(matches!(stolen, Err(accept::AcceptError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn after_a_hand_over_the_bot_is_quiet() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let conversation = said.conversation_id.as_str();
        bot.say("ana", Some(conversation), "talk to a human").await;
        let reply = bot.last_reply(conversation).await.unwrap();
        assert!(reply.body.text.contains("FL-1"), "{}", reply.body.text);
        let before = bot.app.store.messages(conversation, 0, 100).await.unwrap().len();
        bot.say("ana", Some(conversation), "and how do I reverse one?").await;
        let after = bot.app.store.messages(conversation, 0, 100).await.unwrap();
        assert_eq!(after.len(), before + 1, "only her own message came");
        assert_eq!(after.last().unwrap().author, Author::Requester);
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_correction_counts_from_the_next_message_on() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let first = "the Keystone putaway wizard asks me for a wave code every time";
        let said = bot.say("ana", None, first).await;
        let request = bot.app.store.request(&said.request_id.unwrap()).await.unwrap().unwrap();
        let before = request.kind.unwrap();
        let corrected = if before == Kind::Process { Kind::Bug } else { Kind::Process };
        // Whatever was decided, there is a ticket to correct.
        let ana = bot.viewer("ana").await;
        if request.ticket_key.is_none() {
            accept::talk_to_person(
                &bot.app,
                &ana,
                &said.conversation_id,
                Some(request.id.clone()),
                bot.event_id(),
            )
            .await
            .unwrap();
            bot.run().await;
        }
        let olga = bot.viewer("olga").await;
        let patch = TicketPatch { kind: Some(corrected), ..TicketPatch::default() };
        flows::ticket::patch(&bot.app, &olga, "FL-1", None, patch).await.unwrap();

        let kind = async |text: &str| {
            let ben = bot.viewer("ben").await;
            let thread = [];
            flows::ask::ask_once(&bot.app, String::new(), text, &thread, &ben).await.unwrap().kind
        };
        let paraphrase = "Keystone's putaway wizard keeps asking for a wave code every time";
        assert_eq!(kind(paraphrase).await, corrected);
        for (unrelated, expected) in [
            ("how do I post a vendor invoice in Keystone?", Kind::Question),
            ("Keystone is down, nobody can log in since 9", Kind::Incident),
            ("please give Marco access to the purchasing module", Kind::Change),
            ("thanks, that worked", Kind::None),
        ] {
            assert_eq!(kind(unrelated).await, expected, "{unrelated}");
        }

        // A requester's own edit teaches nothing, and a reversal takes the lesson back.
        let correction = bot.app.store.corrections().await.unwrap().remove(0);
        assert_eq!(correction.by_email, "olga@example.com");
        let now = bot.app.clock.now();
        bot.app.store.revert_correction(correction.id, "olga@example.com", now).await.unwrap();
        assert_eq!(kind(first).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_and_shown_once() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        bot.chat.fail_next(SendError::Wait { reason: "too busy".into(), ms: 5_000 });
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        assert!(bot.chat.shown(&said.conversation_id).is_empty());
        bot.clock.advance(10_000);
        bot.run().await;
        assert_eq!(bot.chat.shown(&said.conversation_id).len(), 1);
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_is_held_back_uses_up_no_try() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let busy = || SendError::Wait { reason: "not so fast".into(), ms: 1_000 };
        bot.chat.fail_next(busy());
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        for _ in 0..20 {
            bot.chat.fail_next(busy());
            bot.clock.advance(999);
            bot.run().await;
            bot.clock.advance(1);
            bot.run().await;
            assert!(bot.chat.shown(&said.conversation_id).is_empty());
        }
        bot.clock.advance(999);
        bot.run().await;
        assert!(bot.chat.shown(&said.conversation_id).is_empty(), "not before its time");
        bot.clock.advance(1);
        bot.run().await;
        assert_eq!(bot.chat.shown(&said.conversation_id).len(), 1);
        bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn secrets_never_reach_the_store() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let said = bot
            .say(
                "ana",
                None,
                "Keystone login fails, my password is Tr0ub4dor&3 and it worked yesterday",
            )
            .await;
        let transcript = bot.transcript(&said.conversation_id).await;
        assert!(!transcript.contains("Tr0ub4dor"), "{transcript}");
        let request = bot.app.store.request(&said.request_id.unwrap()).await.unwrap().unwrap();
        assert_eq!(request.redactions, 1);
        let export = bot.app.store.export_person("ana@example.com").await.unwrap();
        assert!(!export.to_string().contains("Tr0ub4dor"));
    })
    .await;
}

#[tokio::test]
async fn a_vanished_article_is_gone_from_answers() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let now = bot.app.clock.now();
        let path = POST_INVOICE.0.to_owned();
        bot.app.store.remove_documents("handbook", &[path], now).await.unwrap();
        firstline::adapters::knowledge::catch_up(&bot.knowledge, &bot.app.store).await.unwrap();
        let said = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let reply = bot.last_reply(&said.conversation_id).await.unwrap();
        assert!(reply.body.citations.is_empty(), "{:?}", reply.body);
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_is_gone_from_what_is_kept_in_memory() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let text = "Keystone is down since 9, nobody in the warehouse can log in, error 503";
        bot.say("ana", None, text).await;
        let olga = bot.viewer("olga").await;
        let alike = async || {
            let stamps = bot.app.store.stamps().await.unwrap();
            bot.app.similar.catch_up(&bot.app.store, &stamps).await.unwrap();
            bot.app.similar.search(text, 3, &olga)
        };
        assert_eq!(alike().await.len(), 1);
        let now = bot.app.clock.now();
        bot.app.store.erase_person("ana@example.com", now).await.unwrap();
        assert!(alike().await.is_empty(), "her words find nothing any more");
    })
    .await;
}

#[tokio::test]
async fn a_greeting_is_answered_with_one_and_thanks_with_courtesy() {
    on_both(async |store| {
        let dir = TempDir::new().unwrap();
        let bot = bot(store, &dir).await;
        let asked = bot.say("ana", None, "how do I post a vendor invoice in Keystone?").await;
        let last = async |id: &str| bot.last_reply(id).await.unwrap().body.text;
        bot.say("ana", Some(&asked.conversation_id), "thanks, that worked").await;
        assert!(last(&asked.conversation_id).await.starts_with("Glad to help."));
        let hello = bot.say("ana", None, "good morning").await;
        let first = last(&hello.conversation_id).await;
        assert!(first.starts_with("Hello. What can I help you with?"), "{first}");
        bot.assert_quiet().await;
    })
    .await;
}
