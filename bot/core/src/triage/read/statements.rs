//! The statements of an answer, read while the reply is still growing: each one is
//! yielded as soon as its object is closed, so that it can be checked and shown; a reply
//! that breaks off keeps what was complete.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::triage::Abstained;

/// Statements read from one reply; more is rambling.
const MAX_STATEMENTS: usize = 24;
/// Bytes of one reply looked at.
const MAX_REPLY: usize = 128 * 1024;

/// A statement as the model made it: unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawStatement {
    pub text: String,
    /// Numbers of the passages it claims to rest on.
    pub cites: Vec<usize>,
}

/// JSON schema of an answer, in the strict form.
pub fn answer_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "statements": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string"},
                        "cites": {"type": "array", "items": {"type": "integer"}},
                    },
                    "required": ["text", "cites"],
                    "additionalProperties": false,
                },
            },
            "abstain": {
                "type": ["string", "null"],
                "enum": ["not_covered", "conflict", "stale", null],
            },
        },
        "required": ["statements", "abstain"],
        "additionalProperties": false,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the reply's object: a fence, a remark, a thinking block.
    Preamble,
    Inside,
    /// The object is closed; what follows is ignored.
    Done,
}

/// Reads `{"statements":[{"text":"...","cites":[1]},...],"abstain":null}` piece by piece,
/// keys in any order. Statements that are no statement are counted and left out.
#[derive(Debug)]
pub struct StatementReader {
    reply: String,
    /// Bytes of `reply` already looked at.
    seen: usize,
    place: Place,
    /// Open brackets, outermost first: `{` or `[`.
    open: Vec<u8>,
    /// Where the string being read began, if one is.
    string_at: Option<usize>,
    escaped: bool,
    /// The last key of the outermost object.
    key: String,
    /// In the outermost object, after a colon.
    value_next: bool,
    /// Where the statement being read began.
    statement_at: Option<usize>,
    abstain: Option<Abstained>,
    unreadable: usize,
    read: usize,
}

impl Default for StatementReader {
    fn default() -> Self {
        StatementReader {
            reply: String::new(),
            seen: 0,
            place: Place::Preamble,
            open: Vec::new(),
            string_at: None,
            escaped: false,
            key: String::new(),
            value_next: false,
            statement_at: None,
            abstain: None,
            unreadable: 0,
            read: 0,
        }
    }
}

impl StatementReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the reply; returns the statements it completed.
    pub fn feed(&mut self, piece: &str) -> Vec<RawStatement> {
        let mut out = Vec::new();
        if self.reply.len() + piece.len() > MAX_REPLY {
            self.place = Place::Done;
        }
        if self.place == Place::Done {
            return out;
        }
        self.reply.push_str(piece);
        while self.seen < self.reply.len() && self.place != Place::Done {
            let at = self.seen;
            let byte = self.reply.as_bytes()[at];
            self.seen += 1;
            match self.place {
                Place::Preamble => self.preamble(at, byte),
                _ => out.extend(self.inside(at, byte)),
            }
        }
        out
    }

    /// Why the model says it cannot answer, as far as the reply has told.
    pub fn abstain(&self) -> Option<Abstained> {
        self.abstain
    }

    /// Whether the whole object was read.
    pub fn complete(&self) -> bool {
        self.place == Place::Done && self.open.is_empty()
    }

    /// Members of `statements` that were not statements.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    fn preamble(&mut self, at: usize, byte: u8) {
        if byte != b'{' {
            return;
        }
        let before = &self.reply[..at];
        let thinking = before.rfind("<think>") > before.rfind("</think>");
        if !thinking {
            self.place = Place::Inside;
            self.open.push(byte);
        }
    }

    /// One byte of the object. Only ASCII bytes steer, and those never occur inside a
    /// multi-byte character, so every slice taken is at a character boundary.
    fn inside(&mut self, at: usize, byte: u8) -> Option<RawStatement> {
        if let Some(start) = self.string_at {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.string_at = None;
                    self.string_ended(start, at);
                }
                _ => {}
            }
            return None;
        }
        match byte {
            b'"' => self.string_at = Some(at),
            b'{' | b'[' => {
                let in_statements = self.open == [b'{', b'['] && self.key == "statements";
                if byte == b'{' && in_statements {
                    self.statement_at = Some(at);
                }
                self.open.push(byte);
            }
            b'}' | b']' => {
                self.open.pop();
                if self.open.is_empty() {
                    self.place = Place::Done;
                }
                if self.open.len() == 2
                    && let Some(start) = self.statement_at.take()
                {
                    return self.statement(start, at);
                }
            }
            b':' if self.open.len() == 1 => self.value_next = true,
            b',' if self.open.len() == 1 => self.value_next = false,
            _ => {}
        }
        None
    }

    fn string_ended(&mut self, start: usize, end: usize) {
        if self.open.len() != 1 {
            return;
        }
        let word: String = serde_json::from_str(&self.reply[start..=end]).unwrap_or_default();
        if !self.value_next {
            self.key = word;
        } else if self.key == "abstain" {
            self.abstain = [Abstained::NotCovered, Abstained::Conflict, Abstained::Stale]
                .into_iter()
                .find(|reason| reason.as_str() == word);
        }
    }

    fn statement(&mut self, start: usize, end: usize) -> Option<RawStatement> {
        self.read += 1;
        if self.read > MAX_STATEMENTS {
            self.unreadable += 1;
            return None;
        }
        let statement = serde_json::from_str::<Wire>(&self.reply[start..=end])
            .ok()
            .map(|wire| RawStatement {
                text: wire.text.trim().to_owned(),
                cites: wire.cites.iter().filter_map(number).collect(),
            })
            .filter(|statement| !statement.text.is_empty());
        if statement.is_none() {
            self.unreadable += 1;
        }
        statement
    }
}

#[derive(Deserialize)]
struct Wire {
    text: String,
    #[serde(default)]
    cites: Vec<Value>,
}

/// `1`, `"1"` and `"[1]"`.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim_matches(['[', ']', ' ']).parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(reply: &str) -> (Vec<RawStatement>, Option<Abstained>, bool, usize) {
        let mut reader = StatementReader::new();
        let statements = reader.feed(reply);
        (statements, reader.abstain(), reader.complete(), reader.unreadable())
    }

    fn said(text: &str, cites: &[usize]) -> RawStatement {
        RawStatement { text: text.into(), cites: cites.into() }
    }

    #[test]
    fn replies() {
        let two = vec![said("Open \"Roles\" {then} [save].", &[1, 2]), said("Done ✓ é", &[3])];
        let body = r#"{"statements":[{"text":"Open \"Roles\" {then} [save].","cites":[1,2]},{"cites":["[3]"],"text":"Done ✓ \u00e9"}],"abstain":null}"#;
        for (reply, expected) in [
            (body.to_owned(), (two.clone(), None, true, 0)),
            (format!("```json\n{body}\n```"), (two.clone(), None, true, 0)),
            (format!("<think>{{\"statements\":[]}}</think>{body}"), (two.clone(), None, true, 0)),
            (
                r#"{"abstain":"conflict","statements":[{"text":"A.","cites":[]}]}"#.into(),
                (vec![said("A.", &[])], Some(Abstained::Conflict), true, 0),
            ),
            (
                r#"{"statements":[],"abstain":"not_covered"}"#.into(),
                (vec![], Some(Abstained::NotCovered), true, 0),
            ),
            (
                r#"{"statements":[],"abstain":"because I say so"}"#.into(),
                (vec![], None, true, 0),
            ),
            // Breaking off keeps what was complete.
            (
                r#"{"statements":[{"text":"A.","cites":[1]},{"text":"B"#.into(),
                (vec![said("A.", &[1])], None, false, 0),
            ),
            // No statements: empty, wrong types, negative and fractional numbers.
            (
                r#"{"statements":[{"text":" ","cites":[1]},{"txt":"A"},{"text":7},{"text":"B.","cites":[-1,1.5,2]}]}"#.into(),
                (vec![said("B.", &[2])], None, true, 3),
            ),
            // A statement elsewhere is none; neither is one deeper down.
            (
                r#"{"other":[{"text":"A.","cites":[1]}],"statements":{"x":[{"text":"B.","cites":[1]}]}}"#.into(),
                (vec![], None, true, 0),
            ),
            (String::new(), (vec![], None, false, 0)),
            ("I would rather not.".into(), (vec![], None, false, 0)),
            ("}}]]{{".into(), (vec![], None, false, 0)),
        ] {
            assert_eq!(read(&reply), expected, "{reply}");
        }
    }

    #[test]
    fn rambling_is_cut() {
        let many = vec![r#"{"text":"A.","cites":[1]}"#; 60].join(",");
        let (statements, ..) = read(&format!("{{\"statements\":[{many}]}}"));
        assert_eq!(statements.len(), MAX_STATEMENTS);
        let mut reader = StatementReader::new();
        for _ in 0..200 {
            reader.feed(&"x".repeat(1024));
        }
        assert!(reader.reply.len() <= MAX_REPLY);
    }

    fn piecewise(reply: &str, cuts: &[usize]) -> (Vec<RawStatement>, Option<Abstained>, bool) {
        let mut reader = StatementReader::new();
        let mut statements = Vec::new();
        let chars: Vec<char> = reply.chars().collect();
        let mut at = 0;
        for cut in cuts.iter().cycle() {
            if at >= chars.len() {
                break;
            }
            let end = (at + cut).min(chars.len());
            statements.extend(reader.feed(&chars[at..end].iter().collect::<String>()));
            at = end;
        }
        (statements, reader.abstain(), reader.complete())
    }

    proptest! {
        #[test]
        fn any_splitting_gives_the_same_statements(
            texts in prop::collection::vec("[^ ].{0,30}", 0..6),
            cites in prop::collection::vec(0usize..12, 0..4),
            cuts in prop::collection::vec(1usize..9, 1..5),
        ) {
            let statements: Vec<_> =
                texts.iter().map(|text| json!({"text": text, "cites": cites})).collect();
            let reply = json!({"statements": statements, "abstain": "stale"}).to_string();
            let whole = read(&reply);
            let expected: Vec<_> = texts
                .iter()
                .filter(|text| !text.trim().is_empty())
                .map(|text| said(text.trim(), &cites))
                .collect();
            prop_assert_eq!(&whole.0, &expected);
            prop_assert_eq!(piecewise(&reply, &cuts), (expected, Some(Abstained::Stale), true));
        }

        #[test]
        fn noise_never_panics(reply in "[\\[\\]{}\",:\\\\a-z0-9é ]{0,80}", cuts in prop::collection::vec(1usize..5, 1..4)) {
            let whole = read(&reply);
            let (statements, abstain, complete) = piecewise(&reply, &cuts);
            prop_assert_eq!((whole.0, whole.1, whole.2), (statements, abstain, complete));
        }
    }
}
