//! `mail.transport` in its parts.

use std::path::PathBuf;

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
    /// An SMTP server.
    Smtp {
        /// Host name or address; IPv6 without brackets.
        host: String,
        /// 465 for `smtps://`, 25 for `tls=none`, else 587, unless given.
        port: u16,
        /// User name and password, decoded.
        credentials: Option<(String, SecretString)>,
        /// Protection of the connection.
        tls: SmtpTls,
    },
}

/// Protection of an SMTP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// None at all.
    None,
    /// STARTTLS if the server offers it; an attacker on the way can prevent it.
    Opportunistic,
    /// STARTTLS or no mail (RFC 3207).
    StartTls,
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
            _ => Self::parse_smtp(text),
        }
    }

    fn parse_smtp(text: &str) -> Result<Self, &'static str> {
        let url = url::parse(text)?;
        let is_implicit = match url.scheme.as_str() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err("is of no known kind"),
        };
        if !matches!(url.path, "" | "/") || url.fragment.is_some() {
            return Err("must not have a path or a fragment");
        }
        let credentials = match (url.user, url.password) {
            (None, None) => None,
            (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
                let decode = |part| url::percent_decode(part).ok_or("has broken percent-encoding");
                Some((decode(user)?, decode(password)?.into()))
            }
            _ => return Err("needs both user name and password, or neither"),
        };
        let tls = match (is_implicit, url.query) {
            (true, None) => SmtpTls::Implicit,
            (true, Some(_)) => return Err("must not have a query, since smtps:// is always TLS"),
            (false, None) if url::is_loopback(&url.host) => SmtpTls::Opportunistic,
            (false, None | Some("tls=starttls")) => SmtpTls::StartTls,
            (false, Some("tls=none")) => SmtpTls::None,
            (false, Some("tls=opportunistic")) => SmtpTls::Opportunistic,
            (false, Some(_)) => return Err("has an unknown query"),
        };
        let port = match (url.port, tls) {
            (Some(0), _) => return Err("has port 0"),
            (Some(port), _) => port,
            (None, SmtpTls::Implicit) => 465,
            (None, SmtpTls::None) => 25,
            (None, _) => 587,
        };
        Ok(Self::Smtp { host: url.host, port, credentials, tls })
    }
}

/// Accepts whatever [`Transport::parse`] does.
pub(super) fn check_transport(text: &str) -> Result<String, &'static str> {
    Transport::parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn smtp(text: &str) -> (String, u16, SmtpTls) {
        match Transport::parse(text) {
            Ok(Transport::Smtp { host, port, tls, .. }) => (host, port, tls),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn protection_follows_scheme_query_and_host() {
        assert_eq!(smtp("smtps://h"), ("h".into(), 465, SmtpTls::Implicit));
        assert_eq!(smtp("smtp://h"), ("h".into(), 587, SmtpTls::StartTls));
        assert_eq!(smtp("smtp://h:25?tls=none"), ("h".into(), 25, SmtpTls::None));
        assert_eq!(smtp("smtp://h/?tls=opportunistic"), ("h".into(), 587, SmtpTls::Opportunistic));
        assert_eq!(smtp("smtp://127.0.0.1:2525"), ("127.0.0.1".into(), 2525, SmtpTls::Opportunistic));
        assert_eq!(smtp("smtp://[::1]:2525?tls=starttls"), ("::1".into(), 2525, SmtpTls::StartTls));
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let transport = Transport::parse("smtp://a%40b:p%2Fw@h").unwrap();
        assert!(!format!("{transport:?}").contains("p/w"));
        let Transport::Smtp { credentials: Some((user, password)), .. } = transport else { panic!() };
        assert_eq!((user.as_str(), password.expose_secret()), ("a@b", "p/w"));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "Outbox",
            "outbox:",
            "mailbox",
            "http://h",
            "smtp://",
            "smtp:h",
            "smtp://u@h",
            "smtp://u:@h",
            "smtp://:p@h",
            "smtp://u:%zz@h",
            "smtp://h/x",
            "smtp://h?tls=yes",
            "smtp://h?x=1",
            "smtps://h?tls=none",
            "smtp://h:0",
            "smtp://h#x",
        ] {
            assert!(Transport::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(Transport::parse("outbox:/mails"), Ok(Transport::Outbox { folder: Some(_) })));
    }
}
