//! What every visitor gets: the start page, the files that pages load, documents, HEAD.

use std::io::{Read, Write};
use std::net::TcpStream;

use usher::error::ErrorKind;

use super::ADA;
use crate::support::*;

/// Status and body for a path that goes out as it is written.
fn get_as_written(server: &Server, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let host = server.address();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer[9..12].parse().unwrap(), answer)
}

story!(the_start_page_knows_who_is_there, async |server| {
    let page = server.get("/").page().await;
    page.shows(200, "Welcome");
    for path in ["/login", "/signup", "/forgot-password", "/docs/", "/dev/inbox"] {
        assert!(page.has(&format!("main a[href='{path}']")), "{path}");
    }
    server.unverified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let page = server.get("/").cookie(&cookie).page().await;
    page.shows(200, "You are signed in").says("This address is not confirmed yet");
    let resent = server.submit(&page, "/verify/resend", &[]).cookie(&cookie).page().await;
    resent.shows(200, "Look into your mailbox");
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    server
        .post("/verify")
        .form(&[("token", &token)])
        .page()
        .await
        .shows(200, "Your e-mail address is confirmed");
    let page = server.get("/").cookie(&cookie).page().await;
    assert!(!page.has("form[action='/verify/resend']"));
    let answer = server.submit(&page, "/logout", &[]).cookie(&cookie).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/logout"));
});

story!(head_is_get_without_a_body, async |server| {
    for path in [
        "/",
        "/signup",
        "/login",
        "/logout",
        "/verify",
        "/forgot-password",
        "/reset-password",
        "/invitation",
        "/setup",
        "/dev/inbox",
        "/problems/not-found",
        "/assets/usher.css",
    ] {
        let (get, head) = (server.get(path).await, server.request("HEAD", path).await);
        assert_eq!((get.status, head.status, head.text()), (200, 200, ""), "{path}");
        for name in
            ["content-type", "content-length", "content-security-policy", "referrer-policy", "cache-control"]
        {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    let head = server.request("HEAD", "/login?next=//evil.example").await;
    assert_eq!((head.status, head.text()), (400, ""));
});

story!(
    over_https_browsers_are_told_to_stay_there,
    |config| config.public_url = "https://id.example.org".into(),
    async |server| {
        // A year at least, and the names below (ASVS 3.4.1).
        for path in ["/", "/users/me", "/assets/usher.css", "/nowhere", "/livez"] {
            let answer = server.request("HEAD", path).await;
            assert_eq!(
                answer.header("strict-transport-security"),
                "max-age=31536000; includeSubDomains",
                "{path}"
            );
        }
    }
);

story!(over_http_nothing_is_said_of_https, async |server| {
    let page = server.get("/").page().await;
    assert!(!page.headers.contains_key("strict-transport-security"));
});

story!(files_may_be_kept_and_have_their_types, async |server| {
    for (name, media_type) in [
        ("usher.css", "text/css; charset=utf-8"),
        ("usher.js", "text/javascript; charset=utf-8"),
        ("usher.svg", "image/svg+xml"),
    ] {
        let file = server.get(&format!("/assets/{name}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, media_type));
        assert_eq!(file.header("cache-control"), "public, max-age=3600");
        assert!(!file.headers.contains_key("set-cookie"));
    }
    for name in ["nowhere.css", "", "mail/verify/body.html.j2", "usher.css/", "USHER.CSS"] {
        server.get(&format!("/assets/{name}")).await.refused(404, "Not Found");
    }
    // Pages load nothing but these.
    let page = server.get("/login").page().await;
    for (selector, name) in [("link[rel=stylesheet]", "href"), ("link[rel=icon]", "href"), ("script", "src")]
    {
        assert_eq!(server.get(page.attribute(selector, name)).await.status, 200);
    }
});

story!(no_path_leads_out_of_the_files, async |server| {
    for path in [
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e%2fpages/login.html.j2",
        "/assets/..\\Cargo.toml",
        "/assets/..%5cCargo.toml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/..;/Cargo.toml",
        "/assets/usher.css%00.svg",
        "/assets/....//Cargo.toml",
        "/problems/../Cargo.toml",
        "/problems/%2e%2e%2fCargo.toml",
    ] {
        let (status, answer) = get_as_written(&server, path);
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    assert_eq!(get_as_written(&server, "/assets/usher.css").0, 200);
});

story!(password_managers_find_the_way, async |server| {
    let answer = server.get("/.well-known/change-password").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/forgot-password"));
    let head = server.request("HEAD", "/.well-known/change-password").await;
    assert_eq!((head.status, head.header("location")), (303, "/forgot-password"));
    server.get(answer.header("location")).page().await.shows(200, "Forgot your password?");
});

story!(every_problem_is_explained, async |server| {
    for kind in ErrorKind::all() {
        let entry = kind.entry();
        let page = server.get(&format!("/problems/{}", entry.slug)).page().await;
        page.says(&format!("Status {}", entry.status)).says(entry.code);
        assert_eq!(page.status, 200, "{}", entry.slug);
    }
    for slug in ["nowhere", "", "UNAUTHORIZED", "%00"] {
        server.get(&format!("/problems/{slug}")).await.refused(404, "Not Found");
    }
});

story!(the_api_documentation_keeps_the_rules_of_pages, async |server| {
    let page = server.get("/docs/").await;
    assert_eq!((page.status, page.header("referrer-policy")), (200, "no-referrer"));
    let policy = page.header("content-security-policy");
    for directive in ["object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"]
    {
        assert!(policy.split(';').any(|part| part.trim() == directive), "{directive} is not in {policy}");
    }
    let answer = server.get("/docs").await;
    assert_eq!((answer.status, answer.header("location")), (307, "/docs/"));
});
