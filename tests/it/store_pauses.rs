//! How long chat platforms want to be left alone.

use acceptance::db::on_both;
use firstline::store::{Live, Store};
use firstline_core::chat::Platform;

#[tokio::test]
async fn a_pause_is_told_and_kept_until_it_has_passed() {
    on_both(async |store: Store| {
        let mut live = store.live();
        let slack = Platform::Slack;
        store.pause(slack, "C1", 5_000, 0).await.unwrap();
        assert_eq!(live.recv().await.unwrap(), Live::pause(slack, "C1", 5_000));
        store.pause(slack, "C1", 4_000, 0).await.unwrap();
        store.pause(slack, "chat.update", 9_000, 0).await.unwrap();
        store.pause(Platform::Teams, "C1", 7_000, 0).await.unwrap();
        let at = async |now| store.pauses(slack, now).await.unwrap();
        let (channel, edits) = (("C1".to_owned(), 5_000), ("chat.update".to_owned(), 9_000));
        assert_eq!(at(0).await, [channel, edits.clone()], "never shortened");
        assert_eq!(at(5_000).await, [edits]);
        assert_eq!(store.pauses(Platform::Discord, 0).await.unwrap(), []);

        // What has passed is gone with the next one.
        store.pause(slack, "C2", 20_000, 9_000).await.unwrap();
        assert_eq!(at(0).await, [("C2".to_owned(), 20_000)]);
    })
    .await;
}
