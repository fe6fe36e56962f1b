//! `GET /`.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde_json::json;

use super::error_page::errors_as_pages;
use super::page;
use crate::app::App;
use crate::caller::Anyone;
use crate::error::Result;

/// The start page
#[utoipa::path(
    operation_id = "home", tag = "Pages", security(()),
    responses(
        (status = 200, description = "Who is signed in, and where to go", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/", wrap = "from_fn(errors_as_pages)")]
pub async fn home(app: Data<App>, Anyone(caller): Anyone) -> Result<HttpResponse> {
    let own = json!({
        "registration_open": app.config.accounts.registration,
        "unverified": caller.as_ref().is_some_and(|caller| !caller.user.is_verified),
    });
    page(&app, caller.as_ref(), StatusCode::OK, "home", own)
}
