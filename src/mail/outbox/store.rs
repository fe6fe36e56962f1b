//! The table `outbox`.

use std::time::Duration;

use super::Facts;
use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::outbox;
use crate::db::types::Json;
use crate::db::{Conn, on};
use crate::error::Result;

/// A queued mail.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
pub struct QueuedMail {
    pub id: Id,
    pub kind: String,
    pub recipient: String,
    pub mailbox: String,
    pub token_id: Option<Id>,
    pub facts: Json<Facts>,
    pub created_at: Time,
    pub due_at: Time,
    pub attempts: i32,
    pub sent_at: Option<Time>,
    pub failed_at: Option<Time>,
    pub last_error: Option<String>,
}

pub(super) async fn insert_mail(conn: &mut Conn, mail: &QueuedMail) -> Result<()> {
    on!(conn, |c| diesel::insert_into(outbox::table).values(mail).execute(c).await)?;
    Ok(())
}

/// Mails of one kind to one address since `since`.
pub(super) async fn count_recent(conn: &mut Conn, kind: &str, mailbox: &str, since: Time) -> Result<i64> {
    Ok(on!(conn, |c| outbox::table
        .filter(outbox::mailbox.eq(mailbox))
        .filter(outbox::kind.eq(kind))
        .filter(outbox::created_at.gt(since))
        .count()
        .get_result::<i64>(c)
        .await)?)
}

/// At most `limit` mails that are due, of each recipient only the oldest open one.
///
/// # Errors
/// When the database cannot be used.
pub async fn list_due(conn: &mut Conn, now: Time, limit: i64) -> Result<Vec<Id>> {
    let older = diesel::alias!(outbox as older);
    Ok(on!(conn, |c| outbox::table
        .filter(outbox::sent_at.is_null())
        .filter(outbox::failed_at.is_null())
        .filter(outbox::due_at.le(now))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            older
                .filter(older.field(outbox::mailbox).eq(outbox::mailbox))
                .filter(older.field(outbox::sent_at).is_null())
                .filter(older.field(outbox::failed_at).is_null())
                .filter(older.field(outbox::id).lt(outbox::id)),
        )))
        .order(outbox::due_at)
        .limit(limit)
        .select(outbox::id)
        .load(c)
        .await)?)
}

/// Leases those of `ids` that are still due, until `now + lease`: somebody else may have been quicker.
///
/// # Errors
/// When the database cannot be used.
pub async fn claim_mails(conn: &mut Conn, ids: &[Id], now: Time, lease: Duration) -> Result<Vec<QueuedMail>> {
    let mut claimed = Vec::with_capacity(ids.len());
    for id in ids {
        let mail = on!(&mut *conn, |c| diesel::update(outbox::table.find(*id))
            .filter(outbox::sent_at.is_null())
            .filter(outbox::failed_at.is_null())
            .filter(outbox::due_at.le(now))
            .set((outbox::due_at.eq(now.after(lease)), outbox::attempts.eq(outbox::attempts + 1)))
            .returning(QueuedMail::as_returning())
            .get_result(c)
            .await
            .optional())?;
        claimed.extend(mail);
    }
    Ok(claimed)
}

/// Notes that a mail is out.
///
/// # Errors
/// When the database cannot be used.
pub async fn update_sent(conn: &mut Conn, id: Id, now: Time) -> Result<()> {
    on!(conn, |c| diesel::update(outbox::table.find(id))
        .set((outbox::sent_at.eq(Some(now)), outbox::last_error.eq(None::<String>)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Notes that a mail could not be sent and when it is tried again.
///
/// # Errors
/// When the database cannot be used.
pub async fn update_retry(conn: &mut Conn, id: Id, due_at: Time, error: &str) -> Result<()> {
    on!(conn, |c| diesel::update(outbox::table.find(id))
        .set((outbox::due_at.eq(due_at), outbox::last_error.eq(Some(error))))
        .execute(c)
        .await)?;
    Ok(())
}

/// Gives a mail up; it stays and is shown until somebody retries it or it is purged.
///
/// # Errors
/// When the database cannot be used.
pub async fn update_failed(conn: &mut Conn, id: Id, now: Time, error: &str) -> Result<()> {
    on!(conn, |c| diesel::update(outbox::table.find(id))
        .set((outbox::failed_at.eq(Some(now)), outbox::last_error.eq(Some(error))))
        .execute(c)
        .await)?;
    Ok(())
}

/// Mails that are not sent, newest first: all of them, or only those that were given up.
///
/// # Errors
/// When the database cannot be used.
pub async fn list_unsent(conn: &mut Conn, only_failed: bool, limit: i64) -> Result<Vec<QueuedMail>> {
    Ok(on!(conn, |c| outbox::table
        .filter(outbox::sent_at.is_null())
        .filter(outbox::failed_at.is_not_null().or((!only_failed).into_sql::<diesel::sql_types::Bool>()))
        .order(outbox::id.desc())
        .limit(limit)
        .select(QueuedMail::as_select())
        .load(c)
        .await)?)
}

/// Lets given-up mails be tried again at once: one, or all. Says how many.
///
/// # Errors
/// When the database cannot be used.
pub async fn retry_failed(conn: &mut Conn, id: Option<Id>, now: Time) -> Result<usize> {
    let any = id.is_none();
    Ok(on!(conn, |c| diesel::update(outbox::table)
        .filter(outbox::failed_at.is_not_null())
        .filter(outbox::sent_at.is_null())
        .filter(outbox::id.eq(id.unwrap_or(Id::NIL)).or(any.into_sql::<diesel::sql_types::Bool>()))
        .set((outbox::failed_at.eq(None::<Time>), outbox::due_at.eq(now), outbox::attempts.eq(0),))
        .execute(c)
        .await)?)
}

/// At most `limit` mails made before the id `until` that were sent or given up.
///
/// # Errors
/// When the database cannot be used.
pub async fn list_old(conn: &mut Conn, until: Id, limit: i64) -> Result<Vec<Id>> {
    Ok(on!(conn, |c| outbox::table
        .filter(outbox::id.lt(until))
        .filter(outbox::sent_at.is_not_null().or(outbox::failed_at.is_not_null()))
        .order(outbox::id)
        .limit(limit)
        .select(outbox::id)
        .load(c)
        .await)?)
}

/// Deletes a mail.
///
/// # Errors
/// When the database cannot be used.
pub async fn delete_mail(conn: &mut Conn, id: Id) -> Result<()> {
    on!(conn, |c| diesel::delete(outbox::table.find(id)).execute(c).await)?;
    Ok(())
}
