//! Every kind of fault, all told at once, and secrets: where they come from and that they stay in.

use super::*;

#[test]
fn unknown_names_come_with_the_nearest() {
    only_fault(from_file("[jwt]\nacces_ttl = '1m'"), &["jwt.acces_ttl", "usher.toml:2", "jwt.access_ttl"]);
    only_fault(
        from_file("[sessions]\naccess_ttl = '1m'"),
        &["sessions.access_ttl", "nearest is jwt.access_ttl"],
    );
    only_fault(from_file("bin = 'x'"), &["bin (", "nearest is bind"]);
    only_fault(from_file("[session]\nfresh_for = '1m'\nx = 1"), &["[session]", "nearest is [sessions]"]);
    only_fault(from_file("jwt = 3"), &["write [jwt]"]);
    only_fault(from_file("[bind]"), &["bind", "not a section"]);
    only_fault(from_file("config = 'x'"), &["config"]);
    only_fault(from_env(&[("USHER_SESSIONS_FRESH_FOR", "1m")]), &["nearest is USHER_SESSIONS__FRESH_FOR"]);
    only_fault(from_env(&[("USHER_JWT__AUDIENCE_FILE", "x")]), &["nearest is USHER_JWT__AUDIENCE"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let file = "[jwt]\nalgorithm = 'es256'\naccess_ttl = '1s'\nwrong = 1\n[passwords]\nmin_length = 'x'";
    let environment = [("USHER_BIND", "nowhere"), ("USHER_COOKIES__NAME", "a b"), ("USHER_NOPE", "")];
    let faults = load_with(Some(file), &environment, &Flags::default()).unwrap_err();
    assert_eq!(faults.len(), 7, "{faults:#?}");
    let all = faults.join("\n");
    for part in [
        "is written \"ES256\"",
        "10s to 1d",
        "jwt.wrong",
        "usher.toml:6",
        "environment USHER_BIND",
        "allowed: host:port",
    ] {
        assert!(all.contains(part), "{part:?} is not in\n{all}");
    }
}

#[test]
fn files_that_cannot_be_used() {
    only_fault(
        from_env(&[("USHER_CONFIG", "/nowhere/u.toml")]),
        &["/nowhere/u.toml", "environment USHER_CONFIG", "not found"],
    );
    let flags = Flags { config: Some("/nowhere/u.toml".into()), ..Flags::default() };
    only_fault(load_with(None, &[("USHER_CONFIG", "x")], &flags), &["flag --config"]);
    only_fault(
        from_file("bind = 'x'\n[mail]\ntransport = 'smtp://u:hunter2"),
        &["usher.toml:3:", "is not TOML"],
    );
    only_fault(from_file("[jwt]\n[jwt]"), &["usher.toml:2:", "is not TOML"]);
    assert!(load_with(None, &[], &Flags::default()).unwrap().file.is_none());
}

#[test]
fn keys_that_disagree_are_told() {
    only_fault(
        from_env(&[("USHER_PASSWORDS__MEMORY_KIB", "8"), ("USHER_PASSWORDS__PARALLELISM", "2")]),
        &["passwords.memory_kib"],
    );
    only_fault(from_env(&[("USHER_MAIL__LEASE", "10s")]), &["mail.lease"]);
    only_fault(from_env(&[("USHER_KEYS__ROTATE_EVERY", "1h")]), &["keys.rotate_every"]);
    only_fault(from_env(&[("USHER_TOKENS__LENGTH", "41")]), &["tokens.length", "even"]);
    let environment = [("USHER_JWT__ALGORITHM", "HS256"), ("USHER_JWT__PRIVATE_KEY_FILE", "k.pem")];
    only_fault(from_env(&environment), &["jwt.private_key_file"]);
}

#[test]
fn settings_of_tokens_are_checked() {
    for (name, wrong) in [
        ("ttl", &["10", "ever", "-1h", "", "Never", "99999999999d"][..]),
        ("prefix", &["elevenchars", "a b", "a.b", "ü"]),
        ("header_prefix", &["", "To ken", "Token:", "Bearer2"]),
        ("length", &["39", "129", "x"]),
        ("expiry_format", &["%", "%&"]),
    ] {
        for value in wrong {
            let variable = format!("USHER_TOKENS__{}", name.to_uppercase());
            let faults =
                from_env(&[(&variable, value)]).map(|_| ()).expect_err(&format!("{variable}={value}"));
            assert!(faults.len() == 1 && faults[0].contains(&format!("tokens.{name}")), "{faults:?}");
        }
    }
    for (name, value) in
        [("PREFIX", ""), ("TTL", "0"), ("TTL", "1500ms"), ("EXPIRY_FORMAT", "%Y-%m-%dT%H:%M")]
    {
        let loaded = from_env(&[(&format!("USHER_TOKENS__{name}"), value)]);
        assert!(loaded.is_ok(), "{name}={value}: {:?}", loaded.err());
    }
}

#[test]
fn production_rules_join_the_other_faults() {
    let environment = [("USHER_BIND", "0.0.0.0:8000"), ("USHER_MAIL__TRANSPORT", "pigeon")];
    let environment = environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let given = gather(Path::new("/nowhere"), &Flags::default(), environment.into_iter());
    let faults = load::judge(given, false).unwrap_err();
    let subjects: Vec<&str> = faults.iter().map(|fault| fault.subject.as_str()).collect();
    assert_eq!(subjects, ["mail.transport", "public_url", "mail.from"], "{faults}");
    assert!(load::judge(Given::default(), false).is_ok());
    assert_eq!(load::judge(Given::default(), true).unwrap_err().iter().count(), 3);
    // A broken file says nothing about what it would have set.
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(DEFAULT_FILE), "bind =").unwrap();
    let given = gather(folder.path(), &Flags::default(), std::iter::empty());
    assert_eq!(load::judge(given, true).unwrap_err().iter().count(), 1);
}

#[test]
fn secrets_are_never_printed() {
    let urls = [
        ("USHER_DATABASE_URL", "postgres://u:hunter2@h/d"),
        ("USHER_MAIL__TRANSPORT", "smtp://u:hunter2@h"),
        ("USHER_KEYS__MASTER_KEY", KEY),
    ];
    let loaded = from_env(&urls).unwrap();
    let printed = format!("{loaded:?}");
    assert!(!printed.contains(SECRET) && !printed.contains(KEY), "{printed}");
    assert!(printed.contains("postgres://u:***@h/d"));
    for key in table::keys() {
        let faults = match from_env(&[(&key.variable(), "\u{7f}hunter2@@:::")]) {
            Err(faults) => faults.join("\n"),
            Ok(_) => continue,
        };
        assert!(!faults.contains(SECRET), "{faults}");
        let file = match key.path.split_once('.') {
            Some((section, name)) => format!("[{section}]\n{name} = ['hunter2']"),
            None => format!("{} = {{ a = 'hunter2' }}", key.path),
        };
        let faults = from_file(&file).unwrap_err().join("\n");
        assert!(!faults.contains(SECRET), "{faults}");
    }
    let broken = from_file("[mail]\ntransport = 'smtp://u:hunter2@h\n[keys]\nmaster_key = hunter2")
        .unwrap_err()
        .join("\n");
    assert!(!broken.contains(SECRET), "{broken}");
    let misplaced = from_env(&[("USHER_KEYS__MASTER_KEY_FILE", SECRET)]).unwrap_err().join("\n");
    assert!(!misplaced.contains(SECRET), "{misplaced}");
    let flags = Flags { database_url: Some("postgres://u:hunter2@h/d".into()), ..Flags::default() };
    assert!(!format!("{flags:?}").contains(SECRET));
}

#[test]
fn secrets_come_from_files_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("key");
    let path = path.to_str().unwrap();
    for (content, is_fine) in [
        (format!("{KEY}\n"), true),
        (format!("{KEY}\r\n"), true),
        (KEY.into(), true),
        (format!("{KEY}\n\n"), false),
    ] {
        std::fs::write(path, content).unwrap();
        let result = from_env(&[("USHER_KEYS__MASTER_KEY_FILE", path)]);
        assert_eq!(result.is_ok(), is_fine);
        if let Ok(loaded) = result {
            assert_eq!(loaded.config.keys.master_key.unwrap().expose_secret(), KEY);
        }
    }
    only_fault(
        from_env(&[("USHER_KEYS__MASTER_KEY_FILE", path), ("USHER_KEYS__MASTER_KEY", KEY)]),
        &["keys.master_key", "both set", "USHER_KEYS__MASTER_KEY_FILE"],
    );
    only_fault(
        from_env(&[("USHER_MAIL__TRANSPORT_FILE", "/nowhere/x")]),
        &["mail.transport", "USHER_MAIL__TRANSPORT_FILE", "not found"],
    );
    std::fs::write(path, "postgres://u:p@h/d\n").unwrap();
    let loaded = from_env(&[("USHER_DATABASE_URL_FILE", path)]).unwrap();
    assert_eq!(loaded.config.database_url.expose_secret(), "postgres://u:p@h/d");
}
