//! Words for support owners: what waits for their review, and what became of it.

use super::{Tongue, kind_word, message, say, status_word, tongue};
use crate::chat::{Message, ReviewLine};
use crate::ticket::{Kind, Priority, Status};

/// Where the console shows all that waits for a review.
pub const REVIEW_QUEUE: &str = "/tickets?order=least_confident&unreviewed=1&open=1";

/// How a ticket was read, in one line.
pub fn ticket_facts(
    kind: Kind,
    priority: Priority,
    status: Status,
    system: Option<&str>,
    language: &str,
) -> String {
    let mut facts = vec![
        kind_word(kind, language),
        priority.as_str().to_owned(),
        status_word(status, language),
    ];
    facts.extend(system.map(str::to_owned));
    facts.join(" · ")
}

/// What waits for somebody's review, the least certain first.
pub fn review(lines: Vec<ReviewLine>, language: &str) -> Message {
    if lines.is_empty() {
        return nothing_to_review(language);
    }
    let text = match tongue(language) {
        Tongue::En => format!(
            "These tickets wait for your review, the least certain first. [The whole queue]({REVIEW_QUEUE})"
        ),
        Tongue::De => format!(
            "Diese Tickets warten auf deine Prüfung, die unsichersten zuerst. [Alle ansehen]({REVIEW_QUEUE})"
        ),
    };
    Message { review: lines, ..message(text, &[]) }
}

fn nothing_to_review(language: &str) -> Message {
    let text = say(language, "Nothing waits for your review.", "Nichts wartet auf deine Prüfung.");
    message(text, &[])
}

/// To somebody who owns no team's tickets.
pub fn reviews_are_for_owners(language: &str) -> Message {
    let text = say(
        language,
        "Tickets are reviewed by support owners, and you are none.",
        "Tickets prüfen die Verantwortlichen im Support, und du gehörst nicht dazu.",
    );
    message(text, &[])
}

/// Where others read along.
pub fn review_in_private(language: &str) -> Message {
    let text = say(
        language,
        "Tickets are reviewed in private: write `review` to me directly.",
        "Tickets werden unter vier Augen geprüft: Schreib mir `review` direkt.",
    );
    message(text, &[])
}

/// An owner found a ticket right as it is.
pub fn agreed(key: &str, language: &str) -> String {
    match tongue(language) {
        Tongue::En => format!("**{key}** is right, you say."),
        Tongue::De => format!("**{key}** stimmt, sagst du."),
    }
}

/// An owner corrected a ticket; `facts` is how it stands now.
pub fn corrected(key: &str, facts: &str, language: &str) -> String {
    match tongue(language) {
        Tongue::En => format!("You corrected **{key}**: {facts}. I'll remember that."),
        Tongue::De => format!("Du hast **{key}** berichtigt: {facts}. Das merke ich mir."),
    }
}
