//! Adaptive Cards as Teams shows them: version 1.5 at most, no media
//! (<https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference>),
//! each element with what the schema requires of it
//! (<https://adaptivecards.io/explorer/>).

use std::collections::HashSet;

use serde_json::Value;

use super::{list, text_of};

/// Buttons of one row; what is more is not shown.
const MOST_ACTIONS: usize = 6;
const NEWEST: (u32, u32) = (1, 5);

/// What is wrong with a card first, with the place.
pub(super) fn wrong(card: &Value) -> Option<String> {
    let mut check = Check::default();
    check.unless(version(card).is_some_and(|it| it <= NEWEST), "unsupported version", "");
    check.card(card, "");
    check.wrong.into_iter().next()
}

/// Every action of a card, those of cards it opens too.
pub(super) fn actions(card: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    let mut look_into = vec![card];
    while let Some(value) = look_into.pop() {
        if text_of(value, "type").starts_with("Action.") {
            found.push(value.clone());
        }
        match value {
            Value::Array(items) => look_into.extend(items.iter().rev()),
            // What an action carries is data, not a part of the card.
            Value::Object(fields) => look_into.extend(
                fields.iter().filter(|(name, _)| *name != "data").map(|(_, field)| field).rev(),
            ),
            _ => {}
        }
    }
    found
}

fn version(card: &Value) -> Option<(u32, u32)> {
    let (major, minor) = card["version"].as_str()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[derive(Default)]
struct Check {
    wrong: Vec<String>,
    ids: HashSet<String>,
}

impl Check {
    fn unless(&mut self, right: bool, what: &str, at: &str) {
        if !right {
            self.wrong.push(format!("Invalid card: {what} at /{}", at.trim_start_matches('/')));
        }
    }

    fn text(&mut self, of: &Value, key: &str, at: &str) {
        self.unless(!text_of(of, key).is_empty(), &format!("`{key}` is missing"), at);
    }

    /// A card of its own or one that an action opens.
    fn card(&mut self, card: &Value, at: &str) {
        self.unless(card["type"] == "AdaptiveCard", "not an AdaptiveCard", at);
        let empty = list(&card["body"]).chain(list(&card["actions"])).next().is_none();
        self.unless(!empty, "nothing to show", at);
        self.elements(&card["body"], &format!("{at}/body"));
        self.actions(&card["actions"], &format!("{at}/actions"));
    }

    fn elements(&mut self, elements: &Value, at: &str) {
        self.unless(elements.is_null() || elements.is_array(), "not a list", at);
        for (n, element) in list(elements).enumerate() {
            self.element(element, &format!("{at}/{n}"));
        }
    }

    fn element(&mut self, element: &Value, at: &str) {
        if let Some(id) = element["id"].as_str() {
            let new = self.ids.insert(id.to_owned());
            self.unless(new, "an id comes twice", at);
        }
        match text_of(element, "type") {
            "TextBlock" => self.text(element, "text", at),
            "RichTextBlock" => self.some(element, "inlines", at),
            "Image" => self.text(element, "url", at),
            "CodeBlock" => self.text(element, "codeSnippet", at),
            "FactSet" => {
                self.some(element, "facts", at);
                for fact in list(&element["facts"]) {
                    self.text(fact, "title", at);
                    self.text(fact, "value", at);
                }
            }
            "ActionSet" => {
                self.some(element, "actions", at);
                self.actions(&element["actions"], &format!("{at}/actions"));
            }
            kind @ ("Container" | "Column" | "ColumnSet" | "ImageSet" | "Table" | "TableRow"
            | "TableCell") => {
                let inside = match kind {
                    "ColumnSet" => "columns",
                    "ImageSet" => "images",
                    "Table" => "rows",
                    "TableRow" => "cells",
                    _ => "items",
                };
                self.some(element, inside, at);
                self.elements(&element[inside], &format!("{at}/{inside}"));
                if !element["selectAction"].is_null() {
                    self.action(&element["selectAction"], false, at);
                }
            }
            kind if kind.starts_with("Input.") => self.input(element, &kind["Input.".len()..], at),
            kind => self.unless(false, &format!("unknown element `{kind}`"), at),
        }
    }

    fn some(&mut self, of: &Value, key: &str, at: &str) {
        let some = list(&of[key]).next().is_some();
        self.unless(some, &format!("`{key}` is empty"), at);
    }

    fn input(&mut self, input: &Value, kind: &str, at: &str) {
        self.text(input, "id", at);
        match kind {
            "Text" | "Number" | "Date" | "Time" => {}
            "Toggle" => self.text(input, "title", at),
            "ChoiceSet" => {
                for choice in list(&input["choices"]) {
                    self.text(choice, "title", at);
                    self.text(choice, "value", at);
                }
                let searched = !input["choices.data"].is_null();
                self.unless(searched || !input["choices"].is_null(), "no choices", at);
            }
            _ => self.unless(false, &format!("unknown input `{kind}`"), at),
        }
        let required = input["isRequired"] == true;
        let explained = !text_of(input, "errorMessage").is_empty();
        self.unless(!required || explained, "a required input without `errorMessage`", at);
    }

    fn actions(&mut self, actions: &Value, at: &str) {
        self.unless(actions.is_null() || actions.is_array(), "not a list", at);
        let primary = list(actions).filter(|action| action["mode"] != "secondary").count();
        self.unless(primary <= MOST_ACTIONS, "more than six actions", at);
        for (n, action) in list(actions).enumerate() {
            self.action(action, true, &format!("{at}/{n}"));
        }
    }

    /// A button has a title; what is pressed by pressing a container needs none.
    fn action(&mut self, action: &Value, button: bool, at: &str) {
        if button {
            self.text(action, "title", at);
        }
        match text_of(action, "type") {
            "Action.Execute" | "Action.Submit" => {}
            "Action.OpenUrl" => self.text(action, "url", at),
            "Action.ShowCard" => self.card(&action["card"], &format!("{at}/card")),
            "Action.ToggleVisibility" => self.some(action, "targetElements", at),
            kind => self.unless(false, &format!("unknown action `{kind}`"), at),
        }
        let style = &action["style"];
        let known = ["default", "positive", "destructive"].iter().any(|known| style == known);
        self.unless(style.is_null() || known, "unknown style", at);
    }
}
