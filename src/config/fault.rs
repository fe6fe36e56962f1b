//! Faults: what is wrong in a configuration, where it was written, and what is allowed.
//!
//! They are collected, so that one run shows all of them. They name keys and places, never
//! values: what stands on the wrong key may be a password.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line, `--bind`.
    Flag(&'static str),
    /// An environment variable.
    Variable(String),
    /// A file that an environment variable named.
    VariableFile(String, PathBuf),
    /// The configuration file and the line in it, counted from 1.
    File(PathBuf, usize),
    /// The default of the strict profile.
    StrictDefault,
    /// The default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::VariableFile(name, path) => {
                write!(f, "environment {name}, file {}", path.display())
            }
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::StrictDefault => f.write_str("strict profile"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Dotted key, name of the variable, or what else it is about.
    pub subject: String,
    /// Where it was written, if anywhere.
    pub source: Option<Source>,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Fault {
    /// A fault that is bound to no place.
    pub fn new(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), source: None, message: message.into() }
    }

    /// A fault at a place.
    pub fn at(subject: impl Into<String>, source: Source, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), source: Some(source), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of unknown keys and variables are strangers' text; one fault stays one line.
        let subject = self.subject.replace(char::is_control, "\u{fffd}");
        match &self.source {
            Some(source) => write!(f, "{subject} ({source}): {}", self.message),
            None => write!(f, "{subject}: {}", self.message),
        }
    }
}

/// Everything that is wrong, in the order of discovery. Displayed one per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self(faults)
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The known name nearest to a misspelt one, by edit distance.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate))
}
