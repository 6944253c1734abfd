//! The keys the Bot Framework signs its requests with: fetched from where its OpenID metadata
//! says, kept for a day, and fetched again early only for a key not seen before, which is rationed
//! (<https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Where the public cloud's metadata is.
pub(super) const METADATA_URL: &str =
    "https://login.botframework.com/v1/.well-known/openidconfiguration";
/// Who signs in the public cloud, for a metadata document that does not say.
const ISSUER: &str = "https://api.botframework.com";
/// Keys are believed this long, in seconds.
const DAY_S: u64 = 24 * 60 * 60;
/// After the keys came, the next unknown key makes no request for so long: tokens cost nothing
/// to make up.
const PAUSE_S: u64 = 5 * 60;
/// After they did not come, no request is made for so long.
const PAUSE_AFTER_FAILURE_S: u64 = 10;
/// Each of the two documents must be here by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// RS256 asks for at least this
/// (<https://www.rfc-editor.org/rfc/rfc7518#section-3.3>).
const LEAST_BITS: usize = 2048;

/// Why there is no key.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum KeysError {
    #[error("no published key has this name")]
    Unknown,
    #[error("the published keys cannot be fetched")]
    Unavailable,
}

/// A published RSA key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// Whose tokens it signs.
    pub(super) issuer: Arc<str>,
    /// The channels whose activities it may vouch for.
    pub(super) endorsements: Vec<String>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Key {
    /// Whether `signature` over `message` was made with this key by RSASSA-PKCS1-v1_5 with
    /// SHA-256, which is what RS256 means.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }
}

/// The published keys, by name. Clones share them.
#[derive(Clone)]
pub(super) struct Keys(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    metadata_url: String,
    kept: RwLock<Kept>,
    /// Held while fetching, so that those who wait share the outcome.
    fetching: tokio::sync::Mutex<()>,
}

/// Times are seconds since 1970.
#[derive(Default)]
struct Kept {
    keys: HashMap<String, Key>,
    fetched_s: Option<i64>,
    /// When a request was last made, and for how long there is to be no other.
    tried: Option<(i64, u64)>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    /// `http` must not follow redirects, lest others choose the keys.
    pub(super) fn new(http: reqwest::Client, metadata_url: String) -> Keys {
        let (kept, fetching) = (RwLock::default(), tokio::sync::Mutex::default());
        Keys(Arc::new(Shared { http, metadata_url, kept, fetching }))
    }

    /// The key of this name, fetched where need be. `now_s` is in seconds since 1970.
    ///
    /// # Errors
    /// [`KeysError::Unknown`] when it is not among the published keys; while they cannot be
    /// fetched those fetched before are believed, and without any it is
    /// [`KeysError::Unavailable`].
    pub(super) async fn key(&self, kid: &str, now_s: i64) -> Result<Key, KeysError> {
        if let Some(answer) = self.0.kept(kid, now_s) {
            return answer;
        }
        let (shared, wanted) = (Arc::clone(&self.0), kid.to_owned());
        // A task of its own, so that a sender who hangs up does not undo the request and with it
        // the pause that follows.
        let refreshed = tokio::spawn(async move {
            let _one_at_a_time = shared.fetching.lock().await;
            if shared.kept(&wanted, now_s).is_none() {
                shared.refresh(now_s).await;
            }
        });
        if let Err(error) = refreshed.await {
            tracing::error!(%error, "the Bot Framework's keys were not fetched to the end");
        }
        self.0.kept(kid, now_s).unwrap_or(Err(KeysError::Unavailable))
    }
}

impl Shared {
    /// What is known without asking; `None` when it is time to ask.
    fn kept(&self, kid: &str, now_s: i64) -> Option<Result<Key, KeysError>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        // Differences both ways: after a clock was set back, times to come count for nothing.
        let fresh = kept.fetched_s.is_some_and(|at| at.abs_diff(now_s) < DAY_S);
        let paused = kept.tried.is_some_and(|(at, pause_s)| at.abs_diff(now_s) < pause_s);
        match kept.keys.get(kid) {
            Some(key) if fresh || paused => Some(Ok(key.clone())),
            None if paused && kept.keys.is_empty() => Some(Err(KeysError::Unavailable)),
            None if paused => Some(Err(KeysError::Unknown)),
            _ => None,
        }
    }

    async fn refresh(&self, now_s: i64) {
        let fetched = self.fetch().await;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(keys) => {
                *kept = Kept { keys, fetched_s: Some(now_s), tried: Some((now_s, PAUSE_S)) };
            }
            Err(error) => {
                tracing::warn!(error, "the Bot Framework's keys cannot be fetched");
                kept.tried = Some((now_s, PAUSE_AFTER_FAILURE_S));
            }
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Key>, String> {
        let address = |text: &str| Url::parse(text).map_err(|error| format!("{text}: {error}"));
        let start = address(&self.metadata_url)?;
        let metadata: Metadata = self.get(start.clone()).await?;
        let uri = address(&metadata.jwks_uri)?;
        let as_safe = uri.scheme() == start.scheme() && uri.host_str() == start.host_str();
        if uri.scheme() != "https" && !as_safe {
            return Err("the metadata names an address without TLS".to_owned());
        }
        let set: KeySet = self.get(uri).await?;
        let issuer: Arc<str> = metadata.issuer.as_deref().unwrap_or(ISSUER).into();
        let keys: HashMap<_, _> = set.keys.iter().filter_map(|jwk| read(jwk, &issuer)).collect();
        if keys.is_empty() { Err("no usable key is published".to_owned()) } else { Ok(keys) }
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: Url) -> Result<T, String> {
        let read = async {
            let reply = self.http.get(url).timeout(PATIENCE).send().await?;
            reply.error_for_status()?.json().await
        };
        read.await.map_err(|error: reqwest::Error| error.to_string())
    }
}

/// A key of a JWK set with its name; `None` for keys of other kinds, for other uses, too short
/// ones, and whatever cannot be read.
fn read(jwk: &Value, issuer: &Arc<str>) -> Option<(String, Key)> {
    if jwk["kty"] != "RSA" || jwk["use"].as_str().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if jwk["alg"].as_str().is_some_and(|algorithm| algorithm != "RS256") {
        return None;
    }
    let kid = jwk["kid"].as_str()?.to_owned();
    let (modulus, exponent) = (number(&jwk["n"])?, number(&jwk["e"])?);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    if bits < LEAST_BITS {
        return None;
    }
    let endorsements = jwk["endorsements"].as_array().into_iter().flatten();
    let endorsements = endorsements.filter_map(|of| of.as_str().map(str::to_owned)).collect();
    Some((kid, Key { issuer: Arc::clone(issuer), endorsements, modulus, exponent }))
}

/// A whole number, big end first, without leading zeros.
fn number(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?.trim_end_matches('=');
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Some(bytes)
}

#[cfg(test)]
mod tests;
