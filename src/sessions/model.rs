//! A session, as a row and as its owner sees it.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::sessions;

/// How a session is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Access and refresh token.
    Jwt,
    /// A cookie.
    Cookie,
    /// An opaque token.
    Opaque,
}

impl SessionKind {
    /// The name in the database and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Cookie => "cookie",
            Self::Opaque => "opaque",
        }
    }
}

/// A row of `sessions`.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct Session {
    pub id: Id,
    pub user_id: Id,
    pub kind: String,
    pub created_at: Time,
    /// When the password was shown last.
    pub authenticated_at: Time,
    /// Accurate to `sessions.touch_interval`.
    pub last_used_at: Time,
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// SHA-256 of the live refresh token, cookie or opaque token.
    pub secret_digest: Vec<u8>,
    /// SHA-256 of the refresh token that was rotated last.
    pub previous_digest: Option<Vec<u8>>,
    pub rotated_at: Option<Time>,
    /// Counts rotations.
    pub generation: i32,
}

/// A sign-in of the user.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionRead {
    #[schema(example = "01936f2e-9c11-7d20-8a55-3f0c9d2b7e41")]
    pub id: Id,
    /// `jwt` (access and refresh token), `cookie` or `opaque` (an opaque token).
    #[schema(example = "jwt")]
    pub kind: String,
    pub created_at: Time,
    /// Accurate to a minute.
    pub last_used_at: Time,
    /// Null: it does not expire.
    pub expires_at: Option<Time>,
    /// Where it was opened from.
    #[schema(required = true, example = "203.0.113.7")]
    pub ip: Option<String>,
    #[schema(required = true, example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0")]
    pub user_agent: Option<String>,
    /// This is the session of the credential that asks.
    #[schema(example = true)]
    pub current: bool,
}

impl Session {
    /// When it ends; `None`: it does not by itself.
    pub fn expiry(&self) -> Option<Time> {
        Some(self.expires_at).filter(|at| *at < Time::NEVER)
    }

    /// As its owner sees it; `current` is the session that asks.
    pub fn read_as(self, current: Id) -> SessionRead {
        let expires_at = self.expiry();
        SessionRead {
            current: self.id == current,
            id: self.id,
            kind: self.kind,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at,
            ip: self.ip,
            user_agent: self.user_agent,
        }
    }
}
