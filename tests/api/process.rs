//! The server as a process: how it starts, what it leaves on the disk and in the log, how it stops.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::process::{Home, alone, eventually, process_story};
use crate::support::*;

/// Path and mode of everything below a folder.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let meta = std::fs::symlink_metadata(&path).expect("a file");
        found.push((path.display().to_string(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            found.extend(modes(&path));
        }
    }
    found
}

#[test]
fn starts_in_an_empty_folder_without_configuration_and_keeps_its_files_private() {
    alone(async {
        let home = Home::bare();
        let server = home.serve();
        server.register("ada@example.com", PASSWORD).await;
        server.sign_in("ada@example.com", PASSWORD).await;
        home.mail_to("ada@example.com");
        let data = home.path("data");
        assert_eq!(std::fs::metadata(&data).expect("it is there").permissions().mode() & 0o777, 0o700);
        let found = modes(&data);
        for name in ["usher.db", "usher.db-wal", "secrets/master.key", "secrets/setup-link", "outbox/.tmp"] {
            let path = data.join(name).display().to_string();
            assert!(found.iter().any(|(found, _)| *found == path), "{path} in {found:?}");
        }
        for (path, mode) in found {
            let expected = if Path::new(&path).is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{path}: {mode:o}");
        }
        let seen = std::fs::read_dir(home.path(".")).expect("a folder").count();
        assert_eq!(seen, 1, "nothing but the data folder");
        server.stop();
    });
}

process_story!(the_log_is_json_and_holds_no_secret, async |mut home| {
    home.set("USHER_LOG__LEVEL", "debug");
    let server = home.serve();
    let ready = server.logged("ready");
    assert_eq!(ready["home"], "http://localhost:8000/");
    assert_eq!(ready["address"], server.address());
    server.register("ada@example.com", PASSWORD).await;
    let tokens = server.sign_in("ada@example.com", PASSWORD).await;
    let link_token = home.mail_to("ada@example.com").token().to_owned();
    server.get(&format!("/verify?token={link_token}")).await;
    server.post("/auth/verify").json(json!({"token": link_token})).await.success(200);
    server.get("/users/me").bearer(&tokens.access).await.success(200);
    server.post("/auth/jwt/refresh").json(json!({"refresh_token": tokens.refresh})).await.success(200);
    let named = server.logged("there is no superuser yet");
    let file = named["file"].as_str().expect("a path");
    assert_eq!(file, "data/secrets/setup-link");
    let setup_link = std::fs::read_to_string(home.path(file)).expect("the link");
    let (page, setup_token) = setup_link.split_once("?token=").expect("a token");
    assert_eq!(page, "http://localhost:8000/setup");
    let master_key = std::fs::read_to_string(home.path("data/secrets/master.key")).expect("the key");
    let log = server.log();
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(entry["timestamp"].is_string() && entry["level"].is_string(), "{line}");
    }
    for secret in [PASSWORD, setup_token, &link_token, &tokens.access, &tokens.refresh, &master_key] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    server.stop();
});

process_story!(the_setup_link_makes_one_superuser_and_is_gone_then, async |home| {
    let server = home.serve();
    server.logged("there is no superuser yet");
    let file = home.path("data/secrets/setup-link");
    let first = std::fs::read_to_string(&file).expect("the link");
    server.stop();
    let server = home.serve();
    server.logged("there is no superuser yet");
    let second = std::fs::read_to_string(&file).expect("the link");
    let use_link = async |link: &str, email: &str| {
        let (_, token) = link.split_once("?token=").expect("a token");
        let fields = [("token", token), ("email", email), ("password", PASSWORD)];
        let status = server.post("/setup").form(&fields).page().await.status;
        assert!(matches!(status, 200 | 400), "{status}");
        status == 200
    };
    assert!(!use_link(&first, "root@example.com").await, "a newer link replaces it");
    assert!(use_link(&second, "root@example.com").await);
    assert!(!use_link(&second, "another@example.com").await, "once");
    let tokens = server.sign_in("root@example.com", PASSWORD).await;
    let users = server.get("/users").bearer(&tokens.access).await.success(200);
    assert_eq!(users["items"].as_array().map(Vec::len), Some(1));
    server.stop();
    let server = home.serve();
    server.logged("ready");
    server.get("/livez").await;
    assert!(!server.log().contains("superuser"), "{}", server.log());
    assert!(!file.exists(), "a dead link is not kept");
    server.stop();
});

/// Sends the head of a sign-in and waits until the server asks for the body.
async fn begin_sign_in(address: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let head = format!(
        "POST /auth/jwt/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut word = [0; 25];
    stream.read_exact(&mut word).await.expect("it answers");
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

process_story!(sigterm_lets_running_requests_finish_and_takes_no_new_ones, async |mut home| {
    let server = home.serve();
    server.register("ada@example.com", PASSWORD).await;
    server.stop();
    // A sign-in that takes its time: the hash is checked, and renewed under these parameters.
    home.set("USHER_PASSWORDS__MEMORY_KIB", "65536");
    home.set("USHER_PASSWORDS__ITERATIONS", "5");
    let mut server = home.serve();
    let body = json!({"username": "ada@example.com", "password": PASSWORD}).to_string();
    let mut running = begin_sign_in(server.address(), &body).await;
    // A client that keeps its connection for later must not hold the server up.
    let idle = TcpStream::connect(server.address()).await.expect("the server listens");
    server.get("/livez").await;
    let asked = Instant::now();
    server.terminate();
    server.logged("draining");
    eventually("new connections are refused", || std::net::TcpStream::connect(server.address()).err());
    running.write_all(body.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(asked.elapsed() < Duration::from_secs(20), "it does not wait for http.shutdown_timeout");
    server.logged("stopped");
    drop(idle);
});

process_story!(the_next_start_goes_on_where_the_last_one_ended, async |home| {
    let server = home.serve();
    server.register("ada@example.com", PASSWORD).await;
    let tokens = server.sign_in("ada@example.com", PASSWORD).await;
    let keys = server.get("/.well-known/jwks.json").await.success(200);
    server.stop();
    let server = home.serve();
    assert_eq!(server.get("/.well-known/jwks.json").await.success(200), keys);
    assert!(server.is_signed_in(&tokens.access).await);
    let refresh = json!({"refresh_token": tokens.refresh});
    let next = Tokens::of(&server.post("/auth/jwt/refresh").json(refresh).await.success(200));
    assert!(server.is_signed_in(&next.access).await);
    server.sign_in("ada@example.com", PASSWORD).await;
    server.stop();
});
