//! Verification: one link, one use, for the address that it was mailed to.

use crate::support::*;

const ADA: &str = "ada@example.com";

/// Uses a verification token.
async fn verify(server: &Server, token: &str) -> Answer {
    server.post("/auth/verify").json(json!({"token": token})).await
}

/// Asks for a verification mail.
async fn request(server: &Server, email: &str) {
    let answer = server.post("/auth/request-verify-token").json(json!({"email": email})).await;
    assert_eq!((answer.status, answer.text()), (202, "null"));
}

/// Registers Ada and gives the token of her mail.
async fn registered(server: &Server) -> String {
    server.register(ADA, PASSWORD).await;
    token_of(&server.mail(MailKind::Verify, ADA).await)
}

story!(a_link_verifies_once, async |server| {
    let token = registered(&server).await;
    server.advance(minutes(5));
    let answer = verify(&server, &token).await;
    let user = answer.success(200);
    assert_eq!((&user["email"], &user["is_verified"]), (&json!(ADA), &json!(true)));
    assert_eq!(user["updated_at"], "2026-01-15T09:35:00.250000Z");
    assert_eq!((user.as_object().unwrap().len(), answer.headers.contains_key("set-cookie")), (8, false));
    verify(&server, &token).await.refused(400, "VERIFY_USER_ALREADY_VERIFIED");
});

story!(the_link_begins_with_the_public_url_whatever_the_host_header, async |server| {
    server
        .post("/auth/register")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example")
        .json(json!({"email": ADA, "password": PASSWORD}))
        .await
        .success(201);
    let mail = server.mail(MailKind::Verify, ADA).await;
    assert!(link_of(&mail).starts_with(&format!("{}/verify?token=", server.public_url())));
    assert!(!mail.rendered.text.contains("evil.example") && !mail.rendered.html.contains("evil.example"));
});

story!(several_links_may_be_open_and_all_end_with_the_first_use, async |server| {
    let first = registered(&server).await;
    let second = server.verify_token(ADA).await;
    let third = server.verify_token(ADA).await;
    verify(&server, &second).await.success(200);
    for token in [first, third] {
        verify(&server, &token).await.refused(400, "VERIFY_USER_ALREADY_VERIFIED");
    }
});

story!(of_many_uses_at_once_one_wins, async |server| {
    let token = registered(&server).await;
    let answers = join_all((0..20).map(|_| verify(&server, &token))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    lost.iter().for_each(|answer| answer.refused(400, "VERIFY_USER_ALREADY_VERIFIED"));
});

story!(a_link_lives_from_its_delivery, async |server| {
    server.register(ADA, PASSWORD).await;
    server.advance(hours(30));
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    server.advance(hours(24) - seconds(1));
    let late = server.verify_token(ADA).await;
    server.advance(seconds(1));
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    verify(&server, &late).await.success(200);
});

story!(refuses_what_it_did_not_sign_for_this, async |server| {
    let token = registered(&server).await;
    let jwt = Jwt::read(&token);
    assert_eq!(jwt.header, json!({"typ": "verify+jwt", "alg": "HS256"}));
    let reset = server.reset_token(ADA).await;
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let key = link_key("verify");
    assert_eq!(jwt.clone().hs256(&key), token, "the test knows the key");
    for forged in [
        String::new(),
        "garbage".into(),
        "a.b.c".into(),
        "\0".into(),
        "x".repeat(10_000),
        token[..token.len() - 1].to_owned(),
        format!("{token}x"),
        reset.clone(),
        access,
        jwt.clone().unsigned(),
        jwt.clone().header("alg", "none").as_it_was(),
        jwt.clone().hs256(b"another key of at least 32 bytes"),
        jwt.clone().hs256(b""),
        jwt.clone().es256_of_a_stranger(),
        jwt.clone().claim("exp", 4_000_000_000_i64).as_it_was(),
        // Signed with the right key, and yet not ours.
        Jwt::read(&reset).hs256(&key),
        Jwt::read(&reset).header("typ", "verify+jwt").hs256(&key),
        jwt.clone().header("typ", "JWT").hs256(&key),
        jwt.clone().header("typ", "reset_password+jwt").hs256(&key),
        jwt.clone().header("crit", json!(["exp"])).hs256(&key),
        jwt.clone().claim("aud", "usher:reset_password").hs256(&key),
        jwt.clone().claim("iss", "http://evil.example").hs256(&key),
        jwt.clone().claim("jti", "00000000-0000-7000-8000-000000000000").hs256(&key),
        jwt.clone().claim("jti", Jwt::read(&reset).claims["jti"].clone()).hs256(&key),
        jwt.clone().without("exp").hs256(&key),
        jwt.clone().without("aud").hs256(&key),
        jwt.clone().without("iss").hs256(&key),
        jwt.clone().without("sub").hs256(&key),
    ] {
        verify(&server, &forged).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    }
    verify(&server, &token).await.success(200);
});

story!(a_link_of_another_installation_is_refused, async |server| {
    let url = server.public_url().to_owned();
    let stranger = server.stranger(|config| config.public_url = url).await;
    let token = registered(&stranger).await;
    registered(&server).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
});

story!(a_link_dies_with_its_address, async |server| {
    let token = registered(&server).await;
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let move_to = async |email: &str| {
        server.patch("/users/me").bearer(&access).json(json!({"email": email})).await.success(200)
    };
    move_to("ada@example.org").await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    move_to(ADA).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    // Somebody else may have the address by then.
    move_to("ada@example.net").await;
    server.register(ADA, PASSWORD).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
});

story!(a_link_dies_with_its_account, async |server| {
    let root = server.superuser("root@example.org").await;
    let user = server.register(ADA, PASSWORD).await;
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let set_active = async |is_active: bool| {
        let body = json!({"is_active": is_active});
        server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    };
    set_active(false).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    set_active(true).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    let token = server.verify_token(ADA).await;
    server.delete(&path).bearer(&root.tokens.access).await.no_content();
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
    registered(&server).await;
    verify(&server, &token).await.refused(400, "VERIFY_USER_BAD_TOKEN");
});

story!(a_link_says_so_when_somebody_else_verified_meanwhile, async |server| {
    let root = server.superuser("root@example.org").await;
    let token = registered(&server).await;
    let found = server.get("/users?q=ada").bearer(&root.tokens.access).await.success(200);
    let path = format!("/users/{}", found["items"][0]["id"].as_str().unwrap());
    let body = json!({"is_verified": true});
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    verify(&server, &token).await.refused(400, "VERIFY_USER_ALREADY_VERIFIED");
});

story!(asking_for_a_mail_has_one_answer, async |server| {
    let root = server.superuser("root@example.org").await;
    let gone = server.unverified_user("gone@example.com").await;
    let path = format!("/users/{}", gone.id);
    let body = json!({"is_active": false});
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    for email in ["root@example.org", "gone@example.com", "nobody@example.com"] {
        request(&server, email).await;
    }
    server.expect_no_mail().await;
});

story!(the_mail_goes_to_the_stored_address, async |server| {
    server.unverified_user("Ada@example.com").await;
    for typed in ["ADA@EXAMPLE.COM", " ada@example.com ", "ada@ｅxample.com"] {
        request(&server, typed).await;
        server.mail(MailKind::Verify, "Ada@example.com").await;
    }
});

story!(an_address_gets_five_mails_an_hour, async |server| {
    registered(&server).await;
    for _ in 0..7 {
        request(&server, ADA).await;
    }
    assert_eq!(server.mails().await.len(), 4);
    server.advance(minutes(61));
    request(&server, ADA).await;
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    verify(&server, &token).await.success(200);
});

story!(reports_bad_bodies, async |server| {
    let token = async |body: Value| server.post("/auth/verify").json(body).await;
    assert_eq!(token(json!({})).await.fault("missing", "body.token"), "Field required");
    for value in [json!(null), json!(7), json!(["x"])] {
        token(json!({"token": value})).await.fault("string_type", "body.token");
    }
    let email = async |body: Value| server.post("/auth/request-verify-token").json(body).await;
    email(json!({})).await.fault("missing", "body.email");
    email(json!({"email": null})).await.fault("string_type", "body.email");
    email(json!({"email": "x"})).await.fault("value_error", "body.email");
    email(json!({"email": "Ada <ada@example.com>"})).await.fault("value_error", "body.email");
    for path in ["/auth/verify", "/auth/request-verify-token"] {
        server.post(path).await.fault("missing", "body");
        server.post(path).form(&[("token", "x")]).await.fault("model_attributes_type", "body");
    }
});

story!(of_several_links_used_at_once_one_wins, async |server| {
    for round in 0..4 {
        let email = format!("person{round}@example.com");
        server.register(&email, PASSWORD).await;
        let mut tokens = vec![token_of(&server.mail(MailKind::Verify, &email).await)];
        for _ in 0..4 {
            tokens.push(server.verify_token(&email).await);
        }
        let answers = join_all(tokens.iter().map(|token| verify(&server, token))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        lost.iter().for_each(|answer| answer.refused(400, "VERIFY_USER_ALREADY_VERIFIED"));
        assert_eq!(won.len(), 1);
    }
});
