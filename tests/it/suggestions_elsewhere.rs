//! What is suggested, posted and followed in Teams and Discord, as it is in Slack.

use acceptance::bot::TestBot;
use acceptance::db::on_both;
use firstline::flows::suggestion;
use firstline::store::records::{Suggestion, SuggestionState};

use crate::{discord, teams};

const TROUBLE: &str = "Keystone rejects every vendor invoice with error KS-9911 since this morning";

async fn waiting(bot: &TestBot) -> Vec<Suggestion> {
    let olga = bot.viewer("olga").await;
    let store = &bot.app.store;
    store.suggestions(&olga, SuggestionState::Waiting, None, 9).await.unwrap()
}

async fn post(bot: &TestBot) {
    let [one] = waiting(bot).await.try_into().unwrap();
    let olga = bot.viewer("olga").await;
    suggestion::post(&bot.app, &olga, &one.request_id, one.version).await.unwrap();
}

#[tokio::test]
async fn in_discord_a_suggestion_begins_a_thread_once_it_is_posted() {
    on_both(async |store| {
        let desk = discord::Desk::new(store).await;
        let asked = desk.discord.says(discord::SUGGEST, discord::ANA, TROUBLE);
        desk.eventually(async || waiting(&desk.bot).await.len() == 1).await;
        desk.settled().await;
        assert!(desk.said(discord::SUGGEST).is_empty());
        assert_eq!(desk.discord.threads(discord::SUGGEST), Vec::<u64>::new());

        post(&desk.bot).await;
        desk.discord.until(|it| !it.threads(discord::SUGGEST).is_empty()).await;
        let filed = desk.replies(asked, 1).await.remove(0);
        assert!(filed.content.contains("FL-1"), "{filed:?}");
        let pressed = desk.presses(discord::OLGA, &filed, "firstline.follow").await;
        assert_eq!(desk.told(pressed).await, "Done.");
        let told = desk.replies(asked, 2).await.remove(1);
        assert!(told.content.contains("ou follow **FL-1** now"), "{told:?}");
        assert_eq!(desk.bot.app.store.follower_count("FL-1").await.unwrap(), 1);
        desk.end().await;
    })
    .await;
}

#[tokio::test]
async fn in_teams_a_suggestion_is_posted_into_its_thread() {
    on_both(async |store| {
        let desk = teams::Desk::new(store).await;
        let asked = desk.says(teams::SUGGEST, "29:ana", TROUBLE, None).await;
        assert!(desk.replies(teams::SUGGEST, Some(&asked)).is_empty());
        post(&desk.bot).await;
        desk.bot.run().await;
        let filed = desk.replies(teams::SUGGEST, Some(&asked)).remove(0);
        assert!(filed.card.to_string().contains("FL-1"), "{}", filed.card);
        let follow = filed.action("Follow").unwrap();
        let press = desk.teams.presses("29:olga", teams::SUGGEST, &filed.id, &follow);
        let (status, answer) = desk.send(&press).await;
        assert_eq!((status, answer["value"].as_str()), (200, Some("Done.")));
        let told = desk.replies(teams::SUGGEST, Some(&asked)).pop().unwrap();
        assert!(told.card.to_string().contains("ou follow"), "{}", told.card);
        assert_eq!(desk.bot.app.store.follower_count("FL-1").await.unwrap(), 1);
    })
    .await;
}
