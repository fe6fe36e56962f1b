//! Opaque tokens over HTTP as FastAPI-Users' database backend has them, at `/auth/token`.
//!
//! A token is a session of the kind `opaque`, so logout, password changes, deactivation and the list of sessions treat
//! it like any other. Threats: a leaked database (only digests are stored), leaked tokens (a prefix and a checksum that
//! scanners find), a limit that two sign-ins pass at once (counted under the lock of the account).
//! Settings: `tokens.*`.

pub mod http;
