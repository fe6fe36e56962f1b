//! The Actix server: listener, middleware, routes, graceful shutdown.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App as ActixApp, HttpServer};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::app::App;
use crate::docs::Document;
use crate::error::{Error, Result};
use crate::health::Draining;
use crate::http::fallback::{self, RouteTable};
use crate::http::headers::on_every_answer;
use crate::http::request_log::RequestSpan;
use crate::routes;

/// A server that was bound and not yet run.
pub struct Prepared {
    pub server: Server,
    pub draining: Data<Draining>,
}

/// Binds the address of the configuration, `host:port`; port 0 picks a free one.
///
/// # Errors
/// When the address cannot be had, for instance because another server uses it.
pub fn bind(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let failed = |error: std::io::Error| Error::internal(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Assembles the server. Run it on an Actix system.
///
/// # Errors
/// When the listener cannot be used.
pub fn prepare(app: Arc<App>, listener: TcpListener) -> Result<Prepared> {
    let document = routes::openapi();
    let table = Data::new(RouteTable::of(&document));
    let json = document.to_json().map_err(|error| Error::internal(error.to_string()))?;
    let document = Data::new(Document(json));
    let draining = Data::new(Draining::default());
    let http = app.config.http.clone();
    let body_limit = usize::try_from(http.body_limit).unwrap_or(usize::MAX);
    let data = Data::from(app);
    let drain = draining.clone();
    let server = HttpServer::new(move || {
        let (app, _) = ActixApp::new()
            .into_utoipa_app()
            .app_data(data.clone())
            .app_data(drain.clone())
            .app_data(table.clone())
            .app_data(document.clone())
            .app_data(PayloadConfig::new(body_limit))
            .configure(routes::all)
            .split_for_parts();
        app.default_service(web::to(fallback::handle))
            .wrap(from_fn(on_every_answer))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .keep_alive(http.keep_alive)
    .client_request_timeout(http.request_timeout)
    .client_disconnect_timeout(http.request_timeout)
    .max_connections(http.max_connections as usize)
    .shutdown_timeout(http.shutdown_timeout.as_secs())
    .disable_signals();
    let server = if http.workers == 0 { server } else { server.workers(http.workers as usize) };
    let server =
        server.listen(listener).map_err(|error| Error::internal(format!("cannot listen: {error}")))?.run();
    Ok(Prepared { server, draining })
}

/// Says 503 at `/readyz` for `delay` while everything is still answered, so that load balancers look elsewhere; then
/// stops accepting, lets running requests finish within `http.shutdown_timeout`, and ends.
pub async fn drain(handle: ServerHandle, draining: &Draining, delay: Duration) {
    draining.begin();
    tokio::time::sleep(delay).await;
    handle.stop(true).await;
}
