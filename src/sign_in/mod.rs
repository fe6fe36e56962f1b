//! Sign-in by address and password, and sign-out.
//!
//! Threats: account discovery (unknown, wrong and inactive have one answer and the same hashing work, ASVS 6.3.8), a
//! password change that overtakes a slow check (the checked hash is compared again when the session is opened).

mod flow;
pub mod http;

pub use flow::{SignedInUser, sign_in};
