pub mod base;
pub mod mail;
pub mod templates;
