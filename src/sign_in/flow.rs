//! The rules of sign-in, the same for every kind of session (ASVS 6.3.4).

use secrecy::SecretString;

use crate::accounts::{self, User};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::error::{ErrorKind, Result};
use crate::http::client::Client;
use crate::sessions::{self, Issued, SessionKind};

/// Who signed in, and the new session.
pub struct SignedInUser {
    pub user: User,
    pub issued: Issued,
}

/// Checks a password and opens a session.
///
/// # Errors
/// [`ErrorKind::LoginBadCredentials`] (unknown, wrong or inactive), [`ErrorKind::LoginUserNotVerified`],
/// [`ErrorKind::HashingQueueFull`].
pub async fn sign_in(
    app: &App,
    username: &str,
    password: &SecretString,
    kind: SessionKind,
    client: &Client,
) -> Result<SignedInUser> {
    let canonical = EmailAddress::canonical_of(username);
    // Another sign-in may renew the hash while this one checks it; then this one checks again, once.
    match attempt(app, canonical.as_deref(), password, kind, client).await? {
        Some(signed_in) => Ok(signed_in),
        None => attempt(app, canonical.as_deref(), password, kind, client)
            .await?
            .ok_or_else(|| ErrorKind::LoginBadCredentials.into()),
    }
}

/// One check. `None`: the password was right, and somebody changed the account while it was checked.
async fn attempt(
    app: &App,
    canonical: Option<&str>,
    password: &SecretString,
    kind: SessionKind,
    client: &Client,
) -> Result<Option<SignedInUser>> {
    let user = match canonical {
        Some(canonical) => {
            let mut conn = app.db.read().await?;
            accounts::find_by_email(&mut conn, canonical).await?
        }
        None => None,
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let verdict = app.hasher.verify(password, hash).await?;
    let checked = user
        .filter(|user| verdict.is_match && user.is_active)
        .and_then(|user| Some((user.id, user.is_verified, user.password_hash?)));
    let Some((id, is_verified, hash)) = checked else {
        return Err(ErrorKind::LoginBadCredentials.into());
    };
    if app.config.accounts.require_verified && !is_verified {
        return Err(ErrorKind::LoginUserNotVerified.into());
    }
    let new_hash = if verdict.needs_rehash { app.hasher.hash(password).await? } else { hash.clone() };
    let mut tx = app.db.write().await?;
    let user = accounts::update_login(&mut tx, id, &hash, &new_hash, app.clock.now()).await?;
    let Some(user) = user else {
        tx.rollback().await?;
        return Ok(None);
    };
    match sessions::open(app, &mut tx, &user, kind, client).await {
        Ok(issued) => {
            tx.commit().await?;
            Ok(Some(SignedInUser { user, issued }))
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}
