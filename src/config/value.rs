//! From what was written to what it means: raw text or TOML, judged by a rule, becomes a value.
//!
//! TOML values are judged strictly (`registration = "yes"` and `pool_size = "10"` are faults);
//! flags and environment variables are always text and read as the rule wants them. Complaints
//! never repeat the value, since it may be a secret that landed on the wrong key.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::duration;
use super::table::Check;

/// What was written. Has no `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) enum Raw {
    /// A flag, an environment variable, the content of a file, or a default.
    Word(String),
    /// A TOML string.
    Text(String),
    /// A TOML boolean.
    Flag(bool),
    /// A TOML integer; `None`: it does not fit 64 bits.
    Number(Option<i64>),
    /// Any other TOML value, by the name of its type.
    Other(&'static str),
}

/// What a key may hold.
#[derive(Debug)]
pub enum Rule {
    /// `true` or `false`.
    Flag,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A whole number in a range, ends included.
    Number {
        /// Smallest allowed.
        min: u32,
        /// Greatest allowed.
        max: u32,
        /// What is counted; empty for plain numbers.
        unit: &'static str,
    },
    /// A duration in a range, ends included.
    Duration {
        /// Shortest allowed.
        min: Duration,
        /// Longest allowed.
        max: Duration,
    },
    /// Text that a function accepts.
    Text {
        /// The same in words.
        allowed: &'static str,
        /// The function.
        check: Check,
    },
}

impl Rule {
    /// What is allowed, in words.
    pub fn allowed(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Choice(names) => names.join(", "),
            Self::Number { min, max, unit: "" } => format!("whole number, {min} to {max}"),
            Self::Number { min, max, unit } => format!("whole number of {unit}, {min} to {max}"),
            Self::Duration { min, max } => {
                format!("duration, {} to {}", duration::format(*min), duration::format(*max))
            }
            Self::Text { allowed, .. } => (*allowed).to_owned(),
        }
    }

    /// Judges what was written.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is allowed, without the value.
    pub(super) fn read(&self, raw: &Raw) -> Result<Value, String> {
        self.judge(raw).map_err(|problem| format!("{problem}; allowed: {}", self.allowed()))
    }

    fn judge(&self, raw: &Raw) -> Result<Value, String> {
        match (self, raw) {
            (Self::Flag, Raw::Flag(on)) => Ok(Value::Flag(*on)),
            (Self::Flag, Raw::Word(word)) => {
                word.parse().map(Value::Flag).map_err(|_| "is neither true nor false".to_owned())
            }
            (Self::Choice(names), Raw::Word(word) | Raw::Text(word)) => choose(names, word),
            (Self::Number { min, max, .. }, Raw::Number(number)) => {
                in_range(number.and_then(|number| u32::try_from(number).ok()), *min, *max)
            }
            (Self::Number { min, max, .. }, Raw::Word(word)) => {
                if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("is not a whole number".to_owned());
                }
                in_range(word.parse().ok(), *min, *max)
            }
            (Self::Duration { min, max }, Raw::Word(word) | Raw::Text(word)) => {
                let length = duration::parse(word)?;
                if (*min..=*max).contains(&length) {
                    Ok(Value::Duration(length))
                } else {
                    Err("is out of range".to_owned())
                }
            }
            (Self::Duration { .. }, Raw::Number(Some(0))) => self.judge(&Raw::Word("0".to_owned())),
            (Self::Duration { .. }, Raw::Number(_)) => Err("lacks its unit".to_owned()),
            (Self::Text { check, .. }, Raw::Word(word) | Raw::Text(word)) => {
                check(word).map(Value::Text).map_err(str::to_owned)
            }
            (_, raw) => Err(format!("must not be {}", raw.type_name())),
        }
    }
}

fn choose(names: &[&str], word: &str) -> Result<Value, String> {
    if names.contains(&word) {
        return Ok(Value::Text(word.to_owned()));
    }
    let near = names.iter().find(|name| name.eq_ignore_ascii_case(word));
    Err(match near {
        Some(name) => format!("is written \"{name}\""),
        None => "is not one of the known names".to_owned(),
    })
}

fn in_range(number: Option<u32>, min: u32, max: u32) -> Result<Value, String> {
    number
        .filter(|number| (min..=max).contains(number))
        .map(Value::Number)
        .ok_or_else(|| "is out of range".to_owned())
}

impl Raw {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Word(_) | Self::Text(_) => "a string",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Other(name) => name,
        }
    }
}

/// What a key holds, after its rule accepted it. Displayed as TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(u32),
    /// A duration.
    Duration(Duration),
    /// A string, a path, a URL, or one of a few names.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(on) => write!(f, "{on}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Duration(length) => write!(f, "\"{}\"", duration::format(*length)),
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
        }
    }
}

/// Accepted values by dotted name; unset keys are absent. Has no `Debug`: it holds secrets.
#[derive(Default)]
pub(super) struct Values(pub BTreeMap<&'static str, Value>);

impl Values {
    /// The value in the type of its field. A unit test holds types and rules together, so the
    /// fallback is reached by unset optional keys alone.
    pub fn typed<T: Setting>(&self, path: &str) -> T {
        self.0.get(path).and_then(T::from_value).unwrap_or_default()
    }
}

/// A type that a field of the configuration may have.
pub(super) trait Setting: Default {
    /// The value as this type, if it is of that kind.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! setting {
    ($($type:ty: $pattern:pat => $result:expr;)+) => {
        $(impl Setting for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => Some($result),
                    _ => None,
                }
            }
        })+
    };
}

setting! {
    bool: Value::Flag(on) => *on;
    u32: Value::Number(number) => *number;
    Duration: Value::Duration(length) => *length;
    String: Value::Text(text) => text.clone();
    PathBuf: Value::Text(text) => PathBuf::from(text);
    SecretString: Value::Text(text) => SecretString::from(text.as_str());
}

impl<T: Setting> Setting for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        T::from_value(value).map(Some)
    }
}

/// Declares an enum whose variants are written in the configuration by fixed names.
macro_rules! choices {
    ($(#[$about:meta])+ $name:ident { $($(#[$doc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])+ $variant,)+
        }

        impl $name {
            /// Every name, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name in the configuration.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl $crate::config::value::Setting for $name {
            fn from_value(value: &$crate::config::value::Value) -> Option<Self> {
                match value {
                    $($crate::config::value::Value::Text(text) if text == $text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use choices;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::{days, seconds};

    #[test]
    fn toml_is_judged_strictly_and_text_by_the_rule() {
        let flag = Rule::Flag;
        assert!(flag.read(&Raw::Flag(true)).is_ok());
        assert!(flag.read(&Raw::Word("false".into())).is_ok());
        assert!(flag.read(&Raw::Text("true".into())).is_err());
        assert!(flag.read(&Raw::Word("yes".into())).is_err());
        let number = Rule::Number { min: 1, max: 10, unit: "" };
        assert!(number.read(&Raw::Number(Some(10))).is_ok());
        assert!(number.read(&Raw::Word("10".into())).is_ok());
        for bad in ["0", "11", "-1", "+5", "", "1.0", "99999999999999999999"] {
            assert!(number.read(&Raw::Word(bad.into())).is_err(), "{bad}");
        }
        assert!(number.read(&Raw::Text("5".into())).is_err());
        assert!(number.read(&Raw::Number(None)).is_err());
        let length = Rule::Duration { min: seconds(10), max: days(1) };
        assert!(length.read(&Raw::Text("24h".into())).is_ok());
        assert!(length.read(&Raw::Number(Some(0))).is_err(), "below the range");
        assert!(length.read(&Raw::Number(Some(60))).is_err(), "no unit");
    }

    #[test]
    fn a_name_in_the_wrong_case_is_corrected() {
        let rule = Rule::Choice(&["ES256", "EdDSA"]);
        let problem = rule.read(&Raw::Word("eddsa".into())).unwrap_err();
        assert!(problem.contains("is written \"EdDSA\""), "{problem}");
    }
}
