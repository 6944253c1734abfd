//! The tokens requests to the service carry: as Microsoft makes them, and as it never would.

use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::keys::KeyRing;
use super::{FakeTeams, text_of};

/// How long a token lasts, in seconds.
const LASTS: u64 = 3600;

/// One thing that makes a token worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// `alg` is `none` and there is no signature.
    Unsigned,
    /// An HMAC whose secret is the public key.
    HmacOfPublicKey,
    /// The right key under an id nobody published.
    OtherKid,
    /// The right id over a key nobody published.
    OtherKey,
    /// A published key that is not endorsed for Teams.
    NotEndorsed,
    OtherAudience,
    NoAudience,
    OtherIssuer,
    NoIssuer,
    /// Ended an hour ago.
    Expired,
    NoExpiry,
    /// Begins in an hour.
    NotYetValid,
    OtherServiceUrl,
    NoServiceUrl,
    /// The claims were changed after signing.
    Tampered,
}

impl Flaw {
    pub const ALL: [Flaw; 15] = [
        Flaw::Unsigned,
        Flaw::HmacOfPublicKey,
        Flaw::OtherKid,
        Flaw::OtherKey,
        Flaw::NotEndorsed,
        Flaw::OtherAudience,
        Flaw::NoAudience,
        Flaw::OtherIssuer,
        Flaw::NoIssuer,
        Flaw::Expired,
        Flaw::NoExpiry,
        Flaw::NotYetValid,
        Flaw::OtherServiceUrl,
        Flaw::NoServiceUrl,
        Flaw::Tampered,
    ];
}

impl FakeTeams {
    /// The other key signs from now on; what the one before signed counts for nothing.
    pub fn rotate_keys(&self) {
        self.lock().keys.rotate();
    }

    /// A good token.
    pub fn token(&self) -> String {
        self.token_with(|_, _| {})
    }

    /// A well-signed token whose claims and header were changed before.
    pub fn token_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        self.signed(change, KeyRing::sign)
    }

    /// A token that is good but for this.
    pub fn flawed_token(&self, flaw: Flaw) -> String {
        let claim = |name: &'static str, value: Value| {
            self.token_with(move |claims, _| claims[name] = value)
        };
        let without = |name: &'static str| {
            self.token_with(move |claims, _| {
                claims.as_object_mut().unwrap().remove(name);
            })
        };
        match flaw {
            Flaw::Unsigned => self.signed(|_, header| header["alg"] = json!("none"), |_, _| vec![]),
            Flaw::HmacOfPublicKey => {
                self.signed(|_, header| header["alg"] = json!("HS256"), hmac_of_public_key)
            }
            Flaw::OtherKid => self.token_with(|_, header| header["kid"] = json!("nobody's")),
            Flaw::OtherKey => self.signed(|_, _| {}, KeyRing::sign_withdrawn),
            Flaw::NotEndorsed => {
                let kid = self.lock().keys.unendorsed_kid();
                self.signed(|_, header| header["kid"] = json!(kid), KeyRing::sign_unendorsed)
            }
            Flaw::OtherAudience => claim("aud", json!("11111111-2222-4333-8444-555555555555")),
            Flaw::NoAudience => without("aud"),
            Flaw::OtherIssuer => claim("iss", json!("https://sts.windows.net/elsewhere/")),
            Flaw::NoIssuer => without("iss"),
            Flaw::Expired => self.token_with(|claims, _| {
                claims["nbf"] = json!(now() - 2 * LASTS);
                claims["exp"] = json!(now() - LASTS);
            }),
            Flaw::NoExpiry => without("exp"),
            Flaw::NotYetValid => self.token_with(|claims, _| {
                claims["nbf"] = json!(now() + LASTS);
                claims["exp"] = json!(now() + 2 * LASTS);
            }),
            Flaw::OtherServiceUrl => claim("serviceurl", json!("https://elsewhere.example/")),
            Flaw::NoServiceUrl => without("serviceurl"),
            Flaw::Tampered => {
                let token = self.token();
                let (header, rest) = token.split_once('.').unwrap();
                let (_, signature) = rest.split_once('.').unwrap();
                let mut claims = self.claims();
                claims["exp"] = json!(now() + 24 * LASTS);
                format!("{header}.{}.{signature}", encode(&claims))
            }
        }
    }

    /// Sends an activity as Microsoft would; panics where nobody listens.
    pub async fn send(&self, service: &str, activity: &Value) -> reqwest::Response {
        self.send_with(service, activity, &self.token_for(activity)).await
    }

    /// The status the service answered with; `None` when it died before.
    pub async fn try_send(&self, service: &str, activity: &Value) -> Option<u16> {
        let request = self.request(service, activity, &self.token_for(activity));
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Sends an activity under any token.
    pub async fn send_with(
        &self,
        service: &str,
        activity: &Value,
        token: &str,
    ) -> reqwest::Response {
        self.request(service, activity, token).send().await.unwrap()
    }

    /// Vouches for the address the activity names.
    fn token_for(&self, activity: &Value) -> String {
        self.token_with(|claims, _| claims["serviceurl"] = json!(text_of(activity, "serviceUrl")))
    }

    fn request(&self, service: &str, activity: &Value, token: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{service}/api/messages"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        request.header(header::CONTENT_TYPE, "application/json").body(activity.to_string())
    }

    fn claims(&self) -> Value {
        let now = now();
        json!({
            "serviceurl": self.service_url(), "nbf": now, "exp": now + LASTS,
            "iss": "https://api.botframework.com", "aud": Self::APP_ID,
        })
    }

    fn signed(
        &self,
        change: impl FnOnce(&mut Value, &mut Value),
        sign: impl FnOnce(&KeyRing, &str) -> Vec<u8>,
    ) -> String {
        let mut claims = self.claims();
        let world = self.lock();
        let kid = world.keys.kid();
        let mut header = json!({"alg": "RS256", "kid": kid, "x5t": kid, "typ": "JWT"});
        change(&mut claims, &mut header);
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let signature = sign(&world.keys, &text);
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn hmac_of_public_key(keys: &KeyRing, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(keys.public()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Seconds since 1970. Real time, since the service judges by it whether a token is valid.
#[expect(clippy::disallowed_methods, reason = "Microsoft has a clock of its own")]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}
