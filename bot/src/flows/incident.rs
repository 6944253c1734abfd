//! What people do with incidents. Each act is decided against the timeline as it stands and written
//! only if nobody was quicker; then it is decided again.

use firstline_core::incident::decide::{self, Actor, Declaration, Rank, Verb};
use firstline_core::incident::{Entry, Fact};
use firstline_core::text;
use firstline_core::triage::redact::{RedactOptions, redact};
use firstline_core::words::incidents as said;
use thiserror::Error;

use crate::ports::{Clock, Store};
use crate::store::records::{Incident, Role, Viewer};
use crate::store::{Lines, StoreError};

/// Tries of an act while others are quicker.
const TRIES: usize = 5;
/// Entries read at once; a timeline has hundreds.
const PAGE: i64 = 1_000;

/// Why an act was not done; the text is for the person who tried.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It does not exist or may not be seen: nobody learns which.
    #[error("There is no such incident.")]
    NotFound,
    #[error("{}", said::refusal(.0))]
    Refused(decide::Refusal),
    /// Whom a name may mean.
    #[error("Nobody here is called {0}. Name them by their e-mail address.")]
    Nobody(String),
    #[error("Several people are called {0}. Name them by their e-mail address.")]
    Several(String),
    /// Somebody else was quicker; as it stands now.
    #[error(
        "Somebody else has just changed this incident. Look at it again and repeat your change."
    )]
    Stale,
    #[error("That could not be saved; please try again.")]
    Unavailable(#[from] StoreError),
}

impl From<decide::Refusal> for Refusal {
    fn from(refusal: decide::Refusal) -> Self {
        Refusal::Refused(refusal)
    }
}

/// What a person can do with incidents, and with which.
pub struct Incidents<'a> {
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    pub redact: &'a RedactOptions,
    pub viewer: &'a Viewer,
    /// Private ones are there too: for whoever may run commands on the data.
    pub sees_all: bool,
}

impl Incidents<'_> {
    fn actor(&self) -> Actor {
        let viewer = self.viewer;
        let rank = if viewer.is_admin() || viewer.is(Role::Commander) {
            Rank::Commander
        } else if viewer.is(Role::Owner) {
            Rank::Responder
        } else {
            Rank::Employee
        };
        Actor { email: viewer.email.clone(), rank }
    }

    fn eyes(&self) -> Option<&Viewer> {
        (!self.sees_all).then_some(self.viewer)
    }

    /// Declares an incident, or suspects one.
    pub async fn declare(&self, declaration: Declaration) -> Result<Incident, Refusal> {
        let mut first = decide::declare(declaration)?;
        self.clean(&mut first);
        Ok(self.store.declare_incident(first, &self.actor().email, self.clock.now()).await?)
    }

    /// An incident this person may know of.
    pub async fn seen(&self, key: &str) -> Result<Incident, Refusal> {
        self.store.incident(key, self.eyes()).await?.ok_or(Refusal::NotFound)
    }

    /// Open ones or those that are over, `limit` at most.
    pub async fn list(&self, open: bool, limit: i64) -> Result<Vec<Incident>, Refusal> {
        Ok(self.store.incidents(open, self.eyes(), limit).await?)
    }

    /// Does something to an incident; on the version that was looked at, if that is named.
    pub async fn act(
        &self,
        key: &str,
        version: Option<u32>,
        verb: Verb,
    ) -> Result<Incident, Refusal> {
        let verb = self.with_people(verb).await?;
        let actor = self.actor();
        for _ in 0..TRIES {
            let incident = self.seen(key).await?;
            if version.is_some_and(|version| version != incident.state.version) {
                return Err(Refusal::Stale);
            }
            let now = self.clock.now();
            let mut facts = decide::passes(&incident.state, now);
            facts.extend(decide::decide(&incident.state, verb.clone(), &actor, now)?);
            facts.iter_mut().for_each(|fact| self.clean(fact));
            let lines = [Lines { key, version: incident.state.version, facts }];
            if let Some(mut now) = self.store.extend_incidents(&lines, &actor.email, now).await? {
                return now.pop().ok_or(Refusal::NotFound);
            }
        }
        Err(Refusal::Stale)
    }

    /// Merges an incident into another one; the one that goes on.
    pub async fn merge(&self, key: &str, into: &str) -> Result<Incident, Refusal> {
        self.pair(key, into, |one, other, actor| {
            decide::merge((&one.key, &one.state), (&other.key, &other.state), actor)
        })
        .await
    }

    /// Undoes a merge; the one that was merged.
    pub async fn unmerge(&self, key: &str) -> Result<Incident, Refusal> {
        let incident = self.seen(key).await?;
        let (Fact::Unmerged { key: into }, _) =
            decide::unmerge(key, &incident.state, &self.actor())?
        else {
            return Err(Refusal::NotFound);
        };
        self.pair(key, &into, |one, _, actor| decide::unmerge(&one.key, &one.state, actor)).await?;
        self.seen(key).await
    }

    /// Writes into two timelines at once; the second one.
    async fn pair(
        &self,
        key: &str,
        other: &str,
        decided: impl Fn(&Incident, &Incident, &Actor) -> Result<(Fact, Fact), decide::Refusal>,
    ) -> Result<Incident, Refusal> {
        let actor = self.actor();
        for _ in 0..TRIES {
            let (one, two) = (self.seen(key).await?, self.seen(other).await?);
            let (here, there) = decided(&one, &two, &actor)?;
            let lines = [
                Lines { key, version: one.state.version, facts: vec![here] },
                Lines { key: other, version: two.state.version, facts: vec![there] },
            ];
            let now = self.clock.now();
            if let Some(mut now) = self.store.extend_incidents(&lines, &actor.email, now).await? {
                return now.pop().ok_or(Refusal::NotFound);
            }
        }
        Err(Refusal::Stale)
    }

    /// The whole timeline of an incident.
    pub async fn timeline(&self, incident: &Incident) -> Result<Vec<Entry>, Refusal> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.seq);
            let page = self.store.timeline(&incident.key, after, PAGE).await?;
            let full = page.len() as i64 == PAGE;
            entries.extend(page);
            if !full {
                return Ok(entries);
            }
        }
    }

    /// A verb that names people by their addresses.
    async fn with_people(&self, mut verb: Verb) -> Result<Verb, Refusal> {
        let who = match &mut verb {
            Verb::Role { who, .. } => Some(who),
            Verb::Task { owner, .. } => owner.as_mut(),
            _ => None,
        };
        if let Some(who) = who.filter(|who| !who.trim().is_empty()) {
            *who = self.person(who).await?;
        }
        Ok(verb)
    }

    /// The address of a person, by it, by their name or a part of it.
    async fn person(&self, who: &str) -> Result<String, Refusal> {
        let word = who.trim().to_lowercase();
        let people = self.store.people().await?;
        let active: Vec<_> = people.into_iter().filter(|person| person.active).collect();
        if let Some(person) = active.iter().find(|person| person.email == word) {
            return Ok(person.email.clone());
        }
        let mut meant = active.iter().filter(|person| {
            let name = person.name.to_lowercase();
            name == word
                || name.split_whitespace().any(|part| part == word)
                || person.email.split('@').next() == Some(word.as_str())
        });
        match (meant.next(), meant.next()) {
            (Some(person), None) => Ok(person.email.clone()),
            (Some(_), Some(_)) => Err(Refusal::Several(who.to_owned())),
            (None, _) => Err(Refusal::Nobody(who.to_owned())),
        }
    }

    /// Takes secrets and what cannot be seen out of what somebody said.
    fn clean(&self, fact: &mut Fact) {
        for said in fact.texts() {
            *said = redact(text::clean(said, text::MAX_CHARS).text.trim(), self.redact).text;
        }
    }
}
