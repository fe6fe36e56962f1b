//! The rules of the house, read off the sources: who may import whom, who may name which crate, what comes in pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use usher::error::ErrorKind;
use usher::mail::MailKind;

/// The layers from the ground up. A file imports from its own layer and those below. `*` is any feature.
const LAYERS: [&[&str]; 10] = [
    &["base"],
    &["error", "config"],
    &["db", "templates", "files"],
    &["mail"],
    &["app"],
    &["http"],
    &["*::model", "*::store", "*"],
    &["caller"],
    &["*::http", "pages", "docs", "health"],
    &["routes", "server", "worker", "cli", "lib", "main"],
];

/// What `App` owns of features: built once, known to nobody below.
const PIECES_OF_APP: [&str; 3] = ["passwords", "signing_keys", "sessions"];

/// What each crate is for, and so where its name may stand.
const CRATES: [(&str, &[&str]); 6] = [
    ("diesel", &["db/", "/store.rs", "/model.rs"]),
    ("diesel_async", &["db/", "/store.rs"]),
    ("actix_web", &["http/", "/http.rs", "caller/", "pages/", "docs/", "health/", "routes.rs", "server.rs"]),
    ("lettre", &["mail/message.rs", "mail/transports/"]),
    ("rand", &["base/random.rs"]),
    ("argon2", &["passwords/hasher.rs"]),
];

struct Source {
    /// Below `src/`, with `/`.
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
                if !is_test {
                    found.push(Source { path: name, text: fs::read_to_string(&path).unwrap() });
                }
            }
        }
    }
    assert!(found.len() > 50, "the sources were found");
    found
}

/// The part before the unit tests.
fn code(source: &Source) -> &str {
    source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The layer of a module path like `accounts::http`, or of a file.
fn layer_of(module: &str) -> usize {
    let mut parts = module.split("::");
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let named = LAYERS.iter().position(|layer| layer.contains(&first));
    named.unwrap_or_else(|| {
        let part = format!("*::{second}");
        LAYERS.iter().position(|layer| layer.contains(&part.as_str())).unwrap_or(6)
    })
}

fn module_of(path: &str) -> String {
    path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
}

/// Every `crate::…` path of a file, from `use` lines (braces included) and from the code itself.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let line_start = text[..at].rfind('\n').map_or(0, |start| start + 1);
        if text[line_start..at].trim_start().starts_with("//") || text[..at].ends_with('$') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = &list[..list.find('}').unwrap_or(list.len())];
            found.extend(list.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()));
        } else {
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            found.insert(rest[..end].trim_end_matches(':').to_owned());
        }
    }
    found
}

#[test]
fn imports_go_downwards() {
    let mut faults = Vec::new();
    for source in sources() {
        let module = module_of(&source.path);
        let layer = layer_of(&module);
        for import in imports(code(&source)) {
            let first = import.split("::").next().unwrap_or_default();
            let is_piece = module == "app" && PIECES_OF_APP.contains(&first);
            if layer_of(&import) > layer && !is_piece {
                faults.push(format!("src/{} imports crate::{import}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "upward imports:\n{}", faults.join("\n"));
}

/// Whether a line has `name::` as the first part of a path.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn each_crate_stays_in_its_place() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, places) in CRATES {
            let path = format!("/{}", source.path);
            let may =
                places.iter().any(|place| path.contains(&format!("/{}", place.trim_start_matches('/'))));
            let names = code(&source)
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .any(|line| names_crate(line, name));
            if names && !may {
                faults.push(format!("src/{} names {name}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_base_tells_the_time() {
    for source in sources().iter().filter(|source| !source.path.starts_with("base/")) {
        for clock in ["Timestamp::now", "SystemTime::now", "Instant::now", "Zoned::now"] {
            assert!(!code(source).contains(clock), "src/{} reads the clock: {clock}", source.path);
        }
    }
}

fn folders_of(path: &Path) -> BTreeSet<String> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Table name → column names, off a migration.
fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    for line in sql.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            current = Some((rest.split(' ').next().unwrap().to_owned(), Vec::new()));
        } else if line.starts_with(')') {
            tables.extend(current.take());
        } else if let Some((_, columns)) = &mut current {
            let first = line.split_whitespace().next().unwrap_or("--");
            if first != "CONSTRAINT" && first != "--" {
                columns.push(first.to_owned());
            }
        }
    }
    tables
}

#[test]
fn migrations_come_in_pairs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = folders_of(&root.join("sqlite"));
    assert_eq!(names, folders_of(&root.join("postgres")));
    assert!(!names.is_empty());
    for name in names {
        let read = |database: &str, file: &str| {
            fs::read_to_string(root.join(database).join(&name).join(file)).unwrap()
        };
        let (sqlite, postgres) = (read("sqlite", "up.sql"), read("postgres", "up.sql"));
        assert_eq!(tables(&sqlite), tables(&postgres), "{name}");
        let indexes = |sql: &str| -> BTreeSet<String> {
            sql.match_indices("INDEX ")
                .map(|(at, _)| sql[at..].split(' ').nth(1).unwrap().to_owned())
                .collect()
        };
        assert_eq!(indexes(&sqlite), indexes(&postgres), "{name}");
        assert!(!read("sqlite", "down.sql").is_empty() && !read("postgres", "down.sql").is_empty());
    }
}

#[test]
fn the_committed_openapi_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let generated = usher::routes::openapi().to_pretty_json().unwrap();
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed.trim_end() == generated.trim_end(),
        "run `cargo run -- openapi > openapi/openapi.json` and look at the difference"
    );
}

#[test]
fn every_operation_is_documented() {
    let document = serde_json::to_value(usher::routes::openapi()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let id =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{place} has an operationId"));
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(
                operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{place} has a summary"
            );
            assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{place} has a tag");
            assert!(
                operation["responses"].as_object().is_some_and(|all| !all.is_empty()),
                "{place} has answers"
            );
        }
    }
    assert!(ids.len() >= 25, "the routes were found");
}

#[test]
fn each_kind_of_mail_has_its_three_templates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail");
    let kinds: BTreeSet<String> = MailKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    let folders: BTreeSet<String> =
        folders_of(&root).into_iter().filter(|name| !name.starts_with('_')).collect();
    assert_eq!(kinds, folders);
    for kind in kinds {
        let files = folders_of(&root.join(kind));
        assert!(["subject.txt.j2", "body.txt.j2", "body.html.j2"].iter().all(|file| files.contains(*file)));
    }
}

#[test]
fn the_catalogue_lists_every_kind_of_error() {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error.rs")).unwrap();
    let declared = source.split("pub enum ErrorKind {").nth(1).unwrap().split("\n}").next().unwrap();
    let declared: BTreeSet<&str> = declared
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && !line.is_empty())
        .map(|line| line.split(['(', ',']).next().unwrap())
        .filter(|name| *name != "Taken")
        .collect();
    let listed: Vec<String> = ErrorKind::all()
        .iter()
        .map(|kind| format!("{kind:?}").split('(').next().unwrap().to_owned())
        .collect();
    let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(declared, listed);
}

#[test]
fn the_readme_is_short() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let lines = fs::read_to_string(path).unwrap().lines().count();
    assert!(lines < 200, "README.md has {lines} lines");
}
