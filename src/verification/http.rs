//! `POST /auth/request-verify-token` and `POST /auth/verify`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa::ToSchema;

use super::flow::{self, Outcome};
use crate::accounts::UserRead;
use crate::app::App;
use crate::error::{ErrorKind, Result};
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::{BadBody, problems};

problems! {
    VerifyRefused: VerifyBadToken, VerifyAlreadyVerified;
}

/// An address.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct EmailOnly {
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
}

/// The token of a mailed link.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct TokenOnly {
    /// What stands behind `token=` in the link.
    #[schema(example = "eyJ0eXAiOiJ2ZXJpZnkrand0IiwiYWxnIjoiSFMyNTYifQ...")]
    token: String,
}

/// Ask for a verification mail
///
/// Always answers 202, whoever asks and for whom. A mail goes out only if the address belongs to an active account
/// that is not verified yet.
#[utoipa::path(
    operation_id = "request_verify_token",
    tag = "Registration and verification",
    security(()),
    request_body(content = EmailOnly),
    responses(
        (status = 202, description = "Accepted; `null`", body = Option<String>, example = json!(null)),
        BadBody,
    )
)]
#[post("/auth/request-verify-token")]
pub async fn request_verify_token(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let email = fields.email("email");
    let email = fields.finish(email)?;
    flow::request(&app, &email, &client).await?;
    Ok(HttpResponse::Accepted().json(()))
}

/// Verify an address
///
/// Takes the token of a mailed link and marks the account as verified. Signs nobody in.
#[utoipa::path(
    operation_id = "verify",
    tag = "Registration and verification",
    security(()),
    request_body(content = TokenOnly),
    responses(
        (status = 200, description = "The verified account", body = UserRead),
        VerifyRefused,
        BadBody,
    )
)]
#[post("/auth/verify")]
pub async fn verify(app: Data<App>, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let token = fields.string("token");
    let token = fields.finish(token)?;
    match flow::verify(&app, &token).await? {
        Outcome::Verified(user) => Ok(HttpResponse::Ok().json(UserRead::from(*user))),
        Outcome::AlreadyVerified => Err(ErrorKind::VerifyAlreadyVerified.into()),
        Outcome::Refused(_) => Err(ErrorKind::VerifyBadToken.into()),
    }
}
