//! `usher migrate`: what the database has, and bringing it up to date.

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::{Failure, print, print_json, runtime};
use crate::config::Config;
use crate::db::migrate;
use crate::files;

#[derive(Debug, Subcommand)]
pub(super) enum MigrateCommand {
    /// List applied and pending migrations
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Apply pending migrations
    Up {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &MigrateCommand, config: &Config) -> Result<(), Failure> {
    let url = config.database_url.expose_secret();
    files::prepare_database(url)?;
    let runtime = runtime()?;
    match command {
        MigrateCommand::Status { json } => {
            let status = runtime.block_on(migrate::status(url))?;
            if *json {
                return print_json(&status);
            }
            for name in &status.applied {
                print(&format!("applied  {name}"))?;
            }
            for name in &status.pending {
                print(&format!("pending  {name}"))?;
            }
            Ok(())
        }
        MigrateCommand::Up { json } => {
            let applied = runtime.block_on(migrate::up(url))?;
            if *json {
                return print_json(&serde_json::json!({"applied": applied}));
            }
            for name in &applied {
                print(&format!("applied  {name}"))?;
            }
            if applied.is_empty() { print("nothing to do") } else { Ok(()) }
        }
    }
}
