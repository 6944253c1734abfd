//! The demo's sample company: a configuration like any other, its articles and its past
//! tickets, all compiled in.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use firstline_core::ticket::{Impact, Kind, PriorityMatrix, Sentiment, Status, Urgency};
use serde::Deserialize;

use crate::config::Config;
use crate::ingest::new_document;
use crate::ports::Store;
use crate::store::records::{NewDocument, NewTicket, PersonRow};

/// The store's note that a data folder is the demo's.
pub const MARKER: &str = "demo";
/// The name of the sample articles' source.
pub const SOURCE: &str = "larkfield";

/// Path and text of every sample article.
pub const ARTICLES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/articles.rs"));
const COMPANY: &str = include_str!("../sample/company.toml");
const TICKETS: &str = include_str!("../sample/tickets.jsonl");

/// The sample company's configuration.
pub fn company() -> anyhow::Result<Config> {
    Config::from_text(COMPANY, "the sample company", Path::new(""), []).context("the demo")
}

/// Fills an empty store with the sample company. What is there stays: a second start
/// changes nothing. Refuses a store that somebody else uses.
pub async fn seed(store: &Store, config: &Config, now: i64) -> anyhow::Result<()> {
    match store.meta(MARKER).await?.as_deref() {
        Some("1") => return Ok(()),
        Some(_) => {}
        None => {
            let used = !store.people().await?.is_empty() || store.last_change().await? > 0;
            anyhow::ensure!(
                !used,
                "this data folder belongs to a service, not to a demo; name another with --data."
            );
            // Told apart from a finished one, so that an interrupted start is completed.
            store.set_meta(MARKER, "being filled").await?;
        }
    }
    let tickets = tickets(config, now)?;
    for person in people(config, &tickets) {
        store.upsert_person(&person, now).await?;
    }
    store.put_source(SOURCE, "sample", "the sample company", "everyone", &[], now).await?;
    store.put_documents(articles(), now).await?;
    if store.last_ticket_number().await? == 0 {
        store.import_tickets(tickets).await?;
    }
    store.set_meta(MARKER, "1").await?;
    Ok(())
}

fn articles() -> Vec<NewDocument> {
    ARTICLES
        .iter()
        .map(|(path, text)| {
            new_document(firstline_indexer::document_from_markdown(SOURCE, path, text, "everyone"))
        })
        .collect()
}

fn people(config: &Config, tickets: &[NewTicket]) -> Vec<PersonRow> {
    let members = config.group.iter().flat_map(|g| &g.members);
    let everyone: BTreeSet<&String> = members.chain(tickets.iter().map(|t| &t.requester)).collect();
    everyone
        .into_iter()
        .map(|email| PersonRow {
            email: email.clone(),
            name: crate::config::name_from_address(email),
            active: true,
        })
        .collect()
}

/// A past ticket as written in the sample.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    requester: String,
    /// UTC, to the minute.
    created: jiff::civil::DateTime,
    resolved: Option<jiff::civil::DateTime>,
    kind: Kind,
    system: String,
    impact: Impact,
    urgency: Urgency,
    status: Status,
    language: String,
    text: String,
    summary: String,
    /// How it ended.
    resolution: Option<String>,
}

/// The past tickets, moved in time so that the last one is from the day before `now`.
fn tickets(config: &Config, now: i64) -> anyhow::Result<Vec<NewTicket>> {
    let samples = TICKETS
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).context("a sample ticket cannot be read"))
        .collect::<anyhow::Result<Vec<Sample>>>()?;
    let ms = |at: jiff::civil::DateTime| -> anyhow::Result<i64> {
        Ok(at.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_millisecond())
    };
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let mut last = i64::MIN;
    for sample in &samples {
        last = last.max(ms(sample.created)?);
    }
    // Whole days, so that people keep their working hours.
    let shift = (now - last).div_euclid(DAY_MS) * DAY_MS;
    let matrix = PriorityMatrix::default();
    samples
        .into_iter()
        .map(|s| {
            let system = config.system.iter().find(|e| e.name == s.system);
            let mut fields = firstline_core::ticket::TicketFields::new();
            if let Some(resolution) = s.resolution {
                fields.insert("resolution".to_owned(), resolution);
            }
            Ok(NewTicket {
                kind: s.kind,
                team: system.and_then(|e| e.team.clone()),
                confidential: system.is_some_and(|e| e.confidential),
                system: Some(s.system),
                impact: s.impact,
                urgency: s.urgency,
                priority: matrix.priority(s.impact, s.urgency),
                status: s.status,
                requester: s.requester,
                summary: s.summary,
                text: s.text,
                fields,
                language: s.language,
                sentiment: Sentiment::Neutral,
                // Sorted by people, not by the bot.
                confidence: 1.0,
                conversation_id: None,
                request_id: None,
                attachments: Vec::new(),
                created_at: ms(s.created)? + shift,
                resolved_at: s.resolved.map(ms).transpose()?.map(|at| (at + shift).min(now)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_company_is_whole() {
        let config = company().unwrap();
        assert_eq!(config.system.len(), 10);
        for system in &config.system {
            let team = system.team.as_deref().unwrap();
            let group = config.group.iter().find(|g| g.name == team);
            for owner in &system.owners {
                assert!(group.unwrap().members.contains(owner), "{owner} is not in {team}");
            }
        }
    }

    #[test]
    fn articles_name_known_systems_and_audiences() {
        let config = company().unwrap();
        let articles = articles();
        assert!(articles.len() >= 60, "{} articles", articles.len());
        for article in &articles {
            let system = article.system.as_deref().unwrap();
            assert!(config.system.iter().any(|s| s.name == system), "{}: {system}", article.path);
            let known = article.audience == "everyone"
                || config.group.iter().any(|g| g.name == article.audience);
            assert!(known, "{}: {}", article.path, article.audience);
            assert!(!article.passages.is_empty(), "{}", article.path);
        }
    }

    #[test]
    fn tickets_end_on_the_day_before() {
        let config = company().unwrap();
        let now = 1_800_000_000_000;
        let tickets = tickets(&config, now).unwrap();
        assert_eq!(tickets.len(), 300);
        let last = tickets.iter().map(|t| t.created_at).max().unwrap();
        assert!((0..2 * 24 * 3_600_000).contains(&(now - last)));
        for ticket in &tickets {
            assert!(ticket.team.is_some(), "{}", ticket.summary);
            assert!(ticket.resolved_at.is_none_or(|at| at >= ticket.created_at && at <= now));
        }
        let people = people(&config, &tickets);
        assert!(people.iter().any(|p| p.name == "Priya Nair"));
    }
}
