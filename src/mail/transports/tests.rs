//! The URL of the configuration, the folder, and SMTP against small servers that answer as told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

use secrecy::ExposeSecret;
use uuid::Uuid;

use super::smtp_url::{Security, parse};
use super::*;
use crate::mail::{MailKind, Rendered};

const SECOND: Duration = Duration::from_secs(1);
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl";

fn mail(to: &str) -> Outgoing {
    Outgoing {
        id: Uuid::now_v7(),
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

#[test]
fn smtp_urls() {
    let url = parse("smtp://mail.example.org").unwrap();
    assert_eq!(
        (url.host.as_str(), url.port, url.security),
        ("mail.example.org", 587, Security::Required)
    );
    assert!(url.credentials.is_none());

    let url = parse(
        "smtps://us%40er:p%3A%2F%25w@mail.example.org/?ca=/etc/ca%20s.pem&ehlo=id.example.org",
    )
    .unwrap();
    assert_eq!((url.port, url.security), (465, Security::Implicit));
    let (user, password) = url.credentials.unwrap();
    assert_eq!(
        (user.as_str(), password.expose_secret()),
        ("us@er", "p:/%w")
    );
    assert_eq!(url.ca.unwrap().to_str(), Some("/etc/ca s.pem"));
    assert_eq!(url.ehlo.as_deref(), Some("id.example.org"));

    for (text, port, security) in [
        ("smtp://localhost", 25, Security::Opportunistic),
        ("smtp://127.0.0.1:1025", 1025, Security::Opportunistic),
        ("smtp://[::1]:1025?tls=required", 1025, Security::Required),
        ("smtp://[::1]", 25, Security::Opportunistic),
        ("smtp://mail.example.org:25?tls=none", 25, Security::None),
        (
            "smtp://mail.example.org?tls=opportunistic",
            587,
            Security::Opportunistic,
        ),
    ] {
        let url = parse(text).unwrap();
        assert_eq!((url.port, url.security), (port, security), "{text}");
    }
}

#[test]
fn faulty_smtp_urls_are_refused_without_their_password() {
    for text in [
        "smtp://",
        "smtp://u:hunter2@",
        "smtp://u:hunter2@host:0",
        "smtp://u:hunter2@host:70000",
        "smtp://u:hunter2@ho st",
        "smtp://u:hunter2/x@y@host/path",
        "smtp://u:hunter2%zz@host",
        "smtp://u:hunter2%@host",
        "smtp://hunter2@host",
        "smtp://:hunter2@host",
        "smtp://u:hunter2@host?tls=maybe",
        "smtp://u:hunter2@host?hunter2=1",
        "smtp://u:hunter2@host?ca=",
        "smtp://u:hunter2@host?ehlo=a%0d%0ab",
        "smtp://u:hunter2@[host]",
        "smtp://u:hunter2@[::1]x",
        "smtps://u:hunter2@host?tls=none",
        "smtp://u:hunter2@host?ca=/nowhere/ca.pem",
        "http://u:hunter2@host",
        "outbox:",
        "carrier-pigeon",
    ] {
        let error = transport(text, Path::new("data"), SECOND)
            .err()
            .expect(text);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_transport_is_chosen_by_name_and_needs_no_runtime() {
    for (spec, name) in [
        ("outbox", "outbox"),
        ("outbox:/some/folder", "outbox"),
        ("smtp://mail.example.org", "smtp"),
        ("smtps://mail.example.org", "smtp"),
    ] {
        assert_eq!(
            transport(spec, Path::new("data"), SECOND).unwrap().name(),
            name
        );
    }
}

#[tokio::test]
async fn the_folder_holds_whole_private_files_that_sort_by_time() {
    let data = tempfile::tempdir().unwrap();
    let folder = transport("outbox", data.path(), SECOND).unwrap();
    let (first, second) = (mail("ada@example.org"), mail("bob@example.org"));
    for mail in [&first, &second, &second] {
        folder.send(mail).await.unwrap();
    }
    let outbox = data.path().join("outbox");
    let mut names: Vec<_> = std::fs::read_dir(&outbox)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".tmp".to_owned(),
            format!("{}.eml", first.id),
            format!("{}.eml", second.id)
        ]
    );
    assert_eq!(std::fs::read_dir(outbox.join(".tmp")).unwrap().count(), 0);
    let bytes = std::fs::read(outbox.join(format!("{}.eml", first.id))).unwrap();
    assert!(
        mailparse::parse_mail(&bytes).unwrap().subparts[0]
            .get_body()
            .unwrap()
            .contains(TOKEN)
    );
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
    let folder = transport("outbox", data.path(), SECOND).unwrap();
    assert!(matches!(
        folder.send(&mail("ada@example.org")).await,
        Err(SendError::Temporary(_))
    ));
    assert!(matches!(
        folder.send(&mail("nobody")).await,
        Err(SendError::Permanent(_))
    ));
}

#[tokio::test]
async fn memory_remembers_or_fails_as_told() {
    let memory = Memory::new();
    memory.send(&mail("ada@example.org")).await.unwrap();
    memory.fail_with(Some(SendError::Temporary("down".to_owned())));
    assert_eq!(
        memory.send(&mail("ada@example.org")).await,
        Err(SendError::Temporary("down".to_owned()))
    );
    memory.fail_with(None);
    assert!(matches!(
        memory.send(&mail("nobody")).await,
        Err(SendError::Permanent(_))
    ));
    assert_eq!(memory.clone().sent().len(), 1);
    assert_eq!(memory.take().len(), 1);
    assert!(memory.sent().is_empty());
}

/// A mail server for one test: greets, then answers each line by `reply(command, line)`, where the end of the mail is
/// the command "."; an empty reply is silence. Returns its port.
fn server(reply: impl Fn(&str, &str) -> String + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut in_mail = false;
            let _ = stream.write_all(b"220 ready\r\n");
            for line in lines.map_while(Result::ok) {
                if in_mail && line != "." {
                    continue;
                }
                in_mail = line == "DATA";
                let command = line.split(' ').next().unwrap_or_default();
                let answer = match reply(command, &line) {
                    told if !told.is_empty() => told,
                    _ => continue,
                };
                if stream
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .is_err()
                {
                    break;
                }
            }
        }
    });
    port
}

fn friendly(command: &str) -> String {
    match command {
        "EHLO" => "250-test\r\n250 AUTH PLAIN".to_owned(),
        "DATA" => "354 go on".to_owned(),
        "AUTH" => "235 welcome".to_owned(),
        _ => "250 fine".to_owned(),
    }
}

fn smtp(port: u16, user: &str) -> Arc<dyn Transport> {
    transport(
        &format!("smtp://{user}127.0.0.1:{port}"),
        Path::new("data"),
        SECOND,
    )
    .unwrap()
}

#[tokio::test]
async fn mails_are_accepted_one_after_the_other() {
    let (heard, commands) = std::sync::mpsc::channel();
    let port = server(move |command, _| {
        heard.send(command.to_owned()).unwrap();
        friendly(command)
    });
    let smtp = smtp(port, "u:hunter2@");
    for to in ["ada@example.org", "bob@example.org"] {
        smtp.send(&mail(to)).await.unwrap();
    }
    let commands: Vec<String> = commands.try_iter().collect();
    let expected = [
        "EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "NOOP", "MAIL", "RCPT", "DATA", ".",
    ];
    assert_eq!(commands, expected, "one connection served both");
}

#[tokio::test]
async fn replies_decide_whether_to_try_again() {
    for (refused, code, permanent) in [
        ("RCPT", "550", true),
        ("RCPT", "451", false),
        ("MAIL", "421", false),
        ("MAIL", "530", false),
        (".", "554", true),
        (".", "452", false),
        ("EHLO", "554", false),
        ("AUTH", "535", false),
        ("DATA", "nonsense", false),
    ] {
        let port = server(move |command, line| {
            if command == refused {
                format!("{code} 5.7.1 no <{line}> https://x.example/?token={TOKEN} {TOKEN} hunter2")
            } else {
                friendly(command)
            }
        });
        let error = smtp(port, "u:hunter2@")
            .send(&mail("ada@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            matches!(error, SendError::Permanent(_)),
            permanent,
            "{refused} {code}: {error}"
        );
        for secret in ["eyJ", "token", "hunter2", "AHUA"] {
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }
}

#[tokio::test]
async fn the_reason_of_a_refusal_is_kept_without_its_links() {
    let port = server(|command, _| match command {
        "." => format!("554 5.7.1 Spam: https://id.example.org/verify?token={TOKEN} is listed"),
        _ => friendly(command),
    });
    let error = smtp(port, "")
        .send(&mail("ada@example.org"))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        SendError::Permanent("the mail server answered 554 5.7.1 Spam: is listed".to_owned())
    );
}

#[tokio::test]
async fn a_connection_that_went_silent_is_not_used_again() {
    let port = server(|command, line| match command {
        "RCPT" if line.contains("silent@") => String::new(),
        _ => friendly(command),
    });
    let smtp = smtp(port, "");
    let error = smtp.send(&mail("silent@example.org")).await.unwrap_err();
    assert_eq!(
        error,
        SendError::Temporary("the mail server did not answer within 1 s".to_owned())
    );
    smtp.send(&mail("ada@example.org")).await.unwrap();

    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = self::smtp(gone, "")
        .send(&mail("ada@example.org"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn tls_is_not_given_up_when_it_is_required() {
    let port = server(|command, _| friendly(command));
    let url = format!("smtp://u:hunter2@127.0.0.1:{port}?tls=required");
    let error = transport(&url, Path::new("data"), SECOND)
        .unwrap()
        .send(&mail("ada@example.org"))
        .await
        .unwrap_err();
    let expected = "SMTP, STARTTLS: STARTTLS is not supported on this server";
    assert_eq!(error, SendError::Temporary(expected.to_owned()));
}

#[tokio::test]
async fn an_address_that_the_server_cannot_write_is_a_permanent_failure() {
    let port = server(|command, _| friendly(command));
    let error = smtp(port, "")
        .send(&mail("ü@example.org"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Permanent(_)), "{error}");
}
