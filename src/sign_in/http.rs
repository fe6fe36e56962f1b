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
use crate::http::problem::{BadBody, NotSignedIn, problems};
use crate::sessions::{self, SessionKind, TokenPair};

problems! {
    LoginRefused: LoginBadCredentials, LoginUserNotVerified;
    RefreshRefused: RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReused;
}

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
        LoginRefused,
        BadBody,
    )
)]
#[post("/auth/jwt/login")]
pub async fn login(app: Data<App>, client: Client, body: Body) -> Result<HttpResponse> {
    let (username, password) = body.login().await?.credentials()?;
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
        RefreshRefused,
        BadBody,
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
        NotSignedIn,
    )
)]
#[post("/auth/jwt/logout")]
pub async fn logout(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::sign_out(&app, &caller.session).await?;
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
        NotSignedIn,
    )
)]
#[post("/auth/jwt/logout-all")]
pub async fn logout_all(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::end_all(&app, caller.user.id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
