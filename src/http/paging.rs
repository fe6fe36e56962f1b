//! Lists by cursor: `?limit=&cursor=` in, `{"items", "next_cursor"}` and `Link: <…>; rel="next"` out (RFC 8288).

use actix_web::HttpResponse;
use actix_web::http::header::LINK;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::body::Fields;
use crate::app::App;

/// Rows on a page unless `limit` says otherwise.
const DEFAULT_LIMIT: i64 = 50;

/// Which page is asked for.
#[derive(IntoParams, Validate)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    #[validate(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

impl Paging {
    /// Reads `limit` and `cursor`; faults are noted in `fields`.
    pub fn read(fields: &mut Fields) -> Self {
        let paging =
            Self { limit: fields.optional_integer("limit"), cursor: fields.optional_string("cursor") };
        fields.check(&paging);
        paging
    }

    /// Rows to ask the database for: one more than the page holds tells whether there is a next one.
    pub fn rows(&self) -> i64 {
        self.limit.unwrap_or(DEFAULT_LIMIT) + 1
    }

    /// Where the page before ended, as `parse` understands it; a fault is noted in `fields`.
    pub fn after<T>(&self, fields: &mut Fields, parse: impl FnOnce(Vec<u8>) -> Option<T>) -> Option<T> {
        let cursor = self.cursor.as_deref()?;
        let position = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(parse);
        if position.is_none() {
            fields.refuse("cursor", "Input should be the next_cursor of a page of this list");
        }
        position
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last.
    #[schema(required = true, example = json!(null))]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `rows`, of which there are at most as many as [`Paging::rows`] said, to a page. `position` names the place
    /// of a row in the order of the list.
    pub fn cut(mut rows: Vec<T>, asked: i64, position: impl Fn(&T) -> Vec<u8>) -> Self {
        let limit = usize::try_from(asked - 1).unwrap_or(0);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| URL_SAFE_NO_PAD.encode(position(row)));
        Self { items: rows, next_cursor }
    }

    /// The same page with its rows as others see them.
    pub fn map<U>(self, read: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(read).collect(), next_cursor: self.next_cursor }
    }
}

impl<T: Serialize> Page<T> {
    /// The answer to a request for `path` with `query`.
    pub fn answer(&self, app: &App, path: &str, query: &str) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if let Some(cursor) = &self.next_cursor {
            let mut pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
            pairs.retain(|(name, _)| name != "cursor");
            pairs.push(("cursor".into(), cursor.clone()));
            let query = serde_html_form::to_string(&pairs).unwrap_or_default();
            response.insert_header((LINK, format!("<{}?{query}>; rel=\"next\"", app.url(path))));
        }
        response.json(self)
    }
}
