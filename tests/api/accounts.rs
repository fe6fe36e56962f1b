//! The own account, and every account for superusers.

use crate::support::*;

const ADA: &str = "ada@example.com";
const NEW: &str = "tr0ubador and 3 more";

/// A user as a person sees it.
async fn me(server: &Server, access: &str) -> Value {
    server.get("/users/me").bearer(access).await.success(200)
}

async fn patch_me(server: &Server, access: &str, body: Value) -> Answer {
    server.patch("/users/me").bearer(access).json(body).await
}

story!(shows_the_own_account, async |server| {
    let registered = server.register(ADA, PASSWORD).await;
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let answer = server.get("/users/me").bearer(&access).await;
    let mut user = answer.success(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(user["last_login_at"], "2026-01-15T09:30:00.250000Z");
    user["last_login_at"] = Value::Null;
    assert_eq!(user, registered);
});

story!(a_change_that_changes_nothing_leaves_no_trace, async |server| {
    let ada = server.verified_user("Ada@example.com").await;
    let access = &ada.tokens.access;
    let before = me(&server, access).await;
    // Nor does it ask for the password, however old the sign-in.
    server.advance(minutes(11));
    for body in [
        json!({}),
        json!({"email": null, "password": null, "is_active": null, "current_password": null}),
        json!({"email": "Ada@example.com"}),
        json!({"email": " Ada@EXAMPLE.com "}),
        json!({"is_active": false, "is_superuser": true, "is_verified": false, "id": "x"}),
        json!({"created_at": "1970-01-01T00:00:00Z", "unknown": [1]}),
    ] {
        assert_eq!(patch_me(&server, access, body).await.success(200), before);
    }
    assert_eq!(me(&server, access).await, before);
    server.expect_no_mail().await;
});

story!(a_refused_change_changes_nothing, async |server| {
    server.register("grace@example.com", PASSWORD).await;
    server.mails().await;
    let ada = server.verified_user(ADA).await;
    let access = &ada.tokens.access;
    let before = me(&server, access).await;
    server.advance(minutes(1));
    let taken = json!({"email": "GRACE@example.com", "password": NEW});
    patch_me(&server, access, taken).await.refused(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS");
    let body = json!({"password": ADA});
    patch_me(&server, access, body).await.refused_password("UPDATE_USER_INVALID_PASSWORD");
    for weak in ["short", "password123"] {
        let body = json!({"password": weak, "email": "new@example.com"});
        patch_me(&server, access, body).await.refused_password("UPDATE_USER_INVALID_PASSWORD");
    }
    let body = json!({"password": "new@example.com", "email": "new@example.com"});
    patch_me(&server, access, body).await.refused_password("UPDATE_USER_INVALID_PASSWORD");
    for (body, r#type, place) in [
        (json!({"email": "x"}), "value_error", "body.email"),
        (json!({"email": 7}), "string_type", "body.email"),
        (json!({"email": "Ada <a@example.com>"}), "value_error", "body.email"),
        (json!({"password": 7}), "string_type", "body.password"),
        (json!({"is_active": "maybe"}), "bool_parsing", "body.is_active"),
        (json!({"current_password": 7}), "string_type", "body.current_password"),
        (json!([]), "model_attributes_type", "body"),
    ] {
        patch_me(&server, access, body).await.fault(r#type, place);
    }
    server.patch("/users/me").bearer(access).await.fault("missing", "body");
    assert_eq!(me(&server, access).await, before);
    server.sign_in(ADA, PASSWORD).await;
    server.expect_no_mail().await;
});

story!(a_new_address_is_unproven_and_both_are_told, async |server| {
    let ada = server.verified_user(ADA).await;
    server.advance(minutes(1));
    let user = patch_me(&server, &ada.tokens.access, json!({"email": "Ada@example.org"})).await.success(200);
    assert_eq!((&user["email"], &user["is_verified"]), (&json!("Ada@example.org"), &json!(false)));
    assert_eq!(user["updated_at"], "2026-01-15T09:31:00.250000Z");
    let mut mails = server.mails().await;
    mails.sort_by_key(|mail| mail.kind);
    let seen: Vec<_> = mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
    assert_eq!(seen, [(MailKind::Verify, "Ada@example.org"), (MailKind::EmailChanged, ADA)]);
    assert!(mails[1].rendered.text.contains("Ada@example.org"));
    assert!(!mails[1].rendered.text.contains("token=") && !mails[1].rendered.html.contains("token="));
    assert!(server.is_signed_in(&ada.tokens.access).await, "an address is no password");
    let old = server.post("/auth/jwt/login").form(&[("username", ADA), ("password", PASSWORD)]);
    old.await.refused(400, "LOGIN_BAD_CREDENTIALS");
    server.sign_in("ada@example.org", PASSWORD).await;
    let body = json!({"token": token_of(&mails[0])});
    assert_eq!(server.post("/auth/verify").json(body).await.success(200)["is_verified"], true);
    server.register(ADA, PASSWORD).await;
});

story!(the_own_address_in_another_case_is_no_new_address, async |server| {
    let ada = server.verified_user(ADA).await;
    server.advance(minutes(11));
    let user = patch_me(&server, &ada.tokens.access, json!({"email": "ADA@Example.com"})).await.success(200);
    assert_eq!((&user["email"], &user["is_verified"]), (&json!("ADA@example.com"), &json!(true)));
    server.expect_no_mail().await;
    server.reset_token("ADA@example.com").await;
});

story!(a_new_password_works_at_once, async |server| {
    let ada = server.verified_user(ADA).await;
    let user = patch_me(&server, &ada.tokens.access, json!({"password": NEW})).await.success(200);
    assert_eq!((&user["email"], &user["is_verified"]), (&json!(ADA), &json!(true)));
    server.mail(MailKind::PasswordChanged, ADA).await;
    server.sign_in(ADA, NEW).await;
    let old = server.post("/auth/jwt/login").form(&[("username", ADA), ("password", PASSWORD)]);
    old.await.refused(400, "LOGIN_BAD_CREDENTIALS");
});

story!(sensitive_changes_need_a_fresh_sign_in_or_the_password, async |server| {
    let ada = server.verified_user(ADA).await;
    let access = ada.tokens.access.as_str();
    server.advance(minutes(10) - seconds(1));
    patch_me(&server, access, json!({"password": NEW})).await.success(200);
    server.advance(seconds(1));
    // A refresh is no sign-in.
    let body = json!({"refresh_token": ada.tokens.refresh});
    let refreshed = Tokens::of(&server.post("/auth/jwt/refresh").json(body).await.success(200));
    for token in [access, &refreshed.access] {
        for (name, value) in [("password", PASSWORD), ("email", "ada@example.org")] {
            let change = patch_me(&server, token, json!({name: value})).await;
            change.refused(403, "REAUTHENTICATION_REQUIRED");
            let body = json!({name: value, "current_password": PASSWORD});
            patch_me(&server, token, body).await.refused(403, "REAUTHENTICATION_REQUIRED");
        }
        server.delete("/users/me").bearer(token).await.refused(403, "REAUTHENTICATION_REQUIRED");
        let wrong = server.delete("/users/me").bearer(token).json(json!({"current_password": PASSWORD}));
        wrong.await.refused(403, "REAUTHENTICATION_REQUIRED");
    }
    let body = json!({"email": "ada@example.org", "current_password": NEW});
    patch_me(&server, access, body).await.success(200);
    let fresh = server.sign_in("ada@example.org", NEW).await;
    patch_me(&server, &fresh.access, json!({"password": PASSWORD})).await.success(200);
    // A wrong password is refused even then.
    let body = json!({"password": NEW, "current_password": "wrong password"});
    patch_me(&server, &fresh.access, body).await.refused(403, "REAUTHENTICATION_REQUIRED");
});

story!(
    nothing_is_ever_fresh_when_that_is_configured,
    |config| config.sessions.fresh_for = seconds(0),
    async |server| {
        let ada = server.verified_user(ADA).await;
        let access = &ada.tokens.access;
        let change = patch_me(&server, access, json!({"password": NEW})).await;
        change.refused(403, "REAUTHENTICATION_REQUIRED");
        server.delete("/users/me").bearer(access).await.refused(403, "REAUTHENTICATION_REQUIRED");
        let body = json!({"password": NEW, "current_password": PASSWORD});
        patch_me(&server, access, body).await.success(200);
        let delete = server.delete("/users/me").bearer(access).json(json!({"current_password": NEW}));
        delete.await.no_content();
    }
);

story!(deletes_the_own_account_for_good, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let reset = server.reset_token(ADA).await;
    server.delete("/users/me").bearer(&ada.tokens.access).await.no_content();
    assert!(!server.is_signed_in(&ada.tokens.access).await);
    let body = json!({"token": reset, "password": NEW});
    server.post("/auth/reset-password").json(body).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    let path = format!("/users/{}", ada.id);
    server.get(&path).bearer(&root.tokens.access).await.refused(404, "Not Found");
    let login = server.post("/auth/jwt/login").form(&[("username", ADA), ("password", PASSWORD)]);
    login.await.refused(400, "LOGIN_BAD_CREDENTIALS");
    assert_ne!(server.register(ADA, PASSWORD).await["id"], ada.id.as_str());
});

story!(two_moves_to_one_address_at_once_one_wins, async |server| {
    let people = [server.verified_user(ADA).await, server.verified_user("grace@example.com").await];
    let answers = join_all(
        ["new@example.com", "NEW@example.com"]
            .iter()
            .zip(&people)
            .map(|(email, person)| patch_me(&server, &person.tokens.access, json!({"email": email}))),
    )
    .await;
    let lost: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(lost.len(), 1);
    lost[0].refused(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS");
});
