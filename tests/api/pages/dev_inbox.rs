//! The dev inbox: mails in a folder, for people on this machine only.

use super::{ADA, path_of};
use crate::support::*;

const GONE: &str = "Page not found";

/// Registers Ada at a server whose mails go into its folder, and gives the path of her mail.
async fn one_mail(server: &Server) -> String {
    server.get("/dev/inbox").page().await.shows(200, "Dev inbox").says("No mail yet.");
    server.register(ADA, PASSWORD).await;
    server.deliver().await;
    let list = server.get("/dev/inbox").page().await;
    list.shows(200, "Dev inbox").says(ADA);
    list.attribute("main ul a", "href").to_owned()
}

story!(a_mail_is_listed_shown_and_its_link_works, async |server| {
    let server = server.restart_with_its_own_transport().await;
    let path = one_mail(&server).await;
    let mail = server.get(&path).page().await;
    mail.says(&format!("{ADA} was given as the address of an account"));
    let link = mail.attribute("main pre a[href*='?token=']", "href");
    assert!(link.starts_with(&format!("{}/verify?token=", server.public_url())), "{link}");
    server.get(&path_of(&server, link)).page().await.shows(200, "Confirm your e-mail address");
    assert_eq!(mail.attribute("iframe", "sandbox"), "allow-popups allow-popups-to-escape-sandbox");
    assert_eq!(mail.attribute("iframe", "src"), format!("{path}/html"));
    // The newest comes first.
    server.post("/auth/forgot-password").json(json!({"email": ADA})).await.success(202);
    server.deliver().await;
    let list = server.get("/dev/inbox").page().await;
    assert_eq!(list.attribute("main li:last-child a", "href"), path);
    assert!(list.has("main li:nth-child(2) a") && !list.has("main li:nth-child(3)"));
});

story!(the_html_of_a_mail_is_shown_in_a_sandbox, async |server| {
    let server = server.restart_with_its_own_transport().await;
    let path = one_mail(&server).await;
    let html = server.get(&format!("{path}/html")).await;
    assert_eq!((html.status, html.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = html.header("content-security-policy");
    for directive in [
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ] {
        assert!(policy.split(';').any(|part| part.trim() == directive), "{directive} is not in {policy}");
    }
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"));
    assert_eq!(html.header("referrer-policy"), "no-referrer");
    assert!(html.text().contains("<base target=\"_blank\">") && html.text().contains("/verify?token="));
    let raw = server.get(&format!("{path}/raw")).await;
    assert_eq!((raw.status, raw.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(raw.text().contains("Subject: ") && raw.text().contains("multipart/alternative"));
});

story!(other_names_and_other_hosts_are_refused, async |server| {
    let server = server.restart_with_its_own_transport().await;
    let path = one_mail(&server).await;
    let all = ["/dev/inbox".to_owned(), path.clone(), format!("{path}/html"), format!("{path}/raw")];
    let port = server.address().rsplit_once(':').unwrap().1;
    for path in &all {
        for host in [
            "evil.example",
            &format!("evil.example:{port}"),
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "169.254.0.1",
        ] {
            server.get(path).header("host", host).page().await.shows(404, GONE);
        }
        for host in [format!("localhost:{port}"), format!("[::1]:{port}"), "127.0.0.1".into()] {
            assert_eq!(server.get(path).header("host", &host).await.status, 200, "{host}");
        }
    }
    for id in ["x", "00000000-0000-7000-8000-000000000000", "..%2F..%2Fusher", ".tmp", "%00"] {
        for tail in ["", "/html", "/raw"] {
            server.get(&format!("/dev/inbox/{id}{tail}")).page().await.shows(404, GONE);
        }
    }
});

story!(
    a_public_server_has_no_inbox,
    |config| config.public_url = "https://id.example.org".into(),
    async |server| {
        let server = server.restart_with_its_own_transport().await;
        server.register(ADA, PASSWORD).await;
        server.deliver().await;
        let host = server.address().to_owned();
        for host in ["id.example.org", "localhost", &host] {
            server.get("/dev/inbox").header("host", host).page().await.shows(404, GONE);
        }
        assert!(!server.get("/").page().await.has("a[href='/dev/inbox']"));
    }
);

story!(
    a_server_that_sends_its_mails_has_no_inbox,
    |config| config.mail.transport = "smtp://127.0.0.1:9".into(),
    async |server| {
        for path in ["/dev/inbox", "/dev/inbox/00000000-0000-7000-8000-000000000000"] {
            server.get(path).page().await.shows(404, GONE);
        }
        assert!(!server.get("/").page().await.has("a[href='/dev/inbox']"));
    }
);
