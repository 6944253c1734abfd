//! The REST API: who may call, which call means what, and how it fails.

use axum::body::Body;
use axum::extract::{FromRequest, Json, Multipart, Path, Query, Request, State};
use axum::http::{Response, header};
use serde_json::{Map, Value, json};

use super::limits::{Wrong, check_commands};
use super::rates::{Left, Rates, Refused};
use super::world::World;
use super::{FakeDiscord, Fault, id_of, text_of};
use crate::broken::broken_after;

/// Files with their names.
pub(super) type Files = Vec<(String, Vec<u8>)>;
/// Status and body, or a refusal.
pub(super) type Outcome = Result<(u16, Value), Refusal>;

/// Why Discord does not do it: status and the error object.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    body: Value,
}

/// Codes with their messages, out of
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes>.
const MESSAGES: [(u64, &str); 20] = [
    (10_002, "Unknown application"),
    (10_003, "Unknown channel"),
    (10_004, "Unknown guild"),
    (10_007, "Unknown member"),
    (10_008, "Unknown message"),
    (10_013, "Unknown user"),
    (10_015, "Unknown webhook"),
    (10_062, "Unknown interaction"),
    (40_005, "Request entity too large"),
    (40_060, "Interaction has already been acknowledged"),
    (50_001, "Missing access"),
    (50_005, "Cannot edit a message authored by another user"),
    (50_006, "Cannot send an empty message"),
    (50_007, "Cannot send messages to this user"),
    (50_008, "Cannot send messages in a non-text channel"),
    (50_013, "You lack permissions to perform that action"),
    (50_024, "Cannot execute action on this channel type"),
    (50_027, "Invalid webhook token"),
    (50_035, "Invalid form body"),
    (160_004, "A thread has already been created for this message"),
];

/// A refusal with this code. Code 0 says only the status.
pub(super) fn refuse(status: u16, code: u64) -> Refusal {
    let known = MESSAGES.iter().find(|(known, _)| *known == code);
    let plain = match status {
        401 => "401: Unauthorized",
        404 => "404: Not Found",
        405 => "405: Method Not Allowed",
        _ => "General error",
    };
    let message = known.map_or(plain, |(_, message)| message);
    Refusal { status, body: json!({"code": code, "message": message}) }
}

/// The refusal of a body with these errors in its parts.
pub(super) fn refuse_form(errors: Value) -> Refusal {
    let mut refusal = refuse(400, 50_035);
    refusal.body["errors"] = errors;
    refusal
}

/// Whether a method and path are such as the pattern says; a part in braces fits any.
pub(super) fn fits(pattern: &str, route: &str) -> bool {
    let (wanted, is): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), route.split('/').collect());
    let same = |(wanted, is): (&&str, &&str)| wanted == is || wanted.starts_with('{');
    wanted.len() == is.len() && wanted.iter().zip(&is).all(same)
}

impl World {
    fn answer(&mut self, fake: &FakeDiscord, route: &str, with: &Value, files: Files) -> Outcome {
        let (method, path) = route.split_once(" /").unwrap_or_default();
        let parts: Vec<_> = path.split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["gateway"]) => Ok((200, json!({"url": fake.gateway_url()}))),
            ("GET", ["gateway", "bot"]) => Ok((
                200,
                json!({"url": fake.gateway_url(), "shards": 1, "session_start_limit": {
                    "total": 1000, "remaining": 999, "reset_after": 14_400_000,
                    "max_concurrency": 1,
                }}),
            )),
            ("GET", ["users", "@me"]) => Ok((200, self.me())),
            ("GET", ["users", "@me", "guilds"]) => {
                let guild = self.guild();
                let permissions = self.permissions(FakeDiscord::BOT_USER).to_string();
                Ok((
                    200,
                    json!([{
                        "id": guild["id"], "name": guild["name"], "owner": false,
                        "permissions": permissions,
                    }]),
                ))
            }
            ("GET", ["users", id]) => match self.users.contains_key(&id_of(id)) {
                true => Ok((200, self.user(id_of(id)))),
                false => Err(refuse(404, 10_013)),
            },
            ("POST", ["users", "@me", "channels"]) => {
                let person = id_of(text_of(with, "recipient_id"));
                let known = self.users.get(&person).filter(|user| !user.bot);
                known.ok_or_else(|| refuse(400, 50_007))?;
                let channel = self.direct(person);
                Ok((200, self.channel(channel)))
            }
            ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => {
                let more = json!({
                    "name": "Firstline", "icon": null, "description": "", "bot_public": false,
                    "bot_require_code_grant": false, "verify_key": "00", "team": null,
                    "bot": self.user(FakeDiscord::BOT_USER), "owner": self.user(FakeDiscord::OWNER),
                });
                Ok((200, super::with(self.application(), more)))
            }
            ("GET", ["applications", id, "commands"]) if is_ours(id) => {
                Ok((200, self.commands.clone().into()))
            }
            ("PUT", ["applications", id, "commands"]) if is_ours(id) => self.overwrite(with),
            (_, ["applications", _, "commands"]) => Err(refuse(403, 10_002)),
            ("GET", ["guilds", id]) if is_guild(id) => Ok((200, self.guild())),
            ("GET", ["guilds", id, "members", user]) if is_guild(id) => {
                let known = self.members.contains_key(&id_of(user));
                if known {
                    Ok((200, self.full_member(id_of(user))))
                } else {
                    Err(refuse(404, 10_007))
                }
            }
            ("GET", ["guilds", id, "threads", "active"]) if is_guild(id) => {
                Ok((200, json!({"threads": self.guild_channels(true), "members": []})))
            }
            (_, ["guilds", ..]) => Err(refuse(404, 10_004)),
            (_, ["channels", id, rest @ ..]) => {
                self.channel_call(method, id_of(id), rest, with, files)
            }
            ("POST", ["interactions", id, token, "callback"]) => {
                self.call_back(id_of(id), token, with, files)
            }
            (_, ["webhooks", id, token, rest @ ..]) if is_ours(id) => {
                self.webhook_call(method, token, rest, with, files)
            }
            (_, ["webhooks", ..]) => Err(refuse(404, 10_015)),
            _ => Err(refuse(404, 0)),
        }
    }

    /// All commands at once, in place of those before; one that stays keeps its id.
    fn overwrite(&mut self, with: &Value) -> Outcome {
        check_commands(with)?;
        let mut commands = with.as_array().cloned().unwrap_or_default();
        for command in &mut commands {
            let kind = command["type"].as_u64().unwrap_or(1);
            let old = self
                .commands
                .iter()
                .find(|old| old["name"] == command["name"] && old["type"] == kind);
            let id = old.map(|old| old["id"].clone());
            command["id"] = id.unwrap_or_else(|| self.next().to_string().into());
            command["type"] = json!(kind);
            command["version"] = json!(self.next().to_string());
            command["application_id"] = json!(FakeDiscord::APPLICATION.to_string());
            for (key, default) in [
                ("description", json!("")),
                ("default_member_permissions", Value::Null),
                ("nsfw", json!(false)),
            ] {
                command.as_object_mut().unwrap().entry(key).or_insert(default);
            }
        }
        self.commands = commands.clone();
        Ok((200, commands.into()))
    }
}

fn is_ours(id: &str) -> bool {
    id_of(id) == FakeDiscord::APPLICATION
}

fn is_guild(id: &str) -> bool {
    id_of(id) == FakeDiscord::GUILD
}

/// A file of a message; whoever knows its address may have it.
pub(super) async fn attachment(
    State(fake): State<FakeDiscord>,
    Path((message, number, _)): Path<(u64, usize, String)>,
) -> Response<Body> {
    let files = fake.message(message).map(|posted| posted.files).unwrap_or_default();
    match files.into_iter().nth(number) {
        Some((_, bytes)) => response(200, bytes.into()),
        None => response(404, Body::empty()),
    }
}

pub(super) async fn call(
    State(fake): State<FakeDiscord>,
    Path(path): Path<String>,
    request: Request,
) -> Response<Body> {
    let route = format!("{} /{path}", request.method());
    let token = request.headers().get(header::AUTHORIZATION);
    let known =
        token.is_some_and(|it| it.as_bytes() == format!("Bot {}", FakeDiscord::TOKEN).as_bytes());
    // An interaction's token, in the path, is enough for its answers; anyone may ask for the
    // gateway.
    let open = ["interactions/", "webhooks/"].iter().any(|start| path.starts_with(start))
        || path == "gateway";
    let arguments = arguments(request).await;
    fake.change(|world| {
        let (with, files) = arguments.unwrap_or_default();
        world.calls.push((route.clone(), with.clone()));
        let fault = world.faults.iter().position(|(pattern, _)| fits(pattern, &route));
        let fault = fault.map(|at| world.faults.remove(at).1);
        let mut left = None;
        let done = match fault {
            Some(Fault::Status(status)) => return response(status, Body::empty()),
            Some(Fault::RateLimited { retry_after_s, global }) => {
                return rate_limited(retry_after_s, global);
            }
            Some(Fault::Error { status, code }) => Err(refuse(status, code)),
            _ if !known && !open => Err(refuse(401, 0)),
            _ => match world.rates.as_mut().filter(|_| !open).map(|it| it.admit(&route)) {
                Some(Err(Refused { retry_after_s, global })) => {
                    return rate_limited(retry_after_s, global);
                }
                counted => {
                    left = counted.and_then(Result::ok);
                    world.answer(&fake, &route, &with, files)
                }
            },
        };
        let (status, body) = done.unwrap_or_else(|refusal| (refusal.status, refusal.body));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        match fault {
            Some(Fault::HalfBody) => {
                response(200, broken_after(body.as_bytes()[..body.len() / 2].to_vec()))
            }
            Some(Fault::DoneButLost) => response(200, broken_after(Vec::new())),
            _ => match left {
                Some(left) => with_left(response(status, body.into()), &left),
                None => response(status, body.into()),
            },
        }
    })
}

/// With the headers of a bucket that never runs empty by itself.
fn response(status: u16, body: Body) -> Response<Body> {
    let response = Response::builder().status(status);
    let headers = [
        ("content-type", "application/json"),
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "4"),
        ("x-ratelimit-reset-after", "1.000"),
        ("x-ratelimit-bucket", "abcd1234"),
    ];
    let add = |response: axum::http::response::Builder, (name, value)| response.header(name, value);
    headers.into_iter().fold(response, add).body(body).unwrap()
}

/// With the headers of the bucket it was drawn from.
fn with_left(mut response: Response<Body>, left: &Left) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-ratelimit-limit", Rates::LIMIT.to_string()),
        ("x-ratelimit-remaining", left.remaining.to_string()),
        ("x-ratelimit-reset-after", left.reset_s.to_string()),
        ("x-ratelimit-bucket", left.bucket.replace(' ', "")),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    response
}

/// As <https://discord.com/developers/docs/topics/rate-limits> describes it.
fn rate_limited(retry_after_s: f64, global: bool) -> Response<Body> {
    let body = json!({
        "message": "You are being rate limited.", "retry_after": retry_after_s, "global": global,
    });
    let mut refusal = response(429, body.to_string().into());
    let headers = refusal.headers_mut();
    headers.insert("x-ratelimit-remaining", 0.into());
    headers.insert("x-ratelimit-reset-after", retry_after_s.to_string().parse().unwrap());
    // Whole seconds here; the body is exact.
    let whole = retry_after_s.ceil().to_string();
    headers.insert(header::RETRY_AFTER, whole.parse().unwrap());
    let scope = if global { "global" } else { "user" };
    headers.insert("x-ratelimit-scope", scope.parse().unwrap());
    if global {
        headers.insert("x-ratelimit-global", "true".parse().unwrap());
    }
    refusal
}

/// The body, and the query within it where it is an object; a form's `payload_json` is its body.
async fn arguments(request: Request) -> Option<(Value, Files)> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let query = query.map(|Query(pairs)| pairs).unwrap_or_default();
    let query: Map<_, _> = query.into_iter().map(|(name, value)| (name, value.into())).collect();
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    let mut files = Files::new();
    let mut body = Value::Null;
    if is_form {
        let mut form = Multipart::from_request(request, &()).await.ok()?;
        while let Some(field) = form.next_field().await.ok()? {
            let file = field.file_name().map(str::to_owned);
            let payload = field.name() == Some("payload_json");
            let bytes = field.bytes().await.ok()?;
            match file {
                _ if payload => body = serde_json::from_slice(&bytes).ok()?,
                Some(name) => files.push((name, bytes.to_vec())),
                None => return None,
            }
        }
    } else if let Ok(Json(read)) = Json::<Value>::from_request(request, &()).await {
        body = read;
    }
    if body.is_null() {
        body = json!({});
    }
    Some((super::with(body, query.into()), files))
}

/// The number in a query, or what counts without it.
pub(super) fn number(with: &Value, key: &str, otherwise: u64, most: u64) -> Result<u64, Refusal> {
    let Some(given) = with[key].as_str() else { return Ok(otherwise) };
    let number = given.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        let mut wrong = Wrong::default();
        wrong.add(key, "NUMBER_TYPE_MAX", &format!("int value should be between 1 and {most}."));
        wrong.into_refusal()
    })
}
