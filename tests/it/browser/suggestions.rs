//! Owners read what would have been said in channels where the bot only suggests, post it or let
//! it be.

use acceptance::slack::Posted;
use firstline::flows::suggestion;
use firstline::store::records::SuggestionState;
use serde_json::json;

use super::access::check;
use super::served::Served;
use super::{Browser, key};
use crate::slack::QUESTION;

pub(super) const CHANNEL: &str =
    "\n[[channel]]\nplatform = \"slack\"\nid = \"CSUG\"\nmode = \"suggest\"\n";
pub(super) const TROUBLE: &str =
    "Keystone rejects every vendor invoice with error KS-9911 since this morning";
const CARDS: &str = "[...document.querySelectorAll('#rows .row')]";

impl Served {
    /// Somebody asks where the bot only suggests.
    pub(super) async fn asks(&self, user: &str, text: &str) -> String {
        self.desk.slack.add_channel("CSUG", "channel");
        let asked = self.desk.says("CSUG", user, text, None).await;
        self.desk.bot.clock.advance(1_000);
        asked
    }

    async fn posted(&self, asked: &str) -> Vec<Posted> {
        self.desk.bot.run().await;
        self.desk.replies("CSUG", asked)
    }
}

impl Browser {
    async fn is_told(&self, what: &str) {
        self.holds(&format!("document.querySelector('.notice')?.textContent.includes('{what}')"))
            .await;
    }

    async fn tab(&self, name: &str) {
        let click = "[...document.querySelectorAll('.tabs a')]\
            .find((at) => at.textContent === arguments[0]).click()";
        self.run(click, vec![json!(name)]).await;
        self.holds(&format!(
            "document.querySelector('.tabs [aria-current]').textContent === '{name}'"
        ))
        .await;
    }
}

#[tokio::test]
async fn what_would_be_said_is_posted_or_let_be() {
    let served = Served::new(CHANNEL).await;
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    served.opens("olga", &browser, "/tickets").await;
    browser.see(".tabs a[href='/suggestions']").await.click().await.unwrap();
    browser.holds("document.querySelector('.empty h2')?.textContent === 'Nothing waits'").await;
    browser.picture("suggestions-none").await;
    // One press of the button is one change of the look, whatever else the page runs.
    let look = "document.documentElement.dataset.theme";
    for now in ["dark", "light"] {
        browser.see("[data-theme-toggle]").await.click().await.unwrap();
        browser.holds(&format!("{look} === '{now}'")).await;
        browser.client.refresh().await.unwrap();
        browser.holds(&format!("{look} === '{now}'")).await;
    }
    check(&browser, "no suggestions").await;

    let first = served.asks("UANA", QUESTION).await;
    let ticket = served.asks("UBEN", TROUBLE).await;
    let third = served.asks("UBEN", QUESTION).await;
    let last = served.asks("UANA", QUESTION).await;
    browser.open(&served.at("/tickets")).await;
    assert_eq!(browser.text(".tabs a[href='/suggestions']").await, "Suggestions (4)");
    browser.open(&served.at("/suggestions")).await;
    browser.picture("suggestions").await;
    let named = "(at) => at.getAttribute('aria-label')";
    assert_eq!(
        browser.value(&format!("{CARDS}.map({named})")).await,
        json!(["Request of Ana", "Request of Ben", "Request of Ben", "Request of Ana"])
    );
    let filed = browser.text("#rows li:nth-child(3) .card").await;
    assert!(filed.contains("KS-9911") && filed.contains("Posting files a ticket"), "{filed}");
    check(&browser, "suggestions").await;

    // By keyboard: through the list, to the button, pressed.
    browser.keys("jjk").await;
    browser.holds(&format!("document.activeElement === {CARDS}[0]")).await;
    let on = format!(
        "{CARDS}[0].contains(document.activeElement) && document.activeElement.textContent.trim() === 'Post it'"
    );
    for _ in 0..9 {
        if browser.value(&on).await == json!(true) {
            break;
        }
        browser.keys(key::TAB).await;
    }
    browser.holds(&on).await;
    browser.keys(key::ENTER).await;
    browser.is_told("Posted into the thread").await;
    assert_eq!(served.posted(&last).await.len(), 1);
    browser.holds(&format!("{CARDS}.length === 3")).await;

    // An impatient second press sends nothing more.
    let twice = "let sent = 0; addEventListener('submit', (e) => { sent += !e.defaultPrevented; });\
        const button = document.querySelector('#rows .primary'); button.click(); button.click();\
        return sent;";
    assert_eq!(browser.run(twice, vec![]).await, json!(1));
    browser.is_told("Posted into the thread").await;
    assert_eq!(served.posted(&third).await.len(), 1);

    // Somebody else was faster.
    let root = served.desk.bot.viewer("root").await;
    let store = &served.desk.bot.app.store;
    let waiting = store.suggestions(&root, SuggestionState::Waiting, None, 9).await.unwrap();
    suggestion::dismiss(&served.desk.bot.app, &root, &waiting[0].request_id).await.unwrap();
    browser.see("#rows .primary").await.click().await.unwrap();
    browser.is_told("decided on already").await;
    browser.see(".notice.bad").await;
    browser.picture("suggestion-decided").await;
    assert_eq!(served.posted(&ticket).await, []);
    assert_eq!(served.desk.tickets().await, []);
    // A colleague has helped meanwhile.
    served.desk.says("CSUG", "UBEN", "come over, I can show you", Some(&first)).await;
    browser.see("#rows .primary").await.click().await.unwrap();
    browser.is_told("Somebody has replied in the meantime").await;
    assert_eq!(served.posted(&first).await, []);
    browser.tab("Overtaken (1)").await;
    assert_eq!(browser.value("!document.querySelector('#rows .primary')").await, json!(true));
    check(&browser, "an overtaken suggestion").await;
    browser.see("#rows form[action$='/dismiss'] button").await.click().await.unwrap();
    browser.is_told("Dismissed").await;
    browser
        .holds("document.querySelector('.tabs [aria-current]').textContent === 'Overtaken (0)'")
        .await;

    browser.tab("Dismissed (2)").await;
    let decided = browser.text("#rows").await;
    assert!(decided.contains("by Root") && decided.contains("by Olga"), "{decided}");
    browser.tab("Posted (2)").await;
    assert!(browser.text("#rows .card").await.contains("Posted by Olga"));
    browser.picture("suggestions-posted").await;
    check(&browser, "posted suggestions").await;
    browser.content().await;

    served.opens("ben", &browser, "/suggestions").await;
    assert_eq!(browser.text("h1").await, "Nothing here", "an employee is told of none");
    browser.complains("404").await;
    browser.close().await;
}
