//! Who may call is a type in the handler's signature: [`SignedIn`] or [`Superuser`].
//!
//! A credential is an `Authorization` header, which wins, or the session cookie; never a query parameter or a body
//! field. The order of refusals is that of HTTP.md: 401 no or bad credential, 401 inactive, 403 unverified where
//! that is required, 403 not a superuser.

use crate::base::ids::Id;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::accounts::{Authority, User};
use crate::app::App;
use crate::base::secret::equal;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{app_of, cookie, origin};
use crate::sessions::{self, Session, SessionKind};

/// A signed-in caller: the account and the session of the credential.
pub struct Caller {
    pub user: User,
    pub session: Session,
}

/// Who holds an opaque token.
pub enum Holder {
    Caller(Box<Caller>),
    /// Somebody whose account was switched off beside the server.
    Inactive,
}

/// An active user, verified where `accounts.require_verified` says so.
pub struct SignedIn(pub Caller);

/// A [`SignedIn`] user who is a superuser.
pub struct Superuser(pub Caller);

/// Whoever the session cookie says, or nobody; for pages.
pub struct Anyone(pub Option<Caller>);

impl Caller {
    /// The owner's word for a change of the own account.
    pub fn authority(&self) -> Authority<'_> {
        Authority::Owner { session_id: self.session.id, password_hash: self.user.password_hash.as_deref() }
    }

    /// Whether the password was shown within `sessions.fresh_for`.
    pub fn is_fresh(&self, app: &App) -> bool {
        let limit = app.config.sessions.fresh_for;
        !limit.is_zero() && app.clock.now() < self.session.authenticated_at.after(limit)
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed_in(&request).await.map(Self) })
    }
}

impl FromRequest for Superuser {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = signed_in(&request).await?;
            if caller.user.is_superuser { Ok(Self(caller)) } else { Err(ErrorKind::Forbidden.into()) }
        })
    }
}

impl FromRequest for Anyone {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request)?;
            let Some(value) = cookie::read(&app, &request) else {
                return Ok(Self(None));
            };
            match by_cookie(&app, &value).await {
                Ok(caller) => Ok(Self(Some(caller))),
                Err(error) if *error.kind() == ErrorKind::InvalidToken => Ok(Self(None)),
                Err(error) => Err(error),
            }
        })
    }
}

async fn signed_in(request: &HttpRequest) -> Result<Caller> {
    let app = app_of(request)?;
    let caller = match request.headers().get(AUTHORIZATION) {
        Some(header) => {
            let header = header.to_str().map_err(|_| ErrorKind::Unauthorized)?;
            by_header(&app, header).await?
        }
        None => {
            let value = cookie::read(&app, request).ok_or(ErrorKind::Unauthorized)?;
            if request.method() != Method::GET {
                origin::require_same_site(&app, request)?;
            }
            by_cookie(&app, &value).await?
        }
    };
    if app.config.accounts.require_verified && !caller.user.is_verified {
        return Err(ErrorKind::NotVerified.into());
    }
    Ok(caller)
}

/// `Bearer` with an access token or an opaque token, or the scheme of `tokens.header_prefix` with an opaque token.
async fn by_header(app: &App, header: &str) -> Result<Caller> {
    let (scheme, token) = header.trim().split_once(' ').ok_or(ErrorKind::Unauthorized)?;
    let token = token.trim();
    // Schemes are case-insensitive (RFC 9110 section 11.1).
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    let is_opaque = scheme.eq_ignore_ascii_case(&app.config.tokens.header_prefix);
    if token.is_empty() || !(is_bearer || is_opaque) {
        return Err(ErrorKind::Unauthorized.into());
    }
    // A JWT has dots, an opaque token never.
    if is_bearer && token.contains('.') {
        by_token(app, token).await
    } else {
        by_opaque_token(app, token).await
    }
}

/// Whose opaque token this is; `None`: nobody's.
///
/// # Errors
/// When the database cannot be used.
pub async fn holder_of(app: &App, token: &str) -> Result<Option<Holder>> {
    let Some(digest) = sessions::check_opaque_token(token) else { return Ok(None) };
    let found = {
        let mut conn = app.db.read().await?;
        sessions::find_by_secret(&mut conn, SessionKind::Opaque, &digest, app.clock.now()).await?
    };
    let Some((session, user)) = found else { return Ok(None) };
    if !user.is_active {
        return Ok(Some(Holder::Inactive));
    }
    let caller = admit(app, Some((session, user)), SessionKind::Opaque)?;
    sessions::prolong(app, &caller.session).await?;
    Ok(Some(Holder::Caller(Box::new(caller))))
}

async fn by_opaque_token(app: &App, token: &str) -> Result<Caller> {
    match holder_of(app, token).await? {
        Some(Holder::Caller(caller)) => Ok(*caller),
        Some(Holder::Inactive) | None => Err(ErrorKind::InvalidToken.into()),
    }
}

async fn by_token(app: &App, token: &str) -> Result<Caller> {
    let claims = sessions::check_access_token(app, token).await?;
    let caller = load(app, claims.sid, SessionKind::Jwt).await?;
    if caller.user.id == claims.sub { Ok(caller) } else { Err(ErrorKind::InvalidToken.into()) }
}

async fn by_cookie(app: &App, value: &str) -> Result<Caller> {
    let (id, digest) = sessions::check_cookie(value).ok_or(ErrorKind::InvalidToken)?;
    let caller = load(app, id, SessionKind::Cookie).await?;
    if equal(&caller.session.secret_digest, &digest) {
        Ok(caller)
    } else {
        Err(ErrorKind::InvalidToken.into())
    }
}

async fn load(app: &App, session_id: Id, kind: SessionKind) -> Result<Caller> {
    let now = app.clock.now();
    let found = {
        let mut conn = app.db.read().await?;
        sessions::find_signed_in(&mut conn, session_id, now).await?
    };
    admit(app, found, kind)
}

/// Lets an active user of a live session in, and notes that the session was used.
fn admit(app: &App, found: Option<(Session, User)>, kind: SessionKind) -> Result<Caller> {
    let (session, user) = found
        .filter(|(session, user)| session.kind == kind.as_str() && user.is_active)
        .ok_or(ErrorKind::InvalidToken)?;
    let now = app.clock.now();
    if now >= session.last_used_at.after(app.config.sessions.touch_interval) {
        app.touches.note(session.id, now);
    }
    Ok(Caller { user, session })
}
