//! What a link is for, and what became of it.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use std::time::Duration;

use crate::config::Links;
use crate::db::schema::one_time_tokens;

/// What a link is for. Each purpose has its own key, header type and audience (RFC 8725 section 3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Verify,
    ResetPassword,
    Invitation,
    Setup,
}

impl Purpose {
    /// The name in the database and in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::ResetPassword => "reset_password",
            Self::Invitation => "invitation",
            Self::Setup => "setup",
        }
    }

    /// The page that the link opens.
    pub fn page(self) -> &'static str {
        match self {
            Self::Verify => "/verify",
            Self::ResetPassword => "/reset-password",
            Self::Invitation => "/invitation",
            Self::Setup => "/setup",
        }
    }

    /// How long a link lives, from the delivery of its mail.
    pub fn lifetime(self, links: &Links) -> Duration {
        match self {
            Self::Verify => links.verify_ttl,
            Self::ResetPassword => links.reset_ttl,
            Self::Invitation => links.invitation_ttl,
            Self::Setup => links.setup_ttl,
        }
    }
}

/// A row of `one_time_tokens`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_tokens, treat_none_as_default_value = false)]
pub struct OneTimeToken {
    pub id: Id,
    /// Absent only for [`Purpose::Setup`].
    pub user_id: Option<Id>,
    pub purpose: String,
    /// The canonical address that the link was made for.
    pub email: String,
    pub created_at: Time,
    pub expires_at: Time,
    pub consumed_at: Option<Time>,
    pub superseded_at: Option<Time>,
}

/// What a link is good for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Ready,
    Used,
    /// Another link, a password change or an e-mail change replaced it.
    Superseded,
    Expired,
    /// Not signed by us for this purpose, or of an account that is gone.
    Invalid,
}

impl LinkState {
    /// The state of a token at `now`.
    pub fn of(token: Option<&OneTimeToken>, now: Time) -> Self {
        match token {
            None => Self::Invalid,
            Some(token) if token.consumed_at.is_some() => Self::Used,
            Some(token) if token.superseded_at.is_some() => Self::Superseded,
            Some(token) if token.expires_at <= now => Self::Expired,
            Some(_) => Self::Ready,
        }
    }

    /// The name that templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Used => "used",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
        }
    }
}
