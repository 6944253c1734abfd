//! What can be checked in a sentence: numbers, codes, links, menu paths and names.

use std::sync::LazyLock;

use regex::Regex;

macro_rules! pattern {
    ($name:ident = $source:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new($source).expect("the pattern is a constant that the tests compile")
        });
    };
}

pattern!(
    LINK =
        r"(?i)\b(?:https?://|www\.|mailto:)[^\s<>()\[\]]+|\b[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}"
);
pattern!(TICKED = r"`([^`\n]+)`");
pattern!(NUMBER = r"\d+(?:[.,:'’\u{a0} ]\d+)*");
pattern!(
    CODE = r"\b(?:[A-Za-z]+[-_./]?\d[\w./-]*|\d+[A-Za-z][\w-]*|[A-Z]{2,}[A-Z0-9_-]*|\p{Ll}+\p{Lu}\w*|\p{Lu}\p{Ll}+\p{Lu}\w*)"
);
pattern!(PATH = r"[\p{L}\d][^>→›»\n.,;:!?]*(?:\s*[>→›»]\s*[\p{L}\d][^>→›»\n.,;:!?]*)+");
pattern!(LIST_MARK = r"^\s*(?:\d{1,2}[.)]|[-*+])\s+");

/// Numbers in words, so that "three days" and "3 days" agree. "One" is left out: it is
/// an article or a pronoun as often as a number.
const NUMBER_WORDS: &[(&str, &str)] = &[
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("fifteen", "15"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("sixty", "60"),
    ("ninety", "90"),
    ("zwei", "2"),
    ("drei", "3"),
    ("vier", "4"),
    ("fünf", "5"),
    ("sechs", "6"),
    ("sieben", "7"),
    ("acht", "8"),
    ("neun", "9"),
    ("zehn", "10"),
    ("elf", "11"),
    ("zwölf", "12"),
    ("zwanzig", "20"),
    ("dreißig", "30"),
];

/// The checkable parts of a sentence, each as it was written.
pub(super) struct Facts {
    numbers: Vec<String>,
    literals: Vec<String>,
    paths: Vec<String>,
    names: Vec<String>,
}

impl Facts {
    /// Collects them. `known` are names to be recognised in any position.
    pub(super) fn of_statement(text: &str, known: &[String]) -> Facts {
        // The number of a step is ours to give, not a fact.
        let text = LIST_MARK.replace(text, "");
        let plain = text.replace("**", "").replace("__", "");
        let plain = plain.replace(|c| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}'), "-");
        let mut literals: Vec<String> = all(&LINK, &plain);
        literals.extend(TICKED.captures_iter(&plain).map(|c| c[1].to_owned()));
        let unlinked = LINK.replace_all(&plain, " ");
        literals.extend(all(&CODE, &unlinked));
        let numbers = numbers(&CODE.replace_all(&unlinked, " "));
        let paths: Vec<String> = all(&PATH, &plain).iter().map(|p| tail_of_words(p)).collect();
        let names = names(&plain, known);
        Facts { numbers, literals, paths, names }
    }

    /// The first fact that `shown` does not contain.
    pub(super) fn missing_in(&self, shown: &str) -> Option<String> {
        let plain = fold(shown);
        let known = numbers(&shown.replace("**", ""));
        let words = crate::text::words(shown);
        let number = self.numbers.iter().find(|n| !known.contains(n)).cloned();
        let literal = self.literals.iter().find(|l| !contains_word(&plain, &fold(l))).cloned();
        let path = self.paths.iter().find(|p| !path_occurs(&plain, p)).cloned();
        let name = || self.names.iter().find(|n| !named(&words, &plain, n)).cloned();
        number.or(literal).or(path).or_else(name)
    }
}

fn all(pattern: &Regex, text: &str) -> Vec<String> {
    let trim = |m: regex::Match<'_>| {
        m.as_str().trim_end_matches(['.', ',', ';', ':', '-', '/', '_']).to_owned()
    };
    pattern.find_iter(text).map(trim).filter(|s| !s.is_empty()).collect()
}

/// Lower case, one kind of dash, quote and arrow, single blanks, no emphasis.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        let c = match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '’' | '‘' => '\'',
            '“' | '”' | '„' | '«' => '"',
            '→' | '›' | '»' => '>',
            '*' | '`' | '\u{ad}' => continue,
            c => c,
        };
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if blank && !out.is_empty() {
            out.push(' ');
        }
        blank = false;
        out.extend(c.to_lowercase());
    }
    out
}

/// Whether `needle` stands in `hay` with no letter or digit right beside it, but for an
/// ending such as a plural.
fn contains_word(hay: &str, needle: &str) -> bool {
    hay.match_indices(needle).any(|(at, _)| {
        let before = hay[..at].chars().next_back();
        let after = hay[at + needle.len()..].chars().next();
        let open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let letters_end = needle.ends_with(|c: char| c.is_alphabetic());
        open(before) && (open(after) || (letters_end && after.is_some_and(char::is_alphabetic)))
    })
}

/// Numbers in one spelling: no thousands marks, a point before decimals, no idle zeros.
fn numbers(text: &str) -> Vec<String> {
    let mut out: Vec<String> = NUMBER.find_iter(text).flat_map(|m| spellings(m.as_str())).collect();
    for word in crate::text::words(text) {
        let known = NUMBER_WORDS.iter().find(|(name, _)| *name == word);
        out.extend(known.map(|(_, digits)| (*digits).to_owned()));
    }
    out
}

/// `1,500`, `1.500` and `1 500` are 1500; `2,5` is 2.5; `10:30` stays a time. Blanks
/// join only groups of three, else they part two numbers.
fn spellings(number: &str) -> Vec<String> {
    if number.contains([' ', '\u{a0}']) {
        let parts: Vec<&str> = number.split([' ', '\u{a0}']).collect();
        let grouped = parts[0].len() <= 3
            && parts[0].bytes().all(|b| b.is_ascii_digit())
            && parts[1..].iter().all(|p| p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit()));
        if grouped {
            return vec![parts.concat()];
        }
        return parts.into_iter().flat_map(spellings).collect();
    }
    let groups: Vec<&str> = number.split(['.', ',', '\'', '’']).collect();
    let thousands = groups.len() > 1
        && (1..=3).contains(&groups[0].len())
        && groups[0] != "0"
        && groups[1..].iter().all(|g| g.len() == 3);
    if thousands {
        return vec![groups.concat()];
    }
    let plain = number.replace(',', ".");
    let plain = match plain.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => plain,
    };
    let trimmed = plain.trim_start_matches('0');
    vec![if trimmed.is_empty() || trimmed.starts_with(['.', ':']) {
        plain
    } else {
        trimmed.to_owned()
    }]
}

/// A path's first part may have swallowed the words before it ("open Settings > Mail"):
/// it starts at its last run of capitalised words; its last part ends likewise.
fn tail_of_words(path: &str) -> String {
    let folded = path.replace(['→', '›', '»'], ">");
    let mut parts: Vec<String> = folded.split('>').map(|p| p.trim().to_owned()).collect();
    let capital =
        |w: &&str| w.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    if let Some(first) = parts.first_mut() {
        let words: Vec<&str> = first.split_whitespace().collect();
        let run = words.iter().rev().take_while(|w| capital(w)).count().max(1);
        // "Open Settings" at a sentence's start: the verb may be capitalised too, so
        // only the last word is sure.
        let run = if run == words.len() && run > 1 { run - 1 } else { run };
        *first = words[words.len() - run..].join(" ");
    }
    if let Some(last) = parts.last_mut() {
        let words: Vec<&str> = last.split_whitespace().collect();
        let run = words.iter().take_while(|w| capital(w)).count().max(1);
        *last = words[..run].join(" ");
    }
    parts.join(" > ")
}

/// The whole path in order, whatever blanks stand around its arrows.
fn path_occurs(hay: &str, path: &str) -> bool {
    let tight = |s: &str| s.replace(" >", ">").replace("> ", ">");
    tight(hay).contains(&tight(&fold(path)))
}

/// Capitalised words inside sentences, and known names anywhere. Where most words are
/// capitalised, as German nouns are, capitals tell nothing and only known names count.
fn names(text: &str, known: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut inner = 0usize;
    for sentence in crate::text::sentences(text) {
        let mut first = true;
        for raw in sentence.split_whitespace() {
            let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
            let opens = std::mem::replace(&mut first, raw.ends_with([':', '>']) || raw == "-");
            let letters = word.chars().count();
            if letters < 2 {
                continue;
            }
            if !opens {
                inner += 1;
                if word.starts_with(char::is_uppercase) {
                    found.push(word.trim_end_matches("'s").trim_end_matches("’s").to_owned());
                }
            }
        }
    }
    if found.len() * 4 > inner && inner > 6 {
        found.clear();
    }
    let words = crate::text::words(text);
    let mentioned = |name: &&String| {
        let parts = crate::text::words(name);
        !parts.is_empty() && words.windows(parts.len()).any(|w| w == parts)
    };
    found.extend(known.iter().filter(mentioned).cloned());
    found
}

/// Whether the name occurs, be it with another ending.
fn named(words: &[String], plain: &str, name: &str) -> bool {
    let name = fold(name);
    if name.contains(' ') {
        return contains_word(plain, &name);
    }
    let stem: String = name.chars().take(name.chars().count().saturating_sub(1).max(4)).collect();
    words.iter().any(|w| *w == name || (stem.chars().count() >= 4 && w.starts_with(&stem)))
}
