//! Mails: what they are about, how they read, and how they leave.
//!
//! A flow writes down facts in its own transaction; the worker renders them at delivery ([`render()`]), and a
//! [`Transport`] sends the result. So nothing here touches the database, reads the clock or decides whether a mail may
//! be sent. Notices never carry a link that acts: whoever reads an old mailbox finds nothing to use.

pub mod message;
pub mod outbox;
pub mod render;
pub mod transports;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use render::render;
pub use transports::{Memory, SendError, Transport, transport};

/// What a mail is about; its name in snake case is also the folder of its templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// Proves that the address of an account is read by its owner.
    Verify,
    /// Lets somebody who forgot the password set a new one.
    ResetPassword,
    /// Notice: the password was changed.
    PasswordChanged,
    /// Notice to the old address: the account now has another one.
    EmailChanged,
    /// Notice: a refresh token was used twice, so its sessions were ended.
    RefreshTokenReused,
    /// Lets a person whose account was made by somebody else set the first password.
    Invitation,
}

impl MailKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 6] = [
        Self::Verify,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::RefreshTokenReused,
        Self::Invitation,
    ];

    /// The name in snake case, as stored and as the folder below `templates/mail/`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Invitation => "invitation",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the mail only tells of something done: it has no link and nothing in it expires.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        matches!(self, Self::PasswordChanged | Self::EmailChanged | Self::RefreshTokenReused)
    }
}

/// What one mail says. Holds the link with its token, so it lives only from rendering to sending and has no `Debug`.
#[derive(Clone)]
pub struct MailFacts {
    /// What the mail is about.
    pub kind: MailKind,
    /// The bare address that gets it; named in the text, since people have several.
    pub recipient: String,
    /// The one link, token included; needed by every kind that is no notice, left out of those that are.
    pub link: Option<String>,
    /// How long the link works, counted from sending.
    pub expires_in: Option<Duration>,
    /// When the link stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was asked for, or when what the notice tells of happened.
    pub requested_at: Timestamp,
    /// The address it was asked from; anything but an IP address is left out.
    pub ip: Option<String>,
    /// The device it was asked from, as [`crate::base::device::device_name`] gives it, never the raw header.
    pub device: Option<String>,
    /// The new address, in [`MailKind::EmailChanged`].
    pub new_email: Option<String>,
}

/// Who the mails come from, in words.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The name of the product, e.g. "Usher".
    pub product: String,
    /// Where people find it, `https://…` without a slash at the end.
    pub public_url: String,
    /// Whom to ask: a mail address, an `https://` URL or any words.
    pub support: Option<String>,
}

impl Brand {
    /// The host of the public URL, without user and port: "localhost", "id.example.org", "\[::1\]".
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host_and_port.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => host_and_port,
        }
    }
}

/// A mail in words: one line of subject and the same content twice.
#[derive(Clone)]
pub struct Rendered {
    /// One line, no line break.
    pub subject: String,
    /// The plain text; the link stands alone on a line.
    pub text: String,
    /// A whole HTML document without remote content.
    pub html: String,
}

/// A mail ready to leave. Holds the token of its link, so it has no `Debug` and is never stored.
#[derive(Clone)]
pub struct Outgoing {
    /// The id of its outbox row (UUIDv7); the same at every attempt, so that a receiver can drop the second copy.
    pub id: Uuid,
    /// What it is about.
    pub kind: MailKind,
    /// The sender, `Name <address>` or a bare address.
    pub from: String,
    /// The bare address of the one recipient.
    pub to: String,
    /// What stands after the `@` of the Message-ID: [`Brand::host`].
    pub message_id_host: String,
    /// Subject and both parts.
    pub rendered: Rendered,
    /// What the `Date` header says.
    pub date: Timestamp,
}

#[cfg(test)]
mod tests;
