//! `usher user`: accounts from the shell. Passwords come from standard input, never from an argument.

use std::io::{Read, stdin};
use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::failure::{EXIT_DATA, EXIT_NOT_FOUND};
use super::{Failure, print, print_json};
use crate::accounts::{self, Authority, Change, Creation, Filter, Order, User, UserRead};
use crate::app::App;
use crate::base::email_address::EmailAddress;
use crate::base::ids::Id;
use crate::mail::outbox::Facts;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create an account; without a password an invitation is mailed
    Create(CreateArgs),
    /// List accounts, newest first
    List {
        /// Only addresses that begin with this
        #[arg(long)]
        prefix: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an account
    Show {
        /// E-mail address or id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a new password and end all sessions
    SetPassword {
        /// E-mail address or id
        user: String,
        /// Read the password from standard input (one trailing newline is cut)
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Make an account a superuser
    Promote {
        /// E-mail address or id
        user: String,
    },
    /// Make a superuser an ordinary account
    Demote {
        /// E-mail address or id
        user: String,
    },
    /// Activate a deactivated account
    Enable {
        /// E-mail address or id
        user: String,
    },
    /// Deactivate an account and end all its sessions
    Disable {
        /// E-mail address or id
        user: String,
    },
    /// Delete an account for good
    Delete {
        /// E-mail address or id
        user: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// E-mail address
    #[arg(long)]
    email: String,
    /// May manage all accounts
    #[arg(long)]
    superuser: bool,
    /// The address needs no verification
    #[arg(long)]
    verified: bool,
    /// Read the password from standard input (one trailing newline is cut)
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: UserCommand, app: Arc<App>) -> Result<(), Failure> {
    match command {
        UserCommand::Create(args) => create(&app, args).await,
        UserCommand::List { prefix, limit, json } => list(&app, prefix, limit, json).await,
        UserCommand::Show { user, json } => {
            let user = UserRead::from(find(&app, &user).await?);
            if json { print_json(&user) } else { show(&user) }
        }
        UserCommand::SetPassword { user, .. } => {
            let change = Change { password: Some(read_password()?), ..Change::default() };
            change_user(&app, &user, change, "password set").await
        }
        UserCommand::Promote { user } => {
            let change = Change { is_superuser: Some(true), ..Change::default() };
            change_user(&app, &user, change, "promoted").await
        }
        UserCommand::Demote { user } => {
            let change = Change { is_superuser: Some(false), ..Change::default() };
            change_user(&app, &user, change, "demoted").await
        }
        UserCommand::Enable { user } => {
            let change = Change { is_active: Some(true), ..Change::default() };
            change_user(&app, &user, change, "enabled").await
        }
        UserCommand::Disable { user } => {
            let change = Change { is_active: Some(false), ..Change::default() };
            change_user(&app, &user, change, "disabled").await
        }
        UserCommand::Delete { user } => {
            let user = find(&app, &user).await?;
            accounts::delete(&app, user.id, Authority::Administrator).await?;
            print(&format!("deleted {}", user.email))
        }
    }
}

async fn create(app: &App, args: CreateArgs) -> Result<(), Failure> {
    let email = EmailAddress::parse(&args.email)
        .map_err(|reason| Failure::new(EXIT_DATA, format!("--email: {reason}")))?;
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    let creation = Creation {
        email,
        password,
        is_active: true,
        is_superuser: args.superuser,
        is_verified: args.verified,
    };
    let user = UserRead::from(accounts::create(app, creation, &Facts::default()).await?);
    if args.json { print_json(&user) } else { print(&format!("created {} {}", user.id, user.email)) }
}

async fn list(app: &App, prefix: Option<String>, limit: u32, json: bool) -> Result<(), Failure> {
    let filter = Filter {
        email_prefix: prefix.as_deref().map(EmailAddress::canonical_prefix_of),
        is_active: None,
        is_verified: None,
        is_superuser: None,
        created_after: None,
        order: Order::Created,
        is_descending: true,
        after: None,
        limit: i64::from(limit),
    };
    let mut conn = app.db.read().await?;
    let users: Vec<UserRead> =
        accounts::list_users(&mut conn, &filter).await?.into_iter().map(UserRead::from).collect();
    if json {
        return print_json(&users);
    }
    for user in &users {
        print(&format!("{}  {}  {}", user.id, flags(user), user.email))?;
    }
    Ok(())
}

fn show(user: &UserRead) -> Result<(), Failure> {
    print(&format!("id            {}", user.id))?;
    print(&format!("email         {}", user.email))?;
    print(&format!("state         {}", flags(user)))?;
    print(&format!("created       {}", user.created_at))?;
    print(&format!("updated       {}", user.updated_at))?;
    let last = user.last_login_at.map_or("never".into(), |at| at.to_string());
    print(&format!("last sign-in  {last}"))
}

fn flags(user: &UserRead) -> String {
    let mut words = vec![if user.is_active { "active" } else { "inactive" }];
    words.push(if user.is_verified { "verified" } else { "unverified" });
    if user.is_superuser {
        words.push("superuser");
    }
    words.join(",")
}

async fn change_user(app: &App, who: &str, change: Change, done: &str) -> Result<(), Failure> {
    let user = find(app, who).await?;
    let user = accounts::change(app, &user, change, Authority::Administrator, &Facts::default()).await?;
    print(&format!("{done}: {}", user.email))
}

/// By id or by address.
async fn find(app: &App, who: &str) -> Result<User, Failure> {
    let mut conn = app.db.read().await?;
    let user = match (Id::parse(who), EmailAddress::canonical_of(who)) {
        (Some(id), _) => accounts::find_user(&mut conn, id).await?,
        (None, Some(canonical)) => accounts::find_by_email(&mut conn, &canonical).await?,
        (None, None) => None,
    };
    user.ok_or_else(|| Failure::new(EXIT_NOT_FOUND, format!("there is no account {who}")))
}

fn read_password() -> Result<SecretString, Failure> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let end = text.strip_suffix("\r\n").or(text.strip_suffix('\n')).map_or(text.len(), str::len);
    text.truncate(end);
    if text.is_empty() {
        return Err(Failure::new(EXIT_DATA, "standard input holds no password"));
    }
    Ok(SecretString::from(text))
}
