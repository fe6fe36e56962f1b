//! Access tokens: JWTs by RFC 9068, short-lived, checked by signature and then against their session.

use std::sync::Arc;

use crate::base::clock::Time;
use crate::base::ids::Id;
use serde::{Deserialize, Serialize};

use super::model::Session;
use crate::accounts::User;
use crate::app::App;
use crate::base::secret::sha256;
use crate::error::{ErrorKind, Result};
use crate::signing_keys::{self, Rejected};

/// The header type of access tokens (RFC 9068 section 2.1). Nothing else is accepted as one.
const TYPE: &str = "at+jwt";
/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 4096;

/// The claims of an access token. Times are seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Id,
    /// The session.
    pub sid: Id,
    pub jti: Id,
    pub iat: i64,
    pub exp: i64,
    /// When the password was shown.
    pub auth_time: i64,
    pub email_verified: bool,
}

/// A new access token of a session, and its life in seconds: `jwt.access_ttl`, or less when the session ends before.
pub(super) fn sign(app: &App, user: &User, session: &Session, now: Time) -> Result<(String, i64)> {
    let expires_at = now.after(app.config.jwt.access_ttl).min(session.absolute_expires_at);
    let claims = AccessClaims {
        iss: app.config.public_url.clone(),
        aud: app.config.jwt.audience.clone(),
        sub: user.id,
        sid: session.id,
        jti: Id::new(now, &app.random),
        iat: now.as_second(),
        exp: expires_at.as_second(),
        auth_time: session.authenticated_at.as_second(),
        email_verified: user.is_verified,
    };
    let lifetime = claims.exp - claims.iat;
    Ok((app.keys()?.sign(TYPE, &claims)?, lifetime))
}

/// Checks a presented access token but for its session.
///
/// # Errors
/// [`ErrorKind::InvalidToken`] for anything that is not a live access token of this server.
pub async fn check(app: &App, token: &str) -> Result<Arc<AccessClaims>> {
    if token.len() > MAX_BYTES {
        return Err(ErrorKind::InvalidToken.into());
    }
    let digest = sha256(token.as_bytes());
    let claims = match app.remembered.get(&digest) {
        Some(claims) => claims,
        None => {
            let claims = Arc::new(verify(app, token).await?);
            app.remembered.insert(digest, Arc::clone(&claims));
            claims
        }
    };
    if claims.exp <= app.clock.now().as_second() {
        return Err(ErrorKind::InvalidToken.into());
    }
    Ok(claims)
}

async fn verify(app: &App, token: &str) -> Result<AccessClaims> {
    let issuer = &app.config.public_url;
    let audience = &app.config.jwt.audience;
    match app.keys()?.verify(token, TYPE, issuer, audience) {
        Ok(claims) => return Ok(claims),
        // Another instance may have rotated the keys.
        Err(Rejected::UnknownKey) if app.may_reload_keys() => signing_keys::reload(app).await?,
        Err(_) => return Err(ErrorKind::InvalidToken.into()),
    }
    app.keys()?.verify(token, TYPE, issuer, audience).map_err(|_| ErrorKind::InvalidToken.into())
}
