//! What all handlers share: bodies in, problems and pages out, who asks, and the headers of every answer.

pub mod body;
pub mod client;
pub mod cookie;
pub mod fallback;
pub mod headers;
pub mod origin;
pub mod page;
pub mod paging;
pub mod problem;
pub mod request_log;

use actix_web::HttpRequest;
use actix_web::web::Data;
use std::sync::Arc;

use crate::app::App;
use crate::error::{Error, Result};

/// The application of a request.
///
/// # Errors
/// Only when a handler is mounted without one.
pub fn app_of(request: &HttpRequest) -> Result<Arc<App>> {
    request
        .app_data::<Data<App>>()
        .map(|data| Arc::clone(data))
        .ok_or_else(|| Error::internal("no App in the application data"))
}
