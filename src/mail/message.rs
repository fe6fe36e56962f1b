//! From words to bytes: the MIME message as it crosses the network or lies in the outbox folder.
//!
//! The same [`Outgoing`] always gives the same bytes: date, Message-ID and boundary come from it and not from the
//! clock or a random source, so a mail that was sent twice can be seen to be one. Addresses are the last place where
//! typed text meets a protocol, so they are checked here again, whoever checked them before.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};

use super::render::one_line;
use super::{Outgoing, SendError};

/// The last second whose year has four digits; the format of dates in mails knows no other.
const LAST_SECOND_OF_9999: i64 = 253_402_300_799;

/// The bytes of a mail and the addresses they go between.
pub(super) struct Message {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

/// Builds the message: multipart/alternative, text first, marked as sent by a program (RFC 3834).
///
/// # Errors
/// `Permanent` if the recipient is no address that mail can go to, `Temporary` if the configured sender is none.
pub(super) fn build(mail: &Outgoing) -> Result<Message, SendError> {
    let to = recipient(&mail.to)?;
    let from = sender(&mail.from).map_err(SendError::Temporary)?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()])
        .map_err(|_| SendError::Permanent("the mail has no recipient".to_owned()))?;
    let body = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("usher-{}", mail.id.simple()))
        .singlepart(part(ContentType::TEXT_PLAIN, &mail.rendered.text))
        .singlepart(part(ContentType::TEXT_HTML, &mail.rendered.html));
    let message = lettre::Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.rendered.subject))
        .date(date(mail.date))
        .message_id(Some(format!("<{}@{}>", mail.id, message_id_host(&mail.message_id_host))))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .envelope(envelope.clone())
        .multipart(body)
        .map_err(|_| SendError::Permanent("the message cannot be built".to_owned()))?;
    Ok(Message { envelope, bytes: message.formatted() })
}

/// Says whether `from` can stand as the sender of mails: `Name <address>` or a bare address, the address in ASCII
/// (write an internationalised domain in its `xn--` form).
///
/// # Errors
/// What is wrong with it, for the person who configures the server.
pub fn check_sender(from: &str) -> Result<(), String> {
    sender(from).map(|_| ())
}

fn sender(from: &str) -> Result<Mailbox, String> {
    let fault = || "the sender of mails is no valid mail address".to_owned();
    if from.chars().any(char::is_control) {
        return Err(fault());
    }
    let mailbox: Mailbox = from.trim().parse().map_err(|_| fault())?;
    if mailbox.email.to_string().is_ascii() { Ok(mailbox) } else { Err(fault()) }
}

/// The address is not repeated in the error: it stands in the outbox row beside it.
fn recipient(to: &str) -> Result<Address, SendError> {
    let fault = || SendError::Permanent("the recipient is no valid mail address".to_owned());
    if to.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(fault());
    }
    to.parse().map_err(|_| fault())
}

fn part(content_type: ContentType, body: &str) -> SinglePart {
    SinglePart::builder().header(content_type).body(body.to_owned())
}

fn date(time: Timestamp) -> SystemTime {
    let second = time.as_second().clamp(0, LAST_SECOND_OF_9999);
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second.unsigned_abs())
}

fn message_id_host(host: &str) -> String {
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
        .collect();
    if host.is_empty() { "localhost".to_owned() } else { host }
}
