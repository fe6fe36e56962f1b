//! Sends by SMTP (RFC 5321), with TLS as the URL says.
//!
//! Idle connections are kept here and not in lettre's pool, for two reasons: that pool starts and stops background
//! tasks and so panics outside of a runtime, and it takes back a connection whose attempt was dropped at the time
//! limit. On such a connection the next mail would read the late answers of the last one and could count as sent
//! without being sent. Here only a connection whose mail was accepted is kept.
//!
//! A 5xx reply to the mail itself is permanent. One to our greeting or password is not: it is the operator's to mend
//! and would otherwise throw away every mail that waits.

use std::error::Error as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use secrecy::ExposeSecret;

use super::{Outgoing, SendError, Transport};
use crate::config::{SmtpServer, SmtpTls};
use crate::mail::message::{self, Message};

/// So many connections wait for the next mail; servers count them per client.
const MAX_IDLE: usize = 2;
/// Replies longer than this are cut, in characters.
const MAX_REPLY: usize = 200;
/// A word of a reply longer than this may be a token and is left out, in bytes.
const MAX_WORD: usize = 32;

pub(super) struct Smtp {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    ehlo: ClientId,
    timeout: Duration,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl Smtp {
    /// Reads the trusted certificates, connects to nothing.
    pub(super) fn new(server: SmtpServer, timeout: Duration) -> Result<Self, String> {
        let ehlo = match &server.ehlo {
            Some(name) => ClientId::Domain(name.clone()),
            None => ClientId::default(),
        };
        Ok(Self { tls: tls_parameters(&server)?, ehlo, server, timeout, idle: Mutex::new(Vec::new()) })
    }

    async fn deliver(&self, message: &Message) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let needs_utf8 = message.envelope.to().iter().any(|to| !AsRef::<str>::as_ref(to).is_ascii());
        if needs_utf8 && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(SendError::Permanent(
                "the mail server cannot send to an address with letters beyond ASCII (no SMTPUTF8)"
                    .to_owned(),
            ));
        }
        match connection.send(&message.envelope, &message.bytes).await {
            Ok(_) => Ok(connection),
            Err(error) => Err(self.judge(&error)),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let address = (self.server.host.as_str(), self.server.port);
        let implicit = self.tls.clone().filter(|_| self.server.tls == SmtpTls::Implicit);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(self.timeout), &self.ehlo, implicit, None)
                .await
                .map_err(|error| unready("connecting", &error))?;
        if let Some(tls) = self.tls.clone().filter(|_| match self.server.tls {
            SmtpTls::Required => true,
            SmtpTls::Opportunistic => connection.can_starttls(),
            SmtpTls::None | SmtpTls::Implicit => false,
        }) {
            connection.starttls(tls, &self.ehlo).await.map_err(|error| unready("STARTTLS", &error))?;
        }
        if let Some((user, password)) = &self.server.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| unready("signing in", &error))?;
        }
        Ok(connection)
    }

    /// A kept connection that still answers.
    async fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            // A statement of its own: the lock must not be held while the server is asked.
            let kept = self.idle().pop();
            let mut connection = kept?;
            if connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE && !connection.has_broken() {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How an attempt ended that got as far as the mail itself.
    fn judge(&self, error: &Error) -> SendError {
        let Some(code) = error.status().map(u16::from) else {
            return unready("sending", error);
        };
        let reply = error.source().map(ToString::to_string).unwrap_or_default();
        let secret = self.server.credentials.as_ref().map(|(_, password)| password.expose_secret());
        let reply = match secret {
            Some(secret) if !secret.is_empty() && reply.contains(secret) => String::new(),
            _ => without_tokens(&reply),
        };
        let text = format!("the mail server answered {code} {reply}").trim_end().to_owned();
        // 530, 534, 535 and 538 ask for a sign-in or for TLS (RFC 4954): a fault of the configuration, not of the mail.
        if error.is_permanent() && !matches!(code, 530 | 534 | 535 | 538) {
            SendError::Permanent(text)
        } else {
            SendError::Temporary(text)
        }
    }
}

impl Transport for Smtp {
    fn send<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let message = message::build(mail)?;
            match tokio::time::timeout(self.timeout, self.deliver(&message)).await {
                Ok(Ok(connection)) => {
                    self.keep(connection);
                    Ok(())
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err(SendError::Temporary(format!(
                    "the mail server did not answer within {} s",
                    self.timeout.as_secs()
                ))),
            }
        })
    }

    fn name(&self) -> &'static str {
        "smtp"
    }
}

/// The attempt did not get as far as the mail. Replies of the server are left out: while signing in they may repeat
/// what they were told.
fn unready(step: &str, error: &Error) -> SendError {
    let cause = match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_response() => "the answer is no SMTP".to_owned(),
        None => error.source().map_or_else(|| "failed".to_owned(), ToString::to_string),
    };
    SendError::Temporary(format!("SMTP, {step}: {cause}"))
}

/// Spam filters quote the link they dislike, token included: long words and anything like a link or `name=value` are
/// left out of what is kept of a reply.
fn without_tokens(reply: &str) -> String {
    let words: Vec<&str> = reply
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| {
            !word.is_empty() && word.len() <= MAX_WORD && !word.contains("://") && !word.contains('=')
        })
        .collect();
    words.join(" ").chars().take(MAX_REPLY).collect()
}

fn tls_parameters(server: &SmtpServer) -> Result<Option<TlsParameters>, String> {
    if server.tls == SmtpTls::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca {
        let fault = |cause: String| format!("mail.transport: ca={}: {cause}", path.display());
        let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
        let authorities = Certificate::from_pem(&pem).map_err(|_| fault("no PEM certificates".to_owned()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authorities);
    } else if server.tls == SmtpTls::Opportunistic {
        builder = builder
            .certificate_store(CertificateStore::None)
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true);
    }
    let tls = builder.build().map_err(|e| format!("mail.transport: TLS: {e}"))?;
    Ok(Some(tls))
}

#[cfg(test)]
mod tests;
