//! The table of keys: what every setting is called, allows, means and defaults to.
//!
//! Each section file writes its keys once, with [`section!`]; the typed struct, the environment
//! names, `usher config show | init | reference` and the hints for misspelt keys all come from
//! that one place, so they cannot disagree.

use std::time::Duration;

use super::value::{Rule, Value};

/// One setting: a row of the table.
#[derive(Debug)]
pub struct Key {
    /// Dotted name as people write it, `jwt.access_ttl`, or `bind` at the top level.
    pub path: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// What it may hold, its default, and how it is shown.
    pub spec: Spec,
}

impl Key {
    /// Environment variable of this key: `USHER_BIND`, `USHER_JWT__ACCESS_TTL`.
    pub fn variable(&self) -> String {
        format!("USHER_{}", self.path.replace('.', "__").to_uppercase())
    }

    /// Variable that names a file holding the value; only secrets have one.
    pub fn file_variable(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_FILE", self.variable()))
    }

    /// Name inside its section: `access_ttl`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether the value, or a part of it, must never be printed.
    pub fn is_secret(&self) -> bool {
        !matches!(self.spec.secrecy, Secrecy::Open)
    }

    /// Default text under a profile; `None` when the key is unset by default. `{bind}` and
    /// `{data_dir}` in it stand for those settings.
    pub fn default_text(&self, strict: bool) -> Option<&'static str> {
        self.spec.strict.filter(|_| strict).or(self.spec.default)
    }
}

/// How much of a value may be shown to people.
#[derive(Clone, Copy, Debug)]
pub enum Secrecy {
    /// All of it.
    Open,
    /// A URL without its password.
    Url,
    /// Nothing.
    Hidden,
}

/// The rule and the defaults of a key. Built by the functions of this module, which read as
/// `duration("15m", …)` in the section files.
#[derive(Debug)]
pub struct Spec {
    /// What is allowed.
    pub rule: Rule,
    /// Default as text; `None`: unset.
    pub default: Option<&'static str>,
    /// Default under the strict profile where it differs.
    pub strict: Option<&'static str>,
    /// What may be shown.
    pub secrecy: Secrecy,
    /// An example for keys that are unset by default.
    pub example: Option<&'static str>,
}

impl Spec {
    const fn new(rule: Rule, default: Option<&'static str>) -> Self {
        Self { rule, default, strict: None, secrecy: Secrecy::Open, example: None }
    }

    /// Another default under `profile = "strict"`.
    pub const fn strict(mut self, default: &'static str) -> Self {
        self.strict = Some(default);
        self
    }

    /// Marks a secret, which also gives the key its `…_FILE` variable.
    pub const fn secret(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }

    /// Shows how an unset key may look.
    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }
}

/// `true` or `false`.
pub const fn flag(default: &'static str) -> Spec {
    Spec::new(Rule::Flag, Some(default))
}

/// One of a few names.
pub const fn choice(default: &'static str, names: &'static [&'static str]) -> Spec {
    Spec::new(Rule::Choice(names), Some(default))
}

/// A whole number from `min` to `max` inclusive, of `unit` ("" for plain numbers).
pub const fn number(default: &'static str, min: u32, max: u32, unit: &'static str) -> Spec {
    Spec::new(Rule::Number { min, max, unit }, Some(default))
}

/// A duration from `min` to `max` inclusive.
pub const fn duration(default: &'static str, min: Duration, max: Duration) -> Spec {
    Spec::new(Rule::Duration { min, max }, Some(default))
}

/// A judgement of text: its normal form, or what is wrong with it. The complaint is a fixed text,
/// so it cannot repeat a secret.
pub type Check = fn(&str) -> Result<String, &'static str>;

/// Text that `check` accepts; `allowed` says in words what that is.
pub const fn text(default: &'static str, allowed: &'static str, check: Check) -> Spec {
    Spec::new(Rule::Text { allowed, check }, Some(default))
}

/// Text that may stay unset.
pub const fn optional(allowed: &'static str, check: Check) -> Spec {
    Spec::new(Rule::Text { allowed, check }, None)
}

/// `n` seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` minutes.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// `n` hours.
pub const fn hours(n: u64) -> Duration {
    minutes(n * 60)
}

/// `n` days of 24 hours.
pub const fn days(n: u64) -> Duration {
    hours(n * 24)
}

/// A section of the table.
#[derive(Debug)]
pub struct Section {
    /// Name with its dot, `jwt.`; empty for the top level.
    pub prefix: &'static str,
    /// What the section is about.
    pub about: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

impl Section {
    /// Name without the dot.
    pub fn name(&self) -> &'static str {
        self.prefix.trim_end_matches('.')
    }
}

/// Every section, in the order of the documentation; the top level comes first.
pub static SECTIONS: [Section; 15] = [
    super::server::Server::TABLE,
    super::accounts::Accounts::TABLE,
    super::jwt::Jwt::TABLE,
    super::sessions::Sessions::TABLE,
    super::cookies::Cookies::TABLE,
    super::links::Links::TABLE,
    super::passwords::Passwords::TABLE,
    super::mail::Mail::TABLE,
    super::database::Database::TABLE,
    super::http::Http::TABLE,
    super::tokens::Tokens::TABLE,
    super::limits::Limits::TABLE,
    super::keys::Keys::TABLE,
    super::setup::Setup::TABLE,
    super::log::Log::TABLE,
];

/// Every key, in the order of the documentation.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The key with this dotted name.
pub fn find_key(path: &str) -> Option<&'static Key> {
    keys().find(|key| key.path == path)
}

/// A value as it may be shown to people.
pub fn redact(key: &Key, value: &Value) -> Value {
    match (key.spec.secrecy, value) {
        (Secrecy::Open, value) => value.clone(),
        (Secrecy::Url, Value::Text(url)) => Value::Text(super::url::mask(url)),
        _ => Value::Text("***".to_owned()),
    }
}

/// Declares a section: a struct with one public field per key, and its part of the table.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident in $prefix:literal {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $spec:expr;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl $name {
            pub(super) const TABLE: $crate::config::table::Section = $crate::config::table::Section {
                prefix: $prefix,
                about: concat!($($about),+),
                keys: &[$($crate::config::table::Key {
                    path: concat!($prefix, stringify!($field)),
                    about: concat!($($doc),+),
                    spec: $spec,
                }),+],
            };

            pub(super) fn from_values(values: &$crate::config::value::Values) -> Self {
                Self { $($field: values.typed(concat!($prefix, stringify!($field))),)+ }
            }
        }
    };
}

pub(super) use section;
