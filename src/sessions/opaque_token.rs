//! Opaque tokens: a prefix that secret scanners know, random hexadecimal characters, and their CRC-32, so that typos
//! and made-up tokens are refused without a query. Stored as a digest only.

use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::base::secret::{Digest, sha256};

/// Longest token that is looked at, in bytes.
const MAX_BYTES: usize = 256;
/// Longest `tokens.prefix`, in bytes.
const MAX_PREFIX: usize = 10;
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

/// The digest under which a presented token would be stored; `None` when it has no right checksum. It may have been made
/// under another `tokens.prefix`, so the checksum is looked for behind a prefix of any length.
pub fn check(token: &str) -> Option<Digest> {
    let is_possible = token.len() <= MAX_BYTES
        && (0..=MAX_PREFIX).any(|prefix| token.get(prefix..).is_some_and(has_checksum));
    is_possible.then(|| sha256(token.as_bytes()))
}

fn has_checksum(body: &str) -> bool {
    let split = body.len().checked_sub(CHECKSUM).and_then(|at| body.split_at_checked(at));
    let Some((random, checksum)) = split else { return false };
    hex::decode(random).is_ok_and(|random| format!("{:08x}", crc32fast::hash(&random)) == checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_counts_behind_any_prefix() {
        let body = format!("{}{:08x}", hex::encode([7; 28]), crc32fast::hash(&[7; 28]));
        for prefix in ["", "ust_", "0123456789", "abc"] {
            assert!(check(&format!("{prefix}{body}")).is_some(), "{prefix}");
        }
        let typo = body.replacen('7', "8", 1);
        for wrong in ["", "ust_", "é", &typo, &body[..body.len() - 1], &body[2..], &body.to_uppercase()] {
            assert!(check(wrong).is_none(), "{wrong}");
        }
        assert!(check(&format!("{}{body}", "x".repeat(MAX_PREFIX + 1))).is_none());
    }
}
