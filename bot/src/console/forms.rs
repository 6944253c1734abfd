//! Reading forms and query strings: names may repeat, unknown ones do not matter.

use axum::extract::{FromRequest, FromRequestParts, RawForm, RawQuery, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::Web;
use super::fault::Fault;

pub(super) use firstline_core::text::percent_encoded as encode;

/// The fields of a form or of a query string, as sent.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of this name; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// `None` when absent or empty.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|v| !v.is_empty())
    }

    /// `None` only when the name is absent.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The query string with `name` set to `value` (removed when empty).
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let rest = self.0.iter().filter(|(n, v)| n != name && !v.is_empty());
        let mut pairs: Vec<(&str, &str)> = rest.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        if !value.is_empty() {
            pairs.push((name, value));
        }
        pairs
            .into_iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// `application/x-www-form-urlencoded`; what is not UTF-8 becomes replacement characters.
pub(super) fn parse(bytes: &[u8]) -> Fields {
    let decode = |part: &[u8]| {
        let mut out = Vec::with_capacity(part.len());
        let mut rest = part.iter();
        while let Some(&byte) = rest.next() {
            let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
            match byte {
                b'+' => out.push(b' '),
                b'%' => {
                    let ahead = rest.as_slice();
                    match (hex(ahead.first()), hex(ahead.get(1))) {
                        (Some(a), Some(b)) => {
                            out.push((a * 16 + b) as u8);
                            rest.nth(1);
                        }
                        _ => out.push(b'%'),
                    }
                }
                other => out.push(other),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let pairs = bytes.split(|b| *b == b'&').filter(|p| !p.is_empty()).map(|pair| {
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        (decode(&pair[..at]), decode(pair.get(at + 1..).unwrap_or_default()))
    });
    Fields(pairs.collect())
}

impl FromRequest<Web> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Fault> {
        let RawForm(bytes) = RawForm::from_request(request, web).await.map_err(|rejection| {
            match axum::response::IntoResponse::into_response(rejection).status() {
                StatusCode::PAYLOAD_TOO_LARGE => Fault::too_large(),
                other => Fault::new(
                    other,
                    "The form could not be read. Load the page again, then repeat.",
                ),
            }
        })?;
        Ok(parse(&bytes))
    }
}

/// The query string.
#[derive(Debug, Default)]
pub(super) struct Asked(pub(super) Fields);

impl FromRequestParts<Web> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        web: &Web,
    ) -> Result<Self, std::convert::Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, web).await?;
        Ok(Asked(parse(query.unwrap_or_default().as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let fields = parse(b"a=1&text=caf%C3%A9+au+lait&b=&a=2&odd=%zz%4&flag");
        assert_eq!(fields.get("text"), "caf\u{e9} au lait");
        assert_eq!(fields.all("a"), ["1", "2"]);
        assert_eq!(fields.some("b"), None);
        assert_eq!(fields.given("flag"), Some(""));
        assert_eq!(fields.get("odd"), "%zz%4");
        assert_eq!(fields.with("a", "x y"), "text=caf%C3%A9%20au%20lait&odd=%25zz%254&a=x%20y");
    }
}
