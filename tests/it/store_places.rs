//! Where chat platforms have told the bot of something.

use acceptance::db::on_both;
use firstline::store::Store;
use firstline::store::records::Place;
use firstline_core::chat::Platform;

#[tokio::test]
async fn places_are_noted_once_and_stay_open_to_outsiders() {
    on_both(async |store: Store| {
        let place = |channel: &str, team: Option<&str>, outsiders: bool| Place {
            platform: Platform::Teams,
            tenant: "t1".into(),
            channel: channel.into(),
            team: team.map(str::to_owned),
            outsiders,
        };
        let (a, b) = (place("a", Some("team"), false), place("b", None, true));
        store.note_place(&a, 1).await.unwrap();
        store.note_place(&b, 2).await.unwrap();
        assert_eq!(store.places(Platform::Teams, 9).await.unwrap(), [b.clone(), a.clone()]);
        assert_eq!(store.places(Platform::Slack, 9).await.unwrap(), []);

        // What is not told anew is as it was, and noted again a place is the latest.
        store.note_place(&place("a", None, true), 3).await.unwrap();
        store.note_place(&place("b", None, false), 2).await.unwrap();
        let shared = Place { outsiders: true, ..a };
        assert_eq!(store.places(Platform::Teams, 9).await.unwrap(), [shared.clone(), b]);
        assert_eq!(store.places(Platform::Teams, 1).await.unwrap(), [shared]);
    })
    .await;
}
