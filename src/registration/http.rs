//! `POST /auth/register`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa::ToSchema;

use super::flow;
use crate::accounts::UserRead;
use crate::app::App;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::Problem;

/// An address and a password.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct Register {
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    /// At least `passwords.min_length` characters, at most 1,024 bytes, no common password.
    #[schema(format = "password", example = "correct horse battery")]
    password: String,
}

/// Register a new account
///
/// Opens an active, unverified account and queues the verification mail. Signs nobody in. Other members of the body
/// are ignored.
#[utoipa::path(
    operation_id = "register",
    tag = "Registration and verification",
    security(()),
    request_body(content = Register),
    responses(
        (status = 201, description = "The new account", body = UserRead),
        (status = 400, description = "The password is refused (checked first) or the address is taken",
            content_type = "application/problem+json", body = Problem, example = json!({
                "type": "/problems/user-already-exists", "title": "There is an account with this email address.",
                "status": 400, "detail": "REGISTER_USER_ALREADY_EXISTS"})),
        (status = 403, description = "Registration is closed", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
        (status = 422, description = "Fields are missing or not valid", content_type = "application/problem+json",
            body = Problem),
        (status = 503, description = "Busy, try again", content_type = "application/problem+json", body = Problem),
    )
)]
#[post("/auth/register")]
pub async fn register(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let (email, password) = (fields.email("email"), fields.secret("password"));
    for ignored in ["is_active", "is_superuser", "is_verified"] {
        fields.optional_bool(ignored);
    }
    let (email, password) = fields.finish(email.zip(password))?;
    let user = flow::register(&app, &email, &password, &client).await?;
    Ok(HttpResponse::Created().json(UserRead::from(user)))
}
