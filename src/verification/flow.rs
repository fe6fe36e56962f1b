//! The rules of verification.

use crate::base::clock::Time;

use crate::accounts::{self, User, UserChanges};
use crate::app::App;
use crate::base::email_address::EmailAddress;
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
    let consumed = tokens::consume_token(&mut tx, id, Purpose::Verify, now).await?;
    let is_consumed = consumed.is_some();
    let token = match consumed {
        Some(token) => Some(token),
        None => tokens::find_token(&mut tx, id).await?,
    };
    let user = match &token {
        Some(token) => accounts::find_owner(&mut tx, token).await?,
        None => None,
    };
    let outcome = match (token, user) {
        (Some(_), Some(user)) if is_consumed && !user.is_verified => {
            let changes =
                UserChanges { is_verified: Some(true), updated_at: Some(now), ..UserChanges::default() };
            if let Some(user) = accounts::update_user(&mut tx, user.id, &changes).await? {
                tokens::supersede_tokens(&mut tx, user.id, Some(Purpose::Verify), now).await?;
                tx.commit().await?;
                return Ok(Outcome::Verified(Box::new(user)));
            }
            Outcome::Refused(LinkState::Invalid)
        }
        (Some(token), user) => judge(&token, user.as_ref(), is_consumed, now),
        (None, _) => Outcome::Refused(LinkState::Invalid),
    };
    tx.rollback().await?;
    Ok(outcome)
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
    let user = accounts::find_owner(&mut conn, &token).await?;
    Ok(judge(&token, user.as_ref(), false, app.clock.now()))
}

fn judge(token: &OneTimeToken, owner: Option<&User>, is_consumed: bool, now: Time) -> Outcome {
    let state = if is_consumed { LinkState::Ready } else { LinkState::of(Some(token), now) };
    match (state, owner) {
        (LinkState::Expired | LinkState::Invalid, _) => Outcome::Refused(state),
        (_, Some(user)) if user.is_verified => Outcome::AlreadyVerified,
        (_, None) => Outcome::Refused(state.without_owner()),
        (_, Some(_)) => Outcome::Refused(state),
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
