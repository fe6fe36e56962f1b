//! The keys at the top level: where the server listens, what it is called, where it keeps things.

use std::path::PathBuf;

use secrecy::SecretString;

use super::table::{Secrecy, choice, section, text};
use super::url;
use super::value::choices;

choices! {
    /// Which defaults apply.
    Profile {
        /// The behaviour that clients of FastAPI-Users and django-rest-knox expect.
        #[default]
        Compatible = "compatible",
        /// The stricter defaults of current standards.
        Strict = "strict",
    }
}

section! {
    /// Where the server listens, what it is called and where it keeps things.
    Server in "" {
        /// Which defaults apply: `compatible` behaves as clients of FastAPI-Users and
        /// django-rest-knox expect, `strict` as current standards advise. A key that is set wins
        /// over both.
        profile: Profile = choice("compatible", Profile::NAMES);
        /// Address to listen on. Port 0 picks a free one and prints it.
        bind: String = text("127.0.0.1:8000", "host:port, such as 127.0.0.1:8000 or [::1]:8000", check_bind);
        /// URL under which people reach the server; links in mails and the token issuer come from
        /// it, never from the Host header. When it is https, browsers are told to use nothing else
        /// for a year, for its subdomains too (HSTS).
        public_url: String = text("http://{bind}", "http:// or https:// URL of a host and perhaps a port, without a path", check_public_url);
        /// Folder of the SQLite file, `secrets/` and `outbox/`.
        data_dir: PathBuf = text("data", "path of a folder", check_path);
        /// The database.
        database_url: SecretString = text("sqlite://{data_dir}/usher.db", "sqlite://path, postgres://… or postgresql://…", check_database_url).secret(Secrecy::Url);
    }
}

fn check_bind(text: &str) -> Result<String, &'static str> {
    match url::host_and_port(text)? {
        (_, Some(_)) => Ok(text.to_owned()),
        (_, None) => Err("lacks its port"),
    }
}

/// Gives the form in which browsers write an origin: lower case, no default port, no slash.
fn check_public_url(text: &str) -> Result<String, &'static str> {
    let url = url::parse(text)?;
    let default_port = match url.scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err("is neither http:// nor https://"),
    };
    if url.user.is_some() {
        return Err("must not hold a user name");
    }
    if !matches!(url.path, "" | "/") {
        return Err("must not have a path");
    }
    if url.query.is_some() || url.fragment.is_some() {
        return Err("must not have a query or a fragment");
    }
    let port =
        url.port.filter(|port| *port != default_port).map_or_else(String::new, |port| format!(":{port}"));
    Ok(format!("{}://{}{port}", url.scheme, url::bracketed(&url.host)))
}

/// Any path that is not empty; control characters would break the URLs and logs that name it.
pub(super) fn check_path(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.contains(char::is_control) {
        return Err("must not hold control characters");
    }
    Ok(text.to_owned())
}

/// The scheme decides; the rest is judged by the database driver, which knows more forms (several
/// hosts, sockets) than is worth repeating here.
fn check_database_url(text: &str) -> Result<String, &'static str> {
    if text.contains(char::is_control) {
        return Err("must not hold control characters");
    }
    match text.split_once("://") {
        Some(("sqlite" | "postgres" | "postgresql", "")) => Err("names no database"),
        Some(("sqlite" | "postgres" | "postgresql", _)) => Ok(text.to_owned()),
        _ => Err("is no database URL of a known kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_needs_host_and_port() {
        for good in ["127.0.0.1:8000", "[::1]:8000", "0.0.0.0:0", "localhost:1"] {
            assert_eq!(check_bind(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "127.0.0.1",
            ":8000",
            "::1:8000",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:65536",
            "http://h:1",
        ] {
            assert!(check_bind(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_url_takes_the_form_of_an_origin() {
        for (given, kept) in [
            ("https://id.example.org", "https://id.example.org"),
            ("HTTPS://ID.Example.org:443/", "https://id.example.org"),
            ("http://[0:0::1]:8000", "http://[::1]:8000"),
            ("http://h:443", "http://h:443"),
        ] {
            assert_eq!(check_public_url(given).as_deref(), Ok(kept));
        }
        for bad in [
            "",
            "id.example.org",
            "ftp://h",
            "https://",
            "https://h/auth",
            "https://h//",
            "https://h?x",
            "https://h#x",
            "https://u:p@h",
            "https://u@h",
            "https://h:x",
            "https:/h",
            "https://h\\x",
            "https://h h",
            "https://münchen.de",
        ] {
            assert!(check_public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn database_urls_are_of_known_kinds() {
        for good in [
            "sqlite://data/usher.db",
            "sqlite:///var/u.db",
            "postgres://u:p@h/d",
            "postgresql:///d?host=/run",
        ] {
            assert!(check_database_url(good).is_ok(), "{good}");
        }
        for bad in ["", "sqlite://", "sqlite:x", "mysql://h/d", "data/usher.db", "postgres://h\n"] {
            assert!(check_database_url(bad).is_err(), "{bad}");
        }
    }
}
