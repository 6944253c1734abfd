//! Words: how text is cut, folded and stemmed, and which words carry no subject.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token,
    TokenStream, Tokenizer,
};

/// Languages with a stemmer of their own. Every other language shares [`UNSTEMMED`].
pub(crate) const STEMMED: &[(&str, Language)] = &[
    ("en", Language::English),
    ("de", Language::German),
    ("fr", Language::French),
    ("es", Language::Spanish),
    ("pt", Language::Portuguese),
    ("it", Language::Italian),
    ("nl", Language::Dutch),
];
/// The name of the analyzer, and field suffix, without stemming.
pub(crate) const UNSTEMMED: &str = "und";
/// The analyzer of identifiers.
pub(crate) const CODE: &str = "code";

const MAX_WORD: usize = 48;
/// Stems remembered by one analyzer; natural text repeats a few thousand words.
const MAX_REMEMBERED: usize = 50_000;

/// The analyzer for a field suffix.
pub(crate) fn analyzer(suffix: &str) -> TextAnalyzer {
    let stemmer = STEMMED.iter().find(|(name, _)| *name == suffix).map(|(_, language)| {
        // Folding comes last: the stemmers know accents, and people leave them out.
        TextAnalyzer::builder(RawTokenizer::default())
            .filter(Stemmer::new(*language))
            .filter(AsciiFoldingFilter)
            .build()
    });
    let folding =
        || TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build();
    TextAnalyzer::from(WordTokenizer {
        stemmed: stemmer.is_some(),
        form: stemmer.unwrap_or_else(folding),
        known: HashMap::new(),
        token: Token::default(),
    })
}

/// Letters and digits in a row, lower case, stemmed and folded. One pass with a memory for stems:
/// indexing spends most of its time here.
#[derive(Clone)]
struct WordTokenizer {
    stemmed: bool,
    /// Brings one lower-case word to its indexed form.
    form: TextAnalyzer,
    known: HashMap<Box<str>, Box<str>>,
    token: Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token = Token { position: usize::MAX, ..Token::default() };
        WordStream { text, at: 0, words: self }
    }
}

struct WordStream<'a> {
    text: &'a str,
    at: usize,
    words: &'a mut WordTokenizer,
}

impl WordStream<'_> {
    /// Turns the lower-case word in the token into its indexed form.
    fn shape(&mut self) {
        let words = &mut *self.words;
        if !words.stemmed && words.token.text.is_ascii() {
            return;
        }
        if let Some(form) = words.known.get(words.token.text.as_str()) {
            words.token.text.clear();
            words.token.text.push_str(form);
            return;
        }
        let mut form = String::new();
        words.form.token_stream(&words.token.text).process(&mut |t| form.push_str(&t.text));
        if words.known.len() >= MAX_REMEMBERED {
            words.known.clear();
        }
        words.known.insert(words.token.text.as_str().into(), form.as_str().into());
        words.token.text = form;
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            let rest = &self.text[self.at..];
            let Some(skip) = rest.find(char::is_alphanumeric) else { return false };
            let rest = &rest[skip..];
            let start = self.at + skip;
            let (length, next) = extent(rest);
            self.at = start + next;
            if length > MAX_WORD {
                continue;
            }
            let word = &rest[..length];
            let token = &mut self.words.token;
            token.text.clear();
            if word.is_ascii() {
                token.text.push_str(word);
                token.text.make_ascii_lowercase();
            } else {
                token.text.extend(word.chars().flat_map(char::to_lowercase));
            }
            token.offset_from = start;
            token.offset_to = start + length;
            token.position = token.position.wrapping_add(1);
            self.shape();
            return true;
        }
    }

    fn token(&self) -> &Token {
        &self.words.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.words.token
    }
}

/// How long the word at the start of `text` is, and where the next one is looked for, in bytes.
/// Where words are not spaced, every two neighbouring characters are one.
fn extent(text: &str) -> (usize, usize) {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if unspaced(first) => {
            let one = first.len_utf8();
            let Some(second) = chars.next().filter(|c| unspaced(*c)) else { return (one, one) };
            let two = one + second.len_utf8();
            // The last character has been part of a word already.
            (two, if chars.next().is_some_and(unspaced) { one } else { two })
        }
        _ => {
            let end = |c: char| !c.is_alphanumeric() || unspaced(c);
            let length = text.find(end).unwrap_or(text.len());
            (length, length)
        }
    }
}

/// A character of a script that is written without spaces between words: Chinese characters and
/// the Japanese syllables.
pub(crate) fn unspaced(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
        && c.is_alphanumeric()
}

/// The field suffix for a document's language (`de-AT` is `de`).
pub(crate) fn suffix(language: &str) -> &'static str {
    let primary = language.split('-').next().unwrap_or_default();
    STEMMED
        .iter()
        .find(|(name, _)| primary.eq_ignore_ascii_case(name))
        .map_or(UNSTEMMED, |(n, _)| n)
}

/// Runs an analyzer over a text.
pub(crate) fn tokens(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    analyzer.token_stream(text).process(&mut |token| out.push(token.text.clone()));
    out
}

/// An identifier in the form it is indexed: `SO-1042` and `so1042` are the same. `None` for plain
/// words and plain numbers.
pub(crate) fn identifier(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    if word.len() < 3 || word.len() > 80 {
        return None;
    }
    let letter = word.chars().any(char::is_alphabetic);
    let digit = word.chars().any(|c| c.is_ascii_digit());
    let joined = word.contains(['-', '_', '.', '/', ':']);
    if !(letter && (digit || joined)) {
        return None;
    }
    let bare: String =
        word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    (bare.len() >= 3).then_some(bare)
}

/// The language of a question or sample when its small words settle it; saves the slow guess.
pub(crate) fn plainly_english(text: &str) -> bool {
    let (mut all, mut english) = (0, 0);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(150) {
        all += 1;
        english += usize::from(ENGLISH_MARKS.contains(&word.to_ascii_lowercase().as_str()));
    }
    english >= 2 && english * 10 >= all
}

/// Small words that no other language read here writes alike.
const ENGLISH_MARKS: &[&str] = &[
    "the", "and", "of", "is", "are", "this", "that", "with", "you", "your", "can", "how", "what",
    "when", "which", "if", "it", "not", "from", "have", "has", "we", "my", "to", "does", "why",
    "where", "who", "our", "they", "there", "or", "be", "by", "should", "would", "an", "for",
];

/// Emits the identifiers of a text, nothing else.
#[derive(Clone, Default)]
pub(crate) struct CodeTokenizer {
    token: Token,
}

impl Tokenizer for CodeTokenizer {
    type TokenStream<'a> = CodeStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> CodeStream<'a> {
        self.token = Token { position: usize::MAX, ..Token::default() };
        CodeStream { words: text.split_whitespace(), token: &mut self.token }
    }
}

pub(crate) struct CodeStream<'a> {
    words: std::str::SplitWhitespace<'a>,
    token: &'a mut Token,
}

impl TokenStream for CodeStream<'_> {
    fn advance(&mut self) -> bool {
        for word in self.words.by_ref() {
            if let Some(id) = identifier(word) {
                self.token.position = self.token.position.wrapping_add(1);
                self.token.text = id;
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// How much a word can say about the subject of a question: 0 for the closed classes of a
/// language, little for the verbs and courtesies every request is made of, else 1.
pub(crate) fn role(word: &str, language: &str) -> f64 {
    if word.chars().count() == 1 && !word.chars().all(|c| c.is_ascii_digit()) {
        return 0.0;
    }
    if suffix(language) == "en" {
        if ENGLISH.contains(word) {
            return 0.0;
        }
        return if ENGLISH_LIGHT.contains(word) { 0.35 } else { 1.0 };
    }
    let stop = STEMMED.iter().find(|(n, _)| *n == suffix(language)).is_some_and(|(_, l)| {
        StopWordFilter::new(*l).is_some_and(|filter| {
            let mut analyzer =
                TextAnalyzer::builder(RawTokenizer::default()).filter(filter).build();
            tokens(&mut analyzer, word).is_empty()
        })
    });
    if stop { 0.0 } else { 1.0 }
}

/// Closed word classes of English (pronouns, articles, prepositions, conjunctions, auxiliaries,
/// question words) and greetings. The list that comes with the search library knows only 33.
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a an the this that these those i me my mine myself we us our ours ourselves you your yours \
     yourself he him his himself she her hers herself it its itself they them their theirs \
     themselves one ones who whom whose which what where when why how whether if then else than \
     and or but nor so as at by for from in into of off on onto out over under to toward towards \
     up down with within without about above across after against along among around before \
     behind below beneath beside besides between beyond during except inside near since through \
     throughout till until upon via am is are was were be been being do does did doing done have \
     has had having can could may might must shall should will would ought cannot cant couldnt \
     dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt havent hasnt hadnt don doesn \
     didn isn aren wasn weren won wouldn couldn shouldn haven hasn hadn ain ll ve re im ive id \
     theres thats whats its lets not no yes any some all both each every either neither much many \
     more most less least few several other another such same own too very just only also even \
     still again already yet ever never always there here now hi hello hey dear please pls thanks \
     thank thx cheers regards anyone anybody someone somebody something anything everyone \
     everything nothing nobody bit lot lots really quite rather maybe perhaps etc ok okay oh oops \
     else gonna wanna gotta somehow anyway though although because while once like"
        .split_whitespace()
        .collect()
});

/// Words that stand in requests about anything.
static ENGLISH_LIGHT: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "get gets getting got gotten go goes going gone went want wants wanted need needs needed make \
     makes making made take takes took taken give gives gave given put let know knows knew tell \
     says say said see sees seen saw look looks looking find found try tries tried trying come \
     comes came keep keeps kept seem seems think thing things stuff way ways time times day days \
     today tomorrow yesterday week month year last next new first people person guys help use \
     uses used using work works working happen happens happened wondering question possible able \
     good right correct best easy know idea instead suddenly actually surely currently ago \
     back away two three supposed allowed wrong different monday tuesday wednesday thursday friday \
     saturday sunday morning afternoon evening night tonight weekend weekly daily hour hours minute \
     minutes moment soon later earlier early boss colleague colleagues mate folks guy team everybody \
     urgent urgently quick quickly fast asap sorry apologies bother morning trouble struggling stuck \
     confused lost unsure sure remember forgot heard told asked asking ask says supposedly apparently \
     basically simply properly exactly probably certainly hopefully usually normally sometimes \
     often whole full big little old bunch couple half part kind sort piece point case end place \
     side top bad nice great fine weird strange odd annoying proper normal real actual own random \
     explain understand mean means meant talk speak wonder hope wish expect expected figure checked \
     check start started turn turned turns bring brought leave feel show shows showing happens"
        .split_whitespace()
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (word, want) in [
            ("AADSTS50105,", Some("aadsts50105")),
            ("(SO-1042)", Some("so1042")),
            ("KS-2041", Some("ks2041")),
            ("0x80070005", Some("0x80070005")),
            ("New-RemoteMailbox", Some("newremotemailbox")),
            ("word", None),
            ("2041", None),
            ("word.", None),
        ] {
            assert_eq!(identifier(word).as_deref(), want, "{word}");
        }
    }

    #[test]
    fn stems_per_language() {
        assert_eq!(tokens(&mut analyzer("en"), "Running invoices"), ["run", "invoic"]);
        assert_eq!(
            tokens(&mut analyzer("de"), "Rechnungen"),
            tokens(&mut analyzer("de"), "Rechnung")
        );
        assert_eq!(tokens(&mut analyzer(UNSTEMMED), "Café"), ["cafe"]);
        assert_eq!(suffix("de-AT"), "de");
        assert_eq!(suffix("ja"), UNSTEMMED);
    }

    #[test]
    fn words_without_spaces_are_pairs_of_characters() {
        let mut words = analyzer(UNSTEMMED);
        for (text, want) in [
            ("発注書の承認", "発注 注書 書の の承 承認"),
            ("VPNに接続できない", "vpn に接 接続 続で でき きな ない"),
            ("印, ERP系统2024", "印 erp 系统 2024"),
            ("결재 요청", "결재 요청"),
        ] {
            assert_eq!(tokens(&mut words, text).join(" "), want, "{text}");
        }
    }

    #[test]
    fn roles() {
        assert_eq!(role("how", "en"), 0.0);
        assert_eq!(role("invoice", "en"), 1.0);
        assert_eq!(role("nicht", "de"), 0.0);
        assert!(role("want", "en") < 0.5);
    }
}
