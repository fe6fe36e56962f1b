//! Starts that cannot succeed: each ends soon, with the exit code of its kind (sysexits.h) and words that help.

use std::time::{Duration, Instant};

use crate::support::process::{Home, alone, process_story};
use crate::support::*;

const ANY_PORT: [&str; 2] = ["--bind", "127.0.0.1:0"];

#[test]
fn a_port_in_use() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("an address").to_string();
    let home = Home::new();
    let text = home.launch(&["--bind", &address]).refuses(69, &format!("cannot listen on {address}: "));
    assert!(text.contains("in use"), "{text}");
    assert!(!home.path("data").exists(), "nothing was made in vain");
}

#[test]
fn a_data_folder_that_cannot_be_made() {
    let home = Home::new();
    home.write("file", "");
    // Permissions would not stop root: a regular file and the kernel's own file system do.
    for folder in ["file/data", "/proc/usher"] {
        let text = home.launch(&["--data-dir", folder, "--bind", "127.0.0.1:0"]).refuses(70, folder);
        assert!(text.contains("cannot create"), "{text}");
    }
    home.launch(&["--database-url", "sqlite://file/usher.db", "--bind", "127.0.0.1:0"]).refuses(70, "file");
}

#[test]
fn a_database_that_is_not_there() {
    let mut home = Home::new();
    home.set("USHER_DATABASE_URL", "postgres://usher:hunter2@127.0.0.1:1/usher");
    let begun = Instant::now();
    for command in [&ANY_PORT[..], &["migrate", "status"], &["user", "list"]] {
        let text = home.launch(command).refuses(69, "database");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("refused"), "{text}");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_database_that_never_answers() {
    // Connections are taken by the kernel, and nobody reads.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    let mut home = Home::new();
    home.set("USHER_DATABASE_URL", format!("postgres://usher:hunter2@127.0.0.1:{port}/usher"));
    let begun = Instant::now();
    let text = home.launch(&ANY_PORT).refuses(69, "database");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_database_name_that_does_not_exist() {
    alone(async {
        let Some(database) = process::EmptyDatabase::on(Backend::Postgres).await else { return };
        let url = database.url().expect("a URL");
        let home = Home::new();
        let text = home
            .launch(&["--database-url", &format!("{url}x"), "--bind", "127.0.0.1:0"])
            .refuses(69, "does not exist");
        assert!(text.contains("database"), "{text}");
        database.remove().await;
    });
}

#[test]
fn a_file_that_is_no_database() {
    let home = Home::new();
    home.write("photo.db", &"not a database ".repeat(1000));
    home.launch(&["--database-url", "sqlite://photo.db", "--bind", "127.0.0.1:0"])
        .refuses(70, "file is not a database");
}

#[test]
fn a_faulty_configuration_with_all_its_faults_at_once() {
    let mut home = Home::new();
    home.write("usher.toml", "bnd = 'x'\n[jwt]\naccess_ttl = 'soon'\n[sesions]\nfresh_for = '1m'\n");
    home.set("USHER_JWT__ACCES_TTL", "15m");
    home.set("USHER_DATABASE_URL", "mysql://usher:hunter2@host/usher");
    let text = home.launch(&ANY_PORT).refuses(78, "");
    for part in [
        "bnd (usher.toml:1)",
        "jwt.access_ttl (usher.toml:3)",
        "[sesions] (usher.toml:4)",
        "[sessions]",
        "USHER_JWT__ACCES_TTL",
        "USHER_JWT__ACCESS_TTL",
        "database_url (environment USHER_DATABASE_URL)",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.lines().all(|line| line.starts_with("usher: ")), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!home.path("data").exists());
}

#[test]
fn production_without_what_it_needs() {
    let mut home = Home::new();
    home.set("USHER_PUBLIC_URL", "http://id.example.org");
    let text = home.launch(&ANY_PORT).refuses(78, "public_url");
    assert!(text.contains("mail.transport") && text.contains("mail.from"), "{text}");
}

process_story!(a_master_key_that_does_not_fit_the_database, async |mut home| {
    home.serve().stop();
    home.set("USHER_KEYS__MASTER_KEY", "9f3b1c77e05a4d2886be60f1d9c3a4527711e8cafe0b936d5582a1f04c7db3e6");
    let text = home.launch(&ANY_PORT).refuses(70, "another master key");
    assert!(text.contains("keys.master_key"), "{text}");
    home.set("USHER_KEYS__MASTER_KEY", "correct horse");
    let text = home.launch(&ANY_PORT).refuses(78, "keys.master_key");
    assert!(!text.contains("correct horse"), "{text}");
    home.unset("USHER_KEYS__MASTER_KEY");
    home.write("data/secrets/master.key", "correct horse");
    let text = home.launch(&ANY_PORT).refuses(70, "data/secrets/master.key");
    assert!(!text.contains("correct horse"), "{text}");
});

process_story!(a_schema_that_it_may_not_bring_up_to_date, async |mut home| {
    home.set("USHER_DATABASE__MIGRATE_ON_START", "false");
    home.launch(&ANY_PORT).refuses(69, "usher migrate up");
    home.usher(&["migrate", "up"]).success();
    home.serve().stop();
});
