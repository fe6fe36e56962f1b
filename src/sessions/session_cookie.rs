//! The value of the session cookie: the session's id and a random secret, of which the digest is stored.

use crate::base::ids::Id;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::app::App;
use crate::base::secret::{Digest, sha256};

/// The cookie of a new session, and the digest to store.
pub(super) fn make(app: &App, session_id: Id) -> (SecretString, Digest) {
    let mut bytes = session_id.as_bytes().to_vec();
    bytes.extend(app.random.bytes::<32>());
    (SecretString::from(URL_SAFE_NO_PAD.encode(&bytes)), sha256(&bytes))
}

/// The session that a cookie names and the digest that must be stored there; `None` when it is no cookie of ours.
pub fn check(value: &str) -> Option<(Id, Digest)> {
    // 48 bytes are 64 characters.
    if value.len() != 64 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    let id = Id::from_slice(bytes.get(..16)?)?;
    Some((id, sha256(&bytes)))
}
