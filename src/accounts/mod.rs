//! Accounts: the signed-in user's own, and the superusers' view of all.
//!
//! Threats: taking over an account with a stolen session (a change of password or address and deletion need a fresh
//! sign-in or the current password, ASVS 7.5.1), locking the installation (the last active superuser stays), mass
//! assignment (flags are read only from superusers, ASVS 15.3.3). Limits: pages of at most 200 users.

mod flow;
pub mod http;
mod list;
mod mails;
mod model;
mod store;

pub use flow::{
    Authority, Change, Creation, change, confirm, create, delete, end_access, lock_owner, owns, prepare,
};
pub use mails::password_changed;
pub use model::{User, UserChanges, UserRead};
pub use store::{
    Filter, Order, Position, find_by_email, find_user, has_superuser, insert_user, list_users, lock_user,
    update_login, update_user,
};
