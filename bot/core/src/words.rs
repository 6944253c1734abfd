//! Every sentence the bot says, in one place: pure functions of what happened and of the
//! requester's language. German is spoken to those who write German, English to others.

mod accounts;
mod answers;
pub mod incidents;
mod reviews;
mod tickets;
mod times;

pub use accounts::*;
pub use answers::*;
pub use reviews::*;
pub use tickets::*;
pub use times::*;

use crate::chat::{Button, Message};

/// The name under which the bot speaks.
pub const BOT_NAME: &str = "Firstline";

/// The languages the bot speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tongue {
    En,
    De,
}

/// The bot's language for a requester's (BCP 47).
fn tongue(language: &str) -> Tongue {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    if primary.eq_ignore_ascii_case("de") { Tongue::De } else { Tongue::En }
}

/// One of two wordings.
fn say(language: &str, en: &str, de: &str) -> String {
    match tongue(language) {
        Tongue::En => en.to_owned(),
        Tongue::De => de.to_owned(),
    }
}

fn message(text: String, buttons: &[Button]) -> Message {
    Message { text, buttons: buttons.to_vec(), ..Message::default() }
}

/// What the bot is for, and what can be typed.
pub fn help(language: &str) -> Message {
    let text = say(
        language,
        "Hello, I'm Firstline. Ask me about our systems or tell me what is wrong: I answer from \
         our articles and name them, or I file a ticket with the right team.\n\n\
         You can also type:\n\n\
         - `my tickets` for your open tickets\n\
         - `status FL-123` for the state of one\n\
         - `reopen FL-123` when it is not solved after all\n\
         - `follow FL-123` to hear here what becomes of it, `unfollow FL-123` to stop\n\
         - `talk to a person` at any time",
        "Hallo, ich bin Firstline. Frag mich zu unseren Systemen oder sag mir, was nicht stimmt: \
         Ich antworte aus unseren Artikeln und nenne sie, oder ich lege ein Ticket beim richtigen \
         Team an.\n\nDu kannst auch tippen:\n\n\
         - `meine tickets` für deine offenen Tickets\n\
         - `status FL-123` für den Stand eines Tickets\n\
         - `reopen FL-123`, wenn es doch nicht gelöst ist\n\
         - `folge FL-123`, um hier zu erfahren, was daraus wird; `unfollow FL-123` beendet das\n\
         - `mensch` jederzeit, um mit jemandem zu sprechen",
    );
    message(text, &[Button::TalkToPerson])
}

/// To thanks and small talk in a direct conversation.
pub fn courtesy(language: &str) -> Message {
    message(
        say(
            language,
            "Glad to help. I'm here if anything else comes up.",
            "Gern. Melde dich, wenn noch etwas ist.",
        ),
        &[],
    )
}

/// To a greeting, or to what is no request, before anything else was said.
pub fn greeting(language: &str) -> Message {
    message(
        say(
            language,
            "Hello. What can I help you with? Ask me about our systems, or tell me what is wrong; \
             `help` shows what else I do.",
            "Hallo. Wobei kann ich helfen? Frag mich zu unseren Systemen oder sag mir, was nicht \
             stimmt; `hilfe` zeigt, was ich noch kann.",
        ),
        &[],
    )
}

/// A command that was nearly typed.
pub fn did_you_mean(command: &str, language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!("Did you mean `{command}`? Type it like that and I'll do it."),
        Tongue::De => format!("Meintest du `{command}`? So getippt, mache ich es."),
    };
    message(text, &[])
}

/// The message was cut at `chars` characters.
pub fn too_long(chars: usize, language: &str) -> String {
    match tongue(language) {
        Tongue::En => format!(
            "Your message was very long: I read the first {chars} characters. A file can be attached instead."
        ),
        Tongue::De => format!(
            "Deine Nachricht war sehr lang: Ich habe die ersten {chars} Zeichen gelesen. Du kannst auch eine Datei anhängen."
        ),
    }
}

/// The message held nothing to read.
pub fn empty(language: &str) -> Message {
    message(
        say(
            language,
            "I got a message without text. What can I help you with?",
            "Es kam eine Nachricht ohne Text an. Wobei kann ich helfen?",
        ),
        &[],
    )
}

/// The message was no text a person wrote.
pub fn binary(language: &str) -> Message {
    message(
        say(
            language,
            "That looks like the inside of a file rather than a message. Please attach the file, and tell me in a sentence what it is about.",
            "Das sieht nach dem Inneren einer Datei aus, nicht nach einer Nachricht. Bitte hänge die Datei an und sag mir in einem Satz, worum es geht.",
        ),
        &[],
    )
}

/// Something broke on our side. The request is kept.
pub fn error(language: &str) -> Message {
    message(
        say(
            language,
            "Something failed on my side. Your message is safe: it is tried again, and if that does not help, a person will look at it.",
            "Bei mir ist etwas schiefgegangen. Deine Nachricht ist gesichert: Ich versuche es erneut, und wenn das nicht hilft, sieht ein Mensch sie sich an.",
        ),
        &[Button::TalkToPerson],
    )
}

/// Lists words as in a sentence: "a, b and c".
fn list(items: &[String], language: &str) -> String {
    let and = match tongue(language) {
        Tongue::En => " and ",
        Tongue::De => " und ",
    };
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{}{and}{last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests;
