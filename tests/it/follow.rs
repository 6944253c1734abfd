//! Following a ticket: by a button, a typed command and in the console; who is told what, where,
//! and who no longer is. Over the wire to Slack, on both databases.

use acceptance::db::on_both;
use firstline::flows;
use firstline::store::records::{Group, Role, TicketPatch};
use firstline_core::ticket::Status;

use crate::slack::Desk;

const HELP: &str = "\n[[channel]]\nplatform = \"slack\"\nid = \"CHELP\"\nmode = \"act\"\n";
const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";
const SECRET: &str = "Peoplehub shows the salaries of all to everybody since this morning";

async fn desk(store: firstline::ports::Store) -> Desk {
    let desk = Desk::new(store, HELP).await;
    desk.slack.add_channel("CHELP", "channel");
    desk
}

impl Desk {
    /// Somebody moves a ticket on, and everyone who is to hear of it does.
    pub(crate) async fn moves(&self, who: &str, key: &str, status: Status) {
        let viewer = self.bot.viewer(who).await;
        let patch = TicketPatch { status: Some(status), ..TicketPatch::default() };
        flows::ticket::patch(&self.bot.app, &viewer, key, None, patch).await.unwrap();
        self.hear().await;
    }

    /// Notices wait their turn.
    async fn hear(&self) {
        for _ in 0..4 {
            self.bot.run().await;
            self.bot.clock.advance(2_000);
        }
        self.bot.run().await;
    }

    fn last(&self, channel: &str, thread: &str) -> String {
        self.replies(channel, thread).pop().map(|m| m.text).unwrap_or_default()
    }

    fn count(&self, channel: &str, thread: &str) -> usize {
        self.replies(channel, thread).len()
    }

    async fn followers(&self, key: &str) -> i64 {
        self.bot.app.store.follower_count(key).await.unwrap()
    }
}

#[tokio::test]
async fn a_known_ticket_is_followed_where_it_was_told_of() {
    on_both(async |store| {
        let desk = desk(store).await;
        let first = desk.says("D1", "UANA", TROUBLE, None).await;
        let again = desk.says("CHELP", "UANA", TROUBLE, None).await;
        let told = desk.replies("CHELP", &again).pop().unwrap();
        assert!(told.text.contains("looks like your ticket *FL-1*"), "{}", told.text);
        desk.press("UANA", "CHELP", &told, "firstline.follow").await;
        let said = desk.last("CHELP", &again);
        assert!(said.contains("follow *FL-1* now") && said.starts_with("Ana"), "{said}");
        assert_eq!(desk.followers("FL-1").await, 1);
        let stands = desk.replies("CHELP", &again).into_iter().find(|m| m.ts == told.ts).unwrap();
        assert_eq!(stands.blocks, told.blocks, "others can still press it");

        let before = (desk.count("D1", &first), desk.count("CHELP", &again));
        desk.moves("olga", "FL-1", Status::Resolved).await;
        for (channel, thread) in [("D1", &first), ("CHELP", &again)] {
            assert!(desk.last(channel, thread).contains("FL-1* is resolved"), "{channel}");
        }
        let after = (desk.count("D1", &first), desk.count("CHELP", &again));
        assert_eq!(after, (before.0 + 1, before.1 + 1), "each is told once");

        desk.says("CHELP", "UANA", "unfollow FL-1", Some(&again)).await;
        assert!(desk.last("CHELP", &again).contains("no longer follow"));
        desk.says("CHELP", "UANA", "unfollow FL-1", Some(&again)).await;
        assert!(desk.last("CHELP", &again).contains("do not follow"));
        let before = desk.count("CHELP", &again);
        desk.moves("olga", "FL-1", Status::Triaged).await;
        assert_eq!(desk.count("CHELP", &again), before);
        desk.bot.assert_quiet().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_may_see_a_ticket_follows_it_as_long_as_they_may() {
    on_both(async |store| {
        let desk = desk(store).await;
        let asked = desk.says("CHELP", "UANA", TROUBLE, None).await;
        let filed = desk.replies("CHELP", &asked).pop().unwrap();
        // A colleague who reads along may not see the ticket itself.
        desk.press("UBEN", "CHELP", &filed, "firstline.follow").await;
        assert!(
            desk.last("CHELP", &asked).contains("know no ticket"),
            "{}",
            desk.last("CHELP", &asked)
        );
        assert_eq!(desk.followers("FL-1").await, 0);
        desk.press("UOLGA", "CHELP", &filed, "firstline.follow").await;
        assert_eq!(desk.followers("FL-1").await, 1);

        // What the requester does themselves is told to those who follow; what the team does, to
        // both at once.
        let before = desk.count("CHELP", &asked);
        desk.moves("ana", "FL-1", Status::Closed).await;
        assert_eq!(desk.count("CHELP", &asked), before + 1);
        desk.moves("root", "FL-1", Status::Triaged).await;
        assert_eq!(desk.count("CHELP", &asked), before + 2);

        // Followed in a direct message, it is told there from now on, and not one's own doing.
        let there = desk.says("D3", "UOLGA", "follow FL-1", None).await;
        assert!(desk.last("D3", &there).contains("You follow *FL-1* now"));
        assert_eq!(desk.followers("FL-1").await, 1);
        desk.moves("olga", "FL-1", Status::InProgress).await;
        assert_eq!(desk.count("D3", &there), 1);
        desk.moves("root", "FL-1", Status::Waiting).await;
        assert!(
            desk.last("D3", &there).contains("FL-1* is waiting"),
            "{}",
            desk.last("D3", &there)
        );
        let my = async || desk.console("olga", "/my", None).await.1;
        assert!(my().await.contains("/tickets/FL-1/unfollow"));
        let admins = Group {
            name: "admins".into(),
            role: Role::Admin,
            members: vec!["root@example.com".into()],
        };
        desk.bot.app.store.sync_config_groups(&[admins]).await.unwrap();
        desk.moves("root", "FL-1", Status::Resolved).await;
        assert_eq!(desk.count("D3", &there), 2, "who left the team is told no more");
        assert!(!my().await.contains("FL-1"), "nor sees it listed");
        assert!(desk.last("CHELP", &asked).contains("resolved"));
    })
    .await;
}

#[tokio::test]
async fn a_confidential_ticket_is_followed_in_private_only() {
    on_both(async |store| {
        let desk = desk(store).await;
        desk.slack.add_user(acceptance::slack::User {
            id: "UHANA".into(),
            name: "hana".into(),
            email: Some("hana@example.com".into()),
            ..Default::default()
        });
        let asked = desk.says("CHELP", "UANA", SECRET, None).await;
        let filed = desk.replies("CHELP", &asked).pop().unwrap();
        assert!(!filed.blocks.to_string().contains("firstline.follow"), "{}", filed.blocks);
        let call = desk.slack.mentions("CHELP", "UHANA", "<@UBOT> follow FL-1", None).0;
        assert_eq!(desk.event(&call).await, 200);
        assert_eq!(desk.followers("FL-1").await, 0);
        let there = desk.says("D9", "UHANA", "follow FL-1", None).await;
        assert_eq!(desk.followers("FL-1").await, 1);
        desk.moves("root", "FL-1", Status::Resolved).await;
        assert!(desk.last("D9", &there).contains("FL-1* is resolved"));
        // Nobody else may press what they have seen of it.
        let olga = desk.says("D3", "UOLGA", "follow FL-1", None).await;
        assert!(desk.last("D3", &olga).contains("know no ticket"), "{}", desk.last("D3", &olga));
    })
    .await;
}

#[tokio::test]
async fn who_was_merged_hears_how_the_other_ticket_ends() {
    on_both(async |store| {
        let desk = desk(store).await;
        let anas = desk.says("D1", "UANA", TROUBLE, None).await;
        let bens = desk.says("D2", "UBEN", TROUBLE, None).await;
        assert_eq!(desk.tickets().await.len(), 2);
        let olga = desk.bot.viewer("olga").await;
        let there = desk.says("D3", "UOLGA", "follow FL-1", None).await;
        let root = desk.bot.viewer("root").await;
        flows::ticket::merge(&desk.bot.app, &root, "FL-1", "FL-2").await.unwrap();
        desk.hear().await;
        assert!(desk.last("D3", &there).contains("FL-1* is closed"), "{}", desk.last("D3", &there));
        assert!(desk.last("D1", &anas).contains("about the same as *FL-2*"));
        desk.moves("root", "FL-2", Status::Resolved).await;
        for (channel, thread) in [("D1", &anas), ("D2", &bens), ("D3", &there)] {
            assert!(desk.last(channel, thread).contains("FL-2* is resolved"), "{channel}");
        }
        flows::ticket::unmerge(&desk.bot.app, &olga, "FL-1").await.unwrap();
        desk.hear().await;
        assert!(desk.last("D1", &anas).contains("on its own again"));
        assert!(
            desk.last("D3", &there).contains("FL-2* is resolved"),
            "one's own doing is not told"
        );
    })
    .await;
}

#[tokio::test]
async fn a_ticket_is_followed_in_the_console_and_told_of_in_ones_chat() {
    on_both(async |store| {
        let desk = desk(store).await;
        desk.says("D1", "UANA", TROUBLE, None).await;
        let (_, page) = desk.console("olga", "/tickets/FL-1", None).await;
        assert!(page.contains("action=\"/tickets/FL-1/follow\""), "{page}");
        for _ in 0..2 {
            let (_, place) = desk.console("olga", "/tickets/FL-1/follow", Some("")).await;
            assert_eq!(place, "/tickets/FL-1?said=followed");
        }
        let (_, page) = desk.console("olga", "/tickets/FL-1?said=followed", None).await;
        assert!(page.contains("/tickets/FL-1/unfollow") && page.contains("1 follower"), "{page}");
        desk.moves("root", "FL-1", Status::Resolved).await;
        let store = &desk.bot.app.store;
        let told = store.conversations_of("olga@example.com", 9).await.unwrap();
        assert_eq!(told.len(), 1);
        let transcript = desk.bot.transcript(&told[0].id).await;
        assert!(transcript.contains("FL-1** is resolved"), "{transcript}");
        let held = store.export_person("olga@example.com").await.unwrap();
        assert_eq!(held["follows"][0], "FL-1");

        let (_, place) = desk.console("olga", "/tickets/FL-1/unfollow", Some("")).await;
        assert_eq!(place, "/tickets/FL-1?said=unfollowed");
        assert_eq!(desk.followers("FL-1").await, 0);
        desk.console("olga", "/tickets/FL-1/follow", Some("")).await;
        assert_eq!(desk.followers("FL-1").await, 1);
        store.erase_person("olga@example.com", 1).await.unwrap();
        assert_eq!(desk.followers("FL-1").await, 0);
        // Who may not see it finds nothing to follow.
        let (status, _) = desk.console("ben", "/tickets/FL-1/follow", Some("")).await;
        assert_eq!(status, 404);

        desk.moves("root", "FL-1", Status::Triaged).await;
        // The same trouble told on the web: followed there by the button under the answer.
        let said = desk.bot.say("ana", None, TROUBLE).await;
        let chat = format!("/chat/{}", said.conversation_id);
        let (_, page) = desk.console("ana", &chat, None).await;
        let follow = format!("{chat}/follow");
        assert!(page.contains(&format!("action=\"{follow}\"")), "{page}");
        let form = format!("request_id={}", said.request_id.unwrap());
        let (_, place) = desk.console("ana", &follow, Some(&form)).await;
        assert_eq!(place, chat);
        assert_eq!(desk.followers("FL-1").await, 1);
        assert!(!desk.console("ana", &chat, None).await.1.contains(&follow), "once is enough");
        desk.moves("root", "FL-1", Status::InProgress).await;
        let transcript = desk.bot.transcript(&said.conversation_id).await;
        assert!(transcript.contains("FL-1** is being worked on"), "{transcript}");
    })
    .await;
}
