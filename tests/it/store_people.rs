//! People, groups, sessions and tokens on both databases.
#![allow(clippy::unwrap_used)]

use acceptance::db::on_both;
use firstline::store::Store;
use firstline::store::records::*;

fn group(name: &str, role: Role, members: &[&str]) -> Group {
    Group { name: name.into(), role, members: members.iter().map(|m| m.to_string()).collect() }
}

#[tokio::test]
async fn groups_give_roles() {
    on_both(async |store: Store| {
        let ann = PersonRow { email: "Ann@Example.com".into(), name: "Ann".into(), active: true };
        store.upsert_person(&ann, 1).await.unwrap();
        assert_eq!(
            store.person("ANN@example.com").await.unwrap().unwrap().email,
            "ann@example.com"
        );
        let viewer = store.viewer("ann@example.com").await.unwrap().unwrap();
        assert_eq!(viewer.roles, [Role::Employee]);
        assert_eq!(viewer.groups, ["everyone"]);
        assert_eq!(store.viewer("nobody@example.com").await.unwrap(), None);

        let config = [
            group("finance", Role::Owner, &["ann@example.com", "bo@example.com"]),
            group("ops", Role::Commander, &["bo@example.com"]),
        ];
        store.sync_config_groups(&config).await.unwrap();
        store.put_group(&group("local", Role::Admin, &[])).await.unwrap();
        assert!(store.add_member("local", "Ann@example.com").await.unwrap());
        assert!(!store.add_member("missing", "ann@example.com").await.unwrap());
        let viewer = store.viewer("ann@example.com").await.unwrap().unwrap();
        assert_eq!(viewer.roles, [Role::Employee, Role::Owner, Role::Admin]);
        assert_eq!(viewer.groups, ["everyone", "finance", "local"]);
        // A member nobody knew is a person now.
        assert_eq!(store.person("bo@example.com").await.unwrap().unwrap().name, "bo");

        // The configuration replaces its own groups and leaves the others.
        store.sync_config_groups(&config[1..]).await.unwrap();
        let names: Vec<String> =
            store.groups().await.unwrap().into_iter().map(|g| g.name).collect();
        assert_eq!(names, ["local", "ops"]);
        assert_eq!(store.groups().await.unwrap()[0].members, ["ann@example.com"]);
        assert!(store.remove_member("local", "ann@example.com").await.unwrap());
        assert!(!store.remove_member("local", "ann@example.com").await.unwrap());
        assert!(store.remove_group("local").await.unwrap());
        assert!(!store.remove_group("local").await.unwrap());
        assert!(store.put_group(&group("bad\nname", Role::Owner, &[])).await.is_err());

        store.create_session("h", "ann@example.com", "c", 1, 1_000).await.unwrap();
        assert!(store.set_active("ann@example.com", false).await.unwrap());
        assert!(!store.set_active("nobody@example.com", false).await.unwrap());
        assert_eq!(store.viewer("ann@example.com").await.unwrap(), None);
        assert_eq!(store.session("h", 2).await.unwrap(), None);
        let people = store.people().await.unwrap();
        let seen: Vec<_> = people.iter().map(|p| (p.email.as_str(), p.active)).collect();
        assert_eq!(seen, [("ann@example.com", false), ("bo@example.com", true)]);
    })
    .await;
}

/// Someone in two groups, as the store knows them.
async fn person(store: &Store, email: &str) -> Viewer {
    let row = PersonRow { email: email.into(), name: "Ann".into(), active: true };
    store.upsert_person(&row, 1).await.unwrap();
    store.put_group(&group("desk", Role::Owner, &[email])).await.unwrap();
    store.put_group(&group("staff", Role::Employee, &[email])).await.unwrap();
    let viewer = store.viewer(email).await.unwrap().unwrap();
    assert_eq!(viewer.groups, ["everyone", "desk", "staff"]);
    viewer
}

#[tokio::test]
async fn sessions_and_links_end() {
    on_both(async |store: Store| {
        store.create_session("hash", "Ann@example.com", "csrf", 10, 100).await.unwrap();
        assert_eq!(store.session("hash", 99).await.unwrap(), None, "nobody known is behind it");
        let ann = person(&store, "ann@example.com").await;
        let (session, viewer) = store.session("hash", 99).await.unwrap().unwrap();
        assert_eq!(viewer, ann);
        let expected =
            Session { email: "ann@example.com".into(), csrf: "csrf".into(), expires_at: 100 };
        assert_eq!(session, expected);
        assert_eq!(store.session("hash", 100).await.unwrap(), None);
        store.end_session("hash").await.unwrap();
        assert_eq!(store.session("hash", 20).await.unwrap(), None);

        store.create_login_link("link", "ann@example.com", 100).await.unwrap();
        assert_eq!(store.use_login_link("link", 100).await.unwrap(), None);
        let email = store.use_login_link("link", 50).await.unwrap();
        assert_eq!(email.as_deref(), Some("ann@example.com"));
        assert_eq!(store.use_login_link("link", 51).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn tokens_are_found_until_revoked() {
    on_both(async |store: Store| {
        let token = ApiToken {
            id: "t1".into(),
            name: "ci".into(),
            email: "ann@example.com".into(),
            scopes: vec!["requests".into(), "tickets:read".into()],
            created_at: 5,
            last_used_at: None,
            revoked_at: None,
        };
        store.create_token(&token, "hash").await.unwrap();
        assert_eq!(store.token_by_hash("hash", 10).await.unwrap(), None, "whose nobody knows");
        let ann = person(&store, "ann@example.com").await;
        assert_eq!(store.token_by_hash("other", 10).await.unwrap(), None);
        let used = |at| Some((ApiToken { last_used_at: Some(at), ..token.clone() }, ann.clone()));
        assert_eq!(store.token_by_hash("hash", 10).await.unwrap(), used(10));
        assert_eq!(store.token_by_hash("hash", 60_009).await.unwrap(), used(10));
        assert_eq!(store.token_by_hash("hash", 60_010).await.unwrap(), used(60_010));
        store.set_active("ann@example.com", false).await.unwrap();
        assert_eq!(store.token_by_hash("hash", 65_000).await.unwrap(), None);
        store.set_active("ann@example.com", true).await.unwrap();
        assert!(store.revoke_token("t1", 70_000).await.unwrap());
        assert!(!store.revoke_token("t1", 70_001).await.unwrap());
        assert_eq!(store.token_by_hash("hash", 80_000).await.unwrap(), None);
        assert_eq!(store.tokens().await.unwrap()[0].revoked_at, Some(70_000));
    })
    .await;
}
