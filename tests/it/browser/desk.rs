//! The desk: finding tickets, merging, assigning, and jobs that were given up.

use firstline::store::new_id;
use firstline::store::records::NewJob;
use serde_json::json;

use super::{Browser, Demo, PRIYA, SAM};

#[tokio::test]
async fn tickets_are_found_sorted_and_merged() {
    let demo = Demo::start().await;
    let browser = Browser::start(1360, 900, &[]).await;
    browser.open(&demo.url).await;
    let mut keys = Vec::new();
    for text in [
        "Lookout dashboards show an error for our whole team since this morning",
        "the Lookout dashboards are broken for everybody in sales today, only errors",
    ] {
        browser.open(&demo.url).await;
        browser.ask(text).await;
        keys.push(browser.text(".ticket-card a.key").await);
    }
    assert_ne!(keys[0], keys[1]);
    browser.become_person(PRIYA).await;

    // A filter applies by itself; the search looks into the text.
    browser.open(&demo.at("/tickets?order=newest")).await;
    let rows = "[...document.querySelectorAll('#rows .row')]";
    let pick = "const at = document.getElementById(arguments[0]); at.value = arguments[1]; \
        at.dispatchEvent(new Event('change', { bubbles: true }));";
    browser.run(pick, vec![json!("f-system"), json!("Lookout")]).await;
    browser.holds("location.search.includes('system=Lookout')").await;
    browser
        .holds(&format!("{rows}.length && {rows}.every((r) => r.textContent.includes('Lookout'))"))
        .await;
    browser.run(pick, vec![json!("f-kind"), json!("incident")]).await;
    browser.holds("location.search.includes('kind=incident')").await;
    browser
        .holds(&format!("{rows}.every((r) => r.querySelector('.kind').textContent === 'incident')"))
        .await;
    browser.see("#q").await.send_keys("everybody in sales\u{e007}").await.unwrap();
    browser.holds(&format!("location.search.includes('everybody') && {rows}.length === 1")).await;
    assert_eq!(browser.text("#rows .key").await, keys[1]);
    browser.picture("found").await;
    browser.see("#q").await.send_keys(" nowhere\u{e007}").await.unwrap();
    browser
        .holds("document.querySelector('.empty')?.textContent.includes('Nothing matches')")
        .await;

    // Least confident first, and through the list by keys.
    browser.open(&demo.at("/tickets?order=least_confident&open=1")).await;
    let sorted = format!(
        "(() => {{ const all = {rows}.map((r) => parseInt(r.querySelector('.conf').getAttribute('aria-label').match(/[0-9]+/)[0])); \
         return all.length > 5 && all.every((c, i) => !i || all[i - 1] <= c); }})()"
    );
    browser.holds(&sorted).await;
    browser.keys("jj").await;
    browser.holds(&format!("document.activeElement === {rows}[1]")).await;
    browser.keys("k").await;
    browser.holds(&format!("document.activeElement === {rows}[0]")).await;
    browser.picture("review-queue").await;
    browser.keys(super::key::ENTER).await;
    browser.holds("location.search === '?queue=1' && document.querySelector('.crumb')").await;
    assert!(browser.text(".crumb").await.contains("Review queue"));

    // An assignee, found by the filter afterwards.
    browser.open(&demo.at(&format!("/tickets/{}", keys[1]))).await;
    browser.run(pick, vec![json!("fix-assignee"), json!(PRIYA)]).await;
    browser.holds("document.querySelector('.notice')").await;
    browser.holds("document.querySelector('.history').textContent.includes('assignee')").await;
    browser.open(&demo.at(&format!("/tickets?assignee={PRIYA}&open=1"))).await;
    assert_eq!(browser.text("#rows .key").await, keys[1]);
    assert_eq!(browser.text(".tabs [aria-current]").await, "Assigned to me");

    // A wrong key is refused with what was typed still there; then merged, then taken apart.
    browser.open(&demo.at(&format!("/tickets/{}", keys[1]))).await;
    browser.see("#merge-into").await.send_keys("FL-99999\u{e007}").await.unwrap();
    assert_eq!(browser.text(".toast").await, "There is no ticket FL-99999 that you may see.");
    browser.holds("document.getElementById('merge-into').value === 'FL-99999'").await;
    browser.see("#merge-into").await.clear().await.unwrap();
    browser
        .see("#merge-into")
        .await
        .send_keys(&format!("{}\u{e007}", keys[0].to_lowercase()))
        .await
        .unwrap();
    browser.see("form[action*='unmerge'] button").await;
    assert!(browser.text(".desk-head").await.contains(&format!("Merged into {}", keys[0])));
    browser.picture("merged").await;
    browser.open(&demo.at(&format!("/tickets/{}", keys[0]))).await;
    assert!(browser.text(".history").await.contains(&keys[1]));
    browser.open(&demo.at(&format!("/tickets/{}", keys[1]))).await;
    browser.see("form[action*='unmerge'] button").await.click().await.unwrap();
    browser.see("#merge-into").await;
    browser
        .holds("!document.querySelector('.desk-head').textContent.includes('Merged into')")
        .await;
    browser.close().await;
}

#[tokio::test]
async fn jobs_given_up_are_retried_and_discarded() {
    let mut demo = Demo::start().await;
    demo.kill().await;
    // What no version of the program understands is given up at once.
    let store = demo.store().await;
    let hopeless = |lane: &str| NewJob {
        id: new_id(),
        kind: "event",
        lane: lane.into(),
        payload: "{\"job\": \"of.another.world\"}".into(),
        priority: 10,
        run_at: 1,
        dedupe: None,
        max_attempts: 3,
    };
    for lane in ["one", "two"] {
        assert!(store.enqueue(hopeless(lane), 1).await.unwrap());
    }
    demo.start_again().await;
    // Both are tried and given up; how soon is the worker's affair.
    while store.job_counts(i64::MAX).await.unwrap().dead < 2 {
        tokio::task::yield_now().await;
    }

    let browser = Browser::start(1280, 800, &[]).await;
    browser.open(&demo.at("/jobs")).await;
    assert_eq!(browser.text("h1").await, "Nothing here", "an employee is told of no jobs");
    browser.become_person_from(&demo.url, SAM).await;
    browser.open(&demo.at("/jobs")).await;
    let listed = "document.querySelectorAll('form[action$=\"/discard\"]').length";
    assert_eq!(browser.value(listed).await, json!(2));
    browser.picture("jobs").await;
    // Once more: it fails as it did, and is listed again.
    browser.see("td form[action$='/retry'] button").await.click().await.unwrap();
    browser.holds("document.querySelector('.notice')?.textContent.includes('tried again')").await;
    while store.job_counts(i64::MAX).await.unwrap().dead < 2 {
        tokio::task::yield_now().await;
    }
    browser.open(&demo.at("/jobs")).await;
    assert_eq!(browser.value(listed).await, json!(2));
    for left in [1, 0] {
        // One press asks, the second does it.
        browser.see(".confirm summary").await.click().await.unwrap();
        browser.see("form[action$='/discard'] button").await.click().await.unwrap();
        browser.holds(&format!("{listed} === {left} && document.querySelector('.notice')")).await;
    }
    browser
        .holds("document.querySelector('.empty')?.textContent.includes('Nothing given up')")
        .await;
    assert_eq!(store.job_counts(i64::MAX).await.unwrap().dead, 0);
    // One that is given up while the page is open appears on it.
    browser.run("window.sameDocument = true", vec![]).await;
    assert!(store.enqueue(hopeless("three"), 1).await.unwrap());
    browser.holds(&format!("{listed} === 1 && window.sameDocument")).await;
    browser.holds("document.getElementById('announce').textContent === '1 given up'").await;
    store.close().await;
    browser.close().await;
}
