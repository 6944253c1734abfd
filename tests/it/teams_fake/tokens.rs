//! The tokens the service is shown, checked here step by step as Microsoft describes it, by
//! code that shares nothing with the service's.

use std::sync::{Arc, Mutex};

use acceptance::teams::{Call, FakeTeams, Fault, Flaw, User, now};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Client;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn read(part: &str) -> Value {
    serde_json::from_slice(&decode(part)).unwrap()
}

async fn get(http: &Client, url: &str) -> Value {
    http.get(url).send().await.unwrap().json().await.unwrap()
}

/// The first rule a token breaks, of those the service has to check.
async fn refusal(http: &Client, fake: &FakeTeams, token: &str) -> Option<&'static str> {
    let metadata = get(http, &fake.metadata_url()).await;
    let keys = get(http, metadata["jwks_uri"].as_str().unwrap()).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let (header, claims) = (read(header), read(claims));
    if !metadata["id_token_signing_alg_values_supported"]
        .as_array()
        .unwrap()
        .contains(&header["alg"])
    {
        return Some("algorithm");
    }
    let mut keys = keys["keys"].as_array().unwrap().iter();
    let Some(key) = keys.find(|key| key["kid"] == header["kid"]) else { return Some("kid") };
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    let signature = decode(signature);
    if public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_err() {
        return Some("signature");
    }
    let seconds = |name: &str| claims[name].as_u64();
    let rules = [
        ("endorsement", key["endorsements"].as_array().unwrap().contains(&json!("msteams"))),
        ("issuer", claims["iss"] == metadata["issuer"]),
        ("audience", claims["aud"] == FakeTeams::APP_ID),
        ("expiry", seconds("exp").is_some_and(|exp| exp + 300 > now())),
        ("begin", seconds("nbf").is_some_and(|nbf| nbf < now() + 300)),
        ("service url", claims["serviceurl"] == *fake.service_url()),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
}

#[tokio::test]
async fn a_good_token_breaks_no_rule_and_each_flaw_one() {
    let (fake, http) = (FakeTeams::start().await, Client::new());
    assert_eq!(refusal(&http, &fake, &fake.token()).await, None);
    for flaw in Flaw::ALL {
        let expected = match flaw {
            Flaw::Unsigned | Flaw::HmacOfPublicKey => "algorithm",
            Flaw::OtherKid => "kid",
            Flaw::OtherKey | Flaw::Tampered => "signature",
            Flaw::NotEndorsed => "endorsement",
            Flaw::OtherAudience | Flaw::NoAudience => "audience",
            Flaw::OtherIssuer | Flaw::NoIssuer => "issuer",
            Flaw::Expired | Flaw::NoExpiry => "expiry",
            Flaw::NotYetValid => "begin",
            Flaw::OtherServiceUrl | Flaw::NoServiceUrl => "service url",
        };
        let token = fake.flawed_token(flaw);
        assert_eq!(refusal(&http, &fake, &token).await, Some(expected), "{flaw:?}");
    }
    let unsigned = fake.flawed_token(Flaw::Unsigned);
    assert!(unsigned.ends_with('.'), "no signature at all");
    let token = fake.token_with(|claims, _| claims["aud"] = json!("other"));
    assert_eq!(refusal(&http, &fake, &token).await, Some("audience"));
}

#[tokio::test]
async fn keys_are_replaced_in_mid_run() {
    let (fake, http) = (FakeTeams::start().await, Client::new());
    let url = fake.metadata_url().replace("openidconfiguration", "keys");
    let (before, keys) = (fake.token(), get(&http, &url).await);
    fake.rotate_keys();
    let changed = get(&http, &url).await["keys"][1]["n"] != keys["keys"][1]["n"];
    assert!(changed, "another key, not only another id");
    assert_eq!(refusal(&http, &fake, &before).await, Some("kid"), "withdrawn");
    assert_eq!(refusal(&http, &fake, &fake.token()).await, None);
    assert_eq!(refusal(&http, &fake, &fake.flawed_token(Flaw::OtherKey)).await, Some("signature"));
    fake.rotate_keys();
    assert_eq!(
        refusal(&http, &fake, &before).await,
        Some("kid"),
        "its key is back, under a new id"
    );
    assert_eq!(refusal(&http, &fake, &fake.token()).await, None);
    assert_eq!(fake.calls(Call::Metadata).len(), 5);
    assert_eq!(fake.calls(Call::Keys).len(), 7);
    fake.fail_next(Call::Keys, Fault::Status(500));
    assert_eq!(http.get(url).send().await.unwrap().status(), 500);
}

type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// A service that takes whatever comes.
async fn service() -> (String, Taken) {
    async fn take(State(taken): State<Taken>, headers: HeaderMap, body: String) -> StatusCode {
        let token = headers["authorization"].to_str().unwrap().to_owned();
        taken.lock().unwrap().push((token, serde_json::from_str(&body).unwrap()));
        StatusCode::ACCEPTED
    }
    let taken = Taken::default();
    let router = axum::Router::new().route("/api/messages", post(take)).with_state(taken.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, taken)
}

#[tokio::test]
async fn activities_arrive_under_the_token_meant_for_them() {
    let (fake, http) = (FakeTeams::start().await, Client::new());
    fake.add_user(User::new("Ana Lima"));
    let (service, taken) = service().await;
    let mut said = fake.says("a:ana", "29:ana", "hello", None);
    assert_eq!(fake.send(&service, &said).await.status(), 202);
    assert_eq!(fake.try_send(&service, &said).await, Some(202));
    fake.send_with(&service, &said, "forged").await;
    said["serviceUrl"] = json!("https://elsewhere.example/");
    fake.send(&service, &said).await;
    assert_eq!(fake.try_send("http://127.0.0.1:1", &said).await, None);
    let taken = taken.lock().unwrap().clone();
    let tokens: Vec<_> =
        taken.iter().map(|(token, _)| token.strip_prefix("Bearer ").unwrap()).collect();
    assert_eq!(refusal(&http, &fake, tokens[0]).await, None);
    assert_eq!(refusal(&http, &fake, tokens[1]).await, None);
    assert_eq!(tokens[2], "forged");
    assert_eq!(
        refusal(&http, &fake, tokens[3]).await,
        Some("service url"),
        "vouches for what it carries"
    );
    assert_eq!(taken[3].1, said);
}
