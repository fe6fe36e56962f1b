//! The table `one_time_tokens`.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{OneTimeToken, Purpose};
use crate::db::schema::one_time_tokens as t;
use crate::db::{Conn, on};
use crate::error::Result;

pub async fn insert_token(conn: &mut Conn, token: &OneTimeToken) -> Result<()> {
    on!(conn, |c| diesel::insert_into(t::table).values(token).execute(c).await)?;
    Ok(())
}

pub async fn find_token(conn: &mut Conn, id: Id) -> Result<Option<OneTimeToken>> {
    Ok(on!(conn, |c| t::table.find(id).select(OneTimeToken::as_select()).first(c).await.optional())?)
}

/// Uses a token up. `None`: it was not good any more, or somebody else was quicker.
pub async fn consume_token(
    conn: &mut Conn,
    id: Id,
    purpose: Purpose,
    now: Time,
) -> Result<Option<OneTimeToken>> {
    Ok(on!(conn, |c| diesel::update(t::table.find(id))
        .filter(t::purpose.eq(purpose.as_str()))
        .filter(t::consumed_at.is_null())
        .filter(t::superseded_at.is_null())
        .filter(t::expires_at.gt(now))
        .set(t::consumed_at.eq(Some(now)))
        .returning(OneTimeToken::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// Ends every open token of a user, or only those of one purpose.
pub async fn supersede_tokens(
    conn: &mut Conn,
    user_id: Id,
    purpose: Option<Purpose>,
    now: Time,
) -> Result<()> {
    let any = purpose.is_none();
    let purpose = purpose.map_or("", Purpose::as_str);
    on!(conn, |c| diesel::update(t::table)
        .filter(t::user_id.eq(Some(user_id)))
        .filter(t::purpose.eq(purpose).or(any.into_sql::<diesel::sql_types::Bool>()))
        .filter(t::consumed_at.is_null())
        .filter(t::superseded_at.is_null())
        .set(t::superseded_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends every open setup token.
pub async fn supersede_setup(conn: &mut Conn, now: Time) -> Result<()> {
    on!(conn, |c| diesel::update(t::table)
        .filter(t::purpose.eq(Purpose::Setup.as_str()))
        .filter(t::consumed_at.is_null())
        .filter(t::superseded_at.is_null())
        .set(t::superseded_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Starts the life of a link at its delivery. `None`: it is not open any more, so nothing should be delivered.
pub async fn update_expiry(conn: &mut Conn, id: Id, expires_at: Time) -> Result<Option<OneTimeToken>> {
    Ok(on!(conn, |c| diesel::update(t::table.find(id))
        .filter(t::consumed_at.is_null())
        .filter(t::superseded_at.is_null())
        .set(t::expires_at.eq(expires_at))
        .returning(OneTimeToken::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// At most `limit` tokens that expired before `before`.
pub async fn list_expired(conn: &mut Conn, before: Time, limit: i64) -> Result<Vec<Id>> {
    Ok(on!(conn, |c| t::table
        .filter(t::expires_at.lt(before))
        .order(t::expires_at)
        .limit(limit)
        .select(t::id)
        .load(c)
        .await)?)
}

/// Deletes a token that expired before `before`; it may have been prolonged since it was listed.
pub async fn delete_expired(conn: &mut Conn, id: Id, before: Time) -> Result<()> {
    on!(conn, |c| diesel::delete(t::table.find(id)).filter(t::expires_at.lt(before)).execute(c).await)?;
    Ok(())
}
