//! The keys behind signatures and stored secrets.

use std::time::Duration;

use secrecy::SecretString;

use super::table::{Secrecy, days, duration, hours, optional, section};

section! {
    /// The keys behind signatures and stored secrets.
    Keys in "keys." {
        /// Key from which all others are derived or with which they are encrypted, such as
        /// `openssl rand -hex 32` prints. Unset: generated in `<data_dir>/secrets/master.key`.
        /// Instances on one database need the same.
        master_key: Option<SecretString> = optional("64 hexadecimal characters (32 bytes)", check_master_key).secret(Secrecy::Hidden);
        /// Age at which the signing key is replaced by itself; `0` is never. Longer than
        /// `publish_before`.
        rotate_every: Duration = duration("0", Duration::ZERO, days(3650));
        /// How long a new key is in JWKS before it signs, so that no cache is surprised.
        publish_before: Duration = duration("24h", Duration::ZERO, hours(24 * 30));
    }
}

fn check_master_key(text: &str) -> Result<String, &'static str> {
    let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { Ok(text.to_owned()) } else { Err("is no key") }
}
