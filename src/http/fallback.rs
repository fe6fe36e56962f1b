//! What happens to a request that no route took: 405 with `Allow` on a known path, 307 off a trailing slash, else 404.
//!
//! The known paths come from the OpenAPI document, which the routes themselves generate. Below `/api/auth/` the answers
//! are those of Django REST framework, which lists OPTIONS as a method of every path and so gets an answer to it.

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

use crate::error::{ErrorKind, Result};

/// What OpenAPI cannot say: the last parameter of these paths may be empty or hold slashes.
const TAILS: [(&str, &str); 2] =
    [("/docs/{file}", "/docs/{file:.*}"), ("/assets/{path}", "/assets/{path:.*}")];

/// Where clients of django-rest-knox ask.
const DJANGO: &str = "/api/auth/";

/// The paths of the server and the methods of each.
pub struct RouteTable(Vec<(ResourceDef, Vec<String>)>);

impl RouteTable {
    /// Reads the table off the OpenAPI document.
    pub fn of(api: &OpenApi) -> Self {
        let mut routes: Vec<(ResourceDef, Vec<String>)> = api
            .paths
            .paths
            .iter()
            .map(|(path, item)| {
                let tail = TAILS.iter().find(|(documented, _)| path == documented);
                let pattern = tail.map_or(path.as_str(), |(_, pattern)| pattern);
                (ResourceDef::new(pattern), methods(item))
            })
            .collect();
        // A path without parameters wins over one with, as in `/users/me` and `/users/{id}`.
        routes.sort_by_key(|(path, _)| path.pattern().is_some_and(|pattern| pattern.contains('{')));
        Self(routes)
    }

    /// The methods of `path`; `None` when it is unknown.
    fn methods(&self, path: &str) -> Option<&[String]> {
        self.0.iter().find(|(known, _)| known.is_match(path)).map(|(_, methods)| methods.as_slice())
    }
}

fn methods(item: &PathItem) -> Vec<String> {
    [
        ("DELETE", item.delete.is_some()),
        ("GET", item.get.is_some()),
        ("HEAD", item.get.is_some()),
        ("PATCH", item.patch.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
    ]
    .into_iter()
    .filter(|(_, has)| *has)
    .map(|(method, _)| method.to_owned())
    .collect()
}

/// The default service.
pub async fn handle(request: HttpRequest, table: Data<RouteTable>) -> Result<HttpResponse> {
    let path = request.path();
    if path.starts_with(DJANGO) {
        return Ok(as_django(&request, table.methods(path)));
    }
    if let Some(methods) = table.methods(path) {
        return Err(ErrorKind::MethodNotAllowed(methods.to_vec()).into());
    }
    let with_slash = format!("{path}/");
    let other = match path.strip_suffix('/') {
        // `//host/` would send the browser to another server.
        Some(shorter) if !path.starts_with("//") => shorter,
        _ => with_slash.as_str(),
    };
    if table.methods(other).is_some() {
        let query = request.query_string();
        let location = if query.is_empty() { other.to_owned() } else { format!("{other}?{query}") };
        return Ok(HttpResponse::TemporaryRedirect().insert_header((LOCATION, location)).finish());
    }
    Err(ErrorKind::NotFound.into())
}

fn as_django(request: &HttpRequest, methods: Option<&[String]>) -> HttpResponse {
    let Some(methods) = methods else {
        return HttpResponse::NotFound().json(json!({"detail": "Not found."}));
    };
    let allow = (ALLOW, format!("{}, OPTIONS", methods.join(", ")));
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header(allow).finish();
    }
    let detail = format!("Method \"{}\" not allowed.", request.method());
    HttpResponse::MethodNotAllowed().insert_header(allow).json(json!({"detail": detail}))
}
