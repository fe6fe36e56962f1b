//! The ground that every layer stands on: time, randomness, ids, addresses and the few cryptographic pieces.
//!
//! Only this folder reads the clock or the operating system's random source, so that tests can move the one and
//! seed the other. It knows nothing of HTTP, of the database or of the configuration.

pub mod clock;
pub mod device;
pub mod email_address;
pub mod ids;
pub mod random;
pub mod secret;
