//! Everything this Teams remembers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use serde_json::Value;

use super::keys::KeyRing;
use super::people::guid;
use super::rates::Rates;
use super::sign_in::Service;
use super::{Call, Fault, Posted, User};

/// When the first thing happens here, in milliseconds; fixed, so that transcripts repeat.
pub(super) const START: u64 = 1_793_620_800_000;

pub(super) struct Conversation {
    /// Ids of the people in it, in the order they came.
    pub(super) members: Vec<String>,
    /// Whether the bot is one of them.
    pub(super) bot: bool,
    pub(super) messages: Vec<Posted>,
}

pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct World {
    pub(super) service_url: String,
    /// Milliseconds of the newest message.
    pub(super) clock: u64,
    /// Makes every other id unique.
    pub(super) serial: u64,
    pub(super) users: HashMap<String, User>,
    pub(super) conversations: HashMap<String, Conversation>,
    pub(super) calls: Vec<(Call, Value)>,
    pub(super) faults: HashMap<Call, VecDeque<Fault>>,
    pub(super) keys: KeyRing,
    /// Tokens handed out, each with what it opens and its end.
    pub(super) tokens: HashMap<String, (Service, Instant)>,
    /// How long the next token lasts, in seconds.
    pub(super) expires_in: u64,
    /// `None` while nobody counts.
    pub(super) rates: Option<Rates>,
    pub(super) files: HashMap<String, File>,
    /// Teams and chats whose messages the app may read.
    pub(super) consents: HashSet<String>,
    /// Messages in a page of Graph's.
    pub(super) page: usize,
}

impl World {
    pub(super) fn new(service_url: String) -> World {
        World {
            service_url,
            clock: START,
            serial: 0,
            users: HashMap::new(),
            conversations: HashMap::new(),
            calls: Vec::new(),
            faults: HashMap::new(),
            keys: KeyRing::default(),
            tokens: HashMap::new(),
            expires_in: 3600,
            rates: None,
            files: HashMap::new(),
            consents: HashSet::new(),
            page: 50,
        }
    }

    /// Where Graph is: on the host of the Connector.
    pub(super) fn graph_url(&self) -> &str {
        self.service_url.trim_end_matches("/emea/")
    }

    pub(super) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The id of a new message: its milliseconds.
    pub(super) fn next_id(&mut self) -> String {
        self.clock += 1000;
        self.clock.to_string()
    }

    pub(super) fn user(&self, id: &str) -> User {
        self.users.get(id).cloned().unwrap_or_else(|| User { id: id.to_owned(), ..User::new(id) })
    }

    pub(super) fn conversation(&mut self, id: &str) -> &mut Conversation {
        let new = || Conversation { members: Vec::new(), bot: true, messages: Vec::new() };
        self.conversations.entry(id.to_owned()).or_insert_with(new)
    }

    /// Whoever speaks somewhere is in there.
    pub(super) fn enter(&mut self, conversation: &str, user: &str) -> User {
        let looks_right = user.starts_with("29:") && !conversation.starts_with("29:");
        assert!(looks_right, "{user} in {conversation}: the one is taken for the other");
        let user = self.user(user);
        self.users.insert(user.id.clone(), user.clone());
        let members = &mut self.conversation(conversation).members;
        if !members.contains(&user.id) {
            members.push(user.id.clone());
        }
        user
    }

    pub(super) fn find(&mut self, conversation: &str, id: &str) -> Option<&mut Posted> {
        let messages = &mut self.conversations.get_mut(conversation)?.messages;
        messages.iter_mut().find(|posted| posted.id == id && !posted.deleted)
    }

    pub(super) fn put(&mut self, conversation: &str, mut posted: Posted) -> Posted {
        posted.id = self.next_id();
        self.conversation(conversation).messages.push(posted.clone());
        posted
    }

    pub(super) fn keep(&mut self, name: &str, kind: &str, bytes: &[u8]) -> String {
        let id = guid(&format!("file {}", self.next()));
        let file = File { name: name.to_owned(), kind: kind.to_owned(), bytes: bytes.to_vec() };
        self.files.insert(id.clone(), file);
        id
    }
}
