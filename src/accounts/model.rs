//! The user, as a row and as everybody else sees it.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::users;
use crate::mail::outbox::Recipient;

/// A row of `users`. Holds the password hash, so it is never serialized; see [`UserRead`].
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    pub id: Id,
    /// For display and for mail.
    pub email: String,
    /// For identity.
    pub email_canonical: String,
    /// A PHC string; absent while an invited user has set no password yet.
    pub password_hash: Option<String>,
    pub is_active: bool,
    pub is_superuser: bool,
    pub is_verified: bool,
    pub created_at: Time,
    pub updated_at: Time,
    pub last_login_at: Option<Time>,
}

impl User {
    /// Where mails for this user go.
    pub fn recipient(&self) -> Recipient<'_> {
        Recipient { email: &self.email, canonical: &self.email_canonical }
    }
}

/// What changes in an account; absent members stay.
#[derive(Clone, Default, AsChangeset)]
#[diesel(table_name = users)]
pub struct UserChanges {
    pub email: Option<String>,
    pub email_canonical: Option<String>,
    pub password_hash: Option<Option<String>>,
    pub is_active: Option<bool>,
    pub is_superuser: Option<bool>,
    pub is_verified: Option<bool>,
    pub updated_at: Option<Time>,
}

impl UserChanges {
    /// Whether nothing but `updated_at` would change.
    pub fn is_empty(&self) -> bool {
        self.email.is_none()
            && self.email_canonical.is_none()
            && self.password_hash.is_none()
            && self.is_active.is_none()
            && self.is_superuser.is_none()
            && self.is_verified.is_none()
    }
}

/// A user.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserRead {
    #[schema(example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")]
    pub id: Id,
    #[schema(example = "ada@example.com", format = "email")]
    pub email: String,
    /// Inactive users cannot sign in.
    #[schema(example = true)]
    pub is_active: bool,
    /// Superusers manage all accounts.
    #[schema(example = false)]
    pub is_superuser: bool,
    /// The address has proved that it receives mail.
    #[schema(example = true)]
    pub is_verified: bool,
    pub created_at: Time,
    pub updated_at: Time,
    /// The last sign-in; null before the first.
    #[schema(required = true)]
    pub last_login_at: Option<Time>,
}

impl From<User> for UserRead {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            is_active: user.is_active,
            is_superuser: user.is_superuser,
            is_verified: user.is_verified,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
        }
    }
}
