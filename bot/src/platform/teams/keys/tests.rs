#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::api;
use super::super::testing::{Answer, Fake, Gate, Signer};
use super::*;

const NOW_S: i64 = 1_793_620_800;
const DAY: i64 = DAY_S as i64;
const PAUSE: i64 = PAUSE_S as i64;
const PAUSE_AFTER_FAILURE: i64 = PAUSE_AFTER_FAILURE_S as i64;

async fn start(published: &[Value]) -> (Fake, Keys) {
    let fake = Fake::start().await;
    fake.publish(published);
    let keys = Keys::new(api::client().unwrap(), fake.address("/metadata"));
    (fake, keys)
}

fn jwk(kid: &str) -> Value {
    Signer::first().jwk(kid, &["msteams"])
}

/// How often the metadata was asked for.
fn fetches(fake: &Fake) -> usize {
    fake.asked("GET /metadata").len()
}

async fn check(keys: &Keys, kid: &str, now_s: i64, expected: Result<(), KeysError>) {
    assert_eq!(keys.key(kid, now_s).await.map(|_| ()), expected, "{kid} at {}", now_s - NOW_S);
}

#[tokio::test]
async fn keys_are_kept_for_a_day() {
    let (fake, keys) = start(&[jwk("a")]).await;
    let key = keys.key("a", NOW_S).await.unwrap();
    assert_eq!(&*key.issuer, "https://api.botframework.com");
    assert_eq!(key.endorsements, ["msteams"]);
    check(&keys, "a", NOW_S + DAY - 1, Ok(())).await;
    assert_eq!(fetches(&fake), 1);
    // One withdrawn meanwhile is not believed any longer.
    fake.publish(&[jwk("b")]);
    check(&keys, "a", NOW_S + DAY, Err(KeysError::Unknown)).await;
    check(&keys, "b", NOW_S + DAY, Ok(())).await;
    assert_eq!(fetches(&fake), 2);
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_in_a_while() {
    let (fake, keys) = start(&[jwk("a")]).await;
    check(&keys, "a", NOW_S, Ok(())).await;
    fake.publish(&[jwk("a"), jwk("b")]);
    for n in 0..50 {
        check(&keys, &format!("made up {n}"), NOW_S + n, Err(KeysError::Unknown)).await;
    }
    check(&keys, "b", NOW_S + PAUSE - 1, Err(KeysError::Unknown)).await;
    assert_eq!(fetches(&fake), 1);
    check(&keys, "b", NOW_S + PAUSE, Ok(())).await;
    check(&keys, "made up", NOW_S + PAUSE + 1, Err(KeysError::Unknown)).await;
    check(&keys, "a", NOW_S + PAUSE + 1, Ok(())).await;
    assert_eq!(fetches(&fake), 2);
}

#[tokio::test]
async fn without_a_fetch_the_keys_at_hand_serve_on() {
    let (fake, keys) = start(&[jwk("a")]).await;
    fake.answer("/metadata", Answer::status(500));
    check(&keys, "a", NOW_S, Err(KeysError::Unavailable)).await;
    check(&keys, "a", NOW_S + PAUSE_AFTER_FAILURE - 1, Err(KeysError::Unavailable)).await;
    assert_eq!(fetches(&fake), 1);
    check(&keys, "a", NOW_S + PAUSE_AFTER_FAILURE, Ok(())).await;
    let later = NOW_S + 2 * DAY;
    for broken in [
        Answer::status(503),
        Answer::status(302),
        Answer::Half,
        Answer::json(200, &json!({})),
        Answer::json(200, &json!({ "jwks_uri": "nonsense" })),
    ] {
        fake.answer("/metadata", broken);
    }
    for broken in [
        Answer::status(404),
        Answer::Half,
        Answer::json(200, &json!({ "keys": [] })),
        Answer::json(200, &json!({ "keys": "none" })),
        Answer::json(200, &json!({ "keys": [{ "kty": "RSA", "kid": "a" }, null, 7] })),
    ] {
        fake.answer("/keys", broken);
    }
    for n in 0..10 {
        let now_s = later + n * PAUSE_AFTER_FAILURE;
        check(&keys, "a", now_s, Ok(())).await;
        check(&keys, "b", now_s, Err(KeysError::Unknown)).await;
    }
    assert_eq!(fetches(&fake), 2 + 10);
    check(&keys, "a", later + 10 * PAUSE_AFTER_FAILURE, Ok(())).await;
    assert_eq!(fetches(&fake), 2 + 11);
    check(&keys, "a", later + DAY, Ok(())).await;
    assert_eq!(fetches(&fake), 2 + 11);
}

#[tokio::test]
async fn those_who_wait_share_one_fetch() {
    let (fake, keys) = start(&[jwk("a")]).await;
    let wanted = (0..20).map(|n| {
        let kid = if n % 2 == 0 { "a" } else { "b" };
        keys.key(kid, NOW_S + n % 3)
    });
    let found = futures::future::join_all(wanted).await;
    assert_eq!(found.iter().filter(|key| key.is_ok()).count(), 10);
    assert_eq!(fetches(&fake), 1);
}

#[tokio::test]
async fn whoever_hangs_up_neither_stops_the_fetch_nor_lifts_the_pause() {
    let (fake, keys) = start(&[jwk("a")]).await;
    let Gate { reached, open } = fake.hold();
    tokio::select! {
        _ = keys.key("made up", NOW_S) => panic!("the gate is shut"),
        () = reached.notified() => {}
    }
    open.notify_one();
    check(&keys, "a", NOW_S, Ok(())).await;
    assert_eq!(fetches(&fake), 1);
}

#[tokio::test]
async fn a_known_key_waits_for_nobody() {
    let (fake, keys) = start(&[jwk("a")]).await;
    check(&keys, "a", NOW_S, Ok(())).await;
    let Gate { reached, open } = fake.hold();
    let unknown = tokio::spawn({
        let keys = keys.clone();
        async move { keys.key("made up", NOW_S + PAUSE).await.map(|_| ()) }
    });
    reached.notified().await;
    check(&keys, "a", NOW_S + PAUSE, Ok(())).await;
    open.notify_one();
    assert_eq!(unknown.await.unwrap(), Err(KeysError::Unknown));
}

#[tokio::test]
async fn a_clock_set_back_does_not_lock_the_keys() {
    let (fake, keys) = start(&[jwk("a")]).await;
    check(&keys, "a", NOW_S + 400 * DAY, Ok(())).await;
    fake.publish(&[jwk("b")]);
    check(&keys, "b", NOW_S, Ok(())).await;
    assert_eq!(fetches(&fake), 2);
}

#[tokio::test]
async fn the_issuer_is_the_metadatas() {
    for (said, issuer) in [
        (json!("https://api.botframework.us"), "https://api.botframework.us"),
        (json!(null), "https://api.botframework.com"),
    ] {
        let (fake, keys) = start(&[jwk("a")]).await;
        fake.set_metadata("issuer", said);
        assert_eq!(&*keys.key("a", NOW_S).await.unwrap().issuer, issuer);
    }
}

#[tokio::test]
async fn keys_come_by_tls_or_from_the_metadatas_own_host() {
    for (address, expected) in [
        ("http://127.0.0.1", Ok(())),
        ("http://localhost", Err(KeysError::Unavailable)),
        ("ftp://127.0.0.1", Err(KeysError::Unavailable)),
    ] {
        let (fake, keys) = start(&[jwk("a")]).await;
        let uri = fake.address("/keys").replace("http://127.0.0.1", address);
        fake.set_metadata("jwks_uri", json!(uri));
        check(&keys, "a", NOW_S, expected).await;
    }
}

#[test]
fn only_usable_keys_are_read() {
    let issuer: Arc<str> = ISSUER.into();
    let base = jwk("a");
    let modulus = |bytes: Vec<u8>| json!(URL_SAFE_NO_PAD.encode(bytes));
    let with = |first: u8, bytes: usize| {
        let mut number = vec![0xff; bytes];
        number[0] = first;
        modulus(number)
    };
    for (name, value, usable) in [
        ("kid", json!("a"), true),
        ("use", json!(null), true),
        ("alg", json!("RS256"), true),
        ("brand_new", json!({ "x": 1 }), true),
        ("endorsements", json!(null), true),
        ("endorsements", json!("msteams"), true),
        ("n", with(0x80, 256), true),
        ("e", json!("AQAB="), true),
        ("kty", json!("EC"), false),
        ("kty", json!(null), false),
        ("use", json!("enc"), false),
        ("alg", json!("RS512"), false),
        ("kid", json!(null), false),
        ("kid", json!(7), false),
        ("n", json!(null), false),
        ("n", json!(""), false),
        ("n", json!("AA"), false),
        ("n", json!("not base64!"), false),
        ("n", with(0xff, 128), false),
        // 2047 bits, bare and behind zeros.
        ("n", with(0x7f, 256), false),
        ("n", modulus([vec![0; 8], vec![0x7f; 256]].concat()), false),
        ("e", json!(null), false),
        ("e", json!("!"), false),
    ] {
        let mut jwk = base.clone();
        jwk[name] = value.clone();
        assert_eq!(read(&jwk, &issuer).is_some(), usable, "{name} {value}");
    }
    for odd in [json!(null), json!([]), json!("x"), json!(7)] {
        assert!(read(&odd, &issuer).is_none(), "{odd}");
    }
    // A list that is none endorses nothing; zeros in front change nothing.
    let mut padded = base.clone();
    padded["endorsements"] = json!("msteams");
    let bytes = URL_SAFE_NO_PAD.decode(base["n"].as_str().unwrap()).unwrap();
    padded["n"] = modulus([vec![0; 3], bytes.clone()].concat());
    let (_, key) = read(&padded, &issuer).unwrap();
    assert_eq!((key.endorsements.len(), key.modulus), (0, bytes));
}
