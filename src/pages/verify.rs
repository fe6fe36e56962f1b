//! `/verify`: the page of the mailed link, whose button verifies, and the form for another mail.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::json;

use super::error_page::errors_as_pages;
use super::{form, page};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::caller::{Anyone, Caller};
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::origin;
use crate::one_time_tokens::LinkState;
use crate::verification::{self, Outcome};

/// The page of a verification link
///
/// Changes nothing: mail scanners open links.
#[utoipa::path(
    operation_id = "show_verify", tag = "Pages", security(()),
    params(("token" = Option<String>, Query, description = "The token of the link",
        example = "eyJ0eXAiOiJ2ZXJpZnkrand0IiwiYWxnIjoiSFMyNTYifQ...")),
    responses(
        (status = 200, description = "The button, or why the link does not work", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/verify", wrap = "from_fn(errors_as_pages)")]
pub async fn show_verify(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    let token = form::token_of(&request);
    let outcome = verification::state(&app, &token).await?;
    show(&app, caller.as_ref(), StatusCode::OK, &outcome, &token)
}

/// Verify an address by the button
#[utoipa::path(
    operation_id = "submit_verify", tag = "Pages", security(()),
    request_body(content = verification::http::TokenOnly, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The address is verified, now or before", body = String, content_type = "text/html"),
        (status = 400, description = "Why the link does not work", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/verify", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_verify(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let token = form::typed(&mut body.form()?, "token");
    let outcome = verification::verify(&app, &token).await?;
    let status = match outcome {
        Outcome::Refused(_) => StatusCode::BAD_REQUEST,
        Outcome::Verified(_) | Outcome::AlreadyVerified => StatusCode::OK,
    };
    show(&app, caller.as_ref(), status, &outcome, &token)
}

/// Ask for another verification mail by the form
///
/// Always says the same, whoever asks and for whom.
#[utoipa::path(
    operation_id = "resend_verification", tag = "Pages", security(()),
    request_body(content = verification::http::EmailOnly, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Look into the mailbox", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/verify/resend", wrap = "from_fn(errors_as_pages)")]
pub async fn resend_verification(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let typed = form::typed(&mut body.form()?, "email");
    if let Ok(email) = EmailAddress::parse(&typed) {
        verification::request(&app, &email, &client).await?;
    }
    page(&app, caller.as_ref(), StatusCode::OK, "verify_resent", json!({}))
}

fn show(
    app: &App,
    caller: Option<&Caller>,
    status: StatusCode,
    outcome: &Outcome,
    token: &str,
) -> Result<HttpResponse> {
    let is_ready = matches!(outcome, Outcome::Refused(LinkState::Ready));
    let own = json!({"state": outcome.as_str(), "token": is_ready.then_some(token)});
    page(app, caller, status, "verify", own)
}
