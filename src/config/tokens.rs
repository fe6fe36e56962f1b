//! Opaque tokens: the settings of django-rest-knox.

use std::time::Duration;

use super::duration;
use super::table::{days, duration, flag, number, optional, section, text};

section! {
    /// Opaque tokens: the settings of django-rest-knox.
    Tokens in "tokens." {
        /// Life of a token, or `never` for tokens that do not expire.
        ttl: String = text("10h", "never, or a duration up to 3650d such as 15m, 10h or 30d", check_ttl);
        /// Live tokens that a user may have; `0` is no limit.
        limit_per_user: u32 = number("0", 0, 100_000, "tokens");
        /// Whether use prolongs a token: to `ttl` from then on.
        auto_refresh: bool = flag("false");
        /// Longest life of a token that use prolongs, from its making; `0` is no limit.
        auto_refresh_max_ttl: Duration = duration("0", Duration::ZERO, days(3650));
        /// A use that would prolong a token by less is not written.
        min_refresh_interval: Duration = duration("60s", Duration::ZERO, days(1));
        /// What tokens begin with, so that secret scanners find leaked ones.
        prefix: String = text("ust_", "up to 10 characters of A-Z a-z 0-9 and _", check_prefix);
        /// Scheme word of the `Authorization` header, besides `Bearer`.
        header_prefix: String = text("Token", "1 to 32 letters", check_scheme);
        /// Characters behind the prefix; the last eight are a checksum.
        length: u32 = number("64", 40, 128, "hexadecimal characters, an even number");
        /// `strftime` format of `expiry` in the answer to a login; unset: RFC 3339 with six fractional digits.
        expiry_format: Option<String> = optional("a strftime format", check_format).example("%Y-%m-%d %H:%M");
    }
}

impl Tokens {
    /// Life of a token; `None`: for ever.
    pub fn lifetime(&self) -> Option<Duration> {
        duration::parse(&self.ttl).ok()
    }
}

fn check_ttl(text: &str) -> Result<String, &'static str> {
    if text == "never" {
        return Ok(text.to_owned());
    }
    match duration::parse(text)? {
        ttl if ttl <= days(3650) => Ok(text.to_owned()),
        _ => Err("is too long"),
    }
}

fn check_prefix(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { Ok(text.to_owned()) } else { Err("is no prefix") }
}

fn check_scheme(text: &str) -> Result<String, &'static str> {
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if fits { Ok(text.to_owned()) } else { Err("is no scheme") }
}

fn check_format(text: &str) -> Result<String, &'static str> {
    if jiff::fmt::strtime::format(text, jiff::Timestamp::UNIX_EPOCH).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("is no strftime format")
    }
}
