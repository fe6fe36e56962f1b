//! Sender, product and support address of mails.
//!
//! The sender is judged by the plain forms of RFC 5322 that every mail library reads: no comments,
//! no quoted local parts, no address literals. Display names with other characters than letters,
//! digits and a few signs stand in double quotes.

/// `address` or `Name <address>`.
pub(super) fn check_from(text: &str) -> Result<String, &'static str> {
    if text.contains(char::is_control) {
        return Err("must not hold control characters");
    }
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return if is_address(text) { Ok(text.to_owned()) } else { Err("is no mail address") };
    };
    if !is_address(address) {
        return Err("holds no mail address");
    }
    if is_display_name(name.trim()) {
        Ok(text.to_owned())
    } else {
        Err("has a name that must stand in double quotes")
    }
}

/// The domain of a sender that [`check_from`] accepted.
pub(super) fn domain_of(from: &str) -> &str {
    from.trim_end_matches('>').rsplit('@').next().unwrap_or_default()
}

/// Atoms, or one quoted string without quotes and backslashes in it; may be empty.
fn is_display_name(name: &str) -> bool {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => !quoted.contains(['"', '\\']),
        None => name.chars().all(|c| c == ' ' || is_atom(c)),
    }
}

fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
}

/// A bare address: dot-atom, `@`, domain.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local =
        local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.chars().all(is_atom));
    is_local
        && matches!(super::url::host_and_port(domain), Ok((_, None)))
        && !domain.starts_with('[')
        && domain.parse::<std::net::Ipv4Addr>().is_err()
}

/// A name without control characters; it goes into subjects.
pub(super) fn check_product(text: &str) -> Result<String, &'static str> {
    let length = text.trim().chars().count();
    if !(1..=100).contains(&length) {
        return Err("is empty or too long");
    }
    if text.contains(char::is_control) {
        return Err("must not hold control characters");
    }
    Ok(text.trim().to_owned())
}

/// An address, or a URL.
pub(super) fn check_support(text: &str) -> Result<String, &'static str> {
    let is_url = super::url::parse(text)
        .is_ok_and(|url| matches!(url.scheme.as_str(), "http" | "https") && url.user.is_none());
    if is_url || is_address(text) { Ok(text.to_owned()) } else { Err("is neither an address nor a URL") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_plain_mailboxes() {
        for good in [
            "a@b.org",
            "Usher <no-reply@usher.invalid>",
            "\"Müller, Inc.\" <a@b>",
            "Jörg M <j.m+x@b.org>",
            "<a@b.org>",
        ] {
            assert!(check_from(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Usher",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a..b@c",
            "Name, X <a@b>",
            "\"a\"b\" <a@b>",
            "X <a@b> ",
            "X <a@b>\r\nBcc: c@d",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@b:25",
            "Name a@b",
            "N. <a@b>",
        ] {
            assert!(check_from(bad).is_err(), "{bad}");
        }
        assert_eq!(domain_of("Usher <no-reply@usher.invalid>"), "usher.invalid");
    }

    #[test]
    fn products_and_support() {
        assert_eq!(check_product(" Acme ").as_deref(), Ok("Acme"));
        assert!(
            check_product(" ").is_err()
                && check_product("a\nb").is_err()
                && check_product(&"x".repeat(101)).is_err()
        );
        assert!(check_support("help@acme.org").is_ok() && check_support("https://acme.org/help?x=1").is_ok());
        assert!(check_support("javascript:alert(1)").is_err() && check_support("help").is_err());
    }
}
