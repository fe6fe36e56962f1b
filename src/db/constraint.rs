//! Uniqueness is the database's answer. This names the constraints that code reacts to.

use diesel::result::DatabaseErrorInformation;

use crate::error::Constraint;

/// The constraint that was violated: PostgreSQL names it, SQLite names its columns.
pub(super) fn violated(info: &dyn DatabaseErrorInformation) -> Option<Constraint> {
    let is = |name: &str, columns: &str| {
        info.constraint_name() == Some(name)
            || info.message() == format!("UNIQUE constraint failed: {columns}")
    };
    is("users_email_canonical_key", "users.email_canonical").then_some(Constraint::UsersEmail)
}
