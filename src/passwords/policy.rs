//! Which new passwords are refused, and why (NIST SP 800-63B-4 section 3.1.1.2, ASVS 6.2).
//!
//! Length is counted in characters; no composition rules; the whole password is compared with the list of common
//! ones and with words of the context. Passwords are never trimmed, cut or normalised (ASVS 6.2.8).

use std::collections::HashSet;
use std::sync::LazyLock;

/// Longest accepted password in bytes. Longer ones are refused rather than cut.
pub const MAX_BYTES: usize = 1024;

/// 19,640 passwords that everybody tries first: the list of the Django project (BSD-3-Clause, see `LICENSE-DJANGO`).
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// The rules of an installation.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Fewest characters, at least 1.
    pub min_length: usize,
    /// The product's name, which is no password.
    pub product: String,
}

impl Policy {
    /// Whether somebody with the address `email` (canonical form) may have this password.
    ///
    /// # Errors
    /// A sentence for people. It never repeats the password.
    pub fn check(&self, password: &str, email: &str) -> Result<(), String> {
        let length = password.chars().count();
        if length < self.min_length {
            return Err(format!("Password should be at least {} characters", self.min_length));
        }
        if password.len() > MAX_BYTES {
            return Err(format!("Password should be at most {MAX_BYTES} bytes"));
        }
        let folded = password.to_lowercase();
        if COMMON.contains(folded.as_str()) {
            return Err("Password is one of the most common ones; choose another".into());
        }
        let (local, domain) = email.split_once('@').unwrap_or((email, ""));
        let product = self.product.to_lowercase();
        if [email, local, domain, product.as_str()].contains(&folded.as_str()) {
            return Err("Password should not be your email address or the name of this service".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_short_common_and_contextual_passwords_only() {
        let policy = Policy { min_length: 8, product: "Usher-Product".into() };
        let check = |password: &str| policy.check(password, "long.name@example.com");
        for password in [
            "",
            "short",
            "äöüäöüä",
            "password123",
            "PassWord123",
            "Long.Name@example.com",
            "long.name",
            "usher-product",
        ] {
            assert!(check(password).is_err(), "{password}");
        }
        for password in [
            "äöüäöüäö",
            "  leading and trailing  ",
            "correct horse battery",
            "long.name@example.com!",
            "\u{1F511}keykeykey",
        ] {
            assert!(check(password).is_ok(), "{password}");
        }
        assert!(check(&"x".repeat(MAX_BYTES)).is_ok());
        assert!(check(&"x".repeat(MAX_BYTES + 1)).is_err());
    }
}
