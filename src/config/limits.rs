//! The switch of the rate limits.

use super::table::{flag, section};

section! {
    /// The switch of the rate limits. This version enforces none yet, whatever it says.
    Limits in "limits." {
        /// Whether rate limits apply. None are enforced by this version yet, so a proxy in front
        /// must limit how often a client may try; `false` will keep them off, for tests and
        /// benchmarks.
        enabled: bool = flag("true");
    }
}
