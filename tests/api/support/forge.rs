//! JWTs of an attacker's making: any header, any claims, any signature or none.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A JWT in its parts.
#[derive(Clone, Debug)]
pub struct Jwt {
    pub header: Value,
    pub claims: Value,
    pub signature: String,
}

impl Jwt {
    #[track_caller]
    pub fn read(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3, "{token}");
        let value = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
            serde_json::from_slice(&bytes).expect("JSON")
        };
        Self { header: value(parts[0]), claims: value(parts[1]), signature: parts[2].to_owned() }
    }

    /// With one member of the header changed.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// With one claim changed.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Without a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name);
        self
    }

    fn signed_part(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    /// With the signature it had, whatever was changed since.
    pub fn as_it_was(&self) -> String {
        format!("{}.{}", self.signed_part(), self.signature)
    }

    /// With `alg` none (RFC 8725 section 2.1).
    pub fn unsigned(self) -> String {
        format!("{}.", self.header("alg", "none").signed_part())
    }

    /// Signed by HMAC under `key`.
    pub fn hs256(self, key: &[u8]) -> String {
        let part = self.header("alg", "HS256").signed_part();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), part.as_bytes());
        format!("{part}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Signed by a P-256 key of a stranger.
    pub fn es256_of_a_stranger(self) -> String {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).expect("a key");
        let part = self.header("alg", "ES256").signed_part();
        let signature = pair.sign(&random, part.as_bytes()).expect("a signature");
        format!("{part}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// The key that signs mailed links of a purpose, as only the server should know it: with it a test can make what a
/// bug elsewhere in the server might.
pub fn link_key(purpose: &str) -> Vec<u8> {
    let master = [7; 32];
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"usher");
    let mut key = vec![0; 32];
    salt.extract(&master)
        .expand(&[format!("link {purpose}").as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes can be derived");
    key
}
