//! Sessions and devices: `/users/me/sessions`, and the same for superusers under `/users/{id}/sessions`.

use crate::base::ids::Id;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get};

use super::flow;
use super::model::SessionRead;
use crate::accounts::http::target;
use crate::app::App;
use crate::caller::{SignedIn, Superuser};
use crate::error::{ErrorKind, Result};
use crate::http::paging::{Page, Paging};
use crate::http::problem::{Absent, BadQuery, NotSignedIn, NotSuperuser};

/// List the own sessions
///
/// Newest first; `current` marks the one that asks. Pages by cursor, as all lists.
#[utoipa::path(
    operation_id = "list_my_sessions", tag = "Sessions and devices",
    params(Paging),
    responses(
        (status = 200, description = "The live sessions", body = Page<SessionRead>),
        BadQuery,
        NotSignedIn,
    )
)]
#[get("/users/me/sessions")]
pub async fn list_mine(
    app: Data<App>,
    SignedIn(caller): SignedIn,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let query = request.query_string();
    let page = flow::list(&app, caller.user.id, caller.session.id, query).await?;
    Ok(page.answer(&app, request.path(), query))
}

/// End all other own sessions
#[utoipa::path(
    operation_id = "end_my_other_sessions", tag = "Sessions and devices",
    responses(
        (status = 204, description = "Ended"),
        NotSignedIn,
    )
)]
#[delete("/users/me/sessions")]
pub async fn end_my_others(app: Data<App>, SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    flow::end_all(&app, caller.user.id, Some(caller.session.id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End one of the own sessions
#[utoipa::path(
    operation_id = "end_my_session", tag = "Sessions and devices",
    params(("id" = String, Path, description = "The session's id", example = "01936f2e-9c11-7d20-8a55-3f0c9d2b7e41")),
    responses(
        (status = 204, description = "Ended"),
        NotSignedIn,
        Absent,
    )
)]
#[delete("/users/me/sessions/{id}")]
pub async fn end_mine(app: Data<App>, SignedIn(caller): SignedIn, id: Path<String>) -> Result<HttpResponse> {
    flow::end(&app, caller.user.id, session_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List a user's sessions
#[utoipa::path(
    operation_id = "list_user_sessions", tag = "Users",
    params(Paging, ("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 200, description = "The live sessions", body = Page<SessionRead>),
        BadQuery,
        NotSuperuser,
        Absent,
    )
)]
#[get("/users/{id}/sessions")]
pub async fn list_of_user(
    app: Data<App>,
    Superuser(caller): Superuser,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let user = target(&app, &id).await?;
    let query = request.query_string();
    let page = flow::list(&app, user.id, caller.session.id, query).await?;
    Ok(page.answer(&app, &format!("/users/{}/sessions", user.id), query))
}

/// End all sessions of a user
#[utoipa::path(
    operation_id = "end_user_sessions", tag = "Users",
    params(("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 204, description = "Ended"),
        NotSuperuser,
        Absent,
    )
)]
#[delete("/users/{id}/sessions")]
pub async fn end_of_user(app: Data<App>, _caller: Superuser, id: Path<String>) -> Result<HttpResponse> {
    let user = target(&app, &id).await?;
    flow::end_all(&app, user.id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End one session of a user
#[utoipa::path(
    operation_id = "end_user_session", tag = "Users",
    params(
        ("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90"),
        ("session_id" = String, Path, description = "The session's id", example = "01936f2e-9c11-7d20-8a55-3f0c9d2b7e41"),
    ),
    responses(
        (status = 204, description = "Ended"),
        NotSuperuser,
        Absent,
    )
)]
#[delete("/users/{id}/sessions/{session_id}")]
pub async fn end_one_of_user(
    app: Data<App>,
    _caller: Superuser,
    ids: Path<(String, String)>,
) -> Result<HttpResponse> {
    let (id, session) = ids.into_inner();
    let user = target(&app, &id).await?;
    flow::end(&app, user.id, session_id(&session)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn session_id(text: &str) -> Result<Id> {
    Id::parse(text).ok_or_else(|| ErrorKind::NotFound.into())
}
