//! An answer without a model: the best passages' fitting parts, quoted readably. Steps,
//! tables and code stay whole; sentences are never cut.

use std::collections::HashMap;

use crate::chat::Citation;
use crate::text::{self, escaped};
use crate::triage::Abstained;

use super::notes::{Notes, conflict_between, stale_among};
use super::stems;

/// A retrieved passage, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hit {
    pub passage_id: String,
    pub source: String,
    pub path: String,
    pub title: String,
    /// Heading path joined with ` > `.
    pub heading: String,
    pub url: String,
    /// Markdown.
    pub text: String,
    pub score: f64,
    /// YYYY-MM-DD.
    pub reviewed: Option<String>,
}

/// What the passages say, or why they say nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalAnswer {
    /// Markdown with `[n]` markers; empty when abstained.
    pub text: String,
    pub citations: Vec<Citation>,
    pub notes: Notes,
    pub abstained: Option<Abstained>,
}

/// Words after which no further part is added; whole steps may go over it.
const ENOUGH_WORDS: usize = 150;
/// Passages looked at, and articles quoted, at most.
const PASSAGES: usize = 8;
const ARTICLES: usize = 2;
/// A part counts from this share of the best part's score on.
const NEAR_BEST: f64 = 0.55;

/// A part of a passage that stays whole.
struct Block<'h> {
    hit: usize,
    order: usize,
    /// The heading it stands under within the passage.
    head: &'h str,
    text: &'h str,
    prose: bool,
    score: f64,
}

/// Quotes what fits `query` best from `hits`. `today` (YYYY-MM-DD) and `stale_months`
/// tell which sources are outdated.
pub fn compose_local(query: &str, hits: &[Hit], today: &str, stale_months: u32) -> LocalAnswer {
    let abstain = |reason| LocalAnswer { abstained: Some(reason), ..LocalAnswer::default() };
    if hits.is_empty() {
        return abstain(Abstained::NoSource);
    }
    let hits = &hits[..hits.len().min(PASSAGES)];
    let mut blocks: Vec<Block<'_>> =
        hits.iter().enumerate().flat_map(|(at, hit)| blocks(at, &hit.text)).collect();
    rate(query, hits, &mut blocks);
    let Some(best) = blocks.iter().map(|b| b.score).reduce(f64::max).filter(|s| *s > 0.0) else {
        return abstain(Abstained::NotCovered);
    };
    let mut chosen = choose(hits, &blocks, best);
    let conflict = conflict_between(query, hits);
    if let Some(conflict) = &conflict {
        // Both sides are shown, whatever else is.
        for (at, _, sentence) in [&conflict.first, &conflict.second] {
            let told = chosen.iter().any(|b| b.hit == *at && b.text.contains(sentence.as_str()));
            let whole = blocks.iter().find(|b| b.hit == *at && b.text.contains(sentence.as_str()));
            chosen.extend(whole.filter(|_| !told));
        }
    }
    chosen.sort_by_key(|b| (first_of_article(hits, b.hit), b.hit, b.order));
    chosen.dedup_by_key(|b| (b.hit, b.order));
    let (text, citations) = write(query, hits, &chosen);
    let used: Vec<&Hit> = chosen.iter().map(|b| &hits[b.hit]).collect();
    let stale = stale_among(&used, today, stale_months);
    LocalAnswer { text, citations, notes: Notes { conflict, stale }, abstained: None }
}

/// Paragraphs, lists, tables and fenced code of a passage. A line that ends with a
/// colon belongs to the list, table or code it introduces.
fn blocks(hit: usize, passage: &str) -> Vec<Block<'_>> {
    let mut spans: Vec<(usize, usize, bool)> = Vec::new();
    let (mut at, mut fenced, mut gap) = (0usize, false, true);
    for line in passage.split_inclusive('\n') {
        let (from, to) = (at, at + line.len());
        at = to;
        let bare = line.trim();
        let fence = bare.starts_with("```") || bare.starts_with("~~~");
        let structured = fenced
            || fence
            || listed(bare)
            || bare.starts_with('|')
            || (line.starts_with("  ") && !bare.is_empty());
        if bare.is_empty() && !fenced {
            gap = true;
            continue;
        }
        let last = spans.last_mut();
        let introduces = |span: &(usize, usize, bool)| {
            span.2 && passage[span.0..span.1].trim_end().ends_with(':')
        };
        match last {
            Some(span) if fenced || (!gap && !bare.starts_with('#')) => {
                span.1 = to;
                span.2 &= !structured;
            }
            // Items of one list may stand apart; an introduction waits for its list.
            Some(span) if structured && (introduces(span) || (!span.2 && listed(bare))) => {
                span.1 = to;
                span.2 = false;
            }
            _ => spans.push((from, to, !structured)),
        }
        if fence {
            fenced = !fenced;
        }
        gap = bare.starts_with('#');
    }
    let mut head = "";
    let mut blocks = Vec::new();
    let last = spans.len().saturating_sub(1);
    for (i, (from, to, prose)) in spans.into_iter().enumerate() {
        let text = passage[from..to].trim_matches('\n');
        if text.trim_start().starts_with('#') || (prose && i < last && heading(text)) {
            head = text.trim_start_matches(['#', ' ']);
            continue;
        }
        blocks.push(Block { hit, order: blocks.len(), head, text, prose, score: 0.0 });
    }
    blocks
}

/// A heading within a passage is a short line of its own that is no sentence.
fn heading(text: &str) -> bool {
    !text.contains('\n')
        && !text.trim_end().ends_with(['.', '!', '?', ':', ';', ','])
        && text::words(text).len() <= 12
}

fn listed(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=3).contains(&digits) && line[digits..].starts_with(['.', ')']);
    numbered || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
}

/// Scores blocks by the question's words they hold, rare words counting more; the
/// passage's heading and rank lend a little.
fn rate(query: &str, hits: &[Hit], blocks: &mut [Block<'_>]) {
    let mut asked = stems(query);
    asked.sort();
    asked.dedup();
    let held: Vec<Vec<String>> = blocks.iter().map(|b| stems(b.text)).collect();
    let mut holders: HashMap<&str, f64> = HashMap::new();
    for stems in &held {
        for word in &asked {
            if stems.contains(word) {
                *holders.entry(word).or_default() += 1.0;
            }
        }
    }
    let total = held.len() as f64;
    let weight = |word: &str| holders.get(word).map_or(0.0, |n| (1.0 + total / n).ln());
    let top = hits.first().map_or(1.0, |h| h.score).max(f64::MIN_POSITIVE);
    let heads: Vec<Vec<String>> =
        hits.iter().map(|hit| stems(&format!("{} {}", hit.title, hit.heading))).collect();
    for (block, words) in blocks.iter_mut().zip(&held) {
        let (hit, head) = (&hits[block.hit], &heads[block.hit]);
        let shared: f64 = asked.iter().filter(|w| words.contains(w)).map(|w| weight(w)).sum();
        let over = stems(block.head);
        let headed = asked.iter().filter(|w| head.contains(w) || over.contains(w)).count() as f64;
        if shared == 0.0 && headed == 0.0 {
            continue;
        }
        let long = (text::words(block.text).len() as f64 / 25.0).min(1.0);
        let rank = (hit.score / top).clamp(0.0, 1.0) + 0.3 / (1.0 + block.hit as f64);
        let steps = if block.prose { 1.0 } else { 1.25 };
        block.score = (shared + 0.6 * headed) * (0.5 + 0.5 * long) * (0.4 + rank) * steps;
    }
}

/// The best blocks of the best articles, within the words allowed.
fn choose<'b, 'h>(hits: &[Hit], blocks: &'b [Block<'h>], best: f64) -> Vec<&'b Block<'h>> {
    let mut ranked: Vec<&Block<'_>> =
        blocks.iter().filter(|b| b.score >= best * NEAR_BEST).collect();
    ranked
        .sort_by(|a, b| b.score.total_cmp(&a.score).then((a.hit, a.order).cmp(&(b.hit, b.order))));
    let mut chosen: Vec<&Block<'_>> = Vec::new();
    let mut articles: Vec<usize> = Vec::new();
    let mut words = 0;
    for block in ranked {
        let article = first_of_article(hits, block.hit);
        let count = text::words(block.text).len();
        let known = articles.contains(&article);
        let repeated = chosen.iter().any(|b| b.text == block.text);
        let fits = chosen.is_empty() || words + count <= ENOUGH_WORDS;
        if !repeated && fits && (known || articles.len() < ARTICLES) {
            words += count;
            chosen.push(block);
            if !known {
                articles.push(article);
            }
        }
    }
    chosen
}

/// Index of the first hit of the same article.
fn first_of_article(hits: &[Hit], at: usize) -> usize {
    let same = |h: &Hit| h.source == hits[at].source && h.path == hits[at].path;
    hits.iter().position(same).unwrap_or(at)
}

/// Markdown: each article under its title, each passage's parts with its marker.
fn write(query: &str, hits: &[Hit], chosen: &[&Block<'_>]) -> (String, Vec<Citation>) {
    let mut text = String::new();
    let mut citations: Vec<Citation> = Vec::new();
    let (mut article, mut head) = (None, "");
    for block in chosen {
        let hit = &hits[block.hit];
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let this = first_of_article(hits, block.hit);
        if article != Some(this) {
            text.push_str(&format!("**{}**\n\n", escaped(hit.title.trim())));
            article = Some(this);
            head = "";
        }
        if block.head != head && !block.head.is_empty() {
            text.push_str(&format!("*{}*\n\n", block.head.trim()));
        }
        head = block.head;
        let part = if block.prose { prose(query, block.text) } else { with_rules(block.text) };
        let n =
            match citations.iter().find(|c| c.passage_id == hit.passage_id && c.path == hit.path) {
                Some(citation) => citation.n,
                None => {
                    let n = citations.len() + 1;
                    citations.push(cite(query, n, hit, block.text));
                    n
                }
            };
        text.push_str(&part);
        // A marker inside a table or code would spoil it.
        let spoils = part.trim_end().ends_with(['|', '`', '~']);
        text.push_str(if spoils { "\n\n" } else { " " });
        text.push_str(&format!("[{n}]"));
    }
    (text, citations)
}

/// Passages keep of a table only its rows; shown as Markdown it needs the rule below its head.
fn with_rules(block: &str) -> String {
    let row = |line: &str| line.trim_start().starts_with('|');
    let lines: Vec<&str> = block.lines().collect();
    let mut out: Vec<String> = Vec::new();
    let mut fenced = false;
    for (i, line) in lines.iter().enumerate() {
        fenced ^= line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        let begins = row(line) && !fenced && (i == 0 || !row(lines[i - 1]));
        if begins && i > 0 && !lines[i - 1].trim().is_empty() {
            out.push(String::new());
        }
        out.push((*line).to_owned());
        let ruled = lines.get(i + 1).is_some_and(|next| {
            row(next) && next.contains('-') && next.chars().all(|c| "|-: ".contains(c))
        });
        if begins && !ruled {
            let columns = line.trim().trim_matches('|').split('|').count();
            out.push(format!("|{}", "---|".repeat(columns)));
        }
    }
    out.join("\n")
}

/// Long prose shrinks to its sentences near the best one.
fn prose(query: &str, block: &str) -> String {
    const WHOLE: usize = 70;
    if text::words(block).len() <= WHOLE {
        return block.to_owned();
    }
    let asked = stems(query);
    let sentences = text::sentences(block);
    let shared = |s: &str| stems(s).iter().filter(|w| asked.contains(w)).count();
    let mut best = 0;
    for (i, sentence) in sentences.iter().enumerate() {
        if shared(sentence) > shared(sentences[best]) {
            best = i;
        }
    }
    let from = best.saturating_sub(1);
    let mut out = Vec::new();
    let mut words = 0;
    for sentence in &sentences[from..] {
        words += text::words(sentence).len();
        if words > WHOLE && !out.is_empty() && out.len() > best - from {
            break;
        }
        out.push(*sentence);
    }
    out.join(" ")
}

fn cite(query: &str, n: usize, hit: &Hit, block: &str) -> Citation {
    Citation {
        n,
        source: hit.source.clone(),
        path: hit.path.clone(),
        title: hit.title.clone(),
        heading: hit.heading.clone(),
        url: hit.url.clone(),
        quote: super::best_sentence(query, block),
        passage_id: hit.passage_id.clone(),
    }
}
