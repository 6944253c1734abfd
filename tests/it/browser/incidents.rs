//! An incident, run from its page while somebody else looks on.

use serde_json::json;

use super::access::check;
use super::served::Served;
use super::{Browser, key};

#[tokio::test]
async fn an_incident_is_declared_run_and_followed_on_its_page() {
    let served = Served::new("").await;
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    served.opens("olga", &browser, "/incidents").await;
    check(&browser, "no incidents").await;
    browser.picture("incidents-none").await;
    browser.see("#title").await.send_keys("Nobody can log in to Keystone").await.unwrap();
    browser.see("input[value=SEV1]").await.click().await.unwrap();
    browser.see(".declare .primary").await.click().await.unwrap();
    browser
        .holds("document.querySelector('h1')?.textContent === 'Nobody can log in to Keystone'")
        .await;
    browser.holds("location.pathname === '/incidents/INC-1'").await;
    check(&browser, "a new incident").await;

    // Command, then what happened, typed.
    browser.picture("incident-new").await;
    browser.see(".actions .primary").await.click().await.unwrap();
    browser.holds("document.querySelector('.desk-head .line').textContent.includes('Olga')").await;
    let typed = async |text: &str| {
        browser.see("#typed").await.send_keys(text).await.unwrap();
        browser.keys(key::ENTER).await;
    };
    typed("task free the disk @ana").await;
    browser.holds("document.querySelectorAll('.plain-list li').length === 1").await;
    typed("reslove").await;
    browser
        .holds(
            "document.querySelector('.notice.bad')?.textContent.includes('Did you mean resolve?')",
        )
        .await;
    browser.holds("document.querySelector('#typed').value === 'reslove'").await;
    browser.see(".plain-list button").await.click().await.unwrap();
    browser
        .holds("document.querySelector('.summary').textContent.includes('Done: free the disk.')")
        .await;
    browser.picture("incident").await;
    check(&browser, "an incident").await;

    // What somebody else does is shown by itself, and what is being typed stays.
    browser.see("#typed").await.send_keys("note half a th").await.unwrap();
    let ana = served.desk.bot.viewer("ana").await;
    let note = firstline_core::incident::decide::Verb::Note { text: "logins work again".into() };
    served.desk.bot.app.incidents(&ana).act("INC-1", None, note).await.unwrap();
    browser
        .holds("document.querySelector('.history li').textContent.includes('logins work again')")
        .await;
    assert_eq!(
        browser.value("document.querySelector('#typed').value").await,
        json!("note half a th")
    );

    browser.open(&served.at("/incidents")).await;
    browser.see("#rows .row").await;
    check(&browser, "the board").await;
    browser.picture("incidents").await;
    // On a phone nothing is wider than the page.
    browser.client.set_window_size(390, 800).await.unwrap();
    for path in ["/incidents", "/incidents/INC-1"] {
        browser.open(&served.at(path)).await;
        browser.holds("document.documentElement.scrollWidth <= innerWidth").await;
    }
    browser.picture("incident-phone").await;
    browser.close().await;
}
