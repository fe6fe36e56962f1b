//! E-mail addresses: what is accepted, what is kept for display, and what decides identity.
//!
//! Accepted is a bare address with a dotted domain that both the WHATWG rule (validator) and the mailer (lettre's
//! rule, checked when the mail is built) take. Display names, comments, quoted local parts, address literals and
//! every invisible or control character are refused: they have moved mails to other people elsewhere
//! (CVE-2024-21725, CVE-2023-7028). Look-alikes in other scripts stay different addresses; a mail goes to the
//! stored spelling only, never to what somebody typed (CVE-2019-19844).

use unicode_normalization::UnicodeNormalization;
use validator::ValidateEmail;

/// Top-level names that never receive mail from the internet (RFC 6761, RFC 7686).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];
/// RFC 5321 section 4.5.3.1.3: a path holds 256 octets, two of them angle brackets.
const MAX_BYTES: usize = 254;

/// A valid address: as typed for display and mail, and in its canonical form for identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    display: String,
    canonical: String,
}

impl EmailAddress {
    /// Parses what somebody typed.
    ///
    /// # Errors
    /// A sentence for people that says what is wrong and never repeats the input.
    pub fn parse(typed: &str) -> Result<Self, &'static str> {
        let typed = typed.trim_matches([' ', '\t']);
        if typed.chars().any(is_unsafe) {
            return Err("An email address cannot contain spaces, invisible or control characters.");
        }
        let Some((local, domain)) = typed.rsplit_once('@') else {
            return Err("An email address must have an @-sign.");
        };
        if local.is_empty() {
            return Err("There must be something before the @-sign.");
        }
        if domain.is_empty() {
            return Err("There must be something after the @-sign.");
        }
        let local: String = local.nfc().collect();
        if !is_dot_atom(&local) {
            return Err("The part before the @-sign contains characters that are not allowed.");
        }
        let domain = ascii_domain(domain)?;
        let display = format!("{local}@{domain}");
        // The WHATWG rule knows ASCII only: letters and digits of other scripts stand in as `x`.
        let for_rule: String = display.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
        if display.len() > MAX_BYTES || local.len() > 64 || !for_rule.validate_email() {
            return Err("The address is not valid or too long.");
        }
        let canonical = format!("{}@{domain}", fold(&local));
        Ok(Self { display, canonical })
    }

    /// The canonical form of `typed` for a look-up; `None` when no account can have it.
    pub fn canonical_of(typed: &str) -> Option<String> {
        Self::parse(typed).ok().map(|address| address.canonical)
    }

    /// What the canonical forms begin with of all addresses that begin with `typed`.
    pub fn canonical_prefix_of(typed: &str) -> String {
        fold(typed.trim())
    }

    /// The address as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.display
    }

    /// The form that is compared and unique.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Lower case, in NFC before and after.
fn fold(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// Control, bidirectional, zero-width and other format characters, and every kind of space inside.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}')
}

/// RFC 5322 dot-atom, with letters and digits of every script (RFC 6531).
fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty() && atom.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    }) && !local.contains("=?")
}

/// The domain in lower-case ASCII (IDNA, UTS 46 non-transitional), with a dot and a real top level.
fn ascii_domain(domain: &str) -> Result<String, &'static str> {
    const INVALID: &str = "The part after the @-sign is not a valid domain name.";
    if domain.ends_with('.') || domain.starts_with('[') {
        return Err(INVALID);
    }
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| INVALID)?;
    // RUSTSEC-2024-0421: a Punycode label that decodes to plain ASCII would be a second spelling.
    if idna::domain_to_unicode(&ascii).1.is_err() {
        return Err(INVALID);
    }
    let Some((_, top)) = ascii.rsplit_once('.') else {
        return Err("The part after the @-sign is not valid. It should have a period.");
    };
    if SPECIAL_USE.contains(&top) {
        return Err(
            "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
        );
    }
    if top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(INVALID);
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_canonicalises() {
        for (typed, display, canonical) in [
            (" Joe@Example.COM ", "Joe@example.com", "joe@example.com"),
            ("a.b+c@bücher.example", "a.b+c@xn--bcher-kva.example", "a.b+c@xn--bcher-kva.example"),
            ("JÖSE@example.com", "JÖSE@example.com", "jöse@example.com"),
            // Decomposed o + diaeresis composes; the Kelvin sign becomes K.
            ("jo\u{308}se@example.com", "jöse@example.com", "jöse@example.com"),
            ("\u{212A}im@example.com", "Kim@example.com", "kim@example.com"),
        ] {
            let address = EmailAddress::parse(typed).unwrap();
            assert_eq!(address.as_str(), display);
            assert_eq!(address.canonical(), canonical);
        }
    }

    #[test]
    fn refuses() {
        for typed in [
            "",
            "x",
            "@example.com",
            "a@",
            "a@b",
            "Joe <joe@example.com>",
            "a@@example.com",
            "a b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a\0@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a\"@example.com",
            "a(comment)@example.com",
            "=?utf-8?q?a?=@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@example.com.",
            "a@exa\u{200B}mple.com",
            "a\u{202E}b@example.com",
            "a\u{3000}b@example.com",
            "a@x.test",
            "a@x.localhost",
            "a@-x.example.com",
            "a,b@example.com",
            "a@b@example.com",
            "a@xn--example-.com",
        ] {
            assert!(EmailAddress::parse(typed).is_err(), "{typed:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn look_alikes_are_other_addresses() {
        let latin = EmailAddress::parse("paypal@example.com").unwrap();
        let cyrillic = EmailAddress::parse("p\u{430}ypal@example.com").unwrap();
        assert_ne!(latin.canonical(), cyrillic.canonical());
    }
}
