//! The table `signing_keys`.

use crate::base::clock::Time;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::signing_keys;
use crate::db::{Conn, on};
use crate::error::Result;

/// A key at rest.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
pub(super) struct StoredKey {
    pub kid: String,
    pub algorithm: String,
    pub sealed_private_key: Vec<u8>,
    pub created_at: Time,
    pub signs_from: Time,
    pub retires_at: Option<Time>,
}

/// Every key that was not retired before `now`, oldest first.
pub(super) async fn list_published(conn: &mut Conn, now: Time) -> Result<Vec<StoredKey>> {
    Ok(on!(conn, |c| signing_keys::table
        .filter(signing_keys::retires_at.is_null().or(signing_keys::retires_at.gt(Some(now))))
        .order((signing_keys::signs_from, signing_keys::kid))
        .select(StoredKey::as_select())
        .load(c)
        .await)?)
}

/// Deletes keys that would sign only after `from`, and so have signed nothing at `now`.
pub(super) async fn delete_later(conn: &mut Conn, from: Time, now: Time) -> Result<()> {
    on!(conn, |c| diesel::delete(signing_keys::table)
        .filter(signing_keys::signs_from.gt(from))
        .filter(signing_keys::signs_from.gt(now))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn insert_key(conn: &mut Conn, key: StoredKey) -> Result<()> {
    on!(conn, |c| diesel::insert_into(signing_keys::table).values(&key).execute(c).await)?;
    Ok(())
}

/// Lets every key but `kid` leave the JWKS at `at`, unless it leaves earlier.
pub(super) async fn update_retirement(conn: &mut Conn, kid: &str, at: Time) -> Result<()> {
    on!(conn, |c| diesel::update(signing_keys::table)
        .filter(signing_keys::kid.ne(kid))
        .filter(signing_keys::retires_at.is_null())
        .set(signing_keys::retires_at.eq(Some(at)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes keys that retired before `before`; says how many.
pub(super) async fn delete_retired(conn: &mut Conn, before: Time) -> Result<usize> {
    Ok(on!(conn, |c| diesel::delete(signing_keys::table)
        .filter(signing_keys::retires_at.lt(Some(before)))
        .execute(c)
        .await)?)
}
