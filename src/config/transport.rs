//! `mail.transport` in its parts: `outbox`, `outbox:/folder`, or the URL of a mail server.
//!
//! | part of the URL | meaning |
//! |---|---|
//! | `smtps://` | TLS from the first byte, port 465 |
//! | `smtp://` | STARTTLS, port 587; port 25 on a loopback host |
//! | `user:password@` | percent-encoded where needed |
//! | `tls=` | only with `smtp://`: `required` or `starttls` (default), `opportunistic` (default on a loopback host), `none` |
//! | `ca=` | a PEM file: trust these authorities and no others |
//! | `ehlo=` | the name that the server is greeted with; default `[127.0.0.1]` |
//!
//! Faults are told without the text itself, since it may hold a password.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::url;

/// The way out for mails.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Files in a folder; `None` is `<data_dir>/outbox`, the dev inbox.
    Outbox {
        /// Folder of the operator's choice.
        folder: Option<PathBuf>,
    },
    /// A mail server.
    Smtp(SmtpServer),
}

/// A mail server and how to speak to it.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Host name or address; IPv6 without brackets.
    pub host: String,
    /// 465 for `smtps://`, 25 on a loopback host, else 587, unless given.
    pub port: u16,
    /// User name and password, decoded.
    pub credentials: Option<(String, SecretString)>,
    /// Protection of the connection.
    pub tls: SmtpTls,
    /// PEM file of the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Name that the server is greeted with.
    pub ehlo: Option<String>,
}

/// Protection of an SMTP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// None at all.
    None,
    /// STARTTLS if the server offers it, with any certificate: an attacker who could forge one could as well take the
    /// offer away. With `ca` the certificate is checked.
    Opportunistic,
    /// STARTTLS or no mail (RFC 3207).
    Required,
    /// TLS from the first byte (`smtps://`, RFC 8314).
    Implicit,
}

impl Transport {
    /// Takes a transport apart.
    ///
    /// # Errors
    /// Says what is wrong, without the text itself.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "outbox" => Ok(Self::Outbox { folder: None }),
            Some(("outbox", "")) => Err("names no folder"),
            Some(("outbox", folder)) if folder.contains(char::is_control) => {
                Err("must not hold control characters")
            }
            Some(("outbox", folder)) => Ok(Self::Outbox { folder: Some(folder.into()) }),
            _ => SmtpServer::parse(text).map(Self::Smtp),
        }
    }
}

impl SmtpServer {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = url::parse(text)?;
        let is_loopback = url::is_loopback(&url.host);
        let (tls, port) = match url.scheme.as_str() {
            "smtps" => (SmtpTls::Implicit, 465),
            "smtp" if is_loopback => (SmtpTls::Opportunistic, 25),
            "smtp" => (SmtpTls::Required, 587),
            _ => return Err("is of no known kind"),
        };
        if !matches!(url.path, "" | "/") || url.fragment.is_some() {
            return Err("must not have a path or a fragment");
        }
        let credentials = match (url.user, url.password) {
            (None, None) => None,
            (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
                Some((decode(user)?, decode(password)?.into()))
            }
            _ => return Err("needs both user name and password, or neither"),
        };
        let port = match url.port {
            Some(0) => return Err("has port 0"),
            Some(port) => port,
            None => port,
        };
        let mut server = Self { host: url.host, port, credentials, tls, ca: None, ehlo: None };
        for option in url.query.unwrap_or_default().split('&').filter(|option| !option.is_empty()) {
            server.set(option)?;
        }
        Ok(server)
    }

    /// Takes one `name=value` of the query.
    fn set(&mut self, option: &str) -> Result<(), &'static str> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = decode(value)?;
        match (name, value.as_str()) {
            ("tls", _) if self.tls == SmtpTls::Implicit => {
                return Err("must not have tls=, since smtps:// is always TLS");
            }
            ("tls", "none") => self.tls = SmtpTls::None,
            ("tls", "opportunistic") => self.tls = SmtpTls::Opportunistic,
            ("tls", "required" | "starttls") => self.tls = SmtpTls::Required,
            ("tls", _) => return Err("has a tls= that is not none, opportunistic or required"),
            ("ca", path) if path.is_empty() || path.contains(char::is_control) => {
                return Err("has a ca= that names no PEM file");
            }
            ("ca", path) => self.ca = Some(path.into()),
            ("ehlo", name) if url::is_host(name) => self.ehlo = Some(name.to_owned()),
            ("ehlo", _) => return Err("has an ehlo= that is no host name"),
            _ => return Err("has a query other than tls=, ca= and ehlo="),
        }
        Ok(())
    }
}

/// The folder of [`Transport::Outbox`]: the operator's, else `<data_dir>/outbox`.
pub fn outbox_folder(folder: Option<PathBuf>, data_dir: &Path) -> PathBuf {
    folder.unwrap_or_else(|| data_dir.join("outbox"))
}

fn decode(text: &str) -> Result<String, &'static str> {
    url::percent_decode(text).ok_or("has broken percent-encoding")
}

/// Accepts whatever [`Transport::parse`] does.
pub(super) fn check_transport(text: &str) -> Result<String, &'static str> {
    Transport::parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn smtp(text: &str) -> SmtpServer {
        match Transport::parse(text) {
            Ok(Transport::Smtp(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn protection_and_port_follow_scheme_query_and_host() {
        for (text, host, port, tls) in [
            ("smtps://h", "h", 465, SmtpTls::Implicit),
            ("smtp://mail.example.org", "mail.example.org", 587, SmtpTls::Required),
            ("smtp://h?tls=none", "h", 587, SmtpTls::None),
            ("smtp://h:25?tls=none", "h", 25, SmtpTls::None),
            ("smtp://h/?tls=opportunistic", "h", 587, SmtpTls::Opportunistic),
            ("smtp://h?tls=starttls", "h", 587, SmtpTls::Required),
            ("smtp://localhost", "localhost", 25, SmtpTls::Opportunistic),
            ("smtp://[::1]", "::1", 25, SmtpTls::Opportunistic),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, SmtpTls::Opportunistic),
            ("smtp://[::1]:2525?tls=required", "::1", 2525, SmtpTls::Required),
        ] {
            let server = smtp(text);
            assert_eq!((server.host.as_str(), server.port, server.tls), (host, port, tls), "{text}");
        }
    }

    #[test]
    fn credentials_and_options_are_decoded_and_secrets_never_shown() {
        let server = smtp("smtps://us%40er:p%3A%2F%25w@h/?ca=/etc/ca%20s.pem&ehlo=ID.example.org");
        assert!(!format!("{server:?}").contains("p:/%w"));
        let (user, password) = server.credentials.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("us@er", "p:/%w"));
        assert_eq!(server.ca.as_deref(), Some(Path::new("/etc/ca s.pem")));
        assert_eq!(server.ehlo.as_deref(), Some("ID.example.org"));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "Outbox",
            "outbox:",
            "outbox:/a\n",
            "carrier-pigeon",
            "http://u:p@h",
            "smtp://",
            "smtp:h",
            "smtp://u:p@",
            "smtp://u@h",
            "smtp://u:@h",
            "smtp://:p@h",
            "smtp://u:p/x@y@h/path",
            "smtp://u:p%zz@h",
            "smtp://u:p%@h",
            "smtp://h/x",
            "smtp://h#x",
            "smtp://h h",
            "smtp://h:0",
            "smtp://h:70000",
            "smtp://[h]",
            "smtp://[::1]x",
            "smtp://h?tls=maybe",
            "smtp://h?x=1",
            "smtp://h?ca=",
            "smtp://h?ehlo=",
            "smtp://h?ehlo=a%0d%0ab",
            "smtps://h?tls=none",
            "smtps://h?tls=required",
        ] {
            assert!(Transport::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_folder_is_the_operators_or_in_the_data_directory() {
        for (text, expected) in [("outbox", "data/outbox"), ("outbox:/mails", "/mails")] {
            let Ok(Transport::Outbox { folder }) = Transport::parse(text) else { panic!("{text}") };
            assert_eq!(outbox_folder(folder, Path::new("data")), Path::new(expected));
        }
    }
}
