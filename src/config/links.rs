//! How long mailed and printed links live.

use std::time::Duration;

use super::table::{days, duration, seconds, section};

section! {
    /// How long mailed and printed links live. A mailed link's life starts when the mail is sent.
    Links in "links." {
        /// Link that verifies an address.
        verify_ttl: Duration = duration("24h", seconds(1), days(90));
        /// Link that resets a password.
        reset_ttl: Duration = duration("1h", seconds(1), days(90));
        /// Invitation.
        invitation_ttl: Duration = duration("7d", seconds(1), days(90));
        /// Link that creates the first superuser.
        setup_ttl: Duration = duration("30m", seconds(1), days(1));
    }
}
