//! Whether a request is Slack's own: its signature over the raw body, at most five minutes old
//! (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).

use axum::body::Bytes;
use axum::http::HeaderMap;
use slack_morphism::prelude::SlackSigningSecret;
use slack_morphism::signature_verifier::SlackEventSignatureVerifier;

/// Something Slack signed. Only [`verify`] makes it.
pub(super) struct Verified<T>(T);

impl<T> Verified<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

/// Why a request is not taken for Slack's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no secret to check by yet.
    NoSecret,
    /// A header is missing, the signature is another, or it is too old.
    Signature,
}

pub(super) fn verify(
    secret: Option<&str>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Verified<String>, Refused> {
    let secret = secret.ok_or(Refused::NoSecret)?;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let signature = header(SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER);
    let at = header(SlackEventSignatureVerifier::SLACK_SIGNED_TIMESTAMP);
    let (Some(signature), Some(at)) = (signature, at) else { return Err(Refused::Signature) };
    let body = std::str::from_utf8(body).map_err(|_| Refused::Signature)?;
    SlackEventSignatureVerifier::new(&SlackSigningSecret::new(secret.to_owned()))
        .verify(signature, body, at)
        .map_err(|_| Refused::Signature)?;
    Ok(Verified(body.to_owned()))
}
