use super::*;

const BASE: Links<'static> = Links { base: Some("https://desk.example"), cited: true };

/// The first thing in a message's content that Discord would act on though only a link made
/// here may be acted on.
pub(in super::super) fn active(content: &str) -> Option<String> {
    let chars: Vec<char> = content.chars().collect();
    let from =
        |at: usize, length: usize| -> String { chars.iter().skip(at).take(length).collect() };
    let (mut at, mut code): (usize, Option<&str>) = (0, None);
    while let Some(c) = chars.get(at) {
        if let Some(fence) = code {
            if from(at, 3).starts_with(fence) {
                at += fence.len();
                code = None;
                continue;
            }
        } else if *c == '\\' {
            at += 2;
            continue;
        } else if *c == '`' {
            let fence = if from(at, 3) == "```" { "```" } else { "`" };
            code = Some(fence);
            at += fence.len();
            continue;
        } else if *c == '<' {
            let link = chars.iter().skip(at + 1).take_while(|c| **c != '>').collect::<String>();
            let known = ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme));
            if !known || link.contains([' ', '\n', '<', '@']) {
                return Some(from(at, 30));
            }
            at += link.chars().count() + 2;
            continue;
        } else if ["https://", "http://", "||"].iter().any(|mark| from(at, 8).starts_with(mark)) {
            return Some(from(at, 30));
        }
        let alert = from(at, 9).to_lowercase();
        if alert.starts_with("@everyone") || alert.starts_with("@here") || tagged(&from(at, 4)) {
            return Some(from(at, 30));
        }
        at += 1;
    }
    None
}

fn tagged(text: &str) -> bool {
    let id = text.strip_prefix("<@").map(|rest| rest.trim_start_matches(['!', '&']));
    id.is_some_and(|id| id.starts_with(|c: char| c.is_ascii_digit()))
}

fn sent(markdown: &str) -> String {
    chunks(markdown, &BASE).iter().map(Chunk::text).collect::<Vec<_>>().join("\n\n")
}

fn check(cases: &[(&str, &str)]) {
    for (markdown, shown) in cases {
        assert_eq!(sent(markdown), *shown, "{markdown}");
    }
}

#[test]
fn marks() {
    check(&[
        ("**bold** and __bold__", "**bold** and **bold**"),
        ("*italic* and _italic_", "*italic* and *italic*"),
        ("~~gone~~", "~~gone~~"),
        ("***both***", "***both***"),
        ("**a *b* c**", "**a *b* c**"),
        ("**a **b** c**", "**a b c**"),
        ("un**believ**able", "un**believ**able"),
        ("**a***b*", "**a**\u{200b}*b*"),
        ("**a\\\nb**", "**a**\n**b**"),
        ("`code` and `a*b_c`", "`code` and `a*b_c`"),
        ("`` a`b ``", "`aˋb`"),
        (
            "# One *two*\n\n## Two\n\n### Three\n\n#### Four",
            "# One *two*\n## Two\n### Three\n**Four**",
        ),
        ("# One\n\nWords.\n\nMore.", "# One\nWords.\n\nMore."),
        ("soft\nbreak", "soft break"),
        ("[1] stays [2], and [12]", "[1] stays [2], and [12]"),
        ("a\n\n---\n\nb", "a\n\n───\n\nb"),
    ]);
}

#[test]
fn what_looks_like_a_mark_is_none() {
    check(&[
        ("snake_case_name and 2\\*3\\*4", "snake\\_case\\_name and 2\\*3\\*4"),
        ("\\*not bold\\* \\\\", "\\*not bold\\* \\\\"),
        ("cd ~/a, then ~/b", "cd \\~/a, then \\~/b"),
        ("\\`a\\` b", "\\`a\\` b"),
        ("a || b || c", "a \\|\\| b \\|\\| c"),
        ("\\> no quote", "\\> no quote"),
        ("\\# no heading", "\\# no heading"),
        ("\\- no list", "\\- no list"),
        ("\\-# not small", "\\-# not small"),
        ("1\\. no list", "1\\. no list"),
        ("&gt;&gt;&gt; no quote", "\\>>> no quote"),
        ("[1\\](x) and \\[a\\](https://a.example)", "\\[1](x) and \\[a](<https://a.example>)"),
    ]);
}

#[test]
fn nobody_is_mentioned_and_no_markup_forged() {
    check(&[
        ("@everyone and @here", "@\u{200b}everyone and @\u{200b}here"),
        ("**@** everyone", "**@** everyone"),
        (
            "<@123> <@!123> <@&123> <#123>",
            "\\<@\u{200b}123> \\<@\u{200b}!123> \\<@\u{200b}&123> \\<#123>",
        ),
        ("`@everyone <@1>`", "`@\u{200b}everyone <@\u{200b}1>`"),
        ("```\n@everyone <@1>\n```", "```\n@\u{200b}everyone <@\u{200b}1>\n```"),
        (
            "<:tada:1> <a:x:2> <t:1> </ask:3> <id:browse>",
            "\\<:tada:1> \\<a:x:2> \\<t:1> \\</ask:3> id:browse",
        ),
        ("[@everyone](https://a.example)", "[@\u{200b}everyone](<https://a.example>)"),
        ("[x](https://a.example/<@1>)", "[x](<https://a.example/%3C%401%3E>)"),
        ("| <@123> |\n|---|\n| @here |", "```\n<@\u{200b}123>\n------\n@\u{200b}here\n```"),
        ("[x](javascript:alert(1)) [y](discord://x)", "x y"),
        ("[x](//evil.example) [y](/\\evil.example)", "x y"),
        ("ana@example.org @5pm", "ana@example.org @5pm"),
        ("a <!-- hidden --> b", "a b"),
        ("![a picture](https://a.example/p.png)", "a picture"),
        ("&lt;@123&gt; &#64;everyone", "\\<@\u{200b}123> @\u{200b}everyone"),
    ]);
    assert_eq!(escape("<@1>\n# *x*"), "\\<@\u{200b}1> # \\*x\\*");
}

#[test]
fn links() {
    check(&[
        ("[the *list*](https://a.example/x?a=1&b=2)", "[the list](<https://a.example/x?a=1&b=2>)"),
        ("[a|b\\[c\\]](https://a.example)", "[a\\|b(c)](<https://a.example>)"),
        ("**[a](https://a.example/**)**", "**[a](<https://a.example/%2A%2A>)**"),
        ("<https://a.example/x_y_>", "<https://a.example/x_y_>"),
        ("<jo@a.example>", "jo@a.example"),
        ("[mail](mailto:jo@a.example)", "mail (jo@a.example)"),
        ("[FL-1](/tickets/FL-1)", "[FL-1](<https://desk.example/tickets/FL-1>)"),
        ("[](https://a.example)", "<https://a.example>"),
        ("[https://b.example](https://a.example)", "[b.example](<https://a.example>)"),
        ("see (https://a.example/x_y_z), or not", "see (<https://a.example/x_y_z>), or not"),
        ("See [1].\n\n[1]: https://evil.example", "See [1]."),
        ("[![alt](p.png)](https://a.example)", "[alt](<https://a.example>)"),
        ("xhttps://a.example", "xhttps\\://a.example"),
    ]);
    let long = format!("[label](https://a.example/{})", "x".repeat(1000));
    assert_eq!(sent(&long), "label");
}

#[test]
fn blocks() {
    check(&[
        ("- a\n- b\n    - c\n        - d\n\n1. x\n2. y", "- a\n- b\n  - c\n    - d\n\n1. x\n2. y"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n\n  more\n\n- b", "- a\n  more\n- b"),
        ("- [ ] open\n- [x] done", "- ☐ open\n- ☑ done"),
        ("> one\n> two\n\nafter", "> one\n> two\n\nafter"),
        ("> - a\n> - b", "> - a\n> - b"),
        ("```rust\nlet a = &b;\n```", "```rust\nlet a = &b;\n```"),
        ("```a;b\nx\n```", "```\nx\n```"),
        ("````\n```\nx\n````", "```\n`\u{200b}`\u{200b}`\nx\n```"),
        (
            "``````\n`````<@1> ``\n``````",
            "```\n`\u{200b}`\u{200b}`\u{200b}`\u{200b}`<@\u{200b}1> `\u{200b}`\n```",
        ),
        ("- a\n\n  ```\n  x\n  ```\n- b", "- a\n\n```\nx\n```\n\n- b"),
        (
            "| System | Days |\n|---|--:|\n| **Pocket** | 5 |\n| K | 12 |",
            "```\nSystem | Days\n-------|-----\nPocket |    5\nK      |   12\n```",
        ),
        ("\u{200b}\n\n<!-- x -->", ""),
    ]);
    let wide =
        format!("| A | B | |\n|---|---|---|\n| {0} | {0} | x |\n| y | | |", "long ".repeat(9));
    let cell = "long ".repeat(9);
    let cell = cell.trim();
    assert_eq!(sent(&wide), format!("```\nA: {cell}\nB: {cell}\nx\n\nA: y\n```"));
}

/// Each piece by itself must read well: marks and fences complete, no escape cut.
fn parted(markdown: &str, limit: usize) -> Vec<String> {
    let links = Links { base: None, cited: true };
    let pieces: Vec<String> =
        sections(chunks(markdown, &links), limit).iter().map(Section::text).collect();
    for piece in &pieces {
        assert!(size(piece) <= limit && !piece.is_empty(), "{} of {limit}", size(piece));
        assert_eq!(piece.matches("```").count() % 2, 0, "{piece}");
        assert_eq!(active(piece), None, "{piece}");
    }
    pieces
}

#[test]
fn texts_are_parted_where_a_reader_pauses() {
    assert_eq!(parted("First one.\n\nSecond one.", 20), ["First one.", "Second one."]);
    assert_eq!(parted("- first\n- second\n- third", 20), ["- first\n- second", "- third"]);
    assert_eq!(
        parted("One is here. Two is here now. Three is late, but it is not too late.", 60),
        ["One is here. Two is here now.", "Three is late, but it is not too late."],
    );
    assert_eq!(
        parted("**one two three four five six seven eight**", 40),
        ["**one two**", "**three four five six seven eight**"],
    );
    assert_eq!(
        parted("```rust\nline one\nline two\nline three\n```", 31),
        ["```rust\nline one\nline two\n```", "```rust\nline three\n```"],
    );
    let linked = "word [a label of words](https://a.example/long/path) word".repeat(3);
    assert!(parted(&linked, 90).len() > 1);
}

#[test]
fn nothing_is_lost_by_parting() {
    let sentence = "The *quick* fox **jumps & runs** over `the lazy` dog. ";
    let pieces = parted(&sentence.repeat(400), 2000);
    let words = pieces.join(" ").split_whitespace().count();
    assert_eq!(words, sentence.split_whitespace().count() * 400);
    assert!(pieces.iter().rev().skip(1).all(|piece| piece.ends_with("dog.")));
    let code = format!("```\n{}```", "let a = b && c;\n".repeat(2000));
    let lines: usize = parted(&code, 2000).iter().map(|p| p.lines().count() - 2).sum();
    assert_eq!(lines, 2000);
}

#[test]
fn whatever_is_written_limits_hold() {
    let nasty = [
        "a".repeat(100_000),
        "word ".repeat(20_000),
        "*".repeat(20_000),
        "\\_".repeat(20_000),
        "<@1>@everyone".repeat(5000),
        "👩‍👩‍👧😀".repeat(9000),
        "שלום עולם ".repeat(9000),
        "\u{202e}\u{200b}x\u{200d} ".repeat(9000),
        "*a **b ".repeat(3000),
        "_a ~~b `c ".repeat(3000),
        "[".repeat(5000),
        "> ".repeat(500) + "deep",
        (0..300).map(|n| format!("{}- item {n}\n", "  ".repeat(n))).collect(),
        format!("```\n{}\n```", "@here x".repeat(9000)),
        format!("```\n{}", "``` x".repeat(2000)),
        format!("`{}`", "a b<@1>".repeat(9000)),
        format!("**{}**", "bold_x* ".repeat(4000)),
        format!("# {}", "heading ".repeat(2000)),
        format!("| a | b |\n|---|---|\n{}", "| x & y | z |\n".repeat(3000)),
        format!("|{}\n|{}\n", "a|".repeat(400), "-|".repeat(400)),
        format!("[{}](https://a.example)", "label | ".repeat(2000)),
        "[x](https://a.example/|||||||) ".repeat(3000),
        "https://a.example/".to_owned() + &"|".repeat(5000),
        "\r\n\0\u{7}\t ".repeat(5000),
    ];
    for text in nasty {
        parted(&text, 2000);
    }
}

#[test]
fn no_mixture_of_marks_forges_anything() {
    let bits = [
        "<",
        ">",
        "|",
        "||",
        "!",
        "@",
        "#",
        "&",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```\n",
        "[",
        "](",
        ")",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "# ",
        "-# ",
        "a",
        "everyone",
        "here",
        "1",
        "https://",
        "x.example",
        ":",
        "t:1",
        "\\",
        " ",
        "|-|\n",
        "<!--",
        "-->",
        "é",
        "\u{200b}",
        "[1]: ",
        "mailto:",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..14 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(bits.get((state >> 33) as usize % bits.len()).unwrap_or(&""));
        }
        let shown = sent(&text);
        assert_eq!(active(&shown), None, "{text:?} gave {shown:?}");
        assert_eq!(shown.matches("```").count() % 2, 0, "{text:?} gave {shown:?}");
        to_markdown(&text, &|_| None);
    }
}
