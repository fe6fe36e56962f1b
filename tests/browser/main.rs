//! Stories in a real browser, against the real server as a newcomer starts it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod driver;
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../api/support/mod.rs"]
mod support;

mod sign_up;
mod swagger;
