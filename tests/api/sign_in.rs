//! Sign-in by address and password, and what it gives away: nothing.

use crate::support::*;
use usher::accounts::{self, User};
use usher::base::ids::Id;

const ADA: &str = "ada@example.com";
const LOGIN: &str = "/auth/jwt/login";

async fn login(server: &Server, username: &str, password: &str) -> Answer {
    server.post(LOGIN).form(&[("username", username), ("password", password)]).await
}

/// The row behind a person.
async fn row(server: &Server, id: &str) -> User {
    let mut conn = server.app().db.read().await.unwrap();
    accounts::find_user(&mut conn, Id::parse(id).unwrap()).await.unwrap().unwrap()
}

story!(opens_a_session_by_form_multipart_and_json, async |server| {
    server.register(ADA, PASSWORD).await;
    let fields = [("username", ADA), ("password", PASSWORD)];
    for request in [
        server.post(LOGIN).form(&fields),
        server.post(LOGIN).multipart(&fields),
        server.post(LOGIN).json(json!({"username": ADA, "password": PASSWORD})),
        server.post(LOGIN).bearer("garbage").form(&fields),
        server.post(LOGIN).form(&[
            ("grant_type", "password"),
            ("username", " ADA@Example.com "),
            ("password", PASSWORD),
            ("scope", "a b"),
            ("client_id", "x"),
            ("client_secret", "y"),
        ]),
    ] {
        let answer = request.await;
        let body = answer.success(200);
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]);
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(900)));
        assert_eq!(body["refresh_expires_in"], 30 * 24 * 3600);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(server.is_signed_in(body["access_token"].as_str().unwrap()).await);
    }
});

story!(notes_when, async |server| {
    server.register(ADA, PASSWORD).await;
    server.advance(minutes(7));
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let me = server.get("/users/me").bearer(&access).await.success(200);
    assert_eq!(me["last_login_at"], "2026-01-15T09:37:00.250000Z");
    assert_eq!(me["updated_at"], me["created_at"]);
});

story!(tells_nobody_who_has_an_account, async |server| {
    let root = server.superuser("root@example.org").await;
    server.verified_user(ADA).await;
    let gone = server.verified_user("gone@example.com").await;
    let body = json!({"is_active": false});
    let path = format!("/users/{}", gone.id);
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    // Invited, without a password yet.
    let body = json!({"email": "new@example.com"});
    server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    let wrong = login(&server, ADA, "wrong password").await;
    wrong.refused(400, "LOGIN_BAD_CREDENTIALS");
    for (username, password) in [
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("gone@example.com", "wrong password"),
        ("new@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("ada@example.com\0", PASSWORD),
        ("Ada <ada@example.com>", PASSWORD),
        (ADA, "Correct horse battery"),
        (ADA, " correct horse battery"),
        (ADA, "correct horse battery\0"),
        (ADA, &"x".repeat(5000)),
    ] {
        let answer = login(&server, username, password).await;
        assert_eq!((answer.status, answer.text()), (400, wrong.text()), "{username}");
        let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&answer), names(&wrong));
    }
});

story!(reports_missing_fields, async |server| {
    let both = [("missing", "body.username"), ("missing", "body.password")];
    for request in [
        server.post(LOGIN),
        server.post(LOGIN).form(&[]),
        server.post(LOGIN).form(&[("username", ""), ("password", "")]),
        server.post(LOGIN).multipart(&[("username", ""), ("email", ADA)]),
        server.post(LOGIN).json(json!({})),
        server.post(LOGIN).json(json!({"username": "", "password": ""})),
        server.post(LOGIN).raw("text/plain", "username=a&password=b"),
        server.post(LOGIN).raw("multipart/form-data", "no boundary"),
        server.post(LOGIN).raw("application/x-www-form-urlencoded", vec![0xFF, b'=', 0xFE]),
    ] {
        let faults = request.await.faults();
        let seen: Vec<_> = faults.iter().map(|fault| (fault.0.as_str(), fault.1.as_str())).collect();
        assert_eq!(seen, both);
    }
    server.post(LOGIN).form(&[("username", ADA)]).await.fault("missing", "body.password");
    let body = json!({"username": null, "password": PASSWORD});
    server.post(LOGIN).json(body).await.fault("string_type", "body.username");
    server.post(LOGIN).raw("application/json", "[]").await.fault("model_attributes_type", "body");
    let broken = server.post(LOGIN).raw("application/json", "{bad").await;
    assert_eq!((broken.status, &broken.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
});

story!(takes_only_the_password_grant, async |server| {
    server.register(ADA, PASSWORD).await;
    for grant in ["client_credentials", "Password", "password "] {
        let fields = [("username", ADA), ("password", PASSWORD), ("grant_type", grant)];
        for request in [server.post(LOGIN).form(&fields), server.post(LOGIN).multipart(&fields)] {
            let msg = request.await.fault("string_pattern_mismatch", "body.grant_type");
            assert_eq!(msg, "String should match pattern '^password$'");
        }
    }
    let fields = [("username", ADA), ("password", PASSWORD), ("grant_type", "")];
    server.post(LOGIN).form(&fields).await.success(200);
});

story!(may_need_a_proven_address, |config| config.accounts.require_verified = true, async |server| {
    server.register(ADA, PASSWORD).await;
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    login(&server, ADA, PASSWORD).await.refused(400, "LOGIN_USER_NOT_VERIFIED");
    login(&server, ADA, "wrong password").await.refused(400, "LOGIN_BAD_CREDENTIALS");
    server.post("/auth/verify").json(json!({"token": token})).await.success(200);
    assert!(server.is_signed_in(&server.sign_in(ADA, PASSWORD).await.access).await);
});

story!(renews_hashes_of_old_parameters, async |server| {
    let ada = server.verified_user(ADA).await;
    let old = row(&server, &ada.id).await.password_hash.unwrap();
    assert!(old.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{old}");
    let server = server.restart_with(|config| config.passwords.iterations = 2).await;
    login(&server, ADA, "wrong password").await.refused(400, "LOGIN_BAD_CREDENTIALS");
    assert_eq!(row(&server, &ada.id).await.password_hash.unwrap(), old);
    server.sign_in(ADA, PASSWORD).await;
    let new = row(&server, &ada.id).await.password_hash.unwrap();
    assert!(new.starts_with("$argon2id$v=19$m=8,t=2,p=1$"), "{new}");
    server.sign_in(ADA, PASSWORD).await;
    assert_eq!(row(&server, &ada.id).await.password_hash.unwrap(), new);
    assert!(server.is_signed_in(&ada.tokens.access).await, "a new hash of the same password ends nothing");
    server.expect_no_mail().await;
});

story!(answers_busy_when_too_many_wait, async |server| {
    let ada = server.verified_user(ADA).await;
    let server = server.restart_with(|config| config.passwords.queue = 0).await;
    for username in [ADA, "nobody@example.com"] {
        login(&server, username, PASSWORD).await.refused(503, "SERVICE_UNAVAILABLE");
    }
    let body = json!({"email": "grace@example.com", "password": PASSWORD});
    server.post("/auth/register").json(body).await.refused(503, "SERVICE_UNAVAILABLE");
    let body = json!({"password": "tr0ubador and 3 more"});
    let patch = server.patch("/users/me").bearer(&ada.tokens.access).json(body);
    patch.await.refused(503, "SERVICE_UNAVAILABLE");
    // Whatever needs no hash goes on.
    assert!(server.is_signed_in(&ada.tokens.access).await);
});

story!(a_password_change_overtakes_a_slow_check, async |server| {
    let ada = server.verified_user(ADA).await;
    let hash = row(&server, &ada.id).await.password_hash.unwrap();
    let body = json!({"password": "tr0ubador and 3 more"});
    server.patch("/users/me").bearer(&ada.tokens.access).json(body).await.success(200);
    // What the sign-in does after its check of the old password.
    let mut tx = server.app().db.write().await.unwrap();
    let id = Id::parse(&ada.id).unwrap();
    let noted = accounts::update_login(&mut tx, id, &hash, &hash, server.now()).await.unwrap();
    assert!(noted.is_none());
    tx.rollback().await.unwrap();
});

story!(many_at_once_get_a_session_each, async |server| {
    server.verified_user(ADA).await;
    let answers = join_all((0..20).map(|_| login(&server, ADA, PASSWORD))).await;
    let mut seen: Vec<String> = Vec::new();
    for answer in &answers {
        let tokens = Tokens::of(&answer.success(200));
        assert!(server.is_signed_in(&tokens.access).await);
        assert!(!seen.contains(&tokens.refresh));
        seen.push(tokens.refresh);
    }
});
