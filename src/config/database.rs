//! How the database is used; where it is stands in `database_url`.

use std::time::Duration;

use super::table::{choice, duration, flag, minutes, number, section};
use super::value::choices;

choices! {
    /// What SQLite promises about an acknowledged change.
    Synchronous {
        /// Survives a crash or `kill -9` of the server. A power cut may lose the last changes,
        /// but never damages the file.
        #[default]
        Normal = "normal",
        /// Survives a power cut as well; every change waits for the disk.
        Full = "full",
    }
}

section! {
    /// How the database is used.
    Database in "database." {
        /// PostgreSQL connections, or SQLite readers (its writer is always one).
        pool_size: u32 = number("10", 1, 1000, "connections");
        /// Longest wait for a connection; beyond, the answer is 503.
        acquire_timeout: Duration = duration("5s", Duration::from_millis(100), minutes(5));
        /// What SQLite promises about an acknowledged change: `normal` survives a crash or
        /// `kill -9` of the server, but a power cut may lose the last changes (never the file);
        /// `full` survives a power cut too, and every change waits for the disk. PostgreSQL has
        /// its own setting, `synchronous_commit`.
        synchronous: Synchronous = choice("normal", Synchronous::NAMES);
        /// Whether `usher serve` brings the schema up to date before it listens. `false` refuses
        /// to start on an old one; run `usher migrate`.
        migrate_on_start: bool = flag("true");
    }
}
