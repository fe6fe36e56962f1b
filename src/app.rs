//! Everything that a request or the worker needs, built once and passed by reference. There are no globals.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::base::clock::Time;
use moka::sync::Cache;
use secrecy::ExposeSecret;

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::{Digest, MasterKey};
use crate::config::{self, Config};
use crate::db::{self, Db};
use crate::error::{Error, Result};
use crate::files;
use crate::mail::outbox::Outbox;
use crate::mail::{Brand, Transport, transport};
use crate::passwords::{Hasher, Policy};
use crate::sessions::{AccessClaims, Touches};
use crate::signing_keys::KeyRing;
use crate::templates::Templates;

/// Verified access tokens that are remembered, because an asymmetric check costs more than the rest of a request.
/// Remembered is only that the signature is right: time, session and user are checked each time.
const REMEMBERED_TOKENS: u64 = 10_000;
/// An unknown `kid` makes an instance reread the keys at most that often, whoever asks.
const UNKNOWN_KID_RELOAD: Duration = Duration::from_secs(5);

/// What a test (or an embedding program) may put in place of the real thing.
#[derive(Default)]
pub struct Parts {
    pub clock: Option<Clock>,
    pub random: Option<Random>,
    pub transport: Option<Arc<dyn Transport>>,
}

/// The application.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub random: Random,
    pub db: Db,
    pub master_key: MasterKey,
    pub hasher: Hasher,
    pub policy: Policy,
    pub templates: Templates,
    pub mailer: Arc<dyn Transport>,
    pub brand: Brand,
    /// Signature-checked access tokens by their digest.
    pub remembered: Cache<Digest, Arc<AccessClaims>>,
    /// Last-used times that wait to be written.
    pub touches: Touches,
    pub outbox: Outbox,
    keys: RwLock<Keys>,
}

struct Keys {
    ring: Option<Arc<KeyRing>>,
    read_at: Time,
}

impl App {
    /// Builds the application: makes missing secrets, opens the database, applies the migrations, reads the keys.
    /// Must run on the multi-thread runtime that shall own the PostgreSQL connections.
    ///
    /// # Errors
    /// When the data directory cannot be written, the database cannot be reached or migrated, a template is broken
    /// or the keys cannot be used.
    pub async fn build(config: Config, parts: Parts) -> Result<Arc<Self>> {
        let clock = parts.clock.unwrap_or(Clock::System);
        let random = parts.random.unwrap_or(Random::System);
        let (master_key, new_key_file) = files::master_key(&config, &random)?;
        let url = config.database_url.expose_secret().to_owned();
        files::prepare_database(&url)?;
        if config.database.migrate_on_start {
            for name in db::migrate::up(&url).await? {
                tracing::info!(migration = name, "applied a migration");
            }
        }
        let db = Db::open(
            &url,
            &db::Options {
                pool_size: config.database.pool_size as usize,
                acquire_timeout: config.database.acquire_timeout,
                synchronous: config.database.synchronous,
            },
        )?;
        if !config.database.migrate_on_start && !db::migrate::is_current(&mut db.read().await?).await? {
            return Err(Error::unavailable(
                "the database lacks migrations of this version and database.migrate_on_start is false: \
                 run `usher migrate up`",
            ));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let passwords = &config.passwords;
        let hasher = Hasher::start(
            (passwords.memory_kib, passwords.iterations, passwords.parallelism),
            if passwords.threads == 0 { cores } else { passwords.threads as usize },
            passwords.queue as usize,
            random.clone(),
        )?;
        let templates = Templates::new(config.mail.templates_dir.as_deref()).map_err(Error::internal)?;
        templates.check().map_err(Error::internal)?;
        let mailer = match parts.transport {
            Some(transport) => transport,
            None => {
                let configured = config.mail.parsed_transport().map_err(Error::internal)?;
                transport(configured, &config.data_dir, config.mail.timeout).map_err(Error::internal)?
            }
        };
        let app = Arc::new(Self {
            policy: Policy {
                min_length: passwords.min_length as usize,
                product: config.mail.product.clone(),
            },
            brand: Brand {
                product: config.mail.product.clone(),
                public_url: config.public_url.clone(),
                support: config.mail.support.clone(),
            },
            remembered: Cache::new(REMEMBERED_TOKENS),
            touches: Touches::default(),
            outbox: Outbox::new(random.clone(), config.mail.per_address_hourly),
            keys: RwLock::new(Keys { ring: None, read_at: Time::MIN }),
            config,
            clock,
            random,
            db,
            master_key,
            hasher,
            templates,
            mailer,
        });
        match (crate::signing_keys::ensure(&app).await, new_key_file) {
            // The database is older than the key: it was sealed under one that is lost or elsewhere.
            (Err(error), Some(path))
                if error.cause().is_some_and(|cause| cause.contains("another master key")) =>
            {
                let missing = path.display().to_string();
                let _ = std::fs::remove_file(&path);
                Err(Error::internal(format!(
                    "{missing} is missing, and the signing keys in the database are sealed under it: restore it from \
                     the backup, or set keys.master_key"
                )))
            }
            (outcome, _) => outcome.map(|()| app),
        }
    }

    /// The keys as they were read last.
    ///
    /// # Errors
    /// Only before [`App::build`] has finished.
    pub fn keys(&self) -> Result<Arc<KeyRing>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.ring.clone().ok_or_else(|| Error::internal("the signing keys were not read yet"))
    }

    /// Puts newly read keys in place. Tokens of keys that are gone must be checked anew.
    pub(crate) fn set_keys(&self, ring: KeyRing, now: Time) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *keys = Keys { ring: Some(Arc::new(ring)), read_at: now };
        self.remembered.invalidate_all();
    }

    /// Whether a token with an unknown `kid` is reason enough to reread the keys now.
    pub fn may_reload_keys(&self) -> bool {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_due = now >= keys.read_at.after(UNKNOWN_KID_RELOAD);
        if is_due {
            keys.read_at = now;
        }
        is_due
    }

    /// The database's URL. Never for a log.
    pub fn database_url(&self) -> &str {
        self.config.database_url.expose_secret()
    }

    /// The folder of the dev inbox, when mails go to one and the server is in local mode.
    pub fn dev_inbox(&self) -> Option<PathBuf> {
        if !self.config.is_local() {
            return None;
        }
        match self.config.mail.parsed_transport() {
            Ok(config::Transport::Outbox { folder }) => {
                Some(config::outbox_folder(folder, &self.config.data_dir))
            }
            _ => None,
        }
    }

    /// An absolute URL of this server. Links in mails come from the configuration, never from a request.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.public_url)
    }
}
