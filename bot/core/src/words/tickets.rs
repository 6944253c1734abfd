//! Words about tickets: filed, pointed to, handed over, moved on, commented, reopened.

use crate::chat::{Button, Message};
use crate::ticket::{Kind, Priority, Status, fields_of};

use super::{Told, Tongue, list, message, say, tongue};

/// A ticket as it is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketFacts<'a> {
    pub key: &'a str,
    pub kind: Kind,
    pub summary: &'a str,
    pub system: Option<&'a str>,
    pub team: Option<&'a str>,
    pub priority: Priority,
    /// Names of wanted fields that are not given.
    pub missing: &'a [String],
}

/// A kind as a requester would call it.
pub fn kind_word(kind: Kind, language: &str) -> String {
    let (en, de) = match kind {
        Kind::Incident => ("incident", "Störung"),
        Kind::Bug => ("bug", "Fehler"),
        Kind::Change => ("change request", "Änderungswunsch"),
        Kind::Process => ("process issue", "Prozessproblem"),
        Kind::Question => ("question", "Frage"),
        Kind::None => ("note", "Notiz"),
    };
    say(language, en, de)
}

/// A status in words.
pub fn status_word(status: Status, language: &str) -> String {
    let (en, de) = match status {
        Status::New => ("new", "neu"),
        Status::Triaged => {
            ("sorted and waiting for somebody to take it", "eingeordnet und wartet auf Bearbeitung")
        }
        Status::InProgress => ("being worked on", "in Arbeit"),
        Status::Waiting => ("waiting for an answer", "wartet auf eine Antwort"),
        Status::Resolved => ("resolved", "gelöst"),
        Status::Closed => ("closed", "geschlossen"),
    };
    say(language, en, de)
}

/// A field's label in the requester's language.
pub fn field_word(kind: Kind, name: &str, language: &str) -> String {
    let english = fields_of(kind).iter().find(|f| f.name == name).map_or(name, |f| f.label);
    let german = match name {
        "since" => "seit wann",
        "affected" => "wer betroffen ist",
        "error" => "der Fehlertext",
        "steps" => "die Schritte dahin",
        "expected" => "was du erwartet hättest",
        "actual" => "was stattdessen passiert",
        "where" => "wo es auftritt",
        "what" => "was sich ändern soll",
        "why" => "warum",
        "needed_by" => "bis wann",
        "approver" => "wer es genehmigt",
        "process" => "um welchen Ablauf es geht",
        "trouble" => "was schiefläuft",
        "parties" => "wer beteiligt ist",
        "tried" => "was du schon versucht hast",
        other => other,
    };
    match tongue(language) {
        Tongue::En => english.to_lowercase(),
        Tongue::De => german.to_owned(),
    }
}

/// A ticket was filed: what it became, who has it, what would help.
pub fn filed(ticket: &TicketFacts<'_>, language: &str) -> Message {
    let kind = kind_word(ticket.kind, language);
    let mut text = match tongue(language) {
        Tongue::En => format!("I filed **{}**: {}", ticket.key, ticket.summary),
        Tongue::De => format!("Ich habe **{}** angelegt: {}", ticket.key, ticket.summary),
    };
    let mut facts = vec![kind];
    facts.extend(ticket.system.map(str::to_owned));
    facts.push(ticket.priority.to_string());
    text.push_str(&format!("\n\n{}\n\n", facts.join(" · ")));
    text.push_str(&match (tongue(language), ticket.team) {
        (Tongue::En, Some(team)) => format!("It is with **{team}** now. I'll tell you here when something happens."),
        (Tongue::En, None) => "The support team will find it the right place. I'll tell you here when something happens.".to_owned(),
        (Tongue::De, Some(team)) => format!("Es liegt jetzt bei **{team}**. Ich sage dir hier, wenn sich etwas tut."),
        (Tongue::De, None) => "Der Support ordnet es noch zu. Ich sage dir hier, wenn sich etwas tut.".to_owned(),
    });
    if !ticket.missing.is_empty() {
        let names: Vec<String> =
            ticket.missing.iter().map(|name| field_word(ticket.kind, name, language)).collect();
        let names = list(&names, language);
        text.push_str(&match tongue(language) {
            Tongue::En => format!(" It would help to know: {names}. Just reply here."),
            Tongue::De => format!(" Hilfreich wäre noch: {names}. Antworte einfach hier."),
        });
    }
    about(ticket.key, text, &[Button::TalkToPerson])
}

fn about(key: &str, text: String, buttons: &[Button]) -> Message {
    Message { ticket: Some(key.to_owned()), ..message(text, buttons) }
}

/// Their own open ticket already covers it.
pub fn duplicate(key: &str, summary: &str, status: Status, language: &str) -> Message {
    let status = status_word(status, language);
    let text = match tongue(language) {
        Tongue::En => format!(
            "This looks like your ticket **{key}** ({summary}), which is {status}. I added your message there. If it is something else, file a new one."
        ),
        Tongue::De => format!(
            "Das sieht nach deinem Ticket **{key}** aus ({summary}), Stand: {status}. Deine Nachricht steht jetzt dabei. Ist es etwas anderes, lege ein neues an."
        ),
    };
    about(key, text, &[Button::FileTicket, Button::TalkToPerson, Button::Follow])
}

/// Somebody is told from now on what becomes of a ticket. `who` where others read along.
pub fn following(key: &str, status: Status, who: Option<&str>, language: &str) -> Message {
    let status = status_word(status, language);
    let who = who.map(|who| format!("{who}: ")).unwrap_or_default();
    let text = match tongue(language) {
        Tongue::En => format!(
            "{who}you follow **{key}** now, which is {status}. I'll tell you here when that changes. `unfollow {key}` ends it."
        ),
        Tongue::De => format!(
            "{who}du folgst jetzt **{key}**, Stand: {status}. Ich sage dir hier, wenn sich das ändert. `unfollow {key}` beendet es."
        ),
    };
    about(key, sentence(&text), &[])
}

/// That is over, or never was.
pub fn unfollowed(key: &str, followed: bool, who: Option<&str>, language: &str) -> Message {
    let who = who.map(|who| format!("{who}: ")).unwrap_or_default();
    let text = match (tongue(language), followed) {
        (Tongue::En, true) => format!("{who}you no longer follow **{key}**."),
        (Tongue::En, false) => format!("{who}you do not follow {key}."),
        (Tongue::De, true) => format!("{who}du folgst **{key}** nicht mehr."),
        (Tongue::De, false) => format!("{who}du folgst {key} nicht."),
    };
    message(sentence(&text), &[])
}

/// With a capital at its start.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// What they said was added to their ticket.
pub fn added(key: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!("Thanks, I added that to **{key}**."),
        Tongue::De => format!("Danke, das steht jetzt bei **{key}** dabei."),
    };
    about(key, text, &[Button::FileTicket, Button::TalkToPerson])
}

/// They changed a message their ticket was made of.
pub fn change_added(key: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!("I added your change to **{key}**."),
        Tongue::De => format!("Deine Änderung steht jetzt bei **{key}** dabei."),
    };
    about(key, text, &[])
}

/// In a ticket: the message it was made of reads differently now.
pub fn changed_to(text: &str, language: &str) -> String {
    let head = say(language, "The message was changed to:", "Die Nachricht wurde geändert:");
    format!("{head}\n\n{text}")
}

/// In a ticket: the message it was made of is gone.
pub fn taken_back(language: &str) -> String {
    say(
        language,
        "The message this was filed from was deleted by its author.",
        "Die Nachricht, aus der dies entstand, hat ihr Verfasser gelöscht.",
    )
}

/// Files that did not come; `most` is how many megabytes one may have.
pub fn files_missing(names: &[String], most: usize, language: &str) -> String {
    let names = names.join(", ");
    match tongue(language) {
        Tongue::En => format!(
            "I could not take along {names}. A file may have up to {most} MB; please send it again or put the text here."
        ),
        Tongue::De => format!(
            "{names} konnte ich nicht mitnehmen. Eine Datei darf bis zu {most} MB haben; bitte schick sie noch einmal oder schreib den Text hier hin."
        ),
    }
}

/// Stands before passages that may help while a ticket waits.
pub fn may_help(language: &str) -> String {
    say(language, "Meanwhile, this may help:", "Vielleicht hilft inzwischen das:")
}

/// Their ticket goes on as part of another one.
pub fn merged(key: &str, into: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!(
            "**{key}** is about the same as **{into}**, so both go on there. You'll hear here how it ends."
        ),
        Tongue::De => format!(
            "Bei **{key}** geht es um dasselbe wie bei **{into}**, beides läuft dort weiter. Wie es ausgeht, erfährst du hier."
        ),
    };
    about(key, text, &[])
}

/// Their ticket stands alone again.
pub fn unmerged(key: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!("**{key}** is looked at on its own again."),
        Tongue::De => format!("**{key}** wird wieder für sich bearbeitet."),
    };
    about(key, text, &[])
}

/// An open incident covers it.
pub fn attached(key: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!(
            "This is known: **{key}** is open and being worked on. I added you, so you'll hear here when it is over."
        ),
        Tongue::De => format!(
            "Das ist bekannt: **{key}** ist offen und in Arbeit. Du stehst jetzt dabei und erfährst hier, wenn es vorbei ist."
        ),
    };
    about(key, text, &[Button::TalkToPerson])
}

/// A person takes over; `key` is the ticket with what is known.
pub fn handover(key: Option<&str>, team: Option<&str>, language: &str) -> Message {
    let who = match (tongue(language), team) {
        (Tongue::En, Some(team)) => format!("someone from **{team}**"),
        (Tongue::En, None) => "someone from support".to_owned(),
        (Tongue::De, Some(team)) => format!("jemand von **{team}**"),
        (Tongue::De, None) => "jemand vom Support".to_owned(),
    };
    let mut text = match tongue(language) {
        Tongue::En => format!("Of course: {who} will answer you here, and I'll keep quiet."),
        Tongue::De => format!("Natürlich: Hier antwortet dir {who}, und ich halte mich heraus."),
    };
    if let Some(key) = key {
        text.push_str(&match tongue(language) {
            Tongue::En => format!(" What you told me is in **{key}**, so you need not repeat it."),
            Tongue::De => format!(
                " Was du mir erzählt hast, steht in **{key}**, du musst es nicht wiederholen."
            ),
        });
    }
    Message { ticket: key.map(str::to_owned), ..message(text, &[]) }
}

/// A ticket moved on. `note` is what the owner said with it.
pub fn status_changed(key: &str, status: Status, note: Option<&str>, language: &str) -> Message {
    let word = status_word(status, language);
    let mut text = match tongue(language) {
        Tongue::En => format!("**{key}** is {word}."),
        Tongue::De => format!("**{key}**: {word}."),
    };
    if let Some(note) = note.filter(|n| !n.trim().is_empty()) {
        text.push_str(&format!("\n\n{}", quoted(note)));
    }
    let done = matches!(status, Status::Resolved | Status::Closed);
    if done {
        text.push_str(&match tongue(language) {
            Tongue::En => format!("\n\nIf it is not solved for you, type `reopen {key}`."),
            Tongue::De => format!("\n\nIst es für dich nicht gelöst, tippe `reopen {key}`."),
        });
    }
    about(key, text, &[])
}

/// How a ticket stands: what [`ticket_status`] and [`my_tickets`] tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub key: String,
    pub summary: String,
    pub status: Status,
    /// Epoch milliseconds.
    pub filed: i64,
    pub changed: i64,
}

/// Changes within this time are part of filing, in milliseconds.
const AT_ONCE: i64 = 60_000;

/// A ticket's state, asked for.
pub fn ticket_status(ticket: &Standing, told: Told<'_>, language: &str) -> Message {
    let Standing { key, summary, status, filed, changed } = ticket;
    let word = status_word(*status, language);
    let since = told.when(*filed, language);
    let mut text = match tongue(language) {
        Tongue::En => format!("**{key}** ({summary}) is {word}. Filed {since}"),
        Tongue::De => format!("**{key}** ({summary}): {word}. Angelegt {since}"),
    };
    if changed - filed >= AT_ONCE {
        let changed = told.when(*changed, language);
        text.push_str(&match tongue(language) {
            Tongue::En => format!(", last changed {changed}"),
            Tongue::De => format!(", zuletzt geändert {changed}"),
        });
    }
    text.push('.');
    about(key, text, &[])
}

/// No ticket of this key that they may see: the same words for both cases.
pub fn no_such_ticket(key: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!("I know no ticket {key} of yours. Type `my tickets` to see them."),
        Tongue::De => format!(
            "Ein Ticket {key} von dir kenne ich nicht. Tippe `meine tickets`, um deine zu sehen."
        ),
    };
    message(text, &[])
}

/// Their tickets, latest first.
pub fn my_tickets(tickets: &[Standing], told: Told<'_>, language: &str) -> Message {
    if tickets.is_empty() {
        return message(
            say(language, "You have no open tickets.", "Du hast keine offenen Tickets."),
            &[],
        );
    }
    let line = |ticket: &Standing| {
        let Standing { key, summary, status, changed, .. } = ticket;
        let (status, changed) = (status_word(*status, language), told.when(*changed, language));
        format!("- **{key}** {summary} ({status}, {changed})")
    };
    let lines: Vec<String> = tickets.iter().map(line).collect();
    let opening = say(language, "Your tickets:", "Deine Tickets:");
    message(format!("{opening}\n\n{}", lines.join("\n")), &[])
}

/// Somebody wrote to the requester on their ticket.
pub fn comment_relayed(key: &str, author: &str, comment: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!(
            "{author} wrote about **{key}**:\n\n{}\n\nReply here and they will see it.",
            quoted(comment)
        ),
        Tongue::De => format!(
            "{author} schreibt zu **{key}**:\n\n{}\n\nAntworte hier, dann kommt es an.",
            quoted(comment)
        ),
    };
    about(key, text, &[])
}

/// A ticket was reopened at the requester's wish.
pub fn reopened(key: &str, team: Option<&str>, language: &str) -> Message {
    let text = match (tongue(language), team) {
        (Tongue::En, Some(team)) => format!(
            "**{key}** is open again and back with **{team}**. What is still wrong? Your reply goes into the ticket."
        ),
        (Tongue::En, None) => format!(
            "**{key}** is open again. What is still wrong? Your reply goes into the ticket."
        ),
        (Tongue::De, Some(team)) => format!(
            "**{key}** ist wieder offen und liegt bei **{team}**. Was stimmt noch nicht? Deine Antwort kommt ins Ticket."
        ),
        (Tongue::De, None) => format!(
            "**{key}** ist wieder offen. Was stimmt noch nicht? Deine Antwort kommt ins Ticket."
        ),
    };
    about(key, text, &[])
}

/// It cannot be reopened, since it was never closed.
pub fn already_open(key: &str, status: Status, language: &str) -> Message {
    let word = status_word(status, language);
    let text = match tongue(language) {
        Tongue::En => format!("**{key}** is still open: it is {word}."),
        Tongue::De => format!("**{key}** ist noch offen: {word}."),
    };
    about(key, text, &[])
}

/// "That solved it": confirmed by the requester.
pub fn solved(language: &str) -> Message {
    message(say(language, "Good to hear.", "Das freut mich."), &[])
}

/// "Not helpful": what can be done instead.
pub fn not_helpful(language: &str) -> Message {
    let text = say(
        language,
        "Thanks for telling me, the article's owner will see it. Shall I file a ticket, or would you rather talk to a person?",
        "Danke für den Hinweis, die Verantwortlichen sehen ihn. Soll ich ein Ticket anlegen, oder möchtest du mit jemandem sprechen?",
    );
    message(text, &[Button::FileTicket, Button::TalkToPerson])
}

/// Another person's words, set off as a quotation.
fn quoted(words: &str) -> String {
    words.trim().lines().map(|line| format!("> {line}\n")).collect::<String>().trim_end().to_owned()
}
