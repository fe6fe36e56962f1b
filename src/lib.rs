//! Usher: users for any application, as a server and as a library.
//!
//! The map, from the ground up; imports go downwards only (`tests/api/house_rules.rs` checks it):
//!
//! | layer | what |
//! |---|---|
//! | [`base`] | clock, randomness, ids, addresses, keys |
//! | [`error`], [`config`] | the catalogue of errors; everything that can be set |
//! | [`db`], [`templates`], [`mail`] | two databases behind one query text; texts; the outbox and its transports |
//! | [`app`] | all of it built once |
//! | [`http`] | bodies, problems, cookies, headers |
//! | features | [`registration`], [`verification`], [`password_reset`], [`sign_in`], [`sessions`], [`accounts`], [`setup`], [`opaque_tokens`], [`knox`], [`cookie_sessions`], [`signing_keys`], [`passwords`], [`one_time_tokens`] |
//! | [`caller`] | who may call, as types in the signatures of handlers |
//! | [`routes`], [`pages`], [`docs`], [`health`] | every URL |
//! | [`server`], [`worker`], [`cli`] | what runs |
//!
//! Read `password_reset` first: each feature has its rules in `flow.rs`, its statements in `store.rs`, its handlers
//! in `http.rs`.

pub mod accounts;
pub mod app;
pub mod base;
pub mod caller;
pub mod cli;
pub mod config;
pub mod cookie_sessions;
pub mod db;
pub mod docs;
pub mod error;
pub mod files;
pub mod health;
pub mod http;
pub mod knox;
pub mod mail;
pub mod one_time_tokens;
pub mod opaque_tokens;
pub mod pages;
pub mod password_reset;
pub mod passwords;
pub mod registration;
pub mod routes;
pub mod server;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod signing_keys;
pub mod templates;
pub mod verification;
pub mod worker;
