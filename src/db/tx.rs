//! A transaction as a value: it commits once, by hand, or not at all.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::Object as Managed;
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::deadpool::Object;

use super::{Conn, Lease, SqliteConn, sqlite};
use crate::error::Result;

/// An open transaction. Dropped without [`Tx::commit`] or [`Tx::rollback`] (an early return, a panic, a client that
/// went away) it takes its connection out of the pool and closes it, which rolls back: nothing can bleed into the
/// next transaction.
pub struct Tx {
    conn: Option<Conn>,
}

impl Tx {
    /// Begins on PostgreSQL. The guard stands before the statement: dropped in between, the connection is closed too.
    pub(super) async fn begin(lease: Lease) -> Result<Self> {
        let mut tx = Self { conn: Some(Conn::Postgres(lease)) };
        if let Conn::Postgres(lease) = &mut *tx {
            lease.execute("BEGIN").await?;
        }
        Ok(tx)
    }

    /// Begins on SQLite, where others are waited for up to `patience`.
    pub(super) async fn begin_immediate(conn: Object<SqliteConn>, patience: Duration) -> Result<Self> {
        let mut tx = Self { conn: Some(Conn::Sqlite(conn)) };
        if let Conn::Sqlite(conn) = &mut *tx {
            sqlite::begin(conn, patience).await?;
        }
        Ok(tx)
    }

    /// Makes everything durable and visible. After an error nothing is known to be so.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::DatabaseUnavailable`] and what the database says.
    pub async fn commit(self) -> Result<()> {
        self.end("COMMIT").await
    }

    /// Undoes everything and keeps the connection: for refusals that are part of the day's work.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn rollback(self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    /// Lets one transaction at a time go on from here, of those that ask with the same number. SQLite has one writer.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn take_turn(&mut self, number: i64) -> Result<()> {
        match &mut **self {
            Conn::Postgres(lease) => lease.execute(&format!("SELECT pg_advisory_xact_lock({number})")).await,
            Conn::Sqlite(_) => Ok(()),
        }
    }

    async fn end(mut self, statement: &str) -> Result<()> {
        if let Some(conn) = &mut self.conn {
            match conn {
                Conn::Postgres(lease) => lease.execute(statement).await?,
                Conn::Sqlite(conn) => conn.batch_execute(statement).await?,
            }
        }
        // Only now may the connection go back to its pool.
        drop(self.conn.take());
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        match self.conn.take() {
            Some(Conn::Postgres(lease)) => lease.close(),
            Some(Conn::Sqlite(object)) => drop(Managed::take(object)),
            None => {}
        }
    }
}

// `conn` is `None` only inside `end` and `drop`, which consume the value.
impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        match &self.conn {
            Some(conn) => conn,
            None => unreachable!("a transaction that ended cannot be borrowed"),
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        match &mut self.conn {
            Some(conn) => conn,
            None => unreachable!("a transaction that ended cannot be borrowed"),
        }
    }
}
