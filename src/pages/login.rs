//! `/login`: a session in a cookie, and on to where the person wanted to go.
//!
//! Threats: an open redirect (`next` is a path of this server or the request is refused), session fixation (each
//! sign-in opens a new session and ends the one that the browser had, ASVS 7.2.4).

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa::ToSchema;

use super::error_page::errors_as_pages;
use super::{form, page, see_other};
use crate::app::App;
use crate::caller::{Anyone, Caller};
use crate::error::{Error, ErrorKind, Result};
use crate::http::body::{Body, Fields};
use crate::http::client::Client;
use crate::http::{cookie, origin};
use crate::sessions::{self, SessionKind};
use crate::sign_in;

/// Longest `next` in bytes.
const MAX_NEXT: usize = 2048;

/// Address and password, and where to go then.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct LoginForm {
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    username: String,
    #[schema(format = "password", example = "correct horse battery")]
    password: String,
    /// A path of this server.
    #[schema(example = "/")]
    next: Option<String>,
}

/// The page to sign in
#[utoipa::path(
    operation_id = "show_login", tag = "Pages", security(()),
    params(("next" = Option<String>, Query, description = "Path of this server to go to after the sign-in", example = "/")),
    responses(
        (status = 200, description = "The form", body = String, content_type = "text/html"),
        (status = 400, description = "`next` is no path of this server", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[get("/login", wrap = "from_fn(errors_as_pages)")]
pub async fn show_login(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    let next = next_of(&mut Fields::query(request.query_string()))?;
    show(&app, caller.as_ref(), "", next.as_deref(), None)
}

/// Sign in by the form
///
/// Sets the session cookie and goes on to `next`, or to the start page.
#[utoipa::path(
    operation_id = "submit_login", tag = "Pages", security(()),
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Signed in: on to `next`"),
        (status = 400, description = "The form again with what is wrong, or `next` is no path of this server",
            body = String, content_type = "text/html"),
        (status = 403, description = "A cross-site request", body = String, content_type = "text/html"),
        (status = 413, description = "The body is too large", body = String, content_type = "text/html"),
        (status = 503, description = "Busy, try again", body = String, content_type = "text/html"),
    )
)]
#[post("/login", wrap = "from_fn(errors_as_pages)")]
pub async fn submit_login(
    app: Data<App>,
    request: HttpRequest,
    client: Client,
    Anyone(caller): Anyone,
    body: Body,
) -> Result<HttpResponse> {
    origin::require_same_site(&app, &request)?;
    let mut fields = body.form()?;
    let next = match next_of(&mut fields)? {
        Some(next) => Some(next),
        None => next_of(&mut Fields::query(request.query_string()))?,
    };
    let username = form::typed(&mut fields, "username");
    if username.is_empty() {
        fields.refuse("username", "Enter your e-mail address.");
    }
    let password = fields.secret("password").filter(|password| !password.expose_secret().is_empty());
    if password.is_none() {
        fields.refuse("password", "Enter your password.");
    }
    let outcome = match fields.finish(password) {
        Ok(password) => sign_in::sign_in(&app, &username, &password, SessionKind::Cookie, &client).await,
        Err(error) => Err(error),
    };
    let signed_in = match outcome {
        Ok(signed_in) => signed_in,
        Err(error) => return show(&app, caller.as_ref(), &username, next.as_deref(), Some(error)),
    };
    if let Some(earlier) = &caller {
        sessions::sign_out(&app, &earlier.session).await?;
    }
    let mut response = see_other(next.as_deref().unwrap_or("/"));
    let cookie = cookie::set(&app, signed_in.issued.credential.expose_secret().to_owned());
    response.add_cookie(&cookie).map_err(|error| Error::internal(error.to_string()))?;
    Ok(response)
}

fn show(
    app: &App,
    caller: Option<&Caller>,
    username: &str,
    next: Option<&str>,
    error: Option<Error>,
) -> Result<HttpResponse> {
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    // Only who knows the password hears that the address waits to be confirmed.
    let unverified = error.as_ref().is_some_and(|error| *error.kind() == ErrorKind::LoginUserNotVerified);
    let own = json!({
        "registration_open": app.config.accounts.registration,
        "username": username,
        "next": next,
        "unverified": unverified,
        "error": error.map(form::refusal).transpose()?,
    });
    page(app, caller, status, "login", own)
}

/// Where to go after the sign-in, if that was said.
fn next_of(fields: &mut Fields) -> Result<Option<String>> {
    match fields.optional_string("next").filter(|next| !next.is_empty()) {
        Some(next) if !is_own_path(&next) => Err(ErrorKind::RedirectRefused.into()),
        next => Ok(next),
    }
}

/// Whether a browser that is sent to `next` stays on this server. Browsers read `\` as `/` and skip control
/// characters; what begins with two slashes names another server.
fn is_own_path(next: &str) -> bool {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    next.len() <= MAX_NEXT
        && path.starts_with('/')
        && !path.contains("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_to() {
        for good in ["/", "/account", "/a/b?c=https://d#e", "/%5C/x"] {
            assert!(is_own_path(good), "{good}");
        }
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/a//b",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            " /a",
            "/ä",
            "https://evil.example",
            "https:/a",
            "javascript:alert(1)",
            "?a",
            &format!("/{}", "a".repeat(MAX_NEXT)),
        ] {
            assert!(!is_own_path(bad), "{bad}");
        }
    }
}
