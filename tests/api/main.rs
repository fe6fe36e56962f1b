//! The server as its clients see it: each file tells the stories of one feature, over HTTP and on both databases.
//!
//! A story is written once, with `story!`, and runs against the real server on SQLite and on PostgreSQL. It gets a
//! database of its own, a clock that stands still until it is moved, and a mailbox that is emptied by hand. See
//! `support/mod.rs`.

mod support;

mod house_rules;
mod pages;
mod password_reset;
mod process;
mod registration;
mod verification;
