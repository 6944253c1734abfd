//! Tying an account of a chat platform to oneself, by a one-time link that the bot gave there, and
//! untying it.

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use minijinja::context;
use serde::Serialize;

use super::Web;
use super::fault::Fault;
use super::forms::Fields;
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
    told(&web, &signed, &key, link, false).await
}

pub(super) async fn tie(
    State(web): State<Web>,
    signed: SignedIn,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    let (hash, now) = (hash_token(&key), web.app.clock.now());
    let link = web.app.store.use_account_link(&hash, &signed.viewer.email, now).await?;
    if let Some(AccountLink { of, .. }) = &link {
        tracing::info!(platform = of.platform, account = of.account, "an account was tied");
    }
    told(&web, &signed, &key, link, true).await
}

async fn told(
    web: &Web,
    signed: &SignedIn,
    key: &str,
    link: Option<AccountLink>,
    done: bool,
) -> Result<Html<String>, Fault> {
    let platform = link.as_ref().map(|link| shown(&link.of.platform));
    let values = context! {
        key,
        done,
        platform,
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
) -> Result<Html<String>, Fault> {
    let mine = web.app.store.accounts_of(&signed.viewer.email).await?;
    let views = mine.into_iter().map(|link| AccountView { shown: shown(&link.of.platform), link });
    let values = context! { accounts => page::val(views.collect::<Vec<_>>()) };
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
    Ok(Redirect::to("/accounts"))
}

/// A platform's name as it writes it.
fn shown(platform: &str) -> String {
    let mut letters = platform.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
