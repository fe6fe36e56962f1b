//! A fresh, migrated database for each story: a copied file, or a copied database of the throw-away cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::postgres::{self, Cluster};

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that one story owns.
#[derive(Clone)]
pub struct Database(Arc<Kind>);

enum Kind {
    Sqlite { folder: TempDir },
    Postgres { cluster: &'static Cluster, name: String },
}

/// A migrated SQLite file, made once.
static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A new database. `None`: PostgreSQL is not installed, and nobody insists on it.
pub async fn create(backend: Backend) -> Option<Database> {
    let kind = match backend {
        Backend::Sqlite => {
            let template = TEMPLATE.get_or_init(make_template).await;
            let folder = tempfile::tempdir().expect("a temporary folder");
            std::fs::write(file_in(&folder), template).expect("the template can be copied");
            Kind::Sqlite { folder }
        }
        Backend::Postgres => {
            let cluster = postgres::cluster().await?;
            let name = format!("story_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
            cluster.copy_template(&name).await;
            Kind::Postgres { cluster, name }
        }
    };
    Some(Database(Arc::new(kind)))
}

impl Database {
    pub fn backend(&self) -> Backend {
        match &*self.0 {
            Kind::Sqlite { .. } => Backend::Sqlite,
            Kind::Postgres { .. } => Backend::Postgres,
        }
    }

    /// As the configuration wants it.
    pub fn url(&self) -> String {
        match &*self.0 {
            Kind::Sqlite { folder } => format!("sqlite://{}", file_in(folder).display()),
            Kind::Postgres { cluster, name } => cluster.url(name),
        }
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<PathBuf> {
        match &*self.0 {
            Kind::Sqlite { folder } => Some(file_in(folder)),
            Kind::Postgres { .. } => None,
        }
    }

    /// Takes PostgreSQL away from the server: its connections are cut, and new ones refused until `is_there` again.
    pub async fn set_reachable(&self, is_there: bool) {
        if let Kind::Postgres { cluster, name } = &*self.0 {
            cluster.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_there}")).await;
            if !is_there {
                self.cut_connections().await;
            }
        }
    }

    /// Ends every PostgreSQL connection of the server, as a restart of the database would.
    pub async fn cut_connections(&self) {
        if let Kind::Postgres { cluster, name } = &*self.0 {
            let cut =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            cluster.execute(&cut).await;
        }
    }

    /// Runs a statement beside the server, over a connection of its own.
    pub async fn execute(&self, statement: &str) {
        match &*self.0 {
            Kind::Sqlite { folder } => {
                let mut conn = connect(&file_in(folder));
                conn.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
            Kind::Postgres { cluster, name } => cluster.execute_in(name, statement).await,
        }
    }

    /// Holds the one write lock of a SQLite database until the result is dropped. `None` on PostgreSQL.
    pub fn lock(&self) -> Option<SqliteConnection> {
        let mut conn = connect(&self.file()?);
        conn.batch_execute("BEGIN IMMEDIATE").expect("the lock is free");
        Some(conn)
    }

    /// Removes it, whoever is still connected.
    pub async fn remove(&self) {
        if let Kind::Postgres { cluster, name } = &*self.0 {
            cluster.drop_database(name).await;
        }
    }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("usher.db")
}

fn connect(file: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(&file.to_string_lossy()).expect("the file can be opened");
    conn.batch_execute("PRAGMA busy_timeout = 5000").expect("a pragma");
    conn
}

async fn make_template() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = file_in(&folder);
    usher::db::migrate::up(&format!("sqlite://{}", file.display())).await.expect("the migrations apply");
    assert!(!Path::new(&format!("{}-wal", file.display())).exists(), "the template is one whole file");
    std::fs::read(file).expect("the template can be read")
}
