//! The command line: what each command prints, and its exit code (sysexits.h).

use std::collections::BTreeSet;

use usher::mail::MailKind;

use crate::support::process::{EmptyDatabase, Home, alone, eventually, eventually_so, process_story};
use crate::support::*;

const ADA: &str = "ada@example.com";
const ROOT: &str = "root@example.com";

/// Makes an account from the shell.
#[track_caller]
fn create(home: &Home, email: &str, flags: &[&str]) -> Value {
    let command = [&["user", "create", "--email", email, "--password-stdin", "--json"], flags].concat();
    home.usher_with(&command, PASSWORD).json()
}

#[test]
fn version_help_and_what_is_unknown() {
    let home = Home::new();
    let version = home.usher(&["--version"]).success();
    assert_eq!(version, format!("usher {}\n", env!("CARGO_PKG_VERSION")));
    let help = home.usher(&["--help"]).success();
    for command in ["serve", "migrate", "user", "keys", "mail", "openapi", "config", "health"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} in {help}");
        assert!(!home.usher(&[command, "--help"]).success().is_empty());
    }
    home.usher(&["sevre"]).fails(2, "unrecognized subcommand");
    home.usher(&["serve", "--prot", "1"]).fails(2, "unexpected argument");
    home.usher(&["user", "set-password", ADA]).fails(2, "--password-stdin");
    assert!(!home.path("data").exists());
}

process_story!(migrations, async |home| {
    let names: BTreeSet<String> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite"))
            .expect("the migrations")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
    let all: Vec<String> = names.into_iter().collect();
    let status = || home.usher(&["migrate", "status", "--json"]).json();
    assert_eq!(status(), json!({"applied": [], "pending": all}));
    assert!(home.usher(&["migrate", "status"]).success().contains(&format!("pending  {}\n", all[0])));
    assert_eq!(home.usher(&["migrate", "up", "--json"]).json(), json!({"applied": all}));
    assert_eq!(status(), json!({"applied": all, "pending": []}));
    assert!(home.usher(&["migrate", "status"]).success().contains(&format!("applied  {}\n", all[0])));
    assert_eq!(home.usher(&["migrate", "up"]).success(), "nothing to do\n");
    assert_eq!(home.usher(&["migrate", "up", "--json"]).json(), json!({"applied": []}));
    home.serve().stop();
});

process_story!(accounts_while_the_server_runs, async |home| {
    let server = home.serve();
    let root = create(&home, ROOT, &["--superuser", "--verified"]);
    assert_eq!((&root["email"], &root["is_superuser"]), (&json!(ROOT), &json!(true)));
    let tokens = server.sign_in(ROOT, PASSWORD).await;
    assert_eq!(server.get("/users/me").bearer(&tokens.access).await.success(200)["id"], root["id"]);

    let ada = create(&home, ADA, &[]);
    assert_eq!((&ada["is_superuser"], &ada["is_verified"]), (&json!(false), &json!(false)));
    assert!(home.mail_to(ADA).text.contains("/verify?token="), "an unverified address is to be verified");
    let users = home.usher(&["user", "list", "--json"]).json();
    let emails: Vec<&Value> = users.as_array().expect("a list").iter().map(|user| &user["email"]).collect();
    assert_eq!(emails, [&json!(ADA), &json!(ROOT)]);
    let users = home.usher(&["user", "list", "--prefix", "ROOT", "--json"]).json();
    assert_eq!(users[0]["id"], root["id"]);
    assert_eq!(users.as_array().map(Vec::len), Some(1));
    let listed = home.usher(&["user", "list", "--limit", "1"]).success();
    assert_eq!(listed.lines().count(), 1);
    assert!(listed.contains(ADA) && listed.contains("active,unverified"), "{listed}");

    let id = ada["id"].as_str().expect("an id");
    for who in [ADA, "ADA@Example.COM", id] {
        assert_eq!(home.usher(&["user", "show", who, "--json"]).json()["id"], id, "{who}");
    }
    assert!(home.usher(&["user", "show", ADA]).success().contains("last sign-in  never"));
    home.usher(&["user", "promote", ADA]).success();
    let tokens = server.sign_in(ADA, PASSWORD).await;
    server.get("/users").bearer(&tokens.access).await.success(200);

    let set = ["user", "set-password", ADA, "--password-stdin"];
    home.usher_with(&set, "battery staple horse\n").success();
    assert!(!server.is_signed_in(&tokens.access).await, "a new password ends the sessions");
    let tokens = server.sign_in(ADA, "battery staple horse").await;
    home.usher(&["user", "disable", ADA]).success();
    assert!(!server.is_signed_in(&tokens.access).await);
    home.usher(&["user", "delete", ADA]).success();
    home.usher(&["user", "show", ADA]).fails(67, ADA);
    server.stop();
});

process_story!(accounts_that_are_refused, async |home| {
    create(&home, ROOT, &["--superuser", "--verified"]);
    let new = |email: &str, password: &str| {
        home.usher_with(&["user", "create", "--email", email, "--password-stdin"], password)
    };
    new("Root@Example.com", PASSWORD).fails(65, "There is an account with this email address.");
    new("root", PASSWORD).fails(65, "--email");
    new(ADA, "short").fails(65, "at least 8 characters");
    new(ADA, "password123").fails(65, "common");
    new(ADA, "").fails(65, "standard input holds no password");
    new(ADA, "\n").fails(65, "standard input holds no password");
    home.usher_with(&["user", "set-password", ROOT, "--password-stdin"], "short").fails(65, "characters");
    for action in ["show", "promote", "disable", "delete"] {
        home.usher(&["user", action, ADA]).fails(67, ADA);
        home.usher(&["user", action, "nonsense"]).fails(67, "nonsense");
    }
    home.usher(&["user", "disable", ROOT]).fails(65, "last active superuser");
    home.usher(&["user", "delete", ROOT]).fails(65, "last active superuser");
    let users = home.usher(&["user", "list", "--json"]).json();
    assert_eq!(users.as_array().map(Vec::len), Some(1));
    assert_eq!((&users[0]["is_active"], &users[0]["is_superuser"]), (&json!(true), &json!(true)));
});

process_story!(one_newline_at_the_end_of_a_password_is_not_part_of_it, async |home| {
    let server = home.serve();
    for (email, typed, password) in [
        ("a@example.com", "pass phrase one", "pass phrase one"),
        ("b@example.com", "pass phrase two\n", "pass phrase two"),
        ("c@example.com", "pass phrase three\r\n", "pass phrase three"),
        ("d@example.com", " pass phrase four \n\n", " pass phrase four \n"),
        ("e@example.com", "pass\nphrase\rfive\n", "pass\nphrase\rfive"),
        ("f@example.com", "pass phrase six\r", "pass phrase six\r"),
    ] {
        home.usher_with(&["user", "create", "--email", email, "--password-stdin"], typed).success();
        server.sign_in(email, password).await;
    }
    server.stop();
});

process_story!(an_account_without_a_password_is_invited, async |home| {
    let server = home.serve();
    home.usher(&["user", "create", "--email", ADA]).success();
    let mail = home.mail_to(ADA);
    let invited = server.post("/invitation").form(&[("token", mail.token()), ("password", PASSWORD)]).await;
    assert_eq!(invited.status, 200, "{}", invited.text());
    server.sign_in(ADA, PASSWORD).await;
    server.stop();
});

process_story!(keys_are_listed_and_rotated, async |home| {
    let server = home.serve();
    server.register(ADA, PASSWORD).await;
    let old = server.sign_in(ADA, PASSWORD).await;
    let states = |keys: &Value| -> Vec<String> {
        let keys = keys.as_array().expect("a list");
        keys.iter().map(|key| key["state"].as_str().expect("a state").to_owned()).collect()
    };
    let keys = home.usher(&["keys", "list", "--json"]).json();
    assert_eq!(states(&keys), ["signing"]);
    let published = server.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(published["keys"][0]["kid"], keys[0]["kid"]);

    let keys = home.usher(&["keys", "rotate", "--json"]).json();
    assert_eq!(states(&keys), ["signing", "next"]);
    let second = home.serve();
    let published = second.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2), "published before it signs");
    second.stop();

    let keys = home.usher(&["keys", "rotate", "--now", "--json"]).json();
    // The one that was to sign tomorrow never signs.
    assert_eq!(states(&keys), ["old", "signing"]);
    assert!(home.usher(&["keys", "list"]).success().lines().any(|line| line.starts_with("signing")));
    let second = home.serve();
    let new = second.sign_in(ADA, PASSWORD).await;
    assert!(second.is_signed_in(&old.access).await, "the tokens of the old key live on");
    // The first server has not heard of the new key; a token that names it makes it look, though not for each.
    eventually_so("the new key is known", async || server.is_signed_in(&new.access).await).await;
    let published = server.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2));
    server.stop();
    second.stop();
});

process_story!(mails_that_are_not_out, async |mut home| {
    home.set("USHER_MAIL__TRANSPORT", "smtp://127.0.0.1:1?tls=none");
    home.set("USHER_MAIL__MAX_ATTEMPTS", "1");
    assert_eq!(home.usher(&["mail", "list", "--json"]).json(), json!([]));
    let server = home.serve();
    server.register(ADA, PASSWORD).await;
    let failed = || home.usher(&["mail", "list", "--failed", "--json"]).json();
    let mail = eventually("it is given up", || failed().get(0).cloned());
    assert_eq!((&mail["kind"], &mail["recipient"]), (&json!("verify"), &json!(ADA)));
    assert_eq!((&mail["state"], &mail["attempts"]), (&json!("failed"), &json!(1)));
    assert!(mail["last_error"].as_str().expect("why").contains("refused"), "{mail}");
    let id = mail["id"].as_str().expect("an id");
    let listed = home.usher(&["mail", "list"]).success();
    assert!(listed.contains(id) && listed.contains("failed") && listed.contains("refused"), "{listed}");
    server.stop();

    home.usher(&["mail", "retry", "nonsense"]).fails(65, "no id");
    home.usher(&["mail", "retry", "0192b2a6-7f0e-7cc3-b6a4-2f6d5b8f3a11"]).fails(67, "no given-up mail");
    home.usher(&["mail", "retry"]).fails(2, "<ID>");
    assert_eq!(home.usher(&["mail", "retry", id]).success(), "1 to be sent again\n");
    assert_eq!(home.usher(&["mail", "retry", "--all"]).success(), "0 to be sent again\n");
    assert_eq!(failed(), json!([]));
    assert_eq!(home.usher(&["mail", "list", "--json"]).json()[0]["state"], "queued");
    home.set("USHER_MAIL__TRANSPORT", "outbox");
    let server = home.serve();
    assert!(home.mail_to(ADA).text.contains("token="));
    eventually("nothing waits", || {
        (home.usher(&["mail", "list", "--json"]).json() == json!([])).then_some(())
    });
    server.stop();
});

#[test]
fn samples_of_mails() {
    let mut home = Home::new();
    home.set("USHER_MAIL__PRODUCT", "Acme");
    for kind in MailKind::ALL {
        let text = home.usher(&["mail", "render", kind.as_str()]).success();
        assert!(text.starts_with("Subject: ") && text.contains("Acme"), "{text}");
        assert_eq!(text.contains("token="), !kind.is_notice(), "{text}");
        let html = home.usher(&["mail", "render", kind.as_str(), "--html"]).success();
        assert!(html.trim_start().to_lowercase().starts_with("<!doctype html>"), "{html}");
    }
    let text = home.usher(&["mail", "render", "greeting"]).fails(65, "unknown kind");
    assert!(MailKind::ALL.iter().all(|kind| text.contains(kind.as_str())), "{text}");
    assert!(!home.path("data").exists());
}

#[test]
fn the_openapi_document() {
    let home = Home::new();
    let printed = home.usher(&["openapi"]).json();
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json"));
    let committed: Value = serde_json::from_str(&committed.expect("the document")).expect("JSON");
    assert_eq!(printed, committed);
    assert!(!home.path("data").exists());
}

#[test]
fn the_configuration() {
    let mut home = Home::new();
    home.unset("USHER_PUBLIC_URL");
    home.write("usher.toml", "bind = '127.0.0.1:0'\n[mail]\nproduct = 'Acme'\n");
    home.set("USHER_DATABASE_URL", "postgres://usher:hunter2@db/usher");
    let text = home.usher(&["config", "show", "--origin", "--data-dir", "elsewhere"]).success();
    for line in [
        "bind = \"127.0.0.1:0\"  # usher.toml:1",
        "product = \"Acme\"  # usher.toml:3",
        "data_dir = \"elsewhere\"  # flag --data-dir",
        "database_url = \"postgres://usher:***@db/usher\"  # environment USHER_DATABASE_URL",
        "access_ttl = \"15m\"  # default",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    let shown = home.usher(&["config", "show", "--origin", "--json"]).json();
    assert_eq!(shown["mail"]["product"], json!({"value": "Acme", "origin": "usher.toml:3"}));
    assert_eq!(home.usher(&["config", "show", "--json"]).json()["mail"]["product"], "Acme");
    home.usher(&["config", "check"]).success();
    let text = home.usher(&["config", "check", "--production"]).fails(78, "public_url");
    assert!(text.contains("mail.transport") && text.contains("mail.from"), "{text}");
    let reference = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md"));
    assert_eq!(home.usher(&["config", "reference"]).success().trim(), reference.expect("the page").trim());

    home.usher(&["config", "init", "--write"]).fails(73, "usher.toml is already there");
    let written = home.usher(&["config", "init", "--write", "--config", "new.toml"]).success();
    assert!(written.contains("new.toml"), "{written}");
    let template = std::fs::read_to_string(home.path("new.toml")).expect("the file");
    assert_eq!(home.usher(&["config", "init"]).success(), template);
    home.usher(&["config", "check", "--config", "new.toml"]).success();
    home.usher(&["config", "check", "--config", "missing.toml"]).fails(78, "missing.toml");
}

#[test]
fn health_of_a_server() {
    let home = Home::new();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let free = socket.local_addr().expect("an address").to_string();
    drop(socket);
    home.usher(&["health", "--bind", &free]).fails(69, &free);
    let server = home.serve();
    let answer = home.usher(&["health", "--bind", server.address()]).json();
    assert_eq!(answer["database"], "ok");
    let port = server.address().rsplit(':').next().expect("a port");
    home.usher(&["health", "--bind", &format!("localhost:{port}")]).success();
    server.stop();
}

#[test]
fn health_without_the_database() {
    alone(async {
        let Some(database) = EmptyDatabase::on(Backend::Postgres).await else { return };
        let mut home = Home::new();
        home.set("USHER_DATABASE_URL", database.url().expect("a URL"));
        let server = home.serve();
        home.usher(&["health", "--bind", server.address()]).success();
        database.remove().await;
        let text = home.usher(&["health", "--bind", server.address()]).fails(69, "not ready");
        assert!(text.contains("\"database\":\"unavailable\""), "{text}");
    });
}

process_story!(a_running_server_signs_with_a_rotated_key_by_itself, async |home| {
    let server = home.serve();
    server.register(ADA, PASSWORD).await;
    let old = Jwt::read(&server.sign_in(ADA, PASSWORD).await.access).header["kid"].clone();
    home.usher(&["keys", "rotate", "--now"]).success();
    eventually_so("the server signs with the new key", async || {
        Jwt::read(&server.sign_in(ADA, PASSWORD).await.access).header["kid"] != old
    })
    .await;
    server.stop();
});

process_story!(a_lost_master_key_is_named_and_not_replaced, async |home| {
    home.serve().stop();
    let file = home.path("data/secrets/master.key");
    let key = std::fs::read(&file).expect("a key");
    std::fs::remove_file(&file).expect("the key goes");
    home.launch(&["--bind", "127.0.0.1:0"]).refuses(70, "master.key is missing");
    assert!(!file.exists(), "no other key takes its place");
    std::fs::write(&file, key).expect("the key comes back");
    home.serve().stop();
});
