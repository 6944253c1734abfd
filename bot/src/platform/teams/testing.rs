//! A Bot Framework for the tests of this folder: it publishes keys, signs tokens, hands out
//! tokens, and answers calls as it is told to.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::{StreamExt as _, stream};
use ring::rand::SystemRandom;
use ring::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Private keys that sign nothing but tests, in PKCS #8.
const FIRST: &str = "\
    MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDWYt7BgK3wcl6ln6ZURT8LViWXYfHNG4pZOOcL5XzK\
    Mc6aktmGlOm7BN5JvWVr8QAHNyE/wfyaR/MWNdSa/mav0HzrINwTJcRtB5KonSmvHymhCpeoQm6w9EGII0C3O0kbgYx7\
    Kw23sSmfMuzAudQCm7bPuDfvEysU0erGreEWDd2uCTGJLThchOT3zc3oZ87A6jmnaUyJ9RXuVvE7PJph8js7e07hRg+K\
    UCZppSJN00QcMkzP+0P18BTUJ2gNZ/6HUb6J3o51MW5+tJCt5i0U44TdTD7qoqp1y2EAbWkmPrc6tCB8oNu/MIX4rx9L\
    p55VkJN+N6hFSOS3DHIhTrWDAgMBAAECggEABCPzjNNzY/e2EfTOPY77GCarfXmL7NK9Dm04DbEM8IGbdr1ZmZGDQhjU\
    QjTlokQMtvJjVyUIiQbU/eTR+A6i5RE5Kq8Rfr0sj7VcBOR/lHP4emxQO8usqL9hMA0L9ccdoKCnUMUUqr3UCtDIZTLD\
    272b2tFv/ooJ8mRreqUdnpyHLe3+6CXDX3VApgxYVJhvtXRWZdJjxLMpsdFCR7cj8inwf20JMPu+bP4jPXRKbSI554Z4\
    6Jf0OpdqEn62T1aTvSg9LNXJO01mDoJijJd0Z2ZYIu/GEnDVelFwEO3mA3WXWWFQQTM3OxYnL0XbmraVFNR5WNDKJBUG\
    AVKjuWnOwQKBgQDu3OJCkb7pBvQzvJsSgf4hAWptW86U0TjQxJmA0aa9ZgB2pDkSfVQf1yjFzSikAkoxrRze0/3jJxW5\
    XNd5arvNmbYN9Z8KsWatKTJJ/1gfNiwv26T5VotfP1NKCS7FUxhNSThqVZmAiYkH24meHZOBBfycuJF8t4LTpcNM+RQP\
    mwKBgQDlxG6m/eIZHQmtrJun6KCD/VKjSqLVQxCAt6W589+Nqqj+ri3ipFzZA3sBzmTwqHEce0IvamvRU32ICe9Dg/sz\
    Sx0Ca6j2xgio91dMjVN8tSGGNriFCz1Vq6alkdWQeu4ja0gQt7iP6KHVFcUcSFWSZGnqm2DrlGo5ZCN8ox90OQKBgAZz\
    fMDjgs50W6ASFfYYAK8PhLpTYm7uf6RTyvmJsAEpghWyNcBkFiOOAhHlipVzYmGZFVCHVTIPWizZbxBea5gP8LTLz3HQ\
    fL9sf2k0NkMRiXv5aKk7RyRZZ3x2Zwb5SYy8z4M/sJeiH0tRCJR2pAc2DC6HZZaCtkvVDENF7t7FAoGBANnlcmZtaKkW\
    T6Jjie4vf2IMr/zpgAitJA5dmw4BB+Wqjb+Q4TUJWH/5fALXgAR2SWaQQdEDpKIMAoUrnrsxg90+A5HTFZaJcZcDkceo\
    Ux92CwfkBxMs+IqxUUW9SoJNAl+Wku4/vQjEvgx9K8PJmVVOYt+5YK2ovyAUJk9Bx0eJAoGBAJop1iM5AtouX59SmMbn\
    rYYjuE0T7ZukrxpmawVOBiFhO0kfZEO+pDy+vkj68FaEzUF5zkt3gL4PiNv5uCWxJFQKVYNFMrob7kPOwbl3f/jkURgD\
    tty/VLppQRDuAgzzbAFDTjjfDwJmYmlR/7vnZDGYcSomAbdGB+NbLhD5XtcD";
const SECOND: &str = "\
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCsvNkH72fI+59Fxf9UdkXt2mh6xA+yUR1ey+YJOjtB\
    5a3iINhjswGIZMuqoQKAmmTdsbVCpmrsjO6wAu0rAmHSPJiRzjvEa/bSag9EZGmE7Bbb+boDETFr9Ya5RKqzFnW6dS/C\
    ox3uRKRe47Rca1X2dsIwl4wKD4ar8ASw2JiqqVuEGE3QjLqmHzV66tMMYM+h9I8cl6O7fz2clWJy98/kuKOCqlfsuBqX\
    n3+Av3oD+u72q6BfQ1+K5c2Ve6TyVBluli4EDmHVFMV4ZLDv84sJh6e7w3DUdK7t5ohhjcBGtAa4l0a5qM1KS5DMkZhL\
    Mwah/z1rcjgxZGbgn0ux/N4XAgMBAAECggEAUvLwyXW2gfYK2uekn/uXwwthpqpl2zxGfVIuqfmzoQZZRMB/CQlZ0BSP\
    FOXynK0HiMogf9wIdoWKzSzqlP+0189PeJzvaHhr80kJAc+yOCljJMk8AOMNt4kU4/zMd+luKVbC05We9t8xi3uPDd5h\
    TlRjFhCAKAiipAhDSGUKktCrJVK4ApRPpgstZak7CG73qwufosRIUB7p1Psi9Rq889qUeI5jRCtJYVjN04wc+NRNtoKK\
    qUpObR+01rN64ZlkRZGCCf3bTicIP/rSDagXlzvJ2LrnA9y35wDzFP7fn/gL/de1rs1S2cs/GF7jj062gUHowT5CeD1N\
    WsPAlYN1AQKBgQDwSuRhEMJqs96sUXcYA3j9oYdrR5BZ+bz9NdWMwp2jm3V2o5wo52mH1OeB7nnGXIkMUHgY9wC/8JM9\
    YrI42mhKLGP62iV3x8YpKhVC+ReYJ/AB5dYpTURBwXxfY4DQUbVULqeBDjRRw45Ol4AR6ybMA8F4Y31+umLhGlOlOSCq\
    lwKBgQC4B3pXm/zj/aZgNMc92RU+DUCET9wTv7LtNgICWF02/pVnbiZq70phKu+jFKTayAeBpaukI7xXhQ7T7DWjdtLl\
    Dy2wPDzV0DblMuWCo2PhxZL8cG1NQ8oB2XoP9HXZyKHVp/70dpS0vDCr4qZtT6/ne+sn5W7h1x/uuZrYPJVYgQKBgFFD\
    wsDg/h8//Yqhcnl4ky6Ttkydwz/qqfOohTQ5jT6LkMoywtlCifoaEsFqeVyQZvj3LeajgmlnXyRfgI6hrquHH7jylcFQ\
    mr/JL6+atlQLDaxWonsNWowyd3F7IVFSkNSLgrKurxsH29TQf8uPj2tnycKBQyvctRwT3z39eAK5AoGBAKRJ8LuDw2ma\
    SUy78V9SjHdAB2fXj4aF7et8+qAzWMw+zQxwNpXimElUtmilhmLWjnT8fNXlHUAYxlsFFgGfk7jwKv6ZWEodPtSw8loF\
    Gac15fm9OKbwrMen6iOSPx+00F1YQ/DkZ+9Nzjm09pTBvizu4MlWNv4hOh25zvXaaA2BAoGAM1/in+9dawfbGH7x5J4+\
    02xkdtrLDYv5F+lh0XygD6NpqEa9fYO37tPqTlHZ9lo46j9cpbdaKC5UpB+MTQ/EdgkRTNtpAWlGKPyMi28wNOq6uzPq\
    2AIgR0QUFzHlbcQoZeI1bEmym/nKdjNsJajdjGoFQgOtACxvAIktv21wrr8=";

/// Someone who signs tokens.
pub(super) struct Signer(RsaKeyPair);

impl Signer {
    pub(super) fn first() -> Signer {
        Signer::of(FIRST)
    }

    pub(super) fn second() -> Signer {
        Signer::of(SECOND)
    }

    fn of(text: &str) -> Signer {
        Signer(RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap())
    }

    /// The public key as PKCS #1, in bytes.
    pub(super) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The public key as it is published.
    pub(super) fn jwk(&self, kid: &str, endorsements: &[&str]) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        json!({
            "kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "x5c": ["MII"],
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
            "endorsements": endorsements,
        })
    }

    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_by(&RSA_PKCS1_SHA256, header, claims)
    }

    pub(super) fn token_by(
        &self,
        how: &'static dyn RsaEncoding,
        header: &Value,
        claims: &Value,
    ) -> String {
        let signed = unsigned(header, claims);
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(how, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The parts of a token that a signature is over.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// As `PUT /v3/…`, escaped as it came.
    pub(super) what: String,
    pub(super) token: Option<String>,
    pub(super) body: String,
}

/// What is answered.
pub(super) enum Answer {
    Plain(u16, Vec<(&'static str, &'static str)>, String),
    /// The connection breaks within the body.
    Half,
}

impl Answer {
    pub(super) fn status(status: u16) -> Answer {
        Answer::Plain(status, vec![], String::new())
    }

    pub(super) fn json(status: u16, body: &Value) -> Answer {
        Answer::Plain(status, vec![], body.to_string())
    }
}

/// Holds the next request for the metadata.
#[derive(Clone, Default)]
pub(super) struct Gate {
    pub(super) reached: Arc<Notify>,
    pub(super) open: Arc<Notify>,
}

#[derive(Default)]
struct Told {
    metadata: Value,
    keys: Value,
    gate: Option<Gate>,
    /// In seconds; the life of tokens.
    expires_in: u64,
    tokens: u64,
    answers: HashMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
}

/// Runs until the test's runtime ends.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) url: String,
    told: Arc<Mutex<Told>>,
}

impl Fake {
    pub(super) async fn start() -> Fake {
        // Another test may have done so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": "https://api.botframework.com",
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": format!("{url}/keys"),
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let told = Told { metadata, expires_in: 3600, ..Told::default() };
        let fake = Fake { url, told: Arc::new(Mutex::new(told)) };
        let service = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        fake
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        self.told().keys = json!({ "keys": keys });
    }

    pub(super) fn set_metadata(&self, name: &str, value: Value) {
        self.told().metadata[name] = value;
    }

    pub(super) fn hold(&self) -> Gate {
        let gate = Gate::default();
        self.told().gate = Some(gate.clone());
        gate
    }

    pub(super) fn tokens_last(&self, expires_in: u64) {
        self.told().expires_in = expires_in;
    }

    /// The next answer at this path, or at `service` for all calls; after those told, all is well.
    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.told().answers.entry(path.to_owned()).or_default().push_back(answer);
    }

    /// The requests of which the line begins so, oldest first.
    pub(super) fn asked(&self, line: &str) -> Vec<Asked> {
        self.told().asked.iter().filter(|asked| asked.what.starts_with(line)).cloned().collect()
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let gate = {
        let mut told = fake.told();
        let what = format!("{} {}", parts.method, parts.uri);
        told.asked.push(Asked { what, token: token(&parts.headers), body });
        if path == "/metadata" { told.gate.take() } else { None }
    };
    if let Some(gate) = gate {
        gate.reached.notify_one();
        gate.open.notified().await;
    }
    let mut told = fake.told();
    let at = match path.as_str() {
        own @ ("/metadata" | "/keys" | "/token") => own,
        _ => "service",
    };
    if let Some(answer) = told.answers.get_mut(at).and_then(VecDeque::pop_front) {
        return match answer {
            Answer::Plain(status, headers, body) => {
                let mut reply = Response::builder().status(status);
                for (name, value) in headers {
                    reply = reply.header(name, value);
                }
                reply.body(body.into()).unwrap()
            }
            Answer::Half => {
                let begun = stream::once(async { Ok("{\"id\": ") });
                let broken = stream::once(async {
                    // What was begun is sent before the end comes.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::other("the connection breaks"))
                });
                Body::from_stream(begun.chain(broken)).into_response()
            }
        };
    }
    let body = match at {
        "/metadata" => told.metadata.clone(),
        "/keys" => told.keys.clone(),
        "/token" => {
            told.tokens += 1;
            let token = format!("token-{}", told.tokens);
            json!({ "token_type": "Bearer", "expires_in": told.expires_in, "access_token": token })
        }
        _ => json!({ "id": "activity-1" }),
    };
    (StatusCode::OK, axum::Json(body)).into_response()
}

fn token(headers: &HeaderMap) -> Option<String> {
    headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned())
}
