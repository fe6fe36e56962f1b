//! The rules of registration.

use secrecy::SecretString;

use crate::accounts::{self, Creation, User};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::error::{ErrorKind, Result};
use crate::http::client::Client;

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
    let creation = Creation {
        email: email.clone(),
        password: Some(password.clone()),
        is_active: true,
        is_superuser: false,
        is_verified: false,
    };
    accounts::create(app, creation, &client.facts()).await
}
