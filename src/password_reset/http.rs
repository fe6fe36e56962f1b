//! `POST /auth/forgot-password` and `POST /auth/reset-password`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa::ToSchema;

use super::flow::{self, Reset};
use crate::app::App;
use crate::error::{ErrorKind, Result};
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::{BadBody, policy_sample, problems};
use crate::verification::http::EmailOnly;

problems! {
    ResetRefused: ResetPasswordBadToken, ResetPasswordInvalidPassword(policy_sample());
}

/// The token of a mailed link and the new password.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct ResetPassword {
    /// What stands behind `token=` in the link.
    #[schema(example = "eyJ0eXAiOiJyZXNldF9wYXNzd29yZCtqd3QiLCJhbGciOiJIUzI1NiJ9...")]
    token: String,
    #[schema(format = "password", example = "correct horse battery")]
    password: String,
}

/// Ask for a password reset mail
///
/// Always answers 202, whoever asks and for whom. A mail goes out only if the address belongs to an active account.
#[utoipa::path(
    operation_id = "forgot_password",
    tag = "Password reset",
    security(()),
    request_body(content = EmailOnly),
    responses(
        (status = 202, description = "Accepted; `null`", body = Option<String>, example = json!(null)),
        BadBody,
    )
)]
#[post("/auth/forgot-password")]
pub async fn forgot_password(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let email = fields.email("email");
    let email = fields.finish(email)?;
    flow::request(&app, &email, &client).await?;
    Ok(HttpResponse::Accepted().json(()))
}

/// Set a new password
///
/// Takes the token of a reset link or an invitation. Ends every session and every other link of the account. A
/// refused password does not use the token up.
#[utoipa::path(
    operation_id = "reset_password",
    tag = "Password reset",
    security(()),
    request_body(content = ResetPassword),
    responses(
        (status = 200, description = "Done; `null`", body = Option<String>, example = json!(null)),
        ResetRefused,
        BadBody,
    )
)]
#[post("/auth/reset-password")]
pub async fn reset_password(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let (token, password) = (fields.string("token"), fields.secret("password"));
    let (token, password) = fields.finish(token.zip(password))?;
    match flow::reset(&app, &token, &password, &client).await? {
        Reset::Done => Ok(HttpResponse::Ok().json(())),
        Reset::Refused(_) => Err(ErrorKind::ResetPasswordBadToken.into()),
    }
}
