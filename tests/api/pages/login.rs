//! Signing in and out on the pages, and the session cookie.

use std::collections::BTreeSet;

use usher::config::CookieSecure;

use super::ADA;
use crate::support::*;

/// Posts the form of `/login`.
async fn try_to_log_in(server: &Server, username: &str, password: &str) -> Page {
    let form = server.get("/login").page().await;
    form.shows(200, "Sign in");
    server.submit(&form, "/login", &[("username", username), ("password", password)]).page().await
}

/// Name and value, and the attributes, of the one cookie that an answer sets.
fn set_cookie(answer: &Answer) -> (String, BTreeSet<String>) {
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
    let mut parts = answer.header("set-cookie").split("; ").map(str::to_owned);
    (parts.next().expect("a cookie"), parts.collect())
}

fn attributes(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|attribute| (*attribute).to_owned()).collect()
}

story!(a_sign_in_sets_a_cookie_and_goes_on, async |server| {
    server.verified_user(ADA).await;
    let form = server.get("/login").page().await;
    assert_eq!(form.attribute("#username", "autocomplete"), "username");
    assert_eq!(form.attribute("#password", "autocomplete"), "current-password");
    let typed = [("username", " Ada@Example.com "), ("password", PASSWORD)];
    let answer = server.submit(&form, "/login", &typed).await;
    assert_eq!((answer.status, answer.header("location"), answer.text()), (303, "/", ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    let (cookie, seen) = set_cookie(&answer);
    // 90 days, the longest that use can keep the session alive.
    assert_eq!(seen, attributes(&["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=7776000"]));
    let (name, value) = cookie.split_once('=').unwrap();
    assert_eq!((name, value.len()), ("usher_session", 64));
    assert!(answer.header("set-cookie").len() < 4096);
    let home = server.get("/").cookie(&cookie).page().await;
    assert_eq!(home.shows(200, "You are signed in").signed_in_as().as_deref(), Some(ADA));
    let me = server.get("/users/me").cookie(&cookie).await.success(200);
    assert_eq!((&me["email"], &me["last_login_at"]), (&json!(ADA), &json!("2026-01-15T09:30:00.250000Z")));
});

story!(
    over_https_the_cookie_is_secure,
    |config| config.public_url = "https://id.example.org".into(),
    async |server| {
        server.verified_user(ADA).await;
        let fields = [("username", ADA), ("password", PASSWORD)];
        let answer = server.post("/login").form(&fields).await;
        let (cookie, seen) = set_cookie(&answer);
        let max_age = "Max-Age=7776000";
        assert_eq!(seen, attributes(&["HttpOnly", "SameSite=Lax", "Path=/", "Secure", max_age]));
        assert!(cookie.starts_with("__Host-usher_session="), "{cookie}");
        assert!(server.is_logged_in(&cookie).await);
        assert!(!server.is_logged_in(cookie.trim_start_matches("__Host-")).await, "no cookie by plain http");
        let gone = server.post("/logout").cookie(&cookie).header("origin", "https://id.example.org").await;
        assert_eq!((gone.status, gone.header("location")), (303, "/logout"));
        let (cleared, seen) = set_cookie(&gone);
        assert_eq!(cleared, "__Host-usher_session=");
        assert_eq!(seen, attributes(&["HttpOnly", "SameSite=Lax", "Path=/", "Secure", "Max-Age=0"]));
        assert!(!server.is_logged_in(&cookie).await);
    }
);

story!(
    the_cookie_has_the_configured_name_and_care,
    |config| {
        config.cookies.name = "acme".into();
        config.cookies.secure = CookieSecure::Always;
        config.sessions.cookie_ttl = minutes(20);
        config.sessions.absolute_ttl = hours(1);
    },
    async |server| {
        server.verified_user(ADA).await;
        let answer = server.post("/login").form(&[("username", ADA), ("password", PASSWORD)]).await;
        let (cookie, seen) = set_cookie(&answer);
        assert!(cookie.starts_with("__Host-acme="), "{cookie}");
        assert!(seen.contains("Secure") && seen.contains("Max-Age=3600"), "{seen:?}");
    }
);

story!(wrong_unknown_inactive_and_invited_look_alike, async |server| {
    let root = server.superuser("root@example.org").await;
    server.verified_user(ADA).await;
    let gone = server.verified_user("gone@example.com").await;
    let bearer = &root.tokens.access;
    let body = json!({"is_active": false});
    server.patch(&format!("/users/{}", gone.id)).bearer(bearer).json(body).await.success(200);
    server.post("/users").bearer(bearer).json(json!({"email": "new@example.com"})).await.success(201);
    let mut answers = BTreeSet::new();
    for (username, password) in [
        (ADA, "a wrong password"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("new@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("<script>\"'&", PASSWORD),
    ] {
        let page = try_to_log_in(&server, username, password).await;
        page.shows(400, "Sign in").faults("The email address or the password is wrong.", &[]);
        assert_eq!(page.attribute("#username", "value"), username);
        assert!(!page.headers.contains_key("set-cookie") && !page.text().contains(password));
        let escaped = "&lt;script&gt;&quot;&#39;&amp;";
        answers.insert(page.text().replace(username, "…").replace(escaped, "…"));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
});

story!(empty_fields_are_said_at_the_fields, async |server| {
    let page = try_to_log_in(&server, "", "").await;
    let faults = [("username", "Enter your e-mail address."), ("password", "Enter your password.")];
    page.shows(400, "Sign in").faults("Some fields are missing or not right.", &faults);
    let page = try_to_log_in(&server, ADA, "").await;
    page.faults("Some fields are missing or not right.", &faults[1..]);
    assert_eq!(page.attribute("#username", "value"), ADA);
});

story!(an_unproven_address_waits, |config| config.accounts.require_verified = true, async |server| {
    server.register(ADA, PASSWORD).await;
    server.mails().await;
    let page = try_to_log_in(&server, ADA, PASSWORD).await;
    page.shows(400, "Sign in").faults("Verify your email address before you sign in.", &[]);
    assert!(!page.headers.contains_key("set-cookie"));
    server.submit(&page, "/verify/resend", &[]).page().await.shows(200, "Look into your mailbox");
    server.mail(MailKind::Verify, ADA).await;
    // Only who knows the password hears of it.
    let page = try_to_log_in(&server, ADA, "a wrong password").await;
    page.faults("The email address or the password is wrong.", &[]);
    assert!(!page.has("form[action='/verify/resend']"));
    let token = server.verify_token(ADA).await;
    server
        .post("/verify")
        .form(&[("token", &token)])
        .page()
        .await
        .shows(200, "Your e-mail address is confirmed");
    let cookie = server.log_in(ADA, PASSWORD).await;
    // Who moves to a new address is asked to prove that one.
    let body = json!({"email": "ada@example.org"});
    server.patch("/users/me").cookie(&cookie).json(body).await.success(200);
    server.get("/users/me").cookie(&cookie).await.refused(403, "Forbidden");
    server.get("/").cookie(&cookie).page().await.says("This address is not confirmed yet");
});

story!(goes_on_to_a_path_of_this_server, async |server| {
    server.verified_user(ADA).await;
    for (query, next) in [
        ("/account", "/account"),
        ("/a/b%3Fc%3Dhttps%3A%2F%2Fd%26e%23f", "/a/b?c=https://d&e#f"),
        ("%2Fdocs%2F", "/docs/"),
        ("", "/"),
    ] {
        let form = server.get(&format!("/login?next={query}")).page().await;
        let wrong = [("username", ADA), ("password", "a wrong password")];
        let form = server.submit(&form, "/login", &wrong).page().await;
        form.shows(400, "Sign in");
        let answer = server.submit(&form, "/login", &[("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, next));
    }
    // A form without `next` under an address with it.
    let fields = [("username", ADA), ("password", PASSWORD)];
    let answer = server.post("/login?next=/account").form(&fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"));
});

story!(refuses_to_go_elsewhere, async |server| {
    let ada = server.verified_user(ADA).await;
    let sessions = async || {
        let list = server.get("/users/me/sessions").bearer(&ada.tokens.access).await.success(200);
        list["items"].as_array().unwrap().len()
    };
    let before = sessions().await;
    for next in [
        "https://evil.example",
        "https://evil.example/login",
        "http:/evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a//evil.example",
        "/.//evil.example",
        "/\t/evil.example",
        "/\r\nSet-Cookie: usher_session=x",
        " /",
        "account",
        "javascript:alert(1)",
        "data:text/html,x",
        "@evil.example",
        "/\u{2215}evil.example",
        &format!("/{}", "a".repeat(3000)),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let refused = server.get(&format!("/login?{query}")).page().await;
        refused.shows(400, "This did not work").says("The address to go to next is not allowed.");
        let fields = [("username", ADA), ("password", PASSWORD), ("next", next)];
        let in_query = server.post(&format!("/login?{query}")).form(&fields[..2]).page().await;
        let in_form = server.post("/login").form(&fields).page().await;
        for page in [in_query, in_form] {
            page.shows(400, "This did not work");
            assert!(!page.headers.contains_key("set-cookie") && !page.headers.contains_key("location"));
            assert!(!page.text().contains("evil.example"));
        }
    }
    for raw in
        ["/%0d%0aSet-Cookie:x=y", "/%09/evil.example", "/%5Cevil.example", "%2F%2Fevil.example", "/%00"]
    {
        server.get(&format!("/login?next={raw}")).page().await.shows(400, "This did not work");
    }
    assert_eq!(sessions().await, before);
});

story!(a_session_is_listed_and_ends_with_the_logout, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let other = server.log_in(ADA, PASSWORD).await;
    let list = server.get("/users/me/sessions").cookie(&cookie).await.success(200);
    let mut seen: Vec<(&str, bool)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["current"].as_bool().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("cookie", false), ("cookie", true), ("jwt", false)]);
    // Looking at the page signs nobody out.
    let page = server.get("/logout").cookie(&cookie).page().await;
    page.shows(200, "Sign out?").says(ADA);
    assert!(server.is_logged_in(&cookie).await);
    let answer = server.submit(&page, "/logout", &[]).cookie(&cookie).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/logout"));
    let (cleared, seen) = set_cookie(&answer);
    assert_eq!(cleared, "usher_session=");
    assert_eq!(seen, attributes(&["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=0"]));
    assert!(!server.is_logged_in(&cookie).await);
    assert!(server.is_logged_in(&other).await && server.is_signed_in(&ada.tokens.access).await);
    // A dead cookie, or none, is nobody.
    for path in ["/", "/login", "/signup", "/verify", "/forgot-password"] {
        let page = server.get(path).cookie(&cookie).page().await;
        assert!(page.signed_in_as().is_none(), "{path}");
    }
    server.get("/logout").cookie(&cookie).page().await.shows(200, "You are signed out");
    for answer in [server.post("/logout").cookie(&cookie).await, server.post("/logout").await] {
        assert_eq!((answer.status, answer.header("location")), (303, "/logout"));
    }
    let page = server.post("/login").cookie(&cookie).form(&[("username", ADA), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303);
});

story!(a_sign_in_opens_a_new_session_and_ends_the_old_one, async |server| {
    server.verified_user(ADA).await;
    server.verified_user("eve@example.com").await;
    let ada = server.log_in(ADA, PASSWORD).await;
    let fields = [("username", "eve@example.com"), ("password", PASSWORD)];
    let wrong = [("username", "eve@example.com"), ("password", "a wrong password")];
    server.post("/login").cookie(&ada).form(&wrong).page().await.shows(400, "Sign in");
    assert!(server.is_logged_in(&ada).await, "a failure changes nothing");
    let answer = server.post("/login").cookie(&ada).form(&fields).await;
    let (eve, _) = set_cookie(&answer);
    assert_ne!(ada, eve);
    assert!(!server.is_logged_in(&ada).await && server.is_logged_in(&eve).await);
});

story!(a_cookie_ends_in_time, |config| config.sessions.cookie_ttl = days(2), async |server| {
    server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    server.advance(days(2) - seconds(1));
    assert!(server.is_logged_in(&cookie).await);
    server.advance(seconds(1));
    assert!(!server.is_logged_in(&cookie).await);
    server.get("/").cookie(&cookie).page().await.shows(200, "Welcome");
});

story!(a_forged_cookie_is_nobody, async |server| {
    server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let other = server.log_in(ADA, PASSWORD).await;
    let value = cookie.split_once('=').unwrap().1;
    for forged in [
        String::new(),
        "x".repeat(5000),
        value[..63].to_owned(),
        // The id of one session and the secret of another.
        format!("{}{}", &value[..24], &other.split_once('=').unwrap().1[24..]),
    ] {
        server.get("/").cookie(&format!("usher_session={forged}")).page().await.shows(200, "Welcome");
    }
    server.get("/").cookie(&format!("__Host-{cookie}")).page().await.shows(200, "Welcome");
    server.get("/").cookie(&format!("a=b; {cookie}; c=d")).page().await.shows(200, "You are signed in");
});

story!(everything_that_ends_sessions_ends_the_cookie, async |server| {
    let root = server.superuser("root@example.org").await;
    let bearer = &root.tokens.access;
    let ada = server.verified_user(ADA).await;
    let path = format!("/users/{}", ada.id);
    let cookie = server.log_in(ADA, PASSWORD).await;
    server.post("/auth/jwt/logout-all").bearer(&ada.tokens.access).await.no_content();
    assert!(!server.is_logged_in(&cookie).await);
    let cookie = server.log_in(ADA, PASSWORD).await;
    for is_active in [false, true] {
        server.patch(&path).bearer(bearer).json(json!({"is_active": is_active})).await.success(200);
        assert!(!server.is_logged_in(&cookie).await);
    }
    // The session that changed its own password stays; others end.
    let (cookie, other) = (server.log_in(ADA, PASSWORD).await, server.log_in(ADA, PASSWORD).await);
    let body = json!({"password": "tr0ubador and 3 more"});
    server.patch("/users/me").cookie(&cookie).json(body).await.success(200);
    assert!(server.is_logged_in(&cookie).await && !server.is_logged_in(&other).await);
    server.delete(&path).bearer(bearer).await.no_content();
    assert!(!server.is_logged_in(&cookie).await);
    server.get("/").cookie(&cookie).page().await.shows(200, "Welcome");
});
