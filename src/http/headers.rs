//! Headers of every answer, and HEAD as GET.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing_actix_web::RequestId;

use super::app_of;

/// A year, for this host and those below it (ASVS 3.4.1).
const HTTPS_ONLY: &str = "max-age=31536000; includeSubDomains";

/// Adds `X-Request-Id` and `X-Content-Type-Options`, `Strict-Transport-Security` where the public URL is https, and
/// `Cache-Control: no-store` where the handler says nothing else. Routes see a HEAD as a GET; the HTTP layer leaves
/// the body out.
///
/// # Errors
/// Hands on what the service says.
pub async fn on_every_answer<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let is_public_https = app_of(request.request())?.config.uses_https();
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_public_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
