//! Secrets and personal data become typed placeholders before a model, a log line, a
//! ticket or an index sees them. Linear in the length of the text, and idempotent: a
//! placeholder is never touched again.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// What was found. The word is the one in the placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    PrivateKey,
    ApiKey,
    Token,
    Password,
    Card,
    Iban,
    Email,
    Phone,
}

impl SecretKind {
    pub const ALL: &[SecretKind] = &[
        SecretKind::PrivateKey,
        SecretKind::ApiKey,
        SecretKind::Token,
        SecretKind::Password,
        SecretKind::Card,
        SecretKind::Iban,
        SecretKind::Email,
        SecretKind::Phone,
    ];

    /// In words: "api key".
    pub fn words(self) -> &'static str {
        match self {
            SecretKind::PrivateKey => "private key",
            SecretKind::ApiKey => "api key",
            SecretKind::Token => "token",
            SecretKind::Password => "password",
            SecretKind::Card => "card number",
            SecretKind::Iban => "bank account",
            SecretKind::Email => "e-mail",
            SecretKind::Phone => "phone number",
        }
    }

    /// Whether whoever sent it should replace it, having shown it.
    pub fn rotate(self) -> bool {
        use SecretKind::*;
        matches!(self, PrivateKey | ApiKey | Token | Password)
    }

    /// What stands in its place.
    pub fn placeholder(self) -> String {
        format!("[removed: {}]", self.words())
    }
}

/// What beside secrets is removed, from `[privacy] redact`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedactOptions {
    pub email: bool,
    pub phone: bool,
}

/// The text without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    /// One entry for each removal, in order.
    pub found: Vec<SecretKind>,
}

/// A pattern with the kind it finds. The group `s`, if any, is the secret; what is
/// around it stays.
struct Rule {
    kind: SecretKind,
    pattern: Regex,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    use SecretKind::*;
    [
        (PrivateKey, r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\z)"),
        (PrivateKey, r"PuTTY-User-Key-File-\d:(?s:.*?)(?:Private-MAC: [0-9a-f]+|\z)"),
        (PrivateKey, r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}"),
        // Amazon, GitHub, GitLab, Slack, Stripe, Google, OpenAI, Anthropic, npm, PyPI,
        // Twilio, SendGrid, Mailgun, DigitalOcean, Shopify, Atlassian, Hugging Face,
        // Databricks, Linear, Notion, Telegram, Discord.
        (ApiKey, r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[0-9A-Z]{16}\b"),
        (ApiKey, r"(?i)\baws_?secret_?(?:access_?)?key\W{1,5}(?P<s>[0-9a-zA-Z/+]{40})"),
        (Token, r"\b(?:gh[pousr]_[0-9A-Za-z]{30,255}|github_pat_[0-9A-Za-z_]{22,255})"),
        (Token, r"\bgl(?:pat|ptt|dt|rt|cbt|ft|agent|soat|imt)-[0-9A-Za-z_-]{16,}"),
        (Token, r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}|\bxapp-\d-[0-9A-Za-z-]{10,}|\bxoxe\.xox[bp]-[0-9A-Za-z-]{10,}"),
        (ApiKey, r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z/_-]{15,}"),
        (ApiKey, r"https://discord(?:app)?\.com/api/webhooks/\d+/[0-9A-Za-z_-]{20,}"),
        (ApiKey, r"\b(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/=]{16,}"),
        (ApiKey, r"\bAIza[0-9A-Za-z_-]{35}|\bGOCSPX-[0-9A-Za-z_-]{20,}"),
        (Token, r"\bya29\.[0-9A-Za-z_-]{20,}"),
        (ApiKey, r"\bsk-(?:ant-|proj-|svcacct-|admin-|or-v1-)?[0-9A-Za-z_-]{20,}"),
        (Token, r"\bnpm_[0-9A-Za-z]{30,}|\bpypi-[0-9A-Za-z_-]{30,}|\brubygems_[0-9a-f]{40,}|\bcrates_[0-9A-Za-z]{30,}|\bcio[0-9A-Za-z]{32}\b|\bdckr_pat_[0-9A-Za-z_-]{20,}"),
        (ApiKey, r"\b(?:SK|AC)[0-9a-f]{32}\b"),
        (ApiKey, r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|\bkey-[0-9a-f]{32}\b|\bxkeysib-[0-9a-f]{40,}-[0-9A-Za-z]+"),
        (Token, r"\b(?:do[opr]_v1_[0-9a-f]{40,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|ATATT3[0-9A-Za-z_=-]{40,}|hf_[0-9A-Za-z]{30,}|dapi[0-9a-f]{32}|lin_api_[0-9A-Za-z]{30,}|ntn_[0-9A-Za-z]{30,}|secret_[0-9A-Za-z]{40,}|hv[sb]\.[0-9A-Za-z_-]{24,}|sq0[a-z]{3}-[0-9A-Za-z_-]{22,}|EAA[0-9A-Za-z]{60,})"),
        (Token, r"\b\d{8,10}:AA[0-9A-Za-z_-]{32,}"),
        (Token, r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"),
        (ApiKey, r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|sig)=(?P<s>[0-9a-zA-Z%/+_-]{24,}={0,2})"),
        (ApiKey, r"\b[0-9A-Za-z_-]{3}[78]Q~[0-9A-Za-z_.~-]{31,34}"),
        (Token, r"(?i)\bauthorization\s*[:=]\s*(?:bearer|basic|token|negotiate|digest)?\s*(?P<s>[0-9a-z._~+/=-]{8,})"),
        (Token, r"(?i)\bbearer\s+(?P<s>[0-9a-z._~+/-]{16,}={0,2})"),
        (Password, r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\[\]]{1,80}:(?P<s>[^\s/@\[\]]{2,200})@"),
        (ApiKey, r#"(?i)\b(?:[a-z0-9]{1,20}[_-]){0,4}(?:api[_ -]?key|api[_ -]?token|access[_ -]?key|access[_ -]?token|secret[_ -]?key|client[_ -]?secret|auth[_ -]?token|refresh[_ -]?token|x-api-key|subscription[_ -]?key|webhook[_ -]?secret|private[_ -]?token)["']?\s{0,3}(?::=|=>|=|:|\bis\b|\bist\b|\blautet\b)\s{0,3}["'`]?(?P<s>[0-9a-z_.~+/=-]{8,})"#),
        // A word after "password is" may be plain talk ("is wrong"), so it must look
        // like a secret unless a colon or an equals sign announces it.
        (Password, r#"(?i)(?:\b|_)(?:password|passwort|kennwort|passphrase|passwd|pwd|passcode|mot de passe|mdp|contraseña|clave|senha|palavra-passe|parola d'ordine|wachtwoord|hasło|hasla|lösenord|adgangskode|salasana|heslo|parolă|пароль|pin|パスワード)["']?(?:\s{0,3}(?:for|für|pour|para|per|voor|do|de|von|to)\s[^\s:=]{1,40}){0,2}\s{0,3}(?::=|=>|=|:|：)\s{0,3}["'`„“«]?(?P<s>[^\s"'`“”»\[\]]{3,128})"#),
        (Password, r#"(?i)\b(?:password|passwort|kennwort|passphrase|passwd|pwd|passcode|mot de passe|contraseña|senha|wachtwoord|hasło|пароль)(?:\s(?:for|für|pour|para|per|voor|do|von|to)\s[^\s:=]{1,40}(?:\s[^\s:=]{1,40})?)?\s{1,3}(?:is now|is|was|ist jetzt|ist|lautet|war|est|era|es|é|è|jest|to|:)\s{1,3}(?P<q>["'`„“«]?)(?P<s>[^\s"'`“”»\[\]]{3,128})"#),
        (Password, r"パスワードは\s?(?P<s>[!-Z^-~]{4,128})"),
    ]
    .into_iter()
    .map(|(kind, pattern)| Rule {
        kind,
        pattern: Regex::new(pattern).expect("the pattern is a constant that the tests compile"),
    })
    .collect()
});

macro_rules! pattern {
    ($name:ident = $source:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new($source).expect("the pattern is a constant that the tests compile")
        });
    };
}

pattern!(DIGITS = r"[0-9](?:[ -]?[0-9])*");
pattern!(IBAN = r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{2,4}){3,8}(?:[ -]?[0-9A-Z]{1,3})?\b");
pattern!(EMAIL = r"(?i)\b[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b");
pattern!(
    PHONE = r"(?:\+|\b00)[1-9][0-9]{0,2}[ ./()-]{0,3}(?:[0-9][ ./()-]{0,2}){6,12}[0-9]\b|\(0?[0-9]{2,5}\)[ -]?[0-9]{3,4}[ -]?[0-9]{3,5}\b|\b0[0-9]{2,4}[ /-][0-9]{3,4}[ -]?[0-9]{2,6}\b|\b[2-9][0-9]{2}[-.][0-9]{3}[-.][0-9]{4}\b"
);

/// Replaces the secrets in `text` with placeholders. What a removal brings side by side
/// is looked at again, so that the outcome holds nothing a second call would find.
pub fn redact(text: &str, options: &RedactOptions) -> Redacted {
    let mut redacted = pass(text, options);
    for _ in 0..MOST_PASSES {
        if redacted.found.is_empty() {
            break;
        }
        let again = pass(&redacted.text, options);
        if again.found.is_empty() {
            break;
        }
        redacted.text = again.text;
        redacted.found.extend(again.found);
    }
    redacted
}

/// Passes over one text; a second one rarely finds anything.
const MOST_PASSES: usize = 8;

fn pass(text: &str, options: &RedactOptions) -> Redacted {
    let mut spans: Vec<(Range<usize>, SecretKind)> = Vec::new();
    for rule in RULES.iter() {
        for found in rule.pattern.captures_iter(text) {
            let Some(secret) = found.name("s").or_else(|| found.get(0)) else { continue };
            if rule.kind == SecretKind::Password && harmless(secret.as_str(), found.name("q")) {
                continue;
            }
            let named = found.name("s").is_some() && rule.kind == SecretKind::ApiKey;
            if named && !secret.as_str().bytes().any(|b| b.is_ascii_digit()) && secret.len() < 24 {
                continue;
            }
            // A link's own punctuation is not part of a password.
            let end = secret.start() + secret.as_str().trim_end_matches([',', ';', ')', '.']).len();
            spans.push((secret.start()..end.max(secret.start() + 1), rule.kind));
        }
    }
    spans.extend(cards(text).map(|range| (range, SecretKind::Card)));
    spans.extend(ibans(text).map(|range| (range, SecretKind::Iban)));
    if options.email {
        spans.extend(EMAIL.find_iter(text).map(|m| (m.range(), SecretKind::Email)));
    }
    if options.phone {
        spans.extend(PHONE.find_iter(text).map(|m| (m.range(), SecretKind::Phone)));
    }
    replace(text, spans)
}

/// Joins overlapping spans (the first and longest names the kind) and puts placeholders.
fn replace(text: &str, mut spans: Vec<(Range<usize>, SecretKind)>) -> Redacted {
    spans.sort_by(|(a, _), (b, _)| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let mut out = String::with_capacity(text.len());
    let mut found: Vec<SecretKind> = Vec::new();
    let mut at = 0;
    for (range, kind) in spans {
        if range.start < at {
            // The overlap's remainder goes too.
            at = at.max(range.end);
            continue;
        }
        out.push_str(&text[at..range.start]);
        out.push_str(&kind.placeholder());
        found.push(kind);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Redacted { text: out, found }
}

/// Words that follow "password is" without being one. Something quoted, or with digits,
/// signs or capitals inside, is taken for a secret.
fn harmless(word: &str, quote: Option<regex::Match<'_>>) -> bool {
    let quoted = quote.is_some_and(|q| !q.as_str().is_empty());
    // Only the spoken form captures `q`; a colon or an equals sign announces a secret.
    let spoken = quote.is_some();
    let word = word.trim_end_matches(['.', ',', ';', '!', '?', ')']);
    let odd =
        |c: char| c.is_ascii_digit() || (c.is_ascii_punctuation() && !matches!(c, '-' | '\''));
    let looks_secret = word.chars().any(odd) || word.chars().skip(1).any(char::is_uppercase);
    word.is_empty()
        || word.chars().all(|c| matches!(c, '*' | '•' | '.' | 'x' | 'X' | '?'))
        || (spoken && !quoted && !looks_secret)
}

/// Groups of digits that together are 13 to 19 long, pass the Luhn check and start like
/// a card's number. Every start in a run of groups is tried: another figure may stand
/// before the card.
fn cards(text: &str) -> impl Iterator<Item = Range<usize>> {
    DIGITS.find_iter(text).filter(|run| run.len() >= 13).flat_map(move |run| {
        let mut groups: Vec<Range<usize>> = Vec::new();
        for (at, byte) in run.as_str().bytes().enumerate() {
            let at = run.start() + at;
            match groups.last_mut() {
                _ if !byte.is_ascii_digit() => {}
                Some(group) if group.end == at => group.end = at + 1,
                _ => groups.push(at..at + 1),
            }
        }
        let mut found = Vec::new();
        let mut first = 0;
        while first < groups.len() {
            match card_from(text, &groups[first..]) {
                Some(count) => {
                    found.push(groups[first].start..groups[first + count - 1].end);
                    first += count;
                }
                None => first += 1,
            }
        }
        found
    })
}

/// How many of the leading `groups` are a card's number.
fn card_from(text: &str, groups: &[Range<usize>]) -> Option<usize> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if edge(text[..groups[0].start].chars().next_back()) {
        return None;
    }
    let mut digits: Vec<u8> = Vec::new();
    for (count, group) in groups.iter().enumerate() {
        digits.extend(text[group.clone()].bytes().take(20).map(|b| b - b'0'));
        if digits.len() > 19 {
            return None;
        }
        let plausible = digits.len() >= 13 && matches!(digits[0], 2..=6);
        let varied = digits.iter().any(|d| *d != digits[0]);
        if plausible && varied && luhn(&digits) && !edge(text[group.end..].chars().next()) {
            return Some(count + 1);
        }
    }
    None
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| {
            let doubled = if i % 2 == 1 { d * 2 } else { *d };
            u32::from(if doubled > 9 { doubled - 9 } else { doubled })
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Account numbers whose check digits are right. A match may run on into the words
/// after it, so shorter cuts at its blanks are tried too.
fn ibans(text: &str) -> impl Iterator<Item = Range<usize>> {
    IBAN.find_iter(text).filter_map(|found| {
        let whole = found.as_str();
        let cuts = whole.char_indices().rev().filter(|(_, c)| *c == ' ').map(|(i, _)| i);
        std::iter::once(whole.len())
            .chain(cuts)
            .find(|end| iban_checks(&whole[..*end]))
            .map(|end| found.start()..found.start() + end)
    })
}

fn iban_checks(candidate: &str) -> bool {
    let plain: Vec<u8> = candidate.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let remainder = plain[4..].iter().chain(&plain[..4]).fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    remainder == 1
}

#[cfg(test)]
mod tests;
