//! The limits Slack documents for messages and views.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::world::{list, refuse, text_of};

/// The limits on what a message holds.
pub(super) fn check_content(with: &Value) -> Result<(), Value> {
    let (blocks, metadata) = (&with["blocks"], &with["metadata"]);
    let mut wrong = Wrong::default();
    wrong.length(&with["text"], "/text", 40_000);
    wrong.or("msg_too_long")?;
    if !blocks.is_null() && !blocks.is_array() {
        return Err(refuse("invalid_blocks_format"));
    }
    let mut wrong = Wrong::default();
    if list(blocks).next().is_some() {
        wrong.blocks(blocks, "/blocks", 50);
    } else if text_of(with, "text").is_empty() {
        return Err(refuse("no_text"));
    }
    wrong.or("invalid_blocks")?;
    let named = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if metadata.is_null() || named { Ok(()) } else { Err(refuse("invalid_metadata_format")) }
}

const PLAIN: &[&str] = &["plain_text"];
const ANY: &[&str] = &["plain_text", "mrkdwn"];

/// What Slack finds wrong, each with the place.
#[derive(Default)]
pub(super) struct Wrong(pub(super) Vec<String>);

impl Wrong {
    /// The refusal, if anything is wrong.
    pub(super) fn or(self, error: &str) -> Result<(), Value> {
        let mut refusal = refuse(error);
        refusal["response_metadata"] = json!({"messages": self.0});
        if self.0.is_empty() { Ok(()) } else { Err(refusal) }
    }

    fn unless(&mut self, right: bool, what: &str, at: &str) {
        if !right {
            self.0.push(format!("[ERROR] {what} [json-pointer:{at}]"));
        }
    }

    fn length(&mut self, value: &Value, at: &str, most: usize) {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        self.unless(length <= most, &format!("must be less than {} characters", most + 1), at);
    }

    /// An id nothing beside it has; it may be missing.
    fn id(&mut self, id: &Value, at: &str, beside: &mut HashSet<String>) {
        self.length(id, at, 255);
        let new = id.as_str().is_none_or(|id| !id.is_empty() && beside.insert(id.to_owned()));
        self.unless(new, "must be unique and more than 0 characters", at);
    }

    fn text(&mut self, text: &Value, at: &str, most: usize, types: &[&str]) {
        self.unless(types.contains(&text_of(text, "type")), "unsupported type", at);
        self.unless(!text_of(text, "text").is_empty(), "must be more than 0 characters", at);
        self.length(&text["text"], at, most);
    }

    fn count(&mut self, items: &Value, at: &str, most: usize) {
        let few = (1..=most).contains(&list(items).count());
        self.unless(few, &format!("no less than 1 and no more than {most} items allowed"), at);
    }

    fn blocks(&mut self, blocks: &Value, at: &str, most: usize) {
        self.count(blocks, at, most);
        let mut ids = HashSet::new();
        for (n, block) in list(blocks).enumerate() {
            let at = format!("{at}/{n}");
            let (text, elements) = (&block["text"], &block["elements"]);
            self.id(&block["block_id"], &format!("{at}/block_id"), &mut ids);
            match text_of(block, "type") {
                "section" if text.is_null() => self.count(&block["fields"], &at, 10),
                "section" => self.text(text, &format!("{at}/text"), 3000, ANY),
                "header" => self.text(text, &format!("{at}/text"), 150, PLAIN),
                "context" => self.count(elements, &format!("{at}/elements"), 10),
                "actions" => self.count(elements, &format!("{at}/elements"), 25),
                "input" => self.text(&block["label"], &format!("{at}/label"), 2000, PLAIN),
                "divider" | "image" | "markdown" | "rich_text" => continue,
                _ => self.unless(false, "unsupported type", &at),
            }
            let mut ids = HashSet::new();
            let one = [&block["accessory"], &block["element"]].into_iter();
            for (n, element) in list(elements).chain(one.filter(|it| !it.is_null())).enumerate() {
                let at = format!("{at}/elements/{n}");
                self.id(&element["action_id"], &at, &mut ids);
                self.length(&element["value"], &at, 2000);
                match text_of(element, "type") {
                    "button" => self.text(&element["text"], &at, 75, PLAIN),
                    "plain_text" | "mrkdwn" => self.text(element, &at, 3000, ANY),
                    kind => self.unless(!kind.is_empty(), "unsupported type", &at),
                }
            }
        }
    }

    pub(super) fn view(&mut self, view: &Value, kind: &str) {
        self.unless(view["type"] == kind, "unsupported type", "/view/type");
        for part in ["title", "submit", "close"] {
            if !view[part].is_null() || part == "title" && kind == "modal" {
                self.text(&view[part], &format!("/view/{part}"), 24, PLAIN);
            }
        }
        self.length(&view["callback_id"], "/view/callback_id", 255);
        self.length(&view["private_metadata"], "/view/private_metadata", 3000);
        self.blocks(&view["blocks"], "/view/blocks", 100);
        let filled_in = kind == "modal" && list(&view["blocks"]).any(|b| b["type"] == "input");
        self.unless(!filled_in || !view["submit"].is_null(), "missing `submit`", "/view");
    }
}
