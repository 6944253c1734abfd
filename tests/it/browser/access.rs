//! Everybody can use it: by keyboard alone, by ear, and in both looks.

use serde_json::json;

use super::{Browser, Demo, PRIYA, SAM, key};

/// Lists what is wrong with the page that is open: structure, names, contrast.
const CHECK: &str = include_str!("access.js");

/// Looks at one page in both looks.
pub(super) async fn check(browser: &Browser, page: &str) {
    for look in ["light", "dark"] {
        let dress = "document.documentElement.dataset.theme = arguments[0]; \
            document.getAnimations().forEach((at) => at.finish?.call ? at.cancel() : 0);";
        browser.run(dress, vec![json!(look)]).await;
        browser.holds("document.getAnimations().every((at) => at.playState !== 'running')").await;
        let wrong = browser.run(CHECK, vec![]).await;
        assert_eq!(wrong, json!([]), "{page}, {look}");
    }
}

#[tokio::test]
async fn pages_have_names_landmarks_and_contrast() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    browser.open(&demo.url).await;
    check(&browser, "/").await;
    browser.see("#person-menu summary").await.click().await.unwrap();
    check(&browser, "the menu of people").await;
    browser.keys("?").await;
    browser.see("dialog[open]").await;
    check(&browser, "the list of keys").await;
    browser.open(&demo.url).await;
    browser.ask("I have a new phone. How do I move my Gatehouse MFA to it?").await;
    browser.see("a.cite[data-article]").await.click().await.unwrap();
    browser.see(".reading .cited").await;
    browser.see("[data-form]").await.click().await.unwrap();
    browser.see(".ticket-form").await;
    check(&browser, "a conversation with article and form").await;
    browser.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = browser.text(".ticket-card a.key").await;
    check(&browser, "a conversation with a ticket").await;
    // The thread scrolls, the page around it does not.
    browser.holds("document.querySelector('#scroll').scrollHeight > innerHeight").await;
    browser.holds("document.documentElement.scrollHeight <= innerHeight").await;
    for path in ["/my", "/knowledge", "/sign-in", "/nothing"] {
        browser.open(&demo.at(path)).await;
        check(&browser, path).await;
    }
    browser.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    check(&browser, "a requester's ticket").await;
    browser.open(&demo.at("/knowledge")).await;
    browser.see("table.data a").await.click().await.unwrap();
    browser.see("article .prose").await;
    check(&browser, "an article").await;
    browser.close().await;
}

#[tokio::test]
async fn pages_of_the_desk_have_names_landmarks_and_contrast() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 900, &["--force-prefers-reduced-motion"]).await;
    browser.open(&demo.url).await;
    browser.ask("Lookout dashboards show an error for our whole team since this morning").await;
    let ticket = browser.text(".ticket-card a.key").await;
    browser.become_person(PRIYA).await;
    for path in ["/tickets", "/tickets?order=least_confident&open=1&team=data-team", "/knowledge"] {
        browser.open(&demo.at(path)).await;
        check(&browser, path).await;
    }
    browser.open(&demo.at(&format!("/tickets/{ticket}"))).await;
    check(&browser, "an owner's ticket").await;
    browser.become_person(SAM).await;
    for path in ["/jobs", "/knowledge"] {
        browser.open(&demo.at(path)).await;
        check(&browser, path).await;
    }
    browser.close().await;
}

/// Names what has the focus.
const FOCUS: &str = "(() => { const at = document.activeElement; \
    return at.id || at.getAttribute('aria-label') || at.textContent.trim().slice(0, 40); })()";

#[tokio::test]
async fn everything_by_keyboard() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 900, &[]).await;
    browser.open(&demo.url).await;
    // Whoever arrives writes at once.
    assert_eq!(browser.value("document.activeElement.id").await, json!("text"));
    let tail = format!("my new phone{}{}{}", key::SHIFT, key::ENTER, key::SHIFT);
    browser.keys("I have a new phone, how do I move my Gatehouse MFA to").await;
    browser.keys(&tail).await;
    let typed = browser.value("document.getElementById('text').value").await;
    assert!(typed.as_str().unwrap().ends_with("my new phone\n"), "{typed}");
    assert_eq!(browser.value("document.querySelectorAll('.message').length").await, json!(0));
    browser.keys(key::ENTER).await;
    browser.see("article.message.bot a.cite").await;
    assert_eq!(browser.value("document.activeElement.id").await, json!("text"));
    // The answer came as an addition to a polite live region, so it is read out.
    browser
        .holds(
            "document.querySelector('article.message.bot').closest('[role=log][aria-live=polite]')",
        )
        .await;
    browser
        .holds("!document.querySelector('article.message.bot').closest('[aria-live=off]')")
        .await;

    // Tab reaches everything that can be pressed, in the order of the page.
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0)", vec![]).await;
    browser.client.refresh().await.unwrap();
    browser.see("article.message.bot a.cite").await;
    let all = "[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]\
        .filter((at) => at.tabIndex >= 0 && !at.disabled && at.type !== 'hidden' && at.checkVisibility({ visibilityProperty: true }))";
    let total = browser.value(&format!("{all}.length")).await.as_u64().unwrap();
    browser.run("window.reached = []; document.addEventListener('focusin', (e) => window.reached.push(e.target))", vec![]).await;
    for _ in 0..total {
        browser.keys(key::TAB).await;
    }
    let missed = browser
        .value(&format!("{all}.filter((at) => !window.reached.includes(at)).map((at) => at.outerHTML.slice(0, 90))"))
        .await;
    assert_eq!(missed, json!([]), "never reached by Tab");
    let order = format!(
        "{all}.every((at, i, list) => !i || (list[i - 1].compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING)) \
        && window.reached.every((at, i, list) => !i || (list[i - 1].compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING))"
    );
    browser.holds(&order).await;
    // What has the focus shows it.
    browser.picture("focus").await;

    // The first stop leads past the menu.
    browser.client.refresh().await.unwrap();
    browser.see(".skip").await;
    browser.keys(key::TAB).await;
    assert_eq!(browser.value(FOCUS).await, json!("Skip to content"));
    browser.keys(key::ENTER).await;
    browser.holds("document.activeElement.id === 'main'").await;

    // A source opens with Enter, its text scrolls with arrows, Esc closes it, and the focus
    // is where it was.
    browser.run("document.querySelector('a.cite[data-article]').focus()", vec![]).await;
    browser.keys(key::ENTER).await;
    browser.holds("document.activeElement.id === 'panel-body'").await;
    browser.keys(key::ESCAPE).await;
    browser
        .holds("!document.querySelector('.reading') && document.activeElement.matches('a.cite')")
        .await;
    // The menu and the list of keys likewise.
    browser.run("document.querySelector('#person-menu summary').focus()", vec![]).await;
    browser.keys(key::ENTER).await;
    browser.holds("document.getElementById('person-menu').open").await;
    browser.keys(key::ESCAPE).await;
    browser.holds("!document.getElementById('person-menu').open && document.activeElement.matches('#person-menu summary')").await;
    browser.keys("?").await;
    browser.holds("document.querySelector('dialog').open").await;
    browser.keys(key::ESCAPE).await;
    browser.holds("!document.querySelector('dialog').open && document.activeElement.matches('#person-menu summary')").await;
    browser.keys("/").await;
    browser.holds("document.activeElement.id === 'text'").await;
    // A button pressed by key hands the focus on instead of losing it.
    browser.run("document.querySelector('form[data-act] button').focus()", vec![]).await;
    browser.keys(key::ENTER).await;
    browser.see(".actions .done").await;
    browser.holds("document.activeElement !== document.body").await;
    browser.close().await;
}
