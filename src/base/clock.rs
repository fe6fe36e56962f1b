//! The one clock. Everything that asks for the time asks an instance of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// 0001-01-01T00:00:00Z in seconds since 1970.
const YEAR_ONE: i64 = -62_135_596_800;

/// A point in time, in UTC, in whole microseconds, which is what both databases store. Written in RFC 3339 with six
/// fractional digits and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = "date-time", example = "2026-11-24T10:15:00.000000Z")]
pub struct Time(Timestamp);

impl Time {
    /// The start of 1970.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);
    /// The end of what does not end: 9999-01-01T00:00:00Z, which both databases hold.
    pub const NEVER: Self = Self(Timestamp::constant(253_370_764_800, 0));
    /// The latest time there is.
    pub const MAX: Self = Self(Timestamp::MAX);
    /// The earliest time there is.
    pub const MIN: Self = Self(Timestamp::MIN);

    /// Microseconds since 1970; `None` far outside of history.
    pub fn from_microsecond(micros: i64) -> Option<Self> {
        Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let time: Timestamp = text.parse().ok()?;
        // Before the year 1 the databases do not agree on what can be stored.
        (time.as_second() >= YEAR_ONE).then_some(())?;
        Self::from_microsecond(time.as_microsecond())
    }

    /// Microseconds since 1970.
    pub fn as_microsecond(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since 1970.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Seconds since 1970, rounded down after that year.
    pub fn as_second(self) -> i64 {
        self.0.as_second()
    }

    /// This time and `span`, held at the end of time instead of overflowing.
    pub fn after(self, span: Duration) -> Self {
        self.0.checked_add(span).map_or(Self::MAX, Self)
    }

    /// `span` before this time, held at the start of time instead of overflowing.
    pub fn before(self, span: Duration) -> Self {
        self.0.checked_sub(span).map_or(Self::MIN, Self)
    }

    /// The plain timestamp, for other libraries.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").fmt(f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Tells the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The operating system's clock.
    System,
    /// A clock that stands still until it is moved, in microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::advance`] moves it.
    pub fn manual(now: Time) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.as_microsecond())))
    }

    /// The current time.
    pub fn now(&self) -> Time {
        let micros = match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
            Self::System => Timestamp::now().as_microsecond(),
            Self::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        Time::from_microsecond(micros).unwrap_or(Time::MIN)
    }

    /// Moves a manual clock forward. The system's clock does not move by this.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(micros) = self {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits_even_when_whole() {
        let time = Time::from_microsecond(1_700_000_000_000_000).unwrap();
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.000000Z");
        assert_eq!(Time::parse("2023-11-14T23:13:20+01:00"), Some(time));
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Time::from_microsecond(0).unwrap());
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }
}
