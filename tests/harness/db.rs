//! Real databases for tests: a SQLite file in a folder of its own, and a database of its
//! own in one running PostgreSQL.

use std::path::PathBuf;

use firstline::store::{Store, new_id};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

/// An empty database that disappears with the test.
pub struct TestDb {
    /// What [`Store::connect`] takes.
    pub url: String,
    /// A folder for the test's files.
    pub dir: TempDir,
    /// Name of the PostgreSQL database, to drop it.
    name: Option<String>,
}

impl TestDb {
    pub fn sqlite() -> TestDb {
        let dir = folder();
        let url = format!("sqlite:{}", dir.path().join("test.db").display());
        TestDb { url, dir, name: None }
    }

    pub async fn postgres() -> TestDb {
        let name = format!("t_{}", new_id().replace('-', ""));
        admin(&format!("CREATE DATABASE {name}")).await;
        let (server, _) = server()
            .rsplit_once('/')
            .map(|(s, d)| (s.to_owned(), d.to_owned()))
            .expect("the URL ends with a database");
        TestDb { url: format!("{server}/{name}"), dir: folder(), name: Some(name) }
    }

    /// A migrated store on it. Call again for another process's view.
    pub async fn store(&self) -> Store {
        let store = Store::connect(&self.url).await.expect("the test database can be opened");
        store.migrate().await.expect("the migrations apply");
        store
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Ends every connection to a PostgreSQL database, as a restart of the server does; the
    /// last one is gone when this returns.
    pub async fn cut(&self) {
        let name = self.name.as_deref().expect("a SQLite file has no connections to cut");
        let mut connection = PgConnection::connect(&server()).await.expect(ANSWERS);
        let cut: Vec<i32> =
            sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE datname = $1")
                .bind(name)
                .fetch_all(&mut connection)
                .await
                .expect("the connections can be listed");
        // First all at once, then a wait for each that is still there; who connects in between
        // is left alone.
        for how in ["pid", "pid, 10000"] {
            let sql =
                format!("SELECT pg_terminate_backend({how}) FROM unnest($1::int[]) AS c (pid)");
            sqlx::query(AssertSqlSafe(sql))
                .bind(&cut)
                .execute(&mut connection)
                .await
                .expect("the connections end");
        }
        connection.close().await.expect("the connection closes");
    }

    /// Removes a PostgreSQL database; a SQLite file goes with its folder.
    pub async fn discard(self) {
        if let Some(name) = &self.name {
            admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// Tells the same story on a fresh, migrated database of each kind.
pub async fn on_both(story: impl AsyncFn(Store)) {
    on_both_dbs(async |db| {
        let store = db.store().await;
        story(store.clone()).await;
        store.close().await;
    })
    .await;
}

/// Like [`on_both`], for stories that open the database themselves.
pub async fn on_both_dbs(story: impl AsyncFn(&TestDb)) {
    for db in [TestDb::sqlite(), TestDb::postgres().await] {
        story(&db).await;
        db.discard().await;
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

const ANSWERS: &str =
    "the test PostgreSQL answers; start it with: eval \"$(tests/postgres start)\"";

fn server() -> String {
    std::env::var("FIRSTLINE_TEST_PG").expect(
        "FIRSTLINE_TEST_PG names no PostgreSQL; start it with: eval \"$(tests/postgres start)\"",
    )
}

async fn admin(sql: &str) {
    let mut connection = PgConnection::connect(&server()).await.expect(ANSWERS);
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the test PostgreSQL does as told");
    connection.close().await.expect("the connection closes");
}
