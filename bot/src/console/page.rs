//! Filling templates: the environment, what every page knows, times and sizes in words.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::response::Html;
use firstline_core::chat::TicketForm;
use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::session::SignedIn;
use crate::store::records::{PersonRow, Role, Ticket, Viewer};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("templates/", $name)))),+] };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "actions.html",
    "article.html",
    "article_body.html",
    "base.html",
    "chat.html",
    "error.html",
    "files.html",
    "incident.html",
    "incidents.html",
    "jobs.html",
    "knowledge.html",
    "link.html",
    "accounts.html",
    "macros.html",
    "message.html",
    "my.html",
    "side.html",
    "sign_in.html",
    "suggestions.html",
    "ticket.html",
    "ticket_card.html",
    "ticket_form.html",
    "tickets.html",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    for (name, source) in TEMPLATES {
        env.add_template(name, source).expect("shipped templates are well-formed");
    }
    env
});

/// Changes with each release, so that browsers ask for its files.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A record as templates read it.
pub(super) fn val(record: impl Serialize) -> Value {
    Value::from(minijinja::value::Serde(record))
}

/// One template with exactly this context.
pub(super) fn fragment(name: &str, values: Value) -> Result<String, Fault> {
    let template = ENVIRONMENT.get_template(name).map_err(Fault::inside)?;
    template.render(values).map_err(|error| Fault::inside(format!("{error:#}")))
}

/// A page for someone who is not signed in.
pub(super) fn bare(
    name: &str,
    theme: Option<&'static str>,
    values: Value,
) -> Result<Html<String>, Fault> {
    let frame = context! { theme, version => VERSION, csrf => "", me => Value::from(()) };
    fragment(name, context! { ..values, ..frame }).map(Html)
}

pub(super) fn error(
    status: u16,
    heading: &str,
    detail: &str,
    theme: Option<&'static str>,
) -> Result<String, Fault> {
    bare("error.html", theme, context! { status, heading, detail }).map(|html| html.0)
}

/// A whole page; `nav` names the current entry of the main menu.
pub(super) async fn page(
    web: &Web,
    signed: &SignedIn,
    name: &str,
    nav: &str,
    values: Value,
) -> Result<Html<String>, Fault> {
    let mut people = Vec::new();
    if web.app.demo {
        for person in web.app.store.people().await?.into_iter().filter(|p| p.active) {
            if let Some(viewer) = web.app.store.viewer(&person.email).await? {
                people.push(Face::of(&viewer));
            }
        }
    }
    let frame = context! {
        theme => signed.theme,
        version => VERSION,
        csrf => signed.session.csrf.clone(),
        me => val(Face::of(&signed.viewer)),
        demo => web.app.demo,
        people => val(people),
        nav,
    };
    fragment(name, context! { ..values, ..frame }).map(Html)
}

/// A person as the header shows them.
#[derive(Debug, Serialize)]
pub(super) struct Face {
    email: String,
    name: String,
    first: String,
    initials: String,
    /// `sales`, `support owner`, `admin`.
    role: String,
    owner: bool,
    admin: bool,
}

impl Face {
    fn of(viewer: &Viewer) -> Self {
        let role = if viewer.is_admin() {
            "admin".to_owned()
        } else if is_owner(viewer) {
            "support owner".to_owned()
        } else {
            let groups: Vec<&str> =
                viewer.groups.iter().map(String::as_str).filter(|g| *g != "everyone").collect();
            if groups.is_empty() { "employee".to_owned() } else { groups.join(", ") }
        };
        Face {
            email: viewer.email.clone(),
            name: viewer.name.clone(),
            first: viewer.name.split_whitespace().next().unwrap_or_default().to_owned(),
            initials: initials(&viewer.name),
            role,
            owner: is_owner(viewer),
            admin: viewer.is_admin(),
        }
    }
}

/// Whether someone works on other people's tickets.
pub(super) fn is_owner(viewer: &Viewer) -> bool {
    viewer.is_admin() || viewer.is(Role::Owner) || viewer.is(Role::Commander)
}

/// From an address to the name people know; the bot has one, too.
pub(super) fn namer(people: Vec<PersonRow>) -> impl Fn(&str) -> String {
    let names: HashMap<String, String> = people.into_iter().map(|p| (p.email, p.name)).collect();
    move |email| match email {
        "bot" | "firstline" => "Firstline".to_owned(),
        email => names.get(email).cloned().unwrap_or_else(|| email.to_owned()),
    }
}

/// Up to two letters of a name.
pub(super) fn initials(name: &str) -> String {
    let mut letters = name.split(|c: char| !c.is_alphanumeric()).filter_map(|w| w.chars().next());
    let first = letters.next();
    let last = letters.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A time as the `when` macro shows it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Stamp {
    iso: String,
    full: String,
    short: String,
}

/// `at` seen from `now`, both epoch milliseconds.
pub(super) fn stamp(at: i64, now: i64) -> Stamp {
    let time = Timestamp::from_millisecond(at).unwrap_or_default();
    Stamp {
        iso: time.to_string(),
        full: time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        short: match now - at {
            age if age < 60_000 => "now".to_owned(),
            age if age < 14 * 86_400_000 => duration(age),
            _ => time.strftime("%-d %b %Y").to_string(),
        },
    }
}

/// The largest unit that fits: `45 s`, `12 min`, `3 h`, `9 d`.
pub(super) fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub(super) fn size(bytes: i64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// Whether an article reviewed on `reviewed` (a date) is out of date. Never reviewed is
/// not stale: there is no promise that ran out.
pub(super) fn is_stale(reviewed: Option<&str>, months: u32, now: i64) -> bool {
    let Some(date) = reviewed.and_then(|r| r.parse::<Date>().ok()) else { return false };
    let today =
        Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let span = jiff::Span::new().months(i64::from(months.min(1200)));
    today.date().checked_sub(span).is_ok_and(|limit| date < limit)
}

/// A ticket as cards and lists show it.
#[derive(Debug, Serialize)]
pub(super) struct TicketView {
    pub(super) key: String,
    kind: &'static str,
    status: &'static str,
    priority: &'static str,
    summary: String,
    text: String,
    system: Option<String>,
    team: Option<String>,
    assignee: Option<String>,
    requester: String,
    confidence: f64,
    confidential: bool,
    conversation: Option<String>,
    merged_into: Option<String>,
    reviewed_by: Option<String>,
    version: i64,
    ended: bool,
    /// Whether who looks at it may say that it is not solved.
    may_reopen: bool,
    created: Stamp,
    updated: Stamp,
}

impl TicketView {
    pub(super) fn of(ticket: &Ticket, now: i64) -> Self {
        TicketView {
            key: ticket.key.clone(),
            kind: ticket.kind.as_str(),
            status: ticket.status.as_str(),
            priority: ticket.priority.as_str(),
            summary: ticket.summary.clone(),
            text: ticket.text.clone(),
            system: ticket.system.clone(),
            team: ticket.team.clone(),
            assignee: ticket.assignee.clone(),
            requester: ticket.requester.clone(),
            confidence: ticket.confidence,
            confidential: ticket.confidential,
            conversation: ticket.conversation_id.clone(),
            merged_into: ticket.merged_into.clone(),
            reviewed_by: ticket.reviewed_by.clone(),
            version: ticket.version,
            ended: !ticket.status.is_open(),
            may_reopen: false,
            created: stamp(ticket.created_at, now),
            updated: stamp(ticket.updated_at, now),
        }
    }

    /// As its requester sees it, if `viewer` is.
    pub(super) fn seen_by(mut self, viewer: &Viewer) -> Self {
        self.may_reopen =
            self.ended && self.merged_into.is_none() && self.requester == viewer.email;
        self
    }

    /// With names in place of addresses, where known.
    pub(super) fn named(mut self, name: &impl Fn(&str) -> String) -> Self {
        self.requester = name(&self.requester);
        self.reviewed_by = self.reviewed_by.as_deref().map(name);
        self
    }
}

/// The ticket form as its template wants it.
#[derive(Debug, Serialize)]
pub(super) struct FormView {
    id: String,
    conversation: String,
    request_id: Option<String>,
    event_id: String,
    kind: &'static str,
    first_label: &'static str,
    kinds: Vec<KindChoice>,
    systems: Vec<String>,
    system: Option<String>,
    summary: String,
    fields: Vec<FieldView>,
}

#[derive(Debug, Serialize)]
struct KindChoice {
    value: &'static str,
    label: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct FieldView {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) wanted: bool,
    pub(super) multiline: bool,
    pub(super) value: String,
}

pub(super) fn field_views(
    kind: firstline_core::ticket::Kind,
    values: &firstline_core::ticket::TicketFields,
) -> Vec<FieldView> {
    firstline_core::ticket::fields_of(kind)
        .iter()
        .map(|f| FieldView {
            name: f.name,
            label: f.label,
            wanted: f.wanted,
            multiline: f.multiline,
            value: values.get(f.name).cloned().unwrap_or_default(),
        })
        .collect()
}

impl FormView {
    pub(super) fn of(
        web: &Web,
        conversation: &str,
        request_id: Option<&str>,
        form: &TicketForm,
    ) -> Self {
        use firstline_core::ticket::Kind;
        let kind = form.kind.filter(|k| *k != Kind::None).unwrap_or(Kind::Question);
        let fields = field_views(kind, &form.fields);
        FormView {
            // Names of fields must be unique in a page with several forms.
            id: crate::store::new_id(),
            conversation: conversation.to_owned(),
            request_id: request_id.map(str::to_owned),
            event_id: crate::store::new_id(),
            kind: kind.as_str(),
            first_label: fields.first().map_or("In one line", |f| f.label),
            kinds: vec![
                KindChoice { value: "incident", label: "Something is down" },
                KindChoice { value: "bug", label: "It works wrongly" },
                KindChoice { value: "change", label: "I need something changed" },
                KindChoice { value: "process", label: "How we work" },
                KindChoice { value: "question", label: "A question" },
            ],
            systems: web.app.catalogue.iter().map(|s| s.name.clone()).collect(),
            system: form.system.clone(),
            summary: form.summary.clone(),
            fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        for (name, _) in TEMPLATES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn stale_by_months() {
        let now = 1_764_000_000_000; // 24 November 2025
        for (reviewed, stale) in [
            (Some("2024-05-01"), true),
            (Some("2024-06-01"), false),
            (Some("not a date"), false),
            (None, false),
        ] {
            assert_eq!(is_stale(reviewed, 18, now), stale, "{reviewed:?}");
        }
    }

    #[test]
    fn names_and_sizes() {
        assert_eq!(initials("Ana Silva"), "AS");
        assert_eq!(initials("ana.silva@larkfield.example"), "AE");
        assert_eq!(initials(""), "");
        assert_eq!(size(10), "10 B");
        assert_eq!(size(3_000_000), "2.9 MB");
        assert_eq!(duration(59_999), "59 s");
        assert_eq!(duration(90_000_000), "1 d");
    }
}
