//! The rules of password reset.

use secrecy::{ExposeSecret, SecretString};

use crate::accounts::{self, User, UserChanges};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::db::Conn;
use crate::error::{ErrorKind, Result};
use crate::http::client::Client;
use crate::one_time_tokens::{self as tokens, LinkState, OneTimeToken, Purpose};

/// What a link opens.
pub struct Target {
    pub state: LinkState,
    /// The account, if the link is one of ours.
    pub user: Option<User>,
    pub purpose: Purpose,
}

/// What came of a reset.
pub enum Reset {
    Done,
    /// Why the link did not work; never [`LinkState::Ready`].
    Refused(LinkState),
}

/// Queues a reset mail if the address belongs to an active account. The same work otherwise.
///
/// # Errors
/// When the database cannot be used.
pub async fn request(app: &App, email: &EmailAddress, client: &Client) -> Result<()> {
    tokens::request_link(app, Purpose::ResetPassword, email, &client.facts(), |user| user.is_active).await
}

/// What a link would do. Reset links and invitations are both taken.
///
/// # Errors
/// When the database cannot be used.
pub async fn look_up(app: &App, link: &str) -> Result<Target> {
    let mut conn = app.db.read().await?;
    let (target, _) = find(app, &mut conn, link).await?;
    Ok(target)
}

/// Sets a new password by a link and ends every session and link of the account. An invitation also proves the
/// address. A refused password does not use the link up.
///
/// # Errors
/// [`ErrorKind::ResetPasswordInvalidPassword`].
pub async fn reset(app: &App, link: &str, password: &SecretString, client: &Client) -> Result<Reset> {
    let (target, token) = {
        let mut conn = app.db.read().await?;
        find(app, &mut conn, link).await?
    };
    let (Some(user), Some(token), LinkState::Ready) = (target.user, token, target.state) else {
        return Ok(Reset::Refused(target.state));
    };
    app.policy
        .check(password.expose_secret(), &user.email_canonical)
        .map_err(ErrorKind::ResetPasswordInvalidPassword)?;
    let hash = app.hasher.hash(password).await?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    let is_first = tokens::consume_token(&mut tx, token.id, target.purpose, now).await?.is_some();
    // The account may have changed while the password was hashed.
    let user = accounts::find_owner(&mut tx, &token).await?;
    let Some(user) = user.filter(|_| is_first) else {
        tx.rollback().await?;
        return Ok(Reset::Refused(LinkState::Used));
    };
    let proves_address = target.purpose == Purpose::Invitation;
    let changes = UserChanges {
        password_hash: Some(Some(hash)),
        is_verified: proves_address.then_some(true),
        updated_at: Some(now),
        ..UserChanges::default()
    };
    accounts::update_user(&mut tx, user.id, &changes).await?;
    accounts::end_access(&mut tx, user.id, None, now).await?;
    accounts::password_changed(app, &mut tx, &user, &client.facts()).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(Reset::Done)
}

async fn find(app: &App, conn: &mut Conn, link: &str) -> Result<(Target, Option<OneTimeToken>)> {
    for purpose in [Purpose::ResetPassword, Purpose::Invitation] {
        let Some(id) = tokens::read(app, purpose, link) else { continue };
        let token = tokens::find_token(conn, id).await?;
        let user = match &token {
            Some(token) => accounts::find_owner(conn, token).await?,
            None => None,
        };
        let state = LinkState::of(token.as_ref(), app.clock.now());
        let state = if user.is_some() { state } else { state.without_owner() };
        return Ok((Target { state, user, purpose }, token));
    }
    let target = Target { state: LinkState::Invalid, user: None, purpose: Purpose::ResetPassword };
    Ok((target, None))
}
