//! What the Connector refuses.

use serde_json::{Value, json};

use super::{Bot, CHANNEL, code, message, with_card};

#[tokio::test]
async fn a_message_has_a_size_in_utf_16() {
    let bot = Bot::new().await;
    let overhead = message("").to_string().len();
    let fits = 100 * 1024 / 2 - overhead;
    assert_eq!(bot.posts("a:ana", message(&"a".repeat(fits))).await.0, 201);
    assert_eq!(bot.posts("a:ana", message(&"ä".repeat(fits))).await.0, 201, "one unit each");
    let (status, refusal) = bot.posts("a:ana", message(&"a".repeat(fits + 1))).await;
    assert_eq!((status, code(&refusal)), (413, "MessageSizeTooBig"));
    let (status, _) = bot.posts("a:ana", message(&"🙂".repeat(fits / 2 + 1))).await;
    assert_eq!(status, 413, "two units each");
}

#[tokio::test]
async fn a_message_says_something_in_a_form_teams_knows() {
    let bot = Bot::new().await;
    let judged = |kind: &str| {
        let data = json!({"feedbackLoop": {"type": kind}});
        json!({"type": "message", "text": "hi", "channelData": data})
    };
    for (activity, status, error) in [
        (json!({"type": "message"}), 400, "BadArgument"),
        (json!({"text": "hi"}), 400, "BadSyntax"),
        (json!({"type": "invoke", "name": "task/fetch"}), 400, "BadSyntax"),
        (json!("hi"), 400, "BadSyntax"),
        (json!({"type": "message", "text": "hi", "textFormat": "html"}), 400, "BadArgument"),
        (json!({"type": "message", "text": "hi", "textFormat": "xml"}), 201, ""),
        (json!({"type": "message", "attachments": [{"contentType": "x/y"}]}), 400, "BadArgument"),
        (judged("stars"), 400, "BadArgument"),
        (judged("default"), 201, ""),
        (json!({"type": "typing"}), 201, ""),
    ] {
        let (answered, answer) = bot.posts("a:ana", activity.clone()).await;
        assert_eq!((answered, code(&answer)), (status, error), "{activity}");
    }
    assert_eq!(bot.fake.messages("a:ana", None).len(), 2, "typing leaves no message");
}

#[tokio::test]
async fn a_card_is_one_that_teams_shows_whole() {
    let bot = Bot::new().await;
    let text = json!({"type": "TextBlock", "text": "Solved?"});
    let card = |body: Value, actions: Value| {
        let kind = "AdaptiveCard";
        json!({"type": kind, "version": "1.5", "body": body, "actions": actions})
    };
    let button = |n: usize| json!({"type": "Action.Execute", "title": n.to_string(), "verb": "v"});
    let buttons = |n: usize| (0..n).map(button).collect::<Value>();
    let nested = |inner: Value| {
        let column = json!({"type": "Column", "items": [inner]});
        card(json!([{"type": "ColumnSet", "columns": [column]}]), json!([]))
    };
    let opens = |inner: Value| {
        card(json!([text]), json!([{"type": "Action.ShowCard", "title": "More", "card": inner}]))
    };
    let field = |kind: &str| json!({"type": kind, "id": "f", "choices": [], "title": "Yes"});
    let with = |version: &str| {
        let mut card = card(json!([text]), json!([]));
        card["version"] = json!(version);
        card
    };
    let good = [
        card(json!([text]), json!([])),
        card(json!([text]), buttons(6)),
        with("1.0"),
        nested(text.clone()),
        opens(card(json!([field("Input.Text")]), buttons(1))),
        card(
            json!([field("Input.ChoiceSet")]),
            json!([{"type": "Action.Submit", "title": "Send"}]),
        ),
        card(
            json!([{"type": "FactSet", "facts": [{"title": "Kind", "value": "Access"}]}]),
            json!([]),
        ),
        card(
            json!([text]),
            json!([{"type": "Action.OpenUrl", "title": "Open", "url": "https://x.example"}]),
        ),
    ];
    let bad = [
        with("1.6"),
        with("newest"),
        card(json!([text]), buttons(7)),
        card(json!([]), json!([])),
        card(json!([{"type": "TextBlock", "text": ""}]), json!([])),
        card(json!([{"type": "Media", "sources": []}]), json!([])),
        card(json!([{"type": "Marquee", "text": "hi"}]), json!([])),
        card(json!([field("Input.Text"), field("Input.Toggle")]), json!([])),
        card(json!([{"type": "Input.Text"}]), json!([])),
        card(json!([{"type": "Input.Colour", "id": "f"}]), json!([])),
        card(json!([{"type": "Input.Text", "id": "f", "isRequired": true}]), json!([])),
        card(json!([{"type": "Input.ChoiceSet", "id": "f"}]), json!([])),
        card(json!([{"type": "FactSet", "facts": [{"title": "Kind", "value": ""}]}]), json!([])),
        card(json!([text]), json!([{"type": "Action.Http", "title": "Go"}])),
        card(json!([text]), json!([{"type": "Action.Submit"}])),
        card(json!([text]), json!([{"type": "Action.OpenUrl", "title": "Open"}])),
        card(json!([text]), json!([{"type": "Action.Submit", "title": "Go", "style": "loud"}])),
        nested(json!({"type": "TextBlock"})),
        opens(card(json!([text]), buttons(7))),
        json!({"type": "HeroCard", "version": "1.5", "body": [text]}),
        Value::Null,
    ];
    for card in good {
        let (status, answer) = bot.posts("a:ana", with_card(&card)).await;
        assert_eq!(status, 201, "{card}: {answer}");
    }
    for card in bad {
        let (status, answer) = bot.posts("a:ana", with_card(&card)).await;
        assert_eq!((status, code(&answer)), (400, "BadArgument"), "{card}");
    }
}

#[tokio::test]
async fn citations_fit_their_windows() {
    let bot = Bot::new().await;
    let citation = |name: &str, about: &str, keywords: &[&str]| {
        json!({"@type": "Claim", "position": 1, "appearance": {
            "@type": "DigitalDocument", "name": name, "abstract": about, "keywords": keywords,
        }})
    };
    let root = |citations: Vec<Value>| {
        json!({
            "type": "https://schema.org/Message", "@type": "Message",
            "@context": "https://schema.org", "additionalType": ["AIGeneratedContent"],
            "citation": citations,
        })
    };
    let right = citation(&"n".repeat(80), &"a".repeat(160), &["one", "two", "three"]);
    for (entities, status) in [
        (vec![root(vec![])], 201),
        (vec![root(vec![right.clone(); 20])], 201),
        (vec![root(vec![right.clone(); 21])], 400),
        (vec![root(vec![]), root(vec![])], 400),
        (vec![json!({"type": "https://schema.org/Message"})], 400),
        (vec![root(vec![citation(&"n".repeat(81), "", &[])])], 400),
        (vec![root(vec![citation("", "", &[])])], 400),
        (vec![root(vec![citation("n", &"a".repeat(161), &[])])], 400),
        (vec![root(vec![citation("n", "", &["1", "2", "3", "4"])])], 400),
        (vec![root(vec![citation("n", "", &["a keyword longer than allowed"])])], 400),
        (vec![root(vec![json!({"@type": "Claim", "position": 1, "appearance": {}})])], 400),
    ] {
        let mut activity = message("see [1]");
        activity["entities"] = json!(entities);
        assert_eq!(bot.posts("a:ana", activity.clone()).await.0, status, "{activity}");
    }
}

/// However slow the machine: the first seven pass, and not all of sixty-one do, since half a
/// minute is far more than they take.
#[tokio::test]
async fn too_many_messages_in_one_place_are_throttled() {
    let bot = Bot::new().await;
    let path = ["conversations", "a:ana", "activities"];
    for n in 0..7 {
        bot.says("a:ana", &n.to_string()).await;
    }
    bot.fake.limit_rates();
    let mut statuses = Vec::new();
    for n in 0..61 {
        let sent = bot.try_call(reqwest::Method::POST, &path, message(&n.to_string())).await;
        let sent = sent.unwrap();
        let status = sent.status().as_u16();
        if status == 429 {
            let after = sent.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
            assert!((1..=3600).contains(&after));
        }
        statuses.push(status);
    }
    assert_eq!(statuses[..7], [201; 7], "what came before counting began does not count");
    assert!(statuses[7..].contains(&429), "{statuses:?}");
    let posted = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(bot.fake.messages("a:ana", None).len(), 7 + posted, "the others left nothing");
    bot.says(CHANNEL, "elsewhere there is room").await;
    bot.fake.calm_down();
    bot.says("a:ana", "and here again").await;
}
