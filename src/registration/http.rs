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
use crate::http::problem::{BadBody, policy_sample, problems};

problems! {
    RegisterRefused: RegisterInvalidPassword(policy_sample()), RegisterUserAlreadyExists, RegistrationClosed;
}

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
        RegisterRefused,
        BadBody,
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
