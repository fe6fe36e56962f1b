//! `usher config`: what is in effect, whether it is right, and what could be.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::failure::{EXIT_CANNOT_CREATE, Failure};
use crate::config::{self, DEFAULT_FILE, Faults, Flags, Loaded, Origin, Value};

/// Subcommands of `usher config`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ConfigCommand {
    /// Show the values in effect, secrets masked
    Show {
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration and list every fault (exit code 78)
    Check {
        /// Apply the rules of production even in local mode
        #[arg(long)]
        production: bool,
    },
    /// Print a commented usher.toml with all defaults
    Init {
        /// Create the file instead, never over an existing one
        #[arg(long)]
        write: bool,
    },
    /// Print the reference of all keys (docs/configuration.md)
    Reference,
}

/// Runs a subcommand; `out` is stdout.
///
/// # Errors
/// 78 for a faulty configuration, 73 for a file that is already there, 74 for broken output.
pub fn run(
    command: &ConfigCommand,
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show { origin, json } => show(&config::load(flags, environment)?, *origin, *json, out),
        ConfigCommand::Check { production } => check(config::check(flags, environment, *production), out),
        ConfigCommand::Init { write: true } => {
            write_file(flags.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)), out)
        }
        ConfigCommand::Init { write: false } => Ok(out.write_all(config::template().as_bytes())?),
        ConfigCommand::Reference => Ok(out.write_all(config::reference().as_bytes())?),
    }
}

/// Prints every value, as TOML or as JSON.
///
/// # Errors
/// 74 if `out` cannot be written.
pub fn show(loaded: &Loaded, with_origin: bool, as_json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if as_json {
        let document = show_json(loaded, with_origin);
        return Ok(writeln!(out, "{document:#}")?);
    }
    let mut section = "";
    for origin in &loaded.origins {
        let path = origin.key.path;
        if let Some((name, _)) = path.split_once('.').filter(|(name, _)| *name != section) {
            writeln!(out, "\n[{name}]")?;
            section = name;
        }
        match &origin.shown {
            Some(value) => write!(out, "{} = {value}", origin.key.name())?,
            None => write!(out, "# {} is unset", origin.key.name())?,
        }
        match with_origin {
            true => writeln!(out, "  # {}", origin.source)?,
            false => writeln!(out)?,
        }
    }
    Ok(())
}

/// Sections as objects; with origins each value becomes `{"value", "origin"}`.
fn show_json(loaded: &Loaded, with_origin: bool) -> Json {
    let mut document = Map::new();
    for origin in &loaded.origins {
        let value = match with_origin {
            true => json!({"value": json_value(origin), "origin": origin.source.to_string()}),
            false => json_value(origin),
        };
        let name = origin.key.name().to_owned();
        match origin.key.path.split_once('.') {
            None => {
                document.insert(name, value);
            }
            Some((section, _)) => {
                if let Json::Object(section) = document.entry(section).or_insert_with(|| json!({})) {
                    section.insert(name, value);
                }
            }
        }
    }
    Json::Object(document)
}

fn json_value(origin: &Origin) -> Json {
    match &origin.shown {
        None => Json::Null,
        Some(Value::Flag(on)) => json!(on),
        Some(Value::Number(number)) => json!(number),
        Some(Value::Text(text)) => json!(text),
        Some(value @ Value::Duration(_)) => json!(value.to_string().trim_matches('"')),
    }
}

/// Says that all is well, or hands on what is not.
///
/// # Errors
/// 78 with every fault on a line.
pub fn check(result: Result<Loaded, Faults>, out: &mut dyn Write) -> Result<(), Failure> {
    result?;
    Ok(writeln!(out, "configuration is valid")?)
}

/// Creates the commented file, readable by its owner alone since it may come to hold secrets.
fn write_file(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let message = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{} is already there and stays as it is", path.display())
            }
            kind => format!("{} cannot be created: {kind}", path.display()),
        };
        Failure::new(EXIT_CANNOT_CREATE, message)
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(config::template().as_bytes()).map_err(failed)?;
    Ok(writeln!(out, "{} written", path.display())?)
}
