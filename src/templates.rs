//! Texts for people: mails, pages and the files that pages load, built into the binary and replaceable by the operator.
//!
//! A folder of the operator's with the same layout as `templates/` overrides file by file; what it does not hold comes
//! from the binary. Everything is read at the start and stays as read, so that a half-saved file never meets a
//! request; [`Templates::check`] compiles all of it, and a fault names the file and the line.
//!
//! Values are escaped for HTML wherever a file is named `.html.j2` and never in `.txt.j2`. A name that the caller did
//! not give is an error, not an empty place: a mail without its link must not go out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use rust_embed::RustEmbed;
use serde::Serialize;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Embedded;

/// What an operator may override: the files in these folders.
const FOLDERS: [&str; 3] = ["mail", "pages", "assets"];

/// All templates and assets, read once and shared by all threads.
pub struct Templates {
    environment: Environment<'static>,
    overridden: BTreeMap<String, PathBuf>,
    assets: BTreeMap<String, Cow<'static, [u8]>>,
}

impl Templates {
    /// Reads the templates; `folder` is the operator's, if there is one.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read. What the templates say is judged by [`Templates::check`].
    pub fn new(folder: Option<&Path>) -> Result<Self, String> {
        let overridden = match folder {
            Some(folder) => files_below(folder)?,
            None => BTreeMap::new(),
        };
        let mut sources = BTreeMap::new();
        let mut assets = BTreeMap::new();
        for name in embedded_names().chain(overridden.keys().cloned()) {
            let bytes = match overridden.get(&name) {
                Some(path) => {
                    Cow::Owned(std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?)
                }
                None => match Embedded::get(&name) {
                    Some(file) => file.data,
                    None => continue,
                },
            };
            if let Some(asset) = name.strip_prefix("assets/") {
                assets.insert(asset.to_owned(), bytes);
            } else if name.ends_with(".j2") {
                let text = String::from_utf8(bytes.into_owned()).map_err(|_| format!("{name}: not UTF-8"))?;
                sources.insert(name, text);
            }
        }
        Ok(Self { environment: environment(sources)?, overridden, assets })
    }

    /// Compiles every template, the unused ones of the operator's folder included.
    ///
    /// # Errors
    /// All faults, one a line, each with its file and line number.
    pub fn check(&self) -> Result<(), String> {
        let names: BTreeSet<String> = embedded_names().chain(self.overridden.keys().cloned()).collect();
        let faults: Vec<String> = names
            .iter()
            .filter(|name| name.ends_with(".j2"))
            .filter_map(|name| self.environment.get_template(name).err())
            .map(|error| self.describe(&error))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// Renders the page `name`, which is the file `pages/<name>.html.j2`.
    ///
    /// # Errors
    /// The template is unknown, broken, or names a value that `context` lacks; the text never holds a value.
    pub fn page(&self, name: &str, context: impl Serialize) -> Result<String, String> {
        self.render(&format!("pages/{name}.html.j2"), context)
    }

    /// Renders any template by its path below `templates/`, e.g. `mail/verify/body.txt.j2`.
    ///
    /// # Errors
    /// As [`Templates::page`].
    pub fn render(&self, path: &str, context: impl Serialize) -> Result<String, String> {
        let context = serde_json::to_value(context).map_err(|e| format!("{path}: {e}"))?;
        self.environment
            .get_template(path)
            .and_then(|template| template.render(to_template_value(context)))
            .map_err(|error| self.describe(&error))
    }

    /// A file that pages load, by its path below `assets/`, and its media type.
    #[must_use]
    pub fn asset(&self, name: &str) -> Option<(Cow<'static, [u8]>, &'static str)> {
        Some((self.assets.get(name)?.clone(), media_type(name)))
    }

    /// What is wrong and where, without the values that minijinja can add.
    fn describe(&self, error: &Error) -> String {
        // An error inside an included or extended template is the innermost one that knows its place.
        let mut innermost = error;
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            if let Some(inner) = cause.downcast_ref::<Error>().filter(|inner| inner.line().is_some()) {
                innermost = inner;
            }
            next = cause.source();
        }
        let place = match innermost.name() {
            Some(name) => match self.overridden.get(name) {
                Some(path) => path.display().to_string(),
                None => format!("built-in templates/{name}"),
            },
            None => "template".to_owned(),
        };
        let line = innermost.line().map(|line| format!(" line {line}")).unwrap_or_default();
        match innermost.detail() {
            Some(detail) => format!("{place}{line}: {}: {detail}", innermost.kind()),
            None => format!("{place}{line}: {}", innermost.kind()),
        }
    }
}

fn environment(sources: BTreeMap<String, String>) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|e| e.to_string())?);
    environment.set_formatter(write_value);
    environment.set_loader(move |name| Ok(sources.get(name).cloned()));
    Ok(environment)
}

/// Writes `none` as nothing and escapes for HTML all but the slash, so that a link in a mail stays readable to the
/// programs that look for one.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let written = |_| Error::new(ErrorKind::WriteFailure, "the output cannot be written");
    if value.is_none() {
        return Ok(());
    }
    if value.is_safe() || *state.auto_escape() != AutoEscape::Html {
        return out.write_str(&value.to_string()).map_err(written);
    }
    let text = value.to_string();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        let entity = match special.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        };
        out.write_str(plain).and_then(|()| out.write_str(entity)).map_err(written)?;
        rest = special.get(1..).unwrap_or_default();
    }
    out.write_str(rest).map_err(written)
}

/// The same value as minijinja knows it (its serde support is a feature that is not switched on).
fn to_template_value(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(real)) => Value::from(real),
            (None, None) => Value::from(number.to_string()),
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => items.into_iter().map(to_template_value).collect(),
        serde_json::Value::Object(members) => {
            Value::from_pairs(members.into_iter().map(|(name, member)| (name, to_template_value(member))))
        }
    }
}

fn embedded_names() -> impl Iterator<Item = String> {
    Embedded::iter().map(Cow::into_owned)
}

/// Every file of the operator's folder that could override one of ours, by its name with `/` between the parts.
fn files_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    if !folder.is_dir() {
        return Err(format!("{}: no such folder", folder.display()));
    }
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, PathBuf)> = FOLDERS
        .iter()
        .map(|name| ((*name).to_owned(), folder.join(name)))
        .filter(|(_, path)| path.is_dir())
        .collect();
    while let Some((prefix, path)) = open.pop() {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // Editors leave hidden files and backups behind.
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let (name, path) = (format!("{prefix}/{name}"), entry.path());
            if path.is_dir() {
                open.push((name, path));
            } else {
                found.insert(name, path);
            }
        }
    }
    Ok(found)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
#[cfg(test)]
mod tests;
