//! The configuration: flag > environment > TOML file > default.
//!
//! Every key is declared once, in the file of its section, with its meaning, limits and default
//! (`table.rs` says how); everything else follows from that. [`load`] collects all faults and
//! never guesses: what is unknown or out of range stops the start. Secrets are typed
//! `SecretString` and masked wherever a configuration is shown.
//!
//! Nothing here opens files other than `usher.toml` and those that `…_FILE` variables name.

mod accounts;
mod cookies;
mod database;
mod duration;
mod fault;
mod file;
mod flags;
mod http;
mod jwt;
mod keys;
mod limits;
mod links;
mod load;
mod log;
mod mail;
mod mailbox;
mod passwords;
mod production;
mod reference;
mod server;
mod sessions;
mod setup;
mod sources;
mod table;
mod tokens;
mod transport;
mod url;
mod value;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use secrecy::SecretString;

pub use accounts::Accounts;
pub use cookies::{CookieSecure, Cookies};
pub use database::{Database, Synchronous};
pub use fault::{Fault, Faults, Source};
pub use flags::Flags;
pub use http::Http;
pub use jwt::{Jwt, JwtAlgorithm};
pub use keys::Keys;
pub use limits::Limits;
pub use links::Links;
pub use load::{Loaded, Origin, check, load};
pub use log::{Log, LogFormat};
pub use mail::Mail;
pub use passwords::Passwords;
pub use production::check_production;
pub use reference::{reference, template};
pub use server::Profile;
pub use sessions::Sessions;
pub use setup::Setup;
pub use sources::DEFAULT_FILE;
pub use table::{Key, SECTIONS, Secrecy, Section, Spec};
pub use tokens::Tokens;
pub use transport::{SmtpServer, SmtpTls, Transport, outbox_folder};
pub use value::{Rule, Value};

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on, `host:port`; IPv6 in brackets; port 0 picks a free one.
    pub bind: String,
    /// URL under which people reach the server, in the form of an origin: lower case, no default
    /// port, no path, no slash at the end.
    pub public_url: String,
    /// Folder of the SQLite file, `secrets/` and `outbox/`.
    pub data_dir: PathBuf,
    /// `sqlite://path` or `postgres://…`.
    pub database_url: SecretString,
    /// Which defaults apply; they are in the other fields already.
    pub profile: Profile,
    /// Who may open an account.
    pub accounts: Accounts,
    /// Access tokens.
    pub jwt: Jwt,
    /// How long people stay signed in.
    pub sessions: Sessions,
    /// The session cookie.
    pub cookies: Cookies,
    /// How long mailed links live.
    pub links: Links,
    /// What a password must be, and what hashing may cost.
    pub passwords: Passwords,
    /// How mails leave.
    pub mail: Mail,
    /// How the database is used.
    pub database: Database,
    /// Limits of the HTTP server.
    pub http: Http,
    /// Opaque tokens.
    pub tokens: Tokens,
    /// The switch of the rate limits.
    pub limits: Limits,
    /// The keys behind signatures and stored secrets.
    pub keys: Keys,
    /// The first superuser.
    pub setup: Setup,
    /// What is logged.
    pub log: Log,
}

impl Config {
    fn from_values(values: &value::Values) -> Self {
        let server = server::Server::from_values(values);
        Self {
            bind: server.bind,
            public_url: server.public_url,
            data_dir: server.data_dir,
            database_url: server.database_url,
            profile: server.profile,
            accounts: Accounts::from_values(values),
            jwt: Jwt::from_values(values),
            sessions: Sessions::from_values(values),
            cookies: Cookies::from_values(values),
            links: Links::from_values(values),
            passwords: Passwords::from_values(values),
            mail: Mail::from_values(values),
            database: Database::from_values(values),
            http: Http::from_values(values),
            tokens: Tokens::from_values(values),
            limits: Limits::from_values(values),
            keys: Keys::from_values(values),
            setup: Setup::from_values(values),
            log: Log::from_values(values),
        }
    }

    /// Whether bind address and public URL are both loopback: local mode, in which the comforts
    /// of the first five minutes are allowed.
    pub fn is_local(&self) -> bool {
        let bind_host = url::host_and_port(&self.bind).map(|(host, _)| host).unwrap_or_default();
        url::is_loopback(&bind_host) && url::is_loopback(&self.public_host())
    }

    /// Whether people reach the server by https.
    pub fn uses_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Puts the port that the system chose into a public URL that says port 0, as the default
    /// does when `bind` says so. Others stay as they are.
    pub fn set_bound_port(&mut self, port: u16) {
        if let Some(stem) = self.public_url.strip_suffix(":0") {
            self.public_url = format!("{stem}:{port}");
        }
    }

    /// Host of the public URL; IPv6 without brackets.
    fn public_host(&self) -> String {
        url::parse(&self.public_url).map(|url| url.host).unwrap_or_default()
    }
}

impl Default for Config {
    /// All defaults of the compatible profile; reads neither files nor the environment.
    fn default() -> Self {
        load::assemble(sources::Given::default()).0.config
    }
}
