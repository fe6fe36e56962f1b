//! Sign-in by cookie for frontends on this server's own site: `POST /auth/cookie/login` and `logout`.
//!
//! Threats: login CSRF and acting across sites (every request that a foreign site made the browser send is refused),
//! session fixation (each sign-in makes a new session).

pub mod http;
