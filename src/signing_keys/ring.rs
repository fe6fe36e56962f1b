//! All keys of the moment: the one that signs, those that still verify, and the JWKS.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Header, TokenData, Validation, decode, decode_header, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::SigningKey;
use crate::error::{Error, Result};

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It names a key that is not in the ring; a reload may bring it.
    UnknownKey,
    /// It is not a token of ours.
    Invalid,
}

/// The keys as they were read last. Immutable: a reload makes a new one.
pub struct KeyRing {
    signing: Arc<SigningKey>,
    keys: HashMap<String, Arc<SigningKey>>,
    /// What the ring was made from: a reload that finds the same changes nothing.
    pub(super) made_from: String,
    /// The JSON document of `/.well-known/jwks.json`.
    pub jwks: String,
}

impl KeyRing {
    /// A ring of `keys`, of which `signing` signs.
    pub(super) fn new(
        signing: Arc<SigningKey>,
        keys: Vec<Arc<SigningKey>>,
        made_from: String,
    ) -> Result<Self> {
        let set = JwkSet { keys: keys.iter().filter_map(|key| key.jwk.clone()).collect() };
        let jwks = serde_json::to_string(&set).map_err(|error| Error::internal(error.to_string()))?;
        let keys = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Ok(Self { signing, keys, made_from, jwks })
    }

    /// Signs claims with the current key under the header type `typ`.
    ///
    /// # Errors
    /// Only when the key is unusable.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let mut header = Header::new(self.signing.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.signing.kid.clone());
        encode(&header, claims, &self.signing.encoding)
            .map_err(|error| Error::internal(format!("cannot sign: {error}")))
    }

    /// Verifies a token that names one of the keys, has the header type `typ`, issuer and audience. The times are
    /// the caller's to check, against its own clock.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        typ: &str,
        issuer: &str,
        audience: &str,
    ) -> std::result::Result<T, Rejected> {
        let header = decode_header(token).map_err(|_| Rejected::Invalid)?;
        if header.typ.as_deref() != Some(typ) || header.crit.is_some() {
            return Err(Rejected::Invalid);
        }
        let key = header.kid.as_deref().and_then(|kid| self.keys.get(kid)).ok_or(Rejected::UnknownKey)?;
        // RFC 8725 section 3.1: the key decides the algorithm, not the token.
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let data: TokenData<T> = decode(token, &key.decoding, &validation).map_err(|_| Rejected::Invalid)?;
        Ok(data.claims)
    }
}
