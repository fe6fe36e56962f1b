//! Swagger UI at `/docs/`, from files inside the binary.

use std::sync::{Arc, LazyLock};

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use utoipa_swagger_ui::Config;

use crate::error::{Error, ErrorKind, Result};
use crate::http::page::html_with_policy;

/// Swagger UI needs no inline script, and of inline styles only one constant; it calls this server and draws icons from data URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; \
                      style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
                      img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        Config::new(["/openapi.json"])
            // Asks nobody on the internet whether the document is valid.
            .validator_url("none")
            .persist_authorization(true)
            .try_it_out_enabled(true)
            .display_request_duration(true),
    )
});

/// Swagger UI
#[utoipa::path(
    operation_id = "docs", tag = "Operation", security(()),
    params(("file" = String, Path, description = "Empty for the page itself", example = "index.html")),
    responses(
        (status = 200, description = "The page, or a file that it loads", body = String, content_type = "text/html"),
        (status = 404, description = "No such file", content_type = "application/problem+json", body = crate::http::problem::Problem),
    )
)]
#[get("/docs/{file:.*}")]
pub async fn swagger_ui(file: Path<String>) -> Result<HttpResponse> {
    let found = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG))
        .map_err(|error| Error::internal(error.to_string()))?
        .ok_or(ErrorKind::NotFound)?;
    if found.content_type.starts_with("text/html") {
        return Ok(html_with_policy(StatusCode::OK, found.bytes.into_owned(), POLICY));
    }
    Ok(HttpResponse::Ok()
        .content_type(found.content_type)
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(found.bytes.into_owned()))
}
