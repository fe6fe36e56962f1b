//! The keys that sign access tokens: made here, sealed at rest, published as a JWKS, rotated without signing anyone out.
//!
//! A key is published before it signs and stays published until the last token that it signed has expired (ASVS
//! 13.3.4). Every instance rereads the keys every few seconds, and at once for a `kid` that it does not know.
//! Threats: algorithm confusion and header tricks (RFC 8725 section 3.1: the algorithm belongs to the key, `jku`,
//! `x5u` and `jwk` are never read), stolen databases (sealed under the master key).

mod flow;
pub mod http;
mod key;
mod ring;
mod store;

pub use flow::{KeyInfo, ensure, list, reload, rotate, rotate_if_due};
pub use key::SigningKey;
pub use ring::{KeyRing, Rejected};
