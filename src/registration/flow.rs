//! The rules of registration.

use secrecy::{ExposeSecret, SecretString};

use crate::accounts::{self, NewUser, User};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::error::{ErrorKind, Result};
use crate::http::client::Client;
use crate::one_time_tokens::Purpose;

/// Opens an account.
///
/// # Errors
/// [`ErrorKind::RegistrationClosed`], then [`ErrorKind::RegisterInvalidPassword`], then
/// [`ErrorKind::RegisterUserAlreadyExists`].
pub async fn register(
    app: &App,
    email: &EmailAddress,
    password: &SecretString,
    client: &Client,
) -> Result<User> {
    if !app.config.accounts.registration {
        return Err(ErrorKind::RegistrationClosed.into());
    }
    app.policy
        .check(password.expose_secret(), email.canonical())
        .map_err(ErrorKind::RegisterInvalidPassword)?;
    let hash = app.hasher.hash(password).await?;
    let now = app.clock.now();
    let user = NewUser {
        id: Id::new(now, &app.random),
        email: email.as_str().to_owned(),
        email_canonical: email.canonical().to_owned(),
        password_hash: Some(hash),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    };
    let mut tx = app.db.write().await?;
    let Some(user) = accounts::insert_user(&mut tx, &user).await? else {
        tx.rollback().await?;
        return Err(ErrorKind::RegisterUserAlreadyExists.into());
    };
    accounts::link(app, &mut tx, Purpose::Verify, &user, &client.facts()).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(user)
}
