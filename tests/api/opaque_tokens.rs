//! Opaque tokens: how they look, are kept, live and end. Their django-rest-knox side is in `knox.rs`.

use std::collections::BTreeSet;

use crate::support::*;
use usher::base::ids::Id;
use usher::base::secret::sha256;
use usher::sessions::{self, SessionKind};

const ADA: &str = "ada@example.com";
const LOGIN: &str = "/auth/token/login";
const LOGOUT: &str = "/auth/token/logout";
const LOGOUT_ALL: &str = "/auth/token/logout-all";
const NEW_PASSWORD: &str = "tr0ubador and 3 more";

fn credentials() -> Value {
    json!({"username": ADA, "password": PASSWORD})
}

/// A new token of [`ADA`].
async fn token(server: &Server) -> String {
    let body = server.post(LOGIN).json(credentials()).await.success(200);
    body["access_token"].as_str().unwrap().to_owned()
}

/// The list of sessions as the holder of this token sees it.
async fn list(server: &Server, token: &str) -> Vec<Value> {
    let sessions = server.get("/users/me/sessions").bearer(token).await.success(200);
    sessions["items"].as_array().unwrap().clone()
}

/// When the session of this token ends.
async fn expiry(server: &Server, token: &str) -> Value {
    let sessions = list(server, token).await;
    sessions.iter().find(|session| session["current"] == true).unwrap()["expires_at"].clone()
}

story!(login_by_form_multipart_and_json, async |server| {
    server.register(ADA, PASSWORD).await;
    let fields = [("username", ADA), ("password", PASSWORD)];
    for request in [
        server.post(LOGIN).form(&fields),
        server.post(LOGIN).multipart(&fields),
        server.post(LOGIN).json(credentials()),
        server.post(LOGIN).bearer("garbage").form(&fields),
        server.post(LOGIN).form(&[("grant_type", "password"), fields[0], fields[1], ("scope", "a b")]),
    ] {
        let answer = request.await;
        let body = answer.success(200);
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["access_token", "token_type"]);
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(server.is_signed_in(body["access_token"].as_str().unwrap()).await);
    }
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
    }
});

story!(login_reports_missing_fields, async |server| {
    for request in [
        server.post(LOGIN),
        server.post(LOGIN).form(&[("username", ""), ("password", "")]),
        server.post(LOGIN).json(json!({})),
        server.post(LOGIN).raw("text/plain", "username=a&password=b"),
    ] {
        let faults = request.await.faults();
        let seen: Vec<_> = faults.iter().map(|fault| (fault.0.as_str(), fault.1.as_str())).collect();
        assert_eq!(seen, [("missing", "body.username"), ("missing", "body.password")]);
    }
    let fields = [("username", ADA), ("password", PASSWORD), ("grant_type", "x")];
    server.post(LOGIN).form(&fields).await.fault("string_pattern_mismatch", "body.grant_type");
});

story!(a_token_is_prefix_randomness_and_checksum, async |server| {
    server.register(ADA, PASSWORD).await;
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let token = token(&server).await;
        let body = token.strip_prefix("ust_").unwrap().to_owned();
        assert_eq!(body.len(), 64);
        assert!(body.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{body}");
        let random = hex::decode(&body[..56]).unwrap();
        assert_eq!(format!("{:08x}", crc32fast::hash(&random)), body[56..]);
        assert!(seen.insert(body));
    }
});

story!(
    a_prefix_and_a_length_of_ones_own,
    |config| (config.tokens.prefix, config.tokens.length) = ("acme_".into(), 40),
    async |server| {
        server.register(ADA, PASSWORD).await;
        let old = token(&server).await;
        assert!(old.starts_with("acme_") && old.len() == 45, "{old}");
        // Tokens of an earlier prefix and length go on.
        let server = server.restart_with(|config| config.tokens.prefix = String::new()).await;
        let server = server.restart_with(|config| config.tokens.length = 128).await;
        let new = token(&server).await;
        assert_eq!(new.len(), 128);
        assert!(server.is_signed_in(&old).await && server.is_signed_in(&new).await);
    }
);

story!(only_digests_are_stored, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = token(&server).await;
    let mut conn = server.app().db.read().await.unwrap();
    let digest = sha256(token.as_bytes());
    let found =
        sessions::find_by_secret(&mut conn, SessionKind::Opaque, &digest, server.now()).await.unwrap();
    drop(conn);
    let (session, user) = found.unwrap();
    assert_eq!((user.id, session.kind.as_str()), (Id::parse(&ada.id).unwrap(), "opaque"));
    assert_eq!(session.secret_digest, digest);
    if let Some(file) = server.database().file() {
        let read = |file| std::fs::read(file).unwrap();
        let bytes = [read(file.clone()), read(file.with_extension("db-wal"))].concat();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(has(&digest) && !has(&token.as_bytes()[4..]) && !has(&hex::decode(&token[4..]).unwrap()));
    }
});

story!(typos_are_refused_without_a_query, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    let last = if token.ends_with('0') { "1" } else { "0" };
    let typos =
        [format!("{}{last}", &token[..token.len() - 1]), token[1..].to_owned() + "0", "garbage".to_owned()];
    server.database().set_reachable(false).await;
    if server.backend() == Backend::Postgres {
        server.get("/users/me").bearer(&token).await.refused(503, "SERVICE_UNAVAILABLE");
        let header = format!("Token {token}");
        let answer = server.get("/api/auth/user/").header("authorization", &header).await;
        answer.says(503, json!({"detail": "The service is not available right now. Try again shortly."}));
    }
    for typo in &typos {
        server.get("/users/me").bearer(typo).await.refused(401, "Unauthorized");
        let answer = server.get("/api/auth/user/").header("authorization", &format!("Token {typo}")).await;
        answer.says(401, json!({"detail": "Invalid token."}));
    }
    server.database().set_reachable(true).await;
});

story!(bearer_and_token_are_both_taken, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = token(&server).await;
    for scheme in ["Bearer", "bearer", "BEARER", "Token", "token", "TOKEN", "Token  "] {
        let request = server.get("/users/me").header("authorization", &format!("{scheme} {token}"));
        assert_eq!(request.await.success(200)["id"], ada.id, "{scheme}");
    }
    for header in [token.clone(), format!("Basic {token}"), "Token".into(), "Token ".into()] {
        let answer = server.get("/users/me").header("authorization", &header).await;
        answer.refused(401, "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{header}");
    }
    // A JWT is no opaque token, nor a refresh token.
    for wrong in [&ada.tokens.access, &ada.tokens.refresh] {
        let answer = server.get("/users/me").header("authorization", &format!("Token {wrong}")).await;
        answer.refused(401, "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }
    server.get(&format!("/users/me?access_token={token}")).await.refused(401, "Unauthorized");
    server.get("/users/me").cookie(&format!("usher_session={token}")).await.refused(401, "Unauthorized");
    let body = json!({"refresh_token": token});
    server.post("/auth/jwt/refresh").json(body).await.refused(401, "REFRESH_TOKEN_INVALID");
});

story!(the_token_wins_over_the_cookie, async |server| {
    server.verified_user("grace@example.com").await;
    server.verified_user(ADA).await;
    let token = token(&server).await;
    let cookie = server.log_in("grace@example.com", PASSWORD).await;
    for scheme in ["Bearer", "Token"] {
        let request = server.get("/users/me").cookie(&cookie);
        let me = request.header("authorization", &format!("{scheme} {token}")).await.success(200);
        assert_eq!(me["email"], ADA);
        let request = server.get("/users/me").cookie(&cookie);
        request.header("authorization", &format!("{scheme} garbage")).await.refused(401, "Unauthorized");
    }
});

story!(logout_ends_the_presented_token_only, async |server| {
    server.register(ADA, PASSWORD).await;
    let (one, two) = (token(&server).await, token(&server).await);
    server.post(LOGOUT).bearer(&one).await.no_content();
    assert!(!server.is_signed_in(&one).await && server.is_signed_in(&two).await);
    server.post(LOGOUT).bearer(&one).await.refused(401, "Unauthorized");
    server.post(LOGOUT).header("authorization", &format!("Token {two}")).await.no_content();
    assert!(!server.is_signed_in(&two).await);
    server.post(LOGOUT).await.refused(401, "Unauthorized");
});

story!(logout_all_ends_every_session_of_every_kind, async |server| {
    let eve = server.verified_user("eve@evil.example").await;
    server.register(ADA, PASSWORD).await;
    for path in [LOGOUT_ALL, "/auth/jwt/logout-all"] {
        let ada = server.sign_in(ADA, PASSWORD).await;
        let cookie = server.log_in(ADA, PASSWORD).await;
        let (one, two) = (token(&server).await, token(&server).await);
        server.post(path).bearer(&one).await.no_content();
        assert!(!server.is_signed_in(&one).await && !server.is_signed_in(&two).await);
        assert!(!server.is_signed_in(&ada.access).await && !server.is_logged_in(&cookie).await);
        assert!(server.is_signed_in(&eve.tokens.access).await);
    }
});

story!(a_token_lives_ten_hours, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    assert_eq!(expiry(&server, &token).await, "2026-01-15T19:30:00.250000Z");
    server.advance(hours(10) - seconds(1));
    assert!(server.is_signed_in(&token).await);
    server.advance(seconds(1));
    assert!(!server.is_signed_in(&token).await);
    usher::worker::upkeep(server.app()).await.unwrap();
    assert!(!server.is_signed_in(&token).await);
});

story!(a_token_may_live_for_ever, |config| config.tokens.ttl = "never".into(), async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    server.advance(days(20_000));
    usher::worker::upkeep(server.app()).await.unwrap();
    assert_eq!(expiry(&server, &token).await, Value::Null);
});

story!(use_prolongs_a_token, |config| config.tokens.auto_refresh = true, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    // A gain of a minute is not worth a write, one of more is.
    server.advance(seconds(60));
    server.is_signed_in(&token).await;
    assert_eq!(expiry(&server, &token).await, "2026-01-15T19:30:00.250000Z");
    server.advance(seconds(1));
    server.is_signed_in(&token).await;
    assert_eq!(expiry(&server, &token).await, "2026-01-15T19:31:01.250000Z");
    for _ in 0..10 {
        server.advance(hours(9));
        let header = format!("Token {token}");
        server.get("/api/auth/user/").header("authorization", &header).await.success(200);
    }
    server.advance(hours(10));
    assert!(!server.is_signed_in(&token).await, "an expired token never revives");
    assert!(!server.is_signed_in(&token).await);
});

story!(use_prolongs_no_token_by_default, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    server.advance(hours(9));
    server.is_signed_in(&token).await;
    assert_eq!(expiry(&server, &token).await, "2026-01-15T19:30:00.250000Z");
});

story!(
    use_prolongs_a_token_to_a_ceiling,
    |config| (config.tokens.auto_refresh, config.tokens.auto_refresh_max_ttl) = (true, hours(24)),
    async |server| {
        server.register(ADA, PASSWORD).await;
        let token = token(&server).await;
        for _ in 0..2 {
            server.advance(hours(9));
            assert!(server.is_signed_in(&token).await);
        }
        assert_eq!(expiry(&server, &token).await, "2026-01-16T09:30:00.250000Z");
        server.advance(hours(6) - seconds(1));
        assert!(server.is_signed_in(&token).await);
        server.advance(seconds(1));
        assert!(!server.is_signed_in(&token).await);
    }
);

story!(
    small_gains_are_not_written,
    |config| {
        config.tokens.auto_refresh = true;
        (config.tokens.ttl, config.tokens.min_refresh_interval) = ("10s".into(), Duration::from_millis(500));
    },
    async |server| {
        server.register(ADA, PASSWORD).await;
        let token = token(&server).await;
        server.advance(Duration::from_millis(500));
        server.is_signed_in(&token).await;
        assert_eq!(expiry(&server, &token).await, "2026-01-15T09:30:10.250000Z");
        server.advance(Duration::from_millis(1));
        server.is_signed_in(&token).await;
        assert_eq!(expiry(&server, &token).await, "2026-01-15T09:30:10.751000Z");
    }
);

story!(
    a_prolonged_token_that_was_revoked_stays_dead,
    |config| config.tokens.auto_refresh = true,
    async |server| {
        server.register(ADA, PASSWORD).await;
        let token = token(&server).await;
        server.advance(hours(1));
        let ask = || server.get("/users/me").bearer(&token).into_future();
        let (_, logout, _) = tokio::join!(ask(), server.post(LOGOUT).bearer(&token).into_future(), ask());
        logout.no_content();
        assert!(!server.is_signed_in(&token).await);
    }
);

story!(a_limit_per_user, |config| config.tokens.limit_per_user = 2, async |server| {
    server.register(ADA, PASSWORD).await;
    let (one, two) = (token(&server).await, token(&server).await);
    server.post(LOGIN).json(credentials()).await.refused(403, "TOKEN_LIMIT_REACHED");
    assert!(server.is_signed_in(&one).await && server.is_signed_in(&two).await);
    let wrong = json!({"username": ADA, "password": "wrong password"});
    server.post(LOGIN).json(wrong).await.refused(400, "LOGIN_BAD_CREDENTIALS");
    server.post(LOGOUT).bearer(&one).await.no_content();
    token(&server).await;
    server.post(LOGIN).json(credentials()).await.refused(403, "TOKEN_LIMIT_REACHED");
    server.advance(hours(10));
    token(&server).await;
});

story!(a_refused_sign_in_is_not_noted, |config| config.tokens.limit_per_user = 1, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token(&server).await;
    server.advance(minutes(1));
    server.post(LOGIN).json(credentials()).await.refused(403, "TOKEN_LIMIT_REACHED");
    let me = server.get("/users/me").bearer(&token).await.success(200);
    assert_eq!(me["last_login_at"], "2026-01-15T09:30:00.250000Z");
});

story!(a_password_change_ends_the_other_tokens, async |server| {
    server.verified_user(ADA).await;
    let (one, two) = (token(&server).await, token(&server).await);
    let patch = server.patch("/users/me").bearer(&one).json(json!({"password": NEW_PASSWORD}));
    patch.await.success(200);
    assert!(server.is_signed_in(&one).await && !server.is_signed_in(&two).await);
});

story!(a_reset_ends_the_tokens, async |server| {
    server.verified_user(ADA).await;
    let token = token(&server).await;
    let body = json!({"token": server.reset_token(ADA).await, "password": NEW_PASSWORD});
    server.post("/auth/reset-password").json(body).await.success(200);
    assert!(!server.is_signed_in(&token).await);
});

story!(deactivation_ends_the_tokens_and_reactivation_revives_none, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let token = token(&server).await;
    for is_active in [false, true] {
        let patch = server.patch(&format!("/users/{}", ada.id)).bearer(&root.tokens.access);
        patch.json(json!({"is_active": is_active})).await.success(200);
        assert!(!server.is_signed_in(&token).await);
    }
});

story!(deletion_ends_the_tokens, async |server| {
    server.verified_user(ADA).await;
    let (one, two) = (token(&server).await, token(&server).await);
    server.delete("/users/me").bearer(&one).await.no_content();
    assert!(!server.is_signed_in(&one).await && !server.is_signed_in(&two).await);
    server.register(ADA, PASSWORD).await;
    assert!(!server.is_signed_in(&one).await);
});

story!(a_token_is_a_session_in_the_list, async |server| {
    let ada = server.verified_user(ADA).await;
    server.advance(seconds(1));
    let request = server.post(LOGIN).header("user-agent", "Script/1.0").json(credentials());
    let one = request.await.success(200)["access_token"].as_str().unwrap().to_owned();
    server.advance(minutes(1));
    let two = token(&server).await;
    let sessions = list(&server, &two).await;
    let seen: Vec<_> = sessions
        .iter()
        .map(|session| (session["kind"].as_str().unwrap(), session["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(seen, [("opaque", true), ("opaque", false), ("jwt", false)]);
    assert_eq!((&sessions[1]["user_agent"], &sessions[1]["ip"]), (&json!("Script/1.0"), &json!("127.0.0.1")));
    let path = format!("/users/me/sessions/{}", sessions[1]["id"].as_str().unwrap());
    server.delete(&path).bearer(&two).await.no_content();
    assert!(!server.is_signed_in(&one).await && server.is_signed_in(&two).await);
    server.delete("/users/me/sessions").bearer(&two).await.no_content();
    assert!(server.is_signed_in(&two).await && !server.is_signed_in(&ada.tokens.access).await);
});

story!(a_proven_address_may_be_needed, |config| config.accounts.require_verified = true, async |server| {
    server.register(ADA, PASSWORD).await;
    let verify = token_of(&server.mail(MailKind::Verify, ADA).await);
    server.post(LOGIN).json(credentials()).await.refused(400, "LOGIN_USER_NOT_VERIFIED");
    server.post("/auth/verify").json(json!({"token": verify})).await.success(200);
    let token = token(&server).await;
    server.database().execute("UPDATE users SET is_verified = false").await;
    server.get("/users/me").bearer(&token).await.refused(403, "Forbidden");
    server.post(LOGOUT).bearer(&token).await.refused(403, "Forbidden");
});

story!(tokens_of_any_length_are_refused, async |server| {
    for length in [0, 1, 63, 64, 68, 255, 256, 257, 7000] {
        server
            .get("/users/me")
            .bearer(&format!("x{}", "a".repeat(length)))
            .await
            .refused(401, "Unauthorized");
    }
});
