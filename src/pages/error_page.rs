//! Errors of pages, as pages: the status and the `Retry-After` of the problem, in words for people.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::RETRY_AFTER;
use actix_web::middleware::Next;
use serde_json::json;

use super::page;
use crate::app::App;
use crate::error::{Error, ErrorKind};
use crate::http::app_of;

/// Wraps a page's route, so that whatever the handler or one of its extractors refuses is shown as a page.
///
/// # Errors
/// Hands on what the service says.
pub async fn errors_as_pages<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let Some(kind) = kind_of(response.response()) else {
        return Ok(response);
    };
    let app = app_of(response.request())?;
    let (request, problem) = response.into_parts();
    Ok(ServiceResponse::new(request, page_error(&app, &kind, problem)))
}

fn kind_of(response: &HttpResponse) -> Option<ErrorKind> {
    Some(response.error()?.as_error::<Error>()?.kind().clone())
}

/// The page for an error that was answered with `problem`, which stays if there is no page: the error template may be
/// the one that is broken.
fn page_error(app: &App, kind: &ErrorKind, problem: HttpResponse) -> HttpResponse {
    let status = problem.status();
    let may_go_on = status.is_client_error();
    let own = json!({
        "status": status.as_u16(),
        "title": heading(status.as_u16()),
        "message": kind.entry().title,
        "next_href": may_go_on.then_some("/"),
        "next_label": may_go_on.then_some("Start page"),
    });
    let Ok(mut page) = page(app, None, status, "error", own) else {
        return problem;
    };
    if let Some(seconds) = problem.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, seconds.clone());
    }
    page
}

fn heading(status: u16) -> &'static str {
    match status {
        403 => "This is not allowed",
        404 => "Page not found",
        413 => "This is too large",
        503 => "Try again shortly",
        400..500 => "This did not work",
        _ => "Something went wrong",
    }
}
