//! The configuration as a whole. This file: precedence, defaults, and the table against its types.

mod faults;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::sources::{Given, gather};
use super::value::Raw;
use super::*;

const SECRET: &str = "hunter2";
const KEY: &str = "9f3b1c77e05a4d2886be60f1d9c3a4527711e8cafe0b936d5582a1f04c7db3e6";

/// Loads as `load` does, with the working directory and the environment given.
fn load_with(file: Option<&str>, environment: &[(&str, &str)], flags: &Flags) -> Result<Loaded, Vec<String>> {
    let folder = TempDir::new().unwrap();
    if let Some(content) = file {
        std::fs::write(folder.path().join(DEFAULT_FILE), content).unwrap();
    }
    load_in(folder.path(), environment, flags)
}

fn load_in(folder: &Path, environment: &[(&str, &str)], flags: &Flags) -> Result<Loaded, Vec<String>> {
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let (loaded, faults) = load::assemble(gather(folder, flags, environment));
    if faults.is_empty() { Ok(loaded) } else { Err(faults.iter().map(ToString::to_string).collect()) }
}

fn from_file(file: &str) -> Result<Loaded, Vec<String>> {
    load_with(Some(file), &[], &Flags::default())
}

fn from_env(environment: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    load_with(None, environment, &Flags::default())
}

#[track_caller]
fn only_fault(result: Result<Loaded, Vec<String>>, parts: &[&str]) {
    let faults = result.map(|_| ()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for part in parts {
        assert!(faults[0].contains(part), "{part:?} is not in {:?}", faults[0]);
    }
}

#[test]
fn every_default_keeps_its_own_rule_and_type() {
    for key in table::keys() {
        for text in [key.spec.default, key.spec.strict, key.spec.example].into_iter().flatten() {
            let text = text.replace("{bind}", "h:1").replace("{data_dir}", "d");
            assert!(key.spec.rule.read(&Raw::Word(text)).is_ok(), "{}", key.path);
        }
    }
    // A field whose type did not fit its rule would hold zero, false or nothing.
    let config = Config::default();
    assert_eq!(
        (config.bind.as_str(), config.public_url.as_str()),
        ("127.0.0.1:8000", "http://127.0.0.1:8000")
    );
    assert_eq!(config.data_dir, Path::new("data"));
    assert_eq!(config.database_url.expose_secret(), "sqlite://data/usher.db");
    assert_eq!((config.profile, config.jwt.algorithm), (Profile::Compatible, JwtAlgorithm::Es256));
    assert_eq!((config.accounts.registration, config.accounts.require_verified), (true, false));
    assert_eq!(config.jwt.access_ttl, Duration::from_secs(900));
    assert_eq!((config.passwords.memory_kib, config.passwords.min_length), (19456, 8));
    assert_eq!(config.mail.transport.expose_secret(), "outbox");
    assert_eq!(config.http.body_limit, 65536);
    assert!(config.keys.master_key.is_none() && config.database.migrate_on_start);
}

/// Sets every key to something that is not its default and finds it in the typed result.
#[test]
fn every_key_arrives_in_its_field() {
    let before = format!("{:?}", Config::default());
    for key in table::keys().filter(|key| !key.is_secret()) {
        let other = match &key.spec.rule {
            Rule::Flag => if key.spec.default == Some("true") { "false" } else { "true" }.to_owned(),
            Rule::Choice(names) => names[names.len() - 1].to_owned(),
            Rule::Number { max, .. } => max.to_string(),
            Rule::Duration { max, .. } => duration::format(*max),
            Rule::Text { .. } => match key.path {
                "bind" => "localhost:1",
                "public_url" => "https://other.example",
                "log.level" => "debug",
                "cookies.name" => "other",
                "tokens.ttl" => "never",
                "tokens.prefix" => "other_",
                "tokens.header_prefix" => "Other",
                "tokens.expiry_format" => "%s",
                _ => "a@b.example",
            }
            .to_owned(),
        };
        let mut given = Given::default();
        given.set(key.path, Raw::Word(other), Source::Default);
        let (loaded, _) = load::assemble(given);
        assert_ne!(format!("{:?}", loaded.config), before, "{}", key.path);
    }
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = "bind = '127.0.0.1:1'\npublic_url = 'http://file'\n[jwt]\naudience = 'file'\n[mail]\nproduct = 'File'";
    let environment =
        [("USHER_BIND", "127.0.0.1:2"), ("USHER_JWT__AUDIENCE", "env"), ("HOME", "/"), ("USHERX", "y")];
    let flags = Flags { bind: Some("127.0.0.1:3".into()), ..Flags::default() };
    let loaded = load_with(Some(file), &environment, &flags).unwrap();
    let config = &loaded.config;
    assert_eq!((config.bind.as_str(), config.public_url.as_str()), ("127.0.0.1:3", "http://file"));
    assert_eq!((config.jwt.audience.as_str(), config.mail.product.as_str()), ("env", "File"));
    assert_eq!(config.jwt.access_ttl, Duration::from_secs(900));
    assert_eq!(loaded.origin("bind"), Some(&Source::Flag("--bind")));
    assert_eq!(loaded.origin("jwt.audience"), Some(&Source::Variable("USHER_JWT__AUDIENCE".into())));
    assert!(
        matches!(loaded.origin("mail.product"), Some(Source::File(path, 6)) if path.ends_with(DEFAULT_FILE))
    );
    assert_eq!(loaded.origin("jwt.access_ttl"), Some(&Source::Default));
    assert!(loaded.file.is_some());
}

#[test]
fn defaults_follow_bind_and_data_dir() {
    let flags = Flags { bind: Some("[::1]:0".into()), data_dir: Some("/var/u".into()), ..Flags::default() };
    let mut config = load_with(None, &[], &flags).unwrap().config;
    assert_eq!(config.public_url, "http://[::1]:0");
    assert_eq!(config.database_url.expose_secret(), "sqlite:///var/u/usher.db");
    config.set_bound_port(4711);
    assert_eq!(config.public_url, "http://[::1]:4711");
    config.set_bound_port(1);
    assert_eq!(config.public_url, "http://[::1]:4711");
}

#[test]
fn strict_changes_defaults_and_set_keys_win() {
    let loaded = from_env(&[("USHER_PROFILE", "strict")]).unwrap();
    assert!(loaded.config.accounts.require_verified);
    assert_eq!(loaded.config.passwords.min_length, 15);
    assert_eq!(loaded.origin("passwords.min_length"), Some(&Source::StrictDefault));
    let loaded = from_file("profile = 'strict'\n[passwords]\nmin_length = 10").unwrap();
    assert_eq!((loaded.config.passwords.min_length, loaded.config.accounts.require_verified), (10, true));
}

#[test]
fn local_mode_needs_both_ends_on_loopback() {
    for (bind, public_url, is_local) in [
        ("127.0.0.1:8000", None, true),
        ("127.9.9.9:0", None, true),
        ("[::1]:8000", None, true),
        ("localhost:8000", Some("https://LOCALHOST"), true),
        ("0.0.0.0:8000", None, false),
        ("[::]:8000", None, false),
        ("0.0.0.0:8000", Some("http://localhost:8000"), false),
        ("127.0.0.1:8000", Some("https://id.example.org"), false),
        ("127.0.0.1:8000", Some("http://localhost.example.org"), false),
        ("127.0.0.1:8000", Some("http://127.0.0.1.example.org"), false),
        ("127.0.0.1:8000", Some("http://[::ffff:127.0.0.1]"), false),
    ] {
        let flags =
            Flags { bind: Some(bind.into()), public_url: public_url.map(Into::into), ..Flags::default() };
        let config = load_with(None, &[], &flags).unwrap().config;
        assert_eq!(config.is_local(), is_local, "{bind} {public_url:?}");
    }
}

/// Every secret on every key, right and wrong: nothing that is printed holds it.
#[test]
fn the_template_means_the_defaults_with_and_without_its_marks() {
    let defaults = format!("{:?}", Config::default());
    let template = template();
    assert_eq!(format!("{:?}", from_file(&template).unwrap().config), defaults);
    let bare: Vec<&str> = template
        .lines()
        .map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line))
        .collect();
    let loaded = from_file(&bare.join("\n")).unwrap();
    assert_eq!(format!("{:?}", loaded.config), defaults);
    assert_eq!(loaded.config.database_url.expose_secret(), "sqlite://data/usher.db");
    let set = loaded.origins.iter().filter(|origin| matches!(origin.source, Source::File(..))).count();
    assert_eq!(set, table::keys().filter(|key| key.spec.default.is_some()).count());
}
