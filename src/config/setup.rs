//! The first superuser of an unattended installation.

use secrecy::SecretString;

use super::table::{Secrecy, optional, section};
use crate::base::email_address::EmailAddress;

section! {
    /// The first superuser of an unattended installation. Used at start, and only while there is no superuser; without
    /// these keys the server prints a one-time link instead.
    Setup in "setup." {
        /// Address of the first superuser. Goes with `superuser_password`.
        superuser_email: Option<String> = optional("address", check_email).example("root@example.org");
        /// Password of the first superuser. Goes with `superuser_email`.
        superuser_password: Option<SecretString> = optional("1 to 1024 bytes", check_password).secret(Secrecy::Hidden);
    }
}

fn check_email(text: &str) -> Result<String, &'static str> {
    EmailAddress::parse(text).map(|_| text.to_owned()).map_err(|_| "is no address")
}

fn check_password(text: &str) -> Result<String, &'static str> {
    if (1..=1024).contains(&text.len()) { Ok(text.to_owned()) } else { Err("is empty or too long") }
}
