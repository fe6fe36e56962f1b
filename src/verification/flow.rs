//! The rules of verification.

use crate::accounts::{self, User, UserChanges};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::email_address::EmailAddress;
use crate::db::Tx;
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
    let token = tokens::find_token(&mut tx, id).await?;
    let user = match &token {
        Some(token) => accounts::lock_owner(&mut tx, token).await?,
        None => None,
    };
    // The user is locked: nothing that concerns the link can change any more.
    let outcome = match judge(app, token.as_ref(), user.as_ref()) {
        Outcome::Refused(LinkState::Ready) => {
            let consumed = tokens::consume_token(&mut tx, id, Purpose::Verify, now).await?;
            match (consumed, user) {
                (Some(_), Some(user)) => return confirm(tx, &user, now).await,
                _ => Outcome::Refused(LinkState::Used),
            }
        }
        outcome => outcome,
    };
    tx.rollback().await?;
    Ok(outcome)
}

async fn confirm(mut tx: Tx, user: &User, now: Time) -> Result<Outcome> {
    let changes = UserChanges { is_verified: Some(true), updated_at: Some(now), ..UserChanges::default() };
    let Some(user) = accounts::update_user(&mut tx, user.id, &changes).await? else {
        tx.rollback().await?;
        return Ok(Outcome::Refused(LinkState::Invalid));
    };
    tokens::supersede_tokens(&mut tx, user.id, Some(Purpose::Verify), now).await?;
    tx.commit().await?;
    Ok(Outcome::Verified(Box::new(user)))
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
    let token = tokens::find_token(&mut conn, id).await?;
    let user = match token.as_ref().and_then(|token| token.user_id) {
        Some(owner) => accounts::find_user(&mut conn, owner).await?,
        None => None,
    };
    Ok(judge(app, token.as_ref(), user.as_ref()))
}

fn judge(app: &App, token: Option<&OneTimeToken>, user: Option<&User>) -> Outcome {
    let (Some(token), Some(user)) = (token, user) else { return Outcome::Refused(LinkState::Invalid) };
    let state = LinkState::of(Some(token), app.clock.now());
    if !accounts::owns(user, token) {
        // The address was changed, or the account deactivated: the link is of another time.
        return Outcome::Refused(if state == LinkState::Ready { LinkState::Superseded } else { state });
    }
    match state {
        LinkState::Expired | LinkState::Invalid => Outcome::Refused(state),
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
