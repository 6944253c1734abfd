//! Slack by Socket Mode: the same story where Slack cannot reach the service, over connections
//! that are renewed and lost.

use acceptance::db::on_both;
use acceptance::slack::FakeSlack;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::slack::{Desk, QUESTION};

/// The desk with its connections.
struct Line {
    desk: Desk,
    _stop: watch::Sender<bool>,
    _parts: JoinSet<()>,
}

impl Line {
    async fn new(store: firstline::ports::Store) -> Line {
        let mode = format!("mode = \"socket\"\napp_token = \"{}\"\n", FakeSlack::APP_TOKEN);
        let desk = Desk::with_settings(store, &mode, "").await;
        let (stop, stopped) = watch::channel(false);
        let mut parts = JoinSet::new();
        desk.connections.run(&desk.bot.app, &stopped, &mut parts);
        let line = Line { desk, _stop: stop, _parts: parts };
        line.desk.slack.socket.until("two connections", |it| it.connections().len() == 2).await;
        line
    }

    /// Sends until it is acknowledged; the payload of the acknowledgement.
    async fn sends(&self, kind: &str, payload: &Value) -> Option<Value> {
        let socket = &self.desk.slack.socket;
        let id = socket.deliver(kind, payload.clone());
        socket.until("an acknowledgement", |it| it.times(&id) > 0).await;
        self.desk.bot.run().await;
        socket
            .acknowledged()
            .into_iter()
            .rfind(|(of, _)| *of == id)
            .and_then(|(_, payload)| payload)
    }
}

#[tokio::test]
async fn a_request_is_answered_over_connections_of_our_own() {
    on_both(async |store| {
        let line = Line::new(store).await;
        let (desk, socket) = (&line.desk, &line.desk.slack.socket);
        let asked = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        assert_eq!(line.sends("events_api", &asked).await, None);
        let ts = asked["event"]["ts"].as_str().unwrap();
        assert_eq!(desk.replies("D1", ts).len(), 1);

        // Every connection is renewed, and what comes meanwhile is answered too, once.
        for connection in socket.connections() {
            socket.disconnect(connection, "refresh_requested");
            let again = desk.slack.says("D1", "im", "UANA", "and with KS-1180?", Some(ts));
            line.sends("events_api", &again).await;
            line.sends("events_api", &again).await;
        }
        assert_eq!(desk.replies("D1", ts).len(), 3);

        let answer = desk.replies("D1", ts).remove(0);
        let button = json!({ "action_id": "firstline.file_ticket", "value": "nobody's" });
        let pressed = desk.slack.presses("UANA", "D1", &answer.ts, &button);
        assert_eq!(line.sends("interactive", &pressed).await, None);
        assert_eq!(desk.slack.calls("chat.postEphemeral").len(), 1, "not theirs, and told so");

        let help = json!({
            "command": "/firstline", "text": "help", "user_id": "UANA", "team_id": "T1",
        });
        let shown = line.sends("slash_commands", &help).await.unwrap();
        assert_eq!(shown["response_type"], "ephemeral");
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_missed_while_disconnected_is_fetched() {
    on_both(async |store| {
        let line = Line::new(store).await;
        let (desk, socket) = (&line.desk, &line.desk.slack.socket);
        // That the bot has listened is noted once it is connected.
        let noted = async || desk.bot.app.store.meta("slack_listened_until").await.unwrap();
        while noted().await.is_none() {
            tokio::task::yield_now().await;
        }
        let missed = desk.slack.says("D1", "im", "UANA", QUESTION, None);
        let ts = missed["event"]["ts"].as_str().unwrap();
        let before = socket.opened();
        for connection in socket.connections() {
            socket.break_off(connection);
        }
        socket.until("connected again", |it| it.opened() >= before + 2).await;
        while desk.replies("D1", ts).is_empty() {
            desk.bot.run().await;
            tokio::task::yield_now().await;
        }
        assert_eq!(line.sends("events_api", &missed).await, None);
        assert_eq!(desk.replies("D1", ts).len(), 1, "sent late, it is recognised");
        // Nothing is reachable over HTTP meanwhile.
        assert_eq!(desk.slack.send_event(&desk.url, &missed).await.status(), 404);
    })
    .await;
}
