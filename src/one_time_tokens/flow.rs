//! Queuing a mail with a link: the token's row and the mail's row in one transaction.

use crate::base::clock::Time;
use crate::base::ids::Id;

use super::model::{OneTimeToken, Purpose};
use super::store::insert_token;
use crate::accounts::{self, User};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::db::Conn;
use crate::error::Result;
use crate::mail::MailKind;
use crate::mail::outbox::Facts;

/// Whom a link is for.
pub struct LinkTarget<'a> {
    /// Absent only for a decoy, which does the same work and is rolled back.
    pub user_id: Option<Id>,
    /// The stored address: mails go there and nowhere else.
    pub email: &'a str,
    pub canonical: &'a str,
}

/// Queues a mail with a link, unless the address has had enough of its kind.
///
/// # Errors
/// When the database cannot be used.
pub async fn mail_link(
    app: &App,
    conn: &mut Conn,
    purpose: Purpose,
    target: &LinkTarget<'_>,
    facts: &Facts,
    now: Time,
) -> Result<()> {
    let kind = match purpose {
        Purpose::Verify => MailKind::Verify,
        Purpose::ResetPassword => MailKind::ResetPassword,
        Purpose::Invitation | Purpose::Setup => MailKind::Invitation,
    };
    if !app.outbox.may_send(conn, kind, target.email, now).await? {
        return Ok(());
    }
    let token = OneTimeToken {
        id: Id::new(now, &app.random),
        user_id: target.user_id,
        purpose: purpose.as_str().to_owned(),
        email: target.canonical.to_owned(),
        created_at: now,
        expires_at: now.after(purpose.lifetime(&app.config.links)),
        consumed_at: None,
        superseded_at: None,
    };
    insert_token(conn, &token).await?;
    app.outbox.enqueue(conn, kind, target.email, Some(token.id), facts, now).await
}

/// Queues a mail with a link if `email` belongs to an account that `may` have one. For any other address the same
/// statements run and are rolled back, so that the answer's time tells nothing (ASVS 6.3.8).
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
    let mut tx = app.db.write().await?;
    // Locked, or many at once would each count the mails of the hour before any of them adds one.
    let user = accounts::lock_by_email(&mut tx, email.canonical()).await?;
    match user.filter(may) {
        Some(user) => {
            // The stored address, never the typed one (CVE-2019-19844).
            accounts::link(app, &mut tx, purpose, &user, facts).await?;
            tx.commit().await?;
            app.outbox.wake();
        }
        None => {
            let decoy = LinkTarget { user_id: None, email: email.as_str(), canonical: email.canonical() };
            mail_link(app, &mut tx, purpose, &decoy, facts, now).await?;
            tx.rollback().await?;
        }
    }
    Ok(())
}
