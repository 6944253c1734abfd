//! Accounts tied to people by one-time links, and duties of one process alone.

use acceptance::db::{on_both, on_both_dbs};
use firstline::store::Store;
use firstline::store::records::{AccountKey, AccountLink, PersonRow};

fn key(account: &str) -> AccountKey {
    AccountKey { platform: "discord".into(), tenant: "*".into(), account: account.into() }
}

#[tokio::test]
async fn a_link_ties_an_account_once_and_in_time() {
    on_both(async |store: Store| {
        let link = |account: &str| AccountLink { of: key(account), name: "Ann".into() };
        store.create_account_link("one", &link("7"), 10, 100).await.unwrap();
        assert_eq!(store.account_link("one", 99).await.unwrap(), Some(link("7")));
        assert_eq!(store.account_link("other", 99).await.unwrap(), None);
        assert_eq!(store.use_account_link("one", "ann@example.com", 100).await.unwrap(), None);
        assert_eq!(store.linked(&key("7")).await.unwrap(), None, "too late");

        let used = store.use_account_link("one", " Ann@Example.com", 99).await.unwrap();
        assert_eq!(used, Some(link("7")));
        for _ in 0..2 {
            assert_eq!(store.use_account_link("one", "bo@example.com", 99).await.unwrap(), None);
        }
        assert_eq!(store.account_link("one", 20).await.unwrap(), None, "it is used up");
        assert_eq!(store.linked(&key("7")).await.unwrap().as_deref(), Some("ann@example.com"));
        assert_eq!(store.accounts_of("ANN@example.com").await.unwrap(), [link("7")]);

        // Tied anew, an account is the other person's.
        store.create_account_link("two", &link("7"), 20, 100).await.unwrap();
        store.use_account_link("two", "bo@example.com", 30).await.unwrap();
        assert_eq!(store.linked(&key("7")).await.unwrap().as_deref(), Some("bo@example.com"));

        // Untied, it is nobody's, and links made before tie nothing.
        store.create_account_link("three", &link("7"), 20, 100).await.unwrap();
        assert!(store.unlink(&key("7")).await.unwrap());
        assert!(!store.unlink(&key("7")).await.unwrap());
        assert_eq!(store.use_account_link("three", "bo@example.com", 30).await.unwrap(), None);
        assert_eq!(store.linked(&key("7")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn who_is_behind_an_account_and_where_they_are() {
    on_both(async |store: Store| {
        for name in ["ann", "bo"] {
            let email = format!("{name}@example.com");
            let row = PersonRow { email, name: name.into(), active: true };
            store.upsert_person(&row, 1).await.unwrap();
        }
        let behind = async |email: Option<&str>| {
            let mut all = store.behind_account(&key("7"), email).await.unwrap();
            all.sort_by(|a, b| a.email.cmp(&b.email));
            all.into_iter().map(|it| (it.email, it.tied, it.time_zone)).collect::<Vec<_>>()
        };
        let ann =
            |zone: Option<&str>| ("ann@example.com".to_owned(), true, zone.map(str::to_owned));
        assert_eq!(behind(Some("nobody@example.com")).await, []);
        let link = AccountLink { of: key("7"), name: "Ann".into() };
        store.create_account_link("one", &link, 10, 100).await.unwrap();
        store.use_account_link("one", "ann@example.com", 11).await.unwrap();
        assert_eq!(behind(None).await, [ann(None)]);
        store.set_time_zone(" Ann@example.com", "Asia/Tokyo").await.unwrap();
        let bo = ("bo@example.com".to_owned(), false, None);
        assert_eq!(behind(Some("BO@example.com")).await, [ann(Some("Asia/Tokyo")), bo]);
        let viewer = store.viewer("ann@example.com").await.unwrap().unwrap();
        assert_eq!(viewer.time_zone.as_deref(), Some("Asia/Tokyo"));
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_has_no_account() {
    on_both(async |store: Store| {
        let row = PersonRow { email: "ann@example.com".into(), name: "Ann".into(), active: true };
        store.upsert_person(&row, 1).await.unwrap();
        let link = AccountLink { of: key("7"), name: "Ann".into() };
        store.create_account_link("one", &link, 10, 100).await.unwrap();
        store.use_account_link("one", "ann@example.com", 11).await.unwrap();
        let all = store.export_person("ann@example.com").await.unwrap();
        assert_eq!(all["accounts"][0]["account"], "7");
        store.erase_person("ann@example.com", 20).await.unwrap();
        assert_eq!(store.linked(&key("7")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_duty_is_one_process_s_until_it_ends() {
    on_both_dbs(async |db| {
        let store = db.store().await;
        assert!(store.take_duty("gate", "p1", 0, 30).await.unwrap());
        assert!(store.take_duty("gate", "p1", 10, 40).await.unwrap(), "it is kept");
        // Whoever else asks on SQLite is this process started anew.
        let alone = store.is_sqlite();
        assert_eq!(store.take_duty("gate", "p2", 39, 69).await.unwrap(), alone);
        assert!(store.take_duty("other", "p2", 39, 69).await.unwrap());
        assert!(store.take_duty("gate", "p2", 40, 70).await.unwrap(), "it has ended");
        assert_eq!(store.take_duty("gate", "p1", 41, 71).await.unwrap(), alone);
        store.take_duty("gate", "p2", 70, 90).await.unwrap();
        store.leave_duty("gate", "p1").await.unwrap();
        assert_eq!(store.take_duty("gate", "p3", 80, 99).await.unwrap(), alone);
        store.leave_duty("gate", if alone { "p3" } else { "p2" }).await.unwrap();
        assert!(store.take_duty("gate", "p1", 81, 99).await.unwrap());
        store.close().await;
    })
    .await;
}
