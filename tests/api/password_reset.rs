//! Password reset: whoever reads the stored mailbox sets a new password, and everybody else is out.

use crate::support::*;

const ADA: &str = "ada@example.com";
const NEW: &str = "tr0ubador and 3 more";

/// Uses a reset token.
async fn reset(server: &Server, token: &str, password: &str) -> Answer {
    server.post("/auth/reset-password").json(json!({"token": token, "password": password})).await
}

/// Asks for a reset mail.
async fn forgot(server: &Server, email: &str) {
    let answer = server.post("/auth/forgot-password").json(json!({"email": email})).await;
    assert_eq!((answer.status, answer.text()), (202, "null"));
}

async fn may_sign_in(server: &Server, password: &str) -> bool {
    server.post("/auth/jwt/login").form(&[("username", ADA), ("password", password)]).await.status == 200
}

story!(a_link_sets_a_new_password_once, async |server| {
    server.verified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    let answer = reset(&server, &token, NEW).await;
    assert_eq!((answer.status, answer.text()), (200, "null"));
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(may_sign_in(&server, NEW).await && !may_sign_in(&server, PASSWORD).await);
    let notice = server.mail(MailKind::PasswordChanged, ADA).await;
    assert!(!notice.rendered.text.contains("token=") && !notice.rendered.html.contains("token="));
    reset(&server, &token, PASSWORD).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    assert!(may_sign_in(&server, NEW).await);
});

story!(a_reset_ends_every_session_and_link, async |server| {
    let ada = server.unverified_user(ADA).await;
    let eve = server.sign_in(ADA, PASSWORD).await;
    let first = server.reset_token(ADA).await;
    let second = server.reset_token(ADA).await;
    let verification = server.verify_token(ADA).await;
    reset(&server, &first, NEW).await.success(200);
    for tokens in [&ada.tokens, &eve] {
        assert!(!server.is_signed_in(&tokens.access).await);
        let body = json!({"refresh_token": tokens.refresh});
        server.post("/auth/jwt/refresh").json(body).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    reset(&server, &second, PASSWORD).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    let body = json!({"token": verification});
    server.post("/auth/verify").json(body).await.refused(400, "VERIFY_USER_BAD_TOKEN");
});

story!(a_reset_proves_nothing_about_the_address, async |server| {
    server.unverified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    reset(&server, &token, NEW).await.success(200);
    let access = server.sign_in(ADA, NEW).await.access;
    assert_eq!(server.get("/users/me").bearer(&access).await.success(200)["is_verified"], false);
});

story!(a_refused_password_leaves_the_link_good, async |server| {
    server.verified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    for weak in ["short", "password123", ADA, &"x".repeat(1025)] {
        reset(&server, &token, weak).await.refused_password("RESET_PASSWORD_INVALID_PASSWORD");
    }
    reset(&server, "garbage", "short").await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    assert!(may_sign_in(&server, PASSWORD).await);
    reset(&server, &token, NEW).await.success(200);
});

story!(of_many_uses_at_once_one_wins, async |server| {
    server.verified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    let passwords: Vec<String> = (0..20).map(|number| format!("a password of number {number}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(&server, &token, password))).await;
    let won: Vec<usize> = (0..20).filter(|number| answers[*number].status == 200).collect();
    assert_eq!(won.len(), 1);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(may_sign_in(&server, &passwords[number]).await, number == won[0]);
        if number != won[0] {
            answer.refused(400, "RESET_PASSWORD_BAD_TOKEN");
        }
    }
    server.mail(MailKind::PasswordChanged, ADA).await;
});

story!(a_link_lives_from_its_delivery, async |server| {
    server.verified_user(ADA).await;
    forgot(&server, ADA).await;
    server.advance(hours(3));
    let token = token_of(&server.mail(MailKind::ResetPassword, ADA).await);
    server.advance(hours(1) - seconds(1));
    let other = server.reset_token(ADA).await;
    server.advance(seconds(1));
    reset(&server, &token, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    reset(&server, &token, "short").await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    reset(&server, &other, NEW).await.success(200);
});

story!(refuses_what_it_did_not_sign_for_this, async |server| {
    server.unverified_user(ADA).await;
    let verification = server.verify_token(ADA).await;
    let token = server.reset_token(ADA).await;
    let jwt = Jwt::read(&token);
    let key = link_key("reset_password");
    assert_eq!(jwt.clone().hs256(&key), token, "the test knows the key");
    // Nothing about the password or its hash stands in the link.
    let claims: Vec<&String> = jwt.claims.as_object().unwrap().keys().collect();
    assert_eq!(claims, ["iss", "aud", "sub", "jti", "iat", "exp"]);
    for forged in [
        String::new(),
        "garbage".into(),
        verification.clone(),
        jwt.clone().unsigned(),
        jwt.clone().hs256(b"another key of at least 32 bytes"),
        jwt.clone().hs256(&link_key("verify")),
        jwt.clone().es256_of_a_stranger(),
        jwt.clone().claim("jti", Jwt::read(&verification).claims["jti"].clone()).as_it_was(),
        jwt.clone().claim("aud", "usher:verify").hs256(&key),
        jwt.clone().header("typ", "verify+jwt").hs256(&key),
        jwt.clone().claim("iss", "http://evil.example").hs256(&key),
        jwt.clone().without("exp").hs256(&key),
    ] {
        reset(&server, &forged, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    }
    // Even rightly signed, a link of one purpose cannot use the row of another.
    let crossed = jwt.clone().claim("jti", Jwt::read(&verification).claims["jti"].clone()).hs256(&key);
    reset(&server, &crossed, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    reset(&server, &token, NEW).await.success(200);
});

story!(a_link_dies_with_a_new_password, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    let body = json!({"password": NEW});
    server.patch("/users/me").bearer(&ada.tokens.access).json(body).await.success(200);
    reset(&server, &token, "yet another password").await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
});

story!(a_link_dies_with_its_address, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = server.reset_token(ADA).await;
    for email in ["ada@example.org", ADA] {
        let body = json!({"email": email});
        server.patch("/users/me").bearer(&ada.tokens.access).json(body).await.success(200);
        reset(&server, &token, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    }
});

story!(a_link_dies_with_its_account, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let path = format!("/users/{}", ada.id);
    let token = server.reset_token(ADA).await;
    for is_active in [false, true] {
        let body = json!({"is_active": is_active});
        server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
        reset(&server, &token, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    }
    let token = server.reset_token(ADA).await;
    server.delete(&path).bearer(&root.tokens.access).await.no_content();
    reset(&server, &token, NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
});

story!(a_mail_whose_account_is_gone_is_not_sent, async |server| {
    let ada = server.verified_user(ADA).await;
    forgot(&server, ADA).await;
    server.delete("/users/me").bearer(&ada.tokens.access).await.no_content();
    server.expect_no_mail().await;
});

story!(asking_for_a_mail_has_one_answer, async |server| {
    let root = server.superuser("root@example.org").await;
    let gone = server.verified_user("gone@example.com").await;
    let path = format!("/users/{}", gone.id);
    let body = json!({"is_active": false});
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    for email in ["gone@example.com", "nobody@example.com"] {
        forgot(&server, email).await;
    }
    server.expect_no_mail().await;
    for name in ["root@example.org", "ROOT@example.org"] {
        forgot(&server, name).await;
        server.mail(MailKind::ResetPassword, "root@example.org").await;
    }
});

story!(links_come_from_the_configuration, async |server| {
    server.verified_user(ADA).await;
    for (name, value) in [("host", "evil.example"), ("x-forwarded-host", "evil.example")] {
        let body = json!({"email": ADA});
        server.post("/auth/forgot-password").header(name, value).json(body).await.success(202);
        let mail = server.mail(MailKind::ResetPassword, ADA).await;
        assert!(link_of(&mail).starts_with(&format!("{}/reset-password?token=", server.public_url())));
        assert!(!mail.rendered.html.contains("evil.example"));
    }
});

story!(an_address_gets_five_mails_an_hour, async |server| {
    server.verified_user(ADA).await;
    for _ in 0..8 {
        forgot(&server, ADA).await;
    }
    assert_eq!(server.mails().await.len(), 5);
    forgot(&server, ADA).await;
    server.expect_no_mail().await;
    // Other addresses and other kinds are not affected.
    server.verified_user("grace@example.com").await;
    server.reset_token("grace@example.com").await;
    server.advance(minutes(61));
    let token = server.reset_token(ADA).await;
    reset(&server, &token, NEW).await.success(200);
});

story!(reports_bad_bodies, async |server| {
    let post = async |body: Value| server.post("/auth/reset-password").json(body).await;
    let faults = post(json!({})).await.faults();
    let places: Vec<&str> = faults.iter().map(|fault| fault.1.as_str()).collect();
    assert_eq!(places, ["body.token", "body.password"]);
    post(json!({"token": "x"})).await.fault("missing", "body.password");
    post(json!({"token": 1, "password": NEW})).await.fault("string_type", "body.token");
    post(json!({"token": "x", "password": null})).await.fault("string_type", "body.password");
    let email = async |body: Value| server.post("/auth/forgot-password").json(body).await;
    email(json!({})).await.fault("missing", "body.email");
    email(json!({"email": ["ada@example.com", "eve@evil.example"]})).await.fault("string_type", "body.email");
    email(json!({"email": "ada@example.com, eve@evil.example"})).await.fault("value_error", "body.email");
});

story!(
    an_address_gets_five_mails_however_many_ask_at_once,
    |config| config.database.pool_size = 10,
    async |server| {
        server.verified_user(ADA).await;
        let other = server.sibling().await;
        let asked = (0..40).map(|number| forgot(if number % 2 == 0 { &server } else { &other }, ADA));
        join_all(asked).await;
        assert_eq!(server.mails().await.len(), 5);
    }
);

story!(of_several_links_used_at_once_one_wins, async |server| {
    for round in 0..4 {
        let email = format!("person{round}@example.com");
        server.verified_user(&email).await;
        let mut tokens = Vec::new();
        for _ in 0..5 {
            tokens.push(server.reset_token(&email).await);
        }
        let answers = join_all(tokens.iter().map(|token| reset(&server, token, NEW))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        lost.iter().for_each(|answer| answer.refused(400, "RESET_PASSWORD_BAD_TOKEN"));
        assert_eq!(won.len(), 1);
        server.mail(MailKind::PasswordChanged, &email).await;
    }
});

story!(a_reset_and_a_change_at_once_do_not_stop_each_other, async |server| {
    for round in 0..4 {
        let email = format!("person{round}@example.com");
        let person = server.verified_user(&email).await;
        let mut tokens = Vec::new();
        for _ in 0..4 {
            tokens.push(server.reset_token(&email).await);
        }
        let body = json!({"password": "yet another password"});
        let change = server.patch("/users/me").bearer(&person.tokens.access).json(body).into_future();
        let resets = join_all(tokens.iter().map(|token| reset(&server, token, NEW)));
        let (changed, answers) = tokio::join!(change, resets);
        assert!(matches!(changed.status, 200 | 401), "{}", changed.text());
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 400), "{}", answer.text());
        }
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(won + usize::from(changed.status == 200) >= 1 && won <= 1);
    }
});
