//! Opaque tokens: a prefix that secret scanners know, random hexadecimal characters, and their CRC-32, so that typos
//! and made-up tokens are refused without a query. Stored as a digest only.

use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::base::secret::{Digest, sha256};

/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 256;
/// Hexadecimal characters of the checksum.
const CHECKSUM: usize = 8;

/// A new token and the digest to store.
pub(super) fn make(app: &App) -> (SecretString, Digest) {
    let length = app.config.tokens.length as usize;
    let mut random = vec![0; (length - CHECKSUM) / 2];
    app.random.fill(&mut random);
    let checksum = crc32fast::hash(&random);
    let token =
        SecretString::from(format!("{}{}{checksum:08x}", app.config.tokens.prefix, hex::encode(random)));
    let digest = sha256(token.expose_secret().as_bytes());
    (token, digest)
}

/// The digest under which a presented token would be stored; `None` when its checksum is wrong. Tokens of an earlier
/// prefix are good until they expire, so those are looked up as they are.
pub fn check(app: &App, token: &str) -> Option<Digest> {
    let is_possible = match token.strip_prefix(app.config.tokens.prefix.as_str()) {
        Some(body) => has_checksum(body),
        None => true,
    };
    (is_possible && token.len() <= MAX_BYTES).then(|| sha256(token.as_bytes()))
}

fn has_checksum(body: &str) -> bool {
    let split = body.len().checked_sub(CHECKSUM).and_then(|at| body.split_at_checked(at));
    let Some((random, checksum)) = split else { return false };
    hex::decode(random).is_ok_and(|random| format!("{:08x}", crc32fast::hash(&random)) == checksum)
}
