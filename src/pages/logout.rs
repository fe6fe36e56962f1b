//! `/logout`: the page asks, its button signs out, and the same address says that it is done.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::json;

use super::error_page::errors_as_pages;
use super::{page, see_other};
use crate::app::App;
use crate::caller::Anyone;
use crate::error::{Error, Result};
use crate::http::{cookie, origin};
use crate::sessions;

/// The page to sign out
#[utoipa::path(
    operation_id = "show_logout", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The button, or that nobody is signed in", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/logout", wrap = "from_fn(errors_as_pages)")]
pub async fn show_logout(app: Data<App>, Anyone(caller): Anyone) -> Result<HttpResponse> {
    let name = if caller.is_some() { "logout" } else { "logged_out" };
    page(&app, caller.as_ref(), StatusCode::OK, name, json!({}))
}

/// Sign out by the form
///
/// Ends the session of the cookie and takes the cookie away. Other devices stay signed in.
#[utoipa::path(
    operation_id = "submit_logout", tag = "Pages", security(()),
    responses(
        (status = 303, description = "Signed out"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/logout", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_logout(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    if let Some(caller) = &caller {
        sessions::sign_out(&app, &caller.session).await?;
    }
    signed_out(&app, see_other("/logout"))
}

/// The response, with the session cookie taken away.
pub(super) fn signed_out(app: &App, mut response: HttpResponse) -> Result<HttpResponse> {
    response.add_cookie(&cookie::clear(app)).map_err(|error| Error::internal(error.to_string()))?;
    Ok(response)
}
