#![allow(clippy::unwrap_used)]

mod tokens;

use serde_json::json;

use super::super::api;
use super::super::testing::{Answer, Fake, Signer};
use super::*;

const NOW_S: i64 = 1_793_620_800;
const APP: &str = "0d7f1c6e-aaaa-4bbb-8ccc-9dddeeefff01";
const TENANT: &str = "4b1f2a3c-1111-4222-8333-444455556666";
const SERVICE: &str = "https://smba.trafficmanager.net/emea/";
const UNENDORSED: &str = "unendorsed";

/// A request before it is made; all is well with it at first.
struct Sent {
    header: Value,
    claims: Value,
    activity: Value,
    tenant: Option<&'static str>,
}

impl Sent {
    fn new() -> Sent {
        Sent {
            header: json!({ "typ": "JWT", "alg": "RS256", "kid": "first", "x5t": "first" }),
            claims: json!({
                "iss": "https://api.botframework.com", "aud": APP, "serviceurl": SERVICE,
                "nbf": NOW_S - 60, "exp": NOW_S + 3600,
            }),
            activity: json!({
                "type": "message", "channelId": "msteams", "serviceUrl": SERVICE, "text": "hello",
                "conversation": { "id": "a:1", "tenantId": TENANT },
                "channelData": { "tenant": { "id": TENANT } },
            }),
            tenant: Some(TENANT),
        }
    }

    fn token(&self, signer: &Signer) -> String {
        signer.token(&self.header, &self.claims)
    }

    /// What becomes of it with this header.
    async fn with(&self, keys: &Keys, authorization: Option<&str>) -> Result<(), Refused> {
        let body = self.activity.to_string();
        let expect = Expect { app_id: APP.into(), tenant_id: self.tenant.map(str::to_owned) };
        let verified = verify(keys, &expect, authorization, body.as_bytes(), NOW_S).await?;
        assert_eq!(verified.into_inner(), self.activity);
        Ok(())
    }

    async fn signed_by(&self, signer: &Signer, keys: &Keys) -> Result<(), Refused> {
        self.with(keys, Some(&format!("Bearer {}", self.token(signer)))).await
    }
}

/// Publishes `first` for Teams, `unendorsed` for other channels, and `listless`, which has no
/// list of channels: all of them the first signer's.
async fn start() -> (Fake, Keys) {
    let fake = Fake::start().await;
    let signer = Signer::first();
    let mut listless = signer.jwk("listless", &[]);
    listless.as_object_mut().unwrap().remove("endorsements");
    fake.publish(&[
        signer.jwk("first", &["msteams", "webchat"]),
        signer.jwk(UNENDORSED, &["skype", "msteams2", "MSTEAMS"]),
        listless,
        json!({ "kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA" }),
    ]);
    let keys = Keys::new(api::client().unwrap(), fake.address("/metadata"));
    (fake, keys)
}

#[tokio::test]
async fn every_claim_is_checked() {
    let (_fake, keys) = start().await;
    let signer = Signer::first();
    for (name, value, expected) in [
        ("iss", json!("https://api.botframework.com"), Ok(())),
        ("iss", json!("https://api.botframework.com/"), Err(Refused::Issuer)),
        ("iss", json!("https://sts.windows.net/x/"), Err(Refused::Issuer)),
        ("iss", json!(null), Err(Refused::Issuer)),
        ("iss", json!(["https://api.botframework.com"]), Err(Refused::Issuer)),
        ("aud", json!(APP.to_uppercase()), Ok(())),
        ("aud", json!("another"), Err(Refused::Audience)),
        ("aud", json!("https://api.botframework.com"), Err(Refused::Audience)),
        ("aud", json!(""), Err(Refused::Audience)),
        ("aud", json!(null), Err(Refused::Audience)),
        ("aud", json!([APP, "another"]), Err(Refused::Audience)),
        ("exp", json!(NOW_S), Ok(())),
        ("exp", json!(NOW_S - 299), Ok(())),
        ("exp", json!(NOW_S - 300), Err(Refused::Expired)),
        ("exp", json!(0), Err(Refused::Expired)),
        ("exp", json!(-1), Err(Refused::Expired)),
        ("exp", json!(i64::MAX), Ok(())),
        ("exp", json!(i64::MIN), Err(Refused::Expired)),
        ("exp", json!(u64::MAX), Err(Refused::NoExpiry)),
        ("exp", json!(1e300), Err(Refused::NoExpiry)),
        ("exp", json!((NOW_S + 60).to_string()), Err(Refused::NoExpiry)),
        ("exp", json!(null), Err(Refused::NoExpiry)),
        ("nbf", json!(NOW_S + 300), Ok(())),
        ("nbf", json!(NOW_S + 301), Err(Refused::NotYetValid)),
        ("nbf", json!(i64::MIN), Ok(())),
        ("nbf", json!(i64::MAX), Err(Refused::NotYetValid)),
        ("nbf", json!("soon"), Err(Refused::NotYetValid)),
        ("nbf", json!(null), Err(Refused::NotYetValid)),
        ("serviceurl", json!(SERVICE.trim_end_matches('/')), Ok(())),
        ("serviceurl", json!("https://smba.trafficmanager.net/amer/"), Err(Refused::ServiceUrl)),
        ("serviceurl", json!("https://evil.example/"), Err(Refused::ServiceUrl)),
        ("serviceurl", json!(""), Err(Refused::ServiceUrl)),
        ("serviceurl", json!(null), Err(Refused::ServiceUrl)),
        ("brand_new", json!({ "x": [1] }), Ok(())),
    ] {
        let mut sent = Sent::new();
        sent.claims[name] = value.clone();
        assert_eq!(sent.signed_by(&signer, &keys).await, expected, "{name} {value}");
    }
    for (name, expected) in [
        ("iss", Err(Refused::Issuer)),
        ("aud", Err(Refused::Audience)),
        ("exp", Err(Refused::NoExpiry)),
        ("nbf", Ok(())),
        ("serviceurl", Err(Refused::ServiceUrl)),
    ] {
        let mut sent = Sent::new();
        sent.claims.as_object_mut().unwrap().remove(name);
        assert_eq!(sent.signed_by(&signer, &keys).await, expected, "without {name}");
    }
    let mut other_spelling = Sent::new();
    let claims = other_spelling.claims.as_object_mut().unwrap();
    let address = claims.remove("serviceurl").unwrap();
    claims.insert("serviceUrl".to_owned(), address);
    assert_eq!(other_spelling.signed_by(&signer, &keys).await, Ok(()));
}

#[tokio::test]
async fn the_activity_must_fit_the_token() {
    let (_fake, keys) = start().await;
    let signer = Signer::first();
    let other = "99999999-1111-4222-8333-444455556666";
    let change = |kid, tenant, changes: &[(&str, Value)]| {
        let mut sent = Sent { tenant, ..Sent::new() };
        sent.header["kid"] = json!(kid);
        for (name, value) in changes {
            sent.activity[*name] = value.clone();
        }
        sent
    };
    let ours = Some(TENANT);
    let no_place = ("conversation", json!({ "id": "a:1" }));
    let no_data = ("channelData", json!(null));
    let elsewhere = ("conversation", json!({ "tenantId": other }));
    let elsewhere_data = ("channelData", json!({ "tenant": { "id": other } }));
    let channel = |id: &str| ("channelId", json!(id));
    let address = |url: Value| ("serviceUrl", url);
    for (sent, expected) in [
        (change("first", ours, &[]), Ok(())),
        (change("first", None, &[]), Ok(())),
        // The service address.
        (
            change("first", ours, &[address(json!("https://evil.example/"))]),
            Err(Refused::ServiceUrl),
        ),
        (change("first", ours, &[address(json!(null))]), Err(Refused::ServiceUrl)),
        (change("first", ours, &[address(json!([SERVICE]))]), Err(Refused::ServiceUrl)),
        (change("first", ours, &[address(json!(SERVICE.trim_end_matches('/')))]), Ok(())),
        (change("first", ours, &[address(json!(format!("{SERVICE}/")))]), Err(Refused::ServiceUrl)),
        // The channel.
        (change("first", ours, &[channel("webchat")]), Ok(())),
        (change("first", ours, &[channel("skype")]), Err(Refused::Endorsement)),
        (change("first", ours, &[channel("")]), Err(Refused::Endorsement)),
        (change("first", ours, &[("channelId", json!(null))]), Err(Refused::Endorsement)),
        (change(UNENDORSED, ours, &[]), Err(Refused::Endorsement)),
        (change("listless", ours, &[]), Err(Refused::Endorsement)),
        (change("listless", ours, &[channel("")]), Err(Refused::Endorsement)),
        // The tenant.
        (change("first", Some("4B1F2A3C-1111-4222-8333-444455556666"), &[]), Ok(())),
        (change("first", ours, std::slice::from_ref(&no_data)), Ok(())),
        (change("first", ours, std::slice::from_ref(&no_place)), Ok(())),
        (change("first", ours, &[no_place.clone(), no_data.clone()]), Err(Refused::Tenant)),
        (change("first", ours, &[no_place.clone(), elsewhere_data.clone()]), Err(Refused::Tenant)),
        (change("first", ours, std::slice::from_ref(&elsewhere)), Err(Refused::Tenant)),
        (change("first", ours, &[elsewhere.clone(), channel("webchat")]), Err(Refused::Tenant)),
        (
            change("first", ours, &[("conversation", json!({ "tenantId": "" })), no_data.clone()]),
            Err(Refused::Tenant),
        ),
        (change("first", Some(""), &[]), Err(Refused::Tenant)),
        (change("first", None, &[elsewhere]), Ok(())),
        (change("first", None, &[no_place.clone(), no_data.clone()]), Ok(())),
        (change("first", ours, &[no_place, no_data, channel("webchat")]), Ok(())),
    ] {
        let outcome = sent.signed_by(&signer, &keys).await;
        assert_eq!(outcome, expected, "{} {} {:?}", sent.header, sent.activity, sent.tenant);
    }
}

#[tokio::test]
async fn without_keys_nothing_can_be_said() {
    let (fake, keys) = start().await;
    fake.answer("/keys", Answer::status(500));
    let sent = Sent::new();
    assert_eq!(sent.signed_by(&Signer::first(), &keys).await, Err(Refused::NoKeys));
}

#[tokio::test]
async fn the_body_is_read_last_and_must_be_an_activity() {
    let (_fake, keys) = start().await;
    let expect = Expect { app_id: APP.into(), tenant_id: None };
    let (signer, sent) = (Signer::first(), Sent::new());
    let good = format!("Bearer {}", sent.token(&signer));
    let mut for_another = Sent::new();
    for_another.claims["aud"] = json!("another");
    let for_another = format!("Bearer {}", for_another.token(&signer));
    let strangers = format!("Bearer {}", sent.token(&Signer::second()));
    for body in [&b""[..], b"{", b"[]", b"null", b"\"x\"", b"\xff\xfe", b"{} {}", b"{\"a\":1,}"] {
        for (header, expected) in [
            (&good, Refused::Body),
            (&for_another, Refused::Audience),
            (&strangers, Refused::Signature),
        ] {
            let outcome = verify(&keys, &expect, Some(header), body, NOW_S).await.map(|_| ());
            assert_eq!(outcome, Err(expected), "{body:?}");
        }
        assert_eq!(without_check(body).map(|_| ()), Err(Refused::Body), "{body:?}");
    }
    let bare = verify(&keys, &expect, Some(&good), b"{}", NOW_S).await.map(|_| ());
    assert_eq!(bare, Err(Refused::ServiceUrl));
    assert_eq!(without_check(b"{\"type\": \"x\"}").unwrap().into_inner(), json!({ "type": "x" }));
    // What a member says twice is said to all readers alike: the last counts.
    let twice =
        format!("{{\"serviceUrl\": \"{SERVICE}\", \"serviceUrl\": \"https://evil.example\"}}");
    let outcome = verify(&keys, &expect, Some(&good), twice.as_bytes(), NOW_S).await.map(|_| ());
    assert_eq!(outcome, Err(Refused::ServiceUrl));
}

#[test]
fn refusals_tell_the_sender_no_more_than_they_must() {
    for (status, refusals) in [
        (
            StatusCode::UNAUTHORIZED,
            &[
                Refused::NoToken,
                Refused::Malformed,
                Refused::Algorithm,
                Refused::UnknownKey,
                Refused::Signature,
                Refused::Issuer,
                Refused::NoExpiry,
                Refused::Expired,
                Refused::NotYetValid,
            ][..],
        ),
        (
            StatusCode::FORBIDDEN,
            &[Refused::Audience, Refused::ServiceUrl, Refused::Endorsement, Refused::Tenant],
        ),
        (StatusCode::BAD_REQUEST, &[Refused::Body]),
        (StatusCode::SERVICE_UNAVAILABLE, &[Refused::NoKeys]),
    ] {
        for refusal in refusals {
            assert_eq!(refusal.status(), status, "{refusal}");
        }
    }
}
