//! Durations as people write them: `0`, `500ms`, `15s`, `10m`, `24h`, `30d`.
//!
//! One whole number and one unit. Fractions, signs, spaces, compounds (`1h30m`) and numbers
//! without a unit are refused, so that a value can be read in only one way.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration; milliseconds are the finest step.
///
/// # Errors
/// Says what is wrong, without the text itself.
pub fn parse(text: &str) -> Result<Duration, &'static str> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err("is not a duration");
    }
    if unit.is_empty() {
        return Err("lacks its unit");
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err("is not a duration");
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*factor))
        .map(Duration::from_millis)
        .ok_or("is too long")
}

/// Writes a duration in the greatest unit that divides it; below a millisecond it is cut.
pub fn format(length: Duration) -> String {
    let millis = length.as_millis();
    UNITS
        .iter()
        .find(|(_, factor)| millis != 0 && millis.is_multiple_of(u128::from(*factor)))
        .map_or_else(|| "0".to_owned(), |(unit, factor)| format!("{}{unit}", millis / u128::from(*factor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_unit() {
        for (text, millis) in [
            ("0", 0),
            ("500ms", 500),
            ("15s", 15_000),
            ("10m", 600_000),
            ("23h", 82_800_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)));
            assert_eq!(format(Duration::from_millis(millis)), text);
        }
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        assert_eq!(format(Duration::from_secs(90)), "90s");
    }

    #[test]
    fn refuses_everything_else() {
        for bad in
            ["", "s", "1", "-1s", "+1s", "1.5h", "1 h", " 1h", "1h ", "1h30m", "1H", "1w", "1µs", "٣s", "inf"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refuses_overflow() {
        for bad in ["18446744073709551616ms", "18446744073709551615s", "99999999999999999999d"] {
            assert_eq!(parse(bad), Err("is too long"), "{bad}");
        }
        assert!(parse("18446744073709551615ms").is_ok());
    }
}
