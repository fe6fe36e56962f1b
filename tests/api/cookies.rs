//! The session cookie as a credential: the header wins, and other sites cannot use it.

use crate::support::*;
use secrecy::ExposeSecret;
use usher::base::ids::Id;
use usher::http::client::Client;
use usher::sessions::{self, SessionKind};

const ADA: &str = "ada@example.com";

/// A cookie session of a person, as the pages open one: the value of the header `Cookie`.
async fn cookie(server: &Server, person: &Person) -> String {
    let app = server.app();
    let mut tx = app.db.write().await.unwrap();
    let id = Id::parse(&person.id).unwrap();
    let user = usher::accounts::find_user(&mut tx, id).await.unwrap().unwrap();
    let issued = sessions::open(app, &mut tx, &user, SessionKind::Cookie, &Client::default()).await.unwrap();
    tx.commit().await.unwrap();
    format!("usher_session={}", issued.credential.expose_secret())
}

story!(a_cookie_signs_in, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server, &ada).await;
    let me = server.get("/users/me").header("cookie", &cookie).await.success(200);
    assert_eq!(me["email"], ADA);
    let others = format!("theme=dark; {cookie}; x=y");
    server.get("/users/me").header("cookie", &others).await.success(200);
    let sessions = server.get("/users/me/sessions").header("cookie", &cookie).await.success(200);
    let kinds: Vec<_> =
        sessions["items"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "cookie").count(), 1);
    server.post("/auth/jwt/logout").header("cookie", &cookie).await.no_content();
    server.get("/users/me").header("cookie", &cookie).await.refused(401, "Unauthorized");
    assert!(server.is_signed_in(&ada.tokens.access).await);
});

story!(the_header_wins_over_the_cookie, async |server| {
    let ada = server.verified_user(ADA).await;
    let grace = server.verified_user("grace@example.com").await;
    let cookie = cookie(&server, &ada).await;
    let with_both = server.get("/users/me").header("cookie", &cookie).bearer(&grace.tokens.access);
    assert_eq!(with_both.await.success(200)["email"], "grace@example.com");
    for header in ["Bearer garbage", "Basic YTpi", "Bearer", ""] {
        let request = server.get("/users/me").header("cookie", &cookie).header("authorization", header);
        request.await.refused(401, "Unauthorized");
    }
    let request = server.get("/users/me").header("cookie", "usher_session=garbage");
    request.bearer(&ada.tokens.access).await.success(200);
});

story!(a_wrong_cookie_is_nobodys, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server, &ada).await;
    let value = cookie.strip_prefix("usher_session=").unwrap();
    // The id of the session is right, the secret is not.
    let tampered = format!("{}{}", &value[..60], if value.ends_with("AAAA") { "BBBB" } else { "AAAA" });
    let mut wrong: Vec<String> = ["", "garbage", &tampered, &"A".repeat(64), &"é".repeat(32)]
        .iter()
        .map(|value| format!("usher_session={value}"))
        .collect();
    // Neither is one kind of credential good as another.
    wrong.push(format!("usher_session={}", ada.tokens.access));
    wrong.push(format!("usher_session={}", ada.tokens.refresh));
    wrong.push(format!("__Host-usher_session={value}"));
    for header in wrong {
        server.get("/users/me").header("cookie", &header).await.refused(401, "Unauthorized");
    }
    server.get("/users/me").bearer(value).await.refused(401, "Unauthorized");
    let body = json!({"refresh_token": value});
    server.post("/auth/jwt/refresh").json(body).await.refused(401, "REFRESH_TOKEN_INVALID");
});

story!(other_sites_cannot_use_it, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server, &ada).await;
    let own = server.public_url().to_owned();
    let referer = format!("{own}/account");
    let prefix_trick = format!("{own}.evil.example");
    let foreign = [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![("origin", prefix_trick.as_str())],
        vec![("origin", "http://evil.example"), ("referer", referer.as_str())],
        vec![("referer", "http://evil.example/")],
        vec![("referer", "http://evil.example/http://127.0.0.1/")],
    ];
    let routes = [
        ("PATCH", "/users/me"),
        ("DELETE", "/users/me"),
        ("DELETE", "/users/me/sessions"),
        ("POST", "/auth/jwt/logout"),
        ("POST", "/auth/jwt/logout-all"),
    ];
    for headers in &foreign {
        let with = |request: Request| headers.iter().fold(request, |r, (name, value)| r.header(name, value));
        for (method, path) in routes {
            let answer = with(server.request(method, path).header("cookie", &cookie)).await;
            answer.refused(403, "Forbidden");
            assert_eq!(answer.json()["type"], "/problems/cross-site");
        }
        // Reading is no acting, and a token in a header is nobody's by accident.
        with(server.get("/users/me").header("cookie", &cookie)).await.success(200);
        with(server.patch("/users/me").bearer(&ada.tokens.access)).json(json!({})).await.success(200);
    }
    for headers in [
        vec![],
        vec![("sec-fetch-site", "same-origin")],
        vec![("origin", own.as_str())],
        vec![("referer", referer.as_str())],
    ] {
        let request = server.patch("/users/me").header("cookie", &cookie).json(json!({}));
        headers.iter().fold(request, |r, (name, value)| r.header(name, value)).await.success(200);
    }
});

story!(a_used_cookie_slides_to_its_absolute_end, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server, &ada).await;
    for _ in 0..6 {
        server.advance(days(13));
        server.get("/users/me").header("cookie", &cookie).await.success(200);
        usher::worker::upkeep(server.app()).await.unwrap();
    }
    server.advance(days(12) - seconds(1));
    server.get("/users/me").header("cookie", &cookie).await.success(200);
    usher::worker::upkeep(server.app()).await.unwrap();
    server.advance(seconds(1));
    server.get("/users/me").header("cookie", &cookie).await.refused(401, "Unauthorized");
});

story!(an_unused_cookie_expires, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = cookie(&server, &ada).await;
    server.advance(days(14));
    server.get("/users/me").header("cookie", &cookie).await.refused(401, "Unauthorized");
});
