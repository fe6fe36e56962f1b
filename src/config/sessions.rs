//! How long people stay signed in.

use std::time::Duration;

use super::table::{days, duration, minutes, seconds, section};

section! {
    /// How long people stay signed in.
    Sessions in "sessions." {
        /// A refresh token dies when it is unused for this long.
        refresh_ttl: Duration = duration("30d", seconds(1), days(3650));
        /// Every sign-in ends after this long, however much it is used. Wins over `refresh_ttl`
        /// and `cookie_ttl`.
        absolute_ttl: Duration = duration("90d", seconds(1), days(3650));
        /// For this long the same refresh token yields the same successor again, so that a lost
        /// answer or parallel tabs sign nobody out. `0` tolerates no repetition.
        refresh_grace: Duration = duration("10s", Duration::ZERO, minutes(1));
        /// For this long after a sign-in, sensitive changes need no current password. `0` always
        /// asks for it.
        fresh_for: Duration = duration("10m", Duration::ZERO, days(30));
        /// A cookie session dies when it is unused for this long.
        cookie_ttl: Duration = duration("14d", seconds(1), days(3650));
        /// Last-used times are written at most this often per session. `0` writes every time.
        touch_interval: Duration = duration("1m", Duration::ZERO, days(1));
    }
}
