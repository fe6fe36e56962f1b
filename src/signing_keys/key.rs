//! One signing key: made, read from PEM, sealed, opened.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{encoding::Pkcs8V1Der, rsa};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use zeroize::Zeroizing;

use crate::base::random::Random;
use crate::config::JwtAlgorithm;
use crate::error::{Error, Result};

/// A key with its algorithm. The private part cannot be printed.
pub struct SigningKey {
    /// The `kid` of headers and JWKS.
    pub kid: String,
    /// The only algorithm that this key is good for.
    pub algorithm: Algorithm,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// The public half; `None` for HS256, which has none.
    pub(super) jwk: Option<Jwk>,
}

/// The private half as it is sealed: PKCS#8 in PEM, or 64 hexadecimal characters for HS256.
pub(super) type PrivateText = Zeroizing<String>;

/// Makes a new key. Takes a second or so for RS256, so call it on a blocking thread.
pub(super) fn generate(algorithm: JwtAlgorithm, random: &Random) -> Result<PrivateText> {
    let failed = |_| Error::internal("a key could not be generated");
    let rng = aws_lc_rs::rand::SystemRandom::new();
    Ok(match algorithm {
        JwtAlgorithm::Es256 => pem(EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)
            .map_err(failed)?
            .as_ref()),
        JwtAlgorithm::EdDsa => pem(Ed25519KeyPair::generate_pkcs8v1(&rng).map_err(failed)?.as_ref()),
        JwtAlgorithm::Rs256 => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            pem(der.as_ref())
        }
        JwtAlgorithm::Hs256 => Zeroizing::new(hex::encode(random.bytes::<32>())),
    })
}

fn pem(der: &[u8]) -> PrivateText {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

impl SigningKey {
    /// Reads the text of a private key. Its `kid` is the RFC 7638 thumbprint of the public half, or of the digest of
    /// an HS256 secret.
    ///
    /// # Errors
    /// When the text is no private key for the algorithm.
    pub fn read(algorithm: JwtAlgorithm, text: &str) -> Result<Self> {
        let unreadable = |error: jsonwebtoken::errors::Error| {
            Error::internal(format!("not a private key for {}: {error}", algorithm.as_str()))
        };
        let (algorithm, encoding) = match algorithm {
            JwtAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(text.as_bytes())),
            JwtAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_pem(text.as_bytes())),
            JwtAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(text.as_bytes())),
            JwtAlgorithm::Hs256 => {
                let secret = Zeroizing::new(text.trim().as_bytes().to_vec());
                if secret.len() < 32 {
                    return Err(Error::internal("an HS256 secret has at least 32 bytes"));
                }
                return Ok(Self {
                    kid: hex::encode(&crate::base::secret::sha256(&secret)[..16]),
                    algorithm: Algorithm::HS256,
                    encoding: EncodingKey::from_secret(&secret),
                    decoding: DecodingKey::from_secret(&secret),
                    jwk: None,
                });
            }
        };
        let encoding = encoding.map_err(unreadable)?;
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm).map_err(unreadable)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(unreadable)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(unreadable)?;
        Ok(Self { kid, algorithm, encoding, decoding, jwk: Some(jwk) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_makes_keys_that_read_back() {
        for algorithm in [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256, JwtAlgorithm::Hs256]
        {
            let text = generate(algorithm, &Random::seeded(1)).unwrap();
            let key = SigningKey::read(algorithm, &text).unwrap();
            assert_eq!(key.jwk.is_none(), algorithm == JwtAlgorithm::Hs256);
            assert!(!key.kid.is_empty());
        }
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() {
        let text = generate(JwtAlgorithm::Es256, &Random::seeded(1)).unwrap();
        assert!(SigningKey::read(JwtAlgorithm::Rs256, &text).is_err());
        assert!(SigningKey::read(JwtAlgorithm::Hs256, "short").is_err());
    }
}
