//! The signed form of a token: a JWT under HS256 with a key, a header type and an audience for each purpose.

use crate::base::clock::Time;
use crate::base::ids::Id;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::model::{OneTimeToken, Purpose};
use crate::app::App;
use crate::base::secret::DerivedKey;
use crate::error::{Error, Result};

/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 2048;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: Id,
    iat: i64,
    exp: i64,
}

/// The token that goes into the mail. Make it only when the mail is sent.
///
/// # Errors
/// When signing fails.
pub fn sign(app: &App, token: &OneTimeToken, purpose: Purpose, now: Time) -> Result<String> {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(header_type(purpose));
    let claims = Claims {
        iss: app.config.public_url.clone(),
        aud: audience(purpose),
        sub: token.user_id.map_or_else(|| "setup".into(), |id| id.to_string()),
        jti: token.id,
        iat: now.as_second(),
        exp: token.expires_at.as_second(),
    };
    encode(&header, &claims, &EncodingKey::from_secret(key(app, purpose).as_bytes()))
        .map_err(|error| Error::internal(format!("cannot sign a link: {error}")))
}

/// The id of the row that a token names, if we signed it for this purpose. Whether it is still good, the row says.
pub fn read(app: &App, purpose: Purpose, token: &str) -> Option<Id> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[&app.config.public_url]);
    validation.set_audience(&[audience(purpose)]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(key(app, purpose).as_bytes());
    let data = decode::<Claims>(token, &key, &validation).ok()?;
    (data.header.typ == Some(header_type(purpose)) && data.header.crit.is_none()).then_some(data.claims.jti)
}

fn header_type(purpose: Purpose) -> String {
    format!("{}+jwt", purpose.as_str())
}

fn audience(purpose: Purpose) -> String {
    format!("usher:{}", purpose.as_str())
}

fn key(app: &App, purpose: Purpose) -> DerivedKey {
    app.master_key.derive(&format!("link {}", purpose.as_str()))
}
