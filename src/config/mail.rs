//! How mails leave, and what they say of the sender.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::mailbox::{check_from, check_product, check_support};
use super::server::check_path;
use super::table::{Secrecy, duration, hours, minutes, number, optional, seconds, section, text};
use super::transport::{Transport, check_transport};

section! {
    /// How mails leave, and what they say of the sender.
    Mail in "mail." {
        /// Way out: `outbox` writes each mail as a file to `<data_dir>/outbox` (shown at
        /// `/dev/inbox`; local mode only), `outbox:/folder` to a folder of your own; `smtp://`
        /// and `smtps://` send. `smtp://` means STARTTLS and port 587 (`tls=required`), on a
        /// loopback host port 25 and STARTTLS if offered (`tls=opportunistic`); `smtps://` is TLS
        /// on port 465. `ca` is a PEM file of the authorities to trust instead of the system's,
        /// `ehlo` the name to greet the server with. User name, password and these values are
        /// percent-encoded.
        transport: SecretString = text("outbox", "outbox, outbox:/folder, smtp://[user:password@]host[:port][?tls=none|opportunistic|required][&ca=/path.pem][&ehlo=name] or smtps://[user:password@]host[:port][?ca=/path.pem][&ehlo=name]", check_transport).secret(Secrecy::Url);
        /// Sender. Production needs an address of your own.
        from: String = text("Usher <no-reply@usher.invalid>", "address or Name <address>", check_from);
        /// Name of your product in subjects and texts.
        product: String = text("Usher", "1 to 100 characters", check_product);
        /// Address or URL where people find help, shown in mails.
        support: Option<String> = optional("address, or http:// or https:// URL", check_support).example("help@example.org");
        /// Mails of one kind that one address gets in an hour; more are dropped silently.
        per_address_hourly: u32 = number("5", 1, 100_000, "mails");
        /// Folder whose templates win over the built-in ones of the same name.
        templates_dir: Option<PathBuf> = optional("path of a folder", check_path).example("/etc/usher/templates");
        /// How long a worker owns a mail before another may try it. Longer than `timeout`.
        lease: Duration = duration("60s", seconds(1), hours(1));
        /// Attempts before a mail is given up and shown as failed. The waits double from 2 seconds to a
        /// minute, so the default lasts for about a day.
        max_attempts: u32 = number("1500", 1, 100_000, "attempts");
        /// Longest wait for an answer of the SMTP server.
        timeout: Duration = duration("10s", Duration::from_millis(100), minutes(5));
    }
}

impl Mail {
    /// The transport in its parts.
    ///
    /// # Errors
    /// Says what is wrong with a text that did not come through [`super::load`].
    pub fn parsed_transport(&self) -> Result<Transport, &'static str> {
        Transport::parse(secrecy::ExposeSecret::expose_secret(&self.transport))
    }
}
