//! SQLite: one writer, several readers, statements that run inline on the calling thread.
//!
//! Inline, because diesel_async's default hands each statement to another thread by `block_in_place`, which panics
//! inside an Actix worker, and because an indexed statement costs less than the hand-over. So only short, indexed
//! statements belong on a worker; long ones go to a blocking thread.

use std::error::Error as StdError;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, SqliteConnection};
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use futures_util::future::BoxFuture;

use super::Options;
use crate::config::Synchronous;
use crate::error::{Error, ErrorKind, Result};

/// An asynchronous face of a SQLite connection whose statements finish in one poll.
pub type SqliteConn = SyncConnectionWrapper<SqliteConnection, Inline>;

/// Runs "blocking" work right here.
pub struct Inline;

impl SpawnBlocking for Inline {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, std::result::Result<R, Box<dyn StdError + Send + Sync>>>
    where
        R: Send + 'static,
    {
        Box::pin(std::future::ready(Ok(task())))
    }

    fn get_runtime() -> Self {
        Self
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Reader,
    Writer,
}

pub(super) fn pool(path: &Path, options: &Options, role: Role) -> Result<Pool<SqliteConn>> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    let synchronous = options.synchronous;
    config.custom_setup = Box::new(move |url| {
        let conn = connect(url, role, synchronous);
        Box::pin(std::future::ready(conn.map(SqliteConn::new)))
    });
    let manager = AsyncDieselConnectionManager::new_with_config(path.to_string_lossy(), config);
    let size = if role == Role::Writer { 1 } else { options.pool_size };
    Pool::builder(manager).max_size(size).build().map_err(|error| Error::internal(error.to_string()))
}

/// Opens a connection with the pragmas of its role.
fn connect(
    path: &str,
    role: Role,
    synchronous: Synchronous,
) -> std::result::Result<SqliteConnection, ConnectionError> {
    let mut conn = SqliteConnection::establish(path)?;
    let synchronous = match synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    // A busy database blocks the worker for busy_timeout at most; longer waits are asynchronous, in `begin`.
    // Checkpoints run on a thread of their own, unless the log has grown far beyond what that thread should allow.
    let pragmas = format!(
        "PRAGMA busy_timeout = 20; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; \
         PRAGMA mmap_size = 268435456; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864; \
         PRAGMA query_only = {};",
        if role == Role::Reader { "ON" } else { "OFF" }
    );
    conn.batch_execute(&pragmas).map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    Ok(conn)
}

/// `BEGIN IMMEDIATE`, tried again for up to `patience` while another process holds the write lock.
pub(super) async fn begin(conn: &mut Object<SqliteConn>, patience: Duration) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match conn.batch_execute("BEGIN IMMEDIATE").await.map_err(Error::from) {
            Err(error) if matches!(error.kind(), ErrorKind::DatabaseUnavailable) && waited < patience => {
                tokio::time::sleep(PAUSE).await;
                // busy_timeout was spent as well.
                waited += PAUSE + Duration::from_millis(20);
            }
            outcome => return outcome,
        }
    }
}

/// Copies the write-ahead log into the database without waiting for anybody; the next writer then starts it anew.
pub(super) fn checkpoint(path: &Path) -> Result<()> {
    let path = path.to_string_lossy();
    let mut conn = connect(&path, Role::Writer, Synchronous::Normal)
        .map_err(|error| Error::from(ErrorKind::DatabaseUnavailable).caused_by(error.to_string()))?;
    conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(())
}
