//! `usher keys`: the keys that sign access tokens.

use std::sync::Arc;

use clap::Subcommand;

use super::{Failure, print, print_json};
use crate::app::App;
use crate::signing_keys::{self, KeyInfo};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the published keys
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Publish a new key; it signs once everybody had time to see it (keys.publish_before)
    Rotate {
        /// Sign with it at once: for an emergency, since services may not know it yet
        #[arg(long)]
        now: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: KeysCommand, app: Arc<App>) -> Result<(), Failure> {
    match command {
        KeysCommand::List { json } => show(&signing_keys::list(&app).await?, json),
        KeysCommand::Rotate { now, json } => show(&signing_keys::rotate(&app, now).await?, json),
    }
}

fn show(keys: &[KeyInfo], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&keys);
    }
    for key in keys {
        let retires = key.retires_at.map_or("-".into(), |at| at.to_string());
        print(&format!(
            "{:7}  {:5}  {}  signs from {}  retires {retires}",
            key.state, key.algorithm, key.kid, key.signs_from
        ))?;
    }
    Ok(())
}
