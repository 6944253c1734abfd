//! Words around answers: the question back, the notes under an answer, why there is none.

use crate::chat::{Button, Message, TicketForm};
use crate::text::escaped;
use crate::ticket::Kind;
use crate::triage::cite::Notes;
use crate::triage::redact::SecretKind;
use crate::triage::{Abstained, Assessment};

use super::{Tongue, list, message, say, tongue};

/// The one question that comes before anything else, fitted to what was understood.
pub fn clarify(assessment: &Assessment) -> Message {
    let language = &assessment.language;
    let about = |en: &str, de: &str| match &assessment.system {
        Some(system) => match tongue(language) {
            Tongue::En => format!(" with {system}"),
            Tongue::De => format!(" mit {system}"),
        },
        None => say(language, en, de),
    };
    let text = match (tongue(language), assessment.kind) {
        (Tongue::En, Kind::Incident | Kind::Bug) => {
            let about = about("", "");
            format!(
                "I'd like to get this right: what happens{about}, and what did you expect instead?"
            )
        }
        (Tongue::De, Kind::Incident | Kind::Bug) => {
            let about = about("", "");
            format!(
                "Damit ich es richtig verstehe: Was passiert{about}, und was hättest du erwartet?"
            )
        }
        (Tongue::En, Kind::Change | Kind::Process) => {
            let about = about("", "");
            format!("Could you tell me in a sentence what should be different{about}?")
        }
        (Tongue::De, Kind::Change | Kind::Process) => {
            let about = about("", "");
            format!("Sag mir bitte in einem Satz, was anders werden soll{about}.")
        }
        (Tongue::En, _) => {
            let about = about(" with", "");
            format!("What would you like to know or do{about}? Is something not working, or is it a question?")
                .replace(" with?", "?")
        }
        (Tongue::De, _) => {
            let about = about("", "");
            format!(
                "Was möchtest du wissen oder tun{about}? Geht etwas nicht, oder ist es eine Frage?"
            )
        }
    };
    message(text, &[Button::FileTicket, Button::TalkToPerson])
}

/// The buttons under an answer.
pub const ANSWER_BUTTONS: [Button; 4] =
    [Button::Solved, Button::NotHelpful, Button::FileTicket, Button::TalkToPerson];

/// What must be said under an answer about its sources; empty when nothing must.
pub fn answer_footer(notes: &Notes, language: &str) -> String {
    let mut lines = Vec::new();
    if let Some(conflict) = &notes.conflict {
        let (a, b) = (&conflict.first, &conflict.second);
        let (one, other) = (escaped(&a.1), escaped(&b.1));
        lines.push(match tongue(language) {
            Tongue::En => format!(
                "⚠ Two articles disagree here. **{}** says: “{}” **{}** says: “{}” Please ask the owners before you rely on either.",
                one, a.2, other, b.2
            ),
            Tongue::De => format!(
                "⚠ Zwei Artikel widersprechen sich hier. In **{}** steht: „{}“ In **{}** steht: „{}“ Bitte frag die Verantwortlichen, bevor du dich darauf verlässt.",
                one, a.2, other, b.2
            ),
        });
    }
    for stale in &notes.stale {
        let title = escaped(&stale.title);
        lines.push(match tongue(language) {
            Tongue::En => format!(
                "⚠ **{title}** was last reviewed on {} and may be out of date.",
                stale.reviewed
            ),
            Tongue::De => format!(
                "⚠ **{title}** wurde zuletzt am {} geprüft und ist vielleicht veraltet.",
                stale.reviewed
            ),
        });
    }
    lines.join("\n\n")
}

/// Why there is no answer, in a sentence. What one may not read and what does not exist
/// sound the same.
pub fn abstained(reason: Abstained, language: &str) -> String {
    match reason {
        Abstained::NoSource => say(
            language,
            "I found nothing about this in the articles you can read.",
            "Dazu habe ich in den Artikeln, die du lesen kannst, nichts gefunden.",
        ),
        Abstained::NotCovered => say(
            language,
            "I found related articles, but none that answers exactly this.",
            "Es gibt verwandte Artikel, aber keiner beantwortet genau das.",
        ),
        Abstained::Conflict => say(
            language,
            "Our articles contradict each other on this, so I'd rather not guess.",
            "Unsere Artikel widersprechen sich dazu, deshalb möchte ich nicht raten.",
        ),
        Abstained::Stale => say(
            language,
            "I found only outdated articles about this, so I'd rather not rely on them.",
            "Dazu gibt es nur veraltete Artikel, auf die ich mich nicht verlassen möchte.",
        ),
    }
}

/// No answer, but a ticket form to confirm.
pub fn offer_ticket(reason: Option<Abstained>, form: TicketForm, language: &str) -> Message {
    let reason = abstained(reason.unwrap_or(Abstained::NotCovered), language);
    let offer = say(
        language,
        "Shall I pass it on as a ticket? Please check the form and send it.",
        "Soll ich es als Ticket weitergeben? Sieh das Formular bitte durch und sende es ab.",
    );
    let mut message =
        message(format!("{reason} {offer}"), &[Button::FileTicket, Button::TalkToPerson]);
    message.form = Some(form);
    message
}

/// Something secret or personal was taken out of the message.
pub fn secret_removed(found: &[SecretKind], language: &str) -> String {
    let mut kinds = found.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let names: Vec<String> = kinds.iter().map(|k| secret_name(*k, language)).collect();
    let names = list(&names, language);
    let rotate = found.iter().any(|k| k.rotate());
    match (tongue(language), rotate) {
        (Tongue::En, true) => format!(
            "I removed this from your message before keeping it: {names}. It was shown in a chat, so please replace it with a new one."
        ),
        (Tongue::En, false) => {
            format!("I removed this from your message before keeping it: {names}.")
        }
        (Tongue::De, true) => format!(
            "Das habe ich vor dem Speichern aus deiner Nachricht entfernt: {names}. Es stand in einem Chat, bitte ersetze es durch ein neues."
        ),
        (Tongue::De, false) => {
            format!("Das habe ich vor dem Speichern aus deiner Nachricht entfernt: {names}.")
        }
    }
}

fn secret_name(kind: SecretKind, language: &str) -> String {
    let (en, de) = match kind {
        SecretKind::PrivateKey => ("a private key", "ein privater Schlüssel"),
        SecretKind::ApiKey => ("an API key", "ein API-Schlüssel"),
        SecretKind::Token => ("an access token", "ein Zugriffstoken"),
        SecretKind::Password => ("a password", "ein Passwort"),
        SecretKind::Card => ("a card number", "eine Kartennummer"),
        SecretKind::Iban => ("a bank account number", "eine Kontonummer"),
        SecretKind::Email => ("an e-mail address", "eine E-Mail-Adresse"),
        SecretKind::Phone => ("a phone number", "eine Telefonnummer"),
    };
    say(language, en, de)
}
