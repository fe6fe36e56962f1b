//! What a password must be, and what hashing it may cost.
//!
//! The defaults are OWASP's for Argon2id (m=19456, t=2, p=1). Hashing needs `threads` ×
//! `memory_kib` of memory at most, whatever the load.

use super::table::{number, section};

section! {
    /// What a password must be, and what hashing it (Argon2id) may cost. Hashing needs at most
    /// `threads` × `memory_kib` of memory.
    Passwords in "passwords." {
        /// Shortest password in characters. NIST SP 800-63B-4 wants 15 where a password is the
        /// only factor, which is the strict profile's default.
        min_length: u32 = number("8", 1, 1024, "characters").strict("15");
        /// Argon2id memory; at least 8 for each lane of `parallelism`. Stored hashes are renewed
        /// at the next sign-in after a change.
        memory_kib: u32 = number("19456", 8, 4_194_304, "KiB");
        /// Argon2id passes.
        iterations: u32 = number("2", 1, 100, "");
        /// Argon2id lanes.
        parallelism: u32 = number("1", 1, 16, "");
        /// Threads that hash; `0` is one per core.
        threads: u32 = number("0", 0, 1024, "");
        /// Sign-ins that may wait for a hashing thread; beyond, the answer is 503.
        queue: u32 = number("256", 1, 100_000, "");
    }
}
