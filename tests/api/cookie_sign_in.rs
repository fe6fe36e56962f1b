//! Sign-in by cookie over HTTP. What the cookie then does is in `cookies.rs`.

use crate::support::*;

const ADA: &str = "ada@example.com";
const LOGIN: &str = "/auth/cookie/login";
const LOGOUT: &str = "/auth/cookie/logout";

fn credentials() -> Value {
    json!({"username": ADA, "password": PASSWORD})
}

/// Name and value of the cookie that an answer sets, and its attributes in alphabetical order.
#[track_caller]
fn cookie_of(answer: &Answer) -> (String, Vec<String>) {
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
    let mut parts = answer.header("set-cookie").split("; ").map(str::to_owned);
    let cookie = parts.next().unwrap();
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    (cookie, attributes)
}

/// A new cookie of [`ADA`].
async fn cookie(server: &Server) -> String {
    let answer = server.post(LOGIN).json(credentials()).await;
    answer.no_content();
    cookie_of(&answer).0
}

story!(login_by_form_multipart_and_json, async |server| {
    server.register(ADA, PASSWORD).await;
    let fields = [("username", ADA), ("password", PASSWORD)];
    for request in [
        server.post(LOGIN).form(&fields),
        server.post(LOGIN).multipart(&fields),
        server.post(LOGIN).json(credentials()),
        server.post(LOGIN).cookie("usher_session=garbage").form(&fields),
    ] {
        let answer = request.await;
        answer.no_content();
        assert_eq!(answer.header("cache-control"), "no-store");
        let (cookie, attributes) = cookie_of(&answer);
        assert!(cookie.starts_with("usher_session=") && cookie.len() > 50, "{cookie}");
        assert_eq!(attributes, ["HttpOnly", "Max-Age=7776000", "Path=/", "SameSite=Lax"]);
        assert!(server.is_logged_in(&cookie).await);
    }
});

story!(
    login_over_https,
    |config| config.cookies.secure = usher::config::CookieSecure::Always,
    async |server| {
        server.register(ADA, PASSWORD).await;
        let answer = server.post(LOGIN).json(credentials()).await;
        let (cookie, attributes) = cookie_of(&answer);
        assert!(cookie.starts_with("__Host-usher_session="), "{cookie}");
        assert_eq!(attributes, ["HttpOnly", "Max-Age=7776000", "Path=/", "SameSite=Lax", "Secure"]);
        let logout = server.post(LOGOUT).cookie(&cookie).await;
        logout.no_content();
        let (cookie, attributes) = cookie_of(&logout);
        assert_eq!(cookie, "__Host-usher_session=");
        assert_eq!(attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"]);
    }
);

story!(login_with_a_name_of_ones_own, |config| config.cookies.name = "acme".into(), async |server| {
    server.register(ADA, PASSWORD).await;
    let cookie = cookie(&server).await;
    assert!(cookie.starts_with("acme="), "{cookie}");
    assert!(server.is_logged_in(&cookie).await);
});

story!(login_refused, async |server| {
    let root = server.superuser("root@example.org").await;
    let gone = server.verified_user("gone@example.com").await;
    server.register(ADA, PASSWORD).await;
    let patch = server.patch(&format!("/users/{}", gone.id)).bearer(&root.tokens.access);
    patch.json(json!({"is_active": false})).await.success(200);
    for (username, password) in
        [(ADA, "wrong password"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)]
    {
        let answer = server.post(LOGIN).form(&[("username", username), ("password", password)]).await;
        answer.refused(400, "LOGIN_BAD_CREDENTIALS");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
});

story!(login_reports_missing_fields, async |server| {
    for request in [
        server.post(LOGIN),
        server.post(LOGIN).form(&[("username", ""), ("password", "")]),
        server.post(LOGIN).json(json!({})),
    ] {
        let faults = request.await.faults();
        let seen: Vec<_> = faults.iter().map(|fault| (fault.0.as_str(), fault.1.as_str())).collect();
        assert_eq!(seen, [("missing", "body.username"), ("missing", "body.password")]);
    }
    let fields = [("username", ADA), ("password", PASSWORD), ("grant_type", "x")];
    server.post(LOGIN).form(&fields).await.fault("string_pattern_mismatch", "body.grant_type");
});

story!(login_from_other_sites_is_refused, async |server| {
    server.register(ADA, PASSWORD).await;
    let own = server.public_url().to_owned();
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![("referer", "http://evil.example/")],
    ] {
        for body in [credentials(), json!({})] {
            let request = server.post(LOGIN).json(body);
            let answer = headers.iter().fold(request, |r, (name, value)| r.header(name, value)).await;
            answer.refused(403, "Forbidden");
            assert_eq!(answer.json()["type"], "/problems/cross-site");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
        server.post(LOGIN).header(name, value).json(credentials()).await.no_content();
    }
});

story!(each_login_is_a_session_of_its_own, async |server| {
    server.register(ADA, PASSWORD).await;
    let first = cookie(&server).await;
    let answer = server.post(LOGIN).cookie(&first).json(credentials()).await;
    let (second, _) = cookie_of(&answer);
    assert_ne!(first, second);
    server.post(LOGOUT).cookie(&first).await.no_content();
    assert!(!server.is_logged_in(&first).await && server.is_logged_in(&second).await);
});

story!(logout_ends_the_session_and_clears_the_cookie, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server).await;
    let answer = server.post(LOGOUT).cookie(&cookie).await;
    answer.no_content();
    let (cleared, attributes) = cookie_of(&answer);
    assert_eq!(cleared, "usher_session=");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
    assert!(!server.is_logged_in(&cookie).await && server.is_signed_in(&ada.tokens.access).await);
    for answer in [server.post(LOGOUT).cookie(&cookie).await, server.post(LOGOUT).await] {
        answer.refused(401, "Unauthorized");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
});

story!(logout_from_other_sites_is_refused, async |server| {
    server.register(ADA, PASSWORD).await;
    let cookie = cookie(&server).await;
    let request = server.post(LOGOUT).cookie(&cookie).header("sec-fetch-site", "cross-site");
    request.await.refused(403, "Forbidden");
    assert!(server.is_logged_in(&cookie).await);
});

story!(logout_takes_any_credential, async |server| {
    let ada = server.verified_user(ADA).await;
    server.post(LOGOUT).bearer(&ada.tokens.access).await.no_content();
    assert!(!server.is_signed_in(&ada.tokens.access).await);
    let cookie = cookie(&server).await;
    server.post("/auth/token/logout").cookie(&cookie).await.no_content();
    assert!(!server.is_logged_in(&cookie).await);
});

story!(a_proven_address_may_be_needed, |config| config.accounts.require_verified = true, async |server| {
    server.register(ADA, PASSWORD).await;
    let verify = token_of(&server.mail(MailKind::Verify, ADA).await);
    let answer = server.post(LOGIN).json(credentials()).await;
    answer.refused(400, "LOGIN_USER_NOT_VERIFIED");
    assert!(!answer.headers.contains_key("set-cookie"));
    server.post("/auth/verify").json(json!({"token": verify})).await.success(200);
    assert!(server.is_logged_in(&cookie(&server).await).await);
});
