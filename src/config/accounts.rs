//! Who may open an account, and what an unproven address may do.

use super::table::{flag, section};

section! {
    /// Who may open an account, and what an unproven address may do.
    Accounts in "accounts." {
        /// Whether anyone may sign up. `false` answers 403 REGISTRATION_CLOSED; superusers can
        /// still add people.
        registration: bool = flag("true");
        /// Whether sign-in, logout and the `/users` routes need a verified address.
        require_verified: bool = flag("false").strict("true");
    }
}
