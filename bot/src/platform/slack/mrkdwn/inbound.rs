//! What people write in Slack, as the Markdown the rest of the bot reads. Code is carried
//! over as it is; mentions, links and entities become what their reader saw.

/// A character that may be a mark, or text that is settled.
enum Item {
    Char(char),
    Settled(String),
}

/// mrkdwn as Markdown. `name_of` knows people by their Slack id; those it does not know
/// (the bot itself, say) are left out.
pub(in super::super) fn to_markdown(
    mrkdwn: &str,
    name_of: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut items = Vec::new();
    let mut rest = mrkdwn;
    while let Some(first) = rest.chars().next() {
        let (item, after) = code(rest, &items)
            .or_else(|| token(rest, name_of))
            .or_else(|| entity(rest))
            .unwrap_or_else(|| (Item::Char(first), rest.get(first.len_utf8()..).unwrap_or("")));
        rest = after;
        // The space after somebody who is left out goes with them.
        let gone = matches!(&item, Item::Settled(text) if text.is_empty());
        if gone && items.last().is_none_or(is_space) {
            rest = rest.strip_prefix(' ').unwrap_or(rest);
        }
        items.push(item);
        if gone {
            items.pop();
        }
    }
    with_marks(items)
}

fn is_space(item: &Item) -> bool {
    match item {
        Item::Char(c) => c.is_whitespace(),
        Item::Settled(text) => text.ends_with('\n'),
    }
}

/// Code, in a line or in lines of its own, as fences stand in Markdown.
fn code<'t>(rest: &'t str, before: &[Item]) -> Option<(Item, &'t str)> {
    if let Some(inner) = rest.strip_prefix("```")
        && let Some((block, after)) = inner.split_once("```")
        && !block.trim().is_empty()
    {
        let unescaped = unescape(block);
        if !block.contains('\n') {
            return Some((Item::Settled(format!("```{unescaped}```")), after));
        }
        let fresh = before.last().is_none_or(|item| match item {
            Item::Char(c) => *c == '\n',
            Item::Settled(text) => text.ends_with('\n'),
        });
        let lead = if fresh { "" } else { "\n" };
        let head = if unescaped.starts_with('\n') { "" } else { "\n" };
        let foot = if unescaped.ends_with('\n') { "" } else { "\n" };
        let end = if after.is_empty() || after.starts_with('\n') { "" } else { "\n" };
        let text = format!("{lead}```{head}{unescaped}{foot}```{end}");
        return Some((Item::Settled(text), after));
    }
    let inner = rest.strip_prefix('`')?;
    let end = inner.find(['`', '\n'])?;
    let (span, after) = inner.split_at_checked(end)?;
    let after = after.strip_prefix('`').filter(|_| !span.trim().is_empty())?;
    Some((Item::Settled(format!("`{}`", unescape(span))), after))
}

/// `<...>`, which only Slack itself writes: what people type is escaped.
fn token<'t>(rest: &'t str, name_of: &dyn Fn(&str) -> Option<String>) -> Option<(Item, &'t str)> {
    let inner = rest.strip_prefix('<')?;
    let end = inner.find(['>', '<', '\n'])?;
    let (body, after) = inner.split_at_checked(end)?;
    let after = after.strip_prefix('>')?;
    let (what, label) = match body.split_once('|') {
        Some((what, label)) => (what, Some(label).filter(|label| !label.trim().is_empty())),
        None => (body, None),
    };
    let label = label.map(unescape);
    let shown = if let Some(id) = what.strip_prefix('@') {
        name_of(id).or(label).map(|name| format!("@{}", name.trim_start_matches('@')))
    } else if let Some(id) = what.strip_prefix('#') {
        Some(format!("#{}", label.as_deref().unwrap_or(id).trim_start_matches('#')))
    } else if let Some(command) = what.strip_prefix('!') {
        // Without the `@`: an alert to a whole channel is not to be repeated.
        let bare = |text: &str| text.trim_start_matches('@').to_owned();
        match command.split_once('^') {
            Some(_) => label.as_deref().map(bare),
            None => Some(bare(label.as_deref().unwrap_or(command))),
        }
    } else if what.is_empty() {
        return None;
    } else {
        Some(link(&unescape(what), label))
    };
    Some((Item::Settled(shown.unwrap_or_default()), after))
}

fn link(url: &str, label: Option<String>) -> String {
    let Some(label) = label else { return url.to_owned() };
    let label = label.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    let mut address = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '(' => address.push_str("%28"),
            ')' => address.push_str("%29"),
            '<' => address.push_str("%3C"),
            '>' => address.push_str("%3E"),
            c if c.is_whitespace() => address.push_str("%20"),
            c => address.push(c),
        }
    }
    format!("[{label}]({address})")
}

const ENTITIES: [(&str, char); 3] = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&')];

fn entity(rest: &str) -> Option<(Item, &str)> {
    ENTITIES.iter().find_map(|(name, c)| Some((Item::Char(*c), rest.strip_prefix(*name)?)))
}

/// Once: `&amp;lt;` was typed as `&lt;`.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The items as text, with pairs of `*` and `~` doubled. As in Slack, a pair is on one
/// line, at the borders of words, with no space inside; `_` means the same in Markdown.
fn with_marks(mut items: Vec<Item>) -> String {
    for mark in ['*', '~'] {
        let mut pairs = Vec::new();
        let mut opened: Option<usize> = None;
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::Char('\n') => opened = None,
                Item::Settled(text) if text.contains('\n') => opened = None,
                Item::Char(c) if *c == mark => {
                    let before = at.checked_sub(1).and_then(|at| items.get(at));
                    let after = items.get(at + 1);
                    match opened {
                        Some(from)
                            if at > from + 1 && inner(before, mark) && outer(after, mark) =>
                        {
                            pairs.extend([from, at]);
                            opened = None;
                        }
                        None if outer(before, mark) && inner(after, mark) => opened = Some(at),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        for at in pairs {
            if let Some(item) = items.get_mut(at) {
                *item = Item::Settled(format!("{mark}{mark}"));
            }
        }
    }
    let mut out = String::new();
    for item in &items {
        match item {
            Item::Char(c) => out.push(*c),
            Item::Settled(text) => out.push_str(text),
        }
    }
    out
}

/// Fit to stand inside a mark.
fn inner(item: Option<&Item>, mark: char) -> bool {
    match item {
        Some(Item::Char(c)) => !c.is_whitespace() && *c != mark,
        Some(Item::Settled(_)) => true,
        None => false,
    }
}

/// Fit to stand outside a mark.
fn outer(item: Option<&Item>, mark: char) -> bool {
    match item {
        Some(Item::Char(c)) => !c.is_alphanumeric() && *c != mark,
        Some(Item::Settled(_)) | None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str) -> Option<String> {
        (id == "U1").then(|| "Ana Silva".to_owned())
    }

    #[test]
    fn what_people_write() {
        for (mrkdwn, markdown) in [
            ("<@U1> can you look?", "@Ana Silva can you look?"),
            ("<@UBOT> my VPN is down", "my VPN is down"),
            ("hi <@UBOT> there", "hi there"),
            ("hi <@U9|jo>", "hi @jo"),
            ("see <#C1|general> and <#C2>", "see #general and #C2"),
            (
                "<https://a.example/x?a=1&amp;b=2|the [list]>",
                "[the \\[list\\]](https://a.example/x?a=1&b=2)",
            ),
            ("<https://a.example/(x)|y>", "[y](https://a.example/%28x%29)"),
            ("<https://a.example/x>", "https://a.example/x"),
            ("<mailto:a@b.example|a@b.example>", "[a@b.example](mailto:a@b.example)"),
            ("<!here> <!channel|@channel> <!everyone>", "here channel everyone"),
            ("ask <!subteam^S1|@erp-team>", "ask erp-team"),
            ("ask <!subteam^S1>now", "ask now"),
            ("since <!date^1392734382^{date}|Feb 18, 2014>", "since Feb 18, 2014"),
            ("a &lt;b&gt; &amp;amp; &amp;lt; c", "a <b> &amp; &lt; c"),
            ("*bold* and (*b c*), 2*3*4, * no *, *a", "**bold** and (**b c**), 2*3*4, * no *, *a"),
            ("*see <https://a.example|it>*", "**see [it](https://a.example)**"),
            ("~old~ _new_ a~b~c", "~~old~~ _new_ a~b~c"),
            ("*a\nb*", "*a\nb*"),
            ("**x** ~~y~~", "**x** ~~y~~"),
            ("`*a* &lt;b&gt; <@U1>` *c*", "`*a* <b> <@U1>` **c**"),
            ("``` *x* ```", "``` *x* ```"),
            ("see ```a *b*\nc``` then", "see \n```\na *b*\nc\n```\n then"),
            ("```\nx\n```\ny", "```\nx\n```\ny"),
            (":tada: :custom-one: 👩‍👩‍👧 שלום", ":tada: :custom-one: 👩‍👩‍👧 שלום"),
            ("a < b <unclosed", "a < b <unclosed"),
            ("", ""),
        ] {
            assert_eq!(to_markdown(mrkdwn, &known), markdown, "{mrkdwn}");
        }
    }

    #[test]
    fn nothing_makes_it_stumble() {
        let bits = [
            "<",
            ">",
            "|",
            "`",
            "```",
            "*",
            "~",
            "&",
            "&lt;",
            "é",
            "👩‍👩",
            "\n",
            "<@",
            "!",
            "^",
            " ",
        ];
        for a in bits {
            for b in bits {
                for c in bits {
                    to_markdown(&format!("{a}{b}{c}{a}"), &known);
                }
            }
            // Quadratic, this would take minutes.
            to_markdown(&a.repeat(100_000), &known);
        }
    }
}
