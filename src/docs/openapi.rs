//! The frame of the OpenAPI document, and `GET /openapi.json`. The operations come from the handlers themselves.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, Http, HttpAuthScheme, OAuth2, Password, Scopes, SecurityRequirement,
    SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Server,
};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::http::problem::Problem;

const DESCRIPTION: &str = "\
Users for any application: registration, sign-in, sessions, verification and password reset.

**Try it here.** 1. `POST /auth/register` with an address and a password. 2. Press *Authorize* and sign in with the same \
two. 3. `GET /users/me`. On a local server the verification mail waits at [/dev/inbox](/dev/inbox).

**Errors** are `application/problem+json` (RFC 9457): look at `detail`, a machine code, `{\"code\",\"reason\"}` for a \
refused password, or a list of `{\"type\",\"loc\",\"msg\"}` for a 422. Below `/api/auth/` they are those of \
django-rest-knox.

**Tokens.** The access token is a JWT of 15 minutes for `Authorization: Bearer`; the refresh token gets the next pair \
and is good once. Other services verify access tokens by `/.well-known/jwks.json`. An opaque token is one string instead, of `POST /auth/token/login`, sent the same way.";

const TAGS: [(&str, &str); 10] = [
    ("Registration and verification", "From an address to a verified account."),
    ("Sign-in", "Access tokens and rotating refresh tokens, opaque tokens, and cookies."),
    ("django-rest-knox", "Opaque tokens with the paths and bodies of django-rest-knox."),
    ("Password reset", "For those who forgot it."),
    ("Own account", "The signed-in user."),
    ("Sessions and devices", "Where the user is signed in."),
    ("Users", "Every account, for superusers."),
    ("For other services", "What resource servers need."),
    ("Operation", "Health, documents and problems."),
    ("Pages", "HTML for people; no JavaScript needed."),
];

/// The document without its operations.
pub fn base_document() -> OpenApi {
    let mut components = Components::new();
    components.add_security_scheme(
        // First in the dialog of Swagger UI, which sorts by name.
        "account",
        SecurityScheme::OAuth2(OAuth2::with_description(
            [Flow::Password(Password::new("/auth/jwt/login", Scopes::new()))],
            "Sign in with e-mail address (as username) and password; leave the client fields empty.",
        )),
    );
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme(
        "cookie",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            "usher_session",
            "The session of the hosted pages.",
        ))),
    );
    // Shared answers name these by reference only.
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let any_of = ["account", "bearer", "cookie"]
        .map(|scheme| SecurityRequirement::new(scheme, std::iter::empty::<String>()));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Usher")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(
                    LicenseBuilder::new()
                        .name("MIT OR Apache-2.0")
                        .identifier(Some("MIT OR Apache-2.0"))
                        .build(),
                ))
                .contact(Some(ContactBuilder::new().name(Some("The operator of this server")).build()))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some(
            TAGS.map(|(name, description)| {
                TagBuilder::new().name(name).description(Some(description)).build()
            }),
        ))
        .components(Some(components))
        .security(Some(any_of))
        .build()
}

/// The OpenAPI document as it is served and committed, for one set of routes.
pub struct Document(pub String);

/// The OpenAPI document
#[utoipa::path(
    operation_id = "openapi", tag = "Operation", security(()),
    responses((status = 200, description = "This document", body = Object, example = json!({"openapi": "3.1.0"})))
)]
#[get("/openapi.json")]
pub async fn openapi_json(document: Data<Document>, _app: Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(document.0.clone())
}
