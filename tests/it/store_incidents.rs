//! Incidents in the store.

use acceptance::db::on_both;
use firstline::store::records::{Incident, Viewer};
use firstline::store::{Lines, LiveKind, Store};
use firstline_core::incident::decide::{Declaration, declare};
use firstline_core::incident::{Fact, Role, Severity, State, Status};

const ANN: &str = "ann@example.com";

fn declaration(title: &str, severity: Severity, private: bool) -> Fact {
    let title = title.to_owned();
    let (system, drill, suspected) = (None, false, false);
    declare(Declaration { title, severity, system, private, drill, suspected }).unwrap()
}

fn viewer(email: &str) -> Viewer {
    Viewer {
        email: email.into(),
        name: String::new(),
        roles: vec![],
        groups: vec!["everyone".into()],
        time_zone: None,
    }
}

fn note(text: &str) -> Fact {
    Fact::Note { text: text.into() }
}

fn keys(incidents: &[Incident]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.key.as_str()).collect()
}

#[tokio::test]
async fn a_timeline_grows_for_whoever_saw_its_end() {
    on_both(async |store: Store| {
        let mut live = store.live();
        let first = declaration("login fails", Severity::Sev2, false);
        let begun = store.declare_incident(first, ANN, 1_000).await.unwrap();
        assert_eq!((begun.key.as_str(), begun.state.version), ("INC-1", 1));
        assert_eq!(live.recv().await.unwrap().kind, LiveKind::Incident { key: "INC-1".into() });

        let more = |version, facts| [Lines { key: "INC-1", version, facts }];
        let facts = vec![
            Fact::Role { role: Role::Commander, who: "ben@example.com".into() },
            note("it spreads"),
        ];
        let grown = store.extend_incidents(&more(1, facts), ANN, 2_000).await.unwrap().unwrap();
        assert_eq!(grown[0].state.version, 3);
        // Whoever looked before is told that it went on.
        let late = store.extend_incidents(&more(1, vec![note("x")]), ANN, 3_000).await.unwrap();
        assert_eq!(late, None);
        let none = [Lines { key: "INC-9", version: 1, facts: vec![note("x")] }];
        assert_eq!(store.extend_incidents(&none, ANN, 3_000).await.unwrap(), None);

        let kept = store.incident("INC-1", None).await.unwrap().unwrap();
        assert_eq!(kept, grown[0]);
        assert_eq!((kept.created_at, kept.updated_at), (1_000, 2_000));
        let timeline = store.timeline("INC-1", 0, 9).await.unwrap();
        assert_eq!(State::replay(&timeline), Some(kept.state));
        assert_eq!(store.timeline("INC-1", 2, 9).await.unwrap(), timeline[2..]);
    })
    .await;
}

#[tokio::test]
async fn of_several_timelines_all_go_on_or_none() {
    on_both(async |store: Store| {
        for title in ["one", "two"] {
            let first = declaration(title, Severity::Sev3, false);
            store.declare_incident(first, ANN, 1_000).await.unwrap();
        }
        let lines = |second| {
            [
                Lines { key: "INC-1", version: 1, facts: vec![note("x")] },
                Lines { key: "INC-2", version: second, facts: vec![note("y")] },
            ]
        };
        assert_eq!(store.extend_incidents(&lines(7), ANN, 2_000).await.unwrap(), None);
        assert_eq!(store.timeline("INC-1", 0, 9).await.unwrap().len(), 1, "nothing was written");
        let both = store.extend_incidents(&lines(1), ANN, 2_000).await.unwrap().unwrap();
        assert_eq!(keys(&both), ["INC-1", "INC-2"]);

        // Crosswise and at once: one of them is told, none waits for ever.
        let line = |key| Lines { key, version: 2, facts: vec![note("z")] };
        let (there, back) = ([line("INC-1"), line("INC-2")], [line("INC-2"), line("INC-1")]);
        let (one, other) = tokio::join!(
            store.extend_incidents(&there, ANN, 3_000),
            store.extend_incidents(&back, ANN, 3_000)
        );
        assert_eq!(one.unwrap().is_some(), other.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn private_ones_exist_for_their_people_alone() {
    on_both(async |store: Store| {
        for (title, severity, private) in [
            ("a", Severity::Sev3, false),
            ("b", Severity::Sev1, true),
            ("c", Severity::Sev2, false),
            ("d", Severity::Sev2, false),
        ] {
            let first = declaration(title, severity, private);
            store.declare_incident(first, ANN, 1_000).await.unwrap();
        }
        let close =
            Fact::Status { from: Status::Investigating, to: Status::Resolved, text: String::new() };
        let over = [Lines { key: "INC-3", version: 1, facts: vec![close] }];
        store.extend_incidents(&over, ANN, 2_000).await.unwrap().unwrap();
        let open = async |who: Option<&str>| {
            let viewer = who.map(viewer);
            store.incidents(true, viewer.as_ref(), 9).await.unwrap()
        };
        assert_eq!(keys(&open(Some(ANN)).await), ["INC-2", "INC-4", "INC-1"]);
        assert_eq!(keys(&open(Some("ben@example.com")).await), ["INC-4", "INC-1"]);
        assert_eq!(keys(&open(Some("")).await), ["INC-4", "INC-1"], "nobody in particular");
        assert_eq!(keys(&open(None).await), ["INC-2", "INC-4", "INC-1"]);
        assert_eq!(keys(&store.incidents(false, None, 9).await.unwrap()), ["INC-3"]);
        let ben = viewer("ben@example.com");
        assert_eq!(store.incident("INC-2", Some(&ben)).await.unwrap(), None);
        let joined = Fact::Role { role: Role::Expert, who: "ben@example.com".into() };
        let joins = [Lines { key: "INC-2", version: 1, facts: vec![joined] }];
        store.extend_incidents(&joins, ANN, 3_000).await.unwrap().unwrap();
        assert!(store.incident("INC-2", Some(&ben)).await.unwrap().is_some());

        // Somebody's address ends like theirs.
        let other = Fact::Role { role: Role::Scribe, who: "ruben@example.com".into() };
        let joins = [Lines { key: "INC-2", version: 2, facts: vec![other] }];
        store.extend_incidents(&joins, "ben@example.com", 3_500).await.unwrap().unwrap();
        let export = store.export_person("ben@example.com").await.unwrap();
        assert_eq!(export["acts_in_incidents"][0]["incident"], "INC-2", "{export}");

        store.erase_person("ben@example.com", 4_000).await.unwrap();
        assert_eq!(store.incident("INC-2", Some(&ben)).await.unwrap(), None);
        let left = serde_json::to_string(&store.timeline("INC-2", 0, 9).await.unwrap()).unwrap();
        assert!(!left.contains("\"ben@") && left.contains("\"ruben@example.com\""), "{left}");
        let kept = store.incident("INC-2", None).await.unwrap().unwrap();
        let timeline = store.timeline("INC-2", 0, 9).await.unwrap();
        assert_eq!(State::replay(&timeline), Some(kept.state), "both are still the same");
    })
    .await;
}
