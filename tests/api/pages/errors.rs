//! Errors of pages are pages.

use std::future::IntoFuture;

use super::ADA;
use super::cross_site::forms;
use crate::support::*;

story!(a_form_that_is_too_large_is_a_page, |config| config.http.body_limit = 1024, async |server| {
    let body = format!("token={}", "x".repeat(2000));
    // Signing out reads no body.
    for path in forms().into_iter().filter(|path| path != "/logout") {
        let request = server.post(&path).raw("application/x-www-form-urlencoded", body.clone());
        request.page().await.shows(413, "This is too large");
    }
});

story!(unknown_addresses_and_methods_stay_problems, async |server| {
    for path in ["/nowhere", "/verify/nowhere", "/login/x", "/%ff", "/.well-known/nowhere"] {
        server.get(path).await.refused(404, "Not Found");
    }
    let answer = server.delete("/login").await;
    answer.refused(405, "Method Not Allowed");
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    for path in ["/login/?next=/account", "/verify/?token=x"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (307, path.replace("/?", "?").as_str()));
    }
    for path in ["//login/", "///evil.example/"] {
        let answer = server.get(path).await;
        assert!(!answer.header("location").starts_with("//"), "{path}");
    }
});

story!(
    a_busy_database_is_a_page,
    |config| {
        config.database.pool_size = 1;
        config.database.acquire_timeout = seconds(1);
    },
    async |server| {
        server.unverified_user(ADA).await;
        let cookie = server.log_in(ADA, PASSWORD).await;
        let token = server.verify_token(ADA).await;
        let db = &server.app().db;
        // Every connection is taken: PostgreSQL has one, SQLite one to read and one to write.
        let reader = db.read().await.unwrap();
        let writer = if server.backend() == Backend::Sqlite { Some(db.write().await.unwrap()) } else { None };
        let link = format!("/verify?token={token}");
        let fields =
            [("username", ADA), ("email", "eve@example.com"), ("password", PASSWORD), ("token", &token)];
        // All at once, since each waits in vain for a connection.
        let mut pages = Vec::new();
        let mut heads = Vec::new();
        for path in [link.as_str(), "/", "/logout", "/signup"] {
            pages.push(server.get(path).cookie(&cookie));
            heads.push(server.request("HEAD", path).cookie(&cookie).into_future());
        }
        pages.push(server.post("/logout").cookie(&cookie));
        for path in ["/signup", "/login", "/verify", "/verify/resend", "/forgot-password"] {
            pages.push(server.post(path).form(&fields));
        }
        let (pages, heads) = tokio::join!(join_all(pages.into_iter().map(Request::page)), join_all(heads));
        for page in pages {
            page.shows(503, "Try again shortly");
            assert_eq!(page.header("retry-after"), "2");
        }
        for head in heads {
            assert_eq!((head.status, head.header("retry-after"), head.text()), (503, "2", ""));
        }
        // What needs no database is still there.
        server.get("/login").page().await.shows(200, "Sign in");
        drop((reader, writer));
        server.get("/").cookie(&cookie).page().await.shows(200, "You are signed in");
        server.get(&link).page().await.shows(200, "Confirm your e-mail address");
    }
);

story!(a_database_that_is_away_is_a_page, async |server| {
    server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    server.database().set_reachable(false).await;
    if server.backend() == Backend::Postgres {
        server.get("/").cookie(&cookie).page().await.shows(503, "Try again shortly");
        let fields = [("username", ADA), ("password", PASSWORD)];
        server.post("/login").form(&fields).page().await.shows(503, "Try again shortly");
    }
    server.database().set_reachable(true).await;
    server.get("/").cookie(&cookie).page().await.shows(200, "You are signed in");
});
