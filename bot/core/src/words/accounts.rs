//! Words about accounts of chats and the people they belong to.

use super::{Tongue, message, say, tongue};
use crate::chat::Message;

/// Where the console shows one's accounts.
pub const ACCOUNTS: &str = "/accounts";

/// To somebody whose account belongs to nobody known; `how` they can change that, as typed.
pub fn unknown_here(how: &str, language: &str) -> String {
    match tongue(language) {
        Tongue::En => format!(
            "*I do not know who you are here, so I can say only what is public. {how} changes that.*"
        ),
        Tongue::De => format!(
            "*Ich weiß nicht, wer du hier bist, und kann darum nur Öffentliches sagen. {how} ändert das.*"
        ),
    }
}

/// A one-time page on which they take their account for theirs, `until` a moment.
pub fn link_page(url: &str, until: &str, language: &str) -> String {
    match tongue(language) {
        Tongue::En => format!(
            "Open [this page]({url}) and say that this account is yours. The link works once, until {until}; give it to nobody."
        ),
        Tongue::De => format!(
            "Öffne [diese Seite]({url}) und bestätige, dass dieses Konto deines ist. Der Link gilt einmal, bis {until}; gib ihn niemandem."
        ),
    }
}

pub fn tied_already(email: &str, language: &str) -> String {
    match tongue(language) {
        Tongue::En => {
            format!("Your account is tied to {email} already; typing `unlink` undoes that.")
        }
        Tongue::De => {
            format!("Dein Konto gehört schon zu {email}; mit `unlink` löst du das.")
        }
    }
}

/// The platform calls them a guest, and the bot believes it.
pub fn guests_stay_guests(language: &str) -> String {
    say(
        language,
        "You are a guest here, and guests stay guests: your account cannot be tied to a colleague.",
        "Du bist hier Gast, und Gäste bleiben Gäste: Dein Konto kann zu niemandem gehören.",
    )
}

/// The console has no address.
pub fn cannot_link(language: &str) -> String {
    say(
        language,
        "Accounts cannot be tied here: `server.public_url` is not set.",
        "Konten können hier nicht verknüpft werden: `server.public_url` fehlt.",
    )
}

/// An account was tied to somebody, or was not, and is no longer.
pub fn unlinked(was_tied: bool, language: &str) -> String {
    match was_tied {
        true => say(
            language,
            "Done. From now on you are to me who your profile here says, or a guest.",
            "Erledigt. Ab jetzt bist du für mich, wer dein Profil hier sagt, oder Gast.",
        ),
        false => {
            say(language, "Your account was tied to nobody.", "Dein Konto gehörte zu niemandem.")
        }
    }
}

/// Where no account can be tied: in the console, or where others read along.
pub fn link_in_private(language: &str) -> Message {
    let text = match tongue(language) {
        Tongue::En => format!(
            "An account of a chat is tied from there: write `link` to me directly in that chat. [Your accounts]({ACCOUNTS})"
        ),
        Tongue::De => format!(
            "Ein Konto verknüpfst du von dort aus: Schreib mir in dem Chat direkt `link`. [Deine Konten]({ACCOUNTS})"
        ),
    };
    message(text, &[])
}
