//! `POST /auth/jwt/login`, `refresh`, `logout` and `logout-all`.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use utoipa::ToSchema;

use super::flow;
use crate::app::App;
use crate::caller::SignedIn;
use crate::error::Result;
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::Problem;
use crate::sessions::{self, SessionKind, TokenPair};

/// Address and password, in the form of the OAuth2 password flow.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct Login {
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    username: String,
    #[schema(format = "password", example = "correct horse battery")]
    password: String,
    /// Must be `password` if given.
    #[schema(example = "password")]
    grant_type: Option<String>,
}

/// A refresh token.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct Refresh {
    #[schema(example = "urt_AZNvLpwRfSCKVT8MnSt-QQAAAAB...")]
    refresh_token: String,
}

/// Sign in
///
/// Takes a form, a multipart form or JSON. Unknown address, wrong password and inactive account have the same answer.
#[utoipa::path(
    operation_id = "jwt_login",
    tag = "Sign-in",
    security(()),
    request_body(content(
        (Login = "application/x-www-form-urlencoded"),
        (Login = "multipart/form-data"),
        (Login = "application/json"),
    )),
    responses(
        (status = 200, description = "A new session", body = TokenPair),
        (status = 400, description = "Bad credentials, or the address must be verified first",
            content_type = "application/problem+json", body = Problem, example = json!({
                "type": "/problems/bad-credentials", "title": "The email address or the password is wrong.",
                "status": 400, "detail": "LOGIN_BAD_CREDENTIALS"})),
        (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
        (status = 422, description = "Fields are missing", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "Busy, try again", content_type = "application/problem+json", body = Problem),
    )
)]
#[post("/auth/jwt/login")]
pub async fn login(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.login().await?;
    fields.fixed("grant_type", "password");
    let (username, password) = (fields.string("username"), fields.secret("password"));
    let (username, password) = fields.finish(username.zip(password))?;
    let signed_in = flow::sign_in(&app, &username, &password, SessionKind::Jwt, &client).await?;
    let tokens = sessions::tokens(&app, &signed_in.user, &signed_in.issued)?;
    Ok(HttpResponse::Ok().json(tokens))
}

/// Trade a refresh token for a new pair
///
/// Each refresh token is good once. Sent again within a few seconds, for instance after a lost answer or from a second
/// tab, it gets the same new token; sent later, the whole session ends and its owner is told by mail.
#[utoipa::path(
    operation_id = "jwt_refresh",
    tag = "Sign-in",
    security(()),
    request_body(content = Refresh),
    responses(
        (status = 200, description = "A new pair", body = TokenPair),
        (status = 401, description = "The refresh token is not valid, expired or was used before",
            content_type = "application/problem+json", body = Problem, example = json!({
                "type": "/problems/refresh-token-reused",
                "title": "The refresh token was used before. Its session was ended for safety.",
                "status": 401, "detail": "REFRESH_TOKEN_REUSED"})),
        (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
        (status = 422, description = "The token is missing", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "Busy, try again", content_type = "application/problem+json", body = Problem),
    )
)]
#[post("/auth/jwt/refresh")]
pub async fn refresh(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let token = fields.string("refresh_token");
    let token = fields.finish(token)?;
    let tokens = sessions::refresh(&app, &token, &client).await?;
    Ok(HttpResponse::Ok().json(tokens))
}

/// Sign out
///
/// Ends the session of the presented credential at once, its access token included.
#[utoipa::path(
    operation_id = "jwt_logout",
    tag = "Sign-in",
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "Not signed in", content_type = "application/problem+json", body = Problem),
        (status = 403, description = "Not verified, where that is required, or a cross-site request",
            content_type = "application/problem+json", body = Problem),
    )
)]
#[post("/auth/jwt/logout")]
pub async fn logout(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    match sessions::end(&app, caller.user.id, caller.session.id).await {
        // Ended by somebody else in between: signed out all the same.
        Err(error) if *error.kind() == crate::error::ErrorKind::NotFound => {}
        outcome => outcome?,
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Sign out everywhere
///
/// Ends every session of the user at once.
#[utoipa::path(
    operation_id = "jwt_logout_all",
    tag = "Sign-in",
    responses(
        (status = 204, description = "Signed out everywhere"),
        (status = 401, description = "Not signed in", content_type = "application/problem+json", body = Problem),
        (status = 403, description = "Not verified, where that is required, or a cross-site request",
            content_type = "application/problem+json", body = Problem),
    )
)]
#[post("/auth/jwt/logout-all")]
pub async fn logout_all(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::end_all(&app, caller.user.id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
