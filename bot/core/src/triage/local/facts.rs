//! The structured fields a request already gives, and the wanted ones it does not.

use std::sync::LazyLock;

use regex::Regex;

use crate::text;
use crate::ticket::{Kind, TicketFields, fields_of};

use super::process;

/// Most characters kept of one field.
const MAX: usize = 400;

fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("the pattern is a constant that the tests compile")
}

macro_rules! patterns {
    ($($name:ident = $source:expr;)+) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($source));)+
    };
}

patterns! {
    SINCE = r"(?i)\b(?:since|ever since|as of|started(?: at| around)?|seit|ab|depuis|desde|dal|dalle|sinds|vanaf|od)\s+(?:about |around |ca\. |etwa |gegen )?([^,;!?\n]{1,40})";
    SINCE_LOOSE = r"(?i)\b(this morning|today|yesterday(?: evening| morning)?|last night|right now|for (?:\w+ ){1,2}(?:minutes|hours|days|weeks)(?: now)?|\w+ (?:minutes|hours) ago|heute(?: früh| morgen)?|gestern(?: abend)?|ce matin|hier soir|esta mañana|ayer|hoje|ontem|stamattina|ieri|vanmorgen|gisteren|dzisiaj|wczoraj)\b";
    AFFECTED = r"(?i)\b((?:nobody|no one|none of us|all of us|everyone|everybody|all (?:users|agents|staff|customers|colleagues)|(?:whole|entire) [\w-]+(?: \w+)?|several (?:users|customers|colleagues|people)|(?:my|our) (?:whole )?(?:team|department|office|group)|only me|just me|customers|colleagues|\d[\d.,]* (?:users|people|customers|colleagues|employees|agents)|(?:i|we) (?:can't|cannot|can not|couldn't|am|are)|alle [\wäöüß]+|niemand|keiner|kunden|kollegen|das (?:ganze )?team|bei mir|bei uns|ich|wir|tout le monde|personne|clients|todos|nadie|clientes|ninguém|tutti|nessuno|iedereen|niemand|klanten|wszyscy|nikt|klienci)[^.;!?\n]{0,40})";
    ERROR = r#"(?i)(?:"([^"\n]{4,200})"|“([^”\n]{4,200})”|„([^“”\n]{4,200})[“”]|«\s?([^»\n]{4,200})\s?»)"#;
    CODE = r"\b([A-Z]{2,}[A-Z0-9]*-?\d{2,}\b[^\n]{0,80}|(?:HTTP|SIP|error|code|Fehler)\s?/?\d[^\n]{0,60}|\w+(?:Exception|Error)\b[^\n]{0,160})";
    NEEDED_BY = r"(?i)\b(?:by|before|until|no later than|as of|from|starting|bis|ab|vor|avant|d'ici|antes del?|até|entro|per il|vóór|voor|przed|do|od)\s+((?:(?:next |this |kommenden |nächsten )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|today|tonight|end of \w+|next (?:week|month)|week \d+|quarter end|montag|dienstag|mittwoch|donnerstag|freitag|morgen|ende \w+|lundi|mardi|mercredi|jeudi|vendredi|demain|lunes|martes|miércoles|jueves|viernes|mañana|\d{1,2}[./:]\d{1,2}[^\s,;]*|\d{1,2}\.? \p{L}{3,9}|\d{4}-\d{2}-\d{2}|(?:january|february|march|april|may|june|july|august|september|october|november|december)(?: \d{1,2})?)(?: \d{1,2}(?:st|nd|rd|th)?)?)";
    WHY = r"(?i)\b(?:because|so that|so we|so i|in order to|as we|since we|due to|otherwise|the reason|weil|damit|da wir|wegen|sonst|parce qu\w*|car|pour que|afin|porque|para que|porquê|perché|così|omdat|zodat|want|ponieważ|bo|żeby|gdyż)\s*[^.!?\n]{4,}";
    APPROVER = r"(?i)\b(?:approved by|signed off by|ok from|okay from|approval (?:of|from|by)|freigegeben von|genehmigt von|freigabe (?:von|durch)|approuvé par|aprobado por|aprovado por|approvato da|goedgekeurd door)\s+([^,;.!?\n]{2,40})";
    AGREED = r"(?i)\b((?:my |her |his |our |meine? |unsere? |ma |mon |mi |mio |mia |mój )?(?:manager|boss|supervisor|director|head of \w+|team lead|cfo|ceo|cto|coo|chef|chefin|vorgesetzt\w+|leiter|leiterin|responsable|jefe|jefa|gerente|diretoria|capo|przełożon\w+)(?-i: \p{Lu}[\p{L}'-]+){0,2})(?:,? (?:has|have|is|in|cc|and|already|hat|schon|bereits|dem|a|ha|já|ya|già))* (?:approved|agreed|agrees|signed|zugestimmt|genehmigt|freigegeben|approuvé|accepté|aprobado|aprobó|aprovou|approvato)\b";
    CLOCK = r"(?i)^(?:(?:about|around|ca\.?|etwa|gegen|circa) )?(?:(?:the )?(?:this|last|next) \w+|(?:mon|tues|wednes|thurs|fri|satur|sun)day(?: (?:morning|noon|afternoon|evening|night))?|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)(?:früh|morgen|abend)?|\d{1,2}[:.]\d{2}(?: ?(?:am|pm|uhr|h|utc))?|\d{1,2} ?(?:am|pm|uhr|h)\b|(?:noon|midnight|mittag|mitternacht|midi|minuit)\b)";
    WHERE = r"(?i)\b(?:in|on|im|in der|auf|dans|sur|en|no|na|nel|nella|op|w)\s+((?:the |der |dem |le |la |el |o |a |il |het |de )?[^,;.!?\n]{0,30}\b(?:screen|page|form|app|report|export|view|dashboard|pdf|menu|tab|list|mail|portal|maske|seite|formular|bericht|liste|page|écran|pantalla|informe|tela|relatório|schermata|scherm|formularz\w*)\b)";
    STEPS = r"(?i)(?:^|[.!?\n,;]\s*)((?:when|whenever|if|after|as soon as|every time|once|wenn|sobald|nachdem|falls|quand|lorsqu\w*|si|cuando|al|quando|ao|se|als|wanneer|gdy|po|jeśli)\b[^.!?\n]{8,})";
    EXPECTED = r"(?i)\b((?:should|ought to|expected|instead of|rather than|supposed to|sollte|müsste|statt|anstatt|devrait|au lieu de|debería|en vez de|deveria|em vez de|dovrebbe|invece di|zou moeten|in plaats van|powinn\w*|zamiast)\b[^.!?\n]{3,})";
    LISTED = r"(?m)^\s*\d{1,2}[.)]\s+\S.*(?:\n\s*\d{1,2}[.)]\s+\S.*)+";
    TRIED = r"(?i)\b((?:i|we)(?:'ve| have)? (?:already )?(?:tried|looked|searched|checked|read)\b[^.!?\n]*|(?:schon|bereits) [^.!?\n]{0,40}(?:versucht|probiert|gesucht|geschaut)|couldn'?t find[^.!?\n]*|j'ai (?:déjà )?(?:essayé|cherché)[^.!?\n]*|he (?:probado|buscado)[^.!?\n]*)";
}

/// The fields of `kind` that `input` gives; `summary` is its summary.
pub(super) fn read(kind: Kind, input: &str, summary: &str) -> TicketFields {
    let mut fields = TicketFields::new();
    let mut put = |name: &str, value: Option<String>| {
        let value = value.map(|v| text::shorten(v.trim(), MAX)).filter(|v| !v.is_empty());
        fields.extend(value.map(|v| (name.to_owned(), v)));
    };
    let enough = text::words(input).len() >= 4;
    match kind {
        Kind::Incident => {
            let since = first(&SINCE, input).map(just_when);
            put("since", since.or_else(|| first(&SINCE_LOOSE, input)));
            put("affected", first(&AFFECTED, input).and_then(without_when));
            put("error", error_text(input));
        }
        Kind::Bug => {
            put("steps", whole(&LISTED, input).or_else(|| first(&STEPS, input)));
            put("expected", first(&EXPECTED, input));
            put("actual", enough.then(|| summary.to_owned()));
            put("where", first(&WHERE, input));
        }
        Kind::Change => {
            put("what", enough.then(|| summary.to_owned()));
            put("why", whole(&WHY, input));
            put("needed_by", first(&NEEDED_BY, input));
            put("approver", first(&APPROVER, input).or_else(|| first(&AGREED, input)));
        }
        Kind::Process => {
            put("process", process::named(input));
            put("parties", process::parties(input));
            put("trouble", enough.then(|| summary.to_owned()));
        }
        Kind::Question => put("tried", first(&TRIED, input)),
        Kind::None => {}
    }
    fields
}

/// Wanted fields that are not given, in the order a form shows them.
pub(super) fn missing(kind: Kind, fields: &TicketFields) -> Vec<String> {
    let wanted = fields_of(kind).iter().filter(|f| f.wanted && !fields.contains_key(f.name));
    wanted.map(|f| f.name.to_owned()).collect()
}

/// The first group of the first sentence that matches: a value ends with its sentence.
fn first(pattern: &Regex, input: &str) -> Option<String> {
    let sentences = text::sentences(input);
    let (sentence, found) = sentences.iter().find_map(|s| Some((*s, pattern.captures(s)?)))?;
    let value = found.iter().skip(1).flatten().next()?;
    // A bounded pattern may end inside a word; the value does not.
    let rest = &sentence[value.end()..];
    let word_end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let value = &sentence[value.start()..value.end() + word_end];
    Some(value.trim_end_matches(['.', ' ']).to_owned())
}

/// A point in time without what happened then: "heute früh geht es nicht" is "heute früh".
fn just_when(value: String) -> String {
    let loose = SINCE_LOOSE.find(&value).filter(|m| m.start() == 0);
    match loose.or_else(|| CLOCK.find(&value)) {
        Some(found) => found.as_str().trim().to_owned(),
        None => value,
    }
}

/// Who is affected, without since when.
fn without_when(value: String) -> Option<String> {
    let at =
        [SINCE.find(&value), SINCE_LOOSE.find(&value)].iter().flatten().map(|m| m.start()).min();
    let who = value[..at.unwrap_or(value.len())].trim_end_matches([' ', ',', '-']).trim();
    (!who.is_empty()).then(|| who.to_owned())
}

fn whole(pattern: &Regex, input: &str) -> Option<String> {
    pattern.find(input).map(|m| m.as_str().trim().to_owned())
}

/// Quoted messages first, then codes and exceptions.
fn error_text(input: &str) -> Option<String> {
    first(&ERROR, input).or_else(|| first(&CODE, input))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_where_they_are_given() {
        for (kind, input, expected) in [
            (
                Kind::Incident,
                "Nobody in Lyon can sign in since 08:10. The page shows \"AADSTS90033: transient\".",
                vec![
                    ("affected", "Nobody in Lyon can sign in"),
                    ("error", "AADSTS90033: transient"),
                    ("since", "08:10"),
                ],
            ),
            (
                Kind::Incident,
                "Seit heute früh geht Keystone nicht, alle Kollegen warten",
                vec![("affected", "alle Kollegen warten"), ("since", "heute früh")],
            ),
            (
                Kind::Bug,
                "When I press back the form is emptied. It should keep my entries.",
                vec![
                    ("actual", "s"),
                    ("expected", "should keep my entries"),
                    ("steps", "When I press back the form is emptied"),
                ],
            ),
            (
                Kind::Change,
                "Please add Jo to the Beacon group by Friday, because she takes over my accounts. Approved by Tom Bauer.",
                vec![
                    ("approver", "Tom Bauer"),
                    ("needed_by", "Friday"),
                    ("what", "s"),
                    ("why", "because she takes over my accounts"),
                ],
            ),
            (
                Kind::Question,
                "how do I add one? I looked in the wiki",
                vec![("tried", "I looked in the wiki")],
            ),
            (
                Kind::Incident,
                "Lookout dashboards show an error for our whole team since Monday morning, no idea why",
                vec![("affected", "our whole team"), ("since", "Monday morning")],
            ),
            (
                Kind::Change,
                "Give me the Pro licence until 1 May, my manager Oyelowo is in cc and agrees",
                vec![("approver", "my manager Oyelowo"), ("needed_by", "1 May"), ("what", "s")],
            ),
            (
                Kind::Process,
                "In our onboarding HR orders the phone and purchasing orders it again",
                vec![("parties", "HR, purchasing"), ("process", "onboarding"), ("trouble", "s")],
            ),
            (Kind::None, "thanks", vec![]),
        ] {
            let fields = read(kind, input, "s");
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(fields, expected, "{input}");
        }
    }

    #[test]
    fn wanted_fields_not_given_are_missing() {
        let fields = read(Kind::Incident, "beacon down", "Beacon down");
        assert_eq!(missing(Kind::Incident, &fields), ["since", "affected"]);
        assert!(missing(Kind::None, &fields).is_empty());
    }
}
