//! Errors as RFC 9457 `application/problem+json`.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Detail, Error, ErrorKind};

/// Seconds after which trying again makes sense when the server is busy or the database away.
const RETRY_SECONDS: &str = "2";

/// The body of every error. `detail` holds a machine code, `{"code","reason"}` for a refused password, or a list of
/// `{"type","loc","msg"}` for a 422.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Problem {
    /// Where this kind of problem is explained.
    #[schema(example = "/problems/unauthorized")]
    pub r#type: String,
    /// A sentence for people.
    #[schema(example = "Sign in first.")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 401)]
    pub status: u16,
    /// What a program should look at.
    pub detail: Detail,
}

impl Problem {
    /// The body for an error.
    pub fn of(kind: &ErrorKind) -> Self {
        let entry = kind.entry();
        Self {
            r#type: format!("/problems/{}", entry.slug),
            title: entry.title,
            status: entry.status,
            detail: kind.detail(),
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let status = self.status_code();
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), cause = self.cause(), "{}", self.kind().entry().title);
        }
        let mut response = HttpResponse::build(status);
        match self.kind() {
            ErrorKind::Unauthorized => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            ErrorKind::MethodNotAllowed(methods) => {
                if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
                    response.insert_header((ALLOW, allow));
                }
            }
            _ if status == StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#));
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, RETRY_SECONDS));
            }
            _ => {}
        }
        let body = serde_json::to_string(&Problem::of(self.kind())).unwrap_or_default();
        response.insert_header((CONTENT_TYPE, "application/problem+json")).body(body)
    }
}
