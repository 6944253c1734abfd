//! What is a person's own: tickets they follow, accounts in chats, the time where they are.

use firstline_core::ticket::Status;
use serde_json::json;

use super::access::check;
use super::served::Served;
use super::story::fits;
use super::suggestions::{CHANNEL, TROUBLE};
use super::{Browser, key};
use crate::slack::QUESTION;

const QUARTER_MS: i64 = 15 * 60 * 1000;

impl Browser {
    /// Presses what has this focus and waits for the page to say so.
    async fn enters(&self, css: &str, told: &str) {
        self.see(css).await;
        self.run("document.querySelector(arguments[0]).focus()", vec![json!(css)]).await;
        self.keys(key::ENTER).await;
        self.holds(&format!("document.querySelector('.notice')?.textContent.includes('{told}')"))
            .await;
    }
}

impl Served {
    /// The address the bot gives to somebody whom Slack does not name.
    async fn link(&self, user: &str) -> String {
        let asked = self.desk.says(&format!("D{user}"), user, "link", None).await;
        let said = self.desk.replies(&format!("D{user}"), &asked).pop().unwrap();
        let at = self.at("/link/");
        let key = said.text.split(&at).nth(1).unwrap_or_else(|| panic!("{}", said.text));
        format!("/link/{}", key.split(['|', '>', ')']).next().unwrap())
    }

    fn stranger(&self, id: &str) {
        let user = acceptance::slack::User {
            id: id.into(),
            name: id.to_lowercase(),
            ..Default::default()
        };
        self.desk.slack.add_user(user);
    }

    /// `who` writes in the chat, and the bot does what follows.
    async fn writes(&self, browser: &Browser, text: &str) {
        let said = "document.querySelectorAll('article.message.mine').length";
        let replies = "document.querySelectorAll('article.message.bot').length";
        let before = browser.value(&format!("[{said}, {replies}]")).await;
        browser.write(&format!("{text}{}", key::ENTER)).await;
        browser.holds(&format!("{said} > {}", before[0])).await;
        self.desk.bot.run().await;
        browser.holds(&format!("{replies} > {}", before[1])).await;
    }
}

#[tokio::test]
async fn a_ticket_is_followed_and_no_longer() {
    let served = Served::new("").await;
    let desk = &served.desk;
    desk.says("D1", "UANA", TROUBLE, None).await;
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    served.opens("olga", &browser, "/tickets/FL-1").await;
    assert_eq!(browser.text("#follow").await, "Follow");
    browser.enters("#follow", "You follow it").await;
    // Whoever works by keyboard is where they were, and hears what happened.
    browser.holds("document.activeElement.id === 'follow'").await;
    assert_eq!(browser.text("#follow").await, "Unfollow");
    browser
        .holds("document.getElementById('announce').textContent.includes('You follow it')")
        .await;
    assert!(browser.text(".desk-head").await.contains("1 follower"));
    browser.picture("followed").await;
    check(&browser, "a ticket that is followed").await;

    desk.moves("root", "FL-1", Status::Resolved).await;
    browser.open(&served.at("/")).await;
    browser.see("#conversations a").await.click().await.unwrap();
    browser
        .holds("document.getElementById('stream').textContent.includes('FL-1 is resolved')")
        .await;
    browser.open(&served.at("/my")).await;
    assert_eq!(browser.text(".empty h2").await, "No tickets yet");
    assert!(browser.text(".section .row").await.contains("resolved"));
    browser.picture("my-followed").await;
    check(&browser, "tickets one follows").await;
    browser.enters("[aria-label='Unfollow FL-1']", "You no longer follow it").await;
    browser.holds("!document.querySelector('.section')").await;

    // The same trouble told once more: followed under the answer, without leaving what is typed.
    desk.moves("root", "FL-1", Status::Triaged).await;
    served.opens("ana", &browser, "/").await;
    served.writes(&browser, TROUBLE).await;
    browser.write("and by the way").await;
    let follow = "form[action$='/follow'] button";
    browser.see(follow).await;
    check(&browser, "an answer that can be followed").await;
    browser.run("document.querySelector(arguments[0]).focus()", vec![json!(follow)]).await;
    browser.keys(key::ENTER).await;
    assert_eq!(browser.text(".actions .done").await, "You follow it");
    browser.holds("document.activeElement.closest('.actions')").await;
    browser.picture("followed-in-chat").await;
    desk.bot.run().await;
    browser
        .holds("document.getElementById('stream').textContent.includes('You follow FL-1 now')")
        .await;
    assert_eq!(
        browser.value("document.getElementById('text').value").await,
        json!("and by the way")
    );
    browser.client.refresh().await.unwrap();
    browser.see("article.message.bot").await;
    assert_eq!(browser.value(&format!("!document.querySelector(\"{follow}\")")).await, json!(true));
    browser.content().await;
    browser.close().await;
}

#[tokio::test]
async fn an_account_is_tied_by_a_link_and_untied() {
    let served = Served::new("").await;
    served.stranger("UNONE");
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    let link = served.link("UNONE").await;
    browser.open(&served.at(&link)).await;
    assert_eq!(browser.text("h1").await, "Please sign in");

    served.opens("ben", &browser, &link).await;
    assert_eq!(browser.text("h1").await, "Is this Slack account yours?");
    let asked = browser.text("#main").await;
    assert!(asked.contains("unone") && asked.contains("ben@example.com"), "{asked}");
    browser.picture("link").await;
    check(&browser, "the question whose account it is").await;
    browser.enters("main form button", "yours from now on").await;
    assert_eq!(browser.text("h1").await, "Your accounts");
    let tied = browser.text(".rows .row").await;
    assert!(tied.contains("Slack") && tied.contains("unone"), "{tied}");
    browser.picture("accounts").await;
    check(&browser, "accounts").await;
    let asked = served.desk.says("DUNONE", "UNONE", QUESTION, None).await;
    let said = served.desk.replies("DUNONE", &asked).pop().unwrap();
    assert!(said.text.contains("Purchasing"), "{}", said.text);

    browser.open(&served.at(&link)).await;
    assert_eq!(browser.text("h1").await, "That link no longer works");
    browser.picture("link-used").await;
    check(&browser, "a used link").await;
    browser.see("#person-menu summary").await.click().await.unwrap();
    browser.see("#person-menu a[href='/accounts']").await.click().await.unwrap();
    browser.enters("[aria-label='Untie Slack, unone']", "no longer tied").await;
    assert_eq!(browser.text(".empty h2").await, "None");
    browser.picture("accounts-none").await;
    check(&browser, "no accounts").await;

    // Looked at for too long.
    let link = served.link("UNONE").await;
    browser.open(&served.at(&link)).await;
    served.desk.bot.clock.advance(QUARTER_MS);
    browser.see("main form button").await.click().await.unwrap();
    browser.holds("document.querySelector('h1').textContent === 'That link no longer works'").await;
    browser.open(&served.at("/accounts")).await;
    assert_eq!(browser.text(".empty h2").await, "None");
    browser.content().await;
    browser.close().await;
}

#[tokio::test]
async fn times_are_told_where_the_browser_is() {
    let served = Served::new("").await;
    served.desk.bot.files("ana", "It rejects my invoice").await;
    served.desk.bot.run().await;
    // It is noon in UTC.
    for (zone, told, shown) in
        [("America/Sao_Paulo", "today 09:00", "9:00"), ("Asia/Tokyo", "today 21:00", "9:00 PM")]
    {
        let browser = Browser::start_in(zone, 1280, 900, &["--lang=en-US"]).await;
        served.opens("ana", &browser, "/").await;
        served.writes(&browser, "status FL-1").await;
        let said = browser.text("article.message.bot .prose").await;
        assert!(said.contains(told), "{zone}: {said}");
        let title = "document.querySelector('article.message.bot time').title";
        let title = browser.value(title).await;
        assert!(
            title.as_str().unwrap().replace('\u{202f}', " ").contains(shown),
            "{zone}: {title}"
        );
        browser.open(&served.at("/tickets/FL-1")).await;
        let filed = browser.value("document.querySelector('.desk-head time').title").await;
        assert!(
            filed.as_str().unwrap().replace('\u{202f}', " ").contains(shown),
            "{zone}: {filed}"
        );
        browser.content().await;
        browser.close().await;
    }
}

#[tokio::test]
async fn on_a_phone_in_the_dark() {
    let served = Served::new(CHANNEL).await;
    let dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"];
    let browser = Browser::start(500, 860, &dark).await;
    served.asks("UANA", QUESTION).await;
    served.asks("UBEN", TROUBLE).await;
    served.desk.says("D1", "UANA", TROUBLE, None).await;
    served.stranger("UNONE");
    served.opens("olga", &browser, "/suggestions").await;
    fits(&browser, "narrow-suggestions").await;
    browser.open(&served.at("/tickets/FL-1")).await;
    browser.enters("#follow", "You follow it").await;
    fits(&browser, "narrow-followed").await;
    browser.open(&served.at("/my")).await;
    fits(&browser, "narrow-my-followed").await;
    browser.open(&served.at(&served.link("UNONE").await)).await;
    fits(&browser, "narrow-link").await;
    browser.enters("main form button", "yours from now on").await;
    fits(&browser, "narrow-accounts").await;
    browser.content().await;
    browser.close().await;
}
