//! Several processes on one PostgreSQL share the work.

use acceptance::db::TestDb;
use acceptance::process::Service;
use firstline::store::records::Author;

use crate::crash::Site;

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_share_the_work() {
    let site = Site::new(TestDb::postgres().await).await;
    let mut services: Vec<Service> = Vec::new();
    for name in ["one", "two", "three"] {
        services.push(site.start_in(name, &[]).await.expect("a replica starts"));
    }
    let texts = ["how do I post an invoice in Keystone?", "Keystone is down, nobody can log in"];
    let mut posts = Vec::new();
    for n in 0..30_usize {
        let key = format!("shared-{n}");
        let service = &services[n % services.len()];
        posts.push(async move { service.post(&key, texts[n % 2]).await.unwrap().request });
    }
    let ids = futures::future::join_all(posts).await;
    // One of them is lost in the middle of the work; the others finish it.
    services[0].kill().await;
    let store = site.database.store().await;
    for id in &ids {
        let request = services[1].settled(id).await;
        assert_eq!(request["state"], "settled", "{request}");
        let row = store.request(id).await.unwrap().unwrap();
        let said = store.messages(&row.conversation_id, 0, 100).await.unwrap();
        let replies = said
            .iter()
            .filter(|m| m.author == Author::Bot && m.request_id.as_deref() == Some(id))
            .count();
        assert_eq!(replies, 1, "{id}");
    }
    store.close().await;
    for service in &mut services {
        service.kill().await;
    }
    site.database.discard().await;
}
