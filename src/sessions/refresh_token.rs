//! Refresh tokens: opaque, authenticated, and each derived from the one before.
//!
//! A token is the prefix `urt_` and, in base64url, session id, generation, secret and an authentication code. The
//! code tells our tokens from forged ones without a query, so a stranger who knows a session's id cannot fake a
//! "reuse" and end it. The child's secret is a keyed hash of the parent, so the same parent always has the same
//! child and nothing but digests is stored.

use crate::base::ids::Id;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::app::App;
use crate::base::secret::{Digest, equal, sha256};

const PREFIX: &str = "urt_";
/// Bytes of id, generation and secret.
const SIGNED: usize = 16 + 4 + 32;
/// Bytes of the authentication code.
const CODE: usize = 16;

/// A refresh token that this installation made, whether or not it is still good.
pub(super) struct RefreshToken {
    pub session_id: Id,
    pub generation: u32,
    secret: [u8; 32],
}

impl RefreshToken {
    /// The first token of a session.
    pub fn first(app: &App, session_id: Id) -> Self {
        Self { session_id, generation: 0, secret: app.random.bytes() }
    }

    /// Reads what a client sent; `None` when we did not make it.
    pub fn parse(app: &App, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        // Longer input is not decoded at all.
        if encoded.len() > (SIGNED + CODE) * 2 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        if bytes.len() != SIGNED + CODE {
            return None;
        }
        let (signed, code) = bytes.split_at(SIGNED);
        if !equal(&code_of(app, signed), code) {
            return None;
        }
        let (id, rest) = signed.split_first_chunk::<16>()?;
        let (generation, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            session_id: Id::from_slice(id)?,
            generation: u32::from_be_bytes(*generation),
            secret: secret.try_into().ok()?,
        })
    }

    /// The token that follows: always the same one.
    pub fn child(&self, app: &App) -> Self {
        let key = app.master_key.derive("refresh token child");
        Self {
            session_id: self.session_id,
            generation: self.generation.wrapping_add(1),
            secret: key.mac(&self.signed_part()),
        }
    }

    /// What is stored.
    pub fn digest(&self) -> Digest {
        sha256(&self.signed_part())
    }

    /// What the client gets.
    pub fn to_text(&self, app: &App) -> SecretString {
        let mut bytes = self.signed_part();
        bytes.extend(code_of(app, &bytes));
        SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIGNED + CODE);
        bytes.extend(self.session_id.as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.secret);
        bytes
    }
}

fn code_of(app: &App, signed: &[u8]) -> [u8; CODE] {
    let mac = app.master_key.derive("refresh token").mac(signed);
    let mut code = [0; CODE];
    code.copy_from_slice(&mac[..CODE]);
    code
}
