//! Which process a request is about and who takes part in it, in the request's own words.
//!
//! A process is named by a noun of procedure with what surrounds it ("the onboarding
//! checklist", "Freigabe von Bestellungen"), by an activity that has a name of its own
//! ("offboarding", "month end"), or by what nobody knows who does ("who signs off invoices").

use std::sync::LazyLock;

use regex::Regex;

use crate::text;

use super::gauge;

/// Most parties listed.
const PARTIES: usize = 4;

/// Words that may stand before an English head noun without belonging to the name.
const BARE: &str = r"a|an|the|our|their|its|my|your|this|that|these|those|his|her|no|any|each|every|all|some|two|both|one|same|very|official|documented|written|agreed|defined|clear|actual|current|old|new|own|whole|entire|of|in|on|at|to|for|with|by|from|and|or|but|as|is|are|was|were|has|have|had|there|not|who|which|what|when|where|whose|since|after|before|during|until|about|between|we|i|you|he|she|they|it|says|said|say|do|does|did|still|again|then|so|because|if|how|change|need|needs|want|follow|define|skip|skipping|missing|per|via|under|us|me|them|always|just|only|first|next|step";

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let word = r"[\p{L}\d][\p{L}\d/&'’-]*";
    // What follows the noun: "of credit notes", "between night shift and morning shift".
    let some = format!(r"{word}(?:\s+{word})?");
    let rest = format!(
        r"((?:\s+(?:of|for|between|from|to)\s+(?:the |our |new |a |an )?{some}(?:\s+and\s+{some})?)?)"
    );
    [
        // Before the head up to three words that are no function words; checked in code.
        format!(
            r"(?i)\b((?:{word}\s+){{0,3}}(?:process|procedure|workflow|approval chain|approval flow|approvals?|onboarding|offboarding|on-boarding|off-boarding|hand-?over|hand-?off|escalations?|checklist|sign-?off|stock ?takes?|month end|year end|cut-?over|reviews?|rota|go-live|joiner/mover/leaver|reimbursements?|loop)(?:\s+(?:process|procedure|workflow|checklist|approval|review|flow|chain|loop|form))*\b){rest}"
        ),
        r"(?i)\b((?:beim |im |zum |die |der |das |den |eine? |einer )?\p{L}*(?:prozess|ablauf|verfahren|freigabe|genehmigung|übergabe|abrechnung|abrechnungen|prüfung|eskalation|onboarding|offboarding|einarbeitung|inventur|lohnlauf|mahnlauf|reklamation|reklamationen|rückgabe|retouren|eintritt|austritt|bestellfreigabe)\b(?:\s+(?:von|der|des|für|zwischen)\s+[\p{L}\d-]+(?:\s+und\s+[\p{L}-]+)?)?)".to_owned(),
        r"(?i)\b((?:processus|procédure|circuit|validation|approbation|passation|gestion|clôture)\s+(?:de |d'|des |du )(?:la |l')?[\p{L}-]+(?:\s+(?:de |d'|des |du )[\p{L}-]+)?)".to_owned(),
        r"(?i)\b((?:proceso|procedimiento|aprobación|traspaso|alta|baja|cierre|processo|procedimento|aprovação|passagem|fechamento|processo|procedura|approvazione|passaggio|chiusura|gestione)\s+(?:de |del |da |do |dos |das |di |dei |degli |delle |della )(?:la |los |las )?[\p{L}-]+)".to_owned(),
        r"(?i)\b((?:\p{L}*(?:proces|procedure|goedkeuring|overdracht|inwerken|controle))\b(?:\s+(?:van|voor)\s+(?:de |het )?[\p{L}-]+)?)".to_owned(),
        r"(?i)\b((?:proces|procedura|zatwierdzani\p{L}*|obieg|przekazani\p{L}*|wdrażani\p{L}*|zamykani\p{L}*)\s+\p{L}+)".to_owned(),
        // The work nobody knows the owner of.
        r"(?i)\b(?:who|whoever|nobody|no one)\s+(?:\p{L}+\s+){0,2}?((?:approves?|signs? off|owns?|maintains?|reviews?|releases?|decides?(?: on)?|updates?|orders?|closes?|cleans? up|pays?|checks?)\s+[^,.;!?\n]{4,50})".to_owned(),
        r"(?i)\bwer\s+([^,;!?\n]{3,50}\s(?:freigibt|genehmigt|abzeichnet|pflegt|prüft|bestellt|entscheidet|bearbeitet))".to_owned(),
        r"(?i)\b(?:qui|quién|quem|chi)\s+((?:valide|approuve|signe|gère|aprueba|firma|confirma|mantiene|aprova|assina|approva|gestisce)\s+[^,.;!?\n]{4,50})".to_owned(),
        r"(?i)\bkto\s+((?:zatwierdza|podpisuje|odpowiada za|prowadzi)\s+[^,.;!?\n]{4,50})".to_owned(),
        r"((?:[\p{Han}\p{Katakana}]+の)?[\p{Han}\p{Katakana}]*(?:承認|申請|手順|引き継ぎ|引継ぎ|精算|入力))".to_owned(),
    ]
    .iter()
    .map(|source| Regex::new(source).expect("the pattern is a constant that the tests compile"))
    .collect()
});

static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)^(?:{BARE})$")).expect("the pattern is a constant"));

/// Articles and prepositions that open a match of the other languages.
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:beim|im|zum|die|der|das|den|eine|ein|einer)\s+")
        .expect("the pattern is a constant")
});

/// The process a request names, if it names one.
pub(super) fn named(input: &str) -> Option<String> {
    let sentences = text::sentences(input);
    PATTERNS.iter().enumerate().find_map(|(at, pattern)| {
        sentences.iter().find_map(|sentence| {
            let found = pattern.captures(sentence)?;
            let value = found.get(1)?.as_str();
            let value = if at == 0 {
                let rest = found.get(2).map_or("", |rest| until_function_word(rest.as_str()));
                format!("{}{rest}", after_function_words(value))
            } else {
                value.to_owned()
            };
            let value = OPENING.replace(&value, "");
            let value = value.trim();
            (value.chars().count() > 2).then(|| value.to_owned())
        })
    })
}

/// "each one skips the quote approval loop" names the "quote approval loop": what stands
/// before the last function word goes.
fn after_function_words(value: &str) -> &str {
    let (mut from, mut at) = (0, 0);
    for word in value.split_inclusive(char::is_whitespace) {
        at += word.len();
        if FUNCTION.is_match(word.trim()) {
            from = at;
        }
    }
    value[from..].trim_start()
}

/// " of credit notes has" ends before "has"; the preposition, an article and "and" stay.
fn until_function_word(rest: &str) -> &str {
    let mut at = 0;
    for (place, word) in rest.split_inclusive(char::is_whitespace).enumerate() {
        // The blank before the preposition, the preposition and an article.
        let opening = place < 3;
        let ends = FUNCTION.is_match(word.trim()) && !word.trim().eq_ignore_ascii_case("and");
        if ends && !opening {
            break;
        }
        at += word.len();
    }
    rest[..at].trim_end()
}

/// The departments and teams a request names, when it names at least two.
pub(super) fn parties(input: &str) -> Option<String> {
    let mut found = gauge::departments(input);
    if found.len() < 2 {
        return None;
    }
    found.truncate(PARTIES);
    Some(found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_read_in_their_own_words() {
        for (input, process) in [
            ("In our onboarding nobody orders the phone.", Some("onboarding")),
            ("who owns the offboarding checklist????", Some("offboarding checklist")),
            (
                "Purchase approval: sales books first, finance wants the approval first.",
                Some("Purchase approval"),
            ),
            (
                "handover between night shift and morning shift is just shouting",
                Some("handover between night shift and morning shift"),
            ),
            ("our RMA workflow has a step", Some("RMA workflow")),
            ("the approval of credit notes is a mess", Some("approval of credit notes")),
            ("Escalating this: the quote approval loop. Rep submits.", Some("quote approval loop")),
            (
                "nobody knows who approves laptop orders above 1500 since Marta left",
                Some("approves laptop orders above 1500 since Marta left"),
            ),
            (
                "Keiner weiß, wer Bestellungen über 5.000 € freigibt",
                Some("Bestellungen über 5.000 € freigibt"),
            ),
            (
                "die Übergabe zwischen Früh und Spät klappt nicht",
                Some("Übergabe zwischen Früh und Spät"),
            ),
            ("La procédure d'arrivée n'est écrite nulle part", Some("procédure d'arrivée")),
            (
                "Chez nous la validation des congés passe par deux chefs",
                Some("validation des congés"),
            ),
            ("Nie wiadomo, kto zatwierdza zamówienia", Some("zatwierdza zamówienia")),
            ("経費の承認者が決まっていません。", Some("経費の承認")),
            ("two people, both sign, nobody cares", None),
            ("the mail is down", None),
        ] {
            assert_eq!(named(input).as_deref(), process, "{input}");
        }
    }

    #[test]
    fn who_takes_part_needs_two() {
        for (input, expected) in [
            ("Sales types it in, then accounting types it again", Some("Sales, accounting")),
            ("HR says that IT orders it, purchasing says HR", Some("HR, purchasing")),
            (
                "Vertrieb pflegt die Daten, die Buchhaltung tippt sie ab",
                Some("Vertrieb, Buchhaltung"),
            ),
            ("finance rejects every order", None),
        ] {
            assert_eq!(parties(input).as_deref(), expected, "{input}");
        }
    }
}
