//! django-rest-knox at `/api/auth`: its paths and bodies to the letter, over the tokens of
//! [`crate::opaque_tokens`] (settings: `tokens.*`).
//!
//! Threats: account discovery (unknown, wrong, inactive and unverified have one answer), tokens in the wrong place
//! (only the header with the scheme word counts, never a cookie, a query or `Bearer`).

pub mod http;
