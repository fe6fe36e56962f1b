//! The one source of randomness. Production draws from the operating system's generator (ASVS 11.5.1),
//! tests from a seed.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng};

/// A cryptographically secure source of random bytes.
#[derive(Clone)]
pub enum Random {
    /// Seeded and reseeded by the operating system.
    System,
    /// Repeatable, for tests.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// A source that gives the same bytes for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => rand::rng().fill_bytes(bytes),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes),
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
