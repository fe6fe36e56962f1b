//! `/setup`: the first superuser, by the link that the operator was shown.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::error_page::errors_as_pages;
use super::{form, page};
use crate::app::App;
use crate::caller::Anyone;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::origin;
use crate::one_time_tokens::LinkState;
use crate::setup::{self, Setup};

/// The token of the setup link, an address and a password.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct SetupForm {
    /// What stands behind `token=` in the link.
    #[schema(example = "eyJ0eXAiOiJzZXR1cCtqd3QiLCJhbGciOiJIUzI1NiJ9...")]
    token: String,
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    #[schema(format = "password", example = "correct horse battery")]
    password: String,
}

/// The page of the setup link
#[utoipa::path(
    operation_id = "show_setup", tag = "Pages", security(()),
    params(("token" = Option<String>, Query, description = "The token of the link",
        example = "eyJ0eXAiOiJzZXR1cCtqd3QiLCJhbGciOiJIUzI1NiJ9...")),
    responses(
        (status = 200, description = "The form, or why the link does not work", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/setup", wrap = "from_fn(errors_as_pages)")]
pub async fn show_setup(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    let own = form_or_state(&app, &form::token_of(&request), "", Value::Null).await?;
    page(&app, caller.as_ref(), StatusCode::OK, "setup", own)
}

/// Create the first superuser by the form
///
/// A refused address or password does not use the link up.
#[utoipa::path(
    operation_id = "submit_setup", tag = "Pages", security(()),
    request_body(content = SetupForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The superuser was created", body = String, content_type = "text/html"),
        (status = 400, description = "The form again, or why the link does not work", body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/setup", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_setup(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let mut fields = body.form()?;
    let token = form::typed(&mut fields, "token");
    let typed = form::typed(&mut fields, "email");
    let (email, password) = (form::email(&mut fields, "email", &typed), fields.secret("password"));
    let outcome = match fields.finish(email.zip(password)) {
        Ok((email, password)) => setup::complete(&app, &token, &email, &password).await,
        Err(error) => Err(error),
    };
    let (status, own) = match outcome {
        Ok(Ok(_)) => (StatusCode::OK, json!({"state": "done"})),
        Ok(Err(state)) => (StatusCode::BAD_REQUEST, json!({"state": name(state)})),
        Err(error) => {
            (StatusCode::BAD_REQUEST, form_or_state(&app, &token, &typed, form::refusal(error)?).await?)
        }
    };
    page(&app, caller.as_ref(), status, "setup", own)
}

/// The form while the link is good, else why it is not.
async fn form_or_state(app: &App, token: &str, email: &str, error: Value) -> Result<Value> {
    Ok(match setup::state(app, token).await? {
        Setup::Link(LinkState::Ready) => json!({
            "state": LinkState::Ready.as_str(),
            "token": token,
            "email": email,
            "min_password_length": app.policy.min_length,
            "error": error,
        }),
        state => json!({"state": name(state)}),
    })
}

/// The name that the template uses.
fn name(state: Setup) -> &'static str {
    match state {
        Setup::Link(state) => state.as_str(),
        Setup::Unavailable => "unavailable",
    }
}
