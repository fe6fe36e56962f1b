//! One `.eml` file per mail in a folder: the default in local mode, read by the dev inbox.
//!
//! A reader never sees half a mail, and a mail that was reported as sent survives a power cut: the file is written in
//! `.tmp/`, synced, and renamed to `<id>.eml`. The ids are UUIDv7, so names sort by time, and a second attempt at the
//! same mail replaces the first. Mails hold tokens: files are 0600, folders 0700.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use super::{Outgoing, SendError, Transport};
use crate::mail::message;

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder is made by the first mail, not here.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Transport for Folder {
    fn send<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let bytes = message::build(mail)?.bytes;
            let (folder, name) = (self.path.clone(), format!("{}.eml", mail.id));
            let write = move || write(&folder, &name, &bytes);
            match tokio::task::spawn_blocking(write).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(e)) => {
                    Err(SendError::Temporary(format!("outbox folder {}: {e}", self.path.display())))
                }
                Err(_) => Err(SendError::Temporary("outbox folder: the writing was interrupted".to_owned())),
            }
        })
    }

    fn name(&self) -> &'static str {
        "outbox"
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(".tmp");
    make_private_folder(&unfinished)?;
    let written = unfinished.join(name);
    let mut file = private_file(&written)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&written, folder.join(name))?;
    // The new name is on the disk only when the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
