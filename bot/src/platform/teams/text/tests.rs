use serde_json::{Value, json};

use super::*;

fn elements(markdown: &str) -> Vec<Value> {
    let links = Links { base: Some("https://desk.example"), cited: true };
    blocks(markdown, &links).iter().map(Block::element).collect()
}

/// The texts of all text blocks, as they are sent.
fn sent(markdown: &str) -> String {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value["type"].as_str() {
            Some("TextBlock") => out.extend(value["text"].as_str().map(str::to_owned)),
            Some("Container") => {
                value["items"].as_array().into_iter().flatten().for_each(|item| texts(item, out));
            }
            Some("Table") => texts(&value["fallback"], out),
            _ => out.extend(value["inlines"][0]["text"].as_str().map(str::to_owned)),
        }
    }
    let mut out = Vec::new();
    elements(markdown).iter().for_each(|element| texts(element, &mut out));
    out.join("\n\n")
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
        ("*italic* and _italic_", "_italic_ and _italic_"),
        ("***both***", "**_both_**"),
        ("**a *b* c**", "**a _b_ c**"),
        ("**a **b** c**", "**a b c**"),
        ("un**believ**able", "un**believ**able"),
        ("~~gone~~", "~~gone~~"),
        ("run `cargo build` now", "run `cargo build` now"),
        ("# One *two*\n\n## Two", "**One _two_**\n\n**Two**"),
        ("soft\nbreak", "soft break"),
        ("hard\\\nbreak", "hard\n\nbreak"),
        ("[1] stays [2], and [12]", "[1] stays [2], and [12]"),
        ("See [1].\n\n[1]: https://evil.example", "See [1]."),
        ("a\n\n---\n\nb", "a\n\n───\n\nb"),
        ("\u{200b}\n\n<!-- x -->", ""),
    ]);
}

#[test]
fn what_looks_like_a_mark_is_none() {
    check(&[
        ("snake_case_name and 2\\*3", "snake_case_name and 2*3"),
        ("2\\*3\\*4", "2∗3∗4"),
        ("\\_not italic\\_", "ˍnot italicˍ"),
        ("**a \\* b**", "**a ∗ b**"),
        ("\\# no heading", "\u{200b}# no heading"),
        ("\\- no list", "\u{200b}- no list"),
        ("\\* no list", "\u{200b}* no list"),
        ("2024\\. A year", "\u{200b}2024. A year"),
        ("\\> no quote", "\u{200b}> no quote"),
        ("\\\\\\\\server\\\\share", "\\\u{200b}\\server\\share"),
        ("{{DATE(2026-01-01T00:00:00Z)}}", "{\u{200b}{DATE(2026-01-01T00:00:00Z)}}"),
        ("R&D, AT&T &amp;lt;", "R&\u{200b}D, AT&\u{200b}T &\u{200b}lt;"),
    ]);
}

#[test]
fn nobody_is_mentioned_and_no_markup_forged() {
    for hostile in [
        "<at>Ana Silva</at>",
        "<AT id=\"0\">Ana</AT>",
        "`<at>Ana</at>`",
        "&lt;at&gt;Ana&lt;/at&gt;",
        "&#60;at&#62;Ana&#60;/at&#62;",
        "<div>\n<at>Ana</at>\n</div>",
        "| <at>Ana</at> |\n|---|\n| <at>Ana</at> |",
        "![<at>Ana</at>](https://a.example/p.png)",
        "[<at>Ana</at>](https://a.example)",
        "> <at>Ana</at>",
        "\\[x\\](https://evil.example)",
        "\\[x\\]\\[y\\]\n\n\\[y\\]: https://evil.example",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "[x](//evil.example)",
        "[x](/\\evil.example)",
        "[a\\]\\(https://evil.example\\)](https://a.example)",
        "[a](<https://a.example/) [b](https://evil.example>)",
    ] {
        let shown = sent(hostile);
        assert!(!shown.to_lowercase().contains("<at"), "{hostile} gave {shown}");
        for (at, _) in shown.match_indices("](") {
            let target = shown.get(at + 2..).unwrap_or_default();
            let led = ["https://a.example", "https://evil.example)"];
            assert!(led.iter().any(|to| target.starts_with(to)), "{hostile} gave {shown}");
            // Where it leads somewhere else, the label says so.
            let to_evil = target.starts_with("https://evil");
            let label = shown.get(..at).unwrap_or_default();
            assert!(!to_evil || label.ends_with("https://evil.example"), "{hostile} gave {shown}");
        }
    }
    // In code, too, it is text: text runs are not searched for mentions.
    let code = elements("```\n<at>Ana</at>\n```");
    assert_eq!(code[0]["items"][0]["type"], "RichTextBlock");
    for (markdown, shown) in
        [("Hi <at>Ana</at> **you**", "Hi Ana you"), ("&lt;at&gt;Ana", "<\u{200b}at>Ana")]
    {
        assert_eq!(plain(markdown, 80), shown);
    }
}

#[test]
fn links() {
    check(&[
        ("[the *list*](https://a.example/x?a=1&b=2)", "[the list](https://a.example/x?a=1&b=2)"),
        ("[a\\[b\\]](https://a.example)", "[a⁅b⁆](https://a.example)"),
        ("**[a](https://a.example)**", "**[a](https://a.example)**"),
        ("<https://a.example/x_y_z>", "[https://a.example/x_y_z](https://a.example/x_y_z)"),
        ("<jo@a.example>", "[jo@a.example](mailto:jo@a.example)"),
        ("[FL-1](/tickets/FL-1)", "[FL-1](https://desk.example/tickets/FL-1)"),
        ("[x](javascript:alert) [y](other.md)", "x y"),
        ("[](https://a.example)", "[https://a.example](https://a.example)"),
        (
            "see (https://a.example/x), or not",
            "see ([https://a.example/x](https://a.example/x)), or not",
        ),
        ("[x](https://a.example/(y)z)", "[x](https://a.example/%28y%29z)"),
    ]);
    let long = format!("[label](https://a.example/{})", "x".repeat(3000));
    assert_eq!(sent(&long), "label");
}

#[test]
fn lists_and_quotes() {
    check(&[
        ("- a\n- b\n    - c\n\n1. x\n2. y", "- a\n- b\n   - c\n\n1. x\n2. y"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("before\n- a", "before\n\n- a"),
        ("- a\n\n  more\n\n- b", "- a\n   more\n- b"),
        ("- [ ] open\n- [x] done", "- ☐ open\n- ☑ done"),
        ("> one\n> two\n\nafter", "one\n\ntwo\n\nafter"),
    ]);
    let quote = elements("> one");
    assert_eq!(
        quote,
        [json!({ "type": "Container", "style": "emphasis", "items": [
            { "type": "TextBlock", "text": "one", "wrap": true },
        ] })]
    );
}

#[test]
fn code_is_shown_as_it_is() {
    let code = elements("```py\nif x:\n    __init__(\"*\")\n\n\ta  b\n```");
    let line = |text: &str| {
        json!({ "type": "RichTextBlock", "spacing": "None", "inlines": [
            { "type": "TextRun", "text": text, "fontType": "Monospace" },
        ] })
    };
    assert_eq!(code.len(), 1);
    assert_eq!(
        code[0]["items"],
        json!([
            line("if x:"),
            line("\u{a0}\u{a0}\u{a0}\u{a0}__init__(\"*\")"),
            line("\u{a0}"),
            line("\u{a0}\u{a0}\u{a0}\u{a0}a \u{a0}b"),
        ])
    );
}

#[test]
fn tables_are_tables_and_lines_where_there_are_none() {
    let table = elements("| System | Days |\n|---|--:|\n| **Pocket** | 5 |\n| K | 12 |");
    let cell = |text: &str| {
        json!({ "type": "TableCell", "items": [
            { "type": "TextBlock", "text": text, "wrap": true },
        ] })
    };
    assert_eq!(table.len(), 1);
    assert_eq!(table[0]["columns"][1]["horizontalCellContentAlignment"], "Right");
    assert_eq!(table[0]["rows"][0]["cells"], json!([cell("System"), cell("Days")]));
    assert_eq!(table[0]["rows"][1]["cells"], json!([cell("**Pocket**"), cell("5")]));
    assert_eq!(table[0]["fallback"]["text"], "System | Days\n\n**Pocket** | 5\n\nK | 12");
}

#[test]
fn plain_words_for_notifications() {
    for (markdown, shown) in [
        ("# A\n\n**b** `c`\n- d\n- [e](https://a.example)", "A b c d e"),
        ("one two three four five", "one two three…"),
        ("", ""),
    ] {
        assert_eq!(plain(markdown, 16), shown);
    }
}

/// Each piece by itself must read well: marks and links complete.
fn parted(markdown: &str, limit: usize) -> Vec<Value> {
    let links = Links { base: None, cited: true };
    let pieces = pieces(blocks(markdown, &links), limit);
    assert!(pieces.last().is_none_or(|piece| piece.whole));
    let elements: Vec<Value> = pieces.iter().map(|piece| piece.block.element()).collect();
    for element in &elements {
        assert!(weight(&element.to_string()) <= limit, "{element}");
        if let Some(text) = element["text"].as_str() {
            assert_eq!(text.matches("**").count() % 2, 0, "{text}");
            assert_eq!(text.matches("](").count(), text.matches(')').count(), "{text}");
        }
    }
    elements
}

#[test]
fn nothing_is_lost_by_parting() {
    let sentence = "The *quick* fox **jumps & runs** over `the lazy` [dog](https://a.example). ";
    let pieces = parted(&sentence.repeat(400), 6000);
    let texts: Vec<&str> = pieces.iter().filter_map(|piece| piece["text"].as_str()).collect();
    let words = texts.join(" ").split_whitespace().count();
    assert_eq!(words, sentence.split_whitespace().count() * 400);
    assert!(texts.iter().all(|text| text.ends_with('.')), "{texts:#?}");

    let lines = parted(&format!("```\n{}```", "let a = b;\n".repeat(500)), 6000);
    let count = lines.iter().map(|piece| piece["items"].as_array().map_or(0, Vec::len));
    assert_eq!(count.sum::<usize>(), 500);

    let table = format!("| a | b |\n|---|---|\n{}", "| one | two |\n".repeat(200));
    let tables = parted(&table, 6000);
    let rows = tables.iter().map(|table| table["rows"].as_array().map_or(0, Vec::len) - 1);
    assert_eq!(rows.sum::<usize>(), 200);
    assert!(tables.iter().all(|t| t["rows"][0]["cells"][0]["items"][0]["text"] == "a"));
}

#[test]
fn whatever_is_written_limits_hold() {
    for nasty in [
        "a".repeat(100_000),
        "word ".repeat(20_000),
        "&a".repeat(20_000),
        "<at>".repeat(5000),
        "👩‍👩‍👧😀".repeat(9000),
        "שלום עולם ".repeat(9000),
        "**".repeat(5000),
        "*a **b ".repeat(3000),
        "[".repeat(5000),
        "> ".repeat(500) + "deep",
        (0..300).map(|n| format!("{}- item {n}\n", "  ".repeat(n))).collect(),
        (0..5000).map(|n| format!("- item {n}\n")).collect(),
        format!("```\n{}\n```", "\"x\\".repeat(20_000)),
        format!("```\n{}\n```", "\u{1f600}".repeat(20_000)),
        format!("| a |\n|---|\n| {} |", "wide ".repeat(9000)),
        format!("|{}\n|{}\n|{}", "a|".repeat(500), "-|".repeat(500), "b|".repeat(500)),
        "https://a.example/_ ".repeat(4000),
    ] {
        parted(&nasty, 6000);
    }
}

fn bot(name: &str) -> bool {
    name == "Firstline"
}

#[test]
fn what_people_write_plainly() {
    for (text, markdown) in [
        ("<at>Firstline</at> my VPN is down", "my VPN is down"),
        ("<at>Firstline</at>&nbsp;help", "help"),
        ("hi <at>Firstline</at> and <at>Ana Silva</at>\n", "hi and @Ana Silva"),
        ("<at id=\"0\">Ana</at>: 1 &lt; 2 &amp;amp;", "@Ana: 1 < 2 &amp;"),
        ("<b>not bold</b>, <attic>", "<b>not bold</b>, <attic>"),
        ("<at>open", "<at>open"),
        ("a\u{a0}b", "a b"),
        ("", ""),
    ] {
        assert_eq!(plain_to_markdown(text, &bot), markdown, "{text}");
    }
}

#[test]
fn what_people_write_in_html() {
    let emoji = "http://schema.skype.com/Emoji";
    let mention = "http://schema.skype.com/Mention";
    for (html, markdown) in [
        ("<p>one</p><p>two</p>".to_owned(), "one\n\ntwo"),
        ("<div>one</div><div>two</div><div><br></div><div>three</div>".into(), "one\ntwo\n\nthree"),
        ("a<br>b<br/><br />c".into(), "a\nb\n\nc"),
        ("<b>bold </b><i>it</i> <s>no</s>, <strong><em>x</em></strong>".into(), "**bold** _it_ ~~no~~, **_x_**"),
        ("<p><b>a</b></p><p><b>b</b></p>".into(), "**a**\n\n**b**"),
        ("un<b>believ</b>able".into(), "un**believ**able"),
        ("use <code>a `b`</code> <code> </code>now".into(), "use `` a `b` `` now"),
        ("x<pre>let a;\n\n  b &lt; c</pre>y".into(), "x\n\n```\nlet a;\n\n  b < c\n```\n\ny"),
        ("<codeblock class=\"\"><code>a<br>b</code></codeblock>".into(), "```\na\nb\n```"),
        ("see <a href=\"https://a.example/(x)?a=1&amp;b=2\" title=\"t\">the [list]</a>!".into(),
            "see [the \\[list\\]](https://a.example/%28x%29?a=1&b=2)!"),
        ("<a href='https://a.example/'>https://a.example</a>".into(), "https://a.example/"),
        ("<a href=\"javascript:x\">y</a> <a>z</a>".into(), "y z"),
        ("<ul><li>a</li><li><p>b</p><ol start=\"3\"><li>c</li><li>d</li></ol></li></ul><p>e</p>".into(),
            "- a\n- b\n  3. c\n  4. d\n\ne"),
        ("<blockquote itemscope itemtype=\"http://schema.skype.com/Reply\" itemid=\"1\"><strong itemprop=\"mri\">Ana</strong><span itemprop=\"time\"></span><p itemprop=\"preview\">It is down</p></blockquote><p>Here too</p>".into(),
            "> **Ana**\n>\n> It is down\n\nHere too"),
        ("<table><tbody><tr><td><p>a|b</p></td><td>c</td></tr><tr><td>1</td><td><b>2</b></td></tr></tbody></table>z".into(),
            "| a\\|b | c |\n|---|---|\n| 1 | 2 |\n\nz"),
        ("<h1>Big</h1>x<hr>y".into(), "**Big**\n\nx\n\n---\n\ny"),
        (format!("hi <img alt=\"😀\" itemtype=\"{emoji}\" itemscope> <emoji id=\"x\" alt=\"🎉\"></emoji><img src=\"x\" alt=\"image\">"), "hi 😀 🎉"),
        (format!("<div><span itemscope itemtype=\"{mention}\" itemid=\"0\">Firstline</span>&nbsp;hello <span itemtype=\"{mention}\">Ana Silva</span></div>"), "hello @Ana Silva"),
        ("<at id=\"0\">Firstline</at> hi <at>Ana</at>".into(), "hi @Ana"),
        ("&lt;b&gt; &amp;amp; &#x1F600; &bogus; &".into(), "<b> &amp; 😀 &bogus; &"),
        ("<!-- no --><style>x{}</style><script>y</script>z 1 < 2 <3".into(), "z 1 < 2 <3"),
        ("<b>open <i>ever".into(), "**open _ever_**"),
        ("</b></ul></blockquote>x".into(), "x"),
        (String::new(), ""),
    ] {
        assert_eq!(to_markdown(&html, &bot), markdown, "{html}");
    }
}

#[test]
fn no_html_makes_it_stumble() {
    let bits = [
        "<",
        ">",
        "</",
        "<b>",
        "<a href=",
        "<pre>",
        "<at>",
        "</at>",
        "&",
        "&#",
        "<!--",
        "<ul><li>",
        "<td>",
        "<blockquote>",
        "é",
        "\"",
        " ",
    ];
    for a in bits {
        for b in bits {
            for c in bits {
                to_markdown(&format!("{a}{b}{c}{a}"), &bot);
            }
        }
        // Quadratic, this would take minutes.
        to_markdown(&a.repeat(100_000), &bot);
        plain_to_markdown(&a.repeat(100_000), &bot);
    }
}
