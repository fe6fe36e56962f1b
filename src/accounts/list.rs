//! The list of users: its query parameters and its pages.

use utoipa::IntoParams;
use validator::Validate;

use super::model::{User, UserRead};
use super::store::{self, Filter, Order, Position};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::error::Result;
use crate::http::body::Fields;
use crate::http::paging::{Page, Paging};

/// Which users are asked for.
#[derive(IntoParams, Validate)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// The address begins with this; case does not matter.
    #[param(example = "ada@")]
    #[validate(length(max = 254))]
    q: Option<String>,
    is_active: Option<bool>,
    is_verified: Option<bool>,
    is_superuser: Option<bool>,
    /// Created at this time or later (RFC 3339).
    #[param(format = "date-time", value_type = Option<String>)]
    created_after: Option<Time>,
    /// `created_at`, `-created_at` (newest first, the default), `email` or `-email`.
    #[param(example = "-created_at")]
    sort: Option<String>,
}

/// Reads the query string of a request.
///
/// # Errors
/// 422 that names each faulty parameter.
pub(super) fn parse(query: &str) -> Result<Filter> {
    let mut fields = Fields::query(query);
    let paging = Paging::read(&mut fields);
    let asked = ListUsers {
        q: fields.optional_string("q"),
        is_active: fields.optional_bool("is_active"),
        is_verified: fields.optional_bool("is_verified"),
        is_superuser: fields.optional_bool("is_superuser"),
        created_after: fields.optional_time("created_after"),
        sort: fields.optional_string("sort"),
    };
    fields.check(&asked);
    let sort = asked.sort.as_deref().unwrap_or("-created_at");
    let is_descending = sort.starts_with('-');
    let order = match sort.strip_prefix('-').unwrap_or(sort) {
        "created_at" => Order::Created,
        "email" => Order::Email,
        _ => {
            fields.refuse("sort", "Input should be created_at, -created_at, email or -email");
            Order::Created
        }
    };
    let after = paging.after(&mut fields, |bytes| position(bytes, order));
    fields.finish(Some(Filter {
        // PostgreSQL's text holds no NUL; no address does either, so such a prefix finds nobody.
        email_prefix: asked.q.map(|q| EmailAddress::canonical_prefix_of(&q).replace('\0', "\u{FFFD}")),
        is_active: asked.is_active,
        is_verified: asked.is_verified,
        is_superuser: asked.is_superuser,
        created_after: asked.created_after,
        order,
        is_descending,
        after,
        limit: paging.rows(),
    }))
}

/// One page.
///
/// # Errors
/// When the database cannot be used.
pub(super) async fn page(app: &App, filter: &Filter) -> Result<Page<UserRead>> {
    let users = {
        let mut conn = app.db.read().await?;
        store::list_users(&mut conn, filter).await?
    };
    let place = |user: &User| match filter.order {
        Order::Created => user.id.as_bytes().to_vec(),
        Order::Email => user.email_canonical.clone().into_bytes(),
    };
    Ok(Page::cut(users, filter.limit, place).map(UserRead::from))
}

fn position(bytes: Vec<u8>, order: Order) -> Option<Position> {
    match order {
        Order::Created => Id::from_slice(&bytes).map(Position::Id),
        Order::Email => {
            let email = String::from_utf8(bytes).ok()?;
            (email.contains('@') && !email.contains('\0')).then_some(Position::Email(email))
        }
    }
}
