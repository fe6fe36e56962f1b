//! Uniqueness is the database's answer. This names the constraints that code reacts to.

use diesel::result::DatabaseErrorInformation;

/// A unique constraint whose violation is an expected answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// One account per canonical address.
    UsersEmail,
}

impl Constraint {
    /// PostgreSQL names the constraint, SQLite the columns.
    pub(super) fn of(info: &dyn DatabaseErrorInformation) -> Option<Self> {
        let is = |name: &str, columns: &str| {
            info.constraint_name() == Some(name)
                || info.message() == format!("UNIQUE constraint failed: {columns}")
        };
        is("users_email_canonical_key", "users.email_canonical").then_some(Self::UsersEmail)
    }
}
