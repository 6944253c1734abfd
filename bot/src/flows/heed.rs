//! What a request and its passages say once the instructions to the bot are set aside.
//! The full text is kept, filed and shown; only this is searched with, read and quoted.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};

use firstline_core::chat::without_mass_mentions;
use firstline_core::triage::Turn;
use firstline_core::triage::local::Addressed;
use firstline_indexer::Found;

/// Told to reviewers when a message tried to instruct the bot.
pub(crate) const NOT_FOLLOWED: &str =
    "The message contains instructions to the bot; they were not followed.";

/// Passages whose text is remembered, a few dozen bytes each; they come back often.
const REMEMBERED: usize = 1 << 16;

static DETECTOR: LazyLock<Addressed> = LazyLock::new(|| {
    let requests = crate::prompts::shipped_examples();
    Addressed::train(
        &crate::prompts::addressed_examples(),
        requests.iter().map(|example| example.text.as_str()),
    )
});

/// Passages by the hash of their text; `None` where nothing had to go.
static PASSAGES: LazyLock<Mutex<HashMap<u64, Option<String>>>> = LazyLock::new(Mutex::default);

/// A message as it is read.
pub(crate) struct Heeded {
    pub(crate) text: String,
    pub(crate) thread: Vec<Turn>,
    /// What was said to the bot, sentence by sentence.
    pub(crate) instructions: Vec<String>,
    /// Nothing but that was said, so `text` still holds it.
    pub(crate) nothing_else: bool,
}

/// Sets aside what `text` and the earlier turns tell the bot to do. A message that says
/// nothing else is read as it stands: it may be a person's after all.
pub(crate) fn heed(text: &str, thread: &[Turn]) -> Heeded {
    let (own, instructions) = DETECTOR.without_addressed(text);
    let nothing_else = !instructions.is_empty() && !own.chars().any(char::is_alphanumeric);
    let thread = thread
        .iter()
        .map(|turn| Turn { from: turn.from, text: without_instructions(&turn.text) })
        .collect();
    let text = if nothing_else { text.to_owned() } else { own };
    Heeded { text, thread, instructions, nothing_else }
}

/// Trains the detector now, so that no request waits for it.
pub(crate) fn warm_up() {
    LazyLock::force(&DETECTOR);
}

/// `text` without what it tells the bot to do.
pub(crate) fn without_instructions(text: &str) -> String {
    DETECTOR.without_addressed(text).0
}

/// Takes what was planted out of the passages, before anybody reads or quotes them.
pub(crate) fn clean_passages(found: &mut Found) {
    for hit in &mut found.hits {
        if let Some(clean) = clean_passage(&hit.passage.text) {
            hit.passage.text = clean;
        }
    }
}

fn clean_passage(text: &str) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let key = hasher.finish();
    let remembered = || PASSAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = remembered().get(&key) {
        return known.clone();
    }
    let plain = without_instructions(text);
    let clean = without_mass_mentions(&plain).into_owned();
    let changed = (clean != text).then_some(clean);
    let mut passages = remembered();
    if passages.len() >= REMEMBERED {
        passages.clear();
    }
    passages.insert(key, changed.clone());
    changed
}
