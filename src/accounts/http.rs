//! `/users/me` for everybody, `/users` and `/users/{id}` for superusers.

use crate::base::ids::Id;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use utoipa::ToSchema;

use super::flow::{self, Authority, Change, Creation};
use super::list::{self, ListUsers};
use super::model::{User, UserRead};
use super::store;
use crate::app::App;
use crate::caller::{SignedIn, Superuser};
use crate::error::{ErrorKind, Result};
use crate::http::body::{Body, Fields};
use crate::http::client::Client;
use crate::http::paging::{Page, Paging};
use crate::http::problem::{
    Absent, BadBody, BadQuery, Last, NotConfirmed, NotSignedIn, NotSuperuser, policy_sample, problems,
};
use crate::mail::outbox::Facts;

problems! {
    CreateRefused: RegisterInvalidPassword(policy_sample()), RegisterUserAlreadyExists;
    UpdateRefused: UpdateUserInvalidPassword(policy_sample()), UpdateUserEmailAlreadyExists;
}

/// What a user may change of the own account. Absent and null members stay.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct UpdateMe {
    #[schema(format = "email", example = "ada@example.org")]
    email: Option<String>,
    #[schema(format = "password", example = "correct horse battery")]
    password: Option<String>,
    /// Needed for a new password or address unless the sign-in is younger than `sessions.fresh_for`.
    #[schema(format = "password", example = "the old password")]
    current_password: Option<String>,
}

/// The current password.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CurrentPassword {
    /// Needed unless the sign-in is younger than `sessions.fresh_for`.
    #[schema(format = "password", example = "the old password")]
    current_password: Option<String>,
}

/// What a superuser may change of an account. Absent and null members stay.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct UpdateUser {
    #[schema(format = "email", example = "ada@example.org")]
    email: Option<String>,
    #[schema(format = "password", example = "correct horse battery")]
    password: Option<String>,
    #[schema(example = true)]
    is_active: Option<bool>,
    #[schema(example = false)]
    is_superuser: Option<bool>,
    #[schema(example = true)]
    is_verified: Option<bool>,
}

/// A new account, made by a superuser.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateUser {
    #[schema(format = "email", example = "grace@example.com")]
    email: String,
    /// Without one, an invitation with a set-password link is mailed.
    #[schema(format = "password", example = "correct horse battery")]
    password: Option<String>,
    #[schema(default = true, example = true)]
    is_active: Option<bool>,
    #[schema(default = false, example = false)]
    is_superuser: Option<bool>,
    #[schema(default = false, example = false)]
    is_verified: Option<bool>,
}

/// Get the signed-in user
#[utoipa::path(
    operation_id = "get_me", tag = "Own account",
    responses(
        (status = 200, description = "The signed-in user", body = UserRead),
        NotSignedIn,
    )
)]
#[get("/users/me")]
pub async fn get_me(SignedIn(caller): SignedIn) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(UserRead::from(caller.user)))
}

/// Change the signed-in user
///
/// A new address is unverified until its owner follows the mailed link, and the old one is told. A new password ends
/// the other sessions. Flags are ignored.
#[utoipa::path(
    operation_id = "update_me", tag = "Own account",
    request_body(content = UpdateMe),
    responses(
        (status = 200, description = "The user after the change", body = UserRead),
        UpdateRefused,
        NotConfirmed,
        BadBody,
    )
)]
#[patch("/users/me")]
pub async fn update_me(
    app: Data<App>,
    SignedIn(caller): SignedIn,
    client: Client,
    body: Body,
) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let mut change = read_change(&mut fields);
    let current_password = fields.optional_secret("current_password");
    fields.finish(Some(()))?;
    (change.is_active, change.is_superuser, change.is_verified) = (None, None, None);
    let is_sensitive = change.password.is_some()
        || change.email.as_ref().is_some_and(|email| email.canonical() != caller.user.email_canonical);
    if is_sensitive {
        flow::confirm(&app, &caller.user, caller.is_fresh(&app), current_password.as_ref()).await?;
    }
    let user = flow::change(&app, &caller.user, change, caller.authority(), &client.facts()).await?;
    Ok(HttpResponse::Ok().json(UserRead::from(user)))
}

/// Delete the signed-in user
///
/// Deletes the account with its sessions and links, for good.
#[utoipa::path(
    operation_id = "delete_me", tag = "Own account",
    request_body(content = Option<CurrentPassword>),
    responses(
        (status = 204, description = "Deleted"),
        NotConfirmed,
        Last,
        BadBody,
    )
)]
#[delete("/users/me")]
pub async fn delete_me(app: Data<App>, SignedIn(caller): SignedIn, body: Body) -> Result<HttpResponse> {
    let mut fields = body.optional_json()?;
    let current_password = fields.optional_secret("current_password");
    fields.finish(Some(()))?;
    flow::confirm(&app, &caller.user, caller.is_fresh(&app), current_password.as_ref()).await?;
    flow::delete(&app, caller.user.id, caller.authority()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List users
///
/// Pages by cursor: pass `next_cursor`, or follow `Link: <...>; rel="next"`.
#[utoipa::path(
    operation_id = "list_users", tag = "Users",
    params(Paging, ListUsers),
    responses(
        (status = 200, description = "A page of users", body = Page<UserRead>, headers(("Link" = String, description = "The next page"))),
        NotSuperuser,
        BadQuery,
    )
)]
#[get("/users")]
pub async fn list_users(app: Data<App>, _caller: Superuser, request: HttpRequest) -> Result<HttpResponse> {
    let query = request.query_string();
    let page = list::page(&app, &list::parse(query)?).await?;
    Ok(page.answer(&app, "/users", query))
}

/// Create a user
///
/// Without a password the user is invited by mail to set one.
#[utoipa::path(
    operation_id = "create_user", tag = "Users",
    request_body(content = CreateUser),
    responses(
        (status = 201, description = "The new user", body = UserRead),
        CreateRefused,
        NotSuperuser,
        BadBody,
    )
)]
#[post("/users")]
pub async fn create_user(app: Data<App>, _caller: Superuser, body: Body) -> Result<HttpResponse> {
    let mut fields = body.json()?;
    let email = fields.email("email");
    let password = fields.optional_secret("password");
    let flags = ["is_active", "is_superuser", "is_verified"].map(|name| fields.optional_bool(name));
    let email = fields.finish(email)?;
    let creation = Creation {
        email,
        password,
        is_active: flags[0].unwrap_or(true),
        is_superuser: flags[1].unwrap_or(false),
        is_verified: flags[2].unwrap_or(false),
    };
    // The invited person did not ask for anything, so the mail tells nothing of the superuser's device.
    let user = flow::create(&app, creation, &Facts::default()).await?;
    Ok(HttpResponse::Created().json(UserRead::from(user)))
}

/// Get a user
#[utoipa::path(
    operation_id = "get_user", tag = "Users",
    params(("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 200, description = "The user", body = UserRead),
        NotSuperuser,
        Absent,
    )
)]
#[get("/users/{id}")]
pub async fn get_user(app: Data<App>, _caller: Superuser, id: Path<String>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(UserRead::from(target(&app, &id).await?)))
}

/// Change a user
///
/// Flags are honoured. A new address is unverified unless `is_verified` says otherwise. Deactivation ends every
/// session. The last active superuser cannot be demoted or deactivated.
#[utoipa::path(
    operation_id = "update_user", tag = "Users",
    params(("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    request_body(content = UpdateUser),
    responses(
        (status = 200, description = "The user after the change", body = UserRead),
        UpdateRefused,
        NotSuperuser,
        Absent,
        Last,
        BadBody,
    )
)]
#[patch("/users/{id}")]
pub async fn update_user(
    app: Data<App>,
    Superuser(caller): Superuser,
    id: Path<String>,
    client: Client,
    body: Body,
) -> Result<HttpResponse> {
    let user = target(&app, &id).await?;
    let mut fields = body.json()?;
    let change = read_change(&mut fields);
    fields.finish(Some(()))?;
    let user = if caller.user.id == user.id {
        flow::change(&app, &user, change, caller.authority(), &client.facts()).await?
    } else {
        // The mails to the user tell nothing of the superuser's device.
        flow::change(&app, &user, change, Authority::Administrator, &Facts::default()).await?
    };
    Ok(HttpResponse::Ok().json(UserRead::from(user)))
}

/// Delete a user
///
/// Deletes the account with its sessions and links, for good. The last active superuser stays.
#[utoipa::path(
    operation_id = "delete_user", tag = "Users",
    params(("id" = String, Path, description = "The user's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 204, description = "Deleted"),
        NotSuperuser,
        Absent,
        Last,
    )
)]
#[delete("/users/{id}")]
pub async fn delete_user(app: Data<App>, _caller: Superuser, id: Path<String>) -> Result<HttpResponse> {
    let user = target(&app, &id).await?;
    flow::delete(&app, user.id, Authority::Administrator).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The user of a path; unknown and malformed ids are alike.
pub async fn target(app: &App, id: &str) -> Result<User> {
    let id = Id::parse(id).ok_or(ErrorKind::NotFound)?;
    let mut conn = app.db.read().await?;
    let user = store::find_user(&mut conn, id).await?;
    user.ok_or_else(|| ErrorKind::NotFound.into())
}

fn read_change(fields: &mut Fields) -> Change {
    Change {
        email: fields.optional_email("email"),
        password: fields.optional_secret("password"),
        is_active: fields.optional_bool("is_active"),
        is_superuser: fields.optional_bool("is_superuser"),
        is_verified: fields.optional_bool("is_verified"),
    }
}
