//! `GET /assets/…`: the files that pages load.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use crate::app::App;
use crate::error::{ErrorKind, Result};
use crate::http::problem::Problem;

/// A file that pages load
#[utoipa::path(
    operation_id = "asset", tag = "Pages", security(()),
    params(("path" = String, Path, description = "Name of the file", example = "usher.css")),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/css"),
            (String = "text/javascript"),
            (String = "image/svg+xml"),
        )),
        (status = 404, description = "No such file", content_type = "application/problem+json", body = Problem),
    )
)]
#[get("/assets/{path:.*}")]
pub async fn asset(app: Data<App>, path: Path<String>) -> Result<HttpResponse> {
    let (bytes, media_type) = app.templates.asset(&path).ok_or(ErrorKind::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(bytes.into_owned()))
}
