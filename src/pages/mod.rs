//! HTML for people.

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of all pages.
pub fn routes(_config: &mut ServiceConfig<'_>) {}
