//! The rules of verification.

use crate::accounts::{self, User, UserChanges};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::db::Conn;
use crate::error::Result;
use crate::http::client::Client;
use crate::one_time_tokens::{self as tokens, LinkState, OneTimeToken, Purpose};

/// What came of a link.
pub enum Outcome {
    Verified(Box<User>),
    AlreadyVerified,
    /// Why the link does not work; [`LinkState::Ready`] only from [`state`].
    Refused(LinkState),
}

/// Queues a verification mail if the address belongs to an active, unverified account. The same work otherwise.
///
/// # Errors
/// When the database cannot be used.
pub async fn request(app: &App, email: &EmailAddress, client: &Client) -> Result<()> {
    tokens::request_link(app, Purpose::Verify, email, &client.facts(), |user| {
        user.is_active && !user.is_verified
    })
    .await
}

/// Verifies the address that a link was mailed to. Used up only by its effect.
///
/// # Errors
/// When the database cannot be used.
pub async fn verify(app: &App, link: &str) -> Result<Outcome> {
    let Some(id) = tokens::read(app, Purpose::Verify, link) else {
        return Ok(Outcome::Refused(LinkState::Invalid));
    };
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    let outcome = match accounts::lock_owner(&mut tx, id).await? {
        Some((token, user)) => judge(&token, &user, now),
        None => Outcome::Refused(LinkState::Invalid),
    };
    let Outcome::Refused(LinkState::Ready) = outcome else {
        tx.rollback().await?;
        return Ok(outcome);
    };
    let Some(user) = use_up(&mut tx, id, now).await? else {
        tx.rollback().await?;
        return Ok(Outcome::Refused(LinkState::Used));
    };
    tx.commit().await?;
    Ok(Outcome::Verified(Box::new(user)))
}

/// Verifies and ends every open link of the kind. `None`: the link is not good any more.
async fn use_up(conn: &mut Conn, id: Id, now: Time) -> Result<Option<User>> {
    let token = tokens::consume_token(conn, id, Purpose::Verify, now).await?;
    let Some(user_id) = token.and_then(|token| token.user_id) else { return Ok(None) };
    let changes = UserChanges { is_verified: Some(true), updated_at: Some(now), ..UserChanges::default() };
    let user = accounts::update_user(conn, user_id, &changes).await?;
    tokens::supersede_tokens(conn, user_id, Some(Purpose::Verify), now).await?;
    Ok(user)
}

/// What a link would do: for the page that it opens.
///
/// # Errors
/// When the database cannot be used.
pub async fn state(app: &App, link: &str) -> Result<Outcome> {
    let Some(id) = tokens::read(app, Purpose::Verify, link) else {
        return Ok(Outcome::Refused(LinkState::Invalid));
    };
    let mut conn = app.db.read().await?;
    let Some(token) = tokens::find_token(&mut conn, id).await? else {
        return Ok(Outcome::Refused(LinkState::Invalid));
    };
    Ok(match accounts::find_owner(&mut conn, &token).await? {
        Some(user) => judge(&token, &user, app.clock.now()),
        None => Outcome::Refused(LinkState::Invalid),
    })
}

fn judge(token: &OneTimeToken, user: &User, now: Time) -> Outcome {
    match LinkState::of(Some(token), now) {
        state @ (LinkState::Expired | LinkState::Invalid) => Outcome::Refused(state),
        _ if user.is_verified => Outcome::AlreadyVerified,
        state => Outcome::Refused(state),
    }
}

impl Outcome {
    /// The name that templates use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::AlreadyVerified => "already_verified",
            Self::Refused(state) => state.as_str(),
        }
    }
}
