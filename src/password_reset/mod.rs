//! Password reset by a mailed link; also how invited users set their first password.
//!
//! Threats: account discovery (one answer, the same work), links decided by the Host header (they come from the
//! configuration; CVE-2023-49097), a link that outlives what it was made for (it dies at its first use, at a password
//! or e-mail change and with the account), a session of somebody else that survives (a reset ends every session and
//! every other link). Limits: `links.reset_ttl`, `mail.per_address_hourly`.

mod flow;
pub mod http;

pub use flow::{Reset, Target, look_up, request, reset};
