//! Queuing a mail with a link: the token's row and the mail's row in one transaction.

use super::model::{OneTimeToken, Purpose};
use super::store::insert_token;
use crate::accounts::{self, User};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::db::Conn;
use crate::error::Result;
use crate::mail::MailKind;
use crate::mail::outbox::{Facts, Recipient};

/// Queues a mail with a link to the user's stored address, never to a typed one (CVE-2019-19844), unless the address
/// has had enough of the kind.
///
/// # Errors
/// When the database cannot be used.
pub async fn mail_link(
    app: &App,
    conn: &mut Conn,
    purpose: Purpose,
    user: &User,
    facts: &Facts,
) -> Result<()> {
    let now = app.clock.now();
    if app.outbox.may_send(conn, kind_of(purpose), user.recipient(), now).await? {
        queue(app, conn, purpose, user, facts, now).await?;
    }
    Ok(())
}

/// Queues a mail with a link if `email` belongs to an account that `may` have one and that has not had enough.
///
/// Otherwise the same statements are run and committed for nobody, so that neither the answer nor its time tells who
/// has an account (ASVS 6.3.8); what they leave behind goes with the next purge.
///
/// # Errors
/// When the database cannot be used.
pub async fn request_link(
    app: &App,
    purpose: Purpose,
    email: &EmailAddress,
    facts: &Facts,
    may: impl FnOnce(&User) -> bool,
) -> Result<()> {
    let now = app.clock.now();
    let recipient = Recipient { email: email.as_str(), canonical: email.canonical() };
    let mut tx = app.db.write().await?;
    let found = accounts::find_by_email(&mut tx, email.canonical()).await?;
    let id = found.as_ref().map_or(Id::NIL, |user| user.id);
    let user = accounts::lock_user(&mut tx, id).await?.filter(may);
    let has_room = app.outbox.may_send(&mut tx, kind_of(purpose), recipient, now).await?;
    match user.filter(|_| has_room) {
        Some(user) => queue(app, &mut tx, purpose, &user, facts, now).await?,
        None => queue_for_nobody(app, &mut tx, purpose).await?,
    }
    tx.commit().await?;
    app.outbox.wake();
    Ok(())
}

fn kind_of(purpose: Purpose) -> MailKind {
    match purpose {
        Purpose::Verify => MailKind::Verify,
        Purpose::ResetPassword => MailKind::ResetPassword,
        Purpose::Invitation | Purpose::Setup => MailKind::Invitation,
    }
}

async fn queue(
    app: &App,
    conn: &mut Conn,
    purpose: Purpose,
    user: &User,
    facts: &Facts,
    now: Time,
) -> Result<()> {
    let token = OneTimeToken {
        id: Id::new(now, &app.random),
        user_id: Some(user.id),
        purpose: purpose.as_str().to_owned(),
        email: user.email_canonical.clone(),
        created_at: now,
        expires_at: now.after(purpose.lifetime(&app.config.links)),
        consumed_at: None,
        superseded_at: None,
    };
    insert_token(conn, &token).await?;
    app.outbox.enqueue(conn, kind_of(purpose), user.recipient(), Some(token.id), facts, now).await
}

/// The same inserts: a dead token and a mail that is done, both from the beginning of time.
async fn queue_for_nobody(app: &App, conn: &mut Conn, purpose: Purpose) -> Result<()> {
    let token = OneTimeToken {
        id: Id::new(Time::EPOCH, &app.random),
        user_id: None,
        purpose: purpose.as_str().to_owned(),
        email: String::new(),
        created_at: Time::EPOCH,
        expires_at: Time::EPOCH,
        consumed_at: None,
        superseded_at: Some(Time::EPOCH),
    };
    insert_token(conn, &token).await?;
    app.outbox.enqueue_for_nobody(conn, kind_of(purpose)).await
}
