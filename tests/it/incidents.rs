//! Incidents, run from the command line and by several at once.

use std::process::Output;

use acceptance::bot::MockClock;
use acceptance::db::on_both;
use acceptance::process::firstline;
use firstline::flows::incident::{Incidents, Refusal};
use firstline::store::Store;
use firstline::store::records::{PersonRow, Role, Viewer};
use firstline_core::incident::decide::{self, Declaration, Verb};
use firstline_core::incident::{self, Severity, State, Status};
use firstline_core::triage::redact::RedactOptions;
use serde_json::Value;
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    async fn run(&self, line: &str) -> Output {
        let arguments: Vec<&str> = line.split(' ').collect();
        firstline(&self.0.path().join("data"))
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .await
            .unwrap()
    }

    async fn good(&self, line: &str) -> String {
        let output = self.run(line).await;
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn bad(&self, line: &str) -> String {
        let output = self.run(line).await;
        assert_eq!(output.status.code(), Some(1), "{line}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test]
async fn an_incident_is_run_from_the_command_line() {
    let place = Place(TempDir::new().unwrap());
    place.good("user add ann@example.com").await;
    place.good("user add ben@example.com").await;
    assert!(place.good("inc").await.contains("declare [SEV1-SEV4] WHAT IS WRONG"));
    assert!(place.good("inc list").await.contains("No incident is open."));
    assert!(place.bad("inc resolve").await.contains("no incident is open"));

    let card = place.good("inc declare SEV1 nobody can log in to Keystone").await;
    assert!(card.contains("INC-1  nobody can log in to Keystone"), "{card}");
    let card = place.good("inc role commander ann").await;
    assert!(card.contains("Commander       Ann"), "{card}");
    place.good("inc --as ann@example.com status identified a full disk").await;
    place.good("inc task free the disk @ben by tomorrow").await;
    place.good("inc --as ben@example.com done 1").await;
    let said = place.bad("inc reslove").await;
    assert!(said.contains("Did you mean resolve?"), "{said}");
    let said = place.bad("inc close").await;
    assert!(said.contains("It is identified. From there it can become"), "{said}");
    let said = place.bad("inc --as ben@example.com sev 2").await;
    assert!(said.contains("Only its commander"), "{said}");
    let said = place.bad("inc role scribe nobody-here").await;
    assert!(said.contains("Nobody here is called nobody-here"), "{said}");
    assert!(place.bad("inc INC-9 show").await.contains("There is no such incident"));

    let summary = place.good("inc summary").await;
    assert!(summary.contains("SEV1, identified). [1] [4]"), "{summary}");
    assert!(summary.contains("Done: free the disk. [6]"), "{summary}");
    place.good("inc resolve").await;
    let timeline = place.good("inc --json INC-1 timeline").await;
    let entries: Vec<incident::Entry> =
        timeline.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Value = serde_json::from_str(&place.good("inc --json INC-1").await).unwrap();
    assert_eq!(shown["status"], "resolved");
    assert_eq!(State::replay(&entries).unwrap().status, Status::Resolved);
    assert!(entries.iter().any(|entry| entry.by == "ben@example.com"), "{timeline}");

    place.good("inc new the printer smokes").await;
    place.good("inc drill SEV1 a fire").await;
    let said = place.bad("inc sev 1").await;
    assert!(said.contains("which incident?") && said.contains("INC-3, INC-2"), "{said}");
    place.good("inc INC-2 merge INC-3").await;
    assert!(place.good("inc list").await.contains("[drill] a fire"));
}

const BEN: &str = "ben@example.com";

/// Somebody with a role, or none.
async fn viewer(store: &Store, name: &str, role: Option<Role>) -> Viewer {
    let email = format!("{name}@example.com");
    let person = PersonRow { email: email.clone(), name: name.to_owned(), active: true };
    store.upsert_person(&person, 0).await.unwrap();
    Viewer {
        email,
        name: name.to_owned(),
        roles: role.into_iter().collect(),
        groups: vec!["everyone".into()],
        time_zone: None,
    }
}

fn declaration(title: &str, private: bool) -> Declaration {
    Declaration {
        title: title.into(),
        severity: Severity::Sev2,
        system: None,
        private,
        drill: false,
        suspected: false,
    }
}

#[tokio::test]
async fn of_two_who_act_at_once_the_second_is_told() {
    on_both(async |store: Store| {
        let clock = MockClock::at(1_000);
        let redact = RedactOptions::default();
        let (ann, ben) = (
            viewer(&store, "ann", Some(Role::Commander)).await,
            viewer(&store, "ben", Some(Role::Owner)).await,
        );
        let cleo = viewer(&store, "cleo", None).await;
        let as_one = |viewer| Incidents {
            store: &store,
            clock: clock.as_ref(),
            redact: &redact,
            viewer,
            sees_all: false,
        };
        let (anns, bens, cleos) = (as_one(&ann), as_one(&ben), as_one(&cleo));
        let first = anns.declare(declaration("login fails", false)).await.unwrap();
        let sev = |to| Verb::Severity { to, why: String::new() };
        let seen = Some(first.state.version);
        anns.act(&first.key, seen, sev(Severity::Sev1)).await.unwrap();
        let late = bens.act(&first.key, seen, sev(Severity::Sev3)).await;
        assert!(matches!(late, Err(Refusal::Stale)), "{late:?}");
        // Without a version it is decided on what stands now.
        let note = |text: &str| Verb::Note { text: text.into() };
        let (one, other) =
            tokio::join!(anns.act("INC-1", None, note("a")), bens.act("INC-1", None, note("b")));
        assert_ne!(one.unwrap().state.version, other.unwrap().state.version);

        let told = bens.act("INC-1", None, note("my password is hunter2!")).await.unwrap();
        let said = serde_json::to_string(&bens.timeline(&told).await.unwrap()).unwrap();
        assert!(!said.contains("hunter2"), "{said}");

        // A private one does not exist for others, whatever they try.
        let hidden = anns.declare(declaration("someone reads mail", true)).await.unwrap();
        assert!(matches!(cleos.seen(&hidden.key).await, Err(Refusal::NotFound)));
        assert!(matches!(bens.act(&hidden.key, None, note("x")).await, Err(Refusal::NotFound)));
        assert!(matches!(bens.merge("INC-1", &hidden.key).await, Err(Refusal::NotFound)));
        assert_eq!(cleos.list(true, 9).await.unwrap().len(), 1);
        assert_eq!(anns.list(true, 9).await.unwrap().len(), 2);

        let told = anns.merge(&hidden.key, "INC-1").await;
        let never = decide::Refusal::OnePrivate;
        assert!(matches!(&told, Err(Refusal::Refused(it)) if *it == never), "{told:?}");

        let again = bens.declare(declaration("cannot log in", false)).await.unwrap();
        let merged = anns.merge(&again.key, "INC-1").await.unwrap();
        assert_eq!(merged.key, "INC-1");
        let refused = cleos.unmerge(&again.key).await;
        let only = decide::Refusal::Only(decide::Rank::Responder);
        assert!(matches!(&refused, Err(Refusal::Refused(it)) if *it == only), "{refused:?}");
        let back = anns.unmerge(&again.key).await.unwrap();
        assert_eq!(back.state.status, Status::Investigating);
        assert!(back.state.people.contains(BEN));
    })
    .await;
}
