//! The server as its clients see it: each file tells the stories of one feature, over HTTP and on both databases.
//!
//! A story is written once, with `story!`, and runs against the real server on SQLite and on PostgreSQL. It gets a
//! database of its own, a clock that stands still until it is moved, and a mailbox that is emptied by hand. See
//! `support/mod.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod accounts;
mod cli;
mod cookie_sign_in;
mod cookies;
mod crashes;
mod database;
mod faulty_starts;
mod guard_order;
mod house_rules;
mod http_shape;
mod instances;
mod knox;
mod opaque_tokens;
mod outbox;
mod pages;
mod password_reset;
mod postgres_tls;
mod process;
mod races;
mod readme;
mod refresh;
mod registration;
mod restart;
mod sessions;
mod sign_in;
mod slow_clients;
mod smtp;
mod users;
mod verification;
