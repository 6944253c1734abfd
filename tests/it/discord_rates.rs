//! How fast Discord is spoken to: by what it tells, and by what it asked another process.

use acceptance::db::on_both;
use acceptance::discord::Fault;
use firstline::platform::Connections;
use firstline::ports::{Chat as _, Clock as _, SendError};
use firstline_core::chat::Platform;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::discord::{ANA, Desk, HELP, QUESTION};

const POSTS: &str = "POST /channels/{id}/messages";

#[tokio::test]
async fn no_more_is_asked_of_discord_than_it_tells() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let clock = desk.bot.clock.clone();
        desk.discord.limit_rates(move || clock.now());
        // The first answer tells how much there is.
        desk.discord.says(HELP, ANA, QUESTION);
        desk.settled_in_time().await;
        for n in 0..12 {
            desk.discord.says(HELP, ANA, &format!("{QUESTION} It is vendor {n}."));
        }
        desk.eventually(async || {
            // Time goes on only while no call is under way: none takes seconds here.
            let (waiting, at_work) = desk.jobs().await;
            if waiting > 0 && at_work == 0 {
                desk.bot.clock.advance(500);
            }
            (waiting, at_work) == (0, 0) && desk.discord.threads(HELP).len() == 13
        })
        .await;
        for thread in desk.discord.threads(HELP) {
            assert_eq!(desk.said(thread).len(), 1, "each has its answer once");
        }
        assert_eq!(desk.discord.rates_exceeded(), [""; 0]);
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_discord_asks_of_one_process_holds_in_others_and_after_a_restart() {
    on_both(async |store| {
        let desk = Desk::new(store).await;
        let app = &desk.bot.app;
        let connect = || Connections::new(&app.config, &app.store, &app.clock).unwrap();
        let beside = connect();
        let (stop, stopped) = watch::channel(false);
        let mut parts = JoinSet::new();
        beside.run(app, &stopped, &mut parts);

        desk.discord.fail_next(POSTS, Fault::RateLimited { retry_after_s: 3600.0, global: true });
        let dm = desk.discord.dm(ANA);
        desk.discord.says(dm, ANA, QUESTION);
        desk.eventually(async || {
            !app.store.pauses(Platform::Discord, app.clock.now()).await.unwrap().is_empty()
        })
        .await;

        let conversations = app.store.conversations_of("ana@example.com", 9).await.unwrap();
        let conversation = &conversations[0];
        let messages = app.store.messages(&conversation.id, 0, 9).await.unwrap();
        let answer = messages.last().unwrap();
        let waits = async |connections: &Connections| {
            let chats = connections.chats(&app.store);
            let sent = chats.deliver(conversation, answer, true, None).await;
            matches!(sent, Err(SendError::Wait { .. }))
        };
        desk.eventually(async || waits(&beside).await).await;
        let after_restart = connect();
        after_restart.heed_kept(&app.store, app.clock.now()).await;
        let calls = desk.discord.calls("GET /channels/{id}/messages").len();
        assert!(waits(&after_restart).await);
        assert_eq!(desk.discord.calls("GET /channels/{id}/messages").len(), calls, "none is made");
        assert!(desk.said(dm).is_empty());

        desk.bot.clock.advance(3_600_000);
        desk.settled_in_time().await;
        assert_eq!(desk.said(dm).len(), 1);
        stop.send_replace(true);
        while parts.join_next().await.is_some() {}
        desk.end().await;
    })
    .await;
}
