//! From facts to words: fills the templates of one kind of mail.
//!
//! What a stranger could have chosen is narrowed here once more: the IP address must parse as one, the link must be
//! an http link without white space, the subject is one line. Times are said twice, as a duration and in UTC.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Brand, MailFacts, Rendered};
use crate::templates::Templates;

/// The values that a mail template may name; every one is always there, `none` where there is nothing to say.
#[derive(Serialize)]
struct Context<'a> {
    product: &'a str,
    public_url: &'a str,
    support: Option<&'a str>,
    support_href: Option<String>,
    recipient: &'a str,
    link: Option<&'a str>,
    expires_in: Option<String>,
    expires_at: Option<String>,
    requested_at: String,
    ip: Option<String>,
    device: Option<&'a str>,
    new_email: Option<&'a str>,
    subject: &'a str,
}

/// Renders one mail in English.
///
/// # Errors
/// A kind that needs a link has none or an odd one, or a template is broken. The text names neither link nor token.
pub fn render(templates: &Templates, brand: &Brand, facts: &MailFacts) -> Result<Rendered, String> {
    let link = match facts.link.as_deref() {
        _ if facts.kind.is_notice() => None,
        Some(link) if is_plain_link(link) => Some(link),
        Some(_) => {
            return Err(format!("mail {}: the link is no http URL", facts.kind.as_str()));
        }
        None => return Err(format!("mail {}: the link is missing", facts.kind.as_str())),
    };
    let mut context = Context {
        product: &brand.product,
        public_url: brand.public_url.trim_end_matches('/'),
        support: brand.support.as_deref(),
        support_href: brand.support.as_deref().and_then(support_href),
        recipient: &facts.recipient,
        link,
        expires_in: facts.expires_in.map(duration_in_words),
        expires_at: facts.expires_at.map(time_in_words),
        requested_at: time_in_words(facts.requested_at),
        ip: facts.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_string()),
        device: facts.device.as_deref(),
        new_email: facts.new_email.as_deref(),
        subject: "",
    };
    let path = |file: &str| format!("mail/{}/{file}.j2", facts.kind.as_str());
    let subject = one_line(&templates.render(&path("subject.txt"), &context)?);
    context.subject = &subject;
    let text = templates.render(&path("body.txt"), &context)?;
    let html = templates.render(&path("body.html"), &context)?;
    Ok(Rendered { subject, text, html })
}

/// White space, line breaks included, becomes one space: a header cannot be smuggled in by a product name.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_plain_link(link: &str) -> bool {
    (link.starts_with("https://") || link.starts_with("http://"))
        && link.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>'))
}

fn support_href(support: &str) -> Option<String> {
    if is_plain_link(support) {
        Some(support.to_owned())
    } else if support.contains('@') && !support.contains(char::is_whitespace) {
        Some(format!("mailto:{support}"))
    } else {
        None
    }
}

/// "24 hours", "7 days", "1 hour", "90 minutes": the largest whole unit, rounded down so that no mail promises more
/// than the link holds. One day is said in hours.
fn duration_in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        _ if seconds.is_multiple_of(86_400) && seconds > 86_400 => (seconds / 86_400, "day"),
        _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        _ => (seconds / 60, "minute"),
    };
    if count == 1 { format!("{count} {unit}") } else { format!("{count} {unit}s") }
}

/// "24 November 2026, 10:15 UTC".
fn time_in_words(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_the_largest_whole_unit() {
        for (seconds, words) in [
            (30, "30 seconds"),
            (60, "1 minute"),
            (119, "1 minute"),
            (3_600, "1 hour"),
            (5_400, "90 minutes"),
            (86_400, "24 hours"),
            (90_000, "25 hours"),
            (604_800, "7 days"),
        ] {
            assert_eq!(duration_in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn a_subject_is_one_line_whatever_the_product_is_called() {
        assert_eq!(one_line("Hello\r\nBcc: x@example.org\n"), "Hello Bcc: x@example.org");
        assert_eq!(one_line("a\u{85}b\u{2028}c\0d"), "a b c d");
    }
}
