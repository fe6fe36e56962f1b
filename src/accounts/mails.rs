//! The notices of this feature.

use super::model::User;
use crate::app::App;
use crate::db::Conn;
use crate::error::Result;
use crate::mail::MailKind;
use crate::mail::outbox::Facts;

/// Tells the owner that the password is another one.
pub async fn password_changed(app: &App, conn: &mut Conn, user: &User, facts: &Facts) -> Result<()> {
    let now = app.clock.now();
    app.outbox.enqueue_notice(conn, MailKind::PasswordChanged, user.recipient(), facts, now).await
}

/// Tells the address that the account had `before` which one it has now.
pub(super) async fn email_changed(
    app: &App,
    conn: &mut Conn,
    before: &User,
    new_email: &str,
    facts: &Facts,
) -> Result<()> {
    let facts = Facts { new_email: Some(new_email.to_owned()), ..facts.clone() };
    let now = app.clock.now();
    app.outbox.enqueue_notice(conn, MailKind::EmailChanged, before.recipient(), &facts, now).await
}
