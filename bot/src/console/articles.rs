//! One article, with the cited passage marked.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Html;
use firstline_core::chat::Citation;
use minijinja::{Value, context};

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, encode};
use super::highlight;
use super::page;
use super::session::SignedIn;
use crate::store::records::{DocumentRow, RequestRow, Viewer};

/// An article is read by its audience, by its owner and by admins.
pub(super) fn may_read(viewer: &Viewer, document: &DocumentRow) -> bool {
    document.owner.as_deref() == Some(viewer.email.as_str()) || is_for(viewer, &document.audience)
}

/// Whether somebody belongs to an audience, or is above all of them.
pub(super) fn is_for(viewer: &Viewer, audience: &str) -> bool {
    viewer.is_admin()
        || ["everyone", "public"].contains(&audience)
        || viewer.groups.iter().any(|group| group == audience)
}

/// Whether the viewer may read every article an answer to somebody else is from. One that
/// is gone meanwhile speaks to nobody new.
pub(super) async fn may_read_cited(
    web: &Web,
    viewer: &Viewer,
    request: Option<&RequestRow>,
    citations: &[Citation],
) -> Result<bool, Fault> {
    for citation in citations {
        let seen = request
            .and_then(|r| r.decision.as_ref())
            .and_then(|d| d.passages.iter().find(|p| p.passage_id == citation.passage_id));
        let document = match seen {
            Some(passage) => web.app.store.document(&passage.document_id).await?,
            None => None,
        };
        if !document.is_some_and(|(document, _, _)| may_read(viewer, &document)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `to`, a link in the document at `from`, as a path within its source; `None` when it
/// leads out of it.
fn resolve(from: &str, to: &str) -> Option<String> {
    let to = to.split(['#', '?']).next().filter(|t| !t.is_empty())?;
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let found = web.app.store.document(&id).await?.ok_or_else(Fault::not_found)?;
    let (document, markdown, passages) = found;
    if !may_read(&signed.viewer, &document) {
        return Err(Fault::not_found());
    }
    let passage = passages.iter().find(|p| p.id == asked.get("passage"));
    let others = if markdown.contains("](") {
        web.app.store.documents(&signed.viewer).await?
    } else {
        Vec::new()
    };
    let lead = |link: &str| {
        let path = resolve(&document.path, link)?;
        others
            .iter()
            .find(|d| d.source == document.source && d.path == path)
            .filter(|d| may_read(&signed.viewer, d))
            .map(|d| format!("/articles/{}", encode(&d.id)))
    };
    let html =
        highlight::article(&markdown, &document.title, passage.map(|p| p.text.as_str()), &lead);
    let months = web.app.config.knowledge.stale_months;
    let external = ["https://", "http://"].iter().any(|s| document.url.starts_with(s));
    let name = page::namer(web.app.store.people().await?);
    let article = context! {
        id => document.id,
        title => document.title,
        system => document.system,
        owner => document.owner.as_deref().map(name),
        audience => document.audience,
        stale => page::is_stale(document.reviewed.as_deref(), months, web.app.clock.now()),
        reviewed => document.reviewed,
        external => external.then_some(document.url.as_str()),
        html => Value::from_safe_string(html),
    };
    if headers.contains_key("x-fragment") {
        return page::fragment("article_body.html", context! { a => article, part => true })
            .map(Html);
    }
    page::page(&web, &signed, "article.html", "knowledge", context! { a => article }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_articles() {
        for (from, to, path) in [
            ("pocket/receipts.md", "submit.md#late", Some("pocket/submit.md")),
            ("pocket/receipts.md", "../tally/a.md", Some("tally/a.md")),
            ("a.md", "../../etc/passwd", None),
            ("a.md", "#part", None),
        ] {
            assert_eq!(resolve(from, to).as_deref(), path, "{from} {to}");
        }
    }
}
