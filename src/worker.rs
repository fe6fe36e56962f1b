//! The background loop: sends the mails of the outbox, writes last-used times, purges what is over.
//!
//! Any number of instances may run it on one database; leases keep two from sending one mail at the same time.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Time;
use crate::base::ids::Id;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::app::App;
use crate::error::{Error, Result};
use crate::mail::outbox::{self, QueuedMail};
use crate::mail::{MailFacts, MailKind, Outgoing, SendError, render};
use crate::one_time_tokens::{self as tokens, Purpose};
use crate::{db, sessions, signing_keys};

/// How often the outbox is looked through when nobody wakes the worker.
const OUTBOX_TICK: Duration = Duration::from_secs(1);
/// How often upkeep runs.
const UPKEEP_TICK: Duration = Duration::from_secs(5);
/// Mails that are on their way at once.
const BATCH: usize = 10;
/// First wait after a failure; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Rows of a table that one transaction of a purge deletes at most, so that it never holds the write lock for long.
const PURGE: i64 = 100;
/// Transactions of one purge at most.
const PURGES: usize = 50;
/// Last-used times that one transaction writes.
const TOUCHES: usize = 100;
/// Sent and given-up mails, used links and expired sessions are kept that long.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// What an error text may take up in the outbox, in characters.
const MAX_ERROR: usize = 500;

/// Runs until `stop` says so. A mail that is on its way then is finished first.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let outbox = outbox_loop(Arc::clone(&app), stop.clone());
    let upkeep = async {
        let mut tick = tokio::time::interval(UPKEEP_TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            if let Err(error) = upkeep(&app).await {
                tracing::warn!(cause = error.cause(), "upkeep failed and is tried again");
            }
        }
        // Last-used times of the last seconds.
        let _ = write_touches(&app).await;
    };
    tokio::join!(outbox, upkeep);
}

/// Keeps up to [`BATCH`] mails on their way, each in its own time: one that hangs holds up no other.
async fn outbox_loop(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    while !*stop.borrow() {
        let free = BATCH.saturating_sub(under_way.len());
        match claim_due(&app, free).await {
            Ok(claimed) => {
                for mail in claimed {
                    let app = Arc::clone(&app);
                    under_way.spawn(async move { deliver(&app, mail).await });
                }
            }
            Err(error) => {
                tracing::warn!(cause = error.cause(), "the outbox cannot be read and is tried again")
            }
        }
        tokio::select! {
            Some(outcome) = under_way.join_next() => note(outcome),
            () = app.outbox.woken() => {}
            () = tokio::time::sleep(OUTBOX_TICK) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    while let Some(outcome) = under_way.join_next().await {
        note(outcome);
    }
}

/// A mail of which nobody knows what became is sent again when its lease is over.
fn note(outcome: std::result::Result<Result<()>, JoinError>) {
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(cause = error.cause(), "what became of a mail cannot be noted"),
        Err(error) => tracing::error!(%error, "the sending of a mail broke off"),
    }
}

/// Sends every mail that is due now and says how many rows were looked at.
///
/// # Errors
/// When the database cannot be used.
pub async fn deliver_due(app: &App) -> Result<usize> {
    let claimed = claim_due(app, BATCH).await?;
    let count = claimed.len();
    let deliveries = claimed.into_iter().map(|mail| deliver(app, mail));
    for outcome in futures_util::future::join_all(deliveries).await {
        outcome?;
    }
    Ok(count)
}

/// Leases at most `limit` mails that are due now.
async fn claim_due(app: &App, limit: usize) -> Result<Vec<QueuedMail>> {
    let limit = i64::try_from(limit).unwrap_or(0);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let due = {
        let mut conn = app.db.read().await?;
        outbox::list_due(&mut conn, now, limit).await?
    };
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = app.db.write().await?;
    let claimed = outbox::claim_mails(&mut tx, &due, now, app.config.mail.lease).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn deliver(app: &App, mail: QueuedMail) -> Result<()> {
    let now = app.clock.now();
    let outgoing = match compose(app, &mail, now).await {
        Ok(Some(outgoing)) => outgoing,
        // Its link was used or replaced, or its account deleted: nobody needs it any more.
        Ok(None) => return drop_mail(app, &mail).await,
        Err(error) => {
            let text = error.cause().unwrap_or("it cannot be composed").to_owned();
            return settle(app, &mail, Err(SendError::Temporary(text))).await;
        }
    };
    let outcome = app.mailer.send(&outgoing).await;
    settle(app, &mail, outcome).await
}

async fn drop_mail(app: &App, mail: &QueuedMail) -> Result<()> {
    tracing::debug!(mail_id = %mail.id, kind = mail.kind, "a mail was dropped, since its link is not open any more");
    let mut tx = app.db.write().await?;
    outbox::delete_mail(&mut tx, mail.id).await?;
    tx.commit().await
}

/// Signs the link and renders the mail. `None`: its link is not open any more.
async fn compose(app: &App, mail: &QueuedMail, now: Time) -> Result<Option<Outgoing>> {
    let kind = MailKind::parse(&mail.kind)
        .ok_or_else(|| Error::internal(format!("unknown kind of mail: {}", mail.kind)))?;
    let facts = mail.facts.0.clone();
    let mut mail_facts = MailFacts {
        kind,
        recipient: mail.recipient.clone(),
        link: None,
        expires_in: None,
        expires_at: None,
        requested_at: mail.created_at.timestamp(),
        ip: facts.ip,
        device: facts.device,
        new_email: facts.new_email,
    };
    if let (Some(token_id), Some(purpose)) = (mail.token_id, purpose_of(kind)) {
        // The link's life starts now.
        let lifetime = purpose.lifetime(&app.config.links);
        let mut tx = app.db.write().await?;
        let token = tokens::update_expiry(&mut tx, token_id, now.after(lifetime)).await?;
        tx.commit().await?;
        let Some(token) = token else { return Ok(None) };
        let signed = tokens::sign(app, &token, purpose, now)?;
        mail_facts.link = Some(app.url(&format!("{}?token={signed}", purpose.page())));
        mail_facts.expires_in = Some(lifetime);
        mail_facts.expires_at = Some(token.expires_at.timestamp());
    }
    let rendered = render(&app.templates, &app.brand, &mail_facts).map_err(Error::internal)?;
    Ok(Some(Outgoing {
        id: mail.id.uuid(),
        kind,
        from: app.config.mail.from.clone(),
        to: mail.recipient.clone(),
        message_id_host: app.brand.host().to_owned(),
        rendered,
        date: now.timestamp(),
    }))
}

/// Writes down what came of a mail.
async fn settle(app: &App, mail: &QueuedMail, outcome: Result<(), SendError>) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    match outcome {
        Ok(()) => outbox::update_sent(&mut tx, mail.id, now).await?,
        Err(SendError::Temporary(error)) if may_retry(app, mail) => {
            let error = shorten(&error);
            tracing::warn!(mail_id = %mail.id, kind = mail.kind, attempt = mail.attempts, error,
                "a mail was not sent and is tried again");
            outbox::update_retry(&mut tx, mail.id, now.after(wait(mail.attempts)), &error).await?;
        }
        Err(SendError::Temporary(error) | SendError::Permanent(error)) => {
            let error = shorten(&error);
            tracing::error!(mail_id = %mail.id, kind = mail.kind, attempt = mail.attempts, error,
                "a mail was given up; see `usher mail list`");
            outbox::update_failed(&mut tx, mail.id, now, &error).await?;
        }
    }
    tx.commit().await
}

fn may_retry(app: &App, mail: &QueuedMail) -> bool {
    u32::try_from(mail.attempts).unwrap_or(0) < app.config.mail.max_attempts
}

/// 2, 4, 8, 16, 32, then 60 seconds.
fn wait(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(8);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

fn shorten(error: &str) -> String {
    error.chars().take(MAX_ERROR).collect()
}

fn purpose_of(kind: MailKind) -> Option<Purpose> {
    match kind {
        MailKind::Verify => Some(Purpose::Verify),
        MailKind::ResetPassword => Some(Purpose::ResetPassword),
        MailKind::Invitation => Some(Purpose::Invitation),
        MailKind::PasswordChanged | MailKind::EmailChanged | MailKind::RefreshTokenReused => None,
    }
}

/// One round of upkeep: last-used times, key reload and rotation, purge, checkpoint.
///
/// # Errors
/// When the database cannot be used.
pub async fn upkeep(app: &Arc<App>) -> Result<()> {
    write_touches(app).await?;
    signing_keys::reload(app).await?;
    signing_keys::rotate_if_due(app).await?;
    purge(app).await?;
    let url = app.database_url().to_owned();
    tokio::task::spawn_blocking(move || db::checkpoint(&url))
        .await
        .map_err(|error| Error::internal(error.to_string()))?
}

/// Writes the last-used times that wait, in small transactions and in one order, so that they keep nobody waiting and
/// two instances do not lock each other out. What could not be written waits for the next round.
async fn write_touches(app: &App) -> Result<()> {
    let mut touched: Vec<(Id, Time)> = app.touches.take().into_iter().collect();
    touched.sort_unstable();
    for chunk in touched.chunks(TOUCHES) {
        if let Err(error) = write_chunk(app, chunk).await {
            for (session_id, at) in touched {
                app.touches.note(session_id, at);
            }
            return Err(error);
        }
    }
    Ok(())
}

async fn write_chunk(app: &App, touched: &[(Id, Time)]) -> Result<()> {
    let mut tx = app.db.write().await?;
    for (session_id, at) in touched {
        let slide = at.after(app.config.sessions.cookie_ttl);
        sessions::update_last_used(&mut tx, *session_id, *at, slide).await?;
    }
    tx.commit().await
}

/// Deletes what was over more than [`KEPT`] ago, in small transactions.
async fn purge(app: &App) -> Result<()> {
    let until = app.clock.now().before(KEPT);
    for _ in 0..PURGES {
        let (sessions, tokens, mails) = {
            let mut conn = app.db.read().await?;
            (
                sessions::list_expired(&mut conn, until, PURGE).await?,
                tokens::list_expired(&mut conn, until, PURGE).await?,
                outbox::list_old(&mut conn, Id::lowest_at(until), PURGE).await?,
            )
        };
        if sessions.is_empty() && tokens.is_empty() && mails.is_empty() {
            break;
        }
        let mut tx = app.db.write().await?;
        for id in sessions {
            sessions::delete_expired(&mut tx, id, until).await?;
        }
        for id in tokens {
            tokens::delete_expired(&mut tx, id, until).await?;
        }
        for id in mails {
            outbox::delete_mail(&mut tx, id).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
