//! SMTP against small servers that answer as told, with and without TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::tests::{SECOND, TOKEN, mail, transport};
use super::*;

type Reply = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// Where TLS begins on a test server.
#[derive(Clone, Copy, PartialEq)]
enum Tls {
    Never,
    AfterCommand,
    Implicit,
}

/// A mail server for one test: greets, then answers each line by `reply(command, line)`, where the end of the mail is
/// the command "."; an empty reply is silence. Returns its port.
fn server(reply: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> u16 {
    listen(Tls::Never, None, Arc::new(reply))
}

fn listen(tls: Tls, config: Option<Arc<ServerConfig>>, reply: Reply) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let encrypted =
                |stream| StreamOwned::new(ServerConnection::new(config.clone().unwrap()).unwrap(), stream);
            if tls == Tls::Implicit {
                talk(encrypted(stream), true, &reply);
            } else if let Some(stream) = talk(stream, true, &reply).filter(|_| tls == Tls::AfterCommand) {
                talk(encrypted(stream), false, &reply);
            }
        }
    });
    port
}

/// One conversation; gives the stream back when TLS is to begin.
fn talk<S: Read + Write>(stream: S, greet: bool, reply: &Reply) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.get_mut().write_all(b"220 ready\r\n").ok()?;
    }
    let mut in_mail = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if in_mail && line != "." {
            continue;
        }
        in_mail = line == "DATA";
        let command = line.split(' ').next().unwrap_or_default();
        let answer = reply(command, line);
        if !answer.is_empty() {
            stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).ok()?;
            stream.get_mut().flush().ok()?;
        }
        if command == "STARTTLS" {
            return Some(stream.into_inner());
        }
    }
}

fn friendly(command: &str) -> String {
    match command {
        "EHLO" => "250-test\r\n250 AUTH PLAIN".to_owned(),
        "DATA" => "354 go on".to_owned(),
        "AUTH" => "235 welcome".to_owned(),
        _ => "250 fine".to_owned(),
    }
}

fn friendly_with_tls(command: &str) -> String {
    match command {
        "EHLO" => "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN".to_owned(),
        "STARTTLS" => "220 go on".to_owned(),
        _ => friendly(command),
    }
}

fn smtp(port: u16, user: &str) -> Arc<dyn Transport> {
    transport(&format!("smtp://{user}127.0.0.1:{port}"), Path::new("data"), SECOND)
}

/// A server with a certificate of its own for `localhost`; returns its port and the certificate as PEM.
fn server_with_tls(tls: Tls) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let port = listen(tls, Some(Arc::new(config)), Arc::new(|command, _| friendly_with_tls(command)));
    (port, certified.cert.pem())
}

#[tokio::test]
async fn certificates_are_checked_unless_tls_is_opportunistic() {
    let folder = tempfile::tempdir().unwrap();
    for (scheme, tls, port_of) in [("smtps", "", Tls::Implicit), ("smtp", "tls=required&", Tls::AfterCommand)]
    {
        let (port, pem) = server_with_tls(port_of);
        let ca = folder.path().join(scheme);
        std::fs::write(&ca, pem).unwrap();
        let send = async |url: String| {
            let smtp = transport(&url, Path::new("data"), SECOND * 5);
            smtp.send(&mail("ada@example.org")).await
        };
        let trusting = format!("{scheme}://u:hunter2@localhost:{port}?{tls}ca={}", ca.display());
        assert_eq!(send(trusting).await, Ok(()), "{scheme}");
        let error = send(format!("{scheme}://u:hunter2@localhost:{port}?{tls}")).await.unwrap_err();
        assert!(matches!(&error, SendError::Temporary(text) if text.contains("certificate")), "{error}");
        let other_host = format!("{scheme}://u:hunter2@127.0.0.1:{port}?{tls}ca={}", ca.display());
        assert!(matches!(send(other_host).await, Err(SendError::Temporary(_))), "{scheme}");
    }
    let (port, _) = server_with_tls(Tls::AfterCommand);
    smtp(port, "u:hunter2@").send(&mail("ada@example.org")).await.unwrap();
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
    let expected = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "NOOP", "MAIL", "RCPT", "DATA", "."];
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
        let error = smtp(port, "u:hunter2@").send(&mail("ada@example.org")).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Permanent(_)), permanent, "{refused} {code}: {error}");
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
    let error = smtp(port, "").send(&mail("ada@example.org")).await.unwrap_err();
    assert_eq!(error, SendError::Permanent("the mail server answered 554 5.7.1 Spam: is listed".to_owned()));
}

#[tokio::test]
async fn a_connection_that_went_silent_is_not_used_again() {
    let port = server(|command, line| match command {
        "RCPT" if line.contains("silent@") => String::new(),
        _ => friendly(command),
    });
    let smtp = smtp(port, "");
    let error = smtp.send(&mail("silent@example.org")).await.unwrap_err();
    assert_eq!(error, SendError::Temporary("the mail server did not answer within 1 s".to_owned()));
    smtp.send(&mail("ada@example.org")).await.unwrap();

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = self::smtp(gone, "").send(&mail("ada@example.org")).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn tls_is_not_given_up_when_it_is_required() {
    let port = server(|command, _| friendly(command));
    let url = format!("smtp://u:hunter2@127.0.0.1:{port}?tls=required");
    let error = transport(&url, Path::new("data"), SECOND).send(&mail("ada@example.org")).await.unwrap_err();
    let expected = "SMTP, STARTTLS: STARTTLS is not supported on this server";
    assert_eq!(error, SendError::Temporary(expected.to_owned()));
}

#[tokio::test]
async fn an_address_that_the_server_cannot_write_is_a_permanent_failure() {
    let port = server(|command, _| friendly(command));
    let error = smtp(port, "").send(&mail("ü@example.org")).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent(_)), "{error}");
}
