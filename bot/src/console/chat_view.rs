//! Messages as the chat and the ticket page show them.

use std::collections::HashMap;

use firstline_core::chat::{Button, Citation, Message, Verdict};
use minijinja::{Value, context};
use serde::Serialize;

use super::Web;
use super::articles::may_read_cited;
use super::fault::Fault;
use super::forms::encode;
use super::page::{self, FormView, Stamp, TicketView, stamp};
use super::render::{self, Chip};
use crate::store::records::{
    AttachmentRow, Author, ConversationRow, DocumentRow, MessageRow, RequestRow, Viewer,
};

/// In place of an answer from articles that its reader may not read.
pub(super) const WITHHELD: &str = "This answer is from articles that you may not read.";

#[derive(Debug, Serialize)]
pub(super) struct MessageView {
    pub(super) seq: i64,
    conversation: String,
    author: &'static str,
    mine: bool,
    name: String,
    initials: String,
    at: Stamp,
    text: String,
    html: Value,
    sources: Vec<SourceView>,
    files: Vec<FileView>,
    buttons: Vec<&'static str>,
    done: Option<Done>,
    request_id: Option<String>,
    ticket: Option<TicketView>,
    form: Option<FormView>,
}

#[derive(Debug, Serialize)]
struct SourceView {
    n: usize,
    href: String,
    internal: bool,
    title: String,
    heading: String,
    reviewed: Option<String>,
    stale: bool,
    /// Further passages under the same heading, listed with the first.
    more: Vec<Further>,
}

#[derive(Debug, Serialize)]
struct Further {
    n: usize,
    href: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FileView {
    id: String,
    name: String,
    size: String,
    image: bool,
}

impl FileView {
    pub(super) fn of(row: &AttachmentRow) -> Self {
        FileView {
            id: row.id.clone(),
            name: row.name.clone(),
            size: page::size(row.size),
            image: crate::files::is_safe_image(&row.mime),
        }
    }
}

/// What became of an answer's buttons.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    tone: &'static str,
    text: &'static str,
}

impl Done {
    pub(super) fn verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Solved => Done { tone: "", text: "Thanks, marked as solved" },
            Verdict::NotHelpful => Done { tone: "neutral", text: "Thanks, noted as not helpful" },
        }
    }

    pub(super) fn followed() -> Self {
        Done { tone: "", text: "You follow it" }
    }

    pub(super) fn person() -> Self {
        Done { tone: "neutral", text: "A person will take over here" }
    }
}

/// Looks up once what many messages of a page need.
pub(super) struct Views<'a> {
    web: &'a Web,
    viewer: &'a Viewer,
    now: i64,
    requests: HashMap<String, Option<RequestRow>>,
    documents: HashMap<String, Option<DocumentRow>>,
}

impl<'a> Views<'a> {
    pub(super) fn new(web: &'a Web, viewer: &'a Viewer) -> Self {
        Views {
            web,
            viewer,
            now: web.app.clock.now(),
            requests: HashMap::new(),
            documents: HashMap::new(),
        }
    }

    async fn request(&mut self, id: &str) -> Result<Option<RequestRow>, Fault> {
        if !self.requests.contains_key(id) {
            let row = self.web.app.store.request(id).await?;
            self.requests.insert(id.to_owned(), row);
        }
        Ok(self.requests.get(id).cloned().flatten())
    }

    /// The article, if this viewer may read it.
    async fn document(&mut self, id: &str) -> Result<Option<DocumentRow>, Fault> {
        if !self.documents.contains_key(id) {
            let found = self.web.app.store.document(id).await?;
            let row = found.map(|(row, _, _)| row);
            let row = row.filter(|row| super::articles::may_read(self.viewer, row));
            self.documents.insert(id.to_owned(), row);
        }
        Ok(self.documents.get(id).cloned().flatten())
    }

    async fn source(
        &mut self,
        citation: &Citation,
        request: Option<&RequestRow>,
    ) -> Result<SourceView, Fault> {
        let seen = request
            .and_then(|r| r.decision.as_ref())
            .and_then(|d| d.passages.iter().find(|p| p.passage_id == citation.passage_id))
            .map(|p| p.document_id.clone());
        let document = match seen {
            Some(id) => self.document(&id).await?,
            None => None,
        };
        let months = self.web.app.config.knowledge.stale_months;
        let web_address =
            citation.url.starts_with("https://") || citation.url.starts_with("http://");
        Ok(SourceView {
            n: citation.n,
            href: match &document {
                Some(d) => {
                    format!("/articles/{}?passage={}", encode(&d.id), encode(&citation.passage_id))
                }
                None if web_address => citation.url.clone(),
                None => String::new(),
            },
            internal: document.is_some(),
            title: citation.title.clone(),
            heading: below_title(&citation.title, &citation.heading).to_owned(),
            stale: document
                .as_ref()
                .is_some_and(|d| page::is_stale(d.reviewed.as_deref(), months, self.now)),
            reviewed: document.and_then(|d| d.reviewed),
            more: Vec::new(),
        })
    }

    pub(super) async fn message(
        &mut self,
        conversation: &ConversationRow,
        row: &MessageRow,
    ) -> Result<MessageView, Fault> {
        let request_id = row.body.request_id.clone().or_else(|| row.request_id.clone());
        let request = match &request_id {
            Some(id) => self.request(id).await?,
            None => None,
        };
        let mut sources = Vec::with_capacity(row.body.citations.len());
        for citation in &row.body.citations {
            sources.push(self.source(citation, request.as_ref()).await?);
        }
        let chips: Vec<Chip> = sources.iter().map(chip).collect();
        let ticket = match &row.body.ticket {
            Some(key) => self.web.app.store.visible_ticket(key, self.viewer).await?,
            None => None,
        };
        let mine = row.author == Author::Requester && row.email == self.viewer.email;
        let own = conversation.requester == self.viewer.email;
        let verdict = request.as_ref().and_then(|r| r.verdict);
        let filed = request.as_ref().is_some_and(|r| r.ticket_key.is_some());
        let handed = conversation.handed_over;
        // Under an answer the form waits behind its button; without one it is the offer.
        let form =
            row.body.form.as_ref().filter(|_| own && !filed && row.body.citations.is_empty());
        let shown = form.is_some();
        let followed = match &ticket {
            Some(ticket) if row.body.buttons.contains(&Button::Follow) => {
                self.web.app.store.followed_by(&self.viewer.email).await?.contains(&ticket.key)
            }
            _ => true,
        };
        let buttons = row.body.buttons.iter().filter(|_| own).filter_map(|b| match b {
            Button::Solved if verdict.is_none() => Some("solved"),
            Button::NotHelpful if verdict.is_none() => Some("not_helpful"),
            Button::FileTicket if !filed && !shown && verdict != Some(Verdict::Solved) => {
                Some("file_ticket")
            }
            Button::TalkToPerson if !handed && verdict != Some(Verdict::Solved) => {
                Some("talk_to_person")
            }
            Button::Follow if !followed => Some("follow"),
            _ => None,
        });
        let buttons: Vec<_> = buttons.collect();
        Ok(MessageView {
            seq: row.seq,
            conversation: conversation.id.clone(),
            author: match row.author {
                Author::Requester => "requester",
                Author::Bot => "bot",
                Author::Person => "person",
            },
            mine,
            name: if row.author == Author::Bot { "Firstline".into() } else { row.name.clone() },
            initials: page::initials(&row.name),
            at: stamp(row.created_at, self.now),
            html: Value::from_safe_string(render::message(&row.body.text, &chips)),
            text: row.body.text.clone(),
            sources: grouped(sources),
            files: row.attachments.iter().map(FileView::of).collect(),
            done: verdict.filter(|_| !row.body.buttons.is_empty()).map(Done::verdict),
            buttons,
            ticket: ticket.map(|t| TicketView::of(&t, self.now).seen_by(self.viewer)),
            form: form.map(|f| FormView::of(self.web, &conversation.id, request_id.as_deref(), f)),
            request_id,
        })
    }

    /// A conversation's messages: to its requester all of them, to somebody who came by one
    /// of its tickets those that are no part of another they may not see.
    pub(super) async fn all(
        &mut self,
        conversation: &ConversationRow,
        rows: &[MessageRow],
    ) -> Result<Vec<MessageView>, Fault> {
        let own = conversation.requester == self.viewer.email;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            if own {
                views.push(self.message(conversation, row).await?);
            } else if let Some(row) = self.shared(row).await? {
                views.push(self.message(conversation, &row).await?);
            }
        }
        Ok(views)
    }

    /// What a viewer who is not the requester reads of a message, if anything.
    async fn shared(&mut self, row: &MessageRow) -> Result<Option<MessageRow>, Fault> {
        let request = match row.body.request_id.as_ref().or(row.request_id.as_ref()) {
            Some(id) => self.request(id).await?,
            None => None,
        };
        let filed = request.as_ref().and_then(|r| r.ticket_key.as_ref());
        for key in row.body.ticket.iter().chain(filed) {
            if self.web.app.store.visible_ticket(key, self.viewer).await?.is_none() {
                return Ok(None);
            }
        }
        let cited = &row.body.citations;
        if may_read_cited(self.web, self.viewer, request.as_ref(), cited).await? {
            return Ok(Some(row.clone()));
        }
        let body = Message { text: WITHHELD.to_owned(), ..Message::default() };
        Ok(Some(MessageRow { body, ..row.clone() }))
    }
}

/// One line for each heading, whatever number of its passages are cited.
fn grouped(sources: Vec<SourceView>) -> Vec<SourceView> {
    let mut lines: Vec<SourceView> = Vec::with_capacity(sources.len());
    for source in sources {
        let same = |line: &&mut SourceView| {
            line.internal
                && source.internal
                && line.title == source.title
                && line.heading == source.heading
        };
        match lines.iter_mut().find(same) {
            Some(line) => line.more.push(Further { n: source.n, href: source.href }),
            None => lines.push(source),
        }
    }
    lines
}

/// A heading path without the title it often starts with.
fn below_title<'h>(title: &str, heading: &'h str) -> &'h str {
    match heading.strip_prefix(title) {
        Some(rest) => {
            rest.strip_prefix(" > ").unwrap_or(if rest.is_empty() { "" } else { heading })
        }
        None => heading,
    }
}

fn chip(source: &SourceView) -> Chip {
    Chip {
        n: source.n,
        href: Some(source.href.clone()).filter(|h| !h.is_empty()),
        internal: source.internal,
        label: if source.heading.is_empty() {
            source.title.clone()
        } else {
            format!("{} > {}", source.title, source.heading)
        },
    }
}

/// The row of buttons after one was pressed.
pub(super) fn actions(
    conversation: &str,
    request_id: &str,
    csrf: &str,
    done: Done,
    buttons: &[&str],
) -> Result<String, Fault> {
    page::fragment(
        "actions.html",
        context! { csrf, m => context! { conversation, request_id, done => page::val(done), buttons => page::val(buttons) } },
    )
}

/// One message as HTML, for the live stream.
pub(super) fn message_html(view: &MessageView, csrf: &str) -> Result<String, Fault> {
    page::fragment("message.html", context! { csrf, m => page::val(view) })
}

pub(super) fn ticket_card(ticket: &TicketView, csrf: &str) -> Result<String, Fault> {
    page::fragment("ticket_card.html", context! { csrf, t => page::val(ticket) })
}
