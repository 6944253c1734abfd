//! Incidents in the console, without a browser.

use axum::http::StatusCode;

use crate::console::Desk;

#[tokio::test]
async fn an_incident_is_run_from_its_page() {
    let desk = Desk::new().await;
    let empty = desk.get("ana", "/incidents").await;
    assert!(empty.body.contains("No incident is open"), "{}", empty.body);
    let title = "title=Nobody%20can%20log%20in";
    let sent = desk.post("ana", "/incidents", title).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "a severity is missing");
    let sent = desk.post("ana", "/incidents", &format!("{title}&severity=SEV1")).await;
    assert_eq!((sent.status, sent.header("location")), (StatusCode::SEE_OTHER, "/incidents/INC-1"));

    let does = async |who: &str, form: &str| desk.post(who, "/incidents/INC-1/do", form).await;
    // An employee notes what they see; severity is for responders.
    assert_eq!(
        does("ana", "text=note%20it%20began%20at%20nine").await.status,
        StatusCode::SEE_OTHER
    );
    let refused = does("ana", "verb=sev&text=SEV2").await;
    assert!(refused.body.contains("Only its commander, support owners"), "{}", refused.body);
    let typo = does("olga", "text=reslove%20it").await;
    assert!(typo.body.contains("Did you mean resolve?"), "{}", typo.body);
    assert!(typo.body.contains("value=\"reslove it\""), "what was typed is not lost");
    for form in [
        "verb=take+commander",
        "verb=status+identified&text=a+full+disk",
        "verb=role&text=scribe&who=ana%40example.com",
        "verb=task&text=free+the+disk+%40ana",
        "verb=done+1",
        "verb=sev&text=SEV2&version=8",
    ] {
        let sent = does("olga", form).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{form}: {}", sent.body);
    }
    let stale = does("olga", "verb=sev&text=SEV3&version=8").await;
    assert!(stale.body.contains("Somebody else has just changed"), "{}", stale.body);
    let elsewhere = does("olga", "text=INC-7+resolve").await;
    assert!(elsewhere.body.contains("INC-7 has a page of its own"), "{}", elsewhere.body);

    let page = desk.get("ana", "/incidents/INC-1").await.body;
    for shown in ["a full disk", "Olga</bdi> commands", "scribe", "Done: free the disk.", "#e8"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let events = desk.get("ana", "/incidents/INC-9/events").await;
    assert_eq!(events.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.get("ana", "/incidents/INC-9").await.status, StatusCode::NOT_FOUND);

    does("olga", "verb=resolve").await;
    assert!(desk.get("ana", "/incidents").await.body.contains("No incident is open"));
    assert!(desk.get("ana", "/incidents?over=1").await.body.contains("Nobody can log in"));
}
