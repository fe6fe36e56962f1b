//! `GET /problems/{slug}`: what a problem means and what to do about it. The `type` of every error leads here.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use serde_json::json;

use crate::app::App;
use crate::error::{ErrorKind, Result};
use crate::pages;

/// What a problem means
#[utoipa::path(
    operation_id = "problem", tag = "Operation", security(()),
    params(("slug" = String, Path, description = "Last part of a problem's `type`", example = "unauthorized")),
    responses(
        (status = 200, description = "The explanation", body = String, content_type = "text/html"),
        (status = 404, description = "No such problem", content_type = "application/problem+json", body = crate::http::problem::Problem),
    )
)]
#[get("/problems/{slug}")]
pub async fn problem(app: Data<App>, slug: Path<String>) -> Result<HttpResponse> {
    let kinds: Vec<ErrorKind> = ErrorKind::all();
    let entry = kinds
        .iter()
        .map(ErrorKind::entry)
        .find(|entry| entry.slug == slug.as_str())
        .ok_or(ErrorKind::NotFound)?;
    let mut codes: Vec<&str> = kinds
        .iter()
        .map(ErrorKind::entry)
        .filter(|other| other.slug == entry.slug && !other.code.is_empty())
        .map(|other| other.code)
        .collect();
    codes.dedup();
    let own = json!({"status": entry.status, "title": entry.title, "help": entry.help.split('`').collect::<Vec<_>>(), "codes": codes});
    pages::page(&app, None, StatusCode::OK, "problem", own)
}
