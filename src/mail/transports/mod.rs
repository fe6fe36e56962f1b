//! The ways a mail can leave: a folder, SMTP, or the memory of a test.
//!
//! A transport makes one attempt and says how it ended; when to try again is the worker's business. It may be called
//! from many tasks at once.

mod folder;
mod memory;
mod smtp;
mod smtp_url;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Outgoing;

pub use memory::Memory;

/// Why a mail did not leave. The texts are for the operator and are stored beside the mail: they hold neither its
/// content nor its token nor a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It will never leave like this: do not try again, show it.
    Permanent(String),
    /// It may leave later: try again with back-off.
    Temporary(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(text) | Self::Temporary(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for SendError {}

/// One way for mails to leave.
pub trait Transport: Send + Sync {
    /// Tries once to send. `Ok` means that somebody else now answers for the mail: the disk, or the mail server.
    /// Dropping the future stops the attempt; whether the mail left is then unknown.
    fn send<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<(), SendError>>;

    /// "outbox", "smtp" or "memory", for logs and metrics.
    fn name(&self) -> &'static str;
}

/// The transport of a configured `mail.transport`: `outbox` (the folder `outbox` in `data_dir`), `outbox:/some/folder`,
/// `smtp://…` or `smtps://…` (see `transports/smtp_url.rs` for what these may hold). Touches no network; `timeout`
/// bounds one attempt from connecting to the server's last word.
///
/// # Errors
/// What is wrong with `spec`, without repeating it, since it may hold a password.
pub fn transport(spec: &str, data_dir: &Path, timeout: Duration) -> Result<Arc<dyn Transport>, String> {
    if spec == "outbox" {
        return Ok(Arc::new(folder::Folder::new(data_dir.join("outbox"))));
    }
    match spec.split_once(':') {
        Some(("outbox", folder)) if !folder.is_empty() => Ok(Arc::new(folder::Folder::new(folder.into()))),
        Some(("smtp" | "smtps", _)) => Ok(Arc::new(smtp::Smtp::new(smtp_url::parse(spec)?, timeout)?)),
        _ => Err("mail transport: expected outbox, outbox:/folder, smtp://host or smtps://host".to_owned()),
    }
}

#[cfg(test)]
mod tests;
