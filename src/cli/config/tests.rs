//! `usher config` as people see it: what it prints and how it ends.

use super::*;
use crate::cli::failure::EXIT_CONFIG;

fn environment(pairs: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    pairs.into_iter()
}

fn output(command: &ConfigCommand, pairs: &[(&str, &str)]) -> Result<String, Failure> {
    let mut out = Vec::new();
    run(command, &Flags::default(), environment(pairs), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn show_is_toml_with_origins_and_without_secrets() {
    let pairs = [
        ("USHER_DATABASE_URL", "postgres://u:hunter2@h/d"),
        ("USHER_KEYS__MASTER_KEY", "9f3b1c77e05a4d2886be60f1d9c3a4527711e8cafe0b936d5582a1f04c7db3e6"),
    ];
    let text = output(&ConfigCommand::Show { origin: true, json: false }, &pairs).unwrap();
    for line in [
        "bind = \"127.0.0.1:8000\"  # default",
        "database_url = \"postgres://u:***@h/d\"  # environment USHER_DATABASE_URL",
        "[jwt]",
        "access_ttl = \"15m\"  # default",
        "# private_key_file is unset  # default",
        "master_key = \"***\"  # environment USHER_KEYS__MASTER_KEY",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(toml::from_str::<toml::Table>(&text).is_ok());
}

#[test]
fn show_json_is_data_only() {
    let text = output(&ConfigCommand::Show { origin: false, json: true }, &[]).unwrap();
    let document: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(document["bind"], "127.0.0.1:8000");
    assert_eq!(document["jwt"]["access_ttl"], "15m");
    assert_eq!(document["passwords"]["queue"], 256);
    assert_eq!(document["accounts"]["registration"], true);
    assert_eq!(document["keys"]["master_key"], Json::Null);
    let text =
        output(&ConfigCommand::Show { origin: true, json: true }, &[("USHER_BIND", "[::1]:1")]).unwrap();
    let document: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(document["bind"], json!({"value": "[::1]:1", "origin": "environment USHER_BIND"}));
}

#[test]
fn check_says_valid_or_lists_every_fault() {
    let command = ConfigCommand::Check { production: false };
    assert_eq!(output(&command, &[]).unwrap(), "configuration is valid\n");
    let failure = output(&command, &[("USHER_BIND", "x"), ("USHER_NOPE", "")]).unwrap_err();
    assert_eq!((failure.code, failure.message.lines().count()), (EXIT_CONFIG, 2));
    let failure = output(&ConfigCommand::Check { production: true }, &[]).unwrap_err();
    assert_eq!((failure.code, failure.message.lines().count()), (EXIT_CONFIG, 3));
    // What `usher serve` would refuse is never called valid.
    assert!(output(&command, &[("USHER_BIND", "0.0.0.0:8000")]).is_err());
}

#[test]
fn init_writes_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("usher.toml");
    let flags = Flags { config: Some(path.clone()), ..Flags::default() };
    let command = ConfigCommand::Init { write: true };
    let mut out = Vec::new();
    run(&command, &flags, environment(&[]), &mut out).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), config::template());
    let failure = run(&command, &flags, environment(&[]), &mut out).unwrap_err();
    assert_eq!(failure.code, EXIT_CANNOT_CREATE);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_command_line_parses() {
    use clap::Parser;
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: ConfigCommand,
    }
    let line = Line::try_parse_from(["config", "show", "--origin", "--bind", "[::1]:1"]).ok().unwrap();
    assert_eq!(line.flags.bind.as_deref(), Some("[::1]:1"));
    assert!(matches!(line.command, ConfigCommand::Show { origin: true, json: false }));
}
