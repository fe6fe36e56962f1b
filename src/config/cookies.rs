//! The session cookie.

use super::table::{choice, section, text};
use super::value::choices;

choices! {
    /// When cookies carry `Secure` and the prefix `__Host-`.
    CookieSecure {
        /// When the public URL is https.
        #[default]
        Auto = "auto",
        /// Always.
        Always = "always",
    }
}

section! {
    /// The session cookie.
    Cookies in "cookies." {
        /// Name of the cookie; `__Host-` is put before it when the cookie is secure.
        name: String = text("usher_session", "1 to 64 characters of A-Z a-z 0-9 and !#$%&'*+-.^_`|~", check_name);
        /// When the cookie carries `Secure` and the prefix `__Host-`: `auto` when the public URL
        /// is https, or `always`.
        secure: CookieSecure = choice("auto", CookieSecure::NAMES);
    }
}

/// A token of RFC 9110 5.6.2, which is what RFC 6265 wants of a cookie name.
fn check_name(text: &str) -> Result<String, &'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !(1..=64).contains(&text.len()) || !text.bytes().all(is_token) {
        return Err("is no cookie name");
    }
    if text.starts_with("__") {
        return Err("must not begin with __, since the prefix is added by itself");
    }
    // The OAuth state of a sign-in in progress lives in this one.
    if text == "usher_oauth" { Err("is taken by another cookie") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens() {
        assert!(check_name("a.b-c_1").is_ok());
        for bad in ["", "a b", "a;b", "a=b", "ä", "__Host-x", "usher_oauth", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
