//! Who is who: the metadata and keys by which the service knows Microsoft, and the tokens by
//! which the Connector knows the service
//! (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, Response, header};
use serde_json::{Value, json};

use super::answer::Answer;
use super::world::World;
use super::{Call, FakeTeams};

const CONNECTOR: &str = "https://api.botframework.com/.default";

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Connector,
    Graph,
}

pub(super) async fn metadata(State(fake): State<FakeTeams>) -> Response<Body> {
    fake.answer(Call::Metadata, Value::Null, |_| {
        Ok(Answer::json(
            200,
            &json!({
                "issuer": "https://api.botframework.com",
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": format!("{}/v1/.well-known/keys", fake.url),
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }),
        ))
    })
}

pub(super) async fn keys(State(fake): State<FakeTeams>) -> Response<Body> {
    fake.answer(Call::Keys, Value::Null, |world| Ok(Answer::json(200, &world.keys.published())))
}

pub(super) async fn token(
    State(fake): State<FakeTeams>,
    Path(tenant): Path<String>,
    form: Result<Form<HashMap<String, String>>, FormRejection>,
) -> Response<Body> {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let mut with = json!(form);
    with["tenant"] = json!(tenant);
    fake.answer(Call::Token, with.clone(), |world| world.hand_out_token(&with))
}

impl World {
    fn hand_out_token(&mut self, with: &Value) -> Result<Answer, Answer> {
        let rules = [
            ("tenant", FakeTeams::TENANT, 400, "invalid_request", 90002),
            ("grant_type", "client_credentials", 400, "unsupported_grant_type", 70003),
            ("client_id", FakeTeams::APP_ID, 400, "unauthorized_client", 700_016),
            ("client_secret", FakeTeams::APP_PASSWORD, 401, "invalid_client", 7_000_215),
        ];
        let graph = format!("{}/.default", self.graph_url());
        let service = match with["scope"].as_str() {
            Some(CONNECTOR) => Some(Service::Connector),
            Some(scope) if scope == graph => Some(Service::Graph),
            _ => None,
        };
        let refused = |name: &str, status, error: &str, code: u64| {
            let text = format!("AADSTS{code}: {name} is not what it should be.");
            let refusal = json!({"error": error, "error_description": text, "error_codes": [code]});
            Answer::json(status, &refusal)
        };
        for (name, expected, status, error, code) in rules {
            if with[name] != expected {
                return Err(refused(name, status, error, code));
            }
        }
        let service = service.ok_or_else(|| refused("scope", 400, "invalid_scope", 70011))?;
        let token = format!("fake-access-token-{}", self.next());
        let until = Instant::now() + Duration::from_secs(self.expires_in);
        self.tokens.insert(token.clone(), (service, until));
        Ok(Answer::json(
            200,
            &json!({
                "token_type": "Bearer", "expires_in": self.expires_in,
                "ext_expires_in": self.expires_in, "access_token": token,
            }),
        ))
    }

    /// Only who holds a token of ours for this service goes on.
    pub(super) fn check_token(&self, headers: &HeaderMap, service: Service) -> Result<(), Answer> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer "));
        let until = token.and_then(|token| self.tokens.get(token));
        if until.is_some_and(|(of, until)| *of == service && Instant::now() < *until) {
            return Ok(());
        }
        let text = "Authorization has been denied for this request.";
        Err(Answer::json(401, &json!({"message": text})))
    }
}
