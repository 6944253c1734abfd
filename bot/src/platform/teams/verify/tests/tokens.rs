//! Tokens as forgers make them, and keys that change.

use ring::hmac;
use ring::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use serde_json::json;

use super::super::super::testing::unsigned;
use super::*;

#[tokio::test]
async fn only_the_published_keys_rs256_is_taken() {
    let (fake, keys) = start().await;
    let (signer, stranger) = (Signer::first(), Signer::second());
    let sent = Sent::new();
    let header = |alg: Value, kid: Value| json!({ "typ": "JWT", "alg": alg, "kid": kid });
    let good = sent.token(&signer);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    // The public key, which everybody has, as the secret of an HMAC.
    let hs256 = |alg: &str| {
        let signed = unsigned(&header(json!(alg), json!("first")), &sent.claims);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, signer.public());
        let tag = hmac::sign(&secret, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let signed_as = |alg: Value| signer.token(&header(alg, json!("first")), &sent.claims);
    let other_claims = URL_SAFE_NO_PAD.encode(json!({ "iss": "x" }).to_string());
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[100] ^= 1;
    let flipped = URL_SAFE_NO_PAD.encode(flipped);
    let crit = json!({ "alg": "RS256", "kid": "first", "crit": ["b64"], "b64": false });
    for (name, token, expected) in [
        ("good", good.clone(), Ok(())),
        (
            "none",
            format!("{}.", unsigned(&header(json!("none"), json!("first")), &sent.claims)),
            Err(Refused::Algorithm),
        ),
        ("RS256 unsigned", format!("{signed}."), Err(Refused::Signature)),
        ("HS256", hs256("HS256"), Err(Refused::Algorithm)),
        ("HS256 called RS256", hs256("RS256"), Err(Refused::Signature)),
        ("called NONE", signed_as(json!("NONE")), Err(Refused::Algorithm)),
        ("called rs256", signed_as(json!("rs256")), Err(Refused::Algorithm)),
        ("called RS384", signed_as(json!("RS384")), Err(Refused::Algorithm)),
        ("called ES256", signed_as(json!("ES256")), Err(Refused::Algorithm)),
        ("called PS256", signed_as(json!("PS256")), Err(Refused::Algorithm)),
        ("no name", signed_as(json!(null)), Err(Refused::Algorithm)),
        ("two names", signed_as(json!(["RS256"])), Err(Refused::Algorithm)),
        (
            "by SHA-384",
            signer.token_by(&RSA_PKCS1_SHA384, &sent.header, &sent.claims),
            Err(Refused::Signature),
        ),
        (
            "by SHA-512",
            signer.token_by(&RSA_PKCS1_SHA512, &sent.header, &sent.claims),
            Err(Refused::Signature),
        ),
        (
            "by PSS",
            signer.token_by(&RSA_PSS_SHA256, &sent.header, &sent.claims),
            Err(Refused::Signature),
        ),
        ("wrong key", sent.token(&stranger), Err(Refused::Signature)),
        (
            "unknown key",
            stranger.token(&header(json!("RS256"), json!("x")), &sent.claims),
            Err(Refused::UnknownKey),
        ),
        (
            "a curve's key",
            signer.token(&header(json!("RS256"), json!("curve")), &sent.claims),
            Err(Refused::UnknownKey),
        ),
        (
            "nameless key",
            signer.token(&json!({ "alg": "RS256" }), &sent.claims),
            Err(Refused::UnknownKey),
        ),
        (
            "key by number",
            signer.token(&header(json!("RS256"), json!(0)), &sent.claims),
            Err(Refused::UnknownKey),
        ),
        ("extension", signer.token(&crit, &sent.claims), Err(Refused::Malformed)),
        ("flipped bit", format!("{signed}.{flipped}"), Err(Refused::Signature)),
        (
            "other claims",
            format!("{}.{other_claims}.{}", parts[0], parts[2]),
            Err(Refused::Signature),
        ),
        (
            "claims that are no object",
            signer.token(&sent.header, &json!([1])),
            Err(Refused::Malformed),
        ),
        (
            "header that is no object",
            signer.token(&json!("RS256"), &sent.claims),
            Err(Refused::Malformed),
        ),
        ("one part", parts[1].to_owned(), Err(Refused::Malformed)),
        ("two parts", signed.to_owned(), Err(Refused::Malformed)),
        ("four parts", format!("{good}.{signature}"), Err(Refused::Malformed)),
        ("five parts", format!("{good}..{signature}"), Err(Refused::Malformed)),
        ("dots", "..".to_owned(), Err(Refused::Malformed)),
        ("padding", format!("{good}=="), Err(Refused::Malformed)),
        ("the other alphabet", format!("{signed}.+/+/"), Err(Refused::Malformed)),
        ("garbage", "garbage".to_owned(), Err(Refused::Malformed)),
        ("not ASCII", "é.é.é".to_owned(), Err(Refused::Malformed)),
        ("blanks within", good.replacen('.', ". ", 1), Err(Refused::Signature)),
        ("two tokens", format!("{good} {good}"), Err(Refused::Malformed)),
        ("a list", format!("{good}, Basic eDp5"), Err(Refused::Malformed)),
    ] {
        let outcome = sent.with(&keys, Some(&format!("Bearer {token}"))).await;
        assert_eq!(outcome, expected, "{name}");
    }
    assert_eq!(fake.asked("GET /metadata").len(), 1);
}

#[tokio::test]
async fn the_header_must_be_of_the_bearer_scheme() {
    let (_fake, keys) = start().await;
    let sent = Sent::new();
    let good = sent.token(&Signer::first());
    for (authorization, expected) in [
        (format!("Bearer {good}"), Ok(())),
        (format!("bearer {good}"), Ok(())),
        (format!("  Bearer   {good}  "), Ok(())),
        (good.clone(), Err(Refused::NoToken)),
        (format!("Basic {good}"), Err(Refused::NoToken)),
        (format!("Bearer\t{good}"), Err(Refused::NoToken)),
        (format!("Bearer{good}"), Err(Refused::NoToken)),
        (format!("BearerX {good}"), Err(Refused::NoToken)),
        ("Bearer".to_owned(), Err(Refused::NoToken)),
        ("Bearer ".to_owned(), Err(Refused::NoToken)),
        (String::new(), Err(Refused::NoToken)),
        (" ".to_owned(), Err(Refused::NoToken)),
    ] {
        assert_eq!(sent.with(&keys, Some(&authorization)).await, expected, "{authorization}");
    }
    assert_eq!(sent.with(&keys, None).await, Err(Refused::NoToken));
}

#[tokio::test]
async fn a_new_key_is_taken_once_it_is_published() {
    let (fake, keys) = start().await;
    let (old, new) = (Signer::first(), Signer::second());
    let expect = Expect { app_id: APP.into(), tenant_id: None };
    let outcome = async |kid: &str, signer: &Signer, now_s: i64| {
        let mut sent = Sent::new();
        sent.header["kid"] = json!(kid);
        let header = format!("Bearer {}", sent.token(signer));
        let body = sent.activity.to_string();
        verify(&keys, &expect, Some(&header), body.as_bytes(), now_s).await.map(|_| ())
    };
    assert_eq!(outcome("first", &old, NOW_S).await, Ok(()));
    fake.publish(&[old.jwk("first", &["msteams"]), new.jwk("second", &["msteams"])]);
    assert_eq!(outcome("second", &new, NOW_S + 299).await, Err(Refused::UnknownKey));
    assert_eq!(outcome("second", &new, NOW_S + 300).await, Ok(()));
    assert_eq!(outcome("first", &old, NOW_S + 301).await, Ok(()));
    assert_eq!(outcome("second", &old, NOW_S + 301).await, Err(Refused::Signature));
    assert_eq!(fake.asked("GET /metadata").len(), 2);
}
