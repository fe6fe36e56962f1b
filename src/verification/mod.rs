//! Verification of an address by a mailed link.
//!
//! Threats: mail scanners (a GET shows a page, only a POST verifies), links for another address (the row names the
//! address that it was mailed to, and that must still be the account's; CVE-2026-32700), account discovery (asking
//! for a mail has one answer). Limits: `links.verify_ttl`, `mail.per_address_hourly`.

mod flow;
pub mod http;

pub use flow::{Outcome, request, state, verify};
