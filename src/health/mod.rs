//! `GET /livez` and `GET /readyz`: for load balancers and for operators.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::db::migrate;
use crate::error::{ErrorKind, Result};
use crate::http::problem::{Problem, RETRY_SECONDS};

/// Set when the server begins to drain, so that load balancers send nothing new.
#[derive(Default)]
pub struct Draining(AtomicBool);

impl Draining {
    /// From now on the server is not ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Each part of readiness: `ok` or what is wrong.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    #[schema(example = "ok")]
    pub database: &'static str,
    #[schema(example = "ok")]
    pub migrations: &'static str,
    #[schema(example = "ok")]
    pub keys: &'static str,
    #[schema(example = "ok")]
    pub server: &'static str,
}

/// Why the server cannot do its work: a problem with the members of [`Readiness`].
#[derive(Serialize, ToSchema)]
pub struct NotReady {
    #[serde(flatten)]
    problem: Problem,
    #[serde(flatten)]
    readiness: Readiness,
}

/// Whether the process lives
///
/// 200 as long as the process answers. Restart it when it does not.
#[utoipa::path(
    operation_id = "livez", tag = "Operation", security(()),
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain", example = json!("ok")))
)]
#[get("/livez")]
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether the server can do its work
///
/// 200 when the database answers, has all migrations, and the signing keys are read; 503 with the same members
/// otherwise, and while the server drains.
#[utoipa::path(
    operation_id = "readyz", tag = "Operation", security(()),
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready", body = NotReady, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
pub async fn readyz(app: Data<App>, draining: Data<Draining>) -> HttpResponse {
    let (database, migrations) = match current(&app).await {
        Ok(true) => ("ok", "ok"),
        Ok(false) => ("ok", "pending"),
        Err(_) => ("unavailable", "unknown"),
    };
    let readiness = Readiness {
        database,
        migrations,
        keys: if app.keys().is_ok() { "ok" } else { "missing" },
        server: if draining.is_on() { "draining" } else { "ok" },
    };
    let is_ready = [readiness.database, readiness.migrations, readiness.keys, readiness.server]
        .iter()
        .all(|part| *part == "ok");
    if is_ready {
        return HttpResponse::Ok().json(readiness);
    }
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, RETRY_SECONDS))
        .insert_header((CONTENT_TYPE, "application/problem+json"))
        .body(
            serde_json::to_string(&NotReady { problem: Problem::of(&ErrorKind::NotReady), readiness })
                .unwrap_or_default(),
        )
}

async fn current(app: &App) -> Result<bool> {
    let mut conn = app.db.read().await?;
    migrate::is_current(&mut conn).await
}
