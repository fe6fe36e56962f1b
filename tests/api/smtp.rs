//! Mails by SMTP, against a real mail server on loopback: aiosmtpd, where it is installed.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use usher::accounts::{self, Creation};
use usher::app::{App, Parts};
use usher::base::clock::{Clock, Time};
use usher::base::email_address::EmailAddress;
use usher::config::Config;
use usher::worker::deliver_due;

use crate::support::certificates::Certificates;
use crate::support::mail_server::{MailServer, Settings, Tls};
use crate::support::process::{Home, Process, alone, eventually, process_story};
use crate::support::*;

const ADA: &str = "ada@example.com";

/// A home whose server sends by `url`.
fn home_with(url: &str) -> Home {
    let mut home = Home::new();
    home.set("USHER_MAIL__TRANSPORT", url);
    home.set("USHER_MAIL__FROM", "Acme <no-reply@acme.test>");
    home
}

/// The one mail that waits, once an attempt has failed.
#[track_caller]
fn put_off(home: &Home) -> Value {
    eventually("an attempt has failed", || {
        let mails = home.usher(&["mail", "list", "--json"]).json();
        Some(mails[0].clone()).filter(|mail| mail["last_error"].is_string())
    })
}

process_story!(a_mail_arrives_as_it_should, async |mut home| {
    let Some(mail_server) = MailServer::start(&Settings::default()) else { return };
    home.set("USHER_MAIL__TRANSPORT", format!("smtp://127.0.0.1:{}", mail_server.port));
    home.set("USHER_MAIL__FROM", "Acme Käufer <no-reply@acme.test>");
    home.set("USHER_MAIL__PRODUCT", "Acmé");
    let server = home.serve();
    server.register(ADA, PASSWORD).await;
    let delivery = mail_server.taken(ADA);
    assert_eq!((delivery.sender.as_str(), delivery.tls), ("no-reply@acme.test", false));
    let mail = delivery.mail;
    assert_eq!(mail.header("From"), "Acme Käufer <no-reply@acme.test>");
    assert_eq!(mail.header("To"), ADA);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("MIME-Version"), "1.0");
    assert!(mail.subject.contains("Acmé"), "{}", mail.subject);
    assert!(mailparse::dateparse(mail.header("Date")).is_ok());
    let id = mail.header("Message-ID");
    assert!(id.starts_with('<') && id.ends_with("@localhost>"), "{id}");
    let link = format!("http://localhost:8000/verify?token={}", mail.token());
    assert!(mail.text.lines().any(|line| line == link), "{}", mail.text);
    let html = scraper::Html::parse_document(&mail.html);
    let anchors = scraper::Selector::parse("a[href]").expect("a selector");
    assert!(html.select(&anchors).any(|anchor| anchor.attr("href") == Some(&link)), "{}", mail.html);
    server.post("/auth/verify").json(json!({"token": mail.token()})).await.success(200);
    server.stop();
});

#[test]
fn tls_from_the_first_byte_or_by_starttls_with_a_password() {
    alone(async {
        let certificates = Certificates::new();
        let ca = certificates.authority().display().to_string();
        for (tls, scheme, options) in [
            (Tls::Implicit, "smtps", format!("?ca={ca}")),
            (Tls::Starttls, "smtp", format!("?tls=required&ca={ca}")),
            // On loopback that is what happens by itself, without asking who is there.
            (Tls::Starttls, "smtp", String::new()),
        ] {
            let settings = Settings {
                tls,
                certificates: Some(&certificates),
                credentials: Some(("ush@er", "p:/%w")),
                ..Settings::default()
            };
            let Some(mail_server) = MailServer::start(&settings) else { return };
            let port = mail_server.port;
            let home = home_with(&format!("{scheme}://ush%40er:p%3A%2F%25w@localhost:{port}{options}"));
            let server = home.serve();
            server.register(ADA, PASSWORD).await;
            let delivery = mail_server.taken(ADA);
            assert!(delivery.tls, "{scheme} {options}");
            assert_eq!(delivery.user.as_deref(), Some("ush@er"), "{scheme} {options}");
            assert!(!server.log().contains("p:/%w"), "{}", server.log());
            server.stop();
        }
    });
}

#[test]
fn a_wrong_password_is_the_operators_to_mend_and_loses_no_mail() {
    alone(async {
        let certificates = Certificates::new();
        let settings = Settings {
            tls: Tls::Implicit,
            certificates: Some(&certificates),
            credentials: Some(("usher", "right")),
            ..Settings::default()
        };
        let Some(mail_server) = MailServer::start(&settings) else { return };
        let url = |password: &str| {
            let (port, ca) = (mail_server.port, certificates.authority());
            format!("smtps://usher:{password}@localhost:{port}?ca={}", ca.display())
        };
        let mut home = home_with(&url("hunter2"));
        let server = home.serve();
        server.register(ADA, PASSWORD).await;
        let mail = put_off(&home);
        assert_eq!(mail["state"], "queued");
        let error = mail["last_error"].as_str().expect("why");
        assert!(error.contains("signing in") && error.contains("535"), "{error}");
        assert!(!server.log().contains("hunter2"), "{}", server.log());
        server.stop();
        home.set("USHER_MAIL__TRANSPORT", url("right"));
        let server = home.serve();
        mail_server.taken(ADA);
        server.stop();
    });
}

#[test]
fn a_certificate_of_somebody_else_gets_no_mail() {
    alone(async {
        let (certificates, others) = (Certificates::new(), Certificates::new());
        for (tls, scheme, options) in [(Tls::Implicit, "smtps", ""), (Tls::Starttls, "smtp", "tls=required&")]
        {
            let settings = Settings {
                tls,
                certificates: Some(&certificates),
                credentials: Some(("usher", "hunter2")),
                ..Settings::default()
            };
            let Some(mail_server) = MailServer::start(&settings) else { return };
            let url =
                |ca: &str| format!("{scheme}://usher:hunter2@localhost:{}?{options}{ca}", mail_server.port);
            let ca = |certificates: &Certificates| format!("ca={}", certificates.authority().display());
            let mut home = home_with(&url(&ca(&others)));
            for ca in [ca(&others), String::new()] {
                home.set("USHER_MAIL__TRANSPORT", url(&ca));
                let server = home.serve();
                if home.usher(&["user", "show", ADA]).code != Some(0) {
                    server.register(ADA, PASSWORD).await;
                }
                let mail = put_off(&home);
                assert_eq!(mail["state"], "queued");
                let error = mail["last_error"].as_str().expect("why");
                assert!(error.contains("certificate"), "{error}");
                server.stop();
            }
            assert_eq!(mail_server.events("sign-in").len(), 0, "it was told no password");
            assert_eq!(mail_server.deliveries().len(), 0);
            home.set("USHER_MAIL__TRANSPORT", url(&ca(&certificates)));
            let server = home.serve();
            assert!(mail_server.taken(ADA).tls);
            server.stop();
        }
    });
}

#[test]
fn no_mail_leaves_in_the_clear_where_tls_is_required() {
    alone(async {
        let Some(mail_server) = MailServer::start(&Settings::default()) else { return };
        let home = home_with(&format!("smtp://localhost:{}?tls=required", mail_server.port));
        let server = home.serve();
        server.register(ADA, PASSWORD).await;
        let mail = put_off(&home);
        assert!(mail["last_error"].as_str().expect("why").contains("STARTTLS"), "{mail}");
        assert_eq!(mail_server.deliveries().len(), 0);
        server.stop();
    });
}

/// An application in this process, whose clock is moved by hand, with the real transport.
async fn app_with(mail_server: &MailServer, folder: &std::path::Path) -> (std::sync::Arc<App>, Clock) {
    let clock = Clock::manual(Time::parse("2026-01-15T09:30:00.250000Z").expect("a time"));
    let mut config = Config {
        data_dir: folder.to_owned(),
        database_url: format!("sqlite://{}", folder.join("usher.db").display()).into(),
        ..Config::default()
    };
    config.mail.transport = format!("smtp://127.0.0.1:{}", mail_server.port).into();
    (config.passwords.memory_kib, config.passwords.iterations, config.passwords.threads) = (8, 1, 1);
    let parts = Parts { clock: Some(clock.clone()), ..Parts::default() };
    (App::build(config, parts).await.expect("it builds"), clock)
}

#[test]
fn a_mail_that_is_put_off_is_tried_again_ever_later() {
    alone(async {
        let replies = ["451 later", "421 closing", "452 full"];
        let settings = Settings { replies: &replies, ..Settings::default() };
        let Some(mail_server) = MailServer::start(&settings) else { return };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (app, clock) = app_with(&mail_server, folder.path()).await;
        let creation = Creation {
            email: EmailAddress::parse(ADA).expect("an address"),
            password: Some(SecretString::from(PASSWORD)),
            is_active: true,
            is_superuser: false,
            is_verified: false,
        };
        accounts::create(&app, creation, &Default::default()).await.expect("an account");
        let deliver = async || deliver_due(&app).await.expect("the outbox can be read");
        let second = Duration::from_secs(1);
        assert_eq!(deliver().await, 1);
        for (attempts, wait) in [(1, 2), (2, 4), (3, 8)] {
            eventually("it tells of the attempt", || {
                (mail_server.deliveries().len() == attempts).then_some(())
            });
            clock.advance(second * wait - Duration::from_micros(1));
            assert_eq!(deliver().await, 0, "not before {wait} s");
            clock.advance(Duration::from_micros(1));
            assert_eq!(deliver().await, 1, "after {wait} s");
        }
        mail_server.taken(ADA);
        let deliveries = mail_server.deliveries();
        let seen: Vec<&str> = deliveries.iter().map(|delivery| delivery.reply.as_str()).collect();
        assert_eq!(seen, ["451 later", "421 closing", "452 full", "250 OK"]);
        let ids: Vec<&str> = deliveries.iter().map(|delivery| delivery.mail.header("Message-ID")).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "so that a receiver can drop a second copy");
        clock.advance(Duration::from_secs(24 * 3600));
        assert_eq!(deliver().await, 0, "sent once");
    });
}

process_story!(a_mail_that_is_refused_is_shown_until_somebody_retries_it, async |mut home| {
    let replies = ["554 spam: http://localhost:8000/verify?token=abc"];
    let settings = Settings { replies: &replies, ..Settings::default() };
    let Some(mail_server) = MailServer::start(&settings) else { return };
    home.set("USHER_MAIL__TRANSPORT", format!("smtp://127.0.0.1:{}", mail_server.port));
    let server = home.serve();
    server.register(ADA, PASSWORD).await;
    let failed = || home.usher(&["mail", "list", "--failed", "--json"]).json();
    let mail = eventually("it is given up", || failed().get(0).cloned());
    assert_eq!((&mail["state"], &mail["attempts"]), (&json!("failed"), &json!(1)));
    assert_eq!(mail["last_error"], "the mail server answered 554 spam:");
    server.logged("a mail was given up");
    home.usher(&["mail", "retry", mail["id"].as_str().expect("an id")]).success();
    let delivery = mail_server.taken(ADA);
    server.post("/auth/verify").json(json!({"token": delivery.mail.token()})).await.success(200);
    assert_eq!(failed(), json!([]));
    server.stop();
});

/// Registers, and insists on an answer long before a mail server's time is up.
async fn register_promptly(server: &Process, email: &str) {
    let asked = Instant::now();
    server.register(email, PASSWORD).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

process_story!(a_mail_server_that_is_down_delays_the_mail_alone, async |mut home| {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    drop(socket);
    home.set("USHER_MAIL__TRANSPORT", format!("smtp://127.0.0.1:{port}"));
    let server = home.serve();
    register_promptly(&server, ADA).await;
    assert!(put_off(&home)["last_error"].as_str().expect("why").contains("refused"));
    let Some(mail_server) = MailServer::start(&Settings { port, ..Settings::default() }) else { return };
    let delivery = mail_server.taken(ADA);
    server.post("/auth/verify").json(json!({"token": delivery.mail.token()})).await.success(200);
    server.stop();
});

#[test]
fn a_mail_server_that_never_answers_delays_neither_requests_nor_the_end() {
    alone(async {
        // Connections are taken by the kernel, and nobody reads.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = silent.local_addr().expect("an address").port();
        let mut home = home_with(&format!("smtp://127.0.0.1:{port}"));
        home.set("USHER_MAIL__TIMEOUT", "5s");
        home.set("USHER_MAIL__LEASE", "6s");
        let mut server = home.serve();
        for number in 0..30 {
            register_promptly(&server, &format!("person{number}@example.com")).await;
        }
        let asked = Instant::now();
        server.terminate();
        assert_eq!(server.wait(), Some(0), "{}", server.log());
        assert!(asked.elapsed() < Duration::from_secs(9), "only mails on their way are waited for");
        drop(silent);
        home.set("USHER_MAIL__TRANSPORT", "outbox");
        let server = home.serve();
        for number in 0..30 {
            home.mail_to(&format!("person{number}@example.com"));
        }
        server.stop();
    });
}

#[test]
fn a_mail_that_hangs_does_not_hold_up_the_others() {
    alone(async {
        let settings = Settings { hangs_for: Some("slow@example.com"), ..Settings::default() };
        let Some(mail_server) = MailServer::start(&settings) else { return };
        let mut home = home_with(&format!("smtp://127.0.0.1:{}", mail_server.port));
        home.set("USHER_MAIL__TIMEOUT", "4m");
        home.set("USHER_MAIL__LEASE", "5m");
        let server = home.serve();
        server.register("slow@example.com", PASSWORD).await;
        eventually("it hangs", || mail_server.events("hangs").pop());
        server.register(ADA, PASSWORD).await;
        mail_server.taken(ADA);
        server.kill();
    });
}
