//! Writing: files by button, paste and drop, what is too large, several conversations.

use serde_json::json;

use super::{ANA, Browser, Demo, key};

/// The smallest picture there is.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Gives a file to the page the way `how` does; whether a progress bar was shown at once.
const GIVE: &str = r##"
    const [how, name, type, base64, size] = arguments;
    const bytes = base64 ? Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) : new Uint8Array(size);
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    const options = { bubbles: true, cancelable: true };
    const text = document.getElementById("text");
    if (how === "paste") {
        text.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
    } else {
        text.dispatchEvent(new DragEvent("dragover", { ...options, dataTransfer: data }));
        if (!document.querySelector("#composer-box.over")) return "the field does not say that it takes files";
        text.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer: data }));
        if (document.querySelector("#composer-box.over")) return "the field still waits for files";
    }
    return !!document.querySelector("#files .file:last-child progress");"##;

const UPLOADED: &str = "document.querySelector('#files .file:not(.bad)') && !document.querySelector('#files progress')";

#[tokio::test]
async fn files_by_button_paste_and_drop() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&demo.url).await;

    // By the button, which opens the picker behind it.
    let log = demo.data.path().join("beacon.log");
    std::fs::write(&log, "ERROR BC-500 while opening a quote\n").unwrap();
    browser.see("#attach").await;
    browser.see("#picker").await.send_keys(log.to_str().unwrap()).await.unwrap();
    browser.holds(UPLOADED).await;
    assert!(browser.text("#files .name").await.contains("beacon.log"));

    // Pasted, with the progress shown and a small picture once it is there.
    let given = vec![json!("paste"), json!("shot.png"), json!("image/png"), json!(PNG), json!(0)];
    assert_eq!(browser.run(GIVE, given).await, json!(true));
    browser.holds("document.querySelector('#files img')?.naturalWidth > 0").await;

    // Dropped, then taken away again before sending.
    let given = vec![json!("drop"), json!("wrong.txt"), json!("text/plain"), json!(""), json!(900)];
    assert_eq!(browser.run(GIVE, given).await, json!(true));
    browser.holds("document.querySelectorAll('#files .file').length === 3").await;
    browser.see("[aria-label='Remove wrong.txt']").await.click().await.unwrap();
    browser.holds("document.querySelectorAll('#files .file').length === 2").await;
    browser.holds("document.activeElement.id === 'text'").await;
    browser.holds(UPLOADED).await;
    browser.picture("files-before-sending").await;

    browser
        .ask("Beacon shows BC-500 when anybody in sales opens a quote, see the screenshot")
        .await;
    browser.holds("document.querySelector('.message.mine .thumb img')?.naturalWidth > 0").await;
    assert!(browser.text(".message.mine a.file").await.contains("beacon.log"));
    browser.holds("document.getElementById('files').hidden").await;
    browser.picture("files-in-thread").await;
    browser.close().await;
}

#[tokio::test]
async fn too_large_is_said_and_nothing_typed_is_lost() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&demo.url).await;

    // A file over the limit stays in the list with the reason, and does not block sending.
    let size = 10 * 1024 * 1024 + 1;
    let given = vec![json!("drop"), json!("dump.bin"), json!(""), json!(""), json!(size)];
    assert_eq!(browser.run(GIVE, given).await, json!(false));
    let said = browser.text("#files .file.bad").await;
    assert!(said.contains("dump.bin") && said.contains("larger than 10 MB"), "{said}");
    browser.holds("document.getElementById('announce').textContent.includes('10 MB')").await;
    // One that only the server refuses says why as well.
    let given = vec![json!("drop"), json!("empty.txt"), json!(""), json!(""), json!(0)];
    browser.run(GIVE, given).await;
    browser.holds("document.querySelectorAll('#files .bad').length === 2").await;
    assert!(browser.text("#files .bad:last-child .why").await.contains("empty"));
    for name in ["dump.bin", "empty.txt"] {
        browser.see(&format!("[aria-label='Remove {name}']")).await.click().await.unwrap();
    }

    // Ten megabytes pasted: a file of their own, since a field would stand still over them.
    let paste = "const data = new DataTransfer(); data.setData('text/plain', 'a line of the log\\n'.repeat(arguments[0])); \
        const at = document.getElementById('text'); \
        return at.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data }));";
    assert_eq!(browser.run(paste, vec![json!(550_000)]).await, json!(false));
    browser.holds(UPLOADED).await;
    assert!(browser.text("#files .name").await.contains("pasted.txt"));
    assert!(browser.text("#problem").await.contains("attached as a file"));
    browser.see("[aria-label='Remove pasted.txt']").await.click().await.unwrap();
    // Even more than a file may have: refused with the limit.
    assert_eq!(browser.run(paste, vec![json!(600_000)]).await, json!(false));
    assert!(browser.text("#files .bad .why").await.contains("larger than 10 MB"));
    browser.see("[aria-label='Remove pasted.txt']").await.click().await.unwrap();
    // Should it reach the server after all, that answers with a sentence, not by hanging up.
    let send = "const done = arguments[arguments.length - 1]; fetch('/chat', { method: 'POST', \
        headers: { 'x-csrf-token': document.body.dataset.csrf, accept: 'application/json' }, \
        body: new URLSearchParams({ text: 'x'.repeat(10000000) }) }) \
        .then(async (r) => done([r.status, (await r.json()).detail]), (e) => done([0, String(e)]))";
    let reply = browser.client.execute_async(send, vec![]).await.unwrap();
    assert_eq!(reply[0], json!(413), "{reply}");
    assert!(reply[1].as_str().unwrap().contains("attach it"), "{reply}");

    // What is too long is refused at once with the limit, and still in the field.
    let fill = "document.getElementById('text').value = 'a line of the log file\\n'.repeat(2000)";
    browser.run(fill, vec![]).await;
    browser.run("document.getElementById('composer').requestSubmit()", vec![]).await;
    browser.holds("document.getElementById('problem').textContent.includes('Shorten it')").await;
    let said = browser.text("#problem").await;
    assert!(said.contains("45,999") && said.contains("at most 20,000"), "{said}");
    browser.holds("document.getElementById('text').value.length === 46000").await;
    assert_eq!(browser.value("document.querySelectorAll('.message').length").await, json!(0));

    // It fits into a file; the button makes one of it.
    browser.picture("too-long").await;
    browser.see("#problem button").await.click().await.unwrap();
    browser.holds(UPLOADED).await;
    assert!(browser.text("#files .name").await.contains("message.txt"));
    browser.holds("document.getElementById('text').value === ''").await;
    browser.see("[aria-label='Remove message.txt']").await.click().await.unwrap();

    // What the server refuses comes back into the field, files and all.
    let given = vec![json!("drop"), json!("a.txt"), json!(""), json!(""), json!(10)];
    browser.run(GIVE, given).await;
    browser.holds(UPLOADED).await;
    browser
        .run("document.getElementById('text').value = '\\u0000\\u0001\\u0002'.repeat(99)", vec![])
        .await;
    browser.run("document.getElementById('composer').requestSubmit()", vec![]).await;
    browser
        .holds("document.getElementById('problem').textContent.includes('Attach it instead')")
        .await;
    browser.holds("document.getElementById('text').value.length === 297").await;
    browser.holds("document.querySelectorAll('#files .file').length === 1").await;
    browser.holds("!document.querySelector('.message')").await;
    // Writing on takes the complaint away.
    browser.write("x").await;
    browser.holds("document.getElementById('problem').hidden").await;
    browser.close().await;
}

#[tokio::test]
async fn several_conversations_with_names() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&demo.url).await;
    browser.ask("How do I submit an expense report in Pocket?").await;
    let first = browser.client.current_url().await.unwrap();
    // Two messages at once, before the second conversation even exists, stay together.
    browser.open(&demo.url).await;
    browser.write(&format!("hello{0}my Tally invoice has the wrong address{0}", key::ENTER)).await;
    browser.holds("document.querySelectorAll('article.message.mine').length === 2").await;
    browser.holds("document.querySelectorAll('article.message.bot').length === 2").await;
    browser.holds("document.querySelectorAll('.message.pending').length === 0").await;
    browser.holds("document.querySelectorAll('#conversations a').length === 2").await;

    // A name of one's own, kept when the next answer comes and after a reload.
    browser.see("#rename summary").await.click().await.unwrap();
    browser.holds("document.activeElement.id === 'rename-title'").await;
    browser.keys(&format!("Wrong address <b>{}", key::ENTER)).await;
    browser
        .holds("document.querySelector('#thread-title').textContent === 'Wrong address <b>'")
        .await;
    browser.holds("!document.getElementById('rename').open").await;
    browser.ask("it is for the Hamburg office").await;
    browser.picture("renamed").await;
    browser.client.refresh().await.unwrap();
    assert_eq!(browser.text("h1").await, "Wrong address <b>");
    let here = "document.querySelector('#conversations [aria-current] .title').textContent === 'Wrong address <b>'";
    browser.holds(here).await;

    // The other one is where it was; a stranger gets nothing.
    let link = format!("#conversations a[href='{}']", first.path());
    browser.see(&link).await.click().await.unwrap();
    browser.holds("document.querySelector('.message.mine').textContent.includes('Pocket')").await;
    browser.become_person(super::SAM).await;
    browser.open(first.as_str()).await;
    assert_eq!(browser.text("h1").await, "Nothing here");
    browser.become_person_from(&demo.url, ANA).await;
    browser.holds("document.querySelectorAll('#conversations a').length === 2").await;
    browser.close().await;
}

#[tokio::test]
async fn a_person_takes_over_and_the_form_is_filled() {
    let demo = Demo::start().await;
    let browser = Browser::start(1280, 860, &[]).await;
    browser.open(&demo.url).await;
    browser.ask("I have a new phone. How do I move my Gatehouse MFA to it?").await;
    // The form opens below the answer, prefilled; put away, the focus is back.
    browser.see("[data-form]").await.click().await.unwrap();
    browser.holds("document.activeElement.name === 'summary'").await;
    browser.holds("document.activeElement.value.includes('Gatehouse')").await;
    browser.holds("document.querySelector('.ticket-form select').value === 'Gatehouse'").await;
    browser.picture("ticket-form").await;
    browser.see("[data-form-close]").await.click().await.unwrap();
    browser.holds("document.activeElement.matches('[data-form]')").await;
    // Another kind keeps what was written.
    browser.see("[data-form]").await.click().await.unwrap();
    browser.see("[name=summary]").await.clear().await.unwrap();
    browser.see("[name=summary]").await.send_keys("No code arrives").await.unwrap();
    browser.run("document.querySelector('[name=kind][value=bug]').click()", vec![]).await;
    browser.holds("document.querySelector('[name=kind]:checked').value === 'bug' && document.querySelector('[name=\"field.steps\"]')").await;
    browser.holds("document.querySelector('[name=summary]').value === 'No code arrives'").await;
    browser.see(".ticket-form .primary").await.click().await.unwrap();
    browser.see(".ticket-card").await;
    browser
        .holds("document.querySelector('.ticket-card').textContent.includes('No code arrives')")
        .await;
    browser
        .holds("!document.querySelector('[data-form]') && !document.getElementById('typing')")
        .await;

    // With a person in the thread the bot is silent, and the page does not claim otherwise.
    browser.open(&demo.url).await;
    browser.ask("How do I submit an expense report in Pocket?").await;
    browser.see("form[action$='/person'] button").await.click().await.unwrap();
    browser.holds("document.querySelectorAll('article.message.bot').length === 2").await;
    browser.write(&format!("is anybody there?{}", key::ENTER)).await;
    browser.holds("document.querySelectorAll('article.message.mine').length === 2").await;
    assert_eq!(browser.value("!!document.getElementById('typing')").await, json!(false));
    browser.close().await;
}
