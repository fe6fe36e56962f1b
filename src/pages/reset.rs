//! `/forgot-password`, `/reset-password` and `/invitation`: a mailed link and a new password.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};

use super::error_page::errors_as_pages;
use super::{form, logout, page, see_other};
use crate::app::App;
use crate::caller::{Anyone, Caller};
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::origin;
use crate::one_time_tokens::LinkState;
use crate::password_reset::{self, Reset};
use crate::verification::http::EmailOnly;

/// The page to ask for a reset mail
#[utoipa::path(
    operation_id = "show_forgot_password", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The form", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/forgot-password", wrap = "from_fn(errors_as_pages)")]
pub async fn show_forgot_password(app: Data<App>, Anyone(caller): Anyone) -> Result<HttpResponse> {
    let email = caller.as_ref().map(|caller| &caller.user.email);
    let own = json!({"email": email, "error": null});
    page(&app, caller.as_ref(), StatusCode::OK, "forgot_password", own)
}

/// Ask for a reset mail by the form
///
/// Says the same for every address.
#[utoipa::path(
    operation_id = "submit_forgot_password", tag = "Pages", security(()),
    request_body(content = EmailOnly, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Look into the mailbox", body = String, content_type = "text/html"),
        (status = 400, description = "The form again: what was typed is no address", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/forgot-password", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_forgot_password(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let mut fields = body.form()?;
    let typed = form::typed(&mut fields, "email");
    let email = form::email(&mut fields, "email", &typed);
    match fields.finish(email) {
        Ok(email) => {
            password_reset::request(&app, &email, &client).await?;
            page(&app, caller.as_ref(), StatusCode::OK, "forgot_password_done", json!({}))
        }
        Err(error) => {
            let own = json!({"email": typed, "error": form::refusal(error)?});
            page(&app, caller.as_ref(), StatusCode::BAD_REQUEST, "forgot_password", own)
        }
    }
}

/// The page of a reset link
///
/// Changes nothing: mail scanners open links.
#[utoipa::path(
    operation_id = "show_reset_password", tag = "Pages", security(()),
    params(("token" = Option<String>, Query, description = "The token of the link",
        example = "eyJ0eXAiOiJyZXNldF9wYXNzd29yZCtqd3QiLCJhbGciOiJIUzI1NiJ9...")),
    responses(
        (status = 200, description = "The form, or why the link does not work", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/reset-password", wrap = "from_fn(errors_as_pages)")]
pub async fn show_reset_password(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    show_link(&app, caller.as_ref(), "reset_password", &form::token_of(&request)).await
}

/// Set a new password by the form
///
/// Ends every session of the account and takes this browser's cookie away. A refused password does not use the link up.
#[utoipa::path(
    operation_id = "submit_reset_password", tag = "Pages", security(()),
    request_body(content = password_reset::http::ResetPassword, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The password was changed", body = String, content_type = "text/html"),
        (status = 400, description = "The form again, or why the link does not work", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/reset-password", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_reset_password(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    set_password(&app, caller.as_ref(), "reset_password", &client, body).await
}

/// The page of an invitation
///
/// Changes nothing: mail scanners open links.
#[utoipa::path(
    operation_id = "show_invitation", tag = "Pages", security(()),
    params(("token" = Option<String>, Query, description = "The token of the link",
        example = "eyJ0eXAiOiJpbnZpdGF0aW9uK2p3dCIsImFsZyI6IkhTMjU2In0...")),
    responses(
        (status = 200, description = "The form, or why the link does not work", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/invitation", wrap = "from_fn(errors_as_pages)")]
pub async fn show_invitation(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    show_link(&app, caller.as_ref(), "invitation", &form::token_of(&request)).await
}

/// Set the first password by the form
///
/// Proves the address too. A refused password does not use the link up.
#[utoipa::path(
    operation_id = "submit_invitation", tag = "Pages", security(()),
    request_body(content = password_reset::http::ResetPassword, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The password is set", body = String, content_type = "text/html"),
        (status = 400, description = "The form again, or why the link does not work", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/invitation", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_invitation(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    set_password(&app, caller.as_ref(), "invitation", &client, body).await
}

/// Where to change a password
///
/// Password managers send people here (W3C, A Well-Known URL for Changing Passwords).
#[utoipa::path(
    operation_id = "change_password_url", tag = "Pages", security(()),
    responses((status = 303, description = "On to the page that mails a link for a new password"))
)]
#[get("/.well-known/change-password", wrap = "from_fn(errors_as_pages)")]
pub async fn change_password_url() -> HttpResponse {
    see_other("/forgot-password")
}

async fn show_link(app: &App, caller: Option<&Caller>, name: &str, token: &str) -> Result<HttpResponse> {
    let own = form_or_state(app, token, Value::Null).await?;
    page(app, caller, StatusCode::OK, name, own)
}

async fn set_password(
    app: &App,
    caller: Option<&Caller>,
    name: &str,
    client: &Client,
    body: Body,
) -> Result<HttpResponse> {
    let mut fields = body.form()?;
    let token = form::typed(&mut fields, "token");
    let password = fields.secret("password");
    let outcome = match fields.finish(password) {
        Ok(password) => password_reset::reset(app, &token, &password, client).await,
        Err(error) => Err(error),
    };
    let own = match outcome {
        Ok(Reset::Done) => {
            let done = page(app, None, StatusCode::OK, name, json!({"state": "done"}))?;
            return logout::signed_out(app, done);
        }
        Ok(Reset::Refused(state)) => json!({"state": state.as_str()}),
        Err(error) => form_or_state(app, &token, form::refusal(error)?).await?,
    };
    page(app, caller, StatusCode::BAD_REQUEST, name, own)
}

/// The form while the link is good, else why it is not.
async fn form_or_state(app: &App, token: &str, error: Value) -> Result<Value> {
    let target = password_reset::look_up(app, token).await?;
    Ok(match target.user.filter(|_| target.state == LinkState::Ready) {
        Some(user) => json!({
            "state": LinkState::Ready.as_str(),
            "token": token,
            "email": user.email,
            "min_password_length": app.policy.min_length,
            "error": error,
        }),
        None => json!({"state": target.state.as_str()}),
    })
}
