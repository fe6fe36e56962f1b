//! `/signup`.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};

use super::error_page::errors_as_pages;
use super::{form, page};
use crate::app::App;
use crate::caller::{Anyone, Caller};
use crate::error::{ErrorKind, Result};
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::origin;
use crate::registration;

/// The page to create an account
#[utoipa::path(
    operation_id = "show_signup", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The form, or that registration is closed", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/signup", wrap = "from_fn(errors_as_pages)")]
pub async fn show_signup(app: Data<App>, Anyone(caller): Anyone) -> Result<HttpResponse> {
    show(&app, caller.as_ref(), StatusCode::OK, "", Value::Null)
}

/// Create an account by the form
///
/// Signs nobody in; the verification mail is on its way.
#[utoipa::path(
    operation_id = "submit_signup", tag = "Pages", security(()),
    request_body(content = registration::http::Register, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The account was created", body = String, content_type = "text/html"),
        (status = 400, description = "The form again, with what is wrong", body = String, content_type = "text/html"),
        (status = 403, description = "Registration is closed, or a cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/signup", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_signup(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let mut fields = body.form()?;
    let typed = form::typed(&mut fields, "email");
    let (email, password) = (form::email(&mut fields, "email", &typed), fields.secret("password"));
    let outcome = match fields.finish(email.zip(password)) {
        Ok((email, password)) => registration::register(&app, &email, &password, &client).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(user) => page(&app, caller.as_ref(), StatusCode::OK, "signup_done", json!({"email": user.email})),
        Err(error) if *error.kind() == ErrorKind::RegistrationClosed => {
            show(&app, caller.as_ref(), StatusCode::FORBIDDEN, "", Value::Null)
        }
        Err(error) => show(&app, caller.as_ref(), StatusCode::BAD_REQUEST, &typed, form::refusal(error)?),
    }
}

fn show(
    app: &App,
    caller: Option<&Caller>,
    status: StatusCode,
    email: &str,
    error: Value,
) -> Result<HttpResponse> {
    let own = json!({
        "registration_open": app.config.accounts.registration,
        "min_password_length": app.policy.min_length,
        "email": email,
        "error": error,
    });
    page(app, caller, status, "signup", own)
}
