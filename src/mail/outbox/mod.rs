//! The outbox: a mail is a row, written in the transaction of what it tells about, and sent by the worker alone.
//!
//! A row holds facts and never a secret: links are signed when the mail is sent. A row is claimed by moving its due
//! time to the end of a lease, so that any number of workers share one outbox; mails to one recipient keep their
//! order. Delivery is at least once.

mod store;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::MailKind;
use crate::base::clock::Time;
use crate::base::ids::Id;
use crate::base::random::Random;
use crate::db::Conn;
use crate::db::types::Json;
use crate::error::Result;

pub use store::{
    QueuedMail, claim_mails, delete_mail, list_due, list_old, list_unsent, retry_failed, update_failed,
    update_retry, update_sent,
};

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

/// Where a mail goes.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The stored address.
    pub email: &'a str,
    /// Its canonical form: limits and the order of mails go by it, whatever the spelling.
    pub canonical: &'a str,
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
        recipient: Recipient<'_>,
        now: Time,
    ) -> Result<bool> {
        let since = now.before(Duration::from_secs(3600));
        let recent = store::count_recent(conn, kind.as_str(), recipient.canonical, since).await?;
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
        recipient: Recipient<'_>,
        token_id: Option<Id>,
        facts: &Facts,
        now: Time,
    ) -> Result<()> {
        let mail = QueuedMail {
            id: Id::new(now, &self.random),
            kind: kind.as_str().to_owned(),
            recipient: recipient.email.to_owned(),
            mailbox: recipient.canonical.to_owned(),
            token_id,
            facts: Json(facts.clone()),
            created_at: now,
            due_at: now,
            attempts: 0,
            sent_at: None,
            failed_at: None,
            last_error: None,
        };
        store::insert_mail(conn, &mail).await
    }

    /// The statement of [`Outbox::enqueue`] for nobody: a row that is done already and goes with the next purge.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn enqueue_for_nobody(&self, conn: &mut Conn, kind: MailKind) -> Result<()> {
        let mail = QueuedMail {
            id: Id::new(Time::EPOCH, &self.random),
            kind: kind.as_str().to_owned(),
            recipient: String::new(),
            mailbox: String::new(),
            token_id: None,
            facts: Json(Facts::default()),
            created_at: Time::EPOCH,
            due_at: Time::EPOCH,
            attempts: 0,
            sent_at: Some(Time::EPOCH),
            failed_at: None,
            last_error: None,
        };
        store::insert_mail(conn, &mail).await
    }

    /// Queues a mail that holds no link, unless its address has had enough of the kind.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn enqueue_notice(
        &self,
        conn: &mut Conn,
        kind: MailKind,
        recipient: Recipient<'_>,
        facts: &Facts,
        now: Time,
    ) -> Result<()> {
        if self.may_send(conn, kind, recipient, now).await? {
            self.enqueue(conn, kind, recipient, None, facts, now).await?;
        }
        Ok(())
    }
}
