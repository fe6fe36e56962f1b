//! Access tokens: how they are signed, for whom, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use super::server::check_path;
use super::table::{choice, duration, hours, optional, seconds, section, text};
use super::value::choices;

choices! {
    /// Signature algorithm of access tokens (RFC 7518, RFC 8037).
    JwtAlgorithm {
        /// ECDSA on P-256.
        #[default]
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSA PKCS#1 v1.5.
        Rs256 = "RS256",
        /// HMAC; other services cannot check these tokens by JWKS.
        Hs256 = "HS256",
    }
}

section! {
    /// Access tokens: how they are signed, for whom, and for how long.
    Jwt in "jwt." {
        /// Signature algorithm. With `HS256` other services cannot check tokens by JWKS.
        algorithm: JwtAlgorithm = choice("ES256", JwtAlgorithm::NAMES);
        /// The `aud` claim; other services should insist on it.
        audience: String = text("usher", "1 to 255 printable ASCII characters", check_audience);
        /// Life of an access token. Usher's own routes see a revocation at once; services that
        /// check by JWKS see it when the token expires.
        access_ttl: Duration = duration("15m", seconds(10), hours(24));
        /// PEM file of a private key of your own, used instead of the generated ones.
        private_key_file: Option<PathBuf> = optional("path of a PEM file", check_path).example("/etc/usher/jwt.pem");
    }
}

fn check_audience(text: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("is no audience") }
}
