//! Requests that another site made the browser send (ASVS 3.5.1).

use super::ADA;
use crate::support::*;

/// Every page that takes a POST, off the OpenAPI document.
pub(super) fn forms() -> Vec<String> {
    let document = serde_json::to_value(usher::routes::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let forms: Vec<String> = paths
        .iter()
        .filter(|(_, item)| item["post"]["tags"] == json!(["Pages"]))
        .map(|(path, _)| path.clone())
        .collect();
    assert!(forms.len() >= 9, "{forms:?}");
    forms
}

fn with(request: Request, headers: &[(&str, &str)]) -> Request {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// What a browser says when a page of somebody else made it act.
fn foreign(server: &Server) -> Vec<Vec<(&'static str, String)>> {
    let (own, host) = (server.public_url().to_owned(), server.address().to_owned());
    vec![
        vec![("sec-fetch-site", "cross-site".into())],
        vec![("sec-fetch-site", "cross-site".into()), ("origin", own.clone())],
        vec![("sec-fetch-site", "same-site".into()), ("origin", "http://127.0.0.1:1".into())],
        vec![("sec-fetch-site", "same-origin".into()), ("origin", "https://evil.example".into())],
        vec![("sec-fetch-site", "none".into()), ("origin", "null".into())],
        vec![("origin", "https://evil.example".into())],
        vec![("origin", "null".into())],
        vec![("origin", String::new())],
        vec![("origin", own.replace("http:", "https:"))],
        vec![("origin", format!("{own}.evil.example"))],
        vec![("origin", format!("{own}@evil.example"))],
        vec![("origin", own.replace("127.0.0.1", "127.0.0.2"))],
        vec![("origin", "https://evil.example".into()), ("referer", format!("{own}/login"))],
        // No text that a browser would write, and so no sign of innocence.
        vec![("origin", "https://\u{e9}vil.example".into())],
        vec![("referer", "https://\u{e9}vil.example/".into())],
        vec![("referer", "https://evil.example/login".into())],
        vec![("referer", format!("https://evil.example/{host}"))],
        vec![("referer", format!("http://{host}@evil.example/"))],
        vec![("referer", format!("http://{host}.evil.example/"))],
        // A name of somebody else's that leads to this machine.
        vec![("host", "evil.example:8000".into()), ("origin", "http://evil.example:8000".into())],
    ]
}

/// What a browser says on a page of this server, and what a client that is no browser says.
fn own(server: &Server) -> Vec<Vec<(&'static str, String)>> {
    let (own, port) = (server.public_url().to_owned(), server.address().rsplit_once(':').unwrap().1);
    let by_name = format!("localhost:{port}");
    vec![
        vec![],
        vec![("origin", own.clone())],
        vec![("sec-fetch-site", "same-origin".into()), ("origin", own.clone())],
        // A form on a page without a referrer.
        vec![("sec-fetch-site", "same-origin".into()), ("origin", "null".into())],
        vec![("referer", format!("{own}/login?next=/"))],
        vec![("referer", own.clone())],
        vec![("host", by_name.clone()), ("origin", format!("http://{by_name}"))],
    ]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

story!(a_cookie_acts_for_pages_of_this_server_only, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let body = json!({"email": "eve@example.com"});
    for headers in foreign(&server) {
        let headers = borrowed(&headers);
        let patch = with(server.patch("/users/me").cookie(&cookie), &headers).json(body.clone()).await;
        patch.refused(403, "Forbidden");
        assert_eq!(patch.json()["type"], "/problems/cross-site", "{headers:?}");
    }
    let me = server.get("/users/me").cookie(&cookie).await.success(200);
    assert_eq!(me["email"], ADA);
    // Reading is harmless, and a token is in nobody else's hands.
    let from_elsewhere = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    with(server.get("/users/me").cookie(&cookie), &from_elsewhere).await.success(200);
    let patch = server.patch("/users/me").bearer(&ada.tokens.access);
    with(patch, &from_elsewhere).json(json!({"email": "ada@example.org"})).await.success(200);
    for headers in own(&server) {
        let request = with(server.patch("/users/me").cookie(&cookie), &borrowed(&headers));
        request.json(json!({"email": ADA})).await.success(200);
    }
});

story!(no_form_takes_a_post_from_elsewhere, async |server| {
    server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let fields = [("email", ADA), ("username", ADA), ("password", PASSWORD), ("token", "x")];
    for path in forms() {
        for headers in foreign(&server) {
            let request = server.post(&path).cookie(&cookie).form(&fields);
            let page = with(request, &borrowed(&headers)).page().await;
            page.shows(403, "This is not allowed").says("The request comes from another site.");
            assert!(!page.headers.contains_key("set-cookie"), "{path} {headers:?}");
        }
    }
    assert!(server.is_logged_in(&cookie).await);
    server.expect_no_mail().await;
});

story!(forms_of_this_server_are_taken, async |server| {
    server.verified_user(ADA).await;
    let fields = [("username", ADA), ("password", PASSWORD)];
    for headers in own(&server) {
        let headers = borrowed(&headers);
        assert_eq!(with(server.post("/login").form(&fields), &headers).await.status, 303, "{headers:?}");
    }
});

story!(
    behind_a_public_name_only_that_name_counts,
    |config| config.public_url = "https://id.example.org".into(),
    async |server| {
        server.verified_user(ADA).await;
        let fields = [("username", ADA), ("password", PASSWORD)];
        let host = server.address().to_owned();
        for origin in
            ["https://id.example.org.evil.example", "http://id.example.org", &format!("http://{host}")]
        {
            let page = server.post("/login").header("origin", origin).form(&fields).page().await;
            page.shows(403, "This is not allowed");
        }
        let answer = server.post("/login").header("origin", "https://id.example.org").form(&fields).await;
        assert_eq!(answer.status, 303);
    }
);
