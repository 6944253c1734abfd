//! Answers that are shown in Teams and Discord while a model composes them, over the wire; what is
//! noted of them in the store. Slack's are in `drafts_slack`.

use std::time::Duration;

use acceptance::composer::Composer;
use acceptance::db::on_both;
use acceptance::discord::Fault as DiscordFault;
use acceptance::teams::{Call, Fault as TeamsFault};
use firstline::ports::Store;
use firstline::store::records::Draft;
use firstline::store::{Live, LiveKind};
use firstline_core::chat::Platform;
use tokio::sync::broadcast::Receiver;

use crate::{discord, teams};

pub(crate) const FIRST: &str = "A vendor invoice is posted once the goods receipt exists.";
pub(crate) const SECOND: &str = "Press Post; the document number starts with VI.";
pub(crate) const THIRD: &str = "A difference above 2 % blocks posting.";
const LONG: &str = "A vendor invoice is posted by the accounts payable clerk once the goods receipt \
    exists, and error KS-1180 means that the period is closed: ask the finance controller to open it.";
/// A question with something that must not be kept: the answer says so before anything else.
pub(crate) const SECRET: &str =
    "how do I post a vendor invoice in Keystone? my password is hunter2hunter2";

/// Waits until this holds.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it never came");
}

/// Waits until the bot has heard so much of an answer.
pub(crate) async fn heard(live: &mut Receiver<Live>, text: &str) {
    let wait = async {
        loop {
            if let LiveKind::Draft { text: so_far, .. } = live.recv().await.unwrap().kind
                && so_far.contains(text)
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it was never heard");
}

/// Waits until the bot knows that it is to wait.
pub(crate) async fn paused(live: &mut Receiver<Live>) {
    let wait =
        async { while !matches!(live.recv().await.unwrap().kind, LiveKind::Pause { .. }) {} };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it was never told to wait");
}

#[tokio::test]
async fn a_draft_is_known_by_its_message_until_that_stands_there() {
    on_both(async |store: Store| {
        let desk = acceptance::bot::TestBot::new(
            store,
            tempfile::TempDir::new().unwrap().path(),
            &[crate::pipeline::POST_INVOICE],
        )
        .await;
        let store = &desk.app.store;
        let said = desk.say("ana", None, "hello").await;
        assert_eq!(store.draft("m").await.unwrap(), None);
        assert!(store.begin_draft("m", "no such conversation", 1).await.is_err());
        for _ in 0..2 {
            store.begin_draft("m", &said.conversation_id, 1).await.unwrap();
        }
        assert_eq!(store.draft("m").await.unwrap(), Some(Draft::Begun));
        store.name_draft("m", "12.3").await.unwrap();
        assert_eq!(store.draft("m").await.unwrap(), Some(Draft::SentAs("12.3".into())));
        store.begin_draft("m", &said.conversation_id, 2).await.unwrap();
        store.pass_draft("m", "n").await.unwrap();
        assert_eq!(store.draft("m").await.unwrap(), None);
        assert_eq!(store.draft("n").await.unwrap(), Some(Draft::SentAs("12.3".into())));
        store.forget_draft("n").await.unwrap();
        assert_eq!(store.draft("n").await.unwrap(), None);

        // It goes with its conversation.
        store.begin_draft("m", &said.conversation_id, 1).await.unwrap();
        store.erase_person("ana@example.com", 5).await.unwrap();
        assert_eq!(store.draft("m").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn teams_streams_an_answer_in_a_chat_and_its_card_takes_the_place() {
    on_both(async |store| {
        let composer = Composer::new();
        let desk = teams::Desk::with_model(store, Some(composer.clone())).await;
        let chat = desk.teams.personal("29:ana");
        let asked = desk.teams.says(&chat, "29:ana", discord::QUESTION, None);
        let mut live = desk.bot.app.store.live();
        let replies = || desk.replies(&chat, None);
        let states = || {
            let sent = desk.teams.calls(Call::SendToConversation).into_iter();
            let states = sent.map(|call| call["body"].clone());
            states.filter(|body| !body["entities"][0]["streamType"].is_null()).collect::<Vec<_>>()
        };
        let composing = async {
            composer.begins(FIRST);
            until(|| replies().len() == 1).await;
            composer.says(SECOND);
            composer.says(THIRD);
            heard(&mut live, THIRD).await;
            assert_eq!(states().len(), 1, "the pace is kept");
            desk.bot.clock.advance(2_000);
            until(|| replies()[0].text.contains(THIRD)).await;
            composer.ends();
        };
        tokio::join!(async { assert_eq!(desk.send(&asked).await.0, 200) }, composing);

        let states = states();
        let kinds: Vec<_> = states
            .iter()
            .map(|body| (&body["type"], &body["entities"][0]["streamSequence"]))
            .collect();
        assert_eq!(
            serde_json::json!(kinds).to_string(),
            r#"[["typing",1],["typing",2],["message",null]]"#
        );
        assert_eq!(states[2]["entities"][0]["streamType"], "final");
        let answer = replies().remove(0);
        assert_eq!((replies().len(), answer.streams), (1, None));
        for part in ["goods receipt", "VI", "Not helpful"] {
            assert!(answer.card.to_string().contains(part), "{part}: {}", answer.card);
        }
        assert!(answer.text.is_empty() && !answer.activity["entities"][0]["citation"].is_null());
        let store = &desk.bot.app.store;
        let tenant = acceptance::teams::FakeTeams::TENANT;
        let known = store.message_sent_as(Platform::Teams, tenant, &chat, &answer.id).await;
        assert_eq!(store.draft(&known.unwrap().unwrap().id).await.unwrap(), None);

        // In a channel an answer is whole from the start.
        let asked = desk.teams.says("19:help@thread.tacv2", "29:ana", discord::QUESTION, None);
        for step in [Composer::begins, Composer::says] {
            step(&composer, FIRST);
        }
        composer.ends();
        desk.send(&asked).await;
        assert_eq!(desk.teams.calls(Call::UpdateActivity).len(), 1);
        desk.bot.assert_quiet().await;
    })
    .await;
}

/// What goes wrong with a stream in Teams, and how many messages stand there then.
#[tokio::test]
async fn whatever_becomes_of_a_stream_in_teams_the_answer_comes() {
    on_both(async |store| {
        let composer = Composer::new();
        let desk = teams::Desk::with_model(store, Some(composer.clone())).await;
        let chat = desk.teams.personal("29:ana");
        let mut live = desk.bot.app.store.live();
        for (what, stand) in [
            ("it is not allowed", 1),
            ("it is ended", 1),
            ("other words come", 1),
            ("a wait in the middle", 1),
            ("a wait at the end", 1),
            ("its beginning is lost", 2),
        ] {
            let before = desk.replies(&chat, None).len();
            let text = if what == "other words come" { SECRET } else { discord::QUESTION };
            let asked = desk.teams.says(&chat, "29:ana", text, None);
            let fault = match what {
                "it is not allowed" => {
                    Some(TeamsFault::Error { status: 403, code: "ContentStreamNotAllowed" })
                }
                "its beginning is lost" => Some(TeamsFault::DoneButLost),
                _ => None,
            };
            let wait = TeamsFault::RateLimited { retry_after_s: 5 };
            let signs = || {
                let calls = desk.teams.calls(Call::SendToConversation).into_iter();
                calls.filter(|call| call["body"] == serde_json::json!({"type": "typing"})).count()
            };
            let signed = signs();
            let composing = async {
                // The sign that an answer is coming is a call like others.
                until(|| signs() > signed).await;
                let shows = fault.is_none();
                if let Some(fault) = fault {
                    desk.teams.fail_next(Call::SendToConversation, fault);
                }
                let calls = desk.teams.calls(Call::SendToConversation).len();
                composer.begins(FIRST);
                if shows {
                    until(|| desk.replies(&chat, None).len() == before + 1).await;
                } else {
                    until(|| desk.teams.calls(Call::SendToConversation).len() > calls).await;
                }
                match what {
                    "it is ended" => desk.teams.end_streams(),
                    "a wait in the middle" => {
                        desk.teams.fail_next(Call::SendToConversation, wait.clone());
                        composer.says(SECOND);
                        heard(&mut live, SECOND).await;
                        desk.bot.clock.advance(2_000);
                        paused(&mut live).await;
                    }
                    "a wait at the end" => {
                        desk.teams.fail_next(Call::UpdateActivity, wait.clone());
                    }
                    _ => {}
                }
                composer.ends();
            };
            tokio::join!(desk.send(&asked), composing);
            desk.bot.clock.advance(120_000);
            desk.bot.run().await;
            let replies = desk.replies(&chat, None);
            assert_eq!(replies.len() - before, stand, "{what}");
            let answer = replies.last().unwrap();
            assert!(answer.card.to_string().contains("Not helpful"), "{what}: {answer:?}");
            desk.bot.assert_quiet().await;
        }
    })
    .await;
}

#[tokio::test]
async fn discord_edits_an_answer_until_it_is_whole() {
    on_both(async |store| {
        let composer = Composer::new();
        let desk = discord::Desk::with_model(store, Some(composer.clone())).await;
        let edits = "PATCH /channels/{id}/messages/{id}";
        let posts = "POST /channels/{id}/messages";
        let dm = desk.discord.dm(discord::ANA);
        for direct in [true, false] {
            let (edited, posted) =
                (desk.discord.calls(edits).len(), desk.discord.calls(posts).len());
            let place = if direct {
                desk.discord.says(dm, discord::ANA, discord::QUESTION);
                dm
            } else {
                desk.discord.says(discord::HELP, discord::ANA, discord::QUESTION)
            };
            composer.begins(FIRST);
            let draft = desk.replies(place, 1).await.remove(0);
            assert!(draft.content.ends_with("[1]\n…"), "{}", draft.content);
            assert_eq!(draft.content.starts_with("<@101> "), !direct);
            assert!(draft.components.is_null());
            composer.says(SECOND);
            desk.discord
                .until(|it| {
                    it.message(draft.id)
                        .is_some_and(|draft| draft.content.contains("starts with VI"))
                })
                .await;
            composer.says(THIRD);
            composer.ends();
            desk.settled().await;

            let answer = desk.replies(place, 1).await.remove(0);
            assert_eq!(answer.id, draft.id);
            assert!(answer.content.contains("blocks posting"), "{}", answer.content);
            assert!(!answer.content.contains('…') && answer.embeds.to_string().contains("Sources"));
            assert_eq!(answer.flags & 4, 0, "its sources are not hidden");
            assert_eq!(answer.content.starts_with("<@101> "), !direct);
            assert!(answer.components.to_string().contains("firstline.not_helpful"));
            assert!(desk.discord.calls(edits).len() - edited <= 3, "edits are merged");
            let tries = desk.discord.calls(posts).len() - posted;
            assert_eq!(tries, if direct { 1 } else { 2 }, "a thread was opened, or there is none");
        }
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_long_answer_begins_where_its_draft_stands() {
    on_both(async |store| {
        let composer = Composer::new();
        let desk = discord::Desk::with_model(store, Some(composer.clone())).await;
        let dm = desk.discord.dm(discord::ANA);
        desk.discord.says(dm, discord::ANA, discord::QUESTION);
        composer.begins(FIRST);
        let draft = desk.replies(dm, 1).await.remove(0);
        // The second part is lost on its way; nothing comes twice then.
        desk.discord.fail_next("POST /channels/{id}/messages", DiscordFault::DoneButLost);
        for _ in 0..23 {
            composer.says(LONG);
        }
        composer.ends();
        desk.settled_in_time().await;
        let said = desk.said(dm);
        assert!(said.len() > 1, "one part holds it all: {said:?}");
        assert_eq!(said[0].id, draft.id);
        for (n, part) in said.iter().enumerate() {
            assert!(!part.content.ends_with("\n…"), "{}", part.content);
            assert_eq!(part.components.to_string().contains("not_helpful"), n + 1 == said.len());
        }
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn whatever_becomes_of_a_draft_in_discord_one_answer_stands_there() {
    on_both(async |store| {
        let composer = Composer::new();
        let desk = discord::Desk::with_model(store, Some(composer.clone())).await;
        let edits = "PATCH /channels/{id}/messages/{id}";
        let posts = "POST /channels/{id}/messages";
        let dm = desk.discord.dm(discord::ANA);
        let wait = DiscordFault::RateLimited { retry_after_s: 30.0, global: false };
        for (nth, (route, fault)) in [
            (posts, DiscordFault::DoneButLost),
            (posts, DiscordFault::Status(502)),
            (posts, wait.clone()),
            (edits, DiscordFault::DoneButLost),
            (edits, wait),
        ]
        .into_iter()
        .enumerate()
        {
            let what = format!("{route} {fault:?}");
            let calls = desk.discord.calls(route).len();
            if route == posts {
                desk.discord.fail_next(route, fault);
                desk.discord.says(dm, discord::ANA, discord::QUESTION);
                composer.begins(FIRST);
                desk.discord.until(|it| it.calls(route).len() > calls).await;
            } else {
                desk.discord.says(dm, discord::ANA, discord::QUESTION);
                composer.begins(FIRST);
                desk.discord.until(|_| desk.said(dm).len() > nth).await;
                desk.discord.fail_next(route, fault);
            }
            composer.ends();
            desk.settled_in_time().await;
            let said = desk.said(dm);
            let whole = said.iter().filter(|one| one.content.ends_with("[1]")).count();
            assert_eq!((whole, said.len()), (nth + 1, nth + 1), "{what}: {said:?}");
        }
        // Somebody takes it away.
        let before = desk.said(dm).len();
        desk.discord.says(dm, discord::ANA, discord::QUESTION);
        composer.begins(FIRST);
        desk.discord.until(|_| desk.said(dm).len() > before).await;
        desk.discord.deletes(desk.said(dm)[before].id);
        composer.ends();
        desk.settled().await;
        let said = desk.said(dm);
        assert_eq!(said.len(), before + 1);
        assert!(said[before].content.ends_with("[1]"), "{said:?}");
        desk.end().await;
    })
    .await;
}
