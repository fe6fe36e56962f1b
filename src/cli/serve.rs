//! `usher serve`: start, say where to go, run until told to stop, drain.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;

use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use super::failure::EXIT_UNAVAILABLE;
use super::{Failure, runtime};
use crate::app::{App, Parts};
use crate::config::{Config, LogFormat};
use crate::error::Result;
use crate::health::Draining;
use crate::{files, server, setup, worker};

pub(super) fn run(mut config: Config) -> Result<(), Failure> {
    start_log(&config, &config.log.level);
    let (listener, address) = server::bind(&config.bind)
        .map_err(|error| Failure::new(EXIT_UNAVAILABLE, error.cause().unwrap_or_default()))?;
    config.set_bound_port(address.port());
    let runtime = runtime()?;
    let app = runtime.block_on(App::build(config, Parts::default()))?;
    if runtime.block_on(setup::from_config(&app))? {
        tracing::info!("made the superuser that setup.* names");
    }
    let setup_link = runtime.block_on(setup::make_link(&app))?;
    // One of an earlier start is dead: replaced, or there is a superuser now.
    files::remove_secret(&app.config, "setup-link")?;
    let (stop, stopped) = watch::channel(false);
    let worker = runtime.spawn(worker::run(Arc::clone(&app), stopped));
    let patience = app.config.http.shutdown_timeout;

    actix_rt::System::new().block_on(async {
        let prepared = server::prepare(Arc::clone(&app), listener)?;
        // Before the word that it is ready: whoever reads that may send one.
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        announce(&app, address, setup_link.as_ref().map(|link| link.expose_secret()))?;
        let handle = prepared.server.handle();
        let draining = prepared.draining.clone();
        let delay = app.config.http.drain_delay;
        actix_rt::spawn(stop_when_told(signals, handle, draining, delay));
        prepared.server.await?;
        Ok::<(), Failure>(())
    })?;

    let _ = stop.send(true);
    runtime.block_on(async {
        if tokio::time::timeout(patience, worker).await.is_err() {
            tracing::warn!("the worker did not finish in time; its mails are sent at the next start");
        }
    });
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM drains, Ctrl+C drains without the delay for load balancers, and a second signal ends at once.
async fn stop_when_told(
    (mut terminate, mut interrupt): (Signal, Signal),
    handle: ServerHandle,
    draining: Data<Draining>,
    delay: Duration,
) {
    let delay = tokio::select! {
        _ = terminate.recv() => delay,
        _ = interrupt.recv() => Duration::ZERO,
    };
    tracing::info!("draining");
    tokio::select! {
        () = server::drain(handle.clone(), &draining, delay) => {}
        _ = terminate.recv() => handle.stop(false).await,
        _ = interrupt.recv() => handle.stop(false).await,
    }
}

/// Logs go to stderr: lines for people on a terminal, else JSON.
pub(super) fn start_log(config: &Config, level: &str) {
    let is_text = match config.log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // Actix tells of each listener and signal; that is said once, in `announce`.
    let directives =
        if level.contains([',', '=', '[']) { level.to_owned() } else { format!("{level},actix_server=warn") };
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (a test) keeps the first log.
    let _ = if is_text {
        registry.with(tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false)).try_init()
    } else {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(io::stderr)).try_init()
    };
}

/// Says where to go. The setup link is shown on a terminal only; elsewhere a private file holds it.
fn announce(app: &App, address: SocketAddr, setup_link: Option<&str>) -> Result<()> {
    let inbox = app.dev_inbox().map(|_| app.url("/dev/inbox"));
    if !io::stderr().is_terminal() {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            database = app.db.backend(),
            mail = app.mailer.name(),
            %address,
            home = app.url("/"),
            docs = app.url("/docs/"),
            signup = app.url("/signup"),
            login = app.url("/login"),
            inbox,
            "ready"
        );
        if let Some(link) = setup_link {
            let file = files::write_secret(&app.config, "setup-link", link)?;
            tracing::info!(file = %file.display(), "there is no superuser yet: open the link in this file");
        }
        return Ok(());
    }
    let mut text = format!(
        "\nUsher {} is ready ({}, {address}).\n\n  Home       {}\n  API docs   {}\n  Sign up    {}\n  Sign in    {}\n",
        env!("CARGO_PKG_VERSION"),
        app.db.backend(),
        app.url("/"),
        app.url("/docs/"),
        app.url("/signup"),
        app.url("/login"),
    );
    if let Some(inbox) = inbox {
        text.push_str(&format!("  Dev inbox  {inbox}\n"));
    }
    if let Some(link) = setup_link {
        let minutes = app.config.links.setup_ttl.as_secs() / 60;
        text.push_str(&format!(
            "\n  There is no superuser yet. Make the first (once, within {minutes} minutes):\n  {link}\n"
        ));
    }
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
}
