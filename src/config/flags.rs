//! The flags that every command takes. They win over everything else.

use std::fmt;
use std::path::PathBuf;

/// Flags of the configuration. The environment is read by the loader, not by clap, so that
/// precedence and complaints are the same for every key.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub struct Flags {
    /// Configuration file [default: usher.toml if it is there] [env: USHER_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8000] [env: USHER_BIND]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub bind: Option<String>,
    /// Folder of the SQLite file, secrets and outbox [default: data] [env: USHER_DATA_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Database [default: sqlite://<data-dir>/usher.db] [env: USHER_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// URL under which people reach the server [default: http://<bind>] [env: USHER_PUBLIC_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub public_url: Option<String>,
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags")
            .field("config", &self.config)
            .field("bind", &self.bind)
            .field("data_dir", &self.data_dir)
            .field("database_url", &self.database_url.as_deref().map(|_| "***"))
            .field("public_url", &self.public_url.as_deref().map(super::url::mask))
            .finish()
    }
}
