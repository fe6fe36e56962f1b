//! The database: SQLite or PostgreSQL, chosen by the URL at run time, behind one query text.
//!
//! A store function takes a [`Conn`] and writes its query once inside [`on!`]. [`Db::read`] hands out a connection
//! for reads, [`Db::write`] one inside a transaction ([`Tx`]). Where the databases differ, a function of the same
//! name stands in [`sqlite`] and [`postgres`].

mod constraint;
pub mod migrate;
mod postgres;
pub mod schema;
mod sqlite;
mod tx;
pub mod types;

use std::path::Path;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};

pub use postgres::Lease;
pub(crate) use postgres::in_time;
pub use tx::Tx;

use crate::config::Synchronous;
use crate::error::{Error, ErrorKind, Result};
pub use sqlite::SqliteConn;

/// Runs one query text on whichever database the connection belongs to.
///
/// `on!(conn, |c| users::table.find(id).first::<User>(c).await)`; the body is compiled for both.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::db::Conn::Postgres(lease) => {
                let $c: &mut diesel_async::AsyncPgConnection = lease.connection();
                let outcome = $crate::db::in_time(async { $query }).await;
                lease.judge(&outcome);
                outcome
            }
            $crate::db::Conn::Sqlite(object) => {
                let $c: &mut $crate::db::SqliteConn = &mut *object;
                $query
            }
        }
    };
}
pub(crate) use on;

/// A connection on loan from a pool.
#[expect(clippy::large_enum_variant, reason = "moved once per request; a box would cost more")]
pub enum Conn {
    Postgres(Lease),
    Sqlite(Object<SqliteConn>),
}

/// Which database, how many connections, how long to wait for one.
#[derive(Clone, Debug)]
pub struct Options {
    /// PostgreSQL connections, or SQLite readers (there is always exactly one SQLite writer). At least 1.
    pub pool_size: usize,
    /// After that long without a free connection the answer is 503 (ASVS 13.2.6).
    pub acquire_timeout: Duration,
    /// What SQLite promises at a power failure.
    pub synchronous: Synchronous,
}

/// The pools of one database.
pub struct Db {
    pools: Pools,
    acquire_timeout: Duration,
}

enum Pools {
    Postgres(Pool<AsyncPgConnection>),
    Sqlite { readers: Pool<SqliteConn>, writer: Pool<SqliteConn> },
}

/// The database that a URL names.
pub(crate) enum Target<'a> {
    Postgres(&'a str),
    Sqlite(&'a Path),
}

impl<'a> Target<'a> {
    /// `sqlite://<path>`, `postgres://…` or `postgresql://…`.
    pub(crate) fn of(url: &'a str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return Ok(Self::Sqlite(Path::new(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url));
        }
        Err(Error::internal("the database URL begins with neither sqlite:// nor postgres://"))
    }
}

impl Db {
    /// Makes the pools. Connections are opened when they are first wanted, on the runtime that is current here.
    ///
    /// # Errors
    /// When the URL or its TLS settings are wrong.
    pub fn open(url: &str, options: &Options) -> Result<Self> {
        let pools = match Target::of(url)? {
            Target::Postgres(url) => Pools::Postgres(postgres::pool(url, options)?),
            Target::Sqlite(path) => Pools::Sqlite {
                readers: sqlite::pool(path, options, sqlite::Role::Reader)?,
                writer: sqlite::pool(path, options, sqlite::Role::Writer)?,
            },
        };
        Ok(Self { pools, acquire_timeout: options.acquire_timeout })
    }

    /// A connection for reads outside a transaction.
    ///
    /// # Errors
    /// [`ErrorKind::DatabaseUnavailable`] when none is to be had in time.
    pub async fn read(&self) -> Result<Conn> {
        match &self.pools {
            Pools::Postgres(pool) => Ok(Conn::Postgres(Lease::new(self.take(pool).await?))),
            Pools::Sqlite { readers, .. } => Ok(Conn::Sqlite(self.take(readers).await?)),
        }
    }

    /// A connection inside a new transaction that may write.
    ///
    /// # Errors
    /// [`ErrorKind::DatabaseUnavailable`] when no connection or no write lock is to be had in time.
    pub async fn write(&self) -> Result<Tx> {
        match &self.pools {
            Pools::Postgres(pool) => {
                match Tx::begin(Lease::new(self.take(pool).await?)).await {
                    Ok(tx) => Ok(tx),
                    // A connection that died while it was idle; its death emptied the pool, so the next is new.
                    Err(_) => Tx::begin(Lease::new(self.take(pool).await?)).await,
                }
            }
            Pools::Sqlite { writer, .. } => {
                let conn = self.take(writer).await?;
                Tx::begin_immediate(conn, self.acquire_timeout).await
            }
        }
    }

    /// `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        match &self.pools {
            Pools::Postgres(_) => "postgres",
            Pools::Sqlite { .. } => "sqlite",
        }
    }

    async fn take<C>(&self, pool: &Pool<C>) -> Result<Object<C>>
    where
        C: diesel_async::pooled_connection::PoolableConnection + Send + 'static,
        diesel_async::pooled_connection::AsyncDieselConnectionManager<C>:
            deadpool::managed::Manager<Type = C, Error = diesel_async::pooled_connection::PoolError>,
    {
        // deadpool's own wait timeout covers the queue; this one also covers opening a connection.
        match tokio::time::timeout(self.acquire_timeout, pool.get()).await {
            Ok(Ok(object)) => Ok(object),
            Ok(Err(error)) => Err(Error::from(ErrorKind::DatabaseUnavailable).caused_by(error.to_string())),
            Err(_) => Err(Error::from(ErrorKind::DatabaseUnavailable).caused_by("no connection became free")),
        }
    }
}

/// Moves what SQLite's write-ahead log holds into the database file. Blocks; nothing to do on PostgreSQL.
///
/// # Errors
/// When the database cannot be opened.
pub fn checkpoint(url: &str) -> Result<()> {
    match Target::of(url)? {
        Target::Sqlite(path) => sqlite::checkpoint(path),
        Target::Postgres(_) => Ok(()),
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::DatabaseErrorKind as Kind;
        use diesel::result::Error as Diesel;
        let kind = match &error {
            Diesel::DatabaseError(Kind::UniqueViolation, info) => match constraint::violated(&**info) {
                Some(constraint) => ErrorKind::Taken(constraint),
                None => ErrorKind::Internal,
            },
            Diesel::DatabaseError(
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::SerializationFailure,
                _,
            )
            | Diesel::BrokenTransactionManager => ErrorKind::DatabaseUnavailable,
            Diesel::DatabaseError(_, info) if is_passing(info.message()) => ErrorKind::DatabaseUnavailable,
            _ => ErrorKind::Internal,
        };
        // Diesel's text holds the driver's message, which may hold values of a row only for unique violations.
        match kind {
            ErrorKind::Taken(_) => Error::from(kind),
            kind => Error::from(kind).caused_by(error.to_string()),
        }
    }
}

/// Faults that go away by themselves: a lock, a full disk, a server that restarts.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 10] = [
        "database is locked",
        "database table is locked",
        "disk is full",
        "disk I/O error",
        "unable to open database file",
        "terminating connection",
        "the database system is",
        "connection closed",
        "deadlock detected",
        "canceling statement due to",
    ];
    PASSING.iter().any(|text| message.contains(text))
}
