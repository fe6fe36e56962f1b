//! The list of users: its query parameters, its cursor, its pages.

use crate::base::clock::Time;
use crate::base::ids::Id;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::model::{User, UserRead};
use super::store::{self, Filter, Order, Position};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::error::Result;
use crate::http::body::Fields;

/// Users on a page unless `limit` says otherwise.
const DEFAULT_LIMIT: i64 = 50;

/// What can be asked for.
#[derive(IntoParams, Validate)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Users on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    #[validate(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
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

/// A page of users.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    pub items: Vec<UserRead>,
    /// Pass it as `cursor` to get the next page; null on the last.
    #[schema(example = json!(null))]
    pub next_cursor: Option<String>,
}

/// Reads the query string of a request.
///
/// # Errors
/// 422 that names each faulty parameter.
pub(super) fn parse(query: &str) -> Result<Filter> {
    let mut fields = Fields::query(query);
    let asked = ListUsers {
        limit: fields.optional_integer("limit"),
        cursor: fields.optional_string("cursor"),
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
    let after = asked.cursor.as_deref().and_then(|cursor| {
        let position = read_cursor(cursor, order);
        if position.is_none() {
            fields.refuse("cursor", "Input should be the next_cursor of a page with the same sort");
        }
        position
    });
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
        limit: asked.limit.unwrap_or(DEFAULT_LIMIT),
    }))
}

/// One page.
///
/// # Errors
/// When the database cannot be used.
pub(super) async fn page(app: &App, mut filter: Filter) -> Result<UserPage> {
    let limit = usize::try_from(filter.limit).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    filter.limit += 1;
    let mut users = {
        let mut conn = app.db.read().await?;
        store::list_users(&mut conn, &filter).await?
    };
    let has_more = users.len() > limit;
    users.truncate(limit);
    let next_cursor = users.last().filter(|_| has_more).map(|user| write_cursor(user, filter.order));
    Ok(UserPage { items: users.into_iter().map(UserRead::from).collect(), next_cursor })
}

/// The value of `Link` for the page behind `cursor`.
pub(super) fn next_link(app: &App, query: &str, cursor: &str) -> String {
    let mut pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    pairs.retain(|(name, _)| name != "cursor");
    pairs.push(("cursor".into(), cursor.into()));
    let query = serde_html_form::to_string(&pairs).unwrap_or_default();
    format!("<{}?{query}>; rel=\"next\"", app.url("/users"))
}

fn write_cursor(user: &User, order: Order) -> String {
    match order {
        Order::Created => URL_SAFE_NO_PAD.encode(user.id.as_bytes()),
        Order::Email => URL_SAFE_NO_PAD.encode(&user.email_canonical),
    }
}

fn read_cursor(cursor: &str, order: Order) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    match order {
        Order::Created => Id::from_slice(&bytes).map(Position::Id),
        Order::Email => {
            let email = String::from_utf8(bytes).ok()?;
            (email.contains('@') && !email.contains('\0')).then_some(Position::Email(email))
        }
    }
}
