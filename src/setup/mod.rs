//! The first superuser: by a one-time link that only the operator sees, while there is no superuser yet.
//!
//! Unattended installations name the account in the configuration instead (`setup.*`).
//!
//! Threats: first-to-register takes the server (nobody becomes superuser by registering), a link left in a log (it is
//! printed on a terminal only, else written to a private file; single use, `links.setup_ttl`, and dead as soon as
//! there is a superuser).

mod flow;

pub use flow::{Setup, complete, from_config, make_link, state};
