//! What was written where: the file, the environment and the flags, laid over each other.
//!
//! Unknown keys, sections and `USHER_*` variables are faults; each names the nearest known one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Source, nearest};
use super::file::read_file;
use super::flags::Flags;
use super::table::{find_key, keys};
use super::value::Raw;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "usher.toml";

/// Everything that was written, the winner per key. Has no `Debug`: it holds secrets.
#[derive(Default)]
pub(super) struct Given {
    pub values: BTreeMap<&'static str, (Raw, Source)>,
    pub faults: Vec<Fault>,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Whether a file could not be read or is no TOML, so that what it says is missing here.
    pub is_partial: bool,
}

impl Given {
    pub(super) fn set(&mut self, path: &'static str, raw: Raw, source: Source) {
        self.values.insert(path, (raw, source));
    }
}

/// Gathers all sources, the weakest first. `folder` is where the default file is looked for.
pub(super) fn gather(
    folder: &Path,
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Given {
    let mut given = Given::default();
    let variables = read_variables(environment, &mut given.faults);
    let named = match (&flags.config, variables.get("USHER_CONFIG")) {
        (Some(path), _) => Some((path.clone(), Source::Flag("--config"))),
        (None, Some(path)) => Some((path.into(), Source::Variable("USHER_CONFIG".to_owned()))),
        (None, None) => None,
    };
    match named {
        Some((path, source)) => read_file(&mut given, path, Some(source)),
        None => read_file(&mut given, default_file(folder), None),
    }
    overlay_variables(&mut given, &variables);
    overlay_flags(&mut given, flags);
    given
}

/// Shown as `usher.toml` rather than `./usher.toml`.
fn default_file(folder: &Path) -> PathBuf {
    if folder == Path::new(".") { DEFAULT_FILE.into() } else { folder.join(DEFAULT_FILE) }
}

/// The `USHER_*` variables; those of other programs are passed over.
fn read_variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in environment {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with("USHER_") {
            continue;
        }
        match value.into_string() {
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) => faults.push(Fault::new(name, "is not UTF-8")),
        }
    }
    variables
}

fn overlay_variables(given: &mut Given, variables: &BTreeMap<String, String>) {
    let mut known = vec!["USHER_CONFIG".to_owned()];
    for key in keys() {
        let variable = key.variable();
        let direct = variables.get(&variable);
        let from_file = key.file_variable().and_then(|name| Some((variables.get(&name)?, name)));
        match (direct, from_file) {
            (Some(_), Some((_, name))) => {
                given.faults.push(Fault::new(
                    key.path,
                    format!("{variable} and {name} are both set; keep one of them"),
                ));
            }
            (Some(value), None) => {
                given.set(key.path, Raw::Word(value.clone()), Source::Variable(variable.clone()))
            }
            (None, Some((path, name))) => {
                match std::fs::read_to_string(path) {
                    Ok(content) => given.set(
                        key.path,
                        Raw::Word(cut_newline(content)),
                        Source::VariableFile(name, path.into()),
                    ),
                    // Without the path: people put the secret itself here by mistake.
                    Err(error) => {
                        let message = format!("names a file that cannot be read: {}", error.kind());
                        given.faults.push(Fault::at(key.path, Source::Variable(name), message));
                    }
                }
            }
            (None, None) => {}
        }
        known.push(variable);
        known.extend(key.file_variable());
    }
    for name in variables.keys().filter(|name| !known.contains(name)) {
        let hint = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
        given.faults.push(Fault::new(name, format!("is no known variable; the nearest is {hint}")));
    }
}

/// One newline at the end, as `echo` and editors write it.
fn cut_newline(mut content: String) -> String {
    if content.ends_with('\n') {
        content.pop();
        if content.ends_with('\r') {
            content.pop();
        }
    }
    content
}

fn overlay_flags(given: &mut Given, flags: &Flags) {
    let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.clone().into_os_string().into_string());
    let flags = [
        ("bind", "--bind", flags.bind.clone().map(Ok)),
        ("data_dir", "--data-dir", text(&flags.data_dir)),
        ("database_url", "--database-url", flags.database_url.clone().map(Ok)),
        ("public_url", "--public-url", flags.public_url.clone().map(Ok)),
    ];
    for (path, flag, value) in flags {
        match (find_key(path), value) {
            (Some(key), Some(Ok(value))) => given.set(key.path, Raw::Word(value), Source::Flag(flag)),
            (_, Some(Err(_))) => given.faults.push(Fault::at(path, Source::Flag(flag), "is not UTF-8")),
            _ => {}
        }
    }
}
