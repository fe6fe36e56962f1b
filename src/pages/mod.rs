//! HTML for people: every flow by forms alone, without JavaScript.
//!
//! The pages call the flows of the API and have no rules of their own. A GET never changes anything, since mail
//! scanners and browsers follow links by themselves; the button of the page POSTs, and every POST must come from this
//! site (ASVS 3.5.1). What was refused comes back in the form with what was typed, but never a password. Errors are
//! pages too ([`error_page`]).

mod assets;
mod dev_inbox;
mod error_page;
mod form;
mod home;
mod login;
mod logout;
mod reset;
mod setup;
mod signup;
mod verify;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::http::page::html;

/// The routes of all pages.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(home::home)
        .service(signup::show_signup)
        .service(signup::submit_signup)
        .service(login::show_login)
        .service(login::submit_login)
        .service(logout::show_logout)
        .service(logout::submit_logout)
        .service(verify::show_verify)
        .service(verify::submit_verify)
        .service(verify::resend_verification)
        .service(reset::show_forgot_password)
        .service(reset::submit_forgot_password)
        .service(reset::show_reset_password)
        .service(reset::submit_reset_password)
        .service(reset::show_invitation)
        .service(reset::submit_invitation)
        .service(reset::change_password_url)
        .service(setup::show_setup)
        .service(setup::submit_setup)
        .service(dev_inbox::show_inbox)
        .service(dev_inbox::show_mail)
        .service(dev_inbox::mail_html)
        .service(dev_inbox::mail_raw)
        .service(assets::asset);
}

/// The page of the template `name`: what every page may name, and its `own` values.
///
/// # Errors
/// When the template is broken, which can only be one of the operator's.
pub fn page(
    app: &App,
    caller: Option<&Caller>,
    status: StatusCode,
    name: &str,
    own: Value,
) -> Result<HttpResponse> {
    let mut context = json!({
        "product": app.brand.product,
        "public_url": app.config.public_url,
        "local": app.dev_inbox().is_some(),
        "signed_in_as": caller.map(|caller| &caller.user.email),
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut context, own) {
        all.extend(own);
    }
    Ok(html(status, app.templates.page(name, context).map_err(Error::internal)?))
}

/// Sends the browser on, by GET, to a path of this server.
fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}
