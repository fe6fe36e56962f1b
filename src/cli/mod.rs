//! The commands of the `usher` binary, one file each.

pub mod config;
