//! A transaction as a value: it commits once, by hand, or not at all.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object as Managed;
use diesel_async::SimpleAsyncConnection;

use super::Conn;
use crate::error::Result;

/// An open transaction. Dropped without [`Tx::commit`] or [`Tx::rollback`] (an early return, a panic, a client that
/// went away) it takes its connection out of the pool and closes it, which rolls back: nothing can bleed into the
/// next transaction.
pub struct Tx {
    conn: Option<Conn>,
}

impl Tx {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn: Some(conn) }
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
