//! The table `sessions`.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{Session, SessionKind};
use crate::accounts::User;
use crate::base::secret::Digest;
use crate::db::schema::{sessions, users};
use crate::db::{Conn, on};
use crate::error::Result;

pub(super) async fn insert_session(conn: &mut Conn, session: &Session) -> Result<()> {
    on!(conn, |c| diesel::insert_into(sessions::table).values(session).execute(c).await)?;
    Ok(())
}

/// A live session and its user: the one query of every signed-in request.
pub async fn find_signed_in(conn: &mut Conn, id: Id, now: Time) -> Result<Option<(Session, User)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id))
        .filter(sessions::expires_at.gt(now))
        .select((Session::as_select(), User::as_select()))
        .first(c)
        .await
        .optional())?)
}

/// A live session of a kind by the digest of its secret, and its user.
pub async fn find_by_secret(
    conn: &mut Conn,
    kind: SessionKind,
    digest: &Digest,
    now: Time,
) -> Result<Option<(Session, User)>> {
    Ok(on!(conn, |c| sessions::table
        .inner_join(users::table)
        .filter(sessions::secret_digest.eq(digest.as_slice()))
        .filter(sessions::kind.eq(kind.as_str()))
        .filter(sessions::expires_at.gt(now))
        .select((Session::as_select(), User::as_select()))
        .first(c)
        .await
        .optional())?)
}

/// How many live sessions of a kind a user has.
pub(super) async fn count_live(conn: &mut Conn, user_id: Id, kind: SessionKind, now: Time) -> Result<i64> {
    Ok(on!(conn, |c| sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::kind.eq(kind.as_str()))
        .filter(sessions::expires_at.gt(now))
        .count()
        .get_result(c)
        .await)?)
}

/// Lets a session end later, never earlier.
pub(super) async fn update_expiry(conn: &mut Conn, id: Id, expires_at: Time) -> Result<()> {
    on!(conn, |c| diesel::update(sessions::table.find(id))
        .filter(sessions::expires_at.lt(expires_at))
        .set(sessions::expires_at.eq(expires_at))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn find_session(conn: &mut Conn, id: Id) -> Result<Option<Session>> {
    Ok(on!(conn, |c| sessions::table.find(id).select(Session::as_select()).first(c).await.optional())?)
}

/// Whether a session is there; who holds the lock of its user can rely on it until the transaction ends.
pub async fn exists(conn: &mut Conn, id: Id) -> Result<bool> {
    Ok(find_session(conn, id).await?.is_some())
}

/// Rotates a refresh token and slides the session's end to `slide`, its absolute end at most: one compare-and-set.
/// `None`: `parent` is not the live token, or the session has ended.
pub(super) async fn rotate_session(
    conn: &mut Conn,
    id: Id,
    parent: &Digest,
    child: &Digest,
    now: Time,
    slide: Time,
) -> Result<Option<Session>> {
    Ok(on!(conn, |c| diesel::update(sessions::table.find(id))
        .filter(sessions::secret_digest.eq(parent.as_slice()))
        .filter(sessions::expires_at.gt(now))
        .set((
            sessions::secret_digest.eq(child.as_slice()),
            sessions::previous_digest.eq(Some(parent.as_slice())),
            sessions::rotated_at.eq(Some(now)),
            sessions::last_used_at.eq(now),
            sessions::generation.eq(sessions::generation + 1),
            sessions::expires_at.eq(case_when(
                sessions::absolute_expires_at.lt(slide),
                sessions::absolute_expires_at
            )
            .otherwise(slide)),
        ))
        .returning(Session::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// Notes when a session was used, never back in time; cookie sessions also slide to `slide`.
pub async fn update_last_used(conn: &mut Conn, id: Id, at: Time, slide: Time) -> Result<()> {
    on!(conn, |c| diesel::update(sessions::table.find(id))
        .filter(sessions::last_used_at.lt(at))
        .set((
            sessions::last_used_at.eq(at),
            sessions::expires_at.eq(case_when(
                sessions::kind.ne(SessionKind::Cookie.as_str()),
                sessions::expires_at
            )
            .when(sessions::absolute_expires_at.lt(slide), sessions::absolute_expires_at)
            .otherwise(slide)),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The live sessions of a user made before `before`, newest first.
pub(super) async fn list_sessions(
    conn: &mut Conn,
    user_id: Id,
    now: Time,
    before: Option<Id>,
    limit: i64,
) -> Result<Vec<Session>> {
    // No id is higher than this one.
    let before = before.unwrap_or(Id::MAX);
    Ok(on!(conn, |c| sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::id.lt(before))
        .order(sessions::id.desc())
        .limit(limit)
        .select(Session::as_select())
        .load(c)
        .await)?)
}

/// Ends one session of a user; says whether there was one.
pub(super) async fn delete_session(conn: &mut Conn, user_id: Id, id: Id) -> Result<bool> {
    let deleted = on!(conn, |c| diesel::delete(sessions::table.find(id))
        .filter(sessions::user_id.eq(user_id))
        .execute(c)
        .await)?;
    Ok(deleted == 1)
}

/// Ends the sessions of a user but for `kept`; says how many.
pub(super) async fn delete_sessions(conn: &mut Conn, user_id: Id, kept: Option<Id>) -> Result<usize> {
    // The nil id is nobody's.
    let kept = kept.unwrap_or(Id::NIL);
    Ok(on!(conn, |c| diesel::delete(sessions::table)
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::id.ne(kept))
        .execute(c)
        .await)?)
}

/// At most `limit` sessions that expired before `before`.
pub async fn list_expired(conn: &mut Conn, before: Time, limit: i64) -> Result<Vec<Id>> {
    Ok(on!(conn, |c| sessions::table
        .filter(sessions::expires_at.lt(before))
        .order(sessions::expires_at)
        .limit(limit)
        .select(sessions::id)
        .load(c)
        .await)?)
}

/// Deletes a session that expired before `before`; it may have been prolonged since it was listed.
pub async fn delete_expired(conn: &mut Conn, id: Id, before: Time) -> Result<()> {
    on!(conn, |c| diesel::delete(sessions::table.find(id))
        .filter(sessions::expires_at.lt(before))
        .execute(c)
        .await)?;
    Ok(())
}
