use super::*;

fn sent(markdown: &str) -> String {
    let links = Links { base: Some("https://desk.example"), cited: true };
    let chunks = chunks(markdown, &links);
    chunks.iter().map(Chunk::text).collect::<Vec<_>>().join("\n\n")
}

fn check(cases: &[(&str, &str)]) {
    for (markdown, mrkdwn) in cases {
        assert_eq!(sent(markdown), *mrkdwn, "{markdown}");
    }
}

#[test]
fn marks() {
    check(&[
        ("**bold** and __bold__", "*bold* and *bold*"),
        ("*italic* and _italic_", "_italic_ and _italic_"),
        ("~~gone~~", "~gone~"),
        ("***both***", "*_both_*"),
        ("**a *b* c**", "*a _b_ c*"),
        ("**a **b** c**", "*a b c*"),
        ("un**believ**able", "un\u{200b}*believ*\u{200b}able"),
        ("**重要**です", "*重要*\u{200b}です"),
        ("**FL-12**: Keystone", "*FL-12*: Keystone"),
        ("**a\\\nb**", "*a*\n*b*"),
        ("`code` and `a*b_c`", "`code` and `a*b_c`"),
        ("`` a`b ``", "`aˋb`"),
        ("# One *two*\n\n## Two", "*One _two_*\n\n*Two*"),
        ("soft\nbreak", "soft break"),
        ("[1] stays [2], and [12]", "[1] stays [2], and [12]"),
        ("a\n\n---\n\nb", "a\n\n───\n\nb"),
    ]);
}

#[test]
fn what_looks_like_a_mark_is_none() {
    check(&[
        ("snake_case_name and 2\\*3\\*4", "snake_case_name and 2*3*4"),
        ("\\*not bold\\*", "∗not bold∗"),
        ("**a \\* b**", "*a ∗ b*"),
        ("**x\\***", "*x∗*"),
        ("\\*x **y**", "∗x *y*"),
        ("a \\* b", "a * b"),
        ("cd ~/a, then ~/b", "cd ∼/a, then ∼/b"),
        ("\\`a\\` b", "ˋaˋ b"),
        ("\\> no quote", "\u{200b}&gt; no quote"),
    ]);
}

#[test]
fn nobody_is_mentioned_and_no_markup_forged() {
    for hostile in [
        "<!channel>",
        "<!here|here>",
        "<@U1>",
        "<#C1|general>",
        "<!subteam^S1>",
        "`<!channel>`",
        "```\n<!channel>\n```",
        "    <!channel>",
        "<b>x</b> <script>alert(1)</script>",
        "<div>\n<!everyone>\n</div>",
        "![<!channel>](https://a.example/p.png)",
        "[<!channel>](https://a.example)",
        "[x](javascript:alert(1))",
        "[x](<!channel>)",
        "[x](data:text/html,x)",
        "[x](//evil.example)",
        "[x](/\\evil.example)",
        "| <!channel> |\n|---|\n| <@U1> |",
        "&lt;!channel&gt;",
        "&#60;!channel&#62;",
        "[a](https://a.example/x|y>z<!channel>)",
        "[a](<https://a.example/><!channel>)",
        "https://a.example/<!channel>",
        "https://a.example/x|<!channel>",
    ] {
        let mrkdwn = sent(hostile);
        let mut rest = mrkdwn.as_str();
        while let Some((_, after)) = rest.split_once('<') {
            assert!(after.starts_with("https://a.example"), "{hostile} gave {mrkdwn}");
            let (inside, after) = after.split_once('>').unwrap_or_default();
            assert!(inside.matches('|').count() < 2, "{hostile} gave {mrkdwn}");
            rest = after;
        }
        assert!(!rest.contains('>'), "{hostile} gave {mrkdwn}");
    }
    check(&[
        ("R&D <b>x</b> 1 < 2 > 0", "R&amp;D &lt;b&gt;x&lt;/b&gt; 1 &lt; 2 &gt; 0"),
        ("a <!-- hidden --> b", "a b"),
        ("![a picture](https://a.example/p.png)", "a picture"),
    ]);
    assert_eq!(escape("<!channel> & co"), "&lt;!channel&gt; &amp; co");
}

#[test]
fn links() {
    check(&[
        ("[the *list*](https://a.example/x?a=1&b=2)", "<https://a.example/x?a=1&amp;b=2|the list>"),
        ("[a|b<c>](https://a.example)", "<https://a.example|a¦b&lt;c&gt;>"),
        ("**[a](https://a.example)**", "*<https://a.example|a>*"),
        ("<https://a.example/x_y_>", "<https://a.example/x_y_>"),
        ("<jo@a.example>", "<mailto:jo@a.example|jo@a.example>"),
        ("[mail](mailto:jo@a.example)", "<mailto:jo@a.example|mail>"),
        ("[FL-1](/tickets/FL-1)", "<https://desk.example/tickets/FL-1|FL-1>"),
        ("[x](javascript:alert) [y](other.md)", "x y"),
        ("[](https://a.example)", "<https://a.example>"),
        ("see (https://a.example/x_y_z), or not", "see (<https://a.example/x_y_z>), or not"),
        ("See [1].\n\n[1]: https://evil.example", "See [1]."),
        ("[![alt](p.png)](https://a.example)", "<https://a.example|alt>"),
    ]);
    let long = format!("[label](https://a.example/{})", "x".repeat(3000));
    assert_eq!(sent(&long), "label");
}

#[test]
fn blocks() {
    check(&[
        (
            "- a\n- b\n    - c\n        - d\n\n1. x\n2. y",
            "• a\n• b\n    ◦ c\n        ▪ d\n\n1. x\n2. y",
        ),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n\n  more\n\n- b", "• a\n   more\n• b"),
        ("- [ ] open\n- [x] done", "☐ open\n☑ done"),
        ("> one\n> two\n\nafter", "> one\n> two\n\nafter"),
        ("> - a\n> - b", "> • a\n> • b"),
        ("```rust\nlet a = &b;\n```", "```\nlet a = &amp;b;\n```"),
        ("````\n```\nx\n````", "```\n`\u{200b}``\nx\n```"),
        ("~~~\n`````\n~~~", "```\n`\u{200b}``\u{200b}``\n```"),
        ("- a\n\n  ```\n  x\n  ```\n- b", "• a\n\n```\nx\n```\n\n• b"),
        (
            "| System | Days |\n|---|--:|\n| **Pocket** | 5 |\n| K | 12 |",
            "```\nSystem | Days\n-------|-----\nPocket |    5\nK      |   12\n```",
        ),
        ("\u{200b}\n\n<!-- x -->", ""),
    ]);
}

/// Each piece by itself must read well: marks, fences and escapes complete.
fn parted(markdown: &str, limit: usize) -> Vec<String> {
    let links = Links { base: None, cited: true };
    let pieces: Vec<String> =
        sections(chunks(markdown, &links), limit).iter().map(Section::text).collect();
    for piece in &pieces {
        assert!(size(piece) <= limit && !piece.is_empty(), "{} of {limit}", size(piece));
        assert_eq!(piece.matches("```").count() % 2, 0, "{piece}");
        let bare: String = piece.lines().map(|l| l.strip_prefix("> ").unwrap_or(l)).collect();
        assert_eq!(bare.matches('<').count(), bare.matches('>').count(), "{piece}");
        for (at, _) in piece.match_indices('&') {
            let escape = piece.get(at..).unwrap_or_default();
            assert!(["&amp;", "&lt;", "&gt;"].iter().any(|e| escape.starts_with(e)), "{piece}");
        }
    }
    pieces
}

#[test]
fn texts_are_parted_where_a_reader_pauses() {
    assert_eq!(parted("First one.\n\nSecond one.", 20), ["First one.", "Second one."]);
    assert_eq!(parted("- first\n- second\n- third", 20), ["• first\n• second", "• third"]);
    assert_eq!(
        parted("One is here. Two is here now. Three is late.", 40),
        ["One is here. Two is here now.", "Three is late."],
    );
    assert_eq!(
        parted("**one two three four five six seven eight**", 40),
        ["*one two three four*", "*five six seven eight*"],
    );
    assert_eq!(
        parted("```\nline one\nline two\nline three\n```", 28),
        ["```\nline one\nline two\n```", "```\nline three\n```"],
    );
    let linked = "word [a label of words](https://a.example/long/path) word".repeat(3);
    assert!(parted(&linked, 90).len() > 1);
}

#[test]
fn nothing_is_lost_by_parting() {
    let sentence = "The *quick* fox **jumps & runs** over `the lazy` dog. ";
    let pieces = parted(&sentence.repeat(400), 3000);
    let words = pieces.join(" ").split_whitespace().count();
    assert_eq!(words, sentence.split_whitespace().count() * 400);
    assert!(pieces.iter().rev().skip(1).all(|piece| piece.ends_with("dog.")));
    let code = format!("```\n{}```", "let a = b && c;\n".repeat(2000));
    let lines: usize = parted(&code, 3000).iter().map(|p| p.lines().count() - 2).sum();
    assert_eq!(lines, 2000);
}

#[test]
fn whatever_is_written_limits_hold() {
    let nasty = [
        "a".repeat(100_000),
        "word ".repeat(20_000),
        "&".repeat(20_000),
        "<!channel>".repeat(5000),
        "👩‍👩‍👧😀".repeat(9000),
        "שלום עולם ".repeat(9000),
        "\u{202e}\u{200b}x\u{200d} ".repeat(9000),
        "**".repeat(5000),
        "*a **b ".repeat(3000),
        "_a ~~b `c ".repeat(3000),
        "[".repeat(5000),
        "> ".repeat(500) + "deep",
        (0..300).map(|n| format!("{}- item {n}\n", "  ".repeat(n))).collect(),
        (0..5000).map(|n| format!("- item {n}\n")).collect(),
        format!("```\n{}\n```", "&x".repeat(20_000)),
        format!("```\n{}", "``` x".repeat(2000)),
        format!("`{}`", "a b&".repeat(9000)),
        format!("**{}**", "bold_x* ".repeat(4000)),
        format!("# {}", "heading ".repeat(2000)),
        format!("| a | b |\n|---|---|\n{}", "| x & y | z |\n".repeat(3000)),
        format!("|{}\n|{}\n", "a|".repeat(400), "-|".repeat(400)),
        format!("[{}](https://a.example)", "label & ".repeat(2000)),
        "[x](https://a.example/&&&&&&) ".repeat(3000),
        "https://a.example/".to_owned() + &"&".repeat(5000),
        "\r\n\0\u{7}\t ".repeat(5000),
        "<div>\n".repeat(5000),
    ];
    for text in nasty {
        parted(&text, 3000);
        for limit in [1, 9, 50, 3000] {
            let links = Links { base: None, cited: false };
            let text = preview(&chunks(&text, &links), limit);
            assert!(size(&text) <= limit.max(2), "{limit}: {text}");
        }
    }
}

#[test]
fn no_mixture_of_marks_forges_anything() {
    let bits = [
        "<",
        ">",
        "|",
        "!",
        "@",
        "#",
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
        "a",
        "channel",
        "https://",
        "x.example",
        "&",
        "lt;",
        "\\",
        " ",
        "    ",
        "|-|\n",
        "<!--",
        "-->",
        "é",
        "👩‍👩",
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
        let mrkdwn = sent(&text);
        let lines = mrkdwn.lines().map(|line| line.strip_prefix("> ").unwrap_or(line));
        let bare = lines.collect::<Vec<_>>().join("\n");
        let mut rest = bare.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            let (inside, after) = after.split_once('>').unwrap_or_default();
            let known = ["https://", "http://", "mailto:"].iter().any(|s| inside.starts_with(s));
            assert!(known && !before.contains('>'), "{text:?} gave {mrkdwn:?}");
            assert!(!inside.contains(['\n', '<']) && inside.matches('|').count() < 2, "{mrkdwn:?}");
            rest = after;
        }
        assert!(!rest.contains('>'), "{text:?} gave {mrkdwn:?}");
        assert_eq!(mrkdwn.matches("```").count() % 2, 0, "{text:?} gave {mrkdwn:?}");
        to_markdown(&text, &|_| None);
    }
}
