//! Whether a request is the Bot Framework's own, meant for this bot and from the right company:
//! its token is checked by every rule of
//! <https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use thiserror::Error;

use super::keys::{Key, Keys, KeysError};

/// Clocks may differ by this much, in seconds; the documentation calls it customary.
const SKEW_S: i64 = 5 * 60;
/// The only algorithm: what the metadata of Microsoft lists.
const ALGORITHM: &str = "RS256";
/// The channel of Teams, whose activities always name their tenant.
const TEAMS: &str = "msteams";

/// Something that was checked. Only this file makes it.
pub(super) struct Verified<T>(T);

impl<T> Verified<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

/// Whom a request must be meant for.
#[derive(Debug, Clone)]
pub(super) struct Expect {
    /// The bot's Microsoft App ID.
    pub(super) app_id: String,
    /// The only Entra tenant that is served, as a GUID.
    pub(super) tenant_id: Option<String>,
}

/// Why a request is not taken for the Bot Framework's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Refused {
    #[error("the request bears no token")]
    NoToken,
    #[error("the token is no readable JSON Web Token")]
    Malformed,
    #[error("the token is not signed by RS256")]
    Algorithm,
    #[error("the token is signed with a key that is not published")]
    UnknownKey,
    #[error("the published keys cannot be fetched now")]
    NoKeys,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is from another issuer")]
    Issuer,
    #[error("the token does not say when it expires")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is for another bot")]
    Audience,
    #[error("the body is no activity")]
    Body,
    #[error("the token is for another service address than the activity")]
    ServiceUrl,
    #[error("the token's key is not endorsed for the activity's channel")]
    Endorsement,
    #[error("the activity is from another tenant, or from none that is named")]
    Tenant,
}

impl Refused {
    /// What the sender is answered: 401 without a valid token, 403 with one that does not fit,
    /// 400 with one and no activity, 503 while nothing can be said.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Refused::NoToken
            | Refused::Malformed
            | Refused::Algorithm
            | Refused::UnknownKey
            | Refused::Signature
            | Refused::Issuer
            | Refused::NoExpiry
            | Refused::Expired
            | Refused::NotYetValid => StatusCode::UNAUTHORIZED,
            Refused::Audience | Refused::ServiceUrl | Refused::Endorsement | Refused::Tenant => {
                StatusCode::FORBIDDEN
            }
            Refused::Body => StatusCode::BAD_REQUEST,
            Refused::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Checks a request by the value of its `Authorization` header and its raw body; the activity.
/// `now_s` is in seconds since 1970.
///
/// # Errors
/// The first rule the request does not keep. Nothing the token claims is looked at before its
/// signature, nothing of the body before the claims that need no body.
pub(super) async fn verify(
    keys: &Keys,
    expect: &Expect,
    authorization: Option<&str>,
    body: &[u8],
    now_s: i64,
) -> Result<Verified<Value>, Refused> {
    let token = bearer(authorization.ok_or(Refused::NoToken)?).ok_or(Refused::NoToken)?;
    let (key, claims) = signed_claims(keys, token, now_s).await?;
    check_claims(&claims, &key, expect, now_s)?;
    let activity = activity(body)?;
    check_activity(&activity, &claims, &key, expect)?;
    Ok(Verified(activity))
}

/// The activity of a request that nobody vouches for. Only for `auth = "none"`, which the
/// configuration allows for development on this machine alone.
///
/// # Errors
/// When it is no activity.
pub(super) fn without_check(body: &[u8]) -> Result<Verified<Value>, Refused> {
    activity(body).map(Verified)
}

/// The token of a header of the Bearer scheme.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim_matches(' ').split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_start_matches(' '))
}

/// What a token claims, once its signature has been checked, and the key that signed it.
async fn signed_claims(keys: &Keys, token: &str, now_s: i64) -> Result<(Key, Value), Refused> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    if claims.contains('.') {
        return Err(Refused::Malformed);
    }
    let header = object(header).ok_or(Refused::Malformed)?;
    if header["alg"] != ALGORITHM {
        return Err(Refused::Algorithm);
    }
    // An extension that must be understood is one this file does not know.
    if header.get("crit").is_some() {
        return Err(Refused::Malformed);
    }
    let kid = header["kid"].as_str().ok_or(Refused::UnknownKey)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::Malformed)?;
    let key = keys.key(kid, now_s).await.map_err(|error| match error {
        KeysError::Unknown => Refused::UnknownKey,
        KeysError::Unavailable => Refused::NoKeys,
    })?;
    if !key.signed(signed.as_bytes(), &signature) {
        return Err(Refused::Signature);
    }
    Ok((key, object(claims).ok_or(Refused::Malformed)?))
}

/// A part of a token that is a JSON object.
fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

fn check_claims(claims: &Value, key: &Key, expect: &Expect, now_s: i64) -> Result<(), Refused> {
    if claims["iss"] != *key.issuer {
        return Err(Refused::Issuer);
    }
    let expires_s = claims["exp"].as_i64().ok_or(Refused::NoExpiry)?;
    if now_s >= expires_s.saturating_add(SKEW_S) {
        return Err(Refused::Expired);
    }
    if let Some(from) = claims.get("nbf") {
        let from_s = from.as_i64().ok_or(Refused::NotYetValid)?;
        if now_s < from_s.saturating_sub(SKEW_S) {
            return Err(Refused::NotYetValid);
        }
    }
    let audience = text(&claims["aud"]).ok_or(Refused::Audience)?;
    if audience.eq_ignore_ascii_case(&expect.app_id) { Ok(()) } else { Err(Refused::Audience) }
}

fn activity(body: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or(Refused::Body)
}

fn check_activity(
    activity: &Value,
    claims: &Value,
    key: &Key,
    expect: &Expect,
) -> Result<(), Refused> {
    // Microsoft spells the claim in both ways.
    let claimed = text(&claims["serviceurl"]).or_else(|| text(&claims["serviceUrl"]));
    let claimed = claimed.ok_or(Refused::ServiceUrl)?;
    let service_url = text(&activity["serviceUrl"]).ok_or(Refused::ServiceUrl)?;
    if without_slash(claimed) != without_slash(service_url) {
        return Err(Refused::ServiceUrl);
    }
    let channel = text(&activity["channelId"]).ok_or(Refused::Endorsement)?;
    if !key.endorsements.iter().any(|endorsed| endorsed == channel) {
        return Err(Refused::Endorsement);
    }
    let Some(expected) = &expect.tenant_id else { return Ok(()) };
    let tenant = text(&activity["conversation"]["tenantId"])
        .or_else(|| text(&activity["channelData"]["tenant"]["id"]));
    match tenant {
        Some(tenant) if tenant.eq_ignore_ascii_case(expected) => Ok(()),
        None if channel != TEAMS => Ok(()),
        _ => Err(Refused::Tenant),
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn without_slash(address: &str) -> &str {
    address.strip_suffix('/').unwrap_or(address)
}

#[cfg(test)]
mod tests;
