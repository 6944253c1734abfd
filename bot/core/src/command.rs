//! Words typed in a chat that are commands. Only a whole message is one; everything
//! else is free text and goes to triage.

use crate::text;

/// What a typed command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Help,
    MyTickets,
    /// The state of a ticket, by key (`FL-123`).
    Status(String),
    Reopen(String),
    /// The tickets that wait for their review.
    Review,
    /// Tie the account they write from to themselves, or no longer.
    Link,
    Unlink,
    /// Be told here what becomes of a ticket.
    Follow(String),
    Unfollow(String),
    TalkToPerson,
}

const HELP: &[&str] = &[
    "help",
    "hilfe",
    "aide",
    "ayuda",
    "ajuda",
    "aiuto",
    "pomoc",
    "ヘルプ",
    "?",
    "what can you do",
    "was kannst du",
    "que peux-tu faire",
    "qué puedes hacer",
];
const MY_TICKETS: &[&str] = &[
    "my tickets",
    "tickets",
    "show my tickets",
    "list my tickets",
    "meine tickets",
    "mes tickets",
    "mis tickets",
    "meus tickets",
    "i miei ticket",
    "mijn tickets",
    "moje zgłoszenia",
];
const REVIEW: &[&str] =
    &["review", "review tickets", "review queue", "to review", "prüfen", "tickets prüfen"];
const LINK: &[&str] = &["link", "link my account", "link account", "konto verknüpfen"];
const UNLINK: &[&str] = &["unlink", "unlink my account", "unlink account", "verknüpfung lösen"];
const PERSON: &[&str] = &[
    "human",
    "agent",
    "person",
    "operator",
    "person please",
    "human please",
    "agent please",
    "a human please",
    "real person",
    "real person please",
    "talk to a person",
    "talk to a human",
    "talk to an agent",
    "talk to someone",
    "speak to a person",
    "speak to a human",
    "speak to an agent",
    "speak to someone",
    "i want to talk to a person",
    "i want to talk to a human",
    "i want to speak to a person",
    "i want to speak to a human",
    "i'd like to talk to a person",
    "can i talk to a person",
    "can i talk to a human",
    "can i speak to a human",
    "can i speak to a person",
    "get me a human",
    "mensch",
    "mensch bitte",
    "mitarbeiter",
    "mit einem menschen sprechen",
    "ich möchte mit einem menschen sprechen",
    "ich will mit einem menschen sprechen",
    "kann ich mit einem menschen sprechen",
    "un humain",
    "un humain svp",
    "humain",
    "parler à quelqu'un",
    "parler à un humain",
    "je veux parler à quelqu'un",
    "humano",
    "una persona",
    "agente",
    "hablar con una persona",
    "quiero hablar con una persona",
    "uma pessoa",
    "atendente",
    "falar com uma pessoa",
    "quero falar com uma pessoa",
    "una persona per favore",
    "operatore",
    "parlare con una persona",
    "voglio parlare con una persona",
    "een mens",
    "medewerker",
    "met een mens praten",
    "człowiek",
    "konsultant",
    "chcę rozmawiać z człowiekiem",
    "担当者と話したい",
    "人と話したい",
];
const STATUS: &[&str] =
    &["status", "status of", "stand", "statut", "estado", "stato", "show", "ticket"];
const REOPEN: &[&str] =
    &["reopen", "re-open", "wieder öffnen", "rouvrir", "reabrir", "riaprire", "heropenen"];

const UNFOLLOW: &[&str] = &[
    "unfollow",
    "unsubscribe",
    "unsubscribe from",
    "nicht mehr folgen",
    "entfolgen",
    "ne plus suivre",
    "dejar de seguir",
    "deixar de seguir",
    "non seguire più",
    "ontvolgen",
];
const FOLLOW: &[&str] = &[
    "follow",
    "subscribe",
    "subscribe to",
    "folge",
    "folgen",
    "abonnieren",
    "suivre",
    "seguir",
    "seguire",
    "volg",
    "volgen",
];

/// Suggestions for a mistyped command, as one would type them.
const TYPED: &[&str] = &["help", "my tickets", "review", "talk to a person"];

/// The message without outer punctuation, in lower case and with single blanks.
fn plain(message: &str) -> String {
    let message = message.trim();
    if message == "?" {
        return message.to_owned();
    }
    let joined = message.to_lowercase().replace('’', "'");
    let joined = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    let trimmed = joined.trim_start_matches('/');
    trimmed
        .trim_matches(|c: char| matches!(c, '.' | '!' | '?' | ',' | ':' | '。' | '！' | '"' | '`'))
        .replace(',', "")
}

/// The ticket key a word is, in its usual spelling: `fl 12`, `FL-12`, `#12`, `12`.
fn ticket_key(words: &str) -> Option<String> {
    let rest = words.strip_prefix("fl").unwrap_or(words);
    let number = rest.trim_start_matches(['-', ' ', '#']);
    let plausible = !number.is_empty() && number.len() <= 9;
    let digits = plausible && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse().map(crate::ticket::key).ok()).flatten()
}

/// `verb KEY`, for any of `verbs`. The German order, key first, is taken too.
fn with_key(message: &str, verbs: &[&str]) -> Option<String> {
    let after = verbs.iter().filter_map(|v| message.strip_prefix(v)?.strip_prefix(' '));
    let before = verbs.iter().filter_map(|v| message.strip_suffix(v)?.strip_suffix(' '));
    after.chain(before).find_map(ticket_key)
}

/// The command a whole message is; `None` when it is free text.
pub fn parse(message: &str) -> Option<Command> {
    // Nothing longer is a command; a page of text need not be looked at.
    if message.len() > 120 {
        return None;
    }
    let message = plain(message);
    let is = |list: &[&str]| list.contains(&message.as_str());
    if is(HELP) {
        Some(Command::Help)
    } else if is(MY_TICKETS) {
        Some(Command::MyTickets)
    } else if is(REVIEW) {
        Some(Command::Review)
    } else if is(LINK) {
        Some(Command::Link)
    } else if is(UNLINK) {
        Some(Command::Unlink)
    } else if is(PERSON) {
        Some(Command::TalkToPerson)
    } else if let Some(key) = with_key(&message, REOPEN) {
        Some(Command::Reopen(key))
    } else if let Some(key) = with_key(&message, UNFOLLOW) {
        Some(Command::Unfollow(key))
    } else if let Some(key) = with_key(&message, FOLLOW) {
        Some(Command::Follow(key))
    } else if let Some(key) = with_key(&message, STATUS) {
        Some(Command::Status(key))
    } else {
        // A bare key asks for its state; a bare number does not.
        let key = message.starts_with("fl").then(|| ticket_key(&message)).flatten();
        key.map(Command::Status)
    }
}

/// The command a message nearly is (`halp`, `my tikcets`, `staus FL-3`), as one would
/// type it. `None` for commands and for free text.
pub fn did_you_mean(message: &str) -> Option<String> {
    if message.len() > 60 || parse(message).is_some() {
        return None;
    }
    let message = plain(message);
    let count = text::words(&message).len();
    for typed in TYPED {
        let slips = if typed.len() < 6 { 1 } else { 2 };
        let same_words = typed.split(' ').count() == count;
        if same_words && strsim::osa_distance(&message, typed) <= slips {
            return Some((*typed).to_owned());
        }
    }
    let (verb, key) = message.split_once(' ')?;
    let key = ticket_key(key)?;
    ["status", "reopen", "unfollow", "follow"]
        .into_iter()
        .find(|known| strsim::osa_distance(verb, known) <= 2)
        .map(|known| format!("{known} {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_are_commands() {
        use Command::*;
        let status = |n: &str| Some(Status(n.into()));
        for (message, expected) in [
            ("help", Some(Help)),
            ("  Help! ", Some(Help)),
            ("/help", Some(Help)),
            ("Hilfe", Some(Help)),
            ("my tickets", Some(MyTickets)),
            ("My  Tickets?", Some(MyTickets)),
            ("status FL-123", status("FL-123")),
            ("Status of fl 12", status("FL-12")),
            ("status #7", status("FL-7")),
            ("FL-9", status("FL-9")),
            ("fl-9 status?", status("FL-9")),
            ("reopen FL-123", Some(Reopen("FL-123".into()))),
            ("review", Some(Review)),
            ("Tickets prüfen!", Some(Review)),
            ("review my contract in Beacon", None),
            ("/link", Some(Link)),
            ("Unlink", Some(Unlink)),
            ("link the order to the invoice", None),
            ("follow FL-12", Some(Follow("FL-12".into()))),
            ("Folge FL-12!", Some(Follow("FL-12".into()))),
            ("unfollow fl 12", Some(Unfollow("FL-12".into()))),
            ("FL-12 nicht mehr folgen", Some(Unfollow("FL-12".into()))),
            ("follow up on FL-12", None),
            ("human", Some(TalkToPerson)),
            ("Person, please!", Some(TalkToPerson)),
            ("talk to a person", Some(TalkToPerson)),
            ("Ich möchte mit einem Menschen sprechen.", Some(TalkToPerson)),
            ("I’d like to talk to a person", Some(TalkToPerson)),
            ("help me reset my password", None),
            ("the agent on the phone was great", None),
            ("status of my order 4711 in Keystone", None),
            ("status page?", None),
            ("FL-9 is still broken", None),
            ("12", None),
            ("status 12345678901234567890", None),
            ("", None),
        ] {
            assert_eq!(parse(message), expected, "{message}");
        }
        assert_eq!(parse(&"help ".repeat(100_000)), None);
    }

    #[test]
    fn near_misses_are_offered() {
        for (message, expected) in [
            ("halp", Some("help")),
            ("my tikcets", Some("my tickets")),
            ("staus fl-3", Some("status FL-3")),
            ("repoen FL-3", Some("reopen FL-3")),
            ("folow FL-3", Some("follow FL-3")),
            ("unfolow FL-3", Some("unfollow FL-3")),
            ("help", None),
            ("held", Some("help")),
            ("reveiw", Some("review")),
            ("printer broken", None),
            ("order 12", None),
        ] {
            assert_eq!(did_you_mean(message).as_deref(), expected, "{message}");
        }
    }
}
