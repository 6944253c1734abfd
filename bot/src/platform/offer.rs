//! What every chat offers with a message, in whatever form: where its sources lead, which buttons
//! it has and what becomes of them, what a ticket form asks.

use std::time::Duration;

use firstline_core::chat::{Button, Citation, Message, TicketForm, Verdict};
use firstline_core::text::percent_encoded as encode;
use firstline_core::ticket::Kind;

use crate::accept::Press;
use crate::store::document_id;

/// Where people reach the console, without a slash at its end; `None` where that is not known.
pub(super) fn base(public_url: Option<&str>) -> Option<&str> {
    public_url.map(|url| url.trim_end_matches('/')).filter(|url| !url.is_empty())
}

/// A source's title, and where it leads: to the knowledge in the console, else to its own
/// address on the web.
pub(super) fn lead(citation: &Citation, base: Option<&str>) -> (String, Option<String>) {
    let last = citation.heading.rsplit(" > ").next().unwrap_or_default().trim();
    let label = if last.is_empty() || last == citation.title.trim() {
        citation.title.clone()
    } else {
        format!("{} › {last}", citation.title)
    };
    let known = !citation.path.is_empty() && !citation.passage_id.is_empty();
    let web = citation.url.starts_with("https://") || citation.url.starts_with("http://");
    let url = match base.filter(|_| known) {
        Some(base) => {
            let document = encode(&document_id(&citation.source, &citation.path));
            let passage = encode(&citation.passage_id);
            Some(format!("{base}/articles/{document}?passage={passage}"))
        }
        None => Some(citation.url.clone()).filter(|_| web),
    };
    (label.trim().to_owned(), url)
}

/// A ticket in the console.
pub(super) fn ticket_url(base: &str, key: &str) -> String {
    format!("{base}/tickets/{}", encode(key))
}

/// A conversation in the console.
pub(super) fn chat_url(base: &str, conversation_id: &str) -> String {
    format!("{base}/chat/{}", encode(conversation_id))
}

/// Every button with its name among components and what it says.
pub(super) const BUTTONS: [(Button, &str, &str); 5] = [
    (Button::Solved, "firstline.solved", "That solved it"),
    (Button::NotHelpful, "firstline.not_helpful", "Not helpful"),
    (Button::FileTicket, "firstline.file_ticket", "File a ticket"),
    (Button::TalkToPerson, "firstline.talk_to_person", "Talk to a person"),
    (Button::Follow, "firstline.follow", "Follow"),
];

/// The buttons under a message, each once, with name and words. A form that is offered has one.
pub(super) fn buttons(message: &Message) -> Vec<(Button, &'static str, &'static str)> {
    let offer = message.form.as_ref().map(|_| Button::FileTicket);
    let mut buttons = Vec::new();
    for button in message.buttons.iter().copied().chain(offer) {
        let named = BUTTONS.iter().find(|(known, ..)| *known == button);
        buttons.extend(named.filter(|named| !buttons.contains(*named)).copied());
    }
    buttons
}

/// A button's name among components.
pub(super) fn name(button: Button) -> &'static str {
    BUTTONS.iter().find(|(known, ..)| *known == button).map_or("", |(_, name, _)| name)
}

/// The button of this name.
pub(super) fn button_of(name: &str) -> Option<Button> {
    BUTTONS.iter().find(|(_, known, _)| *known == name).map(|(button, ..)| *button)
}

/// What pressing a button means; `None` for the one that opens a form.
pub(super) fn press_of(button: Button) -> Option<Press> {
    match button {
        Button::Solved => Some(Press::Verdict(Verdict::Solved)),
        Button::NotHelpful => Some(Press::Verdict(Verdict::NotHelpful)),
        Button::TalkToPerson => Some(Press::TalkToPerson),
        Button::Follow => Some(Press::Follow),
        Button::FileTicket => None,
    }
}

/// What is said where a pressed button stood; `None` for one that stays.
pub(super) fn note(pressed: Button) -> Option<&'static str> {
    match pressed {
        Button::Solved => Some("You said that this solved it."),
        Button::NotHelpful => Some("You said that this was not helpful."),
        Button::TalkToPerson => Some("You asked for a person."),
        Button::FileTicket | Button::Follow => None,
    }
}

/// Whether a button makes no sense any more once another was pressed.
pub(super) fn goes(button: Button, pressed: Button) -> bool {
    match pressed {
        _ if button == Button::Follow => false,
        Button::Solved | Button::TalkToPerson => true,
        Button::NotHelpful => matches!(button, Button::Solved | Button::NotHelpful),
        Button::FileTicket | Button::Follow => false,
    }
}

/// The kinds one can file, as the web form words them.
pub(super) const KINDS: [(Kind, &str); 5] = [
    (Kind::Incident, "Something is down"),
    (Kind::Bug, "It works wrongly"),
    (Kind::Change, "I need something changed"),
    (Kind::Process, "How we work"),
    (Kind::Question, "A question"),
];

/// A form that can be sent, or what is missing by field, to be shown beside it.
pub(super) fn whole(form: TicketForm) -> Result<TicketForm, Vec<(String, String)>> {
    let mut wrong = Vec::new();
    if form.kind.is_none() {
        wrong.push(("kind".to_owned(), "Choose what the ticket is about.".to_owned()));
    }
    if form.summary.is_empty() {
        wrong.push(("summary".to_owned(), "Say in one line what it is about.".to_owned()));
    }
    if wrong.is_empty() { Ok(form) } else { Err(wrong) }
}

/// A wait in milliseconds.
pub(super) fn in_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2)
}
