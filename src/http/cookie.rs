//! The session cookie: `HttpOnly; SameSite=Lax; Path=/`, and over https `Secure` with the prefix `__Host-`.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};

use crate::app::App;
use crate::config::CookieSecure;

fn is_secure(app: &App) -> bool {
    app.config.cookies.secure == CookieSecure::Always || app.config.uses_https()
}

/// The cookie's full name.
pub fn name(app: &App) -> String {
    let name = &app.config.cookies.name;
    if is_secure(app) { format!("__Host-{name}") } else { name.clone() }
}

/// The session cookie of a request.
pub fn read(app: &App, request: &HttpRequest) -> Option<String> {
    request.cookie(&name(app)).map(|cookie| cookie.value().to_owned())
}

/// A cookie that lasts as long as its session may at the longest; the server ends idle ones earlier.
pub fn set(app: &App, value: String) -> Cookie<'static> {
    let seconds = i64::try_from(app.config.sessions.absolute_ttl.as_secs()).unwrap_or(i64::MAX);
    build(app, value, CookieDuration::seconds(seconds))
}

/// A cookie that takes the session cookie away.
pub fn clear(app: &App) -> Cookie<'static> {
    build(app, String::new(), CookieDuration::ZERO)
}

fn build(app: &App, value: String, max_age: CookieDuration) -> Cookie<'static> {
    Cookie::build(name(app), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure(app))
        .max_age(max_age)
        .finish()
}
