use proptest::prelude::*;

use super::*;

const ALL: RedactOptions = RedactOptions { email: true, phone: true };

fn long(prefix: &str, piece: &str, times: usize) -> String {
    format!("{prefix}{}", piece.repeat(times))
}

#[test]
fn keys_and_tokens_of_the_common_makers() {
    for secret in [
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        long("ghp_", "a1B2c3", 6),
        long("github_pat_", "11ABCDE_", 6),
        long("glpat-", "xY9_", 5),
        long("xoxb-", "123456-", 3) + "abcDEF",
        long("https://hooks.slack.com/services/T0/B0/", "aZ3", 7),
        long("sk_live_", "4eC39H", 4),
        long("AIza", "SyA1b", 7),
        long("sk-proj-", "Ab3_d", 6),
        long("sk-ant-", "api03-x", 5),
        long("npm_", "a1B2c3", 6),
        long("pypi-", "AgEIcH", 8),
        long("SK", "0a1b", 8),
        format!("SG.{}.{}", "a1B2".repeat(5), "c3D4".repeat(8)),
        format!("eyJ{}.eyJ{}.{}", "hbGci".repeat(3), "zdWIi".repeat(4), "s1g".repeat(9)),
        long("abc8Q~", "x1Y2", 8),
        long("hf_", "AbCdE", 7),
        long("dckr_pat_", "AbC-1", 5),
    ] {
        let text = format!("the call with {secret} fails since 9");
        let redacted = redact(&text, &RedactOptions::default());
        assert_eq!(redacted.found.len(), 1, "{text} -> {}", redacted.text);
        assert!(redacted.text.starts_with("the call with [removed: "), "{}", redacted.text);
        assert!(redacted.text.ends_with("] fails since 9"), "{}", redacted.text);
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    for (text, expected) in [
        ("password is hunter2!", "password is [removed: password]"),
        ("Password: correct-horse", "Password: [removed: password]"),
        ("das Passwort lautet Sommer2024, danke", "das Passwort lautet [removed: password], danke"),
        ("mot de passe : tulipe", "mot de passe : [removed: password]"),
        ("my password for the vpn is Xy7z", "my password for the vpn is [removed: password]"),
        ("la contraseña es \"girasol\"", "la contraseña es \"[removed: password]\""),
        ("パスワードは Ab12cd です", "パスワードは [removed: password] です"),
        ("PASSWORD=abc123;", "PASSWORD=[removed: password];"),
        ("DB_PASSWORD=s3cr3tpw", "DB_PASSWORD=[removed: password]"),
        ("postgres://app:s3cret@db/x", "postgres://app:[removed: password]@db/x"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [removed: token]"),
        ("curl -H 'x-api-key: 0123456789abcdef'", "curl -H 'x-api-key: [removed: api key]'"),
        ("client_secret=\"q1w2e3r4t5y6\"", "client_secret=\"[removed: api key]\""),
        ("AccountKey=AAAABBBBCCCCDDDDEEEEFFFFGGGG==;x", "AccountKey=[removed: api key];x"),
        ("card 4111 1111 1111 1111 declined", "card [removed: card number] declined"),
        ("pay DE89 3704 0044 0532 0130 00 today", "pay [removed: bank account] today"),
        ("IBAN GB82WEST12345698765432.", "IBAN [removed: bank account]."),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nbroken",
            "[removed: private key]\nbroken",
        ),
    ] {
        assert_eq!(redact(text, &RedactOptions::default()).text, expected);
    }
}

#[test]
fn near_misses_stay() {
    for text in [
        "my password is wrong since this morning",
        "password is not accepted",
        "the password is too short, says Keystone",
        "Das Passwort ist abgelaufen",
        "password: ********",
        "how do I reset my password?",
        "order 4111111111111112 is late",
        "serial 1234567890123 of the balance",
        "order number 7000 0000 0000 0006 again",
        "DE00 3704 0044 0532 0130 00 is refused",
        "GH-412 and FL-1234 and PO-2024-000123",
        "task-force sk-12 and ask-me",
        "bearer of bad news",
        "2026-03-02T10:11:12 1700000000000",
        "write to ana@larkfield.example or +44 113 496 0123",
        "the token expired and the api key is rejected",
    ] {
        let redacted = redact(text, &RedactOptions::default());
        assert_eq!(redacted.text, text);
        assert!(redacted.found.is_empty());
    }
}

#[test]
fn addresses_and_numbers_by_option() {
    for (text, expected) in [
        ("mail ana.silva@larkfield.example now", "mail [removed: e-mail] now"),
        (
            "call +44 113 496 0123 or 0113 496 0123",
            "call [removed: phone number] or [removed: phone number]",
        ),
        ("ring (040) 555 12345 please", "ring [removed: phone number] please"),
        ("order 20240312 and 12/05/2024 at 08:10", "order 20240312 and 12/05/2024 at 08:10"),
        ("version 10.20.30 and 1,500.00 EUR", "version 10.20.30 and 1,500.00 EUR"),
    ] {
        assert_eq!(redact(text, &ALL).text, expected);
    }
}

#[test]
fn a_megabyte_is_read_in_one_go() {
    for piece in [
        "password is ",
        "4111 ",
        "DE89 3704 ",
        "a@b.",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "://a:",
        "0",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        redact(&text, &ALL);
    }
    redact(&"word 4111 1111 pass@word ".repeat(40_000), &ALL);
}

proptest! {
    #[test]
    fn a_second_pass_finds_nothing(words in proptest::collection::vec(
        prop_oneof![
            Just("password is hunter2".to_owned()),
            Just("api_key=abcdefgh1234".to_owned()),
            Just("4111-1111-1111-1111".to_owned()),
            Just("token:".to_owned()),
            Just("password:".to_owned()),
            "[ -~]{0,12}",
        ], 0..8)
    ) {
        let once = redact(&words.join(" "), &ALL);
        let twice = redact(&once.text, &ALL);
        prop_assert_eq!(&twice.text, &once.text);
    }
}
