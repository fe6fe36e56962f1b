//! A real mail server on loopback: aiosmtpd in a Python of this machine.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::certificates::Certificates;
use super::process::{Received, Running, eventually};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/support/mail_server.py");

/// Where TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    None,
    Starttls,
    Implicit,
}

/// How a server behaves.
pub struct Settings<'a> {
    /// 0: any.
    pub port: u16,
    pub tls: Tls,
    pub certificates: Option<&'a Certificates>,
    /// User name and password that it insists on.
    pub credentials: Option<(&'a str, &'a str)>,
    /// What it answers to the first mails; 250 to all others.
    pub replies: &'a [&'a str],
    /// A recipient to whose address it never answers.
    pub hangs_for: Option<&'a str>,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { port: 0, tls: Tls::None, certificates: None, credentials: None, replies: &[], hangs_for: None }
    }
}

/// A running server. Ended when dropped.
pub struct MailServer {
    running: Running,
    pub port: u16,
}

/// A mail that the server was handed.
#[derive(Debug)]
pub struct Delivery {
    /// Whether it came through TLS.
    pub tls: bool,
    /// Who had signed in.
    pub user: Option<String>,
    pub sender: String,
    pub recipients: Vec<String>,
    pub mail: Received,
    /// What it answered.
    pub reply: String,
}

impl MailServer {
    /// `None`: aiosmtpd is not installed.
    ///
    /// # Panics
    /// When it is not installed although `TEST_REQUIRE` names `smtp`.
    pub fn start(settings: &Settings<'_>) -> Option<Self> {
        let Some(python) = find_python() else {
            let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|part| part.trim() == "smtp"), "aiosmtpd is not installed");
            println!("skipped: aiosmtpd is not installed");
            return None;
        };
        let path = |file: fn(&Certificates) -> PathBuf| settings.certificates.map(file);
        let argument = json!({
            "port": settings.port,
            "tls": format!("{:?}", settings.tls).to_lowercase(),
            "certificate": path(Certificates::certificate),
            "key": path(Certificates::key),
            "credentials": settings.credentials,
            "replies": settings.replies,
            "hangs_for": settings.hangs_for,
        });
        let mut command = Command::new(python);
        command.arg(SCRIPT).arg(argument.to_string());
        let mut running = Running::start(command);
        let ready = eventually("the mail server is ready", || {
            let has_ended = running.has_ended();
            let ready = events(&running, "ready").pop();
            assert!(ready.is_some() || !has_ended, "it ended: {}", running.stderr().join("\n"));
            ready
        });
        let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Some(Self { running, port })
    }

    /// Everything that it was handed so far, refused or not.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.events("mail").iter().map(Delivery::read).collect()
    }

    /// The first mail to somebody that it took, when it comes.
    #[track_caller]
    pub fn taken(&self, address: &str) -> Delivery {
        eventually(&format!("a mail to {address}"), || {
            let mut taken = self.deliveries().into_iter();
            taken.find(|mail| mail.reply.starts_with("250") && mail.recipients == [address])
        })
    }

    /// What it told of one kind: `mail`, `sign-in`, `hangs`.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        events(&self.running, kind)
    }
}

impl Delivery {
    fn read(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().expect("a text").to_owned();
        let content = BASE64_STANDARD.decode(text("content")).expect("base64");
        Self {
            tls: event["tls"] == true,
            user: event["user"].as_str().map(str::to_owned),
            sender: text("sender"),
            recipients: serde_json::from_value(event["recipients"].clone()).expect("addresses"),
            mail: Received::parse(&content),
            reply: text("reply"),
        }
    }
}

fn events(running: &Running, kind: &str) -> Vec<Value> {
    let lines = running.stdout();
    let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    events.filter(|event| event["event"] == kind).collect()
}

/// The system's own first: Debian's package serves no other.
fn find_python() -> Option<&'static str> {
    ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", "import aiosmtpd"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}
