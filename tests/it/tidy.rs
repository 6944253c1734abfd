//! House rules as code: which way the arrows point, and what no file may hold.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below `folder` with this ending, with its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no {ending} files: the rule checks nothing");
    found
}

/// Lines of code that mention one of `words`; comments may.
fn mentions(files: &[(String, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                found.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    found
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn core_is_pure() {
    let words = [
        "async fn",
        "tokio",
        "std::fs",
        "std::net",
        "std::time",
        "SystemTime",
        "Instant::",
        "rand::",
        "std::env",
        "std::process",
    ];
    none(mentions(&files("bot/core/src", ".rs"), &words), "core has no I/O, clock or chance");
}

#[test]
fn core_and_indexer_know_nothing_of_each_other_nor_of_the_bot() {
    none(
        mentions(&files("bot/core", ".toml"), &["firstline-indexer", "firstline ="]),
        "core depends on nobody here",
    );
    none(
        mentions(&files("indexer", ".toml"), &["firstline-core", "firstline ="]),
        "the indexer depends on nobody here",
    );
}

#[test]
fn flows_name_no_platform_no_sql_and_no_web_framework() {
    let words = [
        "axum",
        "sqlx",
        "SELECT ",
        "crate::platform",
        "crate::console",
        "crate::adapters",
        "Platform::",
    ];
    none(mentions(&files("bot/src/flows", ".rs"), &words), "flows see ports alone");
}

#[test]
fn only_the_store_speaks_sql() {
    let outside: Vec<_> = files("bot/src", ".rs")
        .into_iter()
        .filter(|(name, _)| !name.starts_with("bot/src/store/"))
        .collect();
    none(
        mentions(&outside, &["sqlx::query", "sqlx::Sqlite", "sqlx::Pg"]),
        "SQL lives in the store",
    );
}

#[test]
fn platforms_reach_the_bot_through_accept_and_the_ticket_flow() {
    let mut found = mentions(&files("bot/src/platform", ".rs"), &["crate::flows"]);
    let tickets = mentions(&files("bot/src/platform", ".rs"), &["crate::flows::ticket"]);
    found.retain(|line| !tickets.iter().any(|allowed| allowed.starts_with(line.as_str())));
    found.extend(mentions(&files("bot/src/platform", ".rs"), &["crate::worker", "sqlx"]));
    none(found, "a platform verifies, translates and sends");
}

#[test]
fn migrations_of_both_databases_share_their_numbers() {
    let names = |folder: &str| -> Vec<String> {
        files(folder, ".sql")
            .into_iter()
            .map(|(name, _)| name.rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together here, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimplemen", "ted!")];
    for folder in ["bot/src", "bot/core/src", "indexer/src", "tests"] {
        none(mentions(&files(folder, ".rs"), &marks), "unfinished work does not land");
    }
}

#[test]
fn files_can_be_read_in_a_sitting() {
    let mut long = Vec::new();
    for folder in ["bot/src", "bot/core/src", "indexer/src", "tests"] {
        for (name, text) in files(folder, ".rs") {
            let lines = text.lines().count();
            if lines > 700 {
                long.push(format!("{name}: {lines} lines"));
            }
        }
    }
    none(long, "split by meaning");
}
