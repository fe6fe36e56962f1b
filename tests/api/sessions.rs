//! Sessions: what an access token says, and how a session ends.

use crate::support::*;

const ADA: &str = "ada@example.com";

/// Trades a refresh token.
async fn refresh(server: &Server, token: &str) -> Answer {
    server.post("/auth/jwt/refresh").json(json!({"refresh_token": token})).await
}

async fn is_alive(server: &Server, tokens: &Tokens) -> bool {
    let can_ask = server.is_signed_in(&tokens.access).await;
    let answer = refresh(server, &tokens.refresh).await;
    assert_eq!(can_ask, answer.status == 200, "access and refresh token end together");
    if !can_ask {
        answer.refused(401, "REFRESH_TOKEN_INVALID");
    }
    can_ask
}

async fn list(server: &Server, tokens: &Tokens) -> Vec<Value> {
    let sessions = server.get("/users/me/sessions").bearer(&tokens.access).await.success(200);
    sessions["items"].as_array().unwrap().clone()
}

fn session_id(tokens: &Tokens) -> String {
    Jwt::read(&tokens.access).claims["sid"].as_str().unwrap().to_owned()
}

story!(an_access_token_says_who_and_until_when, async |server| {
    let ada = server.unverified_user(ADA).await;
    server.advance(minutes(1));
    let tokens = Tokens::of(&refresh(&server, &ada.tokens.refresh).await.success(200));
    let jwt = Jwt::read(&tokens.access);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((&jwt.header["typ"], &jwt.header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!((keys(&jwt.header).len(), jwt.header["kid"].is_string()), (3, true));
    assert_eq!(
        keys(&jwt.claims),
        ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "email_verified"]
    );
    let start = 1_768_469_400;
    for (claim, value) in [
        ("iss", json!(server.public_url())),
        ("aud", json!("usher")),
        ("sub", json!(ada.id)),
        ("iat", json!(start + 60)),
        ("exp", json!(start + 60 + 900)),
        ("auth_time", json!(start)),
        ("email_verified", json!(false)),
    ] {
        assert_eq!(jwt.claims[claim], value, "{claim}");
    }
    assert_eq!(list(&server, &tokens).await[0]["id"], jwt.claims["sid"]);
    let before = Jwt::read(&ada.tokens.access);
    assert_eq!(before.claims["sid"], jwt.claims["sid"]);
    assert_ne!(before.claims["jti"], jwt.claims["jti"]);
    assert!(server.is_signed_in(&ada.tokens.access).await, "a refresh ends no access token");
});

story!(an_access_token_lives_fifteen_minutes, async |server| {
    let ada = server.verified_user(ADA).await;
    server.advance(minutes(15) - seconds(1));
    assert!(server.is_signed_in(&ada.tokens.access).await);
    server.advance(seconds(1));
    let answer = server.get("/users/me").bearer(&ada.tokens.access).await;
    answer.refused(401, "Unauthorized");
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    refresh(&server, &ada.tokens.refresh).await.success(200);
});

story!(only_its_own_access_tokens_are_taken, async |server| {
    let ada = server.verified_user(ADA).await;
    let eve = server.verified_user("eve@evil.example").await;
    let jwt = Jwt::read(&ada.tokens.access);
    let jwks = server.get("/.well-known/jwks.json").await.success(200);
    let key = &jwks["keys"][0];
    let coordinate = |name: &str| key[name].as_str().unwrap().to_owned();
    let point = format!("{}{}", coordinate("x"), coordinate("y"));
    let verification = {
        server.register("new@example.com", PASSWORD).await;
        token_of(&server.mail(MailKind::Verify, "new@example.com").await)
    };
    let stranger = {
        let url = server.public_url().to_owned();
        server.stranger(|config| config.public_url = url).await
    };
    let elsewhere = stranger.verified_user(ADA).await.tokens.access;
    for forged in [
        "garbage".to_owned(),
        "a.b.c".into(),
        "..".into(),
        "x".repeat(7000),
        format!("{}x", ada.tokens.access),
        ada.tokens.access[..ada.tokens.access.len() - 2].to_owned(),
        ada.tokens.refresh.clone(),
        verification,
        elsewhere,
        jwt.clone().unsigned(),
        jwt.clone().header("alg", "None").as_it_was(),
        jwt.clone().es256_of_a_stranger(),
        jwt.clone().hs256(key.to_string().as_bytes()),
        jwt.clone().hs256(point.as_bytes()),
        jwt.clone().hs256(b""),
        jwt.clone().header("typ", "JWT").as_it_was(),
        jwt.clone().header("jwk", key.clone()).as_it_was(),
        jwt.clone().claim("sub", eve.id.as_str()).as_it_was(),
        jwt.clone().claim("exp", 4_000_000_000_i64).as_it_was(),
        jwt.clone().claim("exp", "4000000000").as_it_was(),
    ] {
        let answer = server.get("/users/me").bearer(&forged).await;
        answer.refused(401, "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }
    assert!(server.is_signed_in(&ada.tokens.access).await);
});

// With HS256 the test can sign as the server does, and so reach the checks behind the signature.
story!(
    a_right_signature_is_not_enough,
    |config| {
        let secret = config.data_dir.join("jwt.key");
        std::fs::write(&secret, "a secret that the test knows as well").unwrap();
        config.jwt.algorithm = usher::config::JwtAlgorithm::Hs256;
        config.jwt.private_key_file = Some(secret);
    },
    async |server| {
        let key = b"a secret that the test knows as well";
        let ada = server.verified_user(ADA).await;
        let eve = server.verified_user("eve@evil.example").await;
        let jwt = Jwt::read(&ada.tokens.access);
        assert_eq!(jwt.clone().hs256(key), ada.tokens.access, "the test knows the key");
        let eves = Jwt::read(&eve.tokens.access).claims["sid"].clone();
        for forged in [
            jwt.clone().header("typ", "JWT").hs256(key),
            jwt.clone().header("typ", Value::Null).hs256(key),
            jwt.clone().header("typ", "verify+jwt").hs256(key),
            jwt.clone().header("kid", "unknown").hs256(key),
            jwt.clone().header("kid", Value::Null).hs256(key),
            jwt.clone().header("crit", json!(["exp"])).hs256(key),
            jwt.clone().claim("aud", "other").hs256(key),
            jwt.clone().claim("aud", json!(["other"])).hs256(key),
            jwt.clone().claim("iss", "http://evil.example").hs256(key),
            jwt.clone().claim("exp", 1_768_469_400).hs256(key),
            jwt.clone().claim("exp", "4000000000").hs256(key),
            jwt.clone().claim("exp", -1).hs256(key),
            jwt.clone().claim("sub", eve.id.as_str()).hs256(key),
            jwt.clone().claim("sub", "me").hs256(key),
            jwt.clone().claim("sid", eves).hs256(key),
            jwt.clone().claim("sid", "00000000-0000-7000-8000-000000000000").hs256(key),
            jwt.clone().claim("sid", "x").hs256(key),
            jwt.clone().without("sid").hs256(key),
            jwt.clone().without("exp").hs256(key),
            jwt.clone().without("aud").hs256(key),
            jwt.clone().without("iss").hs256(key),
            jwt.clone().without("sub").hs256(key),
        ] {
            server.get("/users/me").bearer(&forged).await.refused(401, "Unauthorized");
        }
        assert_eq!(server.get("/.well-known/jwks.json").await.success(200), json!({"keys": []}));
        assert!(server.is_signed_in(&ada.tokens.access).await);
    }
);

story!(the_scheme_is_bearer_in_any_case, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "] {
        let value = format!("{scheme} {access}");
        server.get("/users/me").header("authorization", &value).await.success(200);
    }
    for value in [format!("Basic {access}"), format!("Bearer{access}"), "Bearer".into(), access.clone()] {
        let answer = server.get("/users/me").header("authorization", &value).await;
        answer.refused(401, "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // Never in the query or the body (RFC 9700 section 4.3.2).
    server.get(&format!("/users/me?access_token={access}")).await.refused(401, "Unauthorized");
    let form = server.post("/auth/jwt/logout").form(&[("access_token", &access)]);
    form.await.refused(401, "Unauthorized");
    assert!(server.is_signed_in(&access).await);
});

story!(a_logout_ends_its_session_alone, async |server| {
    let one = server.verified_user(ADA).await.tokens;
    let two = server.sign_in(ADA, PASSWORD).await;
    server.post("/auth/jwt/logout").bearer(&one.access).await.no_content();
    assert!(!is_alive(&server, &one).await && is_alive(&server, &two).await);
    server.post("/auth/jwt/logout").bearer(&one.access).await.refused(401, "Unauthorized");
});

story!(a_logout_everywhere_ends_them_all, async |server| {
    let eve = server.verified_user("eve@evil.example").await.tokens;
    let one = server.verified_user(ADA).await.tokens;
    let two = server.sign_in(ADA, PASSWORD).await;
    server.post("/auth/jwt/logout-all").bearer(&one.access).await.no_content();
    assert!(!is_alive(&server, &one).await && !is_alive(&server, &two).await);
    assert!(is_alive(&server, &eve).await);
});

story!(a_new_password_ends_the_others, async |server| {
    let one = server.verified_user(ADA).await.tokens;
    let two = server.sign_in(ADA, PASSWORD).await;
    let body = json!({"password": "tr0ubador and 3 more"});
    server.patch("/users/me").bearer(&one.access).json(body).await.success(200);
    assert!(is_alive(&server, &one).await && !is_alive(&server, &two).await);
    server.mail(MailKind::PasswordChanged, ADA).await;
});

story!(a_superuser_sets_a_password_and_ends_them_all, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let patch = async |id: &str| {
        let body = json!({"password": "tr0ubador and 3 more"});
        let path = format!("/users/{id}");
        server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    };
    patch(&ada.id).await;
    assert!(!is_alive(&server, &ada.tokens).await);
    let other = server.sign_in("root@example.org", PASSWORD).await;
    patch(&root.id).await;
    assert!(is_alive(&server, &root.tokens).await && !is_alive(&server, &other).await);
});

story!(deactivation_ends_them_and_reactivation_revives_none, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let path = format!("/users/{}", ada.id);
    for is_active in [false, true] {
        let body = json!({"is_active": is_active});
        server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
        assert!(!is_alive(&server, &ada.tokens).await);
    }
    server.sign_in(ADA, PASSWORD).await;
});

story!(deletion_ends_them, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    server.delete(&format!("/users/{}", ada.id)).bearer(&root.tokens.access).await.no_content();
    assert!(!is_alive(&server, &ada.tokens).await);
    let again = server.verified_user(ADA).await;
    assert!(!is_alive(&server, &ada.tokens).await && is_alive(&server, &again.tokens).await);
});

story!(lists_devices_newest_first, async |server| {
    server.register(ADA, PASSWORD).await;
    let mut opened = Vec::new();
    for agent in ["Old/1.0", "New/2.0"] {
        let fields = [("username", ADA), ("password", PASSWORD)];
        let request = server.post("/auth/jwt/login").header("user-agent", agent).form(&fields);
        opened.push(Tokens::of(&request.await.success(200)));
        server.advance(minutes(1));
    }
    let sessions = list(&server, &opened[0]).await;
    let agents: Vec<_> = sessions.iter().map(|session| session["user_agent"].as_str().unwrap()).collect();
    assert_eq!(agents, ["New/2.0", "Old/1.0"]);
    let current: Vec<_> = sessions.iter().map(|session| session["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, true]);
    let keys: Vec<&String> = sessions[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["id", "kind", "created_at", "last_used_at", "expires_at", "ip", "user_agent", "current"]
    );
    assert_eq!((&sessions[0]["kind"], &sessions[0]["ip"]), (&json!("jwt"), &json!("127.0.0.1")));
    assert_eq!(sessions[0]["created_at"], "2026-01-15T09:31:00.250000Z");
    assert_eq!(sessions[0]["expires_at"], "2026-02-14T09:31:00.250000Z");
});

story!(notes_the_last_use, async |server| {
    let ada = server.verified_user(ADA).await.tokens;
    server.advance(seconds(59));
    server.is_signed_in(&ada.access).await;
    usher::worker::upkeep(server.app()).await.unwrap();
    let last_used = async || list(&server, &ada).await[0]["last_used_at"].clone();
    assert_eq!(last_used().await, "2026-01-15T09:30:00.250000Z");
    server.advance(seconds(1));
    server.is_signed_in(&ada.access).await;
    usher::worker::upkeep(server.app()).await.unwrap();
    assert_eq!(last_used().await, "2026-01-15T09:31:00.250000Z");
});

story!(ends_single_devices, async |server| {
    let eve = server.verified_user("eve@evil.example").await.tokens;
    let one = server.verified_user(ADA).await.tokens;
    let two = server.sign_in(ADA, PASSWORD).await;
    let path = |id: &str| format!("/users/me/sessions/{id}");
    for id in [session_id(&eve).as_str(), "00000000-0000-7000-8000-000000000000", "x", "me"] {
        server.delete(&path(id)).bearer(&one.access).await.refused(404, "Not Found");
    }
    assert!(is_alive(&server, &eve).await);
    server.delete(&path(&session_id(&two))).bearer(&one.access).await.no_content();
    assert!(!is_alive(&server, &two).await && is_alive(&server, &one).await);
    server.delete(&path(&session_id(&two))).bearer(&one.access).await.refused(404, "Not Found");
    server.delete(&path(&session_id(&one))).bearer(&one.access).await.no_content();
    assert!(!is_alive(&server, &one).await);
});

story!(ends_all_other_devices, async |server| {
    let eve = server.verified_user("eve@evil.example").await.tokens;
    let one = server.verified_user(ADA).await.tokens;
    let two = server.sign_in(ADA, PASSWORD).await;
    server.delete("/users/me/sessions").bearer(&one.access).await.no_content();
    assert!(is_alive(&server, &one).await && !is_alive(&server, &two).await && is_alive(&server, &eve).await);
});

story!(superusers_see_and_end_the_devices_of_others, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let two = server.sign_in(ADA, PASSWORD).await;
    let path = format!("/users/{}/sessions", ada.id);
    let sessions = server.get(&path).bearer(&root.tokens.access).await.success(200);
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    assert!(sessions["items"].as_array().unwrap().iter().all(|session| session["current"] == false));
    let one_path = |id: &str| format!("{path}/{id}");
    let roots = session_id(&root.tokens);
    for id in [roots.as_str(), "x", "00000000-0000-7000-8000-000000000000"] {
        server.delete(&one_path(id)).bearer(&root.tokens.access).await.refused(404, "Not Found");
    }
    let first = one_path(&session_id(&ada.tokens));
    server.delete(&first).bearer(&root.tokens.access).await.no_content();
    assert!(!is_alive(&server, &ada.tokens).await && is_alive(&server, &two).await);
    server.delete(&path).bearer(&root.tokens.access).await.no_content();
    assert!(!is_alive(&server, &two).await && is_alive(&server, &root.tokens).await);
});

story!(lists_sessions_page_by_page, async |server| {
    let mut access = server.verified_user(ADA).await.tokens.access;
    for _ in 0..4 {
        server.advance(seconds(1));
        access = server.sign_in(ADA, PASSWORD).await.access;
    }
    let mut path = "/users/me/sessions?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = server.get(&path).bearer(&access).await;
        let page = answer.success(200);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|s| s["created_at"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(answer.header("link"), "");
            break;
        };
        path = format!("/users/me/sessions?limit=2&cursor={cursor}");
        assert_eq!(answer.header("link"), format!("<{}{path}>; rel=\"next\"", server.public_url()));
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    for query in ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=AAAA"] {
        let answer = server.get(&format!("/users/me/sessions?{query}")).bearer(&access).await;
        assert_eq!(answer.faults().len(), 1, "{query}");
    }
});
