//! The data directory: made on first start, readable by its owner alone (files 0600, folders 0700).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::base::random::Random;
use crate::base::secret::MasterKey;
use crate::config::Config;
use crate::error::{Error, Result};

/// The folder of generated secrets.
pub fn secrets_dir(config: &Config) -> PathBuf {
    config.data_dir.join("secrets")
}

/// The master key: from the configuration, from `secrets/master.key`, or made now, and then with the path of its file.
///
/// # Errors
/// When the data directory cannot be written or the file holds no key.
pub fn master_key(config: &Config, random: &Random) -> Result<(MasterKey, Option<PathBuf>)> {
    if let Some(text) = &config.keys.master_key {
        return MasterKey::from_hex(text.expose_secret())
            .map(|key| (key, None))
            .ok_or_else(|| Error::internal("keys.master_key: not 64 hexadecimal characters"));
    }
    let folder = secrets_dir(config);
    make_folder(&folder)?;
    let path = folder.join("master.key");
    let fresh = MasterKey::new(random.bytes());
    // Whoever puts the whole file there first wins; everybody else reads it.
    match publish_new(&path, fresh.to_hex().as_bytes(), random) {
        Ok(()) => return Ok((fresh, Some(path))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot("write", &path, &error)),
    }
    let text = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
    MasterKey::from_hex(&text)
        .map(|key| (key, None))
        .ok_or_else(|| Error::internal(format!("{}: not 64 hexadecimal characters", path.display())))
}

/// Makes the folder of a SQLite database and the file itself, so that it is private from the start.
///
/// # Errors
/// When they cannot be made.
pub fn prepare_database(url: &str) -> Result<()> {
    let Some(path) = url.strip_prefix("sqlite://").map(Path::new) else {
        return Ok(());
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    match write_new(path, b"") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot("write", path, &error)),
    }
}

/// Writes a private file anew, for instance `secrets/setup-link`.
///
/// # Errors
/// When it cannot be written.
pub fn write_secret(config: &Config, name: &str, content: &str) -> Result<PathBuf> {
    let folder = secrets_dir(config);
    make_folder(&folder)?;
    let path = folder.join(name);
    let part = folder.join(format!("{name}.tmp"));
    let written = fs::remove_file(&part)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        .and_then(|()| write_new(&part, content.as_bytes()))
        .and_then(|()| fs::rename(&part, &path));
    written.map_err(|error| cannot("write", &path, &error))?;
    Ok(path)
}

/// Removes what [`write_secret`] wrote, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_secret(config: &Config, name: &str) -> Result<()> {
    let path = secrets_dir(config).join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", &path, &error)),
        _ => Ok(()),
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| cannot("create", folder, &error))
}

/// Puts a whole file in place, unless there is one: nobody ever sees half of it, not even after a crash.
fn publish_new(path: &Path, content: &[u8], random: &Random) -> io::Result<()> {
    let part = path.with_extension(hex::encode(random.bytes::<8>()));
    write_new(&part, content)?;
    let published = fs::hard_link(&part, path);
    fs::remove_file(&part)?;
    published
}

/// Creates a file of mode 0600 that must not exist yet, and makes it durable.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::internal(format!("cannot {what} {}: {error}", path.display()))
}
