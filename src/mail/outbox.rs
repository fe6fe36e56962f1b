//! The outbox: a mail is a row, written in the transaction of what it tells about, and sent by the worker alone.
//!
//! A row holds facts and never a secret: links are signed when the mail is sent. A row is claimed by moving its due
//! time to the end of a lease, so that any number of workers share one outbox; mails to one recipient keep their
//! order. Delivery is at least once.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::MailKind;
use crate::base::random::Random;
use crate::db::schema::outbox;
use crate::db::types::Json;
use crate::db::{Conn, on};
use crate::error::Result;

/// What a mail tells beyond its kind and recipient.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Browser and system by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The account's new address, for the notice to the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
}

/// A queued mail.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
pub struct QueuedMail {
    pub id: Id,
    pub kind: String,
    pub recipient: String,
    pub token_id: Option<Id>,
    pub facts: Json<Facts>,
    pub created_at: Time,
    pub due_at: Time,
    pub attempts: i32,
    pub sent_at: Option<Time>,
    pub failed_at: Option<Time>,
    pub last_error: Option<String>,
}

/// A queued mail as an operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct MailInfo {
    pub id: Id,
    pub kind: String,
    pub recipient: String,
    /// `queued`, `sent` or `failed`.
    pub state: &'static str,
    pub attempts: i32,
    pub created_at: Time,
    pub next_attempt_at: Option<Time>,
    pub last_error: Option<String>,
}

impl From<QueuedMail> for MailInfo {
    fn from(mail: QueuedMail) -> Self {
        let state = match (mail.sent_at, mail.failed_at) {
            (Some(_), _) => "sent",
            (_, Some(_)) => "failed",
            _ => "queued",
        };
        Self {
            state,
            next_attempt_at: (state == "queued").then_some(mail.due_at),
            id: mail.id,
            kind: mail.kind,
            recipient: mail.recipient,
            attempts: mail.attempts,
            created_at: mail.created_at,
            last_error: mail.last_error,
        }
    }
}

/// The writing end.
#[derive(Clone)]
pub struct Outbox {
    random: Random,
    /// Mails of one kind to one address within an hour; further ones are dropped silently.
    per_address_hourly: u32,
    wake: Arc<Notify>,
}

impl Outbox {
    /// An outbox that lets `per_address_hourly` mails of a kind through to one address.
    pub fn new(random: Random, per_address_hourly: u32) -> Self {
        Self { random, per_address_hourly, wake: Arc::new(Notify::new()) }
    }

    /// Wakes the worker. Call it after the commit.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Outbox::wake`].
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether an address may get another mail of a kind.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn may_send(
        &self,
        conn: &mut Conn,
        kind: MailKind,
        recipient: &str,
        now: Time,
    ) -> Result<bool> {
        let since = now.before(Duration::from_secs(3600));
        let recent = on!(conn, |c| outbox::table
            .filter(outbox::recipient.eq(recipient))
            .filter(outbox::kind.eq(kind.as_str()))
            .filter(outbox::created_at.gt(since))
            .count()
            .get_result::<i64>(c)
            .await)?;
        Ok(recent < i64::from(self.per_address_hourly))
    }

    /// Queues a mail in the caller's transaction.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn enqueue(
        &self,
        conn: &mut Conn,
        kind: MailKind,
        recipient: &str,
        token_id: Option<Id>,
        facts: &Facts,
        now: Time,
    ) -> Result<()> {
        let mail = QueuedMail {
            id: Id::new(now, &self.random),
            kind: kind.as_str().to_owned(),
            recipient: recipient.to_owned(),
            token_id,
            facts: Json(facts.clone()),
            created_at: now,
            due_at: now,
            attempts: 0,
            sent_at: None,
            failed_at: None,
            last_error: None,
        };
        on!(conn, |c| diesel::insert_into(outbox::table).values(&mail).execute(c).await)?;
        Ok(())
    }

    /// Queues a mail that holds no link, unless its address has had enough of the kind.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn enqueue_notice(
        &self,
        conn: &mut Conn,
        kind: MailKind,
        recipient: &str,
        facts: &Facts,
        now: Time,
    ) -> Result<()> {
        if self.may_send(conn, kind, recipient, now).await? {
            self.enqueue(conn, kind, recipient, None, facts, now).await?;
        }
        Ok(())
    }
}

/// Leases at most `limit` due mails until `now + lease`. Of each recipient only the oldest open mail is taken.
///
/// # Errors
/// When the database cannot be used.
pub async fn claim_due(conn: &mut Conn, now: Time, lease: Duration, limit: i64) -> Result<Vec<QueuedMail>> {
    let older = diesel::alias!(outbox as older);
    let open = || outbox::sent_at.is_null().and(outbox::failed_at.is_null());
    let mut claimed = on!(conn, |c| {
        let due = outbox::table
            .filter(open())
            .filter(outbox::due_at.le(now))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                older
                    .filter(older.field(outbox::recipient).eq(outbox::recipient))
                    .filter(older.field(outbox::sent_at).is_null())
                    .filter(older.field(outbox::failed_at).is_null())
                    .filter(older.field(outbox::id).lt(outbox::id)),
            )))
            .order(outbox::due_at)
            .limit(limit)
            .select(outbox::id)
            .load::<Id>(c)
            .await?;
        let mut claimed = Vec::with_capacity(due.len());
        for id in due {
            let row = diesel::update(outbox::table.find(id))
                .filter(open())
                .filter(outbox::due_at.le(now))
                .set((outbox::due_at.eq(now.after(lease)), outbox::attempts.eq(outbox::attempts + 1)))
                .returning(QueuedMail::as_returning())
                .get_result(c)
                .await
                .optional()?;
            claimed.extend(row);
        }
        QueryResult::Ok(claimed)
    })?;
    claimed.sort_by_key(|mail: &QueuedMail| mail.id);
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

/// Deletes mails sent or given up before `before`; says how many.
///
/// # Errors
/// When the database cannot be used.
pub async fn delete_old(conn: &mut Conn, before: Time, limit: i64) -> Result<usize> {
    let old = on!(conn, |c| outbox::table
        .filter(outbox::created_at.lt(before))
        .filter(outbox::sent_at.is_not_null().or(outbox::failed_at.is_not_null()))
        .order(outbox::id)
        .limit(limit)
        .select(outbox::id)
        .load::<Id>(c)
        .await)?;
    let mut deleted = 0;
    for id in old {
        deleted += on!(conn, |c| diesel::delete(outbox::table.find(id)).execute(c).await)?;
    }
    Ok(deleted)
}
