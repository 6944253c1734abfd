//! The console of a company in this process: its Slack and its clock are in the test's hands.

use std::sync::Arc;

use acceptance::bot::START;
use acceptance::db::TestDb;
use firstline::console;
use firstline::console::session::hash_token;
use serde_json::json;
use tokio::net::TcpListener;

use super::Browser;
use crate::slack::Desk;

pub(super) struct Served {
    pub(super) desk: Desk,
    url: String,
    _db: TestDb,
}

impl Served {
    /// With `more` in the configuration.
    pub(super) async fn new(more: &str) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let people = "[people]\ndomains = [\"example.com\"]\n";
        let db = TestDb::sqlite();
        let config = format!("\n[server]\npublic_url = \"{url}\"\n\n{people}{more}");
        let desk = Desk::new(db.store().await, &config).await;
        for who in ["ana", "ben", "olga", "root"] {
            let (hash, email) = (hash_token(&session(who)), format!("{who}@example.com"));
            let store = &desk.bot.app.store;
            store
                .create_session(&hash, &email, &format!("csrf-{who}"), START, i64::MAX)
                .await
                .unwrap();
        }
        let router = console::router(Arc::clone(&desk.bot.app), None);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Served { desk, url, _db: db }
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// `who` sits at the browser and opens this page.
    pub(super) async fn opens(&self, who: &str, browser: &Browser, path: &str) {
        // A cookie is only taken from where one is.
        browser.open(&self.at("/sign-in")).await;
        let cookie = format!("firstline={}; path=/", session(who));
        browser.run("document.cookie = arguments[0]", vec![json!(cookie)]).await;
        browser.open(&self.at(path)).await;
    }
}

fn session(who: &str) -> String {
    format!("session-{who}")
}
