//! Opening, refreshing and ending sessions.

use crate::base::clock::Time;
use crate::base::ids::Id;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token;
use super::model::{Session, SessionKind, SessionRead};
use super::opaque_token;
use super::refresh_token::RefreshToken;
use super::session_cookie;
use super::store;
use crate::accounts::{self, User};
use crate::app::App;
use crate::base::secret::equal;
use crate::db::{Conn, Tx};
use crate::error::{ErrorKind, Result};
use crate::http::body::Fields;
use crate::http::client::Client;
use crate::http::paging::{Page, Paging};
use crate::mail::MailKind;

/// A new session with the credential that its client gets.
pub struct Issued {
    pub session: Session,
    /// The refresh token, or the cookie's value.
    pub credential: SecretString,
}

/// An access token and the refresh token that gets the next one.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// A JWT (RFC 9068) for `Authorization: Bearer`.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9...")]
    pub access_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Life of the access token in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Good for one refresh. Keep it secret.
    #[schema(example = "urt_AZNvLpwRfSCKVT8MnSt-QQAAAAB...")]
    pub refresh_token: String,
    /// Life of the refresh token in seconds.
    #[schema(example = 2_592_000)]
    pub refresh_expires_in: i64,
}

/// Opens a session in the caller's transaction.
///
/// # Errors
/// When the database cannot be used.
pub async fn open(
    app: &App,
    conn: &mut Conn,
    user: &User,
    kind: SessionKind,
    client: &Client,
) -> Result<Issued> {
    let now = app.clock.now();
    let id = Id::new(now, &app.random);
    let limits = &app.config.sessions;
    let mut absolute_expires_at = now.after(limits.absolute_ttl);
    let (credential, digest, expires_at) = match kind {
        SessionKind::Jwt => {
            let token = RefreshToken::first(app, id);
            (token.to_text(app), token.digest(), now.after(limits.refresh_ttl))
        }
        SessionKind::Cookie => {
            let (value, digest) = session_cookie::make(app, id);
            (value, digest, now.after(limits.cookie_ttl))
        }
        SessionKind::Opaque => {
            let tokens = &app.config.tokens;
            // The caller's transaction has locked the user, so that two sign-ins cannot count the same place.
            let limit = i64::from(tokens.limit_per_user);
            if limit > 0 && store::count_live(conn, user.id, kind, now).await? >= limit {
                return Err(ErrorKind::TokenLimitReached.into());
            }
            absolute_expires_at = match tokens.auto_refresh_max_ttl {
                ttl if tokens.auto_refresh && !ttl.is_zero() => now.after(ttl),
                _ => Time::NEVER,
            };
            let (token, digest) = opaque_token::make(app);
            (token, digest, tokens.lifetime().map_or(Time::NEVER, |ttl| now.after(ttl)))
        }
    };
    let session = Session {
        id,
        user_id: user.id,
        kind: kind.as_str().to_owned(),
        created_at: now,
        authenticated_at: now,
        last_used_at: now,
        expires_at: expires_at.min(absolute_expires_at),
        absolute_expires_at,
        ip: client.ip.clone(),
        user_agent: client.user_agent.clone(),
        secret_digest: digest.to_vec(),
        previous_digest: None,
        rotated_at: None,
        generation: 0,
    };
    store::insert_session(conn, &session).await?;
    Ok(Issued { session, credential })
}

/// Slides the end of an opaque token that is used, where `tokens.auto_refresh` says so and the gain is worth a write.
///
/// # Errors
/// When the database cannot be used.
pub async fn prolong(app: &App, session: &Session) -> Result<()> {
    let tokens = &app.config.tokens;
    let (true, Some(lifetime)) = (tokens.auto_refresh, tokens.lifetime()) else { return Ok(()) };
    let end = app.clock.now().after(lifetime).min(session.absolute_expires_at);
    if end <= session.expires_at.after(tokens.min_refresh_interval) {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    store::update_expiry(&mut tx, session.id, end).await?;
    tx.commit().await
}

/// The answer to a JWT sign-in or refresh.
///
/// # Errors
/// When signing fails.
pub fn tokens(app: &App, user: &User, issued: &Issued) -> Result<TokenPair> {
    let now = app.clock.now();
    let (access_token, expires_in) = access_token::sign(app, user, &issued.session, now)?;
    Ok(TokenPair {
        access_token,
        token_type: "bearer",
        expires_in,
        refresh_token: issued.credential.expose_secret().to_owned(),
        refresh_expires_in: issued.session.expires_at.as_second() - now.as_second(),
    })
}

/// Trades a refresh token for a new pair.
///
/// The same parent within `sessions.refresh_grace` of its rotation, and until its child was used, gets the same
/// child: answers get lost and tabs refresh together. Any other old token of the family is reuse and ends it.
///
/// # Errors
/// [`ErrorKind::RefreshTokenInvalid`], [`ErrorKind::RefreshTokenExpired`], [`ErrorKind::RefreshTokenReused`].
pub async fn refresh(app: &App, presented: &str, client: &Client) -> Result<TokenPair> {
    let now = app.clock.now();
    let parent = RefreshToken::parse(app, presented).ok_or(ErrorKind::RefreshTokenInvalid)?;
    let child = parent.child(app);
    let slide = now.after(app.config.sessions.refresh_ttl);
    let id = parent.session_id;
    let mut tx = app.db.write().await?;
    let rotated = store::rotate_session(&mut tx, id, &parent.digest(), &child.digest(), now, slide).await?;
    let is_rotated = rotated.is_some();
    let session = match rotated {
        Some(session) => Some(session),
        None => store::find_session(&mut tx, id).await?,
    };
    let Some(session) = session else {
        return refuse(tx, ErrorKind::RefreshTokenInvalid).await;
    };
    if session.expires_at <= now {
        return refuse(tx, ErrorKind::RefreshTokenExpired).await;
    }
    let user = accounts::find_user(&mut tx, session.user_id).await?;
    let Some(user) = user.filter(|user| user.is_active) else {
        return refuse(tx, ErrorKind::RefreshTokenInvalid).await;
    };
    if !is_rotated && !is_repeat(app, &session, &parent, now) {
        end_reused(app, tx, &user, &session, client).await?;
        tracing::warn!(user_id = %user.id, session_id = %session.id, generation = parent.generation,
            "a refresh token was used again; its session was ended");
        return Err(ErrorKind::RefreshTokenReused.into());
    }
    tx.commit().await?;
    let credential = child.to_text(app);
    tokens(app, &user, &Issued { session, credential })
}

async fn refuse<T>(tx: Tx, kind: ErrorKind) -> Result<T> {
    tx.rollback().await?;
    Err(kind.into())
}

/// Whether `parent` is the token that was rotated last, presented again soon enough.
fn is_repeat(app: &App, session: &Session, parent: &RefreshToken, now: Time) -> bool {
    let is_last = session.previous_digest.as_deref().is_some_and(|digest| equal(digest, &parent.digest()));
    let is_soon = session.rotated_at.is_some_and(|at| now <= at.after(app.config.sessions.refresh_grace));
    is_last && is_soon
}

async fn end_reused(app: &App, mut tx: Tx, user: &User, session: &Session, client: &Client) -> Result<()> {
    store::delete_session(&mut tx, user.id, session.id).await?;
    app.outbox
        .enqueue_notice(
            &mut tx,
            MailKind::RefreshTokenReused,
            user.recipient(),
            &client.facts(),
            app.clock.now(),
        )
        .await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(())
}

/// A page of the live sessions of a user, newest first, as the query string of a request asks for it.
///
/// # Errors
/// 422 that names each faulty parameter.
pub async fn list(app: &App, user_id: Id, current: Id, query: &str) -> Result<Page<SessionRead>> {
    let mut fields = Fields::query(query);
    let paging = Paging::read(&mut fields);
    let before = paging.after(&mut fields, |bytes| Id::from_slice(&bytes));
    fields.finish(Some(()))?;
    let sessions = {
        let mut conn = app.db.read().await?;
        store::list_sessions(&mut conn, user_id, app.clock.now(), before, paging.rows()).await?
    };
    let page = Page::cut(sessions, paging.rows(), |session| session.id.as_bytes().to_vec());
    Ok(page.map(|session| session.read_as(current)))
}

/// Ends one session of a user.
///
/// # Errors
/// [`ErrorKind::NotFound`] when the user has no such session.
pub async fn end(app: &App, user_id: Id, id: Id) -> Result<()> {
    let mut tx = app.db.write().await?;
    if store::delete_session(&mut tx, user_id, id).await? {
        tx.commit().await
    } else {
        refuse(tx, ErrorKind::NotFound).await
    }
}

/// Ends a session; one that somebody else ended in between is ended all the same.
///
/// # Errors
/// When the database cannot be used.
pub async fn sign_out(app: &App, session: &Session) -> Result<()> {
    match end(app, session.user_id, session.id).await {
        Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Ends every session of a user but for `kept`, in the caller's transaction; says how many.
///
/// # Errors
/// When the database cannot be used.
pub async fn end_others(conn: &mut Conn, user_id: Id, kept: Option<Id>) -> Result<usize> {
    store::delete_sessions(conn, user_id, kept).await
}

/// Ends every session of a user but for `kept`.
///
/// # Errors
/// When the database cannot be used.
pub async fn end_all(app: &App, user_id: Id, kept: Option<Id>) -> Result<()> {
    let mut tx = app.db.write().await?;
    end_others(&mut tx, user_id, kept).await?;
    tx.commit().await
}
