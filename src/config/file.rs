//! The TOML file: every key with its line, every unknown one with a hint.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source, nearest};
use super::sources::Given;
use super::table::{SECTIONS, find_key, keys};
use super::value::Raw;

/// Reads the file into `given`. `named_by` is what asked for it; a default file may be absent.
pub(super) fn read_file(given: &mut Given, path: PathBuf, named_by: Option<Source>) {
    let subject = path.display().to_string();
    let content = match std::fs::read_to_string(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound && named_by.is_none() => return,
        Err(error) => {
            let message = format!("cannot be read: {}", error.kind());
            given.faults.push(Fault { subject, source: named_by, message });
            given.is_partial = true;
            return;
        }
    };
    let reader = Reader { path: &path, content: &content };
    // The Display of these errors quotes the line, which may hold a secret; the message does not.
    let (document, errors) = DeTable::parse_recoverable(&content);
    given.is_partial = !errors.is_empty();
    if errors.is_empty() {
        reader.read_document(given, document.into_inner());
    }
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = reader.position(offset);
        given.faults.push(Fault::new(
            format!("{subject}:{line}:{column}"),
            format!("is not TOML: {}", error.message()),
        ));
    }
    given.file = Some(path);
}

struct Reader<'a> {
    path: &'a Path,
    content: &'a str,
}

impl Reader<'_> {
    /// Line and column, counted from 1; columns in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.content.get(..offset).unwrap_or(self.content);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn source(&self, offset: usize) -> Source {
        Source::File(self.path.to_owned(), self.position(offset).0)
    }

    fn read_document(&self, given: &mut Given, document: DeTable<'_>) {
        for (name, value) in document {
            let source = self.source(name.span().start);
            let name = name.into_inner();
            let is_section = SECTIONS.iter().any(|section| section.name() == name);
            match value.into_inner() {
                DeValue::Table(table) if is_section => self.read_section(given, &name, table),
                DeValue::Table(_) if find_key(&name).is_some() => {
                    given.faults.push(Fault::at(
                        name,
                        source,
                        "is a key and not a section; write key = value",
                    ));
                }
                DeValue::Table(_) => {
                    let known =
                        SECTIONS.iter().map(|section| section.name()).filter(|known| !known.is_empty());
                    let hint = nearest(&name, known).unwrap_or_default();
                    let message = format!("is no known section; the nearest is [{hint}]");
                    given.faults.push(Fault::at(format!("[{name}]"), source, message));
                }
                _ if is_section => {
                    given.faults.push(Fault::at(
                        name.clone(),
                        source,
                        format!("is a section; write [{name}]"),
                    ));
                }
                value => self.read_key(given, &name, &value, source),
            }
        }
    }

    fn read_section(&self, given: &mut Given, section: &str, table: DeTable<'_>) {
        for (name, value) in table {
            let source = self.source(name.span().start);
            let path = format!("{section}.{}", name.get_ref());
            self.read_key(given, &path, Spanned::get_ref(&value), source);
        }
    }

    fn read_key(&self, given: &mut Given, path: &str, value: &DeValue<'_>, source: Source) {
        match find_key(path) {
            Some(key) => given.set(key.path, raw(value), source),
            None => given.faults.push(Fault::at(
                path,
                source,
                format!("is no known key; the nearest is {}", nearest_key(path)),
            )),
        }
    }
}

/// A right name in the wrong section is nearer than a similar name in this one.
fn nearest_key(path: &str) -> &'static str {
    let name = path.rsplit('.').next().unwrap_or(path);
    let moved = keys().find(|key| key.name() == name).map(|key| key.path);
    moved.or_else(|| nearest(path, keys().map(|key| key.path))).unwrap_or_default()
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(on) => Raw::Flag(*on),
        DeValue::Integer(number) => Raw::Number(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(_) => Raw::Other("a list"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}
