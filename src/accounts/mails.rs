//! The mails of this feature.

use super::model::User;
use crate::app::App;
use crate::db::Conn;
use crate::error::Result;
use crate::mail::MailKind;
use crate::mail::outbox::Facts;
use crate::one_time_tokens::{LinkTarget, Purpose, mail_link};

/// Tells the owner that the password is another one.
pub async fn password_changed(app: &App, conn: &mut Conn, user: &User, facts: &Facts) -> Result<()> {
    let now = app.clock.now();
    app.outbox.enqueue_notice(conn, MailKind::PasswordChanged, &user.email, facts, now).await
}

/// Tells the old address that the account has a new one.
pub async fn email_changed(
    app: &App,
    conn: &mut Conn,
    old_email: &str,
    new_email: &str,
    facts: &Facts,
) -> Result<()> {
    let facts = Facts { new_email: Some(new_email.to_owned()), ..facts.clone() };
    let now = app.clock.now();
    app.outbox.enqueue_notice(conn, MailKind::EmailChanged, old_email, &facts, now).await
}

/// Sends a link of `purpose` to the user's stored address.
pub async fn link(app: &App, conn: &mut Conn, purpose: Purpose, user: &User, facts: &Facts) -> Result<()> {
    let target = LinkTarget { user_id: Some(user.id), email: &user.email, canonical: &user.email_canonical };
    mail_link(app, conn, purpose, &target, facts, app.clock.now()).await
}
