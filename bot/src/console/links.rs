//! Tying an account of a chat platform to oneself, by a one-time link that the bot gave there, and
//! untying it.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::{Asked, Fields};
use super::page;
use super::session::{SignedIn, hash_token};
use crate::store::records::{AccountKey, AccountLink};

/// `GET /link/{key}`: asks before anything is tied, and names what would be.
pub(super) async fn show(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    let link = web.app.store.account_link(&hash_token(&key), web.app.clock.now()).await?;
    ask(&web, &signed, &key, link).await
}

pub(super) async fn tie(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
) -> Result<Response, Fault> {
    let (hash, now) = (hash_token(&key), web.app.clock.now());
    let link = web.app.store.use_account_link(&hash, &signed.viewer.email, now).await?;
    let Some(AccountLink { of, .. }) = link else {
        return Ok(ask(&web, &signed, &key, None).await?.into_response());
    };
    tracing::info!(platform = of.platform, account = of.account, "an account was tied");
    Ok(Redirect::to("/accounts?said=tied").into_response())
}

/// The question, or that the link asks none any more.
async fn ask(
    web: &Web,
    signed: &SignedIn,
    key: &str,
    link: Option<AccountLink>,
) -> Result<Html<String>, Fault> {
    let values = context! {
        key,
        platform => link.as_ref().map(|link| platform(&link.of.platform)),
        name => link.as_ref().map(|link| link.name.clone()),
        account => link.as_ref().map(|link| link.of.account.clone()),
        email => signed.viewer.email.clone(),
    };
    page::page(web, signed, "link.html", "", values).await
}

/// An account as the page of one's accounts shows it.
#[derive(Serialize)]
struct AccountView {
    shown: String,
    #[serde(flatten)]
    link: AccountLink,
}

/// `GET /accounts`: one's accounts that were tied by a link.
pub(super) async fn accounts(
    State(web): State<Web>,
    signed: SignedIn,
    Asked(asked): Asked,
) -> Result<Html<String>, Fault> {
    let mine = web.app.store.accounts_of(&signed.viewer.email).await?;
    let views =
        mine.into_iter().map(|link| AccountView { shown: platform(&link.of.platform), link });
    let values = context! {
        accounts => page::val(views.collect::<Vec<_>>()),
        flash => match asked.get("said") {
            "tied" => Some("It is yours from now on: the bot knows you there as it does here."),
            "untied" => Some("It is no longer tied to you."),
            _ => None,
        },
    };
    page::page(&web, &signed, "accounts.html", "", values).await
}

/// `POST /accounts/untie`: an account of one's own is one's own no longer.
pub(super) async fn untie(
    State(web): State<Web>,
    signed: SignedIn,
    fields: Fields,
) -> Result<Redirect, Fault> {
    let of = AccountKey {
        platform: fields.get("platform").to_owned(),
        tenant: fields.get("tenant").to_owned(),
        account: fields.get("account").to_owned(),
    };
    let mine = web.app.store.accounts_of(&signed.viewer.email).await?;
    if !mine.iter().any(|link| link.of == of) {
        return Err(Fault::not_found());
    }
    web.app.store.unlink(&of).await?;
    tracing::info!(platform = of.platform, account = of.account, "an account was untied");
    Ok(Redirect::to("/accounts?said=untied"))
}

/// A chat platform's name as it writes it.
pub(super) fn platform(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
