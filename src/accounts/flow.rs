//! Creating, changing and deleting accounts.
//!
//! What takes long (hashing) comes first and outside of the transaction. Then the account is locked and read again, and
//! everything is decided on what it is now: a reset, a deactivation or another change may have been quicker. Rows are
//! locked in one order everywhere: superusers, user, links, sessions.

use secrecy::{ExposeSecret, SecretString};

use super::mails;
use super::model::{User, UserChanges};
use super::store;
use crate::app::App;
use crate::base::clock::Time;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::db::{Conn, Tx};
use crate::error::{Constraint, ErrorKind, Result};
use crate::mail::outbox::Facts;
use crate::one_time_tokens::{self as tokens, OneTimeToken, Purpose};
use crate::sessions;

/// An account to be made.
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

/// On whose word an account is changed or deleted.
#[derive(Clone, Copy)]
pub enum Authority<'a> {
    /// The owner's, by this session. It must still be there when the change is made, and the password must be the one
    /// that was confirmed.
    Owner { session_id: Id, password_hash: Option<&'a str> },
    /// A superuser's or the operator's.
    Administrator,
}

/// Makes an account and queues its first mail: an invitation where there is no password, else a verification.
///
/// # Errors
/// [`ErrorKind::RegisterInvalidPassword`], then [`ErrorKind::RegisterUserAlreadyExists`].
pub async fn create(app: &App, creation: Creation, facts: &Facts) -> Result<User> {
    let user = prepare(app, creation).await?;
    let mut tx = app.db.write().await?;
    let Some(user) = store::insert_user(&mut tx, &user).await? else {
        return refuse(tx, ErrorKind::RegisterUserAlreadyExists).await;
    };
    if user.is_active && user.password_hash.is_none() {
        tokens::mail_link(app, &mut tx, Purpose::Invitation, &user, facts).await?;
    } else if user.is_active && !user.is_verified {
        tokens::mail_link(app, &mut tx, Purpose::Verify, &user, facts).await?;
    }
    tx.commit().await?;
    app.outbox.wake();
    Ok(user)
}

/// Checks and hashes the password of an account to be made, and gives its row.
///
/// # Errors
/// [`ErrorKind::RegisterInvalidPassword`].
pub async fn prepare(app: &App, creation: Creation) -> Result<User> {
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
    Ok(User {
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
    })
}

/// Changes an account. A new password ends every session but the owner's own, a new address is unverified and the old
/// one is told, deactivation ends all access. A change that changes nothing leaves `updated_at` alone.
///
/// # Errors
/// [`ErrorKind::UpdateUserInvalidPassword`], [`ErrorKind::UpdateUserEmailAlreadyExists`],
/// [`ErrorKind::LastSuperuser`], [`ErrorKind::NotFound`] when the account is gone, [`ErrorKind::InvalidToken`] when the
/// owner's session has ended meanwhile.
pub async fn change(
    app: &App,
    user: &User,
    change: Change,
    authority: Authority<'_>,
    facts: &Facts,
) -> Result<User> {
    let password_hash = match &change.password {
        Some(password) => {
            let email = change.email.as_ref().map_or(user.email_canonical.as_str(), EmailAddress::canonical);
            app.policy
                .check(password.expose_secret(), email)
                .map_err(ErrorKind::UpdateUserInvalidPassword)?;
            Some(app.hasher.hash(password).await?)
        }
        None => None,
    };
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    if change.is_active == Some(false) || change.is_superuser == Some(false) {
        tx = keep_a_superuser(tx, user.id).await?;
    }
    let (mut tx, before) = lock(tx, user.id, authority).await?;
    let changes = compare(&before, &change, password_hash, now);
    if changes.is_empty() {
        tx.rollback().await?;
        return Ok(before);
    }
    let updated = store::update_user(&mut tx, before.id, &changes)
        .await
        .map_err(|error| error.if_taken(Constraint::UsersEmail, ErrorKind::UpdateUserEmailAlreadyExists))?;
    let Some(after) = updated else {
        return refuse(tx, ErrorKind::NotFound).await;
    };
    follow_up(app, &mut tx, &before, &after, authority, facts).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(after)
}

/// Deletes an account with its sessions and links.
///
/// # Errors
/// [`ErrorKind::LastSuperuser`], [`ErrorKind::NotFound`], [`ErrorKind::InvalidToken`] when the owner's session has
/// ended meanwhile.
pub async fn delete(app: &App, id: Id, authority: Authority<'_>) -> Result<()> {
    let tx = keep_a_superuser(app.db.write().await?, id).await?;
    let (mut tx, _) = lock(tx, id, authority).await?;
    store::delete_user(&mut tx, id).await?;
    tx.commit().await
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
        Some(password) => app.hasher.verify(password, user.password_hash.as_deref()).await?.is_match,
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

/// Locks the account that a link belongs to; absent when the link belongs to none.
///
/// # Errors
/// When the database cannot be used.
pub async fn lock_owner(conn: &mut Conn, token: &OneTimeToken) -> Result<Option<User>> {
    match token.user_id {
        Some(id) => store::lock_user(conn, id).await,
        None => Ok(None),
    }
}

/// Whether a link that was mailed for this account is still one for it: active, and under the same address.
pub fn owns(user: &User, token: &OneTimeToken) -> bool {
    user.is_active && user.email_canonical == token.email
}

/// What differs from the account as it is now.
fn compare(before: &User, change: &Change, password_hash: Option<String>, now: Time) -> UserChanges {
    let email = change.email.as_ref().filter(|email| email.as_str() != before.email);
    let moves = email.is_some_and(|email| email.canonical() != before.email_canonical);
    let is_verified = change.is_verified.or(moves.then_some(false));
    UserChanges {
        email: email.map(|email| email.as_str().to_owned()),
        email_canonical: email.map(|email| email.canonical().to_owned()),
        password_hash: password_hash.map(Some),
        is_active: change.is_active.filter(|value| *value != before.is_active),
        is_superuser: change.is_superuser.filter(|value| *value != before.is_superuser),
        is_verified: is_verified.filter(|value| *value != before.is_verified),
        updated_at: Some(now),
    }
}

/// What a change brings with it: access that ends, people who are told.
async fn follow_up(
    app: &App,
    tx: &mut Tx,
    before: &User,
    after: &User,
    authority: Authority<'_>,
    facts: &Facts,
) -> Result<()> {
    let now = app.clock.now();
    let moves = before.email_canonical != after.email_canonical;
    let has_new_password = before.password_hash != after.password_hash;
    let kept = match authority {
        Authority::Owner { session_id, .. } => Some(session_id),
        Authority::Administrator => None,
    };
    if !after.is_active && before.is_active {
        end_access(tx, after.id, None, now).await?;
    } else if has_new_password {
        end_access(tx, after.id, kept, now).await?;
    } else if moves {
        tokens::supersede_tokens(tx, after.id, None, now).await?;
    }
    if has_new_password {
        mails::password_changed(app, tx, before, facts).await?;
    }
    if moves {
        mails::email_changed(app, tx, before, &after.email, facts).await?;
        if after.is_active && after.password_hash.is_none() {
            tokens::mail_link(app, tx, Purpose::Invitation, after, facts).await?;
        } else if after.is_active && !after.is_verified {
            tokens::mail_link(app, tx, Purpose::Verify, after, facts).await?;
        }
    }
    Ok(())
}

/// Locks the account and makes sure that whoever asks may still do so.
async fn lock(mut tx: Tx, id: Id, authority: Authority<'_>) -> Result<(Tx, User)> {
    let Some(user) = store::lock_user(&mut tx, id).await? else {
        return refuse(tx, ErrorKind::NotFound).await;
    };
    if let Authority::Owner { session_id, password_hash } = authority {
        let is_same = user.is_active && user.password_hash.as_deref() == password_hash;
        if !is_same || !sessions::exists(&mut tx, session_id).await? {
            return refuse(tx, ErrorKind::InvalidToken).await;
        }
    }
    Ok((tx, user))
}

/// Locks the superusers and refuses when `leaving` is the only active one.
async fn keep_a_superuser(mut tx: Tx, leaving: Id) -> Result<Tx> {
    let active = store::lock_superusers(&mut tx).await?;
    if active == [leaving] { refuse(tx, ErrorKind::LastSuperuser).await } else { Ok(tx) }
}

async fn refuse<T>(tx: Tx, kind: ErrorKind) -> Result<T> {
    tx.rollback().await?;
    Err(kind.into())
}
