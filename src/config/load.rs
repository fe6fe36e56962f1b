//! From the sources to a [`Config`]: every key judged, defaults filled in, all faults collected.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults, Source};
use super::flags::Flags;
use super::production::check_production;
use super::sources::{Given, gather};
use super::table::{Key, keys, redact};
use super::value::{Raw, Value, Values};
use super::{Config, JwtAlgorithm};

/// A configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every key in the order of the documentation.
    pub origins: Vec<Origin>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// Where a key's value came from, by its dotted name.
    pub fn origin(&self, path: &str) -> Option<&Source> {
        self.origins.iter().find(|origin| origin.key.path == path).map(|origin| &origin.source)
    }
}

/// One key of a loaded configuration.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The key.
    pub key: &'static Key,
    /// Its value as it may be shown, secrets masked; `None`: unset.
    pub shown: Option<Value>,
    /// Where the value came from.
    pub source: Source,
}

/// Loads the configuration: flag > environment > file > default. `usher.toml` is looked for in
/// the working directory.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Faults> {
    let (loaded, faults) = assemble(gather(Path::new("."), flags, environment));
    if faults.is_empty() { Ok(loaded) } else { Err(faults.into()) }
}

/// As [`load`], and holds the configuration against [`check_production`] if it is not for local
/// use or `production` demands it: what `usher serve` and `usher config check` accept.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn check(
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
    production: bool,
) -> Result<Loaded, Faults> {
    judge(gather(Path::new("."), flags, environment), production)
}

pub(super) fn judge(given: Given, production: bool) -> Result<Loaded, Faults> {
    // Of a file that is broken nothing is known, and so not what it lacks either.
    let is_partial = given.is_partial;
    let (loaded, mut faults) = assemble(given);
    if !is_partial && (production || !loaded.config.is_local()) {
        for mut fault in check_production(&loaded.config) {
            // A faulty key holds its default by now, about which there is nothing to say.
            if !faults.iter().any(|known| known.subject == fault.subject) {
                fault.source = loaded.origin(&fault.subject).cloned();
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() { Ok(loaded) } else { Err(faults.into()) }
}

/// Judges every key. A faulty one takes its default, so that the others can be judged too.
pub(super) fn assemble(given: Given) -> (Loaded, Vec<Fault>) {
    let Given { values: written, mut faults, file, .. } = given;
    let mut values = Values::default();
    let mut origins = Vec::new();
    for key in keys() {
        let is_strict = values.0.get("profile") == Some(&Value::Text("strict".to_owned()));
        let accepted = written.get(key.path).and_then(|(raw, source)| match key.spec.rule.read(raw) {
            Ok(value) => Some((value, source.clone())),
            Err(message) => {
                faults.push(Fault::at(key.path, source.clone(), message));
                None
            }
        });
        let (value, source) = match accepted {
            Some((value, source)) => (Some(value), source),
            None => (default(key, is_strict, &values), default_source(key, is_strict)),
        };
        origins.push(Origin { key, shown: value.as_ref().map(|value| redact(key, value)), source });
        if let Some(value) = value {
            values.0.insert(key.path, value);
        }
    }
    let config = Config::from_values(&values);
    faults.extend(disagreements(&config));
    (Loaded { config, origins, file }, faults)
}

fn default(key: &Key, is_strict: bool, values: &Values) -> Option<Value> {
    let mut text = key.default_text(is_strict)?.to_owned();
    for other in ["bind", "data_dir"] {
        if let Some(Value::Text(value)) = values.0.get(other) {
            text = text.replace(&format!("{{{other}}}"), value);
        }
    }
    key.spec.rule.read(&Raw::Word(text)).ok()
}

fn default_source(key: &Key, is_strict: bool) -> Source {
    if is_strict && key.spec.strict.is_some() { Source::StrictDefault } else { Source::Default }
}

/// Keys that are fine alone but not together.
fn disagreements(config: &Config) -> Vec<Fault> {
    let rules = [
        (
            config.setup.superuser_email.is_some() != config.setup.superuser_password.is_some(),
            "setup",
            "needs both superuser_email and superuser_password, or neither",
        ),
        (
            config.passwords.memory_kib < 8 * config.passwords.parallelism,
            "passwords.memory_kib",
            "is less than 8 KiB for each lane of passwords.parallelism, which Argon2 needs",
        ),
        (config.tokens.length % 2 == 1, "tokens.length", "must be even, since two characters are a byte"),
        (
            config.mail.lease <= config.mail.timeout,
            "mail.lease",
            "must be longer than mail.timeout, or a slow mail is sent twice",
        ),
        (
            !config.keys.rotate_every.is_zero() && config.keys.rotate_every <= config.keys.publish_before,
            "keys.rotate_every",
            "must be 0 or longer than keys.publish_before",
        ),
        (
            config.jwt.algorithm == JwtAlgorithm::Hs256 && config.jwt.private_key_file.is_some(),
            "jwt.private_key_file",
            "must be unset with jwt.algorithm HS256, which has no private key",
        ),
    ];
    rules
        .into_iter()
        .filter(|(is_broken, ..)| *is_broken)
        .map(|(_, subject, message)| Fault::new(subject, message))
        .collect()
}
