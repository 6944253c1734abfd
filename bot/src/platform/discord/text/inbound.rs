//! What people write in Discord, as the Markdown the rest of the bot reads. Most of it is
//! Markdown already: code is carried over as it is; mentions, emoji and dates become what
//! their reader saw.

use jiff::Timestamp;

/// Who or what a message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Named {
    User(u64),
    Role(u64),
    Channel(u64),
}

/// A message's content as Markdown. `name_of` knows names by their ids; people it does not
/// know (the bot itself, say) are left out.
pub(in super::super) fn to_markdown(
    content: &str,
    name_of: &dyn Fn(Named) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    let mut quoting = false;
    while let Some(first) = rest.chars().next() {
        if let Some((block, after)) = code(rest, out.is_empty() || out.ends_with('\n')) {
            out.push_str(&block);
            rest = after;
            continue;
        }
        let within = out.ends_with(char::is_alphanumeric);
        if let Some((shown, after)) = token(rest, name_of).filter(|_| !within || first != '@') {
            rest = after;
            // The space after somebody who is left out goes with them.
            if shown.is_empty() && out.chars().next_back().is_none_or(char::is_whitespace) {
                rest = rest.strip_prefix(' ').unwrap_or(rest);
            }
            out.push_str(&shown);
            continue;
        }
        if out.is_empty() || out.ends_with('\n') {
            // Three begin a quote that goes on to the message's end; `-#` is a small line.
            if let Some(after) = rest.strip_prefix(">>> ").filter(|_| !quoting) {
                quoting = true;
                out.push_str("> ");
                rest = after;
                continue;
            }
            if quoting {
                out.push_str("> ");
            }
            if let Some(after) = rest.strip_prefix("-# ") {
                rest = after;
                continue;
            }
        }
        if let Some(after) = rest.strip_prefix('\\') {
            // What is escaped is no mark here either.
            let escaped = after.chars().next().filter(|c| c.is_ascii_punctuation());
            let length = 1 + escaped.map_or(0, char::len_utf8);
            let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            out.push_str(taken);
            rest = after;
            continue;
        }
        if let Some(inner) = rest.strip_prefix("||")
            && let Some((hidden, after)) = inner.split_once("||")
            && !hidden.trim().is_empty()
        {
            // The bot reads what is covered, as its reader would.
            out.push_str(&to_markdown(hidden, name_of));
            rest = after;
            continue;
        }
        out.push(first);
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    out
}

/// Code, in a line or in lines of its own, as fences stand in Markdown.
fn code(rest: &str, fresh: bool) -> Option<(String, &str)> {
    if let Some(inner) = rest.strip_prefix("```")
        && let Some((block, after)) = inner.split_once("```")
        && !block.trim().is_empty()
    {
        if !block.contains('\n') {
            return Some((format!("```{block}```"), after));
        }
        let word = |c: char| c.is_ascii_alphanumeric() || "_+-.#".contains(c);
        let language = block.split('\n').next().unwrap_or_default();
        let lead = if fresh { "" } else { "\n" };
        let head = if language.chars().all(word) { "" } else { "\n" };
        let foot = if block.ends_with('\n') { "" } else { "\n" };
        let end = if after.is_empty() || after.starts_with('\n') { "" } else { "\n" };
        return Some((format!("{lead}```{head}{block}{foot}```{end}"), after));
    }
    let ticks = if rest.starts_with("``") { "``" } else { "`" };
    let inner = rest.strip_prefix(ticks)?;
    let (span, after) = inner.split_once(ticks)?;
    (!span.trim().is_empty() && !after.starts_with('`'))
        .then(|| (format!("{ticks}{span}{ticks}"), after))
}

/// `<...>` where it is Discord's and no address, and the alerts to everyone.
fn token<'t>(
    rest: &'t str,
    name_of: &dyn Fn(Named) -> Option<String>,
) -> Option<(String, &'t str)> {
    // Without the `@`: an alert to a whole channel is not to be repeated.
    for word in ["everyone", "here"] {
        if let Some(after) = rest.strip_prefix('@').and_then(|rest| rest.strip_prefix(word)) {
            return Some((word.to_owned(), after));
        }
    }
    let inner = rest.strip_prefix('<')?;
    let end = inner.find(['>', '<', '\n'])?;
    let (body, after) = inner.split_at_checked(end)?;
    let after = after.strip_prefix('>')?;
    let bare = |name: String| name.trim_start_matches(['@', '#']).to_owned();
    let id = |text: &str| text.parse::<u64>().ok();
    let shown = if let Some(role) = body.strip_prefix("@&") {
        name_of(Named::Role(id(role)?)).map_or("a role".to_owned(), bare)
    } else if let Some(user) = body.strip_prefix('@') {
        let user = id(user.strip_prefix('!').unwrap_or(user))?;
        name_of(Named::User(user)).map(|name| format!("@{}", bare(name))).unwrap_or_default()
    } else if let Some(channel) = body.strip_prefix('#') {
        let name = name_of(Named::Channel(id(channel)?));
        format!("#{}", name.map_or("channel".to_owned(), bare))
    } else if let Some(command) = body.strip_prefix('/') {
        let (name, number) = command.rsplit_once(':')?;
        id(number)?;
        format!("/{name}")
    } else if let Some(place) = body.strip_prefix("id:") {
        format!("#{place}")
    } else if let Some(time) = body.strip_prefix("t:") {
        let seconds = time.split(':').next()?.parse().ok()?;
        Timestamp::from_second(seconds).ok()?.to_string()
    } else {
        let emoji = body.strip_prefix("a:").or_else(|| body.strip_prefix(':'))?;
        let (name, number) = emoji.split_once(':')?;
        id(number)?;
        format!(":{name}:")
    };
    Some((shown, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(named: Named) -> Option<String> {
        match named {
            Named::User(7) => Some("Ana Silva".to_owned()),
            Named::Role(8) => Some("ERP".to_owned()),
            Named::Channel(9) => Some("general".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn what_people_write() {
        for (content, markdown) in [
            ("<@7> can you look?", "@Ana Silva can you look?"),
            ("<@!7>", "@Ana Silva"),
            ("<@1> my VPN is down", "my VPN is down"),
            ("hi <@1> there", "hi there"),
            ("ask <@&8> or <@&2>", "ask ERP or a role"),
            ("see <#9> and <#3>", "see #general and #channel"),
            ("@everyone and @here, jo@here.example", "everyone and here, jo@here.example"),
            ("<:tada:123> <a:party:45> :smile:", ":tada: :party: :smile:"),
            (
                "since <t:1618953630:R> or <t:1618953630>",
                "since 2021-04-20T21:20:30Z or 2021-04-20T21:20:30Z",
            ),
            ("type </ticket list:77>, see <id:customize>", "type /ticket list, see #customize"),
            ("it is ||very <@7>|| secret, a || b", "it is very @Ana Silva secret, a || b"),
            ("**b** *i* _i_ __u__ ~~s~~", "**b** *i* _i_ __u__ ~~s~~"),
            ("<https://a.example/x>", "<https://a.example/x>"),
            ("[the list](https://a.example)", "[the list](https://a.example)"),
            ("`<@7>` and ``a`b``", "`<@7>` and ``a`b``"),
            ("see ```a *b*\nc``` then", "see \n```\na *b*\nc\n```\n then"),
            ("```rust\nlet a;\n```\ny", "```rust\nlet a;\n```\ny"),
            ("``` *x* ```", "``` *x* ```"),
            (">>> a\nb\n\nc", "> a\n> b\n> \n> c"),
            ("> a\nb", "> a\nb"),
            ("-# small\n- item", "small\n- item"),
            ("\\<@7> \\||a|| \\*x\\*", "\\<@7> \\||a|| \\*x\\*"),
            (
                "<@x> <t:x> <t:9999999999999999> <#> a < b <unclosed",
                "<@x> <t:x> <t:9999999999999999> <#> a < b <unclosed",
            ),
            ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
            ("", ""),
        ] {
            assert_eq!(to_markdown(content, &known), markdown, "{content}");
        }
    }
}
