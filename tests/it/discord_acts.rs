//! What people do in Discord beside asking: commands, tickets of messages, files, tying their
//! account to themselves; and what was missed while nobody listened.

use std::sync::Arc;

use acceptance::bot::START;
use acceptance::db::{TestDb, on_both};
use acceptance::discord::{FakeDiscord, Posted};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use firstline::console::{self, session::hash_token};
use firstline::platform::Connections;
use firstline_core::ticket::{Kind, Urgency};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::discord::{
    ANA, BEN, Desk, FOLLOW_UP, GUS, HELP, LOUNGE, OLGA, POSTS, QUESTION, account, component,
    components,
};

const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";

fn text(name: &str, value: &str) -> Value {
    json!([{ "name": name, "type": 3, "value": value }])
}

fn of_ticket(name: &str, options: Value) -> Value {
    json!([{ "name": name, "type": 1, "options": options }])
}

impl Desk {
    async fn page(&self, who: &str, method: Method, path: &str) -> String {
        self.page_with(who, method, path, "").await
    }

    /// With further fields of a form.
    async fn page_with(&self, who: &str, method: Method, path: &str, fields: &str) -> String {
        let store = &self.bot.app.store;
        let email = format!("{who}@example.com");
        let session = format!("session-{who}-{method}-{path}");
        let csrf = "csrf";
        store.create_session(&hash_token(&session), &email, csrf, START, i64::MAX).await.unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "help.example")
            .header(header::ORIGIN, "https://help.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            // With an https address the cookie is bound to this host.
            .header(header::COOKIE, format!("__Host-firstline={session}"))
            .body(Body::from(format!("csrf={csrf}{fields}")))
            .unwrap();
        let router = console::router(Arc::clone(&self.bot.app), None);
        let reply = router.oneshot(request).await.unwrap();
        let body = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn somebody_elses_buttons_do_nothing_but_say_so() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let asked = desk.discord.says(HELP, ANA, QUESTION);
        let answer = desk.replies(asked, 1).await.remove(0);
        let all = components(&answer);
        assert_eq!(all.len(), 4, "{all:?}");
        for button in all {
            let pressed = desk.discord.presses(BEN, answer.id, &button);
            let says = desk.told(pressed).await;
            assert!(says.contains("Only the person who asked"), "{button}: {says}");
        }
        desk.settled().await;
        assert_eq!(desk.said(asked).len(), 1);
        assert!(desk.tickets().await.is_empty());
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn commands_are_answered_privately_or_in_direct_messages() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let registered = desk.discord.calls("PUT /applications/{id}/commands").len();
        assert_eq!(registered, 1);
        for (name, options) in [("firstline", json!([])), ("firstline", text("text", "help"))] {
            let said = desk.told(desk.discord.command(ANA, LOUNGE, name, options)).await;
            assert!(said.contains("ticket"), "{said}");
        }
        let dm = desk.discord.dm(ANA);
        for (nth, (name, option)) in [("ask", "question"), ("firstline", "text")].iter().enumerate()
        {
            let asked = desk.discord.command(ANA, LOUNGE, name, text(option, QUESTION));
            assert!(desk.told(asked).await.contains("direct messages"));
            let said = desk.replies(dm, 2 * (nth + 1)).await;
            assert!(said[2 * nth].content.contains(QUESTION), "{said:?}");
            assert!(said[2 * nth + 1].content.contains("Purchasing"), "{said:?}");
        }
        // What is said next goes on there.
        desk.discord.says(dm, ANA, FOLLOW_UP);
        let said = desk.replies(dm, 5).await;
        assert!(said[4].content.contains("finance controller"), "{}", said[4].content);

        let opened = desk.discord.command(BEN, LOUNGE, "ticket", of_ticket("new", json!([])));
        desk.files(BEN, opened, "change", "A new laptop for Jo").await;
        let dm = desk.discord.dm(BEN);
        let said = desk.replies(dm, 2).await;
        let ticket = desk.tickets().await.remove(0);
        assert_eq!((ticket.requester.as_str(), ticket.kind), ("ben@example.com", Kind::Change));
        assert!(said[1].content.contains(&ticket.key), "{said:?}");

        let key = |typed: &str, focused: bool| {
            let mut key = text("key", typed);
            key[0]["focused"] = focused.into();
            of_ticket("status", key)
        };
        for (who, typed, offered) in [
            (BEN, "fl", true),
            (BEN, "laptop", true),
            (BEN, "x9", false),
            (ANA, "fl", false),
            (GUS, "", false),
        ] {
            let typing = desk.discord.autocomplete(who, LOUNGE, "ticket", key(typed, true));
            let (kind, data) = desk.answer(typing).await;
            assert_eq!(kind, 8);
            let keys: Vec<_> =
                data["choices"].as_array().unwrap().iter().map(|c| c["value"].clone()).collect();
            let expected: &[&str] = if offered { &[ticket.key.as_str()] } else { &[] };
            assert_eq!(keys, expected, "{who} {typed}");
        }
        for (who, knows) in [(BEN, true), (ANA, false), (GUS, false)] {
            for options in [key(&ticket.key, false), of_ticket("list", json!([]))] {
                let said = desk.told(desk.discord.command(who, LOUNGE, "ticket", options)).await;
                assert_eq!(said.contains("laptop"), knows, "{who}: {said}");
            }
        }
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_becomes_its_authors_ticket() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let said = desk.discord.says(LOUNGE, ANA, TROUBLE);
        let by_guest = desk.discord.message_command(GUS, "File a ticket", said);
        assert!(desk.told(by_guest).await.contains("your own messages only"));
        let opened = desk.discord.message_command(BEN, "File a ticket", said);
        desk.files(BEN, opened, "bug", "KS-9911 on every vendor invoice").await;
        let told = desk.replies(said, 1).await.remove(0);
        let ticket = desk.tickets().await.remove(0);
        assert_eq!((ticket.requester.as_str(), ticket.text.as_str()), ("ana@example.com", TROUBLE));
        assert_eq!(ticket.system.as_deref(), Some("Keystone"));
        assert!(told.content.contains(&ticket.key), "{}", told.content);
        // Our own words make no ticket.
        let of_ours = desk.discord.message_command(BEN, "File a ticket", told.id);
        assert!(desk.told(of_ours).await.contains("message of mine"));
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn owners_review_by_command_and_in_direct_messages() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        for summary in ["It rejects my invoice", "It prints no labels"] {
            desk.bot.files("ana", summary).await;
        }
        desk.settled().await;
        let asks = |who| desk.discord.command(who, LOUNGE, "firstline", text("text", "review"));
        for who in [ANA, GUS] {
            assert!(desk.told(asks(who)).await.contains("support owners"), "{who}");
        }
        let asked = asks(OLGA);
        assert!(desk.told(asked).await.contains("FL-1"));
        let list = desk.discord.responses(asked).remove(0);
        assert!(list.ephemeral() && components(&list).len() == 4, "{list:?}");
        let keys: Vec<String> = components(&list)
            .iter()
            .filter_map(|id| Some(id.strip_prefix("firstline.correct:")?.to_owned()))
            .collect();

        let pressed = desk.presses(OLGA, &list, "firstline.correct").await;
        assert_eq!(desk.answer(pressed).await.0, 7, "the form stands where the list stood");
        let form = desk.discord.message(list.id).unwrap();
        let back = desk.presses(OLGA, &form, "firstline.correction:back").await;
        assert_eq!(desk.answer(back).await.0, 7);
        let again = desk.discord.message(list.id).unwrap();
        assert_eq!(components(&again), components(&list));
        let pressed = desk.presses(OLGA, &again, "firstline.correct").await;
        desk.answer(pressed).await;
        for (name, value) in [("kind", "change"), ("urgency", "low")] {
            let form = desk.discord.message(list.id).unwrap();
            let id = component(&form, &format!("firstline.correction:{name}"));
            desk.answer(desk.discord.selects(OLGA, form.id, &id, &[value])).await;
        }
        let form = desk.discord.message(list.id).unwrap();
        let saved = desk.presses(OLGA, &form, "firstline.correction:save").await;
        assert_eq!(desk.answer(saved).await.0, 7);
        let then = desk.discord.message(list.id).unwrap();
        assert!(then.content.contains("You corrected") && components(&then).len() == 2, "{then:?}");
        let ticket = desk.bot.app.store.ticket(&keys[0]).await.unwrap().unwrap();
        assert_eq!(
            (ticket.kind, ticket.urgency, ticket.reviewed_by.as_deref()),
            (Kind::Change, Urgency::Low, Some("olga@example.com"))
        );

        // Typed, it is answered where it was typed.
        let dm = desk.discord.dm(OLGA);
        desk.discord.says(dm, OLGA, "review");
        let list = desk.replies(dm, 1).await.remove(0);
        assert!(list.content.contains(&keys[1]) && !list.content.contains(&keys[0]), "{list:?}");
        let pressed = desk.presses(OLGA, &list, "firstline.review").await;
        assert_eq!(desk.answer(pressed).await.0, 7);
        let then = desk.discord.message(list.id).unwrap();
        assert!(then.content.contains("Nothing waits") && components(&then).is_empty(), "{then:?}");
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_file_goes_into_the_ticket() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let dm = desk.discord.dm(ANA);
        let png = b"\x89PNG\r\n\x1a\n and so on";
        desk.discord.sends_file(dm, ANA, "talk to a person", "shot.png", png);
        desk.replies(dm, 1).await;
        let ticket = desk.tickets().await.remove(0);
        let files = desk.bot.app.store.attachments_of_ticket(&ticket.key).await.unwrap();
        let named: Vec<_> = files.iter().map(|f| (f.name.as_str(), f.mime.as_str())).collect();
        assert_eq!(named, [("shot.png", "image/png")]);
        desk.end().await;
    })
    .await;
}

fn knows(said: &Posted) -> bool {
    said.content.contains("Purchasing")
}

#[tokio::test]
async fn a_guest_ties_an_account_and_is_a_colleague() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let dm = desk.discord.dm(GUS);
        let hints = |said: &Posted| said.content.contains("/firstline link");
        desk.discord.says(dm, GUS, QUESTION);
        desk.discord.until(|_| desk.said(dm).len() == 1).await;
        desk.discord.says(dm, GUS, QUESTION);
        let said = desk.replies(dm, 2).await;
        assert!(!knows(&said[0]) && !knows(&said[1]), "{said:?}");
        assert_eq!((hints(&said[0]), hints(&said[1])), (true, false), "{said:?}");

        let asked = desk.discord.command(GUS, LOUNGE, "firstline", text("text", "link"));
        let says = desk.told(asked).await;
        let url =
            says.split("https://help.example").nth(1).unwrap().split(['>', ')']).next().unwrap();
        let page = desk.page("ben", Method::GET, url).await;
        assert!(page.contains("gus") && page.contains("ben@example.com"), "{page}");
        assert_eq!(desk.bot.app.store.linked(&account(GUS)).await.unwrap(), None, "asked first");
        desk.page("ben", Method::POST, url).await;
        let page = desk.page("ben", Method::GET, "/accounts?said=tied").await;
        assert!(page.contains("<bdi>gus</bdi>") && page.contains("yours from now on"), "{page}");
        for method in [Method::GET, Method::POST] {
            let page = desk.page("olga", method, url).await;
            assert!(page.contains("no longer works"), "{page}");
        }

        desk.discord.says(dm, GUS, QUESTION);
        assert!(knows(&desk.replies(dm, 3).await[2]), "a colleague now");
        let asked = desk.discord.command(GUS, LOUNGE, "firstline", text("text", "link"));
        assert!(desk.told(asked).await.contains("ben@example.com"));

        desk.bot.app.store.set_active("ben@example.com", false).await.unwrap();
        desk.discord.says(dm, GUS, QUESTION);
        assert!(!knows(&desk.replies(dm, 4).await[3]), "no longer with the company");
        desk.bot.app.store.set_active("ben@example.com", true).await.unwrap();

        let asked = desk.discord.command(GUS, LOUNGE, "firstline", text("text", "unlink"));
        desk.told(asked).await;
        desk.discord.says(dm, GUS, QUESTION);
        assert!(!knows(&desk.replies(dm, 5).await[4]), "a guest again");

        // The same, typed, and undone in the console by whom the account is tied to alone.
        desk.discord.says(dm, GUS, "link");
        let says = desk.replies(dm, 6).await.remove(5).content;
        let url =
            says.split("https://help.example").nth(1).unwrap().split(['>', ')']).next().unwrap();
        desk.page("ben", Method::POST, url).await;
        let of = format!("&platform=discord&tenant=*&account={GUS}");
        for (who, sees) in [("olga", false), ("ben", true)] {
            let page = desk.page(who, Method::GET, "/accounts").await;
            assert_eq!(page.contains("<bdi>gus</bdi>"), sees, "{who}: {page}");
            let tied = async || desk.bot.app.store.linked(&account(GUS)).await.unwrap();
            assert_eq!(tied().await.as_deref(), Some("ben@example.com"), "{who}");
            desk.page_with(who, Method::POST, "/accounts/untie", &of).await;
            assert_eq!(tied().await.is_none(), sees, "{who}");
        }
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_said_while_nobody_listened_is_answered_once() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let dm = desk.discord.dm(ANA);
        desk.discord.says(dm, ANA, QUESTION);
        let begun = desk.discord.says(HELP, BEN, QUESTION);
        desk.replies(dm, 1).await;
        desk.replies(begun, 1).await;
        // From here on the gateway tells nobody.
        desk.discord.invalidate_sessions();
        desk.discord.says(dm, ANA, FOLLOW_UP);
        desk.discord.says(begun, BEN, FOLLOW_UP);
        let missed = desk.discord.says(HELP, ANA, QUESTION);
        let answered = desk.discord.says(HELP, ANA, QUESTION);
        desk.discord.replies(OLGA, "come over, I show you", answered);
        let post = desk.discord.creates_forum_post(ANA, POSTS, "Invoices", QUESTION);
        let elsewhere = desk.discord.says(LOUNGE, ANA, QUESTION);
        desk.discord.connected().await;
        for (channel, many) in [(dm, 2), (begun, 2), (missed, 1), (post, 1)] {
            desk.replies(channel, many).await;
        }
        desk.settled().await;
        assert_eq!((desk.said(answered).len(), desk.said(elsewhere).len()), (0, 0));
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_one_listens_until_it_ends() {
    let db = TestDb::postgres().await;
    let desk = Desk::new(db.store().await).await;
    let connections =
        Connections::new(&desk.bot.app.config, &desk.bot.app.store, &desk.bot.app.clock).unwrap();
    let (stop, stopped) = watch::channel(false);
    let mut parts = JoinSet::new();
    connections.run(&desk.bot.app, &stopped, &mut parts);
    let dm = desk.discord.dm(ANA);
    desk.discord.says(dm, ANA, QUESTION);
    desk.replies(dm, 1).await;
    assert_eq!(desk.discord.identifies().len(), 1, "one stands by");
    let (discord, clock) = (desk.discord.clone(), desk.bot.clock.clone());
    desk.end().await;
    clock.advance(60_000);
    discord.until(|it: &FakeDiscord| it.identifies().len() == 2).await;
    stop.send_replace(true);
    while parts.join_next().await.is_some() {}
    db.discard().await;
}

#[tokio::test]
async fn doctor_says_what_the_app_lacks_and_where() {
    let db = TestDb::sqlite();
    db.store().await.close().await;
    let discord = FakeDiscord::start().await;
    let examine = async |id: &str, token: &str| {
        let text = format!(
            "[discord]\ntoken = \"{token}\"\napplication_id = \"{id}\"\napi_url = \"{}\"\n\
             [[channel]]\nplatform = \"discord\"\nid = \"501\"\nmode = \"act\"",
            discord.api_url()
        );
        let config = firstline::config::Config::from_text(&text, "test", db.dir.path(), []);
        let clock = acceptance::bot::MockClock::at(START);
        let url = |_: &firstline::config::Config| db.url.clone();
        let all = firstline::doctor::examine(&config, db.dir.path(), url, clock).await;
        let found = all.into_iter().find(|finding| finding.check == "discord").unwrap();
        (found.found, found.mend.unwrap_or_default())
    };
    let own = FakeDiscord::APPLICATION.to_string();
    let (found, mend) = examine(&own, FakeDiscord::TOKEN).await;
    assert!(found.contains("1 server with every permission") && mend.is_empty(), "{found} {mend}");
    let (found, mend) = examine(&own, "another").await;
    assert!(found.contains("not taken") && mend.contains("Reset Token"), "{found} {mend}");
    let (found, mend) = examine("7", FakeDiscord::TOKEN).await;
    assert!(found.contains(&own) && mend.contains("application_id"), "{found} {mend}");
    discord.add_role(FakeDiscord::GUILD, "@everyone", 1 << 10);
    let (found, mend) = examine(&own, FakeDiscord::TOKEN).await;
    assert!(found.contains("in Acme it lacks Send Messages,") && mend.contains("Roles"), "{found}");
    discord.set_application_flags(0);
    let (found, mend) = examine(&own, FakeDiscord::TOKEN).await;
    assert!(found.contains("MESSAGE_CONTENT") && mend.contains("/bot"), "{found} {mend}");
}
