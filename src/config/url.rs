//! The URLs of a configuration: taken apart, judged, and shown without their passwords.
//!
//! Just enough of RFC 3986 for `http`, `smtp` and database URLs. What a browser would read
//! differently (backslashes, `127.1`, non-ASCII hosts) is refused rather than guessed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A URL in its parts. `user` and `password` are still percent-encoded. Has no `Debug`: it holds
/// a password.
pub(super) struct Url<'a> {
    /// Lower case.
    pub scheme: String,
    pub user: Option<&'a str>,
    pub password: Option<&'a str>,
    /// Lower case; an IPv6 address stands without brackets.
    pub host: String,
    pub port: Option<u16>,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub fragment: Option<&'a str>,
}

/// Takes a URL with an authority apart.
pub(super) fn parse(text: &str) -> Result<Url<'_>, &'static str> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("is not a URL");
    }
    let (scheme, rest) = text.split_once("://").ok_or("is not a URL")?;
    let (rest, fragment) = split_off(rest, '#');
    let (rest, query) = split_off(rest, '?');
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (userinfo, address) = match authority.rsplit_once('@') {
        Some((userinfo, address)) => (Some(userinfo), address),
        None => (None, authority),
    };
    let (user, password) = userinfo.map_or((None, None), |userinfo| {
        let (user, password) = split_off(userinfo, ':');
        (Some(user), password)
    });
    let (host, port) = host_and_port(address)?;
    Ok(Url { scheme: scheme.to_ascii_lowercase(), user, password, host, port, path, query, fragment })
}

fn split_off(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// Splits `host:port` and `[::1]:port`; the port may be absent.
pub(super) fn host_and_port(address: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest.split_once(']').ok_or("has a broken IPv6 address")?;
            let host: Ipv6Addr = host.parse().map_err(|_| "has a broken IPv6 address")?;
            let port = match tail {
                "" => None,
                tail => Some(tail.strip_prefix(':').ok_or("has a broken port")?),
            };
            (host.to_string(), port)
        }
        None => {
            let (host, port) = split_off(address, ':');
            if !is_host(host) {
                return Err("has a broken host name");
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    let port = match port {
        None => None,
        Some(port) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| "has a port above 65535")?)
        }
        Some(_) => return Err("has a broken port"),
    };
    Ok((host, port))
}

/// A DNS name in ASCII or an IPv4 address in its usual form. A last label of digits makes a
/// browser read the whole as an IPv4 address, so then it must be one.
pub(super) fn is_host(host: &str) -> bool {
    let labels_are_fine = host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
    let last = host.rsplit('.').next().unwrap_or_default();
    let reads_as_number = last.starts_with(|c: char| c.is_ascii_digit())
        && (last.bytes().all(|byte| byte.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x"));
    labels_are_fine && (!reads_as_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether a host, without brackets, is this machine itself: `localhost`, 127.0.0.0/8 or `::1`.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a host is `0.0.0.0` or `::`, which nobody can connect to by name.
pub(super) fn is_unspecified(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
}

/// Host as it stands in a URL: IPv6 addresses in brackets.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Undoes percent-encoding; `None` if it is broken or no UTF-8 results.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let mut pair = [0];
        hex::decode_to_slice(tail.get(..2)?, &mut pair).ok()?;
        bytes.extend(pair);
        rest = tail.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// Query parameters whose values are no secrets; all others are masked.
const OPEN_PARAMETERS: [&str; 10] = [
    "application_name",
    "ca",
    "connect_timeout",
    "dbname",
    "ehlo",
    "host",
    "port",
    "sslmode",
    "target_session_attrs",
    "tls",
];

/// The URL with its password and its unknown query values as `***`. A password with a bare `@`,
/// `/` or `?` in it is not legal, but it must not leak either: all up to the last `@` is taken.
pub(super) fn mask(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // `outbox` and `outbox:/folder` hold no secret; of anything else nothing is known.
        return if url == "outbox" || url.starts_with("outbox:") { url.to_owned() } else { "***".to_owned() };
    };
    let (userinfo, rest) = match rest.rsplit_once('@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, rest),
    };
    let userinfo = userinfo.map_or_else(String::new, |userinfo| {
        let (user, password) = split_off(userinfo, ':');
        // Then this `@` stood further behind, and the part before it is anything but a name.
        let user = if user.contains(['/', '?', '#']) { "***" } else { user };
        format!("{user}{}@", if password.is_some() { ":***" } else { "" })
    });
    let (rest, query) = split_off(rest, '?');
    let query = query.map_or_else(String::new, |query| {
        let parameters: Vec<String> = query.split('&').map(mask_parameter).collect();
        format!("?{}", parameters.join("&"))
    });
    format!("{scheme}://{userinfo}{rest}{query}")
}

fn mask_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if OPEN_PARAMETERS.contains(&name) => parameter.to_owned(),
        Some((name, _)) => format!("{name}=***"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_urls_apart() {
        let url = parse("SMTP://u%40x:p%3A@Mail.Example.org:2525/?tls=none").ok().unwrap();
        assert_eq!(
            (url.scheme.as_str(), url.host.as_str(), url.port),
            ("smtp", "mail.example.org", Some(2525))
        );
        assert_eq!((url.user, url.password), (Some("u%40x"), Some("p%3A")));
        assert_eq!((url.path, url.query, url.fragment), ("/", Some("tls=none"), None));
        assert_eq!(parse("http://[::1]:80").ok().unwrap().host, "::1");
    }

    #[test]
    fn refuses_hosts_that_browsers_read_otherwise() {
        for bad in [
            "",
            "127.1",
            "0x7f.0x1",
            "2130706433",
            "a..b",
            "-a.org",
            "münchen.de",
            "[::1",
            "[zz]",
            "h:x",
            "h:",
            "h:65536",
        ] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
        for good in ["localhost", "127.0.0.1", "x_y.example:0", "[::]:8000", "a1.b2"] {
            assert!(host_and_port(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn masks_passwords_however_they_are_written() {
        for (url, shown) in [
            ("postgres://u:hunter2@db/usher?sslmode=require", "postgres://u:***@db/usher?sslmode=require"),
            ("postgres://u:hunt@er/2?x@db/usher", "postgres://u:***@db/usher"),
            ("postgres://db/usher?user=u&password=hunter2", "postgres://db/usher?user=***&password=***"),
            ("postgres://db/usher?password=hunter2&host=a@b", "postgres://***@b"),
            ("postgres://db/usher?password=hunter2:@b", "postgres://***:***@b"),
            ("postgres://db/usher?hunter2", "postgres://db/usher?***"),
            ("postgres://u@db/usher", "postgres://u@db/usher"),
            ("sqlite://data/usher.db", "sqlite://data/usher.db"),
            ("outbox:/var/mail", "outbox:/var/mail"),
            ("hunter2", "***"),
        ] {
            assert_eq!(mask(url), shown);
        }
    }

    #[test]
    fn undoes_percent_encoding() {
        assert_eq!(percent_decode("a%40b%25").as_deref(), Some("a@b%"));
        for bad in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }
}
