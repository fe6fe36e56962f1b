//! Creating, changing and deleting accounts.
//!
//! Rows are locked in one order everywhere: superusers, user, links, sessions.

use crate::base::clock::Time;
use crate::base::ids::Id;
use secrecy::{ExposeSecret, SecretString};

use super::mails;
use super::model::{User, UserChanges};
use super::store;
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::db::{Conn, Tx};
use crate::error::{Constraint, ErrorKind, Result};
use crate::mail::outbox::Facts;
use crate::one_time_tokens::{self as tokens, OneTimeToken, Purpose};
use crate::sessions;

/// An account that somebody with authority makes.
pub struct Creation {
    pub email: EmailAddress,
    /// Absent: an invitation is mailed, with a link to set one.
    pub password: Option<SecretString>,
    pub is_active: bool,
    pub is_superuser: bool,
    pub is_verified: bool,
}

/// What somebody wants changed; absent members stay as they are.
#[derive(Default)]
pub struct Change {
    pub email: Option<EmailAddress>,
    pub password: Option<SecretString>,
    pub is_active: Option<bool>,
    pub is_superuser: Option<bool>,
    pub is_verified: Option<bool>,
}

/// Makes an account.
///
/// # Errors
/// [`ErrorKind::RegisterInvalidPassword`], then [`ErrorKind::RegisterUserAlreadyExists`].
pub async fn create(app: &App, creation: Creation, facts: &Facts) -> Result<User> {
    let password_hash = match &creation.password {
        Some(password) => {
            app.policy
                .check(password.expose_secret(), creation.email.canonical())
                .map_err(ErrorKind::RegisterInvalidPassword)?;
            Some(app.hasher.hash(password).await?)
        }
        None => None,
    };
    let now = app.clock.now();
    let user = User {
        id: Id::new(now, &app.random),
        email: creation.email.as_str().to_owned(),
        email_canonical: creation.email.canonical().to_owned(),
        password_hash,
        is_active: creation.is_active,
        is_superuser: creation.is_superuser,
        is_verified: creation.is_verified,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    };
    let mut tx = app.db.write().await?;
    let Some(user) = store::insert_user(&mut tx, &user).await? else {
        tx.rollback().await?;
        return Err(ErrorKind::RegisterUserAlreadyExists.into());
    };
    if user.is_active && user.password_hash.is_none() {
        mails::link(app, &mut tx, Purpose::Invitation, &user, facts).await?;
    } else if user.is_active && !user.is_verified {
        mails::link(app, &mut tx, Purpose::Verify, &user, facts).await?;
    }
    tx.commit().await?;
    app.outbox.wake();
    Ok(user)
}

/// Changes an account. A new password ends every session but `kept`, a new address is unverified and the old one is
/// told, deactivation ends all access. A change that changes nothing leaves `updated_at` alone.
///
/// # Errors
/// [`ErrorKind::UpdateUserInvalidPassword`], [`ErrorKind::UpdateUserEmailAlreadyExists`],
/// [`ErrorKind::LastSuperuser`], [`ErrorKind::NotFound`] when the account is gone.
pub async fn change(app: &App, user: User, change: Change, kept: Option<Id>, facts: &Facts) -> Result<User> {
    let new_email = change
        .email
        .filter(|email| email.canonical() != user.email_canonical || email.as_str() != user.email);
    let moves = new_email.as_ref().is_some_and(|email| email.canonical() != user.email_canonical);
    let password_hash = match &change.password {
        Some(password) => {
            let email = new_email.as_ref().map_or(user.email_canonical.as_str(), |email| email.canonical());
            app.policy
                .check(password.expose_secret(), email)
                .map_err(ErrorKind::UpdateUserInvalidPassword)?;
            Some(app.hasher.hash(password).await?)
        }
        None => None,
    };
    let now = app.clock.now();
    let unverified_by_move = moves.then_some(false);
    let changes = UserChanges {
        email: new_email.as_ref().map(|email| email.as_str().to_owned()),
        email_canonical: new_email.as_ref().map(|email| email.canonical().to_owned()),
        password_hash: password_hash.map(Some),
        is_active: change.is_active.filter(|value| *value != user.is_active),
        is_superuser: change.is_superuser.filter(|value| *value != user.is_superuser),
        is_verified: change.is_verified.or(unverified_by_move).filter(|value| *value != user.is_verified),
        updated_at: Some(now),
    };
    if changes.is_empty() {
        return Ok(user);
    }
    let mut tx = app.db.write().await?;
    let loses_power = changes.is_active == Some(false) || changes.is_superuser == Some(false);
    if loses_power && user.is_superuser {
        tx = keep_a_superuser(tx, user.id).await?;
    }
    let has_new_password = changes.password_hash.is_some();
    let updated = store::update_user(&mut tx, user.id, &changes)
        .await
        .map_err(|error| error.if_taken(Constraint::UsersEmail, ErrorKind::UpdateUserEmailAlreadyExists))?;
    let Some(updated) = updated else {
        tx.rollback().await?;
        return Err(ErrorKind::NotFound.into());
    };
    if moves || has_new_password || changes.is_active == Some(false) {
        tokens::supersede_tokens(&mut tx, user.id, None, now).await?;
    }
    if !updated.is_active {
        sessions::end_others(&mut tx, user.id, None).await?;
    } else if has_new_password {
        sessions::end_others(&mut tx, user.id, kept).await?;
    }
    if has_new_password {
        mails::password_changed(app, &mut tx, &user, facts).await?;
    }
    if moves {
        mails::email_changed(app, &mut tx, &user.email, &updated.email, facts).await?;
        if updated.is_active && !updated.is_verified {
            mails::link(app, &mut tx, Purpose::Verify, &updated, facts).await?;
        }
    }
    tx.commit().await?;
    app.outbox.wake();
    Ok(updated)
}

/// Deletes an account with its sessions and links; says whether there was one.
///
/// # Errors
/// [`ErrorKind::LastSuperuser`], [`ErrorKind::NotFound`].
pub async fn delete(app: &App, user: &User) -> Result<()> {
    let mut tx = app.db.write().await?;
    if user.is_superuser {
        tx = keep_a_superuser(tx, user.id).await?;
    }
    if store::delete_user(&mut tx, user.id).await? {
        tx.commit().await
    } else {
        tx.rollback().await?;
        Err(ErrorKind::NotFound.into())
    }
}

/// Confirms that the caller is who signed in: by the current password, or by a fresh sign-in without one.
///
/// # Errors
/// [`ErrorKind::ReauthenticationRequired`].
pub async fn confirm(
    app: &App,
    user: &User,
    is_fresh: bool,
    current_password: Option<&SecretString>,
) -> Result<()> {
    let is_confirmed = match current_password {
        Some(password) => {
            let verdict = app.hasher.verify(password, user.password_hash.as_deref()).await?;
            verdict.is_match
        }
        None => is_fresh,
    };
    if is_confirmed { Ok(()) } else { Err(ErrorKind::ReauthenticationRequired.into()) }
}

/// Ends every open link of a user and every session but `kept`.
///
/// # Errors
/// When the database cannot be used.
pub async fn end_access(conn: &mut Conn, user_id: Id, kept: Option<Id>, now: Time) -> Result<()> {
    tokens::supersede_tokens(conn, user_id, None, now).await?;
    sessions::end_others(conn, user_id, kept).await?;
    Ok(())
}

/// The active account that a link belongs to, if its address still is the one that the link was mailed to.
///
/// # Errors
/// When the database cannot be used.
pub async fn find_owner(conn: &mut Conn, token: &OneTimeToken) -> Result<Option<User>> {
    let Some(id) = token.user_id else { return Ok(None) };
    let user = store::find_user(conn, id).await?;
    Ok(user.filter(|user| owns(user, token)))
}

/// The link behind `token_id` with its owner, as [`find_owner`], once the owner's row is locked: whoever uses or ends
/// links of one account does so in turn.
///
/// # Errors
/// When the database cannot be used.
pub async fn lock_owner(conn: &mut Conn, token_id: Id) -> Result<Option<(OneTimeToken, User)>> {
    let token = tokens::find_token(conn, token_id).await?;
    let Some(user_id) = token.and_then(|token| token.user_id) else { return Ok(None) };
    let user = store::lock_user(conn, user_id).await?;
    // Both as they are now that nobody else can change them.
    let token = tokens::find_token(conn, token_id).await?;
    Ok(token.zip(user).filter(|(token, user)| owns(user, token)))
}

fn owns(user: &User, token: &OneTimeToken) -> bool {
    user.is_active && user.email_canonical == token.email
}

/// Locks the superusers and refuses when `leaving` is the only active one.
async fn keep_a_superuser(mut tx: Tx, leaving: Id) -> Result<Tx> {
    let active = store::lock_superusers(&mut tx).await?;
    if active == [leaving] {
        tx.rollback().await?;
        return Err(ErrorKind::LastSuperuser.into());
    }
    Ok(tx)
}
