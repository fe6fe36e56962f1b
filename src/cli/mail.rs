//! `usher mail`: mails that are not out yet, and what each kind looks like.

use std::sync::Arc;

use clap::Subcommand;

use super::failure::{EXIT_DATA, EXIT_INTERNAL};
use super::{Failure, configured, print, print_json, with_app};
use crate::app::App;
use crate::base::clock::Clock;
use crate::base::ids::Id;
use crate::config::{Config, Flags};
use crate::error::ErrorKind;
use crate::mail::outbox::{self, MailInfo};
use crate::mail::{Brand, MailFacts, MailKind, render};
use crate::templates::Templates;

/// Mails that a list shows at most.
const LISTED: i64 = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// List mails that are not sent, newest first
    List {
        /// Only those that were given up
        #[arg(long)]
        failed: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let given-up mails be tried again
    Retry {
        /// Id of a mail
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Print a sample of a kind of mail
    Render {
        /// verify, reset_password, password_changed, email_changed, refresh_token_reused or invitation
        kind: String,
        /// The HTML part instead of the text
        #[arg(long)]
        html: bool,
    },
}

pub(super) fn run(command: MailCommand, flags: &Flags) -> Result<(), Failure> {
    match command {
        MailCommand::List { failed, json } => with_app(flags, |app| list(app, failed, json)),
        MailCommand::Retry { id, .. } => with_app(flags, |app| retry(app, id)),
        MailCommand::Render { kind, html } => sample(&configured(flags)?, &kind, html),
    }
}

async fn list(app: Arc<App>, failed: bool, json: bool) -> Result<(), Failure> {
    let mut conn = app.db.read().await?;
    let mails: Vec<MailInfo> =
        outbox::list_unsent(&mut conn, failed, LISTED).await?.into_iter().map(MailInfo::from).collect();
    if json {
        return print_json(&mails);
    }
    for mail in &mails {
        let error = mail.last_error.as_deref().unwrap_or("-");
        print(&format!(
            "{}  {:6}  {} attempts  {}  {}  {error}",
            mail.id, mail.state, mail.attempts, mail.kind, mail.recipient
        ))?;
    }
    Ok(())
}

async fn retry(app: Arc<App>, id: Option<String>) -> Result<(), Failure> {
    let id = match id {
        Some(text) => Some(Id::parse(&text).ok_or_else(|| Failure::new(EXIT_DATA, "that is no id"))?),
        None => None,
    };
    let mut tx = app.db.write().await?;
    let count = outbox::retry_failed(&mut tx, id, app.clock.now()).await?;
    tx.commit().await?;
    if count == 0 && id.is_some() {
        return Err(crate::error::Error::from(ErrorKind::NotFound)
            .caused_by("there is no given-up mail with that id")
            .into());
    }
    print(&format!("{count} to be sent again"))
}

fn sample(config: &Config, kind: &str, html: bool) -> Result<(), Failure> {
    let kinds: Vec<&str> = MailKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind = MailKind::parse(kind)
        .ok_or_else(|| Failure::new(EXIT_DATA, format!("unknown kind; known are {}", kinds.join(", "))))?;
    let broken = |text: String| Failure::new(EXIT_INTERNAL, text);
    let templates = Templates::new(config.mail.templates_dir.as_deref()).map_err(broken)?;
    let brand = Brand {
        product: config.mail.product.clone(),
        public_url: config.public_url.clone(),
        support: config.mail.support.clone(),
    };
    let now = Clock::System.now();
    let lifetime = match kind {
        MailKind::Verify => config.links.verify_ttl,
        MailKind::Invitation => config.links.invitation_ttl,
        _ => config.links.reset_ttl,
    };
    let facts = MailFacts {
        kind,
        recipient: "ada@example.com".into(),
        link: Some(format!("{}/sample?token=sample", config.public_url)),
        expires_in: Some(lifetime),
        expires_at: Some(now.after(lifetime).timestamp()),
        requested_at: now.timestamp(),
        ip: Some("203.0.113.7".into()),
        device: Some("Firefox on Linux".into()),
        new_email: Some("ada@example.org".into()),
    };
    let mail = render(&templates, &brand, &facts).map_err(broken)?;
    if html {
        return print(&mail.html);
    }
    print(&format!("Subject: {}\n\n{}", mail.subject, mail.text))
}
