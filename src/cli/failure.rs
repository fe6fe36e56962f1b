//! How a command ends when it fails: an exit code of sysexits.h and a text for stderr.

use std::io;

use crate::config::Faults;
use crate::error::{Error, ErrorKind};

/// Input that is not acceptable (EX_DATAERR).
pub const EXIT_DATA: u8 = 65;
/// Somebody or something that is not there (EX_NOUSER, used for accounts, keys and mails).
pub const EXIT_NOT_FOUND: u8 = 67;
/// The database or the server cannot be reached (EX_UNAVAILABLE).
pub const EXIT_UNAVAILABLE: u8 = 69;
/// Anything else that went wrong (EX_SOFTWARE).
pub const EXIT_INTERNAL: u8 = 70;
/// A file that cannot be created (EX_CANTCREAT).
pub const EXIT_CANNOT_CREATE: u8 = 73;
/// Input or output that cannot be read or written (EX_IOERR).
pub const EXIT_IO: u8 = 74;
/// A faulty configuration (EX_CONFIG).
pub const EXIT_CONFIG: u8 = 78;

/// Why a command ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Exit code of the process.
    pub code: u8,
    /// What to print on stderr; may have several lines.
    pub message: String,
    /// The reader of the output went away.
    pub is_broken_pipe: bool,
}

impl Failure {
    /// A failure with a code of this module.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), is_broken_pipe: false }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::new(EXIT_CONFIG, faults.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let is_broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_broken_pipe, ..Self::new(EXIT_IO, format!("cannot read or write: {error}")) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::DatabaseUnavailable => EXIT_UNAVAILABLE,
            ErrorKind::NotFound => EXIT_NOT_FOUND,
            kind if kind.entry().status < 500 => EXIT_DATA,
            _ => EXIT_INTERNAL,
        };
        let message = match error.kind() {
            ErrorKind::RegisterInvalidPassword(reason) | ErrorKind::UpdateUserInvalidPassword(reason) => {
                format!("{reason}.")
            }
            kind => error.cause().unwrap_or(kind.entry().title).to_owned(),
        };
        Self::new(code, message)
    }
}
