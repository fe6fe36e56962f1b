//! The master key and what is made from it: one key per purpose, digests, authentication codes, sealed values.
//!
//! A key made for one purpose is never used for another (RFC 8725 section 3.12), and nothing here can be printed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::random::Random;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// SHA-256 of `bytes`. Enough for secrets of 128 random bits and more (ASVS 6.5.2).
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Compares in a time that does not depend on where the two differ (ASVS 11.2.4).
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// The secret of an installation: 32 bytes, from a file or the configuration, never in the database.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Takes 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal characters; `None` when it is anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
        Some(Self::new(bytes))
    }

    /// 64 hexadecimal characters, for the key file alone.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    /// The key of one purpose: HKDF-SHA-256 (RFC 5869) with the purpose as `info`.
    pub fn derive(&self, purpose: &str) -> DerivedKey {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"usher");
        let mut key = Zeroizing::new([0; 32]);
        // Fails only for outputs longer than 8160 bytes.
        if let Ok(okm) = salt.extract(&*self.0).expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256) {
            let _ = okm.fill(&mut *key);
        }
        DerivedKey(key)
    }
}

/// A key for one purpose.
#[derive(Clone)]
pub struct DerivedKey(Zeroizing<[u8; 32]>);

impl DerivedKey {
    /// The raw key, for libraries that want it so.
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// HMAC-SHA-256 of `message`.
    pub fn mac(&self, message: &[u8]) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, message).as_ref());
        out
    }

    /// Encrypts with AES-256-GCM under a random nonce, which comes first in the result; `context` is authenticated.
    pub fn seal(&self, random: &Random, context: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; 12] = random.bytes();
        let mut sealed = plain.to_vec();
        self.aead()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut sealed,
            )
            .ok()?;
        sealed.splice(0..0, nonce);
        Some(sealed)
    }

    /// The inverse of [`DerivedKey::seal`]; `None` when key, context or bytes are not those that sealed it.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<12>()?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self
            .aead()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context.as_bytes()), &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }

    fn aead(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*self.0).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_key() {
        let master = MasterKey::new([7; 32]);
        assert_eq!(master.derive("a").mac(b"x"), master.derive("a").mac(b"x"));
        assert_ne!(master.derive("a").mac(b"x"), master.derive("b").mac(b"x"));
        assert_ne!(master.derive("a").as_bytes(), &[0; 32]);
    }

    #[test]
    fn a_sealed_value_opens_only_unchanged_and_in_its_context() {
        let key = MasterKey::new([7; 32]).derive("seal");
        let sealed = key.seal(&Random::seeded(1), "kid-1", b"private").unwrap();
        assert_eq!(key.open("kid-1", &sealed).unwrap().as_slice(), b"private");
        assert!(key.open("kid-2", &sealed).is_none());
        let mut broken = sealed.clone();
        broken[20] ^= 1;
        assert!(key.open("kid-1", &broken).is_none());
        assert!(key.open("kid-1", &sealed[..5]).is_none());
    }

    #[test]
    fn a_master_key_is_64_hexadecimal_characters() {
        assert!(MasterKey::from_hex(&"ab".repeat(32)).is_some());
        assert!(MasterKey::from_hex(&"ab".repeat(31)).is_none());
        assert!(MasterKey::from_hex(&"zz".repeat(32)).is_none());
    }
}
