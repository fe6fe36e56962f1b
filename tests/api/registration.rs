//! Registration: an address and a password become one account, whatever else was sent and however often.

use crate::support::*;

fn good() -> Value {
    json!({"email": "ada@example.com", "password": PASSWORD})
}

/// The good body with one member changed.
fn with(name: &str, value: Value) -> Value {
    let mut body = good();
    body[name] = value;
    body
}

story!(opens_an_account_and_mails_a_link, async |server| {
    let answer = server.post("/auth/register").json(good()).await;
    let user = answer.success(201);
    let keys: Vec<&String> = user.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "email",
            "is_active",
            "is_superuser",
            "is_verified",
            "created_at",
            "updated_at",
            "last_login_at"
        ]
    );
    let id = uuid::Uuid::try_parse(user["id"].as_str().unwrap()).unwrap();
    assert_eq!((id.get_version_num(), id.to_string().as_str()), (7, user["id"].as_str().unwrap()));
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(
        (&user["is_active"], &user["is_superuser"], &user["is_verified"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!(user["created_at"], "2026-01-15T09:30:00.250000Z");
    assert_eq!(user["updated_at"], user["created_at"]);
    assert_eq!(user["last_login_at"], Value::Null);
    assert_eq!(answer.header("cache-control"), "no-store");
    server.mail(MailKind::Verify, "ada@example.com").await;
});

story!(signs_nobody_in, async |server| {
    let answer = server.post("/auth/register").json(good()).await;
    let again = server.post("/auth/register").json(good()).await;
    again.refused(400, "REGISTER_USER_ALREADY_EXISTS");
    for answer in [answer, again] {
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.text().contains("token"));
        assert!(!answer.text().contains("password"));
    }
});

story!(ignores_what_it_does_not_ask_for, async |server| {
    let mut body = good();
    for (name, value) in [
        ("id", json!("00000000-0000-0000-0000-000000000000")),
        ("is_active", json!(false)),
        ("is_superuser", json!(true)),
        ("is_verified", json!(true)),
        ("created_at", json!("1970-01-01T00:00:00Z")),
        ("password_hash", json!("x")),
        ("unknown", json!({"a": [1, 2]})),
    ] {
        body[name] = value;
    }
    let user = server.post("/auth/register").bearer("garbage").json(body).await.success(201);
    assert_ne!(user["id"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(user["created_at"], "2026-01-15T09:30:00.250000Z");
    for (flag, value) in [("is_active", true), ("is_superuser", false), ("is_verified", false)] {
        assert_eq!(user[flag], value, "{flag}");
    }
    server.sign_in("ada@example.com", PASSWORD).await;
});

story!(judges_the_password_before_the_address, async |server| {
    server.register("ada@example.com", PASSWORD).await;
    let reason = server
        .post("/auth/register")
        .json(with("password", json!("short")))
        .await
        .refused_password("REGISTER_INVALID_PASSWORD");
    assert_eq!(reason, "Password should be at least 8 characters");
    server.post("/auth/register").json(good()).await.refused(400, "REGISTER_USER_ALREADY_EXISTS");
});

story!(knows_an_address_in_any_spelling, async |server| {
    server.register("Ada.Lovelace@Bücher.Example", PASSWORD).await;
    for same in [
        "ada.lovelace@bücher.example",
        "ADA.LOVELACE@XN--BCHER-KVA.EXAMPLE",
        " ada.lovelace@BÜCHER.example ",
        "Ada.Lovelace@bu\u{308}cher.example",
        "ada.lovelace@ｂücher.example",
    ] {
        let body = json!({"email": same, "password": PASSWORD});
        server.post("/auth/register").json(body).await.refused(400, "REGISTER_USER_ALREADY_EXISTS");
    }
    server.register("kim@example.com", PASSWORD).await;
    // The Kelvin sign is a K.
    let kelvin = json!({"email": "\u{212A}im@example.com", "password": PASSWORD});
    server.post("/auth/register").json(kelvin).await.refused(400, "REGISTER_USER_ALREADY_EXISTS");
});

story!(keeps_look_alikes_apart, async |server| {
    let latin = server.register("ada@example.com", PASSWORD).await;
    for other in ["аda@example.com", "ａda@example.com", "adä@example.com", "a.da@example.com"] {
        assert_ne!(server.register(other, PASSWORD).await["id"], latin["id"], "{other}");
    }
    server.mails().await;
    server.post("/auth/forgot-password").json(json!({"email": "аda@example.com"})).await.success(202);
    server.mail(MailKind::ResetPassword, "аda@example.com").await;
});

story!(of_many_at_once_one_wins, async |server| {
    let spellings = ["ada@example.com", "ADA@example.com", "Ada@Example.COM", " aDa@example.com"];
    let requests = (0..50).map(|number| {
        let body = json!({"email": spellings[number % spellings.len()], "password": PASSWORD});
        server.post("/auth/register").json(body).into_future()
    });
    let answers = join_all(requests).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    lost.iter().for_each(|answer| answer.refused(400, "REGISTER_USER_ALREADY_EXISTS"));
    let stored = won[0].json()["email"].as_str().unwrap().to_owned();
    server.mail(MailKind::Verify, &stored).await;
    let root = server.superuser("root@example.org").await;
    let found = server.get("/users?q=ada@").bearer(&root.tokens.access).await.success(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    server.sign_in("ada@example.com", PASSWORD).await;
});

story!(can_be_closed, |config| config.accounts.registration = false, async |server| {
    server.post("/auth/register").json(good()).await.refused(403, "REGISTRATION_CLOSED");
    let weak = with("password", json!("x"));
    server.post("/auth/register").json(weak).await.refused(403, "REGISTRATION_CLOSED");
    server.expect_no_mail().await;
});

story!(refuses_weak_passwords_with_a_reason, async |server| {
    for password in
        ["", "1234567", "password123", "PASSWORD123", "ada@example.com", "äöüäöüä", &"x".repeat(1025)]
    {
        let answer = server.post("/auth/register").json(with("password", json!(password))).await;
        let reason = answer.refused_password("REGISTER_INVALID_PASSWORD");
        assert!(reason.starts_with("Password "), "{reason}");
        assert!(password.is_empty() || !answer.text().contains(password), "{}", answer.text());
    }
    // Never trimmed, cut or normalised; a NUL is a character like any other.
    for (number, password) in
        ["  spaces around  ", "pass\u{0}word with nul", "\u{1F511}\u{1F511}keykey", &"y".repeat(1024)]
            .iter()
            .enumerate()
    {
        let email = format!("person{number}@example.com");
        server.register(&email, password).await;
        server.sign_in(&email, password).await;
        let trimmed = [("username", email.as_str()), ("password", password.trim())];
        if password.trim() != *password {
            server.post("/auth/jwt/login").form(&trimmed).await.refused(400, "LOGIN_BAD_CREDENTIALS");
        }
    }
});

story!(reports_missing_and_mistyped_fields, async |server| {
    let post = async |body: Value| server.post("/auth/register").json(body).await.faults();
    let fault =
        |r#type: &str, name: &str, msg: &str| (r#type.to_owned(), format!("body.{name}"), msg.to_owned());
    let missing = |name| fault("missing", name, "Field required");
    let no_string = |name| fault("string_type", name, "Input should be a valid string");
    assert_eq!(post(json!({})).await, [missing("email"), missing("password")]);
    assert_eq!(post(json!({"email": "a@b.example"})).await, [missing("password")]);
    for value in [json!(null), json!(7), json!(true), json!([]), json!({})] {
        let body = json!({"email": value, "password": value});
        assert_eq!(post(body).await, [no_string("email"), no_string("password")]);
    }
    let no_bool = "Input should be a valid boolean, unable to interpret input";
    for value in [json!("maybe"), json!(2), json!("")] {
        let body = with("is_active", value);
        assert_eq!(post(body).await, [fault("bool_parsing", "is_active", no_bool)]);
    }
    let body = with("is_superuser", json!([]));
    assert_eq!(post(body).await, [fault("bool_type", "is_superuser", "Input should be a valid boolean")]);
    // All at once, in the order of the fields.
    let body = json!({"email": "x", "is_verified": "maybe"});
    let at_sign = "value is not a valid email address: An email address must have an @-sign.";
    let expected = [
        fault("value_error", "email", at_sign),
        missing("password"),
        fault("bool_parsing", "is_verified", no_bool),
    ];
    assert_eq!(post(body).await, expected);
});

story!(takes_booleans_in_any_spelling, async |server| {
    let spellings = [
        json!(true),
        json!(false),
        json!(null),
        json!(0),
        json!(1),
        json!(0.0),
        json!("true"),
        json!("FALSE"),
        json!("off"),
        json!("on"),
        json!("yes"),
        json!("n"),
        json!("0"),
    ];
    for (number, value) in spellings.into_iter().enumerate() {
        let mut body = with("email", json!(format!("person{number}@example.com")));
        body["is_active"] = value;
        assert_eq!(server.post("/auth/register").json(body).await.success(201)["is_active"], true);
    }
});

story!(refuses_bad_addresses, async |server| {
    for email in [
        "",
        "x",
        "@example.com",
        "a@",
        "a@b",
        "a@localhost",
        "a@mail.test",
        "a@mail.invalid",
        "a@mail.local",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@example.com.",
        "a b@example.com",
        "a@exa mple.com",
        "a..b@example.com",
        ".a@example.com",
        "a@-example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "\"ada\"@example.com",
        "ada(comment)@example.com",
        "=?utf-8?q?ada?=@example.com",
        "ada@example.com,eve@evil.example",
        "ada@example.com;eve@evil.example",
        "ada@example.com\r\nBcc: eve@evil.example",
        "ada\r\n@example.com",
        "ada\n@example.com",
        "ada\0@example.com",
        "ada@example.com\0",
        "ada\u{200B}@example.com",
        "\u{202E}ada@example.com",
        "ada\u{FEFF}@example.com",
        "ada\u{AD}@example.com",
        "ada\u{2028}@example.com",
        "ada\u{A0}@example.com",
        &format!("{}@example.com", "a".repeat(65)),
        &format!("a@{}.example.com", "b".repeat(64)),
        &format!("a@{}example.com", "bbbbbbb.".repeat(40)),
    ] {
        let answer = server.post("/auth/register").json(with("email", json!(email))).await;
        let msg = answer.fault("value_error", "body.email");
        assert!(msg.starts_with("value is not a valid email address: "), "{email:?}: {msg}");
        assert!(email.len() < 4 || !answer.text().contains(email), "{email:?}: {msg}");
    }
    server.expect_no_mail().await;
});

story!(refuses_bodies_that_are_no_object, async |server| {
    let path = "/auth/register";
    for body in ["[]", "7", "\"text\"", "true"] {
        let msg =
            server.post(path).raw("application/json", body).await.fault("model_attributes_type", "body");
        assert_eq!(msg, "Input should be a valid dictionary or object to extract fields from");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let answer = server.post(path).raw(media, good().to_string()).await;
        answer.fault("model_attributes_type", "body");
    }
    server.post(path).untyped(good().to_string()).await.fault("model_attributes_type", "body");
    for request in [server.post(path), server.post(path).raw("application/json", "")] {
        assert_eq!(request.await.fault("missing", "body"), "Field required");
    }
    for media in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"] {
        let body = with("email", json!(format!("{}@example.com", media.len())));
        server.post(path).raw(media, body.to_string()).await.success(201);
    }
});

story!(says_where_json_breaks, async |server| {
    for (body, offset) in [
        ("{bad", 1),
        ("{\"email\":}", 9),
        ("{\n \"email\": oops}", 12),
        ("{} x", 3),
        ("{", 1),
        ("{\"email\": \"a\",}", 14),
    ] {
        let answer = server.post("/auth/register").raw("application/json", body).await;
        assert_eq!(answer.status, 422, "{body}");
        let fault = json!({"type": "json_invalid", "loc": ["body", offset], "msg": "JSON decode error"});
        assert_eq!(answer.json()["detail"], json!([fault]), "{body}");
    }
    let broken = [b"{\"email\": \"".to_vec(), vec![0xFF, 0xFE], b"@example.com\"}".to_vec()].concat();
    let answer = server.post("/auth/register").raw("application/json", broken).await;
    assert_eq!((answer.status, &answer.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
    let surrogate = r#"{"email": "\ud800@example.com", "password": "correct horse battery"}"#;
    let answer = server.post("/auth/register").raw("application/json", surrogate).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let answer = server.post("/auth/register").raw("application/json", deep).await;
    assert_eq!(answer.status, 422);
});

story!(refuses_large_bodies, async |server| {
    let body = with("password", json!("x".repeat(1024 * 1024)));
    server.post("/auth/register").json(body).await.refused(413, "Payload Too Large");
    let body = with("unknown", json!("x".repeat(60_000)));
    server.post("/auth/register").json(body).await.success(201);
});
