//! The commands of the `usher` binary, one file each. Results go to stdout, everything else to stderr.

pub mod config;
mod failure;
mod health;
mod keys;
mod mail;
mod migrate;
mod serve;
mod user;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use serde::Serialize;

pub use failure::Failure;

use crate::app::{App, Parts};
use crate::config::{Config, Flags, check};
use crate::error::Error;
use failure::EXIT_INTERNAL;

/// User management for any application.
#[derive(Debug, Parser)]
#[command(name = "usher", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without any command)
    Serve,
    /// Show or apply database migrations
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Manage accounts; works while the server runs
    #[command(subcommand)]
    User(user::UserCommand),
    /// List or rotate the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look after the outbox
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Show, check or start a configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Ask a running server whether it is ready (exit code 69 if not)
    Health,
}

/// Runs the command line and says how it ended.
pub fn run(cli: Cli) -> ExitCode {
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has had enough: no fault of ours.
        Err(failure) if failure.is_broken_pipe => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.message.lines() {
                let _ = writeln!(io::stderr(), "usher: {line}");
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let flags = &cli.flags;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(configured(flags)?),
        Command::Migrate(command) => migrate::run(&command, &configured(flags)?),
        Command::User(command) => with_app(flags, |app| user::run(command, app)),
        Command::Keys(command) => with_app(flags, |app| keys::run(command, app)),
        Command::Mail(command) => mail::run(command, flags),
        Command::Openapi => {
            let document = crate::routes::openapi()
                .to_pretty_json()
                .map_err(|error| Failure::new(EXIT_INTERNAL, error.to_string()))?;
            print(&document)
        }
        Command::Config(command) => {
            config::run(&command, flags, std::env::vars_os(), &mut io::stdout().lock())
        }
        Command::Health => health::run(&configured(flags)?),
    }
}

/// The configuration in effect, with the rules of production outside of local mode.
fn configured(flags: &Flags) -> Result<Config, Failure> {
    Ok(check(flags, std::env::vars_os(), false)?.config)
}

/// Builds the application without serving it, and runs a command on it.
fn with_app<F>(flags: &Flags, command: impl FnOnce(Arc<App>) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let config = configured(flags)?;
    serve::start_log(&config, "warn");
    runtime()?.block_on(async {
        let app = App::build(config, Parts::default()).await?;
        command(app).await
    })
}

/// The runtime that owns database connections and the worker.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("usher")
        .enable_all()
        .build()
        .map_err(Failure::from)
}

/// One line, or a document, on stdout.
fn print(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Data on stdout, for programs.
fn print_json(data: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(data).map_err(|error| Error::internal(error.to_string()))?;
    print(&text)
}
