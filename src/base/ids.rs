//! Ids are UUIDv7: sortable by the time of their making, made without asking the database.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use super::clock::Time;
use super::random::Random;

/// The id of a row: a UUID, written in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = "uuid", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")]
pub struct Id(Uuid);

impl Id {
    /// Nobody's id.
    pub const NIL: Self = Self(Uuid::nil());
    /// Higher than every id.
    pub const MAX: Self = Self(Uuid::max());

    /// A new id for something made at `now` (RFC 9562 section 5.7, 74 random bits).
    pub fn new(now: Time, random: &Random) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(millis, &random.bytes()).into_uuid())
    }

    /// The lowest id of something made at `time`: for asking what was made since or before.
    pub fn lowest_at(time: Time) -> Self {
        let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// Reads any usual spelling of a UUID: upper case and missing hyphens do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// Takes exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The plain UUID, for other libraries.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let random = Random::seeded(1);
        let early = Id::new(Time::from_microsecond(1_000_000).unwrap(), &random);
        let late = Id::new(Time::from_microsecond(2_000_000).unwrap(), &random);
        assert!(early < late);
        assert_eq!(early.uuid().get_version_num(), 7);
    }
}
