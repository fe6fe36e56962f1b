//! The rules of password reset.

use secrecy::{ExposeSecret, SecretString};

use crate::accounts::{self, User, UserChanges};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::error::{ErrorKind, Result};
use crate::http::client::Client;
use crate::one_time_tokens::{self as tokens, LinkState, OneTimeToken, Purpose};

/// What a link opens.
pub struct Target {
    pub state: LinkState,
    /// The account, if the link is one of ours.
    pub user: Option<User>,
    purpose: Purpose,
    token: Option<OneTimeToken>,
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
    let mut target =
        Target { state: LinkState::Invalid, user: None, purpose: Purpose::ResetPassword, token: None };
    let named = [Purpose::ResetPassword, Purpose::Invitation]
        .into_iter()
        .find_map(|purpose| Some((purpose, tokens::read(app, purpose, link)?)));
    let Some((purpose, id)) = named else { return Ok(target) };
    let mut conn = app.db.read().await?;
    target.purpose = purpose;
    target.token = tokens::find_token(&mut conn, id).await?;
    if let Some(owner) = target.token.as_ref().and_then(|token| token.user_id) {
        target.user = accounts::find_user(&mut conn, owner).await?;
    }
    target.state = judge(app, target.token.as_ref(), target.user.as_ref());
    Ok(target)
}

/// Sets a new password by a link and ends every session and link of the account. An invitation also proves the
/// address. A refused password does not use the link up.
///
/// # Errors
/// [`ErrorKind::ResetPasswordInvalidPassword`].
pub async fn reset(app: &App, link: &str, password: &SecretString, client: &Client) -> Result<Reset> {
    let Target { state, user, purpose, token } = look_up(app, link).await?;
    let (Some(user), Some(token), LinkState::Ready) = (user, token, state) else {
        return Ok(Reset::Refused(state));
    };
    app.policy
        .check(password.expose_secret(), &user.email_canonical)
        .map_err(ErrorKind::ResetPasswordInvalidPassword)?;
    let hash = app.hasher.hash(password).await?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    // Link and account may have changed while the password was hashed.
    let user = accounts::lock_owner(&mut tx, &token).await?;
    let consumed = match &user {
        Some(user) if accounts::owns(user, &token) => {
            tokens::consume_token(&mut tx, token.id, purpose, now).await?
        }
        _ => None,
    };
    let (Some(user), Some(_)) = (&user, consumed) else {
        let token = tokens::find_token(&mut tx, token.id).await?;
        tx.rollback().await?;
        return Ok(Reset::Refused(judge(app, token.as_ref(), user.as_ref())));
    };
    let proves_address = purpose == Purpose::Invitation;
    let changes = UserChanges {
        password_hash: Some(Some(hash)),
        is_verified: proves_address.then_some(true),
        updated_at: Some(now),
        ..UserChanges::default()
    };
    accounts::update_user(&mut tx, user.id, &changes).await?;
    accounts::end_access(&mut tx, user.id, None, now).await?;
    accounts::password_changed(app, &mut tx, user, &client.facts()).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(Reset::Done)
}

fn judge(app: &App, token: Option<&OneTimeToken>, user: Option<&User>) -> LinkState {
    match (LinkState::of(token, app.clock.now()), token, user) {
        // The address was changed, or the account deactivated: the link is of another time.
        (LinkState::Ready, Some(token), Some(user)) if !accounts::owns(user, token) => LinkState::Superseded,
        (_, _, None) => LinkState::Invalid,
        (state, ..) => state,
    }
}
