//! The table `users`.

use crate::base::clock::Time;
use crate::base::ids::Id;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{User, UserChanges};
use crate::db::schema::users;
use crate::db::{Conn, on};
use crate::error::Result;

/// Inserts a user. `None`: there is an account with this canonical address.
pub async fn insert_user(conn: &mut Conn, user: &User) -> Result<Option<User>> {
    Ok(on!(conn, |c| diesel::insert_into(users::table)
        .values(user)
        .on_conflict(users::email_canonical)
        .do_nothing()
        .returning(User::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

pub async fn find_user(conn: &mut Conn, id: Id) -> Result<Option<User>> {
    Ok(on!(conn, |c| users::table.find(id).select(User::as_select()).first(c).await.optional())?)
}

/// Finds by canonical address.
pub async fn find_by_email(conn: &mut Conn, canonical: &str) -> Result<Option<User>> {
    Ok(on!(conn, |c| users::table
        .filter(users::email_canonical.eq(canonical))
        .select(User::as_select())
        .first(c)
        .await
        .optional())?)
}

/// Changes a user. `None`: there is no such user.
///
/// # Errors
/// `Taken(UsersEmail)` when another account has the new address.
pub async fn update_user(conn: &mut Conn, id: Id, changes: &UserChanges) -> Result<Option<User>> {
    Ok(on!(conn, |c| diesel::update(users::table.find(id))
        .set(changes)
        .returning(User::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// Notes a sign-in, and a new hash if there is one, provided that nobody changed the password or deactivated the
/// account since `checked_hash` was compared. `None`: somebody did.
pub async fn update_login(
    conn: &mut Conn,
    id: Id,
    checked_hash: &str,
    new_hash: &str,
    now: Time,
) -> Result<Option<User>> {
    Ok(on!(conn, |c| diesel::update(users::table.find(id))
        .filter(users::password_hash.eq(Some(checked_hash)))
        .filter(users::is_active)
        .set((users::last_login_at.eq(Some(now)), users::password_hash.eq(Some(new_hash)),))
        .returning(User::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// Deletes a user with all that hangs on it; says whether there was one.
pub async fn delete_user(conn: &mut Conn, id: Id) -> Result<bool> {
    Ok(on!(conn, |c| diesel::delete(users::table.find(id)).execute(c).await)? == 1)
}

/// Locks a user until the transaction ends and returns the row as it is then. An UPDATE that changes nothing is the
/// row lock that both databases have.
pub async fn lock_user(conn: &mut Conn, id: Id) -> Result<Option<User>> {
    Ok(on!(conn, |c| diesel::update(users::table.find(id))
        .set(users::updated_at.eq(users::updated_at))
        .returning(User::as_returning())
        .get_result(c)
        .await
        .optional())?)
}

/// Locks every superuser until the transaction ends and returns the active ones.
pub async fn lock_superusers(conn: &mut Conn) -> Result<Vec<Id>> {
    let superusers = on!(conn, |c| diesel::update(users::table.filter(users::is_superuser))
        .set(users::is_superuser.eq(true))
        .returning((users::id, users::is_active))
        .get_results::<(Id, bool)>(c)
        .await)?;
    Ok(superusers.into_iter().filter(|(_, is_active)| *is_active).map(|(id, _)| id).collect())
}

/// Whether there is any superuser, active or not.
pub async fn has_superuser(conn: &mut Conn) -> Result<bool> {
    let first = on!(conn, |c| users::table
        .filter(users::is_superuser)
        .select(users::id)
        .first::<Id>(c)
        .await
        .optional())?;
    Ok(first.is_some())
}

/// How a list of users is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By creation: ids are UUIDv7.
    Created,
    Email,
}

/// Which users to list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// A prefix of the canonical address.
    pub email_prefix: Option<String>,
    pub is_active: Option<bool>,
    pub is_verified: Option<bool>,
    pub is_superuser: Option<bool>,
    /// Not before this time.
    pub created_after: Option<Time>,
    pub order: Order,
    pub is_descending: bool,
    /// Go on behind this user.
    pub after: Option<Position>,
    /// Rows at most.
    pub limit: i64,
}

/// A place in an ordered list.
#[derive(Clone, Debug)]
pub enum Position {
    Id(Id),
    Email(String),
}

/// Lists users by the filter, each page one indexed query.
pub async fn list_users(conn: &mut Conn, filter: &Filter) -> Result<Vec<User>> {
    Ok(on!(conn, |c| {
        let mut query = users::table.select(User::as_select()).limit(filter.limit).into_boxed();
        if let Some(prefix) = &filter.email_prefix {
            query = query.filter(users::email_canonical.ge(prefix.clone()));
            if let Some(end) = prefix_end(prefix) {
                query = query.filter(users::email_canonical.lt(end));
            }
        }
        if let Some(is_active) = filter.is_active {
            query = query.filter(users::is_active.eq(is_active));
        }
        if let Some(is_verified) = filter.is_verified {
            query = query.filter(users::is_verified.eq(is_verified));
        }
        // The bare column is what the partial index knows.
        query = match filter.is_superuser {
            Some(true) => query.filter(users::is_superuser),
            Some(false) => query.filter(diesel::dsl::not(users::is_superuser)),
            None => query,
        };
        // Ids are UUIDv7: what was made since is a range of the primary key.
        if let Some(time) = filter.created_after {
            query = query.filter(users::id.ge(Id::lowest_at(time))).filter(users::created_at.ge(time));
        }
        query = match (&filter.after, filter.is_descending) {
            (Some(Position::Id(id)), false) => query.filter(users::id.gt(*id)),
            (Some(Position::Id(id)), true) => query.filter(users::id.lt(*id)),
            (Some(Position::Email(email)), false) => query.filter(users::email_canonical.gt(email)),
            (Some(Position::Email(email)), true) => query.filter(users::email_canonical.lt(email)),
            (None, _) => query,
        };
        query = match (filter.order, filter.is_descending) {
            (Order::Created, false) => query.order(users::id.asc()),
            (Order::Created, true) => query.order(users::id.desc()),
            (Order::Email, false) => query.order(users::email_canonical.asc()),
            (Order::Email, true) => query.order(users::email_canonical.desc()),
        };
        query.load(c).await
    })?)
}

/// The first text, in code point order, that no longer begins with `prefix`. Both databases compare the column so.
fn prefix_end(prefix: &str) -> Option<String> {
    let last = prefix.chars().next_back()?;
    let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32)?;
    let stem = &prefix[..prefix.len() - last.len_utf8()];
    Some(format!("{stem}{next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_letter() {
        assert_eq!(prefix_end("ada").as_deref(), Some("adb"));
        assert_eq!(prefix_end("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(prefix_end(""), None);
    }
}
