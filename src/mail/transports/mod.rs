//! The ways a mail can leave: a folder, SMTP, or the memory of a test.
//!
//! A transport makes one attempt and says how it ended; when to try again is the worker's business. It may be called
//! from many tasks at once.

mod folder;
mod memory;
mod smtp;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Outgoing;
use crate::config;

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

/// The configured transport. Touches no network; `timeout` bounds one attempt from connecting to the server's last word.
///
/// # Errors
/// When the file of trusted authorities cannot be used.
pub fn transport(
    configured: config::Transport,
    data_dir: &Path,
    timeout: Duration,
) -> Result<Arc<dyn Transport>, String> {
    Ok(match configured {
        config::Transport::Outbox { folder } => {
            Arc::new(folder::Folder::new(config::outbox_folder(folder, data_dir)))
        }
        config::Transport::Smtp(server) => Arc::new(smtp::Smtp::new(server, timeout)?),
    })
}

#[cfg(test)]
mod tests;
