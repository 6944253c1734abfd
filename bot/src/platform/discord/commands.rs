//! Commands as Discord knows them: `/firstline`, `/ask`, `/ticket` and "File a ticket" on a
//! message. It owns their definitions, whether they need to be registered again, and what an
//! interaction asks for.

use serde_json::{Map, Value, json};

use super::text::{self, Named, to_markdown};

/// Command types and option types
/// (<https://docs.discord.com/developers/interactions/application-commands>).
const CHAT_INPUT: u64 = 1;
const MESSAGE: u64 = 3;
const SUB_COMMAND: u64 = 1;
const STRING: u64 = 3;

const FILE_FROM: &str = "File a ticket";

/// Of what somebody types into an option.
const LONGEST_OPTION: usize = 6000;
/// Of one suggestion, and of their number.
const LONGEST_SUGGESTION: usize = 100;
const MOST_SUGGESTIONS: usize = 25;

/// What somebody asked for with a command. A closed list: a new command starts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Help,
    Ask(String),
    MyTickets,
    /// The state of a ticket, by what was typed for its key.
    Status(String),
    NewTicket,
    FileFrom(Quoted),
    /// What waits for their review.
    Review,
    /// Tie the account to a person, or no longer.
    Link,
    Unlink,
    /// Which tickets begin like what is being typed?
    Autocomplete {
        typed: String,
    },
}

/// The message that a ticket is to be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) channel: u64,
    pub(super) message_id: u64,
    pub(super) author: u64,
    pub(super) author_is_bot: bool,
    pub(super) author_name: String,
    /// Markdown.
    pub(super) text: String,
}

/// All commands, as PUT `/applications/{id}/commands` takes them. They can be used in a server
/// and in direct messages with the bot, where it is installed for a server.
pub(super) fn definitions() -> Value {
    let command = |kind: u64, name: &str, description: &str, options: Value| {
        json!({
            "type": kind, "name": name, "description": description, "options": options,
            "contexts": [0, 1], "integration_types": [0],
        })
    };
    let words = |name: &str, description: &str, required: bool| {
        json!({
            "type": STRING, "name": name, "description": description, "required": required,
            "max_length": LONGEST_OPTION,
        })
    };
    let sub = |name: &str, description: &str, options: Value| json!({ "type": SUB_COMMAND, "name": name, "description": description, "options": options });
    let mut key = words("key", "The ticket's key, as in FL-123", true);
    key["autocomplete"] = true.into();
    json!([
        command(
            CHAT_INPUT,
            "firstline",
            "Ask a question or say what is wrong",
            json!([words("text", "In your own words; or help, review, link, unlink", false)]),
        ),
        command(
            CHAT_INPUT,
            "ask",
            "Ask a question about our systems",
            json!([words("question", "In your own words", true)]),
        ),
        command(
            CHAT_INPUT,
            "ticket",
            "See your tickets or file one",
            json!([
                sub("list", "Your open tickets", json!([])),
                sub("status", "The state of a ticket", json!([key])),
                sub("new", "File a ticket", json!([])),
            ]),
        ),
        // Discord wants no description of what stands in a menu.
        command(MESSAGE, FILE_FROM, "", json!([])),
    ])
}

/// Whether the commands Discord has are those wanted: compared in what each can be given, with
/// what Discord fills in for what is left out. The order of commands says nothing.
pub(super) fn same(existing: &Value, wanted: &Value) -> bool {
    let all = |commands: &Value| -> Option<Vec<Value>> {
        let mut all: Vec<Value> = commands.as_array()?.iter().map(command).collect();
        all.sort_by_key(|command| (command["name"].to_string(), command["type"].as_u64()));
        Some(all)
    };
    all(existing).is_some_and(|existing| Some(existing) == all(wanted))
}

/// A field as it is given, or what leaving it out (or giving null) means.
fn field(of: &Value, name: &str, default: Value) -> (String, Value) {
    let value = of.get(name).filter(|value| !value.is_null()).cloned();
    (name.to_owned(), value.unwrap_or(default))
}

fn command(of: &Value) -> Value {
    let set = |name: &str, default: Value| {
        let (name, mut value) = field(of, name, default);
        if let Some(numbers) = value.as_array_mut() {
            numbers.sort_by_key(Value::as_u64);
        }
        (name, value)
    };
    let fields = [
        field(of, "type", CHAT_INPUT.into()),
        field(of, "name", Value::Null),
        field(of, "description", "".into()),
        field(of, "name_localizations", Value::Null),
        field(of, "description_localizations", Value::Null),
        field(of, "default_member_permissions", Value::Null),
        field(of, "nsfw", false.into()),
        set("contexts", json!([0, 1, 2])),
        set("integration_types", json!([0])),
        ("options".to_owned(), options(of)),
    ];
    Value::Object(Map::from_iter(fields))
}

fn options(of: &Value) -> Value {
    let option = |of: &Value| {
        let fields = [
            field(of, "type", Value::Null),
            field(of, "name", Value::Null),
            field(of, "description", "".into()),
            field(of, "name_localizations", Value::Null),
            field(of, "description_localizations", Value::Null),
            field(of, "required", false.into()),
            field(of, "autocomplete", false.into()),
            field(of, "choices", json!([])),
            field(of, "min_length", Value::Null),
            field(of, "max_length", Value::Null),
            ("options".to_owned(), options(of)),
        ];
        Value::Object(Map::from_iter(fields))
    };
    of["options"].as_array().into_iter().flatten().map(option).collect()
}

/// What the `data` of an interaction asks for; `None` when it is no command of ours. One that
/// is still being typed is told by the option that has the focus.
pub(super) fn read(data: &Value) -> Option<Asked> {
    let (name, options) = (data["name"].as_str()?, &data["options"]);
    match (data["type"].as_u64().unwrap_or(CHAT_INPUT), name) {
        (CHAT_INPUT, "firstline") => {
            let text = words(options, "text").unwrap_or_default();
            Some(match text.to_lowercase().as_str() {
                "" | "help" => Asked::Help,
                "review" => Asked::Review,
                "link" => Asked::Link,
                "unlink" => Asked::Unlink,
                _ => Asked::Ask(text),
            })
        }
        (CHAT_INPUT, "ask") => Some(words(options, "question").map_or(Asked::Help, Asked::Ask)),
        (CHAT_INPUT, "ticket") => {
            let inner = &options[0]["options"];
            match options[0]["name"].as_str()? {
                "list" => Some(Asked::MyTickets),
                "new" => Some(Asked::NewTicket),
                "status" => match option(inner, "key")? {
                    key if key["focused"] == true => {
                        let typed = key["value"].as_str().unwrap_or_default().trim().to_owned();
                        Some(Asked::Autocomplete { typed })
                    }
                    _ => words(inner, "key").map(Asked::Status),
                },
                _ => None,
            }
        }
        (MESSAGE, FILE_FROM) => quoted(data).map(Asked::FileFrom),
        _ => None,
    }
}

fn option<'v>(options: &'v Value, name: &str) -> Option<&'v Value> {
    options.as_array()?.iter().find(|option| option["name"] == name)
}

/// What was typed into an option, as Markdown.
fn words(options: &Value, name: &str) -> Option<String> {
    let typed = to_markdown(option(options, name)?["value"].as_str()?, &|_| None);
    Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty())
}

fn id(of: &Value, name: &str) -> Option<u64> {
    of[name].as_str()?.parse().ok()
}

/// The message a menu was opened on. Discord sends it whole, whatever else the bot may read.
fn quoted(data: &Value) -> Option<Quoted> {
    let message = &data["resolved"]["messages"][data["target_id"].as_str()?];
    let name = |user: &Value| -> Option<String> {
        let name = ["global_name", "username"].iter().find_map(|name| user[*name].as_str());
        name.map(str::to_owned)
    };
    let mentions = message["mentions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name_of = |named: Named| match named {
        Named::User(user) => mentions.iter().find(|it| id(it, "id") == Some(user)).and_then(name),
        _ => None,
    };
    let author = &message["author"];
    Some(Quoted {
        channel: id(message, "channel_id")?,
        message_id: id(message, "id")?,
        author: id(author, "id")?,
        author_is_bot: author["bot"] == true,
        author_name: name(author).unwrap_or_default(),
        text: to_markdown(message["content"].as_str().unwrap_or_default(), &name_of),
    })
}

/// The data of an answer to [`Asked::Autocomplete`]: tickets by key and summary.
pub(super) fn suggestions<'t>(tickets: impl IntoIterator<Item = (&'t str, &'t str)>) -> Value {
    let choices = tickets
        .into_iter()
        .filter(|(key, _)| (1..=LONGEST_SUGGESTION).contains(&text::size(key)))
        .take(MOST_SUGGESTIONS)
        .map(|(key, summary)| {
            let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
            let shown =
                if summary.is_empty() { key.to_owned() } else { format!("{key}: {summary}") };
            json!({ "name": text::cut(&shown, LONGEST_SUGGESTION), "value": key })
        });
    json!({ "choices": choices.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests;
