//! The rules of the setup link.

use secrecy::SecretString;

use crate::accounts::{self, Creation, User};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::Facts;
use crate::one_time_tokens::{self as tokens, LinkState, OneTimeToken, Purpose};

/// What a setup link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    Link(LinkState),
    /// There is a superuser already.
    Unavailable,
}

/// A new setup link, which replaces earlier ones; `None` when there is a superuser.
///
/// # Errors
/// When the database cannot be used.
pub async fn make_link(app: &App) -> Result<Option<SecretString>> {
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    if accounts::has_superuser(&mut tx).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tokens::supersede_setup(&mut tx, now).await?;
    let token = OneTimeToken {
        id: Id::new(now, &app.random),
        user_id: None,
        purpose: Purpose::Setup.as_str().to_owned(),
        email: String::new(),
        created_at: now,
        expires_at: now.after(app.config.links.setup_ttl),
        consumed_at: None,
        superseded_at: None,
    };
    tokens::insert_token(&mut tx, &token).await?;
    tx.commit().await?;
    let signed = tokens::sign(app, &token, Purpose::Setup, now)?;
    let url = app.url(&format!("{}?token={signed}", Purpose::Setup.page()));
    Ok(Some(SecretString::from(url)))
}

/// Makes the superuser that the configuration names, if there is none yet; says whether it did. An account that has
/// the address already is not touched.
///
/// # Errors
/// [`ErrorKind::RegisterInvalidPassword`], [`ErrorKind::RegisterUserAlreadyExists`].
pub async fn from_config(app: &App) -> Result<bool> {
    let setup = &app.config.setup;
    let (Some(email), Some(password)) = (&setup.superuser_email, &setup.superuser_password) else {
        return Ok(false);
    };
    let exists = {
        let mut conn = app.db.read().await?;
        accounts::has_superuser(&mut conn).await?
    };
    if exists {
        return Ok(false);
    }
    let creation = Creation {
        email: EmailAddress::parse(email)
            .map_err(|reason| Error::internal(format!("setup.superuser_email: {reason}")))?,
        password: Some(password.clone()),
        is_active: true,
        is_superuser: true,
        is_verified: true,
    };
    match accounts::create(app, creation, &Facts::default()).await {
        // Another instance that starts at the same time was quicker.
        Err(error) if *error.kind() == ErrorKind::RegisterUserAlreadyExists => {
            let mut conn = app.db.read().await?;
            if accounts::has_superuser(&mut conn).await? { Ok(false) } else { Err(error) }
        }
        outcome => outcome.map(|_| true),
    }
}

/// What a link would do.
///
/// # Errors
/// When the database cannot be used.
pub async fn state(app: &App, link: &str) -> Result<Setup> {
    let Some(id) = tokens::read(app, Purpose::Setup, link) else {
        return Ok(Setup::Link(LinkState::Invalid));
    };
    let mut conn = app.db.read().await?;
    let token = tokens::find_token(&mut conn, id).await?;
    // Used is as good as unavailable but says more; for the others no start of the server would give a new link.
    match LinkState::of(token.as_ref(), app.clock.now()) {
        state @ (LinkState::Used | LinkState::Invalid) => Ok(Setup::Link(state)),
        _ if accounts::has_superuser(&mut conn).await? => Ok(Setup::Unavailable),
        state => Ok(Setup::Link(state)),
    }
}

/// Makes the first superuser. A refused address or password does not use the link up.
///
/// # Errors
/// [`ErrorKind::RegisterInvalidPassword`], [`ErrorKind::RegisterUserAlreadyExists`].
pub async fn complete(
    app: &App,
    link: &str,
    email: &EmailAddress,
    password: &SecretString,
) -> Result<Result<User, Setup>> {
    let found = state(app, link).await?;
    let (Setup::Link(LinkState::Ready), Some(id)) = (found, tokens::read(app, Purpose::Setup, link)) else {
        return Ok(Err(found));
    };
    let creation = Creation {
        email: email.clone(),
        password: Some(password.clone()),
        is_active: true,
        is_superuser: true,
        // Whoever reads the operator's terminal needs no mail to prove anything.
        is_verified: true,
    };
    let user = accounts::prepare(app, creation).await?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    if tokens::consume_token(&mut tx, id, Purpose::Setup, now).await?.is_none() {
        tx.rollback().await?;
        return Ok(Err(Setup::Link(LinkState::Used)));
    }
    if accounts::has_superuser(&mut tx).await? {
        tx.rollback().await?;
        return Ok(Err(Setup::Unavailable));
    }
    let Some(user) = accounts::insert_user(&mut tx, &user).await? else {
        tx.rollback().await?;
        return Err(ErrorKind::RegisterUserAlreadyExists.into());
    };
    tx.commit().await?;
    Ok(Ok(user))
}
