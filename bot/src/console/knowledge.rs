//! `/knowledge`: articles with how they fare, sources, and for owners what was asked and
//! not answered.

use axum::extract::State;
use axum::response::Html;
use firstline_core::triage::Abstained;
use firstline_indexer::Query;
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::articles::{is_for, may_read};
use super::fault::Fault;
use super::forms::{Asked, encode};
use super::page::{self, Stamp, stamp, val};
use super::session::SignedIn;
use crate::store::records::{DocumentRow, Gap};

const PAGE: usize = 100;
const GAPS: i64 = 50;
const HITS: usize = 30;

#[derive(Debug, Serialize)]
struct ArticleView {
    id: String,
    title: String,
    system: Option<String>,
    owner: Option<String>,
    audience: String,
    reviewed: Option<String>,
    stale: bool,
    cited: i64,
    not_helpful: i64,
}

#[derive(Debug, Serialize)]
struct HitView {
    href: String,
    title: String,
    heading: String,
    snippet: String,
    system: Option<String>,
}

#[derive(Debug, Serialize)]
struct SourceView {
    name: String,
    location: String,
    audience: String,
    documents: i64,
    skipped: Vec<(String, String)>,
    at: Stamp,
}

#[derive(Debug, Serialize)]
struct GapView {
    text: String,
    system: Option<String>,
    reason: &'static str,
    ticket: Option<String>,
    at: Stamp,
}

fn reason(why: Abstained) -> &'static str {
    match why {
        Abstained::NoSource => "nothing about it",
        Abstained::NotCovered => "articles near it do not say",
        Abstained::Conflict => "articles contradict each other",
        Abstained::Stale => "only outdated articles",
    }
}

/// Searches as the viewer: at most one hit an article.
pub(super) fn search(
    web: &Web,
    audiences: &[String],
    text: &str,
    limit: usize,
) -> Result<Vec<firstline_indexer::Hit>, Fault> {
    let query = Query {
        text: text.to_owned(),
        audiences: audiences.to_vec(),
        limit: limit * 3,
        ..Query::default()
    };
    let found = web.app.knowledge.search(&query).map_err(Fault::inside)?;
    let mut seen = std::collections::HashSet::new();
    let mut hits = found.hits;
    hits.retain(|hit| seen.insert(hit.passage.document_id.clone()));
    hits.truncate(limit);
    Ok(hits)
}

/// Words of a snippet, without the marks around the matches.
pub(super) fn plain_snippet(snippet: &str) -> String {
    let text = snippet.replace("<b>", "").replace("</b>", "");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&#x27;", "'").replace("&amp;", "&")
}

/// Questions of others in a confidential system are its owners' alone.
fn may_see_gap(web: &Web, signed: &SignedIn, gap: &Gap) -> bool {
    match web.app.system(gap.system.as_deref()) {
        Some(system) => signed.viewer.owns(system.team.as_deref()),
        None => page::is_owner(&signed.viewer),
    }
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let store = &web.app.store;
    let now = web.app.clock.now();
    let months = web.app.config.knowledge.stale_months;
    let stale = |d: &DocumentRow| page::is_stale(d.reviewed.as_deref(), months, now);
    let readable: Vec<DocumentRow> = store
        .documents(&signed.viewer)
        .await?
        .into_iter()
        .filter(|d| may_read(&signed.viewer, d))
        .collect();
    let total = readable.len();
    let mut systems: Vec<String> = readable.iter().filter_map(|d| d.system.clone()).collect();
    systems.sort();
    systems.dedup();
    let (system, only_stale) = (asked.some("system"), asked.get("show") == "stale");
    let mut shown: Vec<DocumentRow> = readable
        .into_iter()
        .filter(|d| system.is_none() || d.system.as_deref() == system)
        .filter(|d| !only_stale || stale(d))
        .collect();
    shown.sort_by(|a, b| {
        (&a.system, a.title.to_lowercase()).cmp(&(&b.system, b.title.to_lowercase()))
    });
    let from = asked.get("from").parse::<usize>().unwrap_or(0);
    let next = (from + PAGE < shown.len())
        .then(|| format!("/knowledge?{}", asked.with("from", &(from + PAGE).to_string())));
    let count = shown.len();
    let names: std::collections::HashMap<String, String> =
        store.people().await?.into_iter().map(|p| (p.email, p.name)).collect();
    let owner = |who: String| names.get(&who).cloned().unwrap_or(who);
    let articles: Vec<ArticleView> = shown
        .into_iter()
        .skip(from)
        .take(PAGE)
        .map(|d| ArticleView {
            stale: stale(&d),
            id: d.id,
            title: d.title,
            system: d.system,
            owner: d.owner.map(owner),
            audience: d.audience,
            reviewed: d.reviewed,
            cited: d.cited,
            not_helpful: d.not_helpful,
        })
        .collect();
    let hits = match asked.some("q") {
        None => None,
        Some(words) => {
            let hits = search(&web, &signed.viewer.groups, words, HITS)?;
            Some(
                hits.into_iter()
                    .filter(|h| system.is_none() || h.passage.system.as_deref() == system)
                    .map(|h| HitView {
                        href: format!(
                            "/articles/{}?passage={}",
                            encode(&h.passage.document_id),
                            encode(&h.passage.passage_id)
                        ),
                        snippet: plain_snippet(&h.snippet),
                        title: h.passage.title,
                        heading: h.passage.heading,
                        system: h.passage.system,
                    })
                    .collect::<Vec<_>>(),
            )
        }
    };
    let (gaps, sources) = if page::is_owner(&signed.viewer) {
        let mut gaps = store.gaps(GAPS * 4).await?;
        gaps.retain(|g| may_see_gap(&web, &signed, g));
        // The ticket may have been given to another team, or made confidential, since.
        let keys: Vec<String> = gaps.iter().filter_map(|g| g.ticket_key.clone()).collect();
        let visible = store.visible_tickets(&keys, &signed.viewer).await?;
        gaps.retain(|g| {
            g.ticket_key.as_ref().is_none_or(|key| visible.iter().any(|t| t.key == *key))
        });
        let gaps = gaps.into_iter().take(GAPS as usize).map(|g| GapView {
            reason: reason(g.reason),
            text: g.text,
            system: g.system,
            ticket: g.ticket_key,
            at: stamp(g.at, now),
        });
        let sources = store.sources().await?.into_iter();
        // Names of files say much; those of a source are for who may read it.
        let sources = sources.filter(|s| is_for(&signed.viewer, &s.audience));
        let sources = sources.map(|s| SourceView {
            at: stamp(s.indexed_at, now),
            name: s.name,
            location: s.location,
            audience: s.audience,
            documents: s.documents,
            skipped: s.skipped,
        });
        (Some(gaps.collect::<Vec<_>>()), Some(sources.collect::<Vec<_>>()))
    } else {
        (None, None)
    };
    let values = context! {
        q => asked.get("q"),
        system => asked.get("system"),
        show => asked.get("show"),
        systems, total, next,
        articles => val(articles),
        hits => val(hits),
        gaps => val(gaps),
        sources => val(sources),
        shown => count,
    };
    page::page(&web, &signed, "knowledge.html", "knowledge", values).await
}
