pub mod base;
pub mod cli;
pub mod config;
pub mod mail;
pub mod templates;
