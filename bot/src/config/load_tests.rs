#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;
use crate::config::Redact;

const EXAMPLE: &str = include_str!("../../../firstline.example.toml");

fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(k, v)| (k.to_string(), v.to_string()));
    Config::from_text(text, "firstline.toml", Path::new("/etc/firstline"), env)
}

fn refusal(text: &str, env: &[(&str, &str)]) -> String {
    load(text, env).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.listen, "127.0.0.1:8080");
    assert!(config.model.is_none());
}

#[test]
fn the_environment_stands_above_the_file() {
    let config = load(
        "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 2",
        &[
            ("FIRSTLINE__SERVER__LISTEN", "127.0.0.1:9"),
            ("FIRSTLINE__MODEL__BASE_URL", "http://localhost:11434/v1"),
            ("FIRSTLINE__MODEL__NAME", "small"),
            ("FIRSTLINE__MODEL__API_KEY", "12345"),
            ("FIRSTLINE__PRIVACY__REDACT", "[email, phone]"),
            ("FIRSTLINE__GROUP", "[{name=finance,members=[Ruth@Example.com]}]"),
            ("FIRSTLINE_DATA", "not configuration"),
        ],
    )
    .unwrap();
    assert_eq!((config.server.listen.as_str(), config.server.workers), ("127.0.0.1:9", 2));
    assert_eq!(config.model.unwrap().api_key.as_deref(), Some("12345"));
    assert_eq!(config.privacy.redact, [Redact::Email, Redact::Phone]);
    assert_eq!(config.group[0].members, ["ruth@example.com"]);
}

#[test]
fn relative_paths_start_at_the_file() {
    let config = load(
        "[server]\nprompts = \"words\"\n[database]\nurl = \"sqlite:a.db\"\n\
         [[source]]\nname = \"handbook\"\nkind = \"folder\"\nlocation = \"docs\"\n\
         audience = \"everyone\"",
        &[],
    )
    .unwrap();
    assert_eq!(config.server.prompts.unwrap(), Path::new("/etc/firstline/words"));
    assert_eq!(config.database.url.unwrap(), "sqlite:/etc/firstline/a.db");
    assert_eq!(config.source[0].location, "/etc/firstline/docs");
}

#[test]
fn embeddings_need_no_language_model() {
    let config = load("[model]\nembeddings = \"models/minilm\"", &[]).unwrap();
    assert_eq!(config.embeddings().unwrap(), Path::new("/etc/firstline/models/minilm"));
    assert!(config.language_model().is_none());
    let both = "[model]\nbase_url = \"http://localhost/v1\"\nname = \"m\"\nembeddings = \"/m\"";
    let config = load(both, &[]).unwrap();
    assert_eq!(config.embeddings().unwrap(), Path::new("/m"));
    assert_eq!(config.language_model().unwrap().name, "m");
    assert!(load("", &[]).unwrap().embeddings().is_none());
}

#[test]
fn secrets_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let text = "[model]\nbase_url = \"http://localhost/v1\"\nname = \"m\"\n";
    let key = file.display().to_string();
    let env = [("FIRSTLINE__MODEL__API_KEY_FILE", key.as_str())];
    assert!(refusal(text, &env).contains("(from model.api_key_file) cannot be read"));
    std::fs::write(&file, "\n").unwrap();
    assert!(refusal(text, &env).contains("it is empty"));
    std::fs::write(&file, "s3cret\n").unwrap();
    assert_eq!(load(text, &env).unwrap().model.unwrap().api_key.as_deref(), Some("s3cret"));
    let both = format!("{text}api_key = \"x\"");
    assert!(refusal(&both, &env).contains("both `model.api_key` and `model.api_key_file`"));
}

#[test]
fn mistakes_are_told_in_sentences() {
    let model = "[model]\nbase_url = \"http://localhost/v1\"\nname = \"m\"\n";
    let destinations = format!("{model}[privacy]\ndestinations = [\"models.example\"]");
    for (text, env, sentence) in [
        (
            "[server]\nlisen = \"x\"",
            &[][..],
            "unknown key `server.lisen` in firstline.toml. Did you mean `listen`?",
        ),
        (
            "[servr]\nlisten = \"x\"",
            &[],
            "unknown key `servr` in firstline.toml. Did you mean `server`?",
        ),
        (
            "",
            &[("FIRSTLINE__SERVER__WORKRES", "4")],
            "unknown key `server.workres` in FIRSTLINE__SERVER__WORKRES. Did you mean `workers`?",
        ),
        (
            "[database]\nzzz = 1",
            &[],
            "unknown key `database.zzz` in firstline.toml. Known here: `url`, `url_file`.",
        ),
        (
            "[server]\n\nlisten = = 1",
            &[],
            "firstline.toml, line 3: this is not valid TOML: extra `=`, expected nothing.",
        ),
        (
            "[server]\nworkers = \"many\"",
            &[],
            "firstline.toml: `server.workers` must be a whole number, not text.",
        ),
        (
            "[[group]]\nname = \"a\"\nrole = \"admn\"",
            &[],
            "firstline.toml: `group.0.role` cannot be \"admn\". Did you mean `admin`?",
        ),
        (
            "[[source]]\nname = \"a\"\nkind = \"folder\"\nlocation = \"x\"",
            &[],
            "firstline.toml: `source.0.audience` is missing; add it.",
        ),
        (
            "[server]\nlisten = \"here\"",
            &[],
            "firstline.toml: `server.listen` must be an address and a port such as \
             127.0.0.1:8080, not \"here\".",
        ),
        (
            "[database]\nurl = \"mysql://root:hush@db\"",
            &[],
            "firstline.toml: `database.url` must begin with sqlite: or postgres://.",
        ),
        (
            "[triage]\nanswer_at = 50",
            &[],
            "firstline.toml: `triage.answer_at` is a probability between 0 and 1, not 50.",
        ),
        (
            "[[group]]\nname = \"everyone\"",
            &[],
            "firstline.toml: the group name \"everyone\" is reserved; everybody is in it already.",
        ),
        (
            "[[group]]\nname = \"a\"\nmembers = [\"ruth\"]",
            &[],
            "firstline.toml: the group \"a\" names \"ruth\", which is not an e-mail address.",
        ),
        (
            "[[system]]\nname = \"Tally\"\n[[system]]\nname = \"B\"\naliases = [\"tally\"]",
            &[],
            "firstline.toml: two systems answer to \"tally\"; each name and alias must be used \
             once.",
        ),
        (
            "[model]\nname = \"m\"\nembeddings = \"/m\"",
            &[],
            "firstline.toml: `model.base_url` is missing; add it.",
        ),
        ("[model]\ntimeout_s = 5", &[], "firstline.toml: `model.base_url` is missing; add it."),
        (
            "[model]\nembeddings = \"\"",
            &[],
            "firstline.toml: `model.embeddings` is empty; name the folder of a model, or leave it \
             out.",
        ),
        (
            "[discord]\napplication_id = \"1\"",
            &[],
            "firstline.toml: `discord.token` is missing; make one on the app's page Bot with Reset \
             Token.",
        ),
        (
            "[discord]\ntoken = \"t\"\napplication_id = \"Firstline\"",
            &[],
            "firstline.toml: `discord.application_id` must be the Application ID, a number from \
             the app's page General Information.",
        ),
        (
            "[discord]\ntoken = \"t\"\napplication_id = \"1\"\napi_url = \"https://proxy.example\"",
            &[],
            "firstline.toml: `discord.api_url` must end in /api/v10, not be \
             \"https://proxy.example\".",
        ),
        (
            "[[channel]]\nplatform = \"irc\"\nid = \"1\"\nmode = \"act\"",
            &[],
            "firstline.toml: a `[[channel]]` is on \"irc\"; write \"slack\", \"teams\" or \
             \"discord\".",
        ),
        (
            destinations.as_str(),
            &[],
            "firstline.toml: `model.base_url` leads to localhost, which `privacy.destinations` \
             does not list; add it there or choose a model on a listed host.",
        ),
    ] {
        assert_eq!(refusal(text, env), sentence);
    }
}

#[test]
fn a_missing_file_is_told() {
    let error = Config::load(Some(Path::new("/nowhere/firstline.toml")), []).unwrap_err();
    assert!(error.to_string().starts_with("the configuration /nowhere/firstline.toml cannot be"));
}

/// The example with every suggested line in force: `#key = ...` is a setting, `# words` is
/// prose.
fn example_in_full() -> String {
    let setting = |line: &str| {
        line.strip_prefix('#')
            .is_some_and(|l| l.starts_with(|c: char| c == '[' || c.is_lowercase()))
    };
    EXAMPLE
        .lines()
        .map(|line| if setting(line) { &line[1..] } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_is_a_valid_configuration() {
    load(EXAMPLE, &[]).unwrap();
    parse(&example_in_full(), "the example", []).unwrap();
}

#[test]
fn the_example_names_every_key() {
    // Asking for a key that does not exist makes each section list the ones that do.
    fn known(text: &str) -> &'static [&'static str] {
        match Figment::from(Toml::string(text)).extract::<Config>().unwrap_err().kind {
            Kind::UnknownField(_, known) => known,
            other => panic!("{text}: {other}"),
        }
    }
    let mut missing = BTreeSet::new();
    let example: toml::Table = example_in_full().parse().unwrap();
    for section in known("no_such_key = 1") {
        let list = ["group", "channel", "system", "source"].contains(section);
        let header = if list { format!("[[{section}]]") } else { format!("[{section}]") };
        let named = match example.get(*section) {
            Some(toml::Value::Table(table)) => table.clone(),
            Some(toml::Value::Array(all)) => all[0].as_table().unwrap().clone(),
            _ => toml::Table::new(),
        };
        for key in known(&format!("{header}\nno_such_key = 1")) {
            if !named.contains_key(*key) {
                missing.insert(format!("{section}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in firstline.example.toml: {missing:?}");
}

#[test]
fn a_discord_app_comes_from_the_environment_and_hides_its_token() {
    let env = [
        ("FIRSTLINE__DISCORD__TOKEN", "secret.token"),
        ("FIRSTLINE__DISCORD__APPLICATION_ID", "1234567890123456789"),
        ("FIRSTLINE__DISCORD__API_URL", "http://127.0.0.1:9/api/v10/"),
    ];
    let config = load("", &env).unwrap();
    let discord = config.discord.as_ref().unwrap();
    assert_eq!(
        (discord.application_id.as_str(), discord.root()),
        ("1234567890123456789", "http://127.0.0.1:9")
    );
    assert!(!format!("{config:?}").contains("secret.token"));
}
