//! Errors of pages are pages.

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
        config.database.acquire_timeout = std::time::Duration::from_millis(100);
    },
    async |server| {
        server.unverified_user(ADA).await;
        let cookie = server.log_in(ADA, PASSWORD).await;
        let token = server.verify_token(ADA).await;
        let db = &server.app().db;
        // Every connection is taken: PostgreSQL has one, SQLite one to read and one to write.
        let reader = db.read().await.unwrap();
        let writer = if server.backend() == Backend::Sqlite { Some(db.write().await.unwrap()) } else { None };
        let paths = [format!("/verify?token={token}"), "/".into(), "/logout".into(), "/signup".into()];
        for path in &paths {
            let page = server.get(path).cookie(&cookie).page().await;
            page.shows(503, "Try again shortly");
            assert_eq!(page.header("retry-after"), "2");
            let head = server.request("HEAD", path).cookie(&cookie).await;
            assert_eq!((head.status, head.header("retry-after"), head.text()), (503, "2", ""));
        }
        let fields =
            [("username", ADA), ("email", "eve@example.com"), ("password", PASSWORD), ("token", &token)];
        for path in ["/signup", "/login", "/verify", "/verify/resend", "/forgot-password"] {
            let page = server.post(path).form(&fields).page().await;
            page.shows(503, "Try again shortly");
            assert_eq!(page.header("retry-after"), "2");
        }
        server.post("/logout").cookie(&cookie).page().await.shows(503, "Try again shortly");
        // What needs no database is still there.
        server.get("/login").page().await.shows(200, "Sign in");
        drop((reader, writer));
        server.get("/").cookie(&cookie).page().await.shows(200, "You are signed in");
        server.get(&paths[0]).page().await.shows(200, "Confirm your e-mail address");
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
