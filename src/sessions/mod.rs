//! Sessions: one row behind each sign-in, whatever the credential.
//!
//! Access tokens carry the session's id, and every check reads session and user in one query, so logout,
//! deactivation and deletion act on the next request (ASVS 7.4.1, 7.4.2). Refresh tokens rotate by one
//! compare-and-set; reuse ends the family (RFC 9700 section 4.14.2). Limits: `sessions.*`.

mod access_token;
mod flow;
pub mod http;
mod model;
mod opaque_token;
mod refresh_token;
mod session_cookie;
mod store;
mod touch;

pub use access_token::{AccessClaims, check as check_access_token};
pub use flow::{Issued, TokenPair, end, end_all, end_others, list, open, prolong, refresh, sign_out, tokens};
pub use model::{Session, SessionKind, SessionRead};
pub use opaque_token::check as check_opaque_token;
pub use session_cookie::check as check_cookie;
pub use store::{delete_expired, exists, find_by_secret, find_signed_in, list_expired, update_last_used};
pub use touch::Touches;
