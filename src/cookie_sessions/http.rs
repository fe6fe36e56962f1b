//! `POST /auth/cookie/login` and `logout`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use secrecy::ExposeSecret;

use crate::app::App;
use crate::caller::SignedIn;
use crate::error::{Error, Result};
use crate::http::body::Body;
use crate::http::client::Client;
use crate::http::problem::{BadBody, NotSignedIn, problems};
use crate::http::{cookie, origin};
use crate::sessions::{self, SessionKind};
use crate::sign_in::{http::Login, sign_in};

problems! {
    CookieRefused: LoginBadCredentials, LoginUserNotVerified, CrossSite;
}

/// Sign in for a cookie
///
/// Takes a form, a multipart form or JSON, and sets the session cookie.
#[utoipa::path(
    operation_id = "cookie_login", tag = "Sign-in", security(()),
    request_body(content(
        (Login = "application/x-www-form-urlencoded"),
        (Login = "multipart/form-data"),
        (Login = "application/json"),
    )),
    responses(
        (status = 204, description = "Signed in", headers(("Set-Cookie" = String, description = "The session cookie"))),
        CookieRefused,
        BadBody,
    )
)]
#[post("/auth/cookie/login")]
pub async fn login(app: Data<App>, request: HttpRequest, client: Client, body: Body) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let (username, password) = body.login().await?.credentials()?;
    let signed_in = sign_in(&app, &username, &password, SessionKind::Cookie, &client).await?;
    let value = signed_in.issued.credential.expose_secret().to_owned();
    with_cookie(cookie::set(&app, value))
}

/// Sign out and take the cookie away
///
/// Ends the session of the presented credential at once, of whatever kind it is.
#[utoipa::path(
    operation_id = "cookie_logout", tag = "Sign-in",
    responses(
        (status = 204, description = "Signed out", headers(("Set-Cookie" = String, description = "An empty cookie"))),
        NotSignedIn,
    )
)]
#[post("/auth/cookie/logout")]
pub async fn logout(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    sessions::sign_out(&app, &caller.session).await?;
    with_cookie(cookie::clear(&app))
}

fn with_cookie(cookie: actix_web::cookie::Cookie<'static>) -> Result<HttpResponse> {
    let mut response = HttpResponse::NoContent().finish();
    response.add_cookie(&cookie).map_err(|error| Error::internal(error.to_string()))?;
    Ok(response)
}
