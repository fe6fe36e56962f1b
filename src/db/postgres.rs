//! PostgreSQL: a pool whose connections live on the shared runtime, with TLS by rustls.
//!
//! TLS follows libpq's `sslmode`, only stricter: every TLS connection verifies certificate and host name, against
//! `sslrootcert` (a PEM file) or the system's roots. Without `sslmode` (or with `prefer`, which cannot be verified
//! and safe at once) a loopback host or a socket is spoken to in the clear and any other host by TLS; only
//! `sslmode=disable` sends a password over a network in the clear.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::DatabaseErrorKind;
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Options;
use crate::error::{Error, Result};

/// How long to wait for a connection, for the network to take what was sent, or for a statement.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for the server's side, so that a statement that nobody waits for ends there too.
const SERVER_LIMITS: &str = "SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '30s'";
/// After that long without traffic the other side is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) fn pool(url: &str, options: &Options) -> Result<Pool<AsyncPgConnection>> {
    let connector = Arc::new(Connector::new(url)?);
    // A connection's driver must outlive the Actix worker that happens to ask for it first.
    let runtime = tokio::runtime::Handle::current();
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let connector = Arc::clone(&connector);
        let task = runtime.spawn(async move {
            let mut conn = connector.connect().await?;
            conn.batch_execute(SERVER_LIMITS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        });
        Box::pin(async move {
            task.await.unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    Pool::builder(manager)
        .max_size(options.pool_size)
        .build()
        .map_err(|error| Error::internal(error.to_string()))
}

/// Opens one connection outside any pool, on the current runtime.
pub(super) async fn connect(url: &str) -> Result<AsyncPgConnection> {
    Connector::new(url)?.connect().await.map_err(|error| Error::unavailable(error.to_string()))
}

/// Waits [`PATIENCE`] for a statement; beyond, its connection counts as closed. A server that is stopped, or a lock that
/// nobody gives back, must not hold a request for ever.
///
/// # Errors
/// What the statement says, or that it took too long.
pub async fn in_time<T>(statement: impl Future<Output = QueryResult<T>>) -> QueryResult<T> {
    tokio::time::timeout(PATIENCE, statement).await.unwrap_or_else(|_| {
        let text = "a statement took too long".to_owned();
        Err(diesel::result::Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(text)))
    })
}

/// A connection on loan. If the server has closed it, it does not go back, and the idle ones, which died with it,
/// leave the pool too: one request meets a restart of the database, not one for each connection.
pub struct Lease {
    object: Option<Object<AsyncPgConnection>>,
    is_closed: bool,
}

impl Lease {
    pub(super) fn new(object: Object<AsyncPgConnection>) -> Self {
        Self { object: Some(object), is_closed: false }
    }

    /// The connection itself. Hand the outcome of each use to [`Lease::judge`].
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        match &mut self.object {
            Some(object) => object,
            None => unreachable!("a lease that ended cannot be borrowed"),
        }
    }

    /// Notes whether the connection is gone.
    pub fn judge<T>(&mut self, outcome: &QueryResult<T>) {
        let Err(error) = outcome else { return };
        self.is_closed |= match error {
            diesel::result::Error::DatabaseError(kind, info) => {
                matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand)
                    || info.message().contains("connection closed")
                    || info.message().contains("terminating connection")
            }
            _ => false,
        };
    }

    pub(super) async fn execute(&mut self, statement: &str) -> Result<()> {
        let outcome = in_time(self.connection().batch_execute(statement)).await;
        self.judge(&outcome);
        Ok(outcome?)
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn close(mut self) {
        drop(self.object.take().map(Object::take));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| self.is_closed) {
            if let Some(pool) = Object::pool(&object) {
                pool.retain(|_, _| false);
            }
            drop(Object::take(object));
        }
    }
}

/// Everything that is needed to open a connection, parsed once.
struct Connector {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    fn new(url: &str) -> Result<Self> {
        let (url, root_certificate, verify) = take_tls_parameters(url);
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|_| Error::internal("the PostgreSQL URL cannot be parsed"))?;
        if verify {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            let local = config.get_hosts().iter().all(is_local);
            config.ssl_mode(if local { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        // A server that vanished without a word must not hold a request for minutes.
        config.tcp_user_timeout(PATIENCE);
        config.keepalives_idle(KEEPALIVE);
        if config.get_application_name().is_none() {
            config.application_name("usher");
        }
        let tls = MakeRustlsConnect::new(client_config(root_certificate)?);
        Ok(Self { config, tls })
    }

    async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        // `connect_timeout` is for one host and ends with TCP; a server that takes the connection may still be silent.
        let each = self.config.get_connect_timeout().copied().unwrap_or(PATIENCE);
        let hosts = u32::try_from(self.config.get_hosts().len()).unwrap_or(1).max(1);
        let outcome = tokio::time::timeout(each * hosts, self.config.connect(self.tls.clone())).await;
        let failed = |cause: String| {
            ConnectionError::BadConnection(format!("cannot use the database at {}: {cause}", self.place()))
        };
        let (client, driver) = outcome
            .map_err(|_| failed("it does not answer".to_owned()))?
            .map_err(|error| failed(describe(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, driver).await
    }

    /// `host:port` of each server, for messages.
    fn place(&self) -> String {
        let ports = self.config.get_ports();
        let name = |(index, host): (usize, &Host)| {
            // One port is for all hosts.
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => path.display().to_string(),
            }
        };
        self.config.get_hosts().iter().enumerate().map(name).collect::<Vec<_>>().join(", ")
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// tokio-postgres prints only "error connecting to server"; the cause says why. Neither holds the password.
fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Takes `sslrootcert` and the modes that tokio-postgres does not know out of the URL.
fn take_tls_parameters(url: &str) -> (String, Option<PathBuf>, bool) {
    let Some((base, query)) = url.split_once('?') else {
        return (url.to_owned(), None, false);
    };
    let mut root_certificate = None;
    let mut verify = false;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("sslrootcert", path)) => {
                root_certificate = Some(PathBuf::from(percent_decode(path)));
                false
            }
            Some(("sslmode", "verify-ca" | "verify-full")) => {
                verify = true;
                false
            }
            _ => true,
        })
        .collect();
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, root_certificate, verify)
}

fn percent_decode(text: &str) -> String {
    match serde_html_form::from_str::<Vec<(String, String)>>(&format!("v={}", text.replace('+', "%2B"))) {
        Ok(pairs) => pairs.into_iter().map(|(_, value)| value).collect(),
        Err(_) => text.to_owned(),
    }
}

fn client_config(root_certificate: Option<PathBuf>) -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    match root_certificate {
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                Error::internal(format!("sslrootcert {}: {error}", path.display()))
            };
            for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it holds no certificate"));
            }
        }
        // A few unreadable system certificates must not keep the server from starting.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_parameters_leave_the_url() {
        let (url, root, verify) = take_tls_parameters(
            "postgres://u@h/d?sslmode=verify-full&sslrootcert=%2Fca.pem&application_name=x",
        );
        assert_eq!(url, "postgres://u@h/d?application_name=x");
        assert_eq!(root, Some(PathBuf::from("/ca.pem")));
        assert!(verify);
        let (url, root, verify) = take_tls_parameters("postgres://u@h/d?sslmode=require");
        assert_eq!((url.as_str(), root, verify), ("postgres://u@h/d?sslmode=require", None, false));
    }
}
