//! Embedded migrations, applied under a lock so that any number of starting instances can try at once.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::{Connection, SqliteConnection};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Target, postgres};
use crate::error::{Error, ErrorKind, Result};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// The key of PostgreSQL's advisory lock: "usher" in ASCII.
const LOCK: i64 = 0x75_73_68_65_72;

/// Which migrations a database has and which it still needs, by name, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
}

/// Applies what is pending and says what that was.
///
/// # Errors
/// When the database cannot be reached or a migration fails; a failed migration leaves no trace.
pub async fn up(url: &str) -> Result<Vec<String>> {
    match Target::of(url)? {
        Target::Postgres(url) => {
            let mut conn = postgres::connect(url).await?;
            advisory(&mut conn, "pg_advisory_lock").await?;
            let mut harness = AsyncMigrationHarness::new(conn);
            let applied = run(&mut harness, POSTGRES);
            let mut conn = harness.into_inner();
            advisory(&mut conn, "pg_advisory_unlock").await?;
            applied
        }
        Target::Sqlite(path) => {
            let path = path.to_owned();
            blocking(move || {
                let _lock = lock_file(&path)?;
                let mut conn = open(&path)?;
                run(&mut conn, SQLITE)
            })
            .await
        }
    }
}

/// Compares the database with the migrations of this binary. Changes nothing, but for the table of migrations.
///
/// # Errors
/// When the database cannot be reached.
pub async fn status(url: &str) -> Result<Status> {
    match Target::of(url)? {
        Target::Postgres(url) => {
            let mut harness = AsyncMigrationHarness::new(postgres::connect(url).await?);
            compare(&mut harness, POSTGRES)
        }
        Target::Sqlite(path) => {
            let path = path.to_owned();
            blocking(move || compare(&mut open(&path)?, SQLITE)).await
        }
    }
}

async fn advisory(conn: &mut diesel_async::AsyncPgConnection, function: &str) -> Result<()> {
    Ok(conn.batch_execute(&format!("SELECT {function}({LOCK})")).await?)
}

fn run<DB, H>(harness: &mut H, source: EmbeddedMigrations) -> Result<Vec<String>>
where
    DB: diesel::backend::Backend,
    H: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |error| Error::internal(format!("a migration failed: {error}"));
    let pending = harness.pending_migrations(source).map_err(failed)?;
    let mut applied = Vec::with_capacity(pending.len());
    for migration in pending {
        harness.run_migration(&*migration).map_err(failed)?;
        applied.push(migration.name().to_string());
    }
    Ok(applied)
}

fn compare<DB, H>(harness: &mut H, source: EmbeddedMigrations) -> Result<Status>
where
    DB: diesel::backend::Backend,
    H: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::unavailable(format!("cannot read the migrations: {error}"))
    };
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    let pending = harness.pending_migrations(source).map_err(failed)?;
    let pending: Vec<String> = pending.iter().map(|m| m.name().to_string()).collect();
    let mut applied: Vec<String> =
        known.iter().map(|m| m.name().to_string()).filter(|name| !pending.contains(name)).collect();
    applied.sort();
    Ok(Status { applied, pending })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(error.to_string()))?
}

/// SQLite has no advisory lock; a file beside the database is one. Released when dropped.
fn lock_file(path: &Path) -> Result<File> {
    let mut lock = PathBuf::from(path).into_os_string();
    lock.push(".migrate.lock");
    let failed = |error| Error::unavailable(format!("cannot lock the database: {error}"));
    let file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&lock).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn open(path: &Path) -> Result<SqliteConnection> {
    use diesel::connection::SimpleConnection;
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())
        .map_err(|error| Error::unavailable(error.to_string()))?;
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;")?;
    Ok(conn)
}

/// Whether the database answers and has every migration of this binary: one query, for `/readyz`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_current(conn: &mut super::Conn) -> Result<bool> {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
            run_on -> Time,
        }
    }
    let newest = newest_version();
    let found = super::on!(conn, |c| __diesel_schema_migrations::table
        .filter(__diesel_schema_migrations::version.eq(&newest))
        .count()
        .get_result::<i64>(c)
        .await);
    match found.map_err(Error::from) {
        Ok(found) => Ok(found == 1),
        // The database answers, only the table is missing.
        Err(error) if *error.kind() == ErrorKind::Internal => Ok(false),
        Err(error) => Err(error),
    }
}

/// The version of the newest migration in this binary.
fn newest_version() -> String {
    let migrations: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = SQLITE.migrations().unwrap_or_default();
    migrations.iter().map(|m| m.name().version().to_string()).max().unwrap_or_default()
}
