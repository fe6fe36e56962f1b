//! The URL table, by scope. Every route is a handler with its OpenAPI annotation beside it.

use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    accounts, cookie_sessions, docs, health, knox, opaque_tokens, pages, password_reset, registration,
    sessions, sign_in, signing_keys, verification,
};

/// All routes.
pub fn all(config: &mut ServiceConfig<'_>) {
    auth(config);
    knox(config);
    users(config);
    for_other_services(config);
    operation(config);
    pages(config);
}

/// `/auth`: registration, sign-in, verification, password reset.
pub fn auth(config: &mut ServiceConfig<'_>) {
    config
        .service(registration::http::register)
        .service(verification::http::request_verify_token)
        .service(verification::http::verify)
        .service(password_reset::http::forgot_password)
        .service(password_reset::http::reset_password)
        .service(sign_in::http::login)
        .service(sign_in::http::refresh)
        .service(sign_in::http::logout)
        .service(sign_in::http::logout_all)
        .service(opaque_tokens::http::login)
        .service(opaque_tokens::http::logout)
        .service(opaque_tokens::http::logout_all)
        .service(cookie_sessions::http::login)
        .service(cookie_sessions::http::logout);
}

/// `/api/auth`: django-rest-knox.
pub fn knox(config: &mut ServiceConfig<'_>) {
    config
        .service(knox::http::login)
        .service(knox::http::login_bare)
        .service(knox::http::logout)
        .service(knox::http::logout_bare)
        .service(knox::http::logout_all)
        .service(knox::http::logout_all_bare)
        .service(knox::http::own_user)
        .service(knox::http::own_user_bare);
}

/// `/users`: the own account first, since `{id}` would take `me` too.
pub fn users(config: &mut ServiceConfig<'_>) {
    config
        .service(accounts::http::get_me)
        .service(accounts::http::update_me)
        .service(accounts::http::delete_me)
        .service(sessions::http::list_mine)
        .service(sessions::http::end_my_others)
        .service(sessions::http::end_mine)
        .service(accounts::http::list_users)
        .service(accounts::http::create_user)
        .service(accounts::http::get_user)
        .service(accounts::http::update_user)
        .service(accounts::http::delete_user)
        .service(sessions::http::list_of_user)
        .service(sessions::http::end_of_user)
        .service(sessions::http::end_one_of_user);
}

/// What resource servers need.
pub fn for_other_services(config: &mut ServiceConfig<'_>) {
    config.service(signing_keys::http::jwks);
}

/// Health, documents, problems.
pub fn operation(config: &mut ServiceConfig<'_>) {
    config
        .service(health::livez)
        .service(health::readyz)
        .service(docs::openapi_json)
        .service(docs::swagger_ui)
        .service(docs::problem);
}

/// HTML for people.
pub fn pages(config: &mut ServiceConfig<'_>) {
    pages::routes(config);
}

/// The OpenAPI document of [`all`] routes.
pub fn openapi() -> OpenApi {
    let (_, document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(docs::base_document())
        .configure(all)
        .split_for_parts();
    document
}
