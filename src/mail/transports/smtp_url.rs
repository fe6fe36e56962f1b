//! The SMTP URL of the configuration: `smtp://user:password@host:port?tls=…&ca=…&ehlo=…`.
//!
//! | part | meaning |
//! |---|---|
//! | `smtps://` | TLS from the first byte, port 465 |
//! | `smtp://` | STARTTLS, port 587; port 25 on a loopback host |
//! | `user:password@` | percent-encoded where needed |
//! | `tls=` | only with `smtp://`: `required` (default), `opportunistic` (default on a loopback host), `none` |
//! | `ca=` | a PEM file: trust these authorities and no others |
//! | `ehlo=` | the name that the server is greeted with; default `[127.0.0.1]` |
//!
//! Faults are told without the URL, since it holds a password.

use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Plain text.
    None,
    /// STARTTLS if the server offers it, with any certificate: an attacker who could forge one could as well take the
    /// offer away. With `ca` the certificate is checked.
    Opportunistic,
    /// STARTTLS or nothing.
    Required,
    /// TLS from the first byte.
    Implicit,
}

/// A mail server as configured.
#[derive(Debug)]
pub(super) struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<(String, SecretString)>,
    pub(super) security: Security,
    pub(super) ca: Option<PathBuf>,
    pub(super) ehlo: Option<String>,
}

/// Reads the URL.
///
/// # Errors
/// What is wrong, without any part that could be a secret.
pub(super) fn parse(url: &str) -> Result<SmtpUrl, String> {
    let (implicit, rest) = match url.split_once("://") {
        Some(("smtp", rest)) => (false, rest),
        Some(("smtps", rest)) => (true, rest),
        _ => return fault("it must start with smtp:// or smtps://"),
    };
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user_info, host_and_port) = match before_query.rsplit_once('@') {
        Some((user_info, host_and_port)) => (Some(user_info), host_and_port),
        None => (None, before_query),
    };
    let (host, port) = host_and_port_of(host_and_port.trim_end_matches('/'))?;
    let loopback = is_loopback(&host);
    let mut parsed = SmtpUrl {
        port: port.unwrap_or(match (implicit, loopback) {
            (true, _) => 465,
            (false, true) => 25,
            (false, false) => 587,
        }),
        security: match (implicit, loopback) {
            (true, _) => Security::Implicit,
            (false, true) => Security::Opportunistic,
            (false, false) => Security::Required,
        },
        credentials: user_info.map(credentials).transpose()?,
        host,
        ca: None,
        ehlo: None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        set_option(&mut parsed, pair)?;
    }
    Ok(parsed)
}

fn set_option(parsed: &mut SmtpUrl, pair: &str) -> Result<(), String> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = percent_decoded(value)?;
    match (name, value.as_str()) {
        ("tls", _) if parsed.security == Security::Implicit => {
            return fault("tls= goes with smtp:// only; smtps:// is always TLS");
        }
        ("tls", "none") => parsed.security = Security::None,
        ("tls", "opportunistic") => parsed.security = Security::Opportunistic,
        ("tls", "required") => parsed.security = Security::Required,
        ("tls", _) => return fault("tls= is none, opportunistic or required"),
        ("ca", "") => return fault("ca= needs the path of a PEM file"),
        ("ca", path) => parsed.ca = Some(path.into()),
        ("ehlo", name) if is_host_name(name) => parsed.ehlo = Some(name.to_owned()),
        ("ehlo", _) => return fault("ehlo= needs a host name"),
        _ => return fault("after the ? only tls=, ca= and ehlo= are known"),
    }
    Ok(())
}

fn host_and_port_of(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if host.parse::<IpAddr>().is_ok() => {
                (host, port.strip_prefix(':').or(none_if_empty(port)))
            }
            _ => return fault("the address in [ ] is none"),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return fault("the port is no number from 1 to 65535"),
        },
    };
    if host.parse::<IpAddr>().is_ok() || is_host_name(host) {
        Ok((host.to_owned(), port))
    } else {
        fault("the host is missing or odd; percent-encode @ / ? # and : in the user name and password")
    }
}

/// What follows `]` must be a port or nothing; anything else is handed on to fail as a port.
fn none_if_empty(rest: &str) -> Option<&str> {
    if rest.is_empty() { None } else { Some(rest) }
}

fn credentials(user_info: &str) -> Result<(String, SecretString), String> {
    match user_info.split_once(':') {
        Some((user, password)) if !user.is_empty() => {
            Ok((percent_decoded(user)?, percent_decoded(password)?.into()))
        }
        _ => fault("before the @ stands user:password"),
    }
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit =
            |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => {
                return fault("a % is not followed by two hexadecimal digits; write %25 for a % itself");
            }
        }
    }
    String::from_utf8(bytes).or_else(|_| fault("a percent-encoded part is not UTF-8"))
}

fn fault<T>(text: &str) -> Result<T, String> {
    Err(format!("SMTP URL: {text}"))
}
