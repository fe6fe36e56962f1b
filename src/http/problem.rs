//! Errors as RFC 9457 `application/problem+json`.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{Header, Ref, RefOr, Response, ResponseBuilder};

use crate::error::{Detail, Error, ErrorKind, FieldError};

/// Seconds after which trying again makes sense when the server is busy or the database away.
pub const RETRY_SECONDS: &str = "2";

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

/// Names a set of problems that operations share, for `responses(…)` in their annotations. Descriptions and examples
/// come from the catalogue.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($kind:expr),+;)+) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl utoipa::IntoResponses for $name {
                fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                    #[allow(unused_imports)]
                    use $crate::error::ErrorKind::*;
                    $crate::http::problem::responses(&[$($kind),+])
                }
            }
        )+
    };
}
pub(crate) use problems;

problems! {
    /// A body that cannot be read, and the answers of a busy server.
    BadBody: PayloadTooLarge, Validation(sample_faults()), HashingQueueFull, DatabaseUnavailable;
    /// Query parameters that are not valid.
    BadQuery: Validation(sample_faults());
    /// Nobody is signed in, or not well enough.
    NotSignedIn: Unauthorized, InvalidToken, NotVerified, CrossSite, DatabaseUnavailable;
    /// As [`NotSignedIn`], or the sign-in is too old for what is asked.
    NotConfirmed: Unauthorized, InvalidToken, NotVerified, CrossSite, ReauthenticationRequired;
    /// As [`NotSignedIn`], or the caller is no superuser.
    NotSuperuser: Unauthorized, InvalidToken, Forbidden, NotVerified, CrossSite, DatabaseUnavailable;
    /// There is nothing at this address.
    Absent: NotFound;
    /// The last active superuser stays.
    Last: LastSuperuser;
    /// The database cannot be reached.
    Unavailable: DatabaseUnavailable;
}

fn sample_faults() -> Vec<FieldError> {
    vec![FieldError {
        r#type: "missing",
        loc: vec!["body".into(), "email".into()],
        msg: "Field required".into(),
    }]
}

/// A reason for which a password is refused, for examples.
pub fn policy_sample() -> String {
    "Password should be at least 8 characters".into()
}

/// One answer for each status, with an example for each kind.
pub fn responses(kinds: &[ErrorKind]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&ErrorKind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.entry().status).or_default().push(kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), response(&kinds).into())).collect()
}

fn response(kinds: &[&ErrorKind]) -> Response {
    let mut titles: Vec<&str> = kinds.iter().map(|kind| kind.entry().title).collect();
    titles.dedup();
    let examples = kinds.iter().map(|kind| {
        let value = serde_json::to_value(Problem::of(kind)).unwrap_or_default();
        let example = ExampleBuilder::new().summary(kind.entry().title).value(Some(value)).build();
        (kind.name(), RefOr::T(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    let response =
        ResponseBuilder::new().description(titles.join(" Or: ")).content("application/problem+json", content);
    let header = |text| Header::builder().description(Some(text)).build();
    let response = match kinds.first().map(|kind| kind.entry().status) {
        Some(401) => response
            .header("WWW-Authenticate", header("`Bearer`, with `error=\"invalid_token\"` for a bad token")),
        Some(503) => response.header("Retry-After", header("Seconds after which to try again")),
        _ => response,
    };
    response.build()
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
