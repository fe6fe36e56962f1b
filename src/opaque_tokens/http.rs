//! `POST /auth/token/login`, `logout` and `logout-all`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::caller::SignedIn;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::{BadBody, NotSignedIn, problems};
use crate::sessions::{self, SessionKind};
use crate::sign_in::{http::Login, sign_in};

problems! {
    TokenRefused: LoginBadCredentials, LoginUserNotVerified, TokenLimitReached;
}

/// An opaque token.
#[derive(Serialize, ToSchema)]
pub struct OpaqueToken {
    #[schema(example = "ust_5f2a...")]
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
}

/// Sign in for an opaque token
///
/// Takes a form, a multipart form or JSON. The token lives `tokens.ttl` and can be revoked at any time.
#[utoipa::path(
    operation_id = "token_login", tag = "Sign-in", security(()),
    request_body(content(
        (Login = "application/x-www-form-urlencoded"),
        (Login = "multipart/form-data"),
        (Login = "application/json"),
    )),
    responses(
        (status = 200, description = "A new token", body = OpaqueToken),
        TokenRefused,
        BadBody,
    )
)]
#[post("/auth/token/login")]
pub async fn login(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let (username, password) = body.login().await?.credentials()?;
    let signed_in = sign_in(&app, &username, &password, SessionKind::Opaque, &client).await?;
    let access_token = signed_in.issued.credential.expose_secret().to_owned();
    Ok(HttpResponse::Ok().json(OpaqueToken { access_token, token_type: "bearer" }))
}

/// Revoke the presented token
///
/// Ends the session of the presented credential at once, of whatever kind it is.
#[utoipa::path(
    operation_id = "token_logout", tag = "Sign-in",
    responses((status = 204, description = "Revoked"), NotSignedIn)
)]
#[post("/auth/token/logout")]
pub async fn logout(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::sign_out(&app, &caller.session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Revoke everything
///
/// Ends every session and token of the user at once.
#[utoipa::path(
    operation_id = "token_logout_all", tag = "Sign-in",
    responses((status = 204, description = "Revoked"), NotSignedIn)
)]
#[post("/auth/token/logout-all")]
pub async fn logout_all(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::end_all(&app, caller.user.id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
