//! What arrives by itself: an answer while it is being composed, what happened while the
//! connection was gone, a ticket changed by someone else.

use std::sync::Arc;

use acceptance::model::{Heard, Reply, ScriptedModel};
use acceptance::process::{firstline, run};
use firstline::store::new_id;
use firstline::store::records::{Author, NewMessage, TicketPatch, Written};
use firstline_core::chat::Message;
use firstline_core::ticket::Priority;
use serde_json::json;
use tokio::sync::Notify;

use super::{Browser, Demo, PRIYA, SAM, key, listening};

#[tokio::test]
async fn an_answer_is_read_while_it_is_written() {
    let gate = Arc::new(Notify::new());
    let open = Arc::clone(&gate);
    let model = ScriptedModel::start(move |heard: &Heard| {
        if heard.streams() {
            let start = r#"{"abstain": null, "statements": [{"text": "A vendor invoice is posted once the goods receipt exists.", "cites": [1]}, "#;
            let rest = r#"{"text": "Press Post; the document number starts with VI.", "cites": [1]}]}"#;
            return Reply::Gated(start.into(), rest.into(), Arc::clone(&gate));
        }
        Reply::Say(json!({"kind": "question", "confidence": 0.95, "system": "Keystone",
            "impact": "one", "urgency": "normal", "sentiment": "neutral", "language": "en",
            "summary": "How to post a vendor invoice"}))
    })
    .await
    .unwrap();

    // A service of its own, entered by a one-time link.
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("firstline.toml");
    let text = format!(
        "[model]\nbase_url = \"{}\"\nname = \"small-1\"\n{}",
        model.base_url(),
        acceptance::bot::COMPANY
    );
    std::fs::write(&config, text).unwrap();
    let docs = place.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    std::fs::write(docs.join("post-invoice.md"), crate::pipeline::POST_INVOICE.2).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = firstline(&place.path().join("data"));
        command.arg("--config").arg(&config).args(arguments);
        command
    };
    run(command(&["migrate"])).await;
    run(command(&["user", "add", "ana@example.com", "Ana"])).await;
    run(command(&["index", docs.to_str().unwrap()])).await;
    let link = run(command(&["login", "ana@example.com"])).await;
    let mut serve = command(&["serve"]);
    serve.env("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:0");
    let (_service, url) = listening(serve).await;

    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&url).await;
    assert_eq!(browser.text("h1").await, "Please sign in");
    let (_, token) = link.trim().split_once("/sign-in").unwrap();
    browser.open(&format!("{url}/sign-in{token}")).await;
    browser.see("form .primary").await.click().await.unwrap();
    browser.write(&format!("How do I post a vendor invoice in Keystone?{}", key::ENTER)).await;

    // The first sentence is there while the model has not said the second.
    let draft = browser.text(".message.draft .prose p").await;
    assert!(draft.starts_with("A vendor invoice is posted"), "{draft}");
    assert_eq!(browser.value("document.body.textContent.includes('starts with VI')").await, false);
    // It is read out once, when it is whole.
    browser.holds("document.querySelector('.draft[aria-live=off]')").await;
    browser.picture("answer-streaming").await;
    open.notify_one();
    browser.see("article.message.bot a.cite").await;
    browser.holds("!document.querySelector('.draft') && !document.getElementById('typing')").await;
    let whole = browser.text("article.message.bot .prose").await;
    assert!(whole.contains("goods receipt exists") && whole.contains("starts with VI"), "{whole}");
    browser.close().await;
}

#[tokio::test]
async fn a_lost_connection_is_said_and_made_up_for() {
    let mut demo = Demo::start().await;
    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&demo.url).await;
    browser.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let id = browser.value("document.getElementById('chat').dataset.conversation").await;
    let ticket = browser.text(".ticket-card a.key").await;

    demo.kill().await;
    browser.holds("!document.getElementById('connection').hidden").await;
    assert!(browser.text("#connection").await.contains("Trying again"));
    // Written while nobody serves: kept, and offered once more.
    browser.write(&format!("it hits the Boston site too{}", key::ENTER)).await;
    browser.see(".message.failed button").await;
    browser.picture("connection-lost").await;

    // Meanwhile a colleague answers and moves the ticket.
    let store = demo.store().await;
    let said = NewMessage {
        id: new_id(),
        conversation_id: id.as_str().unwrap().to_owned(),
        author: Author::Person,
        email: PRIYA.into(),
        name: "Priya Nair".into(),
        body: Message { text: "We see it and are on it.".into(), ..Message::default() },
        request_id: None,
        delivery_key: "while-away".into(),
        pending: false,
    };
    store.say(said, Vec::new(), 1_900_000_000_000).await.unwrap();
    store.close().await;
    demo.start_again().await;

    browser.holds("document.getElementById('connection').hidden").await;
    browser.see("article.message.person").await;
    browser.see(".message.failed button").await.click().await.unwrap();
    browser.holds("document.querySelectorAll('article.message.mine').length === 2").await;
    browser.holds("document.querySelectorAll('article.message.bot').length === 2").await;
    browser.holds("!document.querySelector('.message.failed, .message.pending')").await;
    // Everything once, here and after loading it anew.
    let count = "JSON.stringify(['mine', 'bot', 'person'].map((who) => document.querySelectorAll(`article.message.${who}`).length))";
    assert_eq!(browser.value(count).await, json!("[2,2,1]"));
    browser.client.refresh().await.unwrap();
    assert_eq!(browser.value(count).await, json!("[2,2,1]"));
    assert_eq!(browser.text(".ticket-card a.key").await, ticket);
    browser.close().await;
}

#[tokio::test]
async fn a_ticket_moved_by_someone_else_moves_in_the_open_chat() {
    let demo = Demo::start().await;
    let (ana, priya) = tokio::join!(Browser::start(1100, 800, &[]), Browser::start(1280, 860, &[]));
    ana.open(&demo.url).await;
    ana.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = ana.text(".ticket-card a.key").await;
    ana.run("window.sameDocument = true", vec![]).await;

    priya.open(&demo.url).await;
    priya.become_person(PRIYA).await;
    priya.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    priya.see("button[name='status'][value='in_progress']").await.click().await.unwrap();
    priya.see(".desk-head .chip.in_progress").await;
    ana.see(".ticket-card .chip.in_progress").await;
    ana.holds("document.getElementById('announce').textContent.includes('in progress')").await;
    // The requester is told in words, too.
    ana.holds("document.querySelectorAll('article.message').length === 3").await;

    priya.see("button[name='status'][value='resolved']").await.click().await.unwrap();
    ana.see(".ticket-card .chip.resolved").await;
    ana.picture("moved-live").await;
    // Not solved, she says, and it is open again on every card.
    ana.see("[data-reopen] button").await.click().await.unwrap();
    ana.holds("!document.querySelector('[data-reopen], .ticket-card .chip.resolved')").await;
    let same = ana.value("window.sameDocument").await;
    assert_eq!(same, json!(true), "nothing was loaded anew");
    priya.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    priya.see("button[name='status'][value='resolved']").await.click().await.unwrap();
    ana.see(".ticket-card .chip.resolved").await;

    // Reopened from her own list.
    ana.open(&demo.at("/my")).await;
    let row =
        "[...document.querySelectorAll('.rows .row')].find((r) => r.textContent.includes('KEY'))"
            .replace("KEY", &ticket);
    ana.holds(&format!("{row}.querySelector('.chip.resolved')")).await;
    ana.run(&format!("{row}.querySelector('form button').click()"), vec![]).await;
    ana.see(".notice").await;
    ana.holds(&format!("!{row}.querySelector('.chip.resolved') && !{row}.querySelector('form')"))
        .await;
    assert!(ana.text(".notice").await.contains("Reopened"));
    ana.picture("reopened").await;
    ana.close().await;
    priya.close().await;
}

#[tokio::test]
async fn a_reply_arrives_and_an_internal_note_does_not() {
    let demo = Demo::start().await;
    let (ana, priya) = tokio::join!(Browser::start(1100, 800, &[]), Browser::start(1280, 860, &[]));
    ana.open(&demo.url).await;
    ana.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = ana.text(".ticket-card a.key").await;
    priya.become_person_from(&demo.url, PRIYA).await;
    priya.open(&demo.at(&format!("/tickets/{ticket}?queue=1"))).await;

    priya.see("#reply").await.send_keys("The vendor is restarting it.").await.unwrap();
    priya.see(".reply .primary").await.click().await.unwrap();
    priya.holds("document.querySelector('.history').textContent.includes('restarting')").await;
    ana.holds(
        "document.querySelector('article.message.person')?.textContent.includes('restarting')",
    )
    .await;
    priya.see("[name='internal']").await.click().await.unwrap();
    priya.see("#reply").await.send_keys("zebrafinch: do not promise a time").await.unwrap();
    priya.see(".reply .primary").await.click().await.unwrap();
    priya
        .holds("document.querySelector('.history .note')?.textContent.includes('zebrafinch')")
        .await;
    priya.picture("note").await;
    // Whoever works through the queue stays in it.
    assert!(priya.text(".crumb").await.contains("Review queue"));
    let secret = "document.body.textContent.includes('zebrafinch')";
    assert_eq!(ana.value(secret).await, false);
    for path in ["/", "/my"] {
        ana.open(&demo.at(path)).await;
        assert_eq!(ana.value(secret).await, false, "{path}");
    }
    ana.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    assert!(ana.text(".history").await.contains("restarting"));
    assert_eq!(ana.value(secret).await, false);
    ana.close().await;
    priya.close().await;
}

#[tokio::test]
async fn a_ticket_changed_by_someone_else_changes_on_the_open_page() {
    let demo = Demo::start().await;
    let (ana, priya) = tokio::join!(Browser::start(1100, 500, &[]), Browser::start(1280, 500, &[]));
    ana.open(&demo.url).await;
    ana.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = ana.text(".ticket-card a.key").await;
    priya.become_person_from(&demo.url, PRIYA).await;
    for browser in [&ana, &priya] {
        browser.open(&demo.at(&format!("/tickets/{ticket}"))).await;
        browser.run("window.sameDocument = true", vec![]).await;
    }

    // Priya is in the middle of a reply, Ana of a comment that she has scrolled to.
    priya.see("#reply").await.send_keys("Half a sent").await.unwrap();
    ana.see("#reply").await.send_keys("I also").await.unwrap();
    let place = "JSON.stringify([document.activeElement.id, document.activeElement.value, \
        document.activeElement.selectionStart, window.scrollY])";
    let (ana_at, priya_at) = (ana.value(place).await, priya.value(place).await);

    // Somebody else moves it: seen and said on both pages.
    let store = demo.store().await;
    let before = store.ticket(&ticket).await.unwrap().unwrap();
    let patch = TicketPatch { priority: Some(Priority::P4), ..TicketPatch::default() };
    let done = store
        .patch_ticket(&ticket, None, &patch, SAM, false, vec![], vec![], 1_900_000_000_000)
        .await;
    assert!(matches!(done, Ok(Written::Done(_))), "{done:?}");
    for browser in [&ana, &priya] {
        browser.see(".desk-head .chip.P4").await;
        browser.holds("document.querySelector('.history').textContent.includes('to P4')").await;
        browser
            .holds("document.getElementById('announce').textContent.includes('changed priority')")
            .await;
    }
    assert_eq!(ana.value(place).await, ana_at);
    assert_eq!(priya.value(place).await, priya_at);
    priya.picture("ticket-live").await;
    // Her forms speak of the version she sees now, so her own change is taken.
    let version = "Number(document.querySelector('.fix [name=version]').value)";
    assert_eq!(priya.value(version).await, json!(before.version + 1));
    priya.see("button[name='status'][value='in_progress']").await.click().await.unwrap();
    priya.see(".desk-head .chip.in_progress").await;
    ana.see(".desk-head .chip.in_progress").await;
    assert_eq!(ana.value("document.getElementById('reply').value").await, json!("I also"));
    assert_eq!(ana.value("window.sameDocument").await, json!(true), "nothing was loaded anew");

    // What Ana sends appears at Priya's, and nobody who may not see it is told anything.
    ana.see(".reply .primary").await.click().await.unwrap();
    priya.holds("document.querySelector('.history').textContent.includes('I also')").await;
    assert_eq!(priya.value("window.sameDocument").await, json!(true));
    store.close().await;
    ana.close().await;
    priya.close().await;
}
