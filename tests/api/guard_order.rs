//! Who may not: the order of refusals on every guarded route (401, 401 inactive, 403 unverified, 403 no superuser, 404,
//! 422).

use crate::support::*;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Method, path with `{id}` for a user, and whether only superusers may.
const GUARDED: [(&str, &str, bool); 19] = [
    ("POST", "/auth/jwt/logout", false),
    ("POST", "/auth/jwt/logout-all", false),
    ("POST", "/auth/token/logout", false),
    ("POST", "/auth/token/logout-all", false),
    ("POST", "/auth/cookie/logout", false),
    ("GET", "/users/me", false),
    ("PATCH", "/users/me", false),
    ("DELETE", "/users/me", false),
    ("GET", "/users/me/sessions", false),
    ("DELETE", "/users/me/sessions", false),
    ("DELETE", "/users/me/sessions/{id}", false),
    ("GET", "/users", true),
    ("POST", "/users", true),
    ("GET", "/users/{id}", true),
    ("PATCH", "/users/{id}", true),
    ("DELETE", "/users/{id}", true),
    ("GET", "/users/{id}/sessions", true),
    ("DELETE", "/users/{id}/sessions", true),
    ("DELETE", "/users/{id}/sessions/{id}", true),
];

/// A body that would be 422 if anybody looked at it.
fn bad_body() -> Value {
    json!({"email": "x", "password": 7, "is_active": "maybe"})
}

/// Asks every guarded route (or only those for superusers) about `id` with this token.
async fn ask_all(server: &Server, token: Option<&str>, id: &str, only_superuser: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (method, path, _) in GUARDED.iter().filter(|route| route.2 || !only_superuser) {
        let request = server.request(method, &path.replace("{id}", id)).json(bad_body());
        let request = match token {
            Some(token) => request.bearer(token),
            None => request,
        };
        answers.push(request.await);
    }
    answers
}

story!(without_a_credential_nobody_may_anything, async |server| {
    for id in ["me", "x", NOBODY] {
        for answer in ask_all(&server, None, id, false).await {
            answer.refused(401, "Unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        for answer in ask_all(&server, Some("garbage"), id, false).await {
            answer.refused(401, "Unauthorized");
            assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        }
    }
});

story!(the_inactive_are_nobody, async |server| {
    let root = server.superuser("root@example.org").await;
    let gone = server.superuser("gone@example.org").await;
    let body = json!({"is_active": false});
    let path = format!("/users/{}", gone.id);
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    for answer in ask_all(&server, Some(&gone.tokens.access), &root.id, false).await {
        answer.refused(401, "Unauthorized");
    }
});

story!(the_unverified_come_before_the_powerless, async |server| {
    let ada = server.unverified_user("ada@example.com").await;
    let root = server.superuser("root@example.org").await;
    let body = json!({"is_verified": false});
    let path = format!("/users/{}", root.id);
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    for answer in ask_all(&server, Some(&root.tokens.access), NOBODY, true).await {
        assert!(matches!(answer.status, 200 | 404 | 422), "{}", answer.text());
    }
    let server = server.restart_with(|config| config.accounts.require_verified = true).await;
    for person in [ada, root] {
        for answer in ask_all(&server, Some(&person.tokens.access), NOBODY, false).await {
            answer.refused(403, "Forbidden");
            assert_eq!(answer.json()["type"], "/problems/not-verified");
        }
        // Nothing else changes.
        let token = server.verify_token(&person.email).await;
        server.post("/auth/verify").json(json!({"token": token})).await.success(200);
        server.get("/users/me").bearer(&person.tokens.access).await.success(200);
    }
});

story!(the_powerless_learn_nothing_about_others, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user("ada@example.com").await;
    for id in [ada.id.as_str(), &root.id, NOBODY, "x"] {
        for answer in ask_all(&server, Some(&ada.tokens.access), id, true).await {
            answer.refused(403, "Forbidden");
            assert_eq!(answer.json()["type"], "/problems/forbidden");
        }
    }
    assert!(server.is_signed_in(&root.tokens.access).await && server.is_signed_in(&ada.tokens.access).await);
});

story!(the_target_comes_before_the_body, async |server| {
    let root = server.superuser("root@example.org").await;
    let token = Some(root.tokens.access.as_str());
    for id in [NOBODY, "x", "0", "%00", "..%2Fme", "00000000-0000-7000-8000-00000000000g"] {
        let answers = ask_all(&server, token, id, true).await;
        for (answer, (method, path, _)) in answers.iter().zip(GUARDED.iter().filter(|route| route.2)) {
            match path.contains("{id}") {
                true => answer.refused(404, "Not Found"),
                false if *method == "GET" => drop(answer.success(200)),
                false => assert_eq!(answer.faults().len(), 3),
            }
        }
    }
    let path = format!("/users/{}", root.id);
    let answer = server.patch(&path).bearer(&root.tokens.access).json(bad_body()).await;
    let places: Vec<String> = answer.faults().into_iter().map(|fault| fault.1).collect();
    assert_eq!(places, ["body.email", "body.password", "body.is_active"]);
    let broken = server.patch(&path).bearer(&root.tokens.access).raw("application/json", "{bad").await;
    assert_eq!((broken.status, &broken.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
    let large = json!({"email": "x".repeat(100_000)});
    let large = server.patch(&path).bearer(&root.tokens.access).json(large).await;
    large.refused(413, "Payload Too Large");
});
