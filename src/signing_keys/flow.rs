//! Making, reading and rotating the keys.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::key::{SigningKey, generate};
use super::ring::KeyRing;
use super::store::{self, StoredKey};
use crate::app::App;
use crate::base::clock::Time;
use crate::config::JwtAlgorithm;
use crate::error::{Error, Result};

/// Added to the life of an old key: clocks of resource servers may be that far behind.
const SKEW: Duration = Duration::from_secs(60);
/// The longest that a rotation by another process goes unnoticed: the worker looks every five seconds.
const NOTICED: Duration = Duration::from_secs(30);

/// The turn of those who make a key: "usher" in ASCII, and one.
const MAKING_A_KEY: i64 = 0x75_73_68_65_72_01;

/// A key as an operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    pub kid: String,
    pub algorithm: String,
    /// `signing`, `next` or `old`.
    pub state: &'static str,
    pub signs_from: Time,
    pub retires_at: Option<Time>,
}

/// Makes the first key of the configured algorithm if there is none, then reads the ring.
///
/// # Errors
/// When the database or the key file cannot be used, or a stored key does not open under the master key.
pub async fn ensure(app: &App) -> Result<()> {
    let now = app.clock.now();
    if app.config.jwt.private_key_file.is_some() {
        // Keys that were generated before the file was configured sign no more.
        let mut tx = app.db.write().await?;
        store::update_retirement(&mut tx, "", retirement(app, now)).await?;
        tx.commit().await?;
        return reload(app).await;
    }
    let keys = {
        let mut conn = app.db.read().await?;
        store::list_published(&mut conn, now).await?
    };
    // Instances that start at once look again one after the other: tokens of a key that the others do not know yet
    // would be refused there.
    let is_missing = |keys: &[StoredKey]| pick(keys, app.config.jwt.algorithm, now).is_none();
    if is_missing(&keys) {
        insert_new(app, now, is_missing).await?;
    }
    reload(app).await
}

/// Makes a new key. It signs from `publish_before` on (at once with `is_urgent`); the others retire when the last
/// token that they signed has expired.
///
/// # Errors
/// When the database cannot be used, or the keys come from a file.
pub async fn rotate(app: &App, is_urgent: bool) -> Result<Vec<KeyInfo>> {
    if app.config.jwt.private_key_file.is_some() {
        return Err(Error::internal(
            "the signing key comes from jwt.private_key_file; replace that file and restart instead",
        ));
    }
    let now = app.clock.now();
    let wait = if is_urgent { Duration::ZERO } else { app.config.keys.publish_before };
    insert_new(app, now.after(wait), |_| true).await?;
    reload(app).await?;
    list(app).await
}

/// The published keys, oldest first.
///
/// # Errors
/// When the database cannot be used.
pub async fn list(app: &App) -> Result<Vec<KeyInfo>> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let keys = store::list_published(&mut conn, now).await?;
    let signing = pick(&keys, app.config.jwt.algorithm, now).map(|key| key.kid.clone());
    Ok(keys
        .into_iter()
        .map(|key| KeyInfo {
            state: if Some(&key.kid) == signing.as_ref() {
                "signing"
            } else if key.signs_from > now {
                "next"
            } else {
                "old"
            },
            kid: key.kid,
            algorithm: key.algorithm,
            signs_from: key.signs_from,
            retires_at: key.retires_at,
        })
        .collect())
}

/// Reads the keys anew.
///
/// # Errors
/// When the database or the key file cannot be used, or a stored key does not open under the master key.
pub async fn reload(app: &App) -> Result<()> {
    let now = app.clock.now();
    let stored = {
        let mut conn = app.db.read().await?;
        store::list_published(&mut conn, now).await?
    };
    let made_from = fingerprint(app, &stored, now);
    if app.keys().is_ok_and(|ring| ring.made_from == made_from) {
        return Ok(());
    }
    let mut keys = Vec::new();
    for key in &stored {
        keys.push(Arc::new(open(app, key)?));
    }
    let signing = match &app.config.jwt.private_key_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
            let key = Arc::new(SigningKey::read(app.config.jwt.algorithm, &text)?);
            keys.push(Arc::clone(&key));
            key
        }
        None => {
            let kid = pick(&stored, app.config.jwt.algorithm, now)
                .map(|key| key.kid.as_str())
                .ok_or_else(|| Error::internal("there is no signing key"))?;
            keys.iter()
                .find(|key| key.kid == kid)
                .cloned()
                .ok_or_else(|| Error::internal("there is no signing key"))?
        }
    };
    app.set_keys(KeyRing::new(signing, keys, made_from)?, now);
    Ok(())
}

/// What a ring would be made from: the published keys and which of them signs.
fn fingerprint(app: &App, stored: &[StoredKey], now: Time) -> String {
    let signing = pick(stored, app.config.jwt.algorithm, now).map_or("", |key| key.kid.as_str());
    stored.iter().fold(signing.to_owned(), |text, key| format!("{text} {}", key.kid))
}

/// The key that signs: the newest of the algorithm whose time has come, or else the first, which an instance with a
/// faster clock has just made.
fn pick(keys: &[StoredKey], algorithm: JwtAlgorithm, now: Time) -> Option<&StoredKey> {
    let mut fitting = keys.iter().filter(|key| key.algorithm == algorithm.as_str());
    fitting.clone().rfind(|key| key.signs_from <= now).or_else(|| fitting.next())
}

/// When the predecessors of a key that signs from then on leave the JWKS: after the last token that an instance may have
/// signed before it noticed.
fn retirement(app: &App, signs_from: Time) -> Time {
    signs_from.after(app.config.jwt.access_ttl.saturating_add(NOTICED).saturating_add(SKEW))
}

/// Makes a key that signs from `signs_from` on, if the published ones say that it is needed when its turn has come.
async fn insert_new(app: &App, signs_from: Time, is_needed: impl Fn(&[StoredKey]) -> bool) -> Result<()> {
    let algorithm = app.config.jwt.algorithm;
    let random = app.random.clone();
    let text = tokio::task::spawn_blocking(move || generate(algorithm, &random))
        .await
        .map_err(|error| Error::internal(error.to_string()))??;
    let kid = SigningKey::read(algorithm, &text)?.kid;
    let sealed = app
        .master_key
        .derive("signing keys")
        .seal(&app.random, &kid, text.as_bytes())
        .ok_or_else(|| Error::internal("cannot seal a key"))?;
    let mut tx = app.db.write().await?;
    tx.take_turn(MAKING_A_KEY).await?;
    if !is_needed(&store::list_published(&mut tx, app.clock.now()).await?) {
        // Another instance was quicker.
        return tx.rollback().await;
    }
    // A key that was published and shall not sign before this one never signs.
    store::delete_later(&mut tx, signs_from, app.clock.now()).await?;
    store::insert_key(
        &mut tx,
        StoredKey {
            kid: kid.clone(),
            algorithm: algorithm.as_str().to_owned(),
            sealed_private_key: sealed,
            created_at: app.clock.now(),
            signs_from,
            retires_at: None,
        },
    )
    .await?;
    store::update_retirement(&mut tx, &kid, retirement(app, signs_from)).await?;
    store::delete_retired(&mut tx, app.clock.now()).await?;
    tx.commit().await
}

fn open(app: &App, key: &StoredKey) -> Result<SigningKey> {
    let text =
        app.master_key.derive("signing keys").open(&key.kid, &key.sealed_private_key).ok_or_else(|| {
            Error::internal(
                "the signing keys in the database were sealed under another master key: \
                 give this instance the same keys.master_key as the others",
            )
        })?;
    let algorithm = algorithm_named(&key.algorithm)
        .ok_or_else(|| Error::internal("a stored key has an unknown algorithm"))?;
    let text = std::str::from_utf8(&text).map_err(|error| Error::internal(error.to_string()))?;
    SigningKey::read(algorithm, text)
}

fn algorithm_named(name: &str) -> Option<JwtAlgorithm> {
    [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256, JwtAlgorithm::Hs256]
        .into_iter()
        .find(|algorithm| algorithm.as_str() == name)
}

/// Rotates when the newest key is older than `keys.rotate_every`, if that is set. The next key is published ahead.
///
/// # Errors
/// As [`rotate`].
pub async fn rotate_if_due(app: &App) -> Result<()> {
    let every = app.config.keys.rotate_every;
    if every.is_zero() || app.config.jwt.private_key_file.is_some() {
        return Ok(());
    }
    let now = app.clock.now();
    let keys = list(app).await?;
    let newest = keys.iter().map(|key| key.signs_from).max();
    let ahead = app.config.keys.publish_before;
    if let Some(newest) = newest.filter(|from| from.after(every.saturating_sub(ahead)) <= now) {
        let is_newest = |keys: &[StoredKey]| keys.iter().all(|key| key.signs_from <= newest);
        insert_new(app, now.after(ahead), is_newest).await?;
        reload(app).await?;
    }
    Ok(())
}
