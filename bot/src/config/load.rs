//! Reading the configuration: the file, then the environment over it, then the secrets'
//! files. Every mistake is told in one sentence that says where it is and what helps.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use thiserror::Error;

use super::{Config, check};

/// Variables that begin so are configuration: `FIRSTLINE__SECTION__KEY`.
pub const ENV_PREFIX: &str = "FIRSTLINE__";

/// Used when it exists and `--config` names no other.
pub const DEFAULT_FILE: &str = "firstline.toml";

/// What is wrong with the configuration, in sentences.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("the configuration {path} cannot be read: {reason}. Check the path given to --config.")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{place}: {problem}")]
    Wrong { place: String, problem: String },
    #[error("unknown key `{key}` in {place}. {mend}")]
    UnknownKey { key: String, place: String, mend: String },
    #[error(
        "the secret file {path} (from {key}) cannot be read: {reason}. Check that it exists and \
         that the service's user may read it."
    )]
    Secret { key: &'static str, path: PathBuf, reason: String },
}

impl Config {
    /// Reads `path` (or nothing), lays the environment's `FIRSTLINE__...` variables over it,
    /// reads the secrets' files and checks every value. Relative paths in the configuration
    /// are taken from the folder the file is in.
    pub fn load(
        path: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let text = match path {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable {
                path: path.to_owned(),
                reason: e.to_string(),
            })?,
        };
        let place = path.map_or_else(|| "the environment".to_owned(), |p| p.display().to_string());
        let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
        Self::from_text(&text, &place, folder, env)
    }

    /// The same from text, for configurations that are compiled in. `place` names it in
    /// error sentences.
    pub fn from_text(
        text: &str,
        place: &str,
        folder: &Path,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut config = parse(text, place, env)?;
        resolve_paths(&mut config, folder);
        read_secrets(&mut config)?;
        check::normalise(&mut config);
        check::check(&config)
            .map_err(|problem| ConfigError::Wrong { place: place.to_owned(), problem })?;
        Ok(config)
    }
}

/// One variable of the environment. Its text is read as a number, list or table where it
/// looks like one, until the key turns out to want text.
struct Variable {
    name: String,
    path: Vec<String>,
    text: String,
    as_text: bool,
}

impl Variable {
    fn of(name: String, text: String) -> Option<Self> {
        let path = name.strip_prefix(ENV_PREFIX)?;
        let path = path.split("__").map(str::to_lowercase).collect();
        Some(Variable { name, path, text, as_text: false })
    }

    /// The value inside its tables, as a document of its own.
    fn document(&self) -> Dict {
        let value = if self.as_text {
            Value::from(self.text.as_str())
        } else {
            // Reading cannot fail: what is nothing else is text.
            self.text.parse().unwrap_or_else(|_| Value::from(self.text.as_str()))
        };
        let nested = self.path[1..]
            .iter()
            .rev()
            .fold(value, |inner, key| Value::from(Dict::from([(key.clone(), inner)])));
        Dict::from([(self.path[0].clone(), nested)])
    }
}

pub(super) fn parse(
    text: &str,
    place: &str,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    // Parsed on its own first, for the line a syntax error is in.
    if let Err(e) = text.parse::<toml::Table>() {
        let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        return Err(ConfigError::Wrong {
            place: format!("{place}, line {line}"),
            problem: format!("this is not valid TOML: {}.", e.message()),
        });
    }
    let mut variables: Vec<Variable> =
        env.into_iter().filter_map(|(name, text)| Variable::of(name, text)).collect();
    variables.sort_by(|a, b| a.name.cmp(&b.name));
    loop {
        let mut figment = Figment::from(Toml::string(text));
        for variable in &variables {
            figment = figment.merge(Serialized::defaults(variable.document()));
        }
        let error = match figment.extract::<Config>() {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let from_env = variables.iter_mut().find(|v| error.path.starts_with(&v.path));
        match from_env {
            // `FIRSTLINE__MODEL__API_KEY=12345` is text although it looks like a number.
            Some(v) if matches!(error.kind, Kind::InvalidType(..)) && !v.as_text => {
                v.as_text = true;
            }
            v => {
                let place = v.map_or_else(|| place.to_owned(), |v| v.name.clone());
                return Err(sentence(&error, place));
            }
        }
    }
}

fn sentence(error: &figment::Error, place: String) -> ConfigError {
    let key = error.path.join(".");
    let problem = match &error.kind {
        Kind::UnknownField(name, known) => {
            let section: Vec<&str> =
                error.path.iter().map(String::as_str).filter(|part| part != name).collect();
            let mut full = section.join(".");
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(name);
            return ConfigError::UnknownKey { key: full, place, mend: did_you_mean(name, known) };
        }
        Kind::UnknownVariant(word, known) => {
            format!("`{key}` cannot be \"{word}\". {}", did_you_mean(word, known))
        }
        Kind::MissingField(name) if key.is_empty() => format!("`{name}` is missing."),
        Kind::MissingField(name) => format!("`{key}.{name}` is missing; add it."),
        Kind::InvalidType(actual, wanted) => {
            format!("`{key}` must be {}, not {}.", plainly(wanted), shown(actual))
        }
        Kind::InvalidValue(actual, wanted) => {
            format!("`{key}` must be {wanted}, not {}.", shown(actual))
        }
        Kind::InvalidLength(length, wanted) => {
            format!("`{key}` has {length} entries; it must be {wanted}.")
        }
        other => format!("`{key}`: {other}."),
    };
    ConfigError::Wrong { place, problem }
}

/// What serde expects, in words for people who never saw Rust.
fn plainly(wanted: &str) -> &str {
    match wanted {
        "usize" | "u64" | "u32" => "a whole number",
        "f64" => "a number",
        "a string" | "path string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        other => other,
    }
}

/// The value without its content where that could be a secret.
fn shown(actual: &Actual) -> String {
    match actual {
        Actual::Str(_) => "text".to_owned(),
        other => other.to_string(),
    }
}

/// The nearest known word, else all of them.
fn did_you_mean(word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|k| (strsim::jaro_winkler(&word.to_lowercase(), k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, nearest)) if score >= 0.8 => format!("Did you mean `{nearest}`?"),
        _ => {
            let all: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
            format!("Known here: {}.", all.join(", "))
        }
    }
}

fn resolve_paths(config: &mut Config, folder: &Path) {
    let from_folder = |path: &mut Option<PathBuf>| {
        if let Some(path) = path {
            *path = folder.join(&*path);
        }
    };
    from_folder(&mut config.server.prompts);
    from_folder(&mut config.database.url_file);
    if let Some(model) = &mut config.model {
        from_folder(&mut model.api_key_file);
        // Left empty for the check to refuse.
        if model.embeddings.as_ref().is_some_and(|f| !f.as_os_str().is_empty()) {
            from_folder(&mut model.embeddings);
        }
    }
    if let Some(teams) = &mut config.teams {
        from_folder(&mut teams.app_password_file);
    }
    if let Some(slack) = &mut config.slack {
        from_folder(&mut slack.bot_token_file);
        from_folder(&mut slack.app_token_file);
        from_folder(&mut slack.signing_secret_file);
    }
    if let Some(discord) = &mut config.discord {
        from_folder(&mut discord.token_file);
    }
    for source in &mut config.source {
        source.location = folder.join(&source.location).display().to_string();
    }
    if let Some(file) = config.database.url.as_deref().and_then(|u| u.strip_prefix("sqlite:")) {
        config.database.url = Some(format!("sqlite:{}", folder.join(file).display()));
    }
}

/// Puts the content of each `..._file` in the place of its secret.
fn read_secrets(config: &mut Config) -> Result<(), ConfigError> {
    read_secret("database.url_file", &mut config.database.url, &config.database.url_file)?;
    if let Some(model) = &mut config.model {
        read_secret("model.api_key_file", &mut model.api_key, &model.api_key_file)?;
    }
    if let Some(teams) = &mut config.teams {
        let file = &teams.app_password_file;
        read_secret("teams.app_password_file", &mut teams.app_password, file)?;
    }
    if let Some(slack) = &mut config.slack {
        read_secret("slack.bot_token_file", &mut slack.bot_token, &slack.bot_token_file)?;
        read_secret("slack.app_token_file", &mut slack.app_token, &slack.app_token_file)?;
        let secret = &mut slack.signing_secret;
        read_secret("slack.signing_secret_file", secret, &slack.signing_secret_file)?;
    }
    if let Some(discord) = &mut config.discord {
        read_secret("discord.token_file", &mut discord.token, &discord.token_file)?;
    }
    Ok(())
}

fn read_secret(
    key: &'static str,
    value: &mut Option<String>,
    file: &Option<PathBuf>,
) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    if value.is_some() {
        let plain = key.trim_end_matches("_file");
        return Err(ConfigError::Wrong {
            place: "the configuration".to_owned(),
            problem: format!("both `{plain}` and `{key}` are set; keep one of them."),
        });
    }
    let refused = |reason: String| ConfigError::Secret { key, path: path.clone(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| refused(e.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(refused("it is empty".to_owned()));
    }
    *value = Some(text.to_owned());
    Ok(())
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
