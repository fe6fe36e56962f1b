//! HTML pages with their headers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};

/// Nothing from elsewhere, nothing inline, no framing, forms to this server only (ASVS 3.4.3, 3.4.6).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; frame-src 'self'; \
                      connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A page. Its address may hold a one-time token, so no referrer leaves it.
pub fn html(status: StatusCode, body: String) -> HttpResponse {
    html_with_policy(status, body, POLICY)
}

/// A page under another content security policy.
pub fn html_with_policy(status: StatusCode, body: impl Into<Vec<u8>>, policy: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(body.into())
}
