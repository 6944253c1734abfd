//! Markdown in blocks, lines and atoms: what chat platforms have in common when they show it.
//! A [`Dialect`] says how one of them writes it. The text is read in [`reader`], inline text
//! is in [`spans`], tables are in [`table`], limits in [`fit`].

pub(super) mod fit;
mod reader;
pub(super) mod spans;
mod table;

use std::fmt::Debug;
use std::marker::PhantomData;

pub(super) use reader::blocks;
use spans::{Atom, Run};
pub(super) use table::Table;

/// How one platform writes what it shows.
pub(super) trait Dialect: Debug + Clone {
    /// Styles, each with the mark that opens and closes it. Code or struck-out text that has
    /// none here keeps Markdown's own signs as characters.
    const MARKS: &'static [(u8, &'static str)];
    /// What all marks may take, at the most, where a style changes.
    const CHANGE: usize;
    /// Marks of headings, the highest first; what follows them stands in the next line. Other
    /// headings are bold, and where there are no marks, paragraphs of their own.
    const HEADINGS: &'static [&'static str] = &[];
    /// Before each line of a quote. Without it, a quote is a block of its own.
    const QUOTE: &'static str;
    /// Of what stands in a list in a list.
    const INDENT: &'static str;
    /// Of what stands below an item's first line.
    const HANG: &'static str;
    /// Deeper lists are shown at this depth, so that indentation leaves room for words.
    const DEEPEST: usize;
    /// Before the box of a task, instead of the item's own marker; `None` keeps that.
    const TASK: Option<&'static str>;
    /// Beginnings of the addresses that links may have, lower case.
    const SCHEMES: &'static [&'static str];
    /// Atoms are no longer than this, links aside, so that each fits anywhere.
    const LONGEST_ATOM: usize;
    /// Longer addresses that stand bare in a text are left as they are.
    const LONGEST_BARE: usize;

    /// What a character counts for against the platform's limits.
    fn units(c: char) -> usize {
        c.len_utf16()
    }

    /// Of an item in so many lists.
    fn bullet(_depth: usize) -> &'static str {
        "- "
    }

    /// A link, or its label alone when the address is absurd.
    fn link(url: &str, label: &str) -> String;

    /// Marks that are characters in the text and could pair.
    fn crowded(_runs: &[Run]) -> u8 {
        0
    }

    /// A word or a piece of code, made safe, in parts that cannot be parted further.
    fn parts(text: &str, style: u8, crowded: u8) -> Vec<String>;

    /// A line's text without what its start would mean.
    fn guarded(body: String) -> String;

    /// Whether something unseen must keep marks apart from each other or from the characters
    /// beside them.
    fn border(closes: bool, opens: bool, _before: Option<char>, _after: Option<char>) -> bool {
        closes && opens
    }

    /// A beginning of a line of code, without an escape that is cut.
    fn uncut(head: &str) -> &str {
        head
    }
}

/// How a text's own links are led on.
pub(super) struct Links<'a> {
    /// Address of the console, without a slash at its end, for links like `/tickets/FL-1`.
    pub(super) base: Option<&'a str>,
    /// Whether `[1]` is a citation even if the text defines `[1]: ...`, as in the console.
    pub(super) cited: bool,
}

/// What is not parted if it can be helped: a paragraph, a list, a code block.
pub(super) enum Block<D> {
    Text {
        lines: Vec<Line<D>>,
        quoted: bool,
    },
    /// As it was written, not blank.
    Code {
        language: String,
        text: String,
    },
    Table(Table),
}

#[derive(Debug, Clone)]
pub(super) struct Line<D> {
    pub(super) prefix: String,
    /// The prefix of what is carried over to a further line.
    pub(super) hang: String,
    pub(super) atoms: Vec<Atom>,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Line<D> {
    pub(super) fn new(prefix: String, hang: String, atoms: Vec<Atom>) -> Self {
        Line { prefix, hang, atoms, dialect: PhantomData }
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}", self.prefix, D::guarded(spans::render::<D>(&self.atoms)))
    }

    /// What follows so many atoms, as a line of its own.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let rest = self.atoms.split_off(at).into_iter().skip_while(|atom| atom.space);
        Line::new(self.hang.clone(), self.hang.clone(), rest.collect())
    }
}
