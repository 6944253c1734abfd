//! The whole story once, and the narrow dark page. Pictures go to `target/screenshots`.

use serde_json::json;

use super::{ANA, Browser, Demo, PRIYA, key};

#[tokio::test]
async fn ask_read_file_correct() {
    let demo = Demo::start().await;
    let url = &demo.url;
    let browser = Browser::start(1360, 900, &[]).await;
    browser.client.goto(url).await.unwrap();
    browser.see(".welcome").await;
    browser.picture("start").await;

    // A question gets its answer with a source that opens at the cited passage.
    let ask = "I have a new phone. How do I move my Gatehouse MFA to it?";
    browser.see("#text").await.send_keys(&format!("{ask}\u{e007}")).await.unwrap();
    browser.see(".message.bot:not(.waiting) a.cite[data-article]").await.click().await.unwrap();
    browser.see(".reading .cited").await;
    browser.picture("answer").await;
    browser.see("#panel-close").await.click().await.unwrap();
    browser.see("button[class='button small']").await.click().await.unwrap();
    browser.see(".actions .done").await;

    // An outage becomes a ticket in the thread.
    browser.client.goto(url).await.unwrap();
    let outage = "Lookout dashboards show an error for our whole team since this morning";
    browser.see("#text").await.send_keys(&format!("{outage}\u{e007}")).await.unwrap();
    let card = browser.see(".ticket-card a.key").await;
    let key = card.text().await.unwrap();
    browser.picture("ticket-in-thread").await;
    let chat = browser.client.current_url().await.unwrap();

    // The owner moves it with one key, and the requester sees so.
    browser.become_person(PRIYA).await;
    browser.client.goto(&format!("{url}/tickets/{key}")).await.unwrap();
    browser.see("body").await.send_keys("2").await.unwrap();
    browser.see("button[value='bug'][aria-pressed='true']").await;
    browser.see("button[name='status'][value='in_progress']").await.click().await.unwrap();
    browser.see(".desk-head .chip.in_progress").await;
    browser.picture("review").await;
    browser.become_person(ANA).await;
    browser.client.goto(chat.as_str()).await.unwrap();
    browser.see(".ticket-card .chip.in_progress").await;
    browser.picture("told").await;
    browser.close().await;
}

#[tokio::test]
async fn narrow_and_dark() {
    let demo = Demo::start().await;
    let browser =
        Browser::start(500, 860, &["--force-dark-mode", "--blink-settings=preferredColorScheme=0"])
            .await;
    for (name, path) in
        [("narrow-start", "/"), ("narrow-my", "/my"), ("narrow-knowledge", "/knowledge")]
    {
        browser.open(&demo.at(path)).await;
        fits(&browser, name).await;
    }
    // A table keeps its shape, whatever the width.
    browser.holds("document.querySelector('table.data td').offsetWidth > 150").await;

    browser.open(&demo.url).await;
    browser.ask("I have a new phone. How do I move my Gatehouse MFA to it?").await;
    // A long answer is read from its start.
    let top = "document.querySelector('article.message.bot').getBoundingClientRect().top";
    browser
        .holds(&format!("{top} >= document.getElementById('scroll').getBoundingClientRect().top"))
        .await;
    fits(&browser, "narrow-answer").await;
    browser.see("[data-side]").await.click().await.unwrap();
    browser.holds("document.activeElement.closest('#side')").await;
    fits(&browser, "narrow-side").await;
    browser.keys(key::ESCAPE).await;
    browser.holds("document.activeElement.matches('[data-side]')").await;
    browser.holds("!document.querySelector('.side.open')").await;
    browser.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = browser.text(".ticket-card a.key").await;
    browser.become_person(PRIYA).await;
    fits(&browser, "narrow-tickets").await;
    browser.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    browser.holds("document.querySelector('.talk .bubble').offsetWidth > innerWidth / 2").await;
    fits(&browser, "narrow-ticket").await;
    browser.close().await;
}

/// Nothing may stick out sideways.
pub(super) async fn fits(browser: &Browser, name: &str) {
    let wide = browser.value("document.documentElement.scrollWidth > window.innerWidth").await;
    browser.picture(name).await;
    assert_eq!(wide, json!(false), "{name} scrolls sideways");
}
