//! Passwords: the policy for new ones and the threads that hash them.
//!
//! Threats: guessing (common-password list, slow hash), stolen databases (Argon2id with OWASP parameters, ASVS
//! 11.4.2), account discovery by time (the same work for unknown users), exhaustion (a fixed number of hashing
//! threads behind a bounded queue, ASVS 15.1.3). Limits: `passwords.*` in the configuration.

mod hasher;
mod policy;

pub use hasher::{Hasher, Verdict};
pub use policy::{MAX_BYTES, Policy};
