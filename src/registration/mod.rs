//! Registration: an address and a password become an account, and a verification mail is queued.
//!
//! Threats: two accounts for one address (the unique index decides, whatever the spelling and the timing), privilege
//! by extra fields (only address and password are read), automatic sign-in of a stranger (no token, no cookie).

mod flow;
pub mod http;

pub use flow::register;
