//! What waits for a support owner's review, and the correction of a ticket: lists to choose from
//! in the place of the message they were opened from. What was chosen travels in the names of the
//! components.

use firstline_core::capabilities::DISCORD;
use firstline_core::chat::{Message, ReviewLine};
use firstline_core::ticket::{Impact, Kind, Urgency};
use serde_json::{Value, json};

use super::form::{choice, list, mark, offered};
use super::{BUTTON, PRIMARY, ROW, SECONDARY, text};
use crate::platform::offer::{self, KINDS};
use crate::platform::review::{AGREE, CORRECT, Corrected, IMPACTS, URGENCIES};
use crate::store::records::Ticket;

/// What all components of a correction are called before their first colon.
const FORM: &str = "firstline.correction";
/// Of a summary: the words about five tickets fit into one message.
const LONGEST_SUMMARY: usize = 120;

/// What was done in a list to review or in a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Review {
    Agree(String),
    Open(String),
    Choose(List, Correcting),
    Save(Correcting),
    /// Back to the list, nothing corrected.
    Back,
}

/// The lists of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum List {
    Kind,
    System,
    Impact,
    Urgency,
}

impl List {
    const ALL: [(List, &str); 4] = [
        (List::Kind, "kind"),
        (List::System, "system"),
        (List::Impact, "impact"),
        (List::Urgency, "urgency"),
    ];
}

/// A correction while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Correcting {
    pub(in super::super) of: Corrected,
    kind: Kind,
    /// Stands for the system's name, which may be long.
    mark: Option<String>,
    impact: Impact,
    urgency: Urgency,
}

impl Review {
    /// From a component's `custom_id`.
    pub(in super::super) fn read(custom_id: &str) -> Option<Review> {
        let (name, rest) = custom_id.split_once(':')?;
        let key = || Some(rest.to_owned()).filter(|key| !key.is_empty());
        match name {
            name if name == AGREE.0 => key().map(Review::Agree),
            name if name == CORRECT.0 => key().map(Review::Open),
            FORM => {
                let (step, rest) = rest.split_once(':')?;
                if step == "back" {
                    return Some(Review::Back);
                }
                let correcting = Correcting::read(rest)?;
                if step == "save" {
                    return Some(Review::Save(correcting));
                }
                let list = List::ALL.iter().find(|(_, name)| *name == step)?.0;
                Some(Review::Choose(list, correcting))
            }
            _ => None,
        }
    }
}

impl Correcting {
    pub(in super::super) fn of(ticket: &Ticket) -> Correcting {
        Correcting {
            of: Corrected { key: ticket.key.clone(), version: ticket.version },
            kind: ticket.kind,
            mark: ticket.system.as_deref().map(mark),
            impact: ticket.impact,
            urgency: ticket.urgency,
        }
    }

    fn read(rest: &str) -> Option<Correcting> {
        let mut parts = rest.split(':');
        let mut next = || parts.next();
        let correcting = Correcting {
            of: Corrected {
                key: next().filter(|key| !key.is_empty())?.to_owned(),
                version: next()?.parse().ok()?,
            },
            kind: Kind::parse(next()?)?,
            mark: Some(next()?.to_owned()).filter(|mark| !mark.is_empty()),
            impact: Impact::parse(next()?)?,
            urgency: Urgency::parse(next()?)?,
        };
        next().is_none().then_some(correcting)
    }

    fn id(&self, step: &str) -> String {
        let Correcting { of: Corrected { key, version }, kind, impact, urgency, .. } = self;
        let mark = self.mark.as_deref().unwrap_or_default();
        format!("{FORM}:{step}:{key}:{version}:{kind}:{mark}:{impact}:{urgency}")
    }

    /// With what was chosen in a list: the `data` of an interaction.
    #[must_use]
    pub(in super::super) fn chosen(self, list: List, data: &Value) -> Correcting {
        let value = data["values"][0].as_str();
        match (list, value) {
            (List::Kind, Some(kind)) => {
                Correcting { kind: Kind::parse(kind).unwrap_or(self.kind), ..self }
            }
            (List::System, mark) => Correcting { mark: mark.map(str::to_owned), ..self },
            (List::Impact, Some(impact)) => {
                Correcting { impact: Impact::parse(impact).unwrap_or(self.impact), ..self }
            }
            (List::Urgency, Some(urgency)) => {
                Correcting { urgency: Urgency::parse(urgency).unwrap_or(self.urgency), ..self }
            }
            _ => self,
        }
    }

    /// What is chosen now in the list of this name.
    pub(in super::super) fn choice<'s>(
        &'s self,
        list: &str,
        systems: &'s [String],
    ) -> Option<&'s str> {
        match List::ALL.iter().find(|(_, name)| *name == list)?.0 {
            List::Kind => Some(self.kind.as_str()),
            List::System => {
                let wanted = self.mark.as_deref()?;
                systems.iter().map(String::as_str).find(|name| mark(name) == wanted)
            }
            List::Impact => Some(self.impact.as_str()),
            List::Urgency => Some(self.urgency.as_str()),
        }
    }
}

/// Adds the words about each ticket to a message's. What does not fit is named by its buttons.
pub(super) fn append(content: &mut String, review: &[ReviewLine], base: Option<&str>) {
    for line in review.iter().map(|it| line(it, base)) {
        if text::size(content) + text::size(&line) + 2 <= DISCORD.message {
            content.push_str("\n\n");
            content.push_str(&line);
        }
    }
}

/// The words about one ticket, in Markdown.
fn line(line: &ReviewLine, base: Option<&str>) -> String {
    let key = match base {
        Some(base) => text::link(&offer::ticket_url(base, &line.key), &line.key),
        None => text::escape(&line.key),
    };
    let summary = line.summary.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = text::escape(&text::cut(&summary, LONGEST_SUMMARY));
    format!("**{key}** {summary}\n{}", text::escape(&line.facts))
}

/// The row of buttons of one ticket, which they name: Discord shows all rows below all words.
pub(super) fn row(line: &ReviewLine) -> Value {
    let button = |(name, label): (&str, &str), style: u8| {
        json!({
            "type": BUTTON, "style": style, "label": format!("{label}: {}", line.key),
            "custom_id": format!("{name}:{}", line.key),
        })
    };
    json!({ "type": ROW, "components": [button(AGREE, SECONDARY), button(CORRECT, SECONDARY)] })
}

/// What waits for review, as the data of an answer or of an update.
pub(in super::super) fn review_list(message: &Message, base: Option<&str>) -> Value {
    let links = text::Links { base, cited: false };
    let said =
        text::sections(text::chunks(&message.text, &links), DISCORD.message).into_iter().next();
    let mut content = said.map(|section| section.text()).unwrap_or_default();
    append(&mut content, &message.review, base);
    let rows: Vec<Value> = message.review.iter().map(row).collect();
    json!({ "content": content, "components": rows, "allowed_mentions": { "parse": [] } })
}

/// The lists in which an owner says what a ticket really is. Discord has room for five rows, so
/// the systems are in one list.
pub(in super::super) fn correction(
    correcting: &Correcting,
    summary: &str,
    systems: &[String],
) -> Value {
    let words = |it: &'static str, label: &str, now: &str| choice(label, it, it == now);
    let kind = correcting.kind.as_str();
    let kinds = KINDS.iter().map(|(it, label)| words(it.as_str(), label, kind)).collect();
    let impact = correcting.impact.as_str();
    let impacts = IMPACTS.iter().map(|(it, label)| words(it.as_str(), label, impact)).collect();
    let urgency = correcting.urgency.as_str();
    let urgencies =
        URGENCIES.iter().map(|(it, label)| words(it.as_str(), label, urgency)).collect();
    let now = correcting.choice("system", systems);
    let offered = offered(systems, now, DISCORD.form.choices);
    let names: Vec<Value> =
        offered.iter().map(|name| choice(name, &mark(name), Some(*name) == now)).collect();
    let mut rows = vec![list(&correcting.id("kind"), "What is it?", 1, kinds)];
    if !names.is_empty() {
        rows.push(list(&correcting.id("system"), "System", 0, names));
    }
    rows.push(list(&correcting.id("impact"), "Who is affected?", 1, impacts));
    rows.push(list(&correcting.id("urgency"), "Urgency", 1, urgencies));
    let button = |label: &str, style: u8, id: String| json!({ "type": BUTTON, "style": style, "label": label, "custom_id": id });
    let buttons = [
        button("Correct it", PRIMARY, correcting.id("save")),
        button("Not now", SECONDARY, format!("{FORM}:back:")),
    ];
    rows.push(json!({ "type": ROW, "components": buttons }));
    let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
    let summary = text::escape(&text::cut(&summary, 300));
    json!({
        "content": format!("Correct **{}**: {summary}", text::escape(&correcting.of.key)),
        "components": rows,
        "allowed_mentions": { "parse": [] },
    })
}

/// The data of an answer that only whoever pressed or typed sees.
pub(in super::super) fn for_one(mut data: Value) -> Value {
    data["flags"] = (super::EPHEMERAL | super::SUPPRESS_EMBEDS).into();
    data
}

#[cfg(test)]
mod tests {
    use super::super::CUSTOM_ID;
    use super::*;

    #[test]
    fn what_is_pressed_makes_the_round_within_the_limits() {
        let of = Corrected { key: "FL-123456789".into(), version: 99_999 };
        let correcting = Correcting {
            of,
            kind: Kind::Incident,
            mark: Some(mark("Keystone")),
            impact: Impact::Many,
            urgency: Urgency::Normal,
        };
        for (list, name) in List::ALL {
            let id = correcting.id(name);
            assert!(text::size(&id) <= CUSTOM_ID, "{id}");
            assert_eq!(Review::read(&id), Some(Review::Choose(list, correcting.clone())));
        }
        assert_eq!(Review::read(&correcting.id("save")), Some(Review::Save(correcting.clone())));
        for (id, read) in [
            ("firstline.review:FL-1", Some(Review::Agree("FL-1".into()))),
            ("firstline.correct:FL-1", Some(Review::Open("FL-1".into()))),
            ("firstline.correction:back:", Some(Review::Back)),
            ("firstline.review:", None),
            ("firstline.correction:save:FL-1:x:bug::one:low", None),
            ("firstline.correction:save:FL-1:1:bug::one:low:more", None),
            ("firstline.correction:other:FL-1:1:bug::one:low", None),
            ("firstline.solved:FL-1", None),
        ] {
            assert_eq!(Review::read(id), read, "{id}");
        }
    }

    #[test]
    fn choices_stay_until_another_is_made() {
        let of = Corrected { key: "FL-1".into(), version: 1 };
        let (kind, impact, urgency) = (Kind::Bug, Impact::One, Urgency::Low);
        let systems = ["Keystone".to_owned(), "Beacon".to_owned()];
        let was = Correcting { of, kind, mark: Some(mark("Keystone")), impact, urgency };
        let chose = |list, value: &str| was.clone().chosen(list, &json!({ "values": [value] }));
        for (now, name, is) in [
            (chose(List::Kind, "change"), "kind", Some("change")),
            (chose(List::Kind, "nonsense"), "kind", Some("bug")),
            (chose(List::System, &mark("Beacon")), "system", Some("Beacon")),
            (was.clone().chosen(List::System, &json!({ "values": [] })), "system", None),
            (chose(List::Impact, "org"), "impact", Some("org")),
            (chose(List::Urgency, "high"), "urgency", Some("high")),
            (chose(List::Urgency, "high"), "system", Some("Keystone")),
        ] {
            assert_eq!(now.choice(name, &systems), is, "{name}");
        }
        let many: Vec<String> = (0..60).map(|n| format!("System {n}")).collect();
        let form = correction(&was, "x", &many);
        assert_eq!(form["components"].as_array().map(Vec::len), Some(5));
    }
}
