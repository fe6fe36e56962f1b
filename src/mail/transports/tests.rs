//! The configured transport, the folder and the memory.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::base::clock::Clock;
use crate::base::ids::Id;
use crate::base::random::Random;
use crate::mail::{MailKind, Rendered};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl";

fn id_after(wait: Duration) -> Uuid {
    Id::new(Clock::System.now().after(wait), &Random::System).uuid()
}

pub(super) fn mail(to: &str) -> Outgoing {
    Outgoing {
        id: id_after(Duration::ZERO),
        kind: MailKind::Verify,
        from: "Usher <no-reply@example.org>".to_owned(),
        to: to.to_owned(),
        message_id_host: "id.example.org".to_owned(),
        rendered: Rendered {
            subject: "Hello".to_owned(),
            text: format!("https://id.example.org/verify?token={TOKEN}\n"),
            html: "<p>Hello</p>".to_owned(),
        },
        date: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// The transport of a `mail.transport`.
pub(super) fn transport(spec: &str, data_dir: &Path, timeout: Duration) -> Arc<dyn Transport> {
    super::transport(config::Transport::parse(spec).unwrap(), data_dir, timeout).unwrap()
}

#[test]
fn authorities_that_cannot_be_read_are_told_without_the_password() {
    let configured = config::Transport::parse("smtp://u:hunter2@host?ca=/nowhere/ca.pem").unwrap();
    let error = super::transport(configured, Path::new("data"), SECOND).err().unwrap();
    assert!(error.contains("/nowhere/ca.pem") && !error.contains("hunter2"), "{error}");
}

#[test]
fn the_transport_is_chosen_by_name_and_needs_no_runtime() {
    for (spec, name) in [
        ("outbox", "outbox"),
        ("outbox:/some/folder", "outbox"),
        ("smtp://mail.example.org", "smtp"),
        ("smtps://mail.example.org", "smtp"),
    ] {
        assert_eq!(transport(spec, Path::new("data"), SECOND).name(), name);
    }
}

#[tokio::test]
async fn the_folder_holds_whole_private_files_that_sort_by_time() {
    let data = tempfile::tempdir().unwrap();
    let folder = transport("outbox", data.path(), SECOND);
    let first = mail("ada@example.org");
    // Ids of one millisecond are in no order.
    let second = Outgoing { id: id_after(SECOND), ..mail("bob@example.org") };
    for mail in [&first, &second, &second] {
        folder.send(mail).await.unwrap();
    }
    let outbox = data.path().join("outbox");
    let mut names: Vec<_> =
        std::fs::read_dir(&outbox).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".tmp".to_owned(), format!("{}.eml", first.id), format!("{}.eml", second.id)]);
    assert_eq!(std::fs::read_dir(outbox.join(".tmp")).unwrap().count(), 0);
    let bytes = std::fs::read(outbox.join(format!("{}.eml", first.id))).unwrap();
    assert!(mailparse::parse_mail(&bytes).unwrap().subparts[0].get_body().unwrap().contains(TOKEN));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&outbox), 0o700);
        assert_eq!(mode(&outbox.join(".tmp")), 0o700);
        assert_eq!(mode(&outbox.join(format!("{}.eml", first.id))), 0o600);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_temporary_failure() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("outbox"), "a file").unwrap();
    let folder = transport("outbox", data.path(), SECOND);
    assert!(matches!(folder.send(&mail("ada@example.org")).await, Err(SendError::Temporary(_))));
    assert!(matches!(folder.send(&mail("nobody")).await, Err(SendError::Permanent(_))));
}

#[tokio::test]
async fn memory_remembers_or_fails_as_told() {
    let memory = Memory::new();
    memory.send(&mail("ada@example.org")).await.unwrap();
    memory.fail_with(Some(SendError::Temporary("down".to_owned())));
    assert_eq!(memory.send(&mail("ada@example.org")).await, Err(SendError::Temporary("down".to_owned())));
    memory.fail_with(None);
    assert!(matches!(memory.send(&mail("nobody")).await, Err(SendError::Permanent(_))));
    assert_eq!(memory.clone().sent().len(), 1);
    assert_eq!(memory.take().len(), 1);
    assert!(memory.sent().is_empty());
}
