//! The limits Discord documents for messages, forms and commands. Lengths count characters.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::rest::{Refusal, refuse_form};
use super::{list, text_of};

/// What Discord finds wrong, by the place in the body.
#[derive(Default)]
pub(super) struct Wrong(Value);

impl Wrong {
    /// The place is given as `embeds/0/title`.
    pub(super) fn add(&mut self, at: &str, code: &str, message: &str) {
        let place = at.split('/').fold(&mut self.0, |place, step| &mut place[step]);
        let errors = &mut place["_errors"];
        if errors.is_null() {
            *errors = json!([]);
        }
        errors.as_array_mut().unwrap().push(json!({"code": code, "message": message}));
    }

    pub(super) fn into_refusal(self) -> Refusal {
        refuse_form(self.0)
    }

    /// The refusal, if anything is wrong.
    pub(super) fn or(self) -> Result<(), Refusal> {
        if self.0.is_null() { Ok(()) } else { Err(self.into_refusal()) }
    }

    fn unless(&mut self, right: bool, at: &str, code: &str, message: &str) {
        if !right {
            self.add(at, code, message);
        }
    }

    /// A text of such a length. It may be missing if it may be empty.
    pub(super) fn length(&mut self, value: &Value, at: &str, within: RangeInclusive<usize>) {
        let length = value.as_str().unwrap_or_default().trim().chars().count();
        let (least, most) = (within.start(), within.end());
        if value.is_null() && *least > 0 {
            self.add(at, "BASE_TYPE_REQUIRED", "This field is required");
        } else if *least == 0 {
            let message = format!("Must be {most} or fewer in length.");
            self.unless(length <= *most, at, "BASE_TYPE_MAX_LENGTH", &message);
        } else {
            let message = format!("Must be between {least} and {most} in length.");
            self.unless(within.contains(&length), at, "BASE_TYPE_BAD_LENGTH", &message);
        }
    }

    /// A list of so many; none at all counts as empty.
    fn count(&mut self, value: &Value, at: &str, within: RangeInclusive<usize>) {
        let right = within.contains(&list(value).count());
        let message = format!("Must be between {} and {} in length.", within.start(), within.end());
        self.unless(right, at, "BASE_TYPE_BAD_LENGTH", &message);
    }

    /// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>
    fn embeds(&mut self, embeds: &Value) {
        self.count(embeds, "embeds", 0..=10);
        let mut total = 0;
        for (n, embed) in list(embeds).enumerate() {
            let mut text = |value: &Value, at: &str, within| {
                total += value.as_str().unwrap_or_default().trim().chars().count();
                self.length(value, &format!("embeds/{n}/{at}"), within);
            };
            text(&embed["title"], "title", 0..=256);
            text(&embed["description"], "description", 0..=4096);
            text(&embed["footer"]["text"], "footer/text", 0..=2048);
            text(&embed["author"]["name"], "author/name", 0..=256);
            for (m, field) in list(&embed["fields"]).enumerate() {
                text(&field["name"], &format!("fields/{m}/name"), 1..=256);
                text(&field["value"], &format!("fields/{m}/value"), 1..=1024);
            }
            self.count(&embed["fields"], &format!("embeds/{n}/fields"), 0..=25);
        }
        let message = "Embed size exceeds maximum size of 6000";
        self.unless(total <= 6000, "embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
    }

    /// <https://discord.com/developers/docs/components/reference>
    fn rows(&mut self, components: &Value) {
        self.count(components, "components", 0..=5);
        let mut ids = HashSet::new();
        for (n, row) in list(components).enumerate() {
            let at = format!("components/{n}");
            self.kind(row, &at, &[1]);
            let inside = &row["components"];
            let select = list(inside).any(|one| one["type"] != 2);
            let most = if select { 1 } else { 5 };
            self.count(inside, &format!("{at}/components"), 1..=most);
            for (m, one) in list(inside).enumerate() {
                let at = format!("{at}/components/{m}");
                self.kind(one, &at, &[2, 3, 5, 6, 7, 8]);
                if one["type"] == 2 {
                    self.button(one, &at);
                } else {
                    self.select(one, &at);
                }
                let id = text_of(one, "custom_id");
                let new = id.is_empty() || ids.insert(id);
                let message = "Component custom id cannot be duplicated";
                let code = "COMPONENT_CUSTOM_ID_DUPLICATED";
                self.unless(new, &format!("{at}/custom_id"), code, message);
            }
        }
    }

    fn kind(&mut self, component: &Value, at: &str, kinds: &[u64]) {
        let right = component["type"].as_u64().is_some_and(|kind| kinds.contains(&kind));
        let message = format!("Value of field \"type\" must be one of {kinds:?}.");
        self.unless(right, &format!("{at}/type"), "UNION_TYPE_CHOICES", &message);
    }

    fn button(&mut self, button: &Value, at: &str) {
        self.length(&button["label"], &format!("{at}/label"), 0..=80);
        let named = !text_of(button, "label").is_empty() || !button["emoji"].is_null();
        self.unless(named, at, "BUTTON_COMPONENT_LABEL_OR_EMOJI", "A label or emoji is required");
        match button["style"].as_u64() {
            Some(1..=4) => self.length(&button["custom_id"], &format!("{at}/custom_id"), 1..=100),
            Some(5) => {
                self.length(&button["url"], &format!("{at}/url"), 1..=512);
                let right = button["custom_id"].is_null();
                let message = "A link has no custom id";
                self.unless(right, at, "BUTTON_COMPONENT_CUSTOM_ID_AND_URL", message);
            }
            _ => self.add(&format!("{at}/style"), "BASE_TYPE_CHOICES", "Unknown style"),
        }
    }

    fn select(&mut self, select: &Value, at: &str) {
        self.length(&select["custom_id"], &format!("{at}/custom_id"), 1..=100);
        self.length(&select["placeholder"], &format!("{at}/placeholder"), 0..=150);
        if select["type"] != 3 {
            return;
        }
        self.count(&select["options"], &format!("{at}/options"), 1..=25);
        for (n, option) in list(&select["options"]).enumerate() {
            let at = format!("{at}/options/{n}");
            self.length(&option["label"], &format!("{at}/label"), 1..=100);
            self.length(&option["value"], &format!("{at}/value"), 1..=100);
            self.length(&option["description"], &format!("{at}/description"), 0..=100);
        }
    }

    /// A command, or an option of one; returns how many characters count towards the whole.
    fn command(&mut self, command: &Value, at: &str, chat_input: bool) -> usize {
        let name = text_of(command, "name");
        self.length(&command["name"], &format!("{at}/name"), 1..=32);
        let described = if chat_input { 1..=100 } else { 0..=0 };
        self.length(&command["description"], &format!("{at}/description"), described);
        let fit =
            |c: char| matches!(c, '-' | '_' | '\'') || c.is_alphanumeric() && !c.is_uppercase();
        let message = "Command name is invalid";
        let code = "APPLICATION_COMMAND_INVALID_NAME";
        self.unless(!chat_input || name.chars().all(fit), &format!("{at}/name"), code, message);
        let (options, choices) = (&command["options"], &command["choices"]);
        self.count(options, &format!("{at}/options"), 0..=25);
        self.count(choices, &format!("{at}/choices"), 0..=25);
        let size = |text: &str| text.chars().count();
        let mut total = size(name) + size(text_of(command, "description"));
        for (n, choice) in list(choices).enumerate() {
            let at = format!("{at}/choices/{n}");
            self.length(&choice["name"], &format!("{at}/name"), 1..=100);
            self.length(&choice["value"], &format!("{at}/value"), 0..=100);
            total += size(text_of(choice, "name")) + size(text_of(choice, "value"));
        }
        let mut optional = false;
        for (n, option) in list(options).enumerate() {
            let at = format!("{at}/options/{n}");
            let required = option["required"] == true;
            let message = "Required options must be placed before non-required options";
            let code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID";
            self.unless(!(required && optional), &at, code, message);
            optional |= !required;
            total += self.command(option, &at, true);
        }
        total
    }
}

/// <https://discord.com/developers/docs/resources/message#create-message>
pub(super) fn check_message(with: &Value) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    wrong.length(&with["content"], "content", 0..=2000);
    wrong.length(&with["nonce"], "nonce", 0..=25);
    wrong.embeds(&with["embeds"]);
    wrong.rows(&with["components"]);
    wrong.or()
}

/// <https://discord.com/developers/docs/components/reference#text-input>
pub(super) fn check_modal(modal: &Value) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    wrong.length(&modal["title"], "data/title", 1..=45);
    wrong.length(&modal["custom_id"], "data/custom_id", 1..=100);
    wrong.count(&modal["components"], "data/components", 1..=5);
    let mut ids = HashSet::new();
    for (n, row) in list(&modal["components"]).enumerate() {
        let at = format!("data/components/{n}");
        wrong.kind(row, &at, &[1]);
        wrong.count(&row["components"], &format!("{at}/components"), 1..=1);
        for input in list(&row["components"]) {
            let at = format!("{at}/components/0");
            wrong.kind(input, &at, &[4]);
            wrong.length(&input["custom_id"], &format!("{at}/custom_id"), 1..=100);
            wrong.length(&input["label"], &format!("{at}/label"), 1..=45);
            wrong.length(&input["placeholder"], &format!("{at}/placeholder"), 0..=100);
            wrong.length(&input["value"], &format!("{at}/value"), 0..=4000);
            let style = input["style"].as_u64().is_some_and(|style| (1..=2).contains(&style));
            wrong.unless(style, &format!("{at}/style"), "BASE_TYPE_CHOICES", "Unknown style");
            for (key, least) in [("min_length", 0), ("max_length", 1)] {
                let right = input[key].as_u64().is_none_or(|n| (least..=4000).contains(&n));
                let message = format!("int value should be between {least} and 4000.");
                wrong.unless(right, &format!("{at}/{key}"), "NUMBER_TYPE_MAX", &message);
            }
            let new = ids.insert(text_of(input, "custom_id"));
            let code = "COMPONENT_CUSTOM_ID_DUPLICATED";
            wrong.unless(new, &at, code, "Component custom id cannot be duplicated");
        }
    }
    wrong.or()
}

/// The choices an autocompletion offers, limited as those of an option are.
pub(super) fn check_choices(data: &Value) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    wrong.count(&data["choices"], "data/choices", 0..=25);
    for (n, choice) in list(&data["choices"]).enumerate() {
        wrong.length(&choice["name"], &format!("data/choices/{n}/name"), 1..=100);
        wrong.length(&choice["value"], &format!("data/choices/{n}/value"), 0..=100);
    }
    wrong.or()
}

/// All commands of an application:
/// <https://discord.com/developers/docs/interactions/application-commands#registering-a-command>.
pub(super) fn check_commands(commands: &Value) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    let mut names = HashSet::new();
    for (n, command) in list(commands).enumerate() {
        let kind = command["type"].as_u64().unwrap_or(1);
        let total = wrong.command(command, &n.to_string(), kind == 1);
        let message = "Command exceeds maximum size (8000)";
        let code = "APPLICATION_COMMAND_TOO_LARGE";
        wrong.unless(total <= 8000, &n.to_string(), code, message);
        let new = names.insert((kind, text_of(command, "name")));
        let message = "Application command names must be unique";
        let code = "APPLICATION_COMMANDS_DUPLICATE_NAME";
        wrong.unless(new, &format!("{n}/name"), code, message);
        let beside = names.iter().filter(|(other, _)| *other == kind).count();
        let most = if kind == 1 { 100 } else { 15 };
        let message = format!("Maximum number of application commands reached ({most})");
        wrong.unless(beside <= most, &n.to_string(), "APPLICATION_COMMAND_LIMIT", &message);
    }
    wrong.or()
}
