//! django-rest-knox at `/api/auth`, row by row as its own server answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::*;

const ADA: &str = "ada@example.com";
const LOGIN: &str = "/api/auth/login/";
const LOGOUT: &str = "/api/auth/logout/";
const LOGOUT_ALL: &str = "/api/auth/logoutall/";
const USER: &str = "/api/auth/user/";
const NO_CREDENTIALS: &str = "Authentication credentials were not provided.";
const BASIC: &str = r#"Basic realm="api""#;

fn detail(text: &str) -> Value {
    json!({"detail": text})
}

fn credentials() -> Value {
    json!({"username": ADA, "password": PASSWORD})
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// A new token of [`ADA`].
async fn token(server: &Server) -> String {
    let body = server.post(LOGIN).json(credentials()).await.success(200);
    body["token"].as_str().unwrap().to_owned()
}

/// The answer to `GET user/` with this header.
async fn with_header(server: &Server, authorization: &str) -> Answer {
    server.get(USER).header("authorization", authorization).await
}

async fn is_good(server: &Server, token: &str) -> bool {
    let answer = with_header(server, &format!("Token {token}")).await;
    if answer.status != 200 {
        answer.says(401, detail("Invalid token."));
        assert_eq!(answer.header("www-authenticate"), "Token");
    }
    answer.status == 200
}

story!(login_by_basic_json_form_and_multipart, async |server| {
    let ada = server.verified_user(ADA).await;
    let fields = [("username", ADA), ("password", PASSWORD)];
    for request in [
        server.post(LOGIN).header("authorization", &basic(ADA, PASSWORD)),
        server.post(LOGIN).header("authorization", &basic(ADA, PASSWORD).replace("Basic ", "bAsIc   ")),
        server.post(LOGIN).json(credentials()),
        server.post(LOGIN).json(json!({"username": " ADA@Example.com ", "password": PASSWORD, "x": [1]})),
        server.post(LOGIN).form(&fields),
        server.post(LOGIN).multipart(&fields),
        server.post("/api/auth/login").json(credentials()),
    ] {
        let answer = request.await;
        let body = answer.success(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(!answer.headers.contains_key("set-cookie"));
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["user", "token", "expiry"]);
        assert_eq!(body["user"], json!({"id": ada.id, "username": ADA, "email": ADA}));
        assert_eq!(body["expiry"], "2026-01-15T19:30:00.250000Z");
        let token = body["token"].as_str().unwrap();
        assert!(is_good(&server, token).await);
    }
});

story!(login_by_basic_wins_over_the_body, async |server| {
    server.verified_user(ADA).await;
    server.verified_user("grace@example.com").await;
    let request = server.post(LOGIN).header("authorization", &basic("grace@example.com", PASSWORD));
    let body = request.json(credentials()).await.success(200);
    assert_eq!(body["user"]["email"], "grace@example.com");
    let good = basic(ADA, PASSWORD);
    for (media_type, body) in [("application/json", "{broken"), ("text/plain", "x")] {
        let request = server.post(LOGIN).header("authorization", &good).raw(media_type, body);
        request.await.success(200);
    }
    let wrong = server.post(LOGIN).header("authorization", &basic(ADA, "wrong")).json(credentials()).await;
    wrong.says(401, detail("Invalid username/password."));
});

story!(login_by_basic_refused, async |server| {
    let root = server.superuser("root@example.org").await;
    server.verified_user(ADA).await;
    deactivated(&server, &root, "gone@example.com").await;
    let wrong = "Invalid username/password.";
    let broken = "Invalid basic header. Credentials not correctly base64 encoded.";
    for (header, text) in [
        (basic(ADA, "wrong password"), wrong),
        (basic("nobody@example.com", PASSWORD), wrong),
        (basic("gone@example.com", PASSWORD), wrong),
        (basic("", ""), wrong),
        // Latin-1, as older clients send it.
        (format!("Basic {}", STANDARD.encode(b"ad\xE9:x")), wrong),
        ("Basic".into(), "Invalid basic header. No credentials provided."),
        ("Basic a b".into(), "Invalid basic header. Credentials string should not contain spaces."),
        ("Basic !!!!".into(), broken),
        ("Basic YQ=".into(), broken),
        (format!("Basic {}", STANDARD.encode("no colon")), broken),
    ] {
        let answer = server.post(LOGIN).header("authorization", &header).await;
        answer.says(401, detail(text));
        assert_eq!(answer.header("www-authenticate"), BASIC, "{header}");
    }
    let request = server.post(LOGIN).header_bytes("authorization", b"Basic \xFF\xFE");
    request.await.says(401, detail(broken));
});

story!(login_without_credentials, async |server| {
    for request in [
        server.post(LOGIN),
        server.post(LOGIN).header("authorization", ""),
        server.post(LOGIN).header("authorization", "Bearer x"),
        server.post(LOGIN).header("authorization", "Token x"),
        server.post(LOGIN).raw("application/json", ""),
    ] {
        let answer = request.await;
        answer.says(401, detail(NO_CREDENTIALS));
        assert_eq!(answer.header("www-authenticate"), BASIC);
    }
});

story!(login_by_a_faulty_body, async |server| {
    let (required, absent) = ("This field is required.", "This field may not be null.");
    let (blank, string) = ("This field may not be blank.", "Not a valid string.");
    let both = |text: &str| json!({"username": [text], "password": [text]});
    for (body, answer) in [
        (json!({}), both(required)),
        (json!({"username": "", "password": " \t"}), both(blank)),
        (json!({"username": null, "password": null}), both(absent)),
        (json!({"username": [], "password": true}), both(string)),
        (json!({"username": ADA}), json!({"password": [required]})),
        (json!({"password": PASSWORD}), json!({"username": [required]})),
        (json!({"username": null, "password": ""}), json!({"username": [absent], "password": [blank]})),
        (json!({"username": 7, "password": 7}), json!({"non_field_errors": ["Incorrect Credentials"]})),
        (json!(null), json!({"non_field_errors": ["No data provided"]})),
        (json!([]), json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]})),
        (json!("x"), json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]})),
    ] {
        server.post(LOGIN).json(body).await.says(400, answer);
    }
    server.post(LOGIN).form(&[("email", ADA)]).await.says(400, both(required));
    server.post(LOGIN).form(&[("username", ""), ("password", "")]).await.says(400, both(blank));
    server.post(LOGIN).multipart(&[("email", ADA)]).await.says(400, both(required));
    server.post(LOGIN).raw("multipart/form-data", "no boundary").await.says(400, both(required));
});

story!(login_by_broken_json_or_another_media_type, async |server| {
    for body in ["{bad", "{\"username\": \"a\"", "\u{FEFF}{}", "nothing"] {
        let answer = server.post(LOGIN).raw("application/json", body).await;
        assert_eq!(answer.status, 400);
        let text = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(text.starts_with("JSON parse error - "), "{text}");
        assert!(!text.contains("bad") && !text.contains("nothing"), "{text}");
    }
    for media_type in ["text/plain", "application/xml", "application/jsonx", "\"<>"] {
        let answer = server.post(LOGIN).raw(media_type, credentials().to_string()).await;
        answer.says(415, detail(&format!("Unsupported media type \"{media_type}\" in request.")));
    }
    let answer = server.post(LOGIN).untyped(credentials().to_string()).await;
    answer.says(415, detail("Unsupported media type \"\" in request."));
});

/// An account that a superuser switched off.
async fn deactivated(server: &Server, root: &Person, email: &str) {
    let gone = server.verified_user(email).await;
    let patch = server.patch(&format!("/users/{}", gone.id)).bearer(&root.tokens.access);
    patch.json(json!({"is_active": false})).await.success(200);
}

story!(login_tells_nobody_who_has_an_account, async |server| {
    let root = server.superuser("root@example.org").await;
    server.verified_user(ADA).await;
    deactivated(&server, &root, "gone@example.com").await;
    for (username, password) in [
        (ADA, "wrong password"),
        (ADA, " correct horse battery"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("gone@example.com", "wrong password"),
        ("not an address", PASSWORD),
        ("ada@example.com\0", PASSWORD),
    ] {
        let answer = server.post(LOGIN).json(json!({"username": username, "password": password})).await;
        answer.says(400, json!({"non_field_errors": ["Incorrect Credentials"]}));
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
});

story!(login_ignores_an_attached_token, async |server| {
    server.verified_user(ADA).await;
    let grace = server.verified_user("grace@example.com").await;
    let token = token(&server).await;
    for header in
        [format!("Token {token}"), "Token garbage".into(), format!("Bearer {}", grace.tokens.access)]
    {
        let request = server.post(LOGIN).header("authorization", &header).json(credentials());
        let body = request.await.success(200);
        assert_ne!(body["token"], token);
    }
    assert!(is_good(&server, &token).await);
});

story!(user_gives_its_three_fields, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = token(&server).await;
    for path in [USER, "/api/auth/user"] {
        let answer = server.get(path).header("authorization", &format!("Token {token}")).await;
        answer.says(200, json!({"id": ada.id, "username": ADA, "email": ADA}));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
});

story!(authorization_header_row_by_row, async |server| {
    let ada = server.verified_user(ADA).await;
    let token = token(&server).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let spaces = "Invalid token header. Token string should not contain spaces.";
    for header in [
        format!("Token {token}"),
        format!("token {token}"),
        format!("TOKEN {token}"),
        format!("Token    {token}"),
        format!("Token \t {token}"),
    ] {
        assert_eq!(with_header(&server, &header).await.status, 200, "{header}");
    }
    for (header, text) in [
        (String::new(), NO_CREDENTIALS),
        (token.clone(), NO_CREDENTIALS),
        (format!("Bearer {token}"), NO_CREDENTIALS),
        (format!("Bearer {}", ada.tokens.access), NO_CREDENTIALS),
        (basic(ADA, PASSWORD), NO_CREDENTIALS),
        (format!("Tokens {token}"), NO_CREDENTIALS),
        (format!("Token{token}"), NO_CREDENTIALS),
        ("Token".into(), "Invalid token header. No credentials provided."),
        ("token  ".into(), "Invalid token header. No credentials provided."),
        ("Token a b".into(), spaces),
        (format!("Token {token} x"), spaces),
        ("Token garbage".into(), "Invalid token."),
        (format!("Token ust_{}", "0".repeat(64)), "Invalid token."),
        (format!("Token {}", &token[..15]), "Invalid token."),
        (format!("Token {}", &token[..token.len() - 1]), "Invalid token."),
        (format!("Token {}", &token[4..]), "Invalid token."),
        (format!("Token {token}0"), "Invalid token."),
        (format!("Token {}", "a".repeat(5000)), "Invalid token."),
        (format!("Token {}", token.to_uppercase()), "Invalid token."),
        (format!("Token ust_{}", token[4..].to_uppercase()), "Invalid token."),
        (format!("Token {}", ada.tokens.access), "Invalid token."),
        (format!("Token {}", ada.tokens.refresh), "Invalid token."),
    ] {
        for request in [server.get(USER), server.post(LOGOUT), server.post(LOGOUT_ALL)] {
            // A session cookie is no token.
            let answer = request.header("authorization", &header).cookie(&cookie).await;
            answer.says(401, detail(text));
            assert_eq!(answer.header("www-authenticate"), "Token", "{header}");
        }
    }
    let absent = server.get(&format!("{USER}?token={token}")).cookie(&format!("usher_session={token}")).await;
    absent.says(401, detail(NO_CREDENTIALS));
    assert!(is_good(&server, &token).await && server.is_logged_in(&cookie).await);
});

story!(authorization_header_of_no_text, async |server| {
    for (header, text) in [
        (&b"\xFF\xFE"[..], NO_CREDENTIALS),
        (b"Token \xFF\xFE", "Invalid token."),
        (b"Token \xC3\xA9", "Invalid token."),
        (b"T\xF6ken x", NO_CREDENTIALS),
    ] {
        server.get(USER).header_bytes("authorization", header).await.says(401, detail(text));
    }
    server.get("/livez").await.success_text();
});

story!(authorization_header_of_a_token_that_ended, async |server| {
    let root = server.superuser("root@example.org").await;
    let ada = server.verified_user(ADA).await;
    let (expired, revoked) = (token(&server).await, token(&server).await);
    server.post(LOGOUT).header("authorization", &format!("Token {revoked}")).await.no_content();
    assert!(!is_good(&server, &revoked).await);
    server.advance(hours(10) - seconds(1));
    assert!(is_good(&server, &expired).await);
    server.advance(seconds(1));
    assert!(!is_good(&server, &expired).await);
    let deleted = token(&server).await;
    let root = server.sign_in(&root.email, PASSWORD).await;
    server.delete(&format!("/users/{}", ada.id)).bearer(&root.access).await.no_content();
    assert!(!is_good(&server, &deleted).await);
});

story!(authorization_header_of_an_inactive_user, async |server| {
    server.verified_user(ADA).await;
    let token = token(&server).await;
    // Beside the server; its own deactivation ends the tokens.
    let set = |active: &str| format!("UPDATE users SET is_active = {active}");
    server.database().execute(&set("false")).await;
    for request in [server.get(USER), server.post(LOGOUT), server.post(LOGOUT_ALL)] {
        let answer = request.header("authorization", &format!("Token {token}")).await;
        answer.says(401, detail("User inactive or deleted."));
        assert_eq!(answer.header("www-authenticate"), "Token");
    }
    server.get("/users/me").bearer(&token).await.refused(401, "Unauthorized");
    server.database().execute(&set("true")).await;
    assert!(is_good(&server, &token).await);
});

story!(logout_ends_the_presented_token_only, async |server| {
    server.verified_user(ADA).await;
    let (one, two, three) = (token(&server).await, token(&server).await, token(&server).await);
    let request = server.post(LOGOUT).header("authorization", &format!("Token {one}"));
    request.raw("application/json", "{ignored").await.no_content();
    assert!(!is_good(&server, &one).await && is_good(&server, &two).await);
    let again = server.post(LOGOUT).header("authorization", &format!("Token {one}")).await;
    again.says(401, detail("Invalid token."));
    let bare = server.post("/api/auth/logout").header("authorization", &format!("token {two}"));
    bare.await.no_content();
    assert!(!is_good(&server, &two).await && is_good(&server, &three).await);
});

story!(logoutall_ends_every_session_of_the_user, async |server| {
    server.verified_user("grace@example.com").await;
    let ada = server.verified_user(ADA).await;
    for path in [LOGOUT_ALL, "/api/auth/logoutall"] {
        let graces = server.post(LOGIN).header("authorization", &basic("grace@example.com", PASSWORD));
        let graces = graces.await.success(200)["token"].as_str().unwrap().to_owned();
        let cookie = server.log_in(ADA, PASSWORD).await;
        let (one, two) = (token(&server).await, token(&server).await);
        server.post(path).header("authorization", &format!("Token {one}")).await.no_content();
        assert!(!is_good(&server, &one).await && !is_good(&server, &two).await);
        assert!(!server.is_signed_in(&ada.tokens.access).await && !server.is_logged_in(&cookie).await);
        assert!(is_good(&server, &graces).await);
    }
});

story!(a_wrong_method_is_told_as_django_does, async |server| {
    for (path, method, allow) in [
        (LOGIN, "GET", "POST, OPTIONS"),
        ("/api/auth/login", "PUT", "POST, OPTIONS"),
        (LOGOUT, "GET", "POST, OPTIONS"),
        (LOGOUT, "DELETE", "POST, OPTIONS"),
        (LOGOUT_ALL, "PATCH", "POST, OPTIONS"),
        (USER, "POST", "GET, HEAD, OPTIONS"),
    ] {
        let answer = server.request(method, path).await;
        answer.says(405, detail(&format!("Method \"{method}\" not allowed.")));
        assert_eq!(answer.header("allow"), allow);
        let options = server.request("OPTIONS", path).await;
        options.no_content();
        assert_eq!(options.header("allow"), allow);
    }
    for path in ["/api/auth/", "/api/auth/x/", "/api/auth/login//", "/api/auth/login/x"] {
        server.get(path).await.says(404, detail("Not found."));
        server.request("OPTIONS", path).await.says(404, detail("Not found."));
    }
});

story!(a_body_too_large_is_told_as_django_does, async |server| {
    let large = format!("{{\"username\": \"{}\"}}", "x".repeat(2_000_000));
    let answer = server.post(LOGIN).raw("application/json", large).await;
    answer.says(413, detail("The request body is too large."));
});

story!(a_busy_server_is_told_as_django_does, |config| config.passwords.queue = 0, async |server| {
    for request in
        [server.post(LOGIN).json(credentials()), server.post(LOGIN).header("authorization", &basic(ADA, "x"))]
    {
        request.await.says(503, detail("The server is busy. Try again shortly."));
    }
});

story!(tokens_that_never_expire, |config| config.tokens.ttl = "never".into(), async |server| {
    server.verified_user(ADA).await;
    let body = server.post(LOGIN).json(credentials()).await.success(200);
    assert_eq!(body["expiry"], Value::Null);
    server.advance(days(20_000));
    usher::worker::upkeep(server.app()).await.unwrap();
    assert!(is_good(&server, body["token"].as_str().unwrap()).await);
});

story!(
    expiry_in_a_format_of_ones_own,
    |config| config.tokens.expiry_format = Some("%d.%m.%Y %H:%M".into()),
    async |server| {
        server.verified_user(ADA).await;
        let body = server.post(LOGIN).json(credentials()).await.success(200);
        assert_eq!(body["expiry"], "15.01.2026 19:30");
    }
);

story!(a_scheme_word_of_ones_own, |config| config.tokens.header_prefix = "Knox".into(), async |server| {
    server.verified_user(ADA).await;
    let token = token(&server).await;
    for scheme in ["Knox", "knox"] {
        let header = format!("{scheme} {token}");
        with_header(&server, &header).await.success(200);
        server.get("/users/me").header("authorization", &header).await.success(200);
    }
    let answer = with_header(&server, &format!("Token {token}")).await;
    answer.says(401, detail(NO_CREDENTIALS));
    assert_eq!(answer.header("www-authenticate"), "Knox");
    let header = format!("Token {token}");
    server.get("/users/me").header("authorization", &header).await.refused(401, "Unauthorized");
});

story!(a_limit_per_user, |config| config.tokens.limit_per_user = 2, async |server| {
    server.verified_user(ADA).await;
    let limit = json!({"error": "Maximum amount of tokens allowed per user exceeded."});
    let first = token(&server).await;
    server.advance(hours(1));
    let second = token(&server).await;
    for request in [
        server.post(LOGIN).json(credentials()),
        server.post(LOGIN).header("authorization", &basic(ADA, PASSWORD)),
        server.post(LOGIN).header("authorization", &format!("Token {first}")).json(credentials()),
    ] {
        request.await.says(403, limit.clone());
    }
    let wrong = server.post(LOGIN).json(json!({"username": ADA, "password": "wrong password"})).await;
    wrong.says(400, json!({"non_field_errors": ["Incorrect Credentials"]}));
    assert!(is_good(&server, &first).await && is_good(&server, &second).await);
    // Other kinds of sessions do not count, and other people have places of their own.
    server.sign_in(ADA, PASSWORD).await;
    server.verified_user("grace@example.com").await;
    let graces = server.post(LOGIN).header("authorization", &basic("grace@example.com", PASSWORD));
    graces.await.success(200);
    // Nor do expired ones, or revoked ones.
    server.advance(hours(9));
    let third = token(&server).await;
    server.post(LOGIN).json(credentials()).await.says(403, limit.clone());
    server.post(LOGOUT).header("authorization", &format!("Token {third}")).await.no_content();
    token(&server).await;
    server.post(LOGIN).json(credentials()).await.says(403, limit);
});

story!(a_limit_holds_when_many_sign_in_at_once, |config| config.tokens.limit_per_user = 3, async |server| {
    server.verified_user(ADA).await;
    let answers = join_all((0..10).map(|at| {
        // Either way in counts the same places.
        let path = if at % 2 == 0 { LOGIN } else { "/auth/token/login" };
        server.post(path).json(credentials()).into_future()
    }))
    .await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(200), count(403)), (3, 7));
});

story!(a_proven_address_may_be_needed, |config| config.accounts.require_verified = true, async |server| {
    server.register(ADA, PASSWORD).await;
    let verify = token_of(&server.mail(MailKind::Verify, ADA).await);
    let refused = json!({"non_field_errors": ["Incorrect Credentials"]});
    server.post(LOGIN).json(credentials()).await.says(400, refused);
    let answer = server.post(LOGIN).header("authorization", &basic(ADA, PASSWORD)).await;
    answer.says(401, detail("Invalid username/password."));
    server.post("/auth/verify").json(json!({"token": verify})).await.success(200);
    let token = token(&server).await;
    assert!(is_good(&server, &token).await);
    server.database().execute("UPDATE users SET is_verified = false").await;
    let text = "You do not have permission to perform this action.";
    with_header(&server, &format!("Token {token}")).await.says(403, detail(text));
});
