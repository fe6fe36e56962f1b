//! Superusers and everybody's accounts.

use crate::support::*;

const ADA: &str = "ada@example.com";
const ROOT: &str = "root@example.org";
const NEW: &str = "tr0ubador and 3 more";

async fn patch(server: &Server, root: &Person, id: &str, body: Value) -> Answer {
    server.patch(&format!("/users/{id}")).bearer(&root.tokens.access).json(body).await
}

async fn list(server: &Server, root: &Person, query: &str) -> Value {
    server.get(&format!("/users{query}")).bearer(&root.tokens.access).await.success(200)
}

fn emails(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

story!(creates_shows_changes_and_deletes, async |server| {
    let root = server.superuser(ROOT).await;
    let body = json!({"email": "Ada@Example.com", "password": PASSWORD, "is_verified": true});
    let user = server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    assert_eq!(user.as_object().unwrap().len(), 8);
    assert_eq!(
        (&user["is_active"], &user["is_superuser"], &user["is_verified"]),
        (&json!(true), &json!(false), &json!(true))
    );
    server.expect_no_mail().await;
    let id = user["id"].as_str().unwrap();
    for spelling in [id.to_owned(), id.to_uppercase(), id.replace('-', "")] {
        let path = format!("/users/{spelling}");
        assert_eq!(server.get(&path).bearer(&root.tokens.access).await.success(200), user);
    }
    server.advance(seconds(1));
    let changed = patch(&server, &root, id, json!({"is_superuser": true, "is_verified": false})).await;
    let changed = changed.success(200);
    assert_eq!((&changed["is_superuser"], &changed["is_verified"]), (&json!(true), &json!(false)));
    assert_eq!(changed["updated_at"], "2026-01-15T09:30:01.250000Z");
    server.advance(seconds(1));
    for nothing in [json!({}), json!({"is_active": true, "is_superuser": null, "email": "Ada@example.com"})] {
        assert_eq!(patch(&server, &root, id, nothing).await.success(200), changed);
    }
    let path = format!("/users/{id}");
    server.delete(&path).bearer(&root.tokens.access).await.no_content();
    server.delete(&path).bearer(&root.tokens.access).await.refused(404, "Not Found");
});

story!(creation_takes_flags_and_has_its_errors, async |server| {
    let root = server.superuser(ROOT).await;
    let post = async |body: Value| server.post("/users").bearer(&root.tokens.access).json(body).await;
    let user =
        post(json!({"email": "off@example.com", "password": PASSWORD, "is_active": "no", "is_superuser": 1}));
    let user = user.await.success(201);
    assert_eq!(
        (&user["is_active"], &user["is_superuser"], &user["is_verified"]),
        (&json!(false), &json!(true), &json!(false))
    );
    server.expect_no_mail().await;
    post(json!({"email": "on@example.com", "password": PASSWORD})).await.success(201);
    server.mail(MailKind::Verify, "on@example.com").await;
    post(json!({"email": "ON@example.com", "password": PASSWORD}))
        .await
        .refused(400, "REGISTER_USER_ALREADY_EXISTS");
    post(json!({"email": "ON@example.com"})).await.refused(400, "REGISTER_USER_ALREADY_EXISTS");
    let weak = post(json!({"email": "on@example.com", "password": "short"})).await;
    weak.refused_password("REGISTER_INVALID_PASSWORD");
    post(json!({"password": PASSWORD})).await.fault("missing", "body.email");
    post(json!({"email": "x@example.com", "password": 7})).await.fault("string_type", "body.password");
    post(json!({"email": "x@example.com", "is_active": "maybe"}))
        .await
        .fault("bool_parsing", "body.is_active");
    server.expect_no_mail().await;
});

story!(
    creation_works_where_registration_is_closed,
    |config| config.accounts.registration = false,
    async |server| {
        let root = server.superuser(ROOT).await;
        let body = json!({"email": ADA, "password": PASSWORD});
        server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    }
);

story!(an_invitation_sets_the_password_and_proves_the_address, async |server| {
    let root = server.superuser(ROOT).await;
    let body = json!({"email": ADA});
    server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    let mail = server.mail(MailKind::Invitation, ADA).await;
    assert!(link_of(&mail).starts_with(&format!("{}/invitation?token=", server.public_url())));
    let token = token_of(&mail);
    let reset = async |password: &str| {
        let body = json!({"token": token, "password": password});
        server.post("/auth/reset-password").json(body).await
    };
    let verify = server.post("/auth/verify").json(json!({"token": token}));
    verify.await.refused(400, "VERIFY_USER_BAD_TOKEN");
    reset("short").await.refused_password("RESET_PASSWORD_INVALID_PASSWORD");
    server.advance(days(7) - seconds(1));
    reset(PASSWORD).await.success(200);
    let access = server.sign_in(ADA, PASSWORD).await.access;
    assert_eq!(server.get("/users/me").bearer(&access).await.success(200)["is_verified"], true);
    reset(NEW).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
});

story!(an_invitation_expires, async |server| {
    let root = server.superuser(ROOT).await;
    let body = json!({"email": ADA});
    server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    let token = token_of(&server.mail(MailKind::Invitation, ADA).await);
    server.advance(days(7));
    let body = json!({"token": token, "password": PASSWORD});
    server.post("/auth/reset-password").json(body).await.refused(400, "RESET_PASSWORD_BAD_TOKEN");
    // A lost invitation is no dead end.
    let token = server.reset_token(ADA).await;
    let body = json!({"token": token, "password": PASSWORD});
    server.post("/auth/reset-password").json(body).await.success(200);
    server.sign_in(ADA, PASSWORD).await;
});

story!(a_new_address_is_unproven_unless_the_superuser_says_otherwise, async |server| {
    let root = server.superuser(ROOT).await;
    let ada = server.verified_user(ADA).await;
    let user = patch(&server, &root, &ada.id, json!({"email": "a1@example.com"})).await.success(200);
    assert_eq!(user["is_verified"], false);
    assert_eq!(server.mails().await.len(), 2);
    let body = json!({"email": "a2@example.com", "is_verified": true});
    let user = patch(&server, &root, &ada.id, body).await.success(200);
    assert_eq!(user["is_verified"], true);
    server.mail(MailKind::EmailChanged, "a1@example.com").await;
    let body = json!({"email": "a3@example.com", "password": "short"});
    patch(&server, &root, &ada.id, body).await.refused_password("UPDATE_USER_INVALID_PASSWORD");
    let taken = patch(&server, &root, &ada.id, json!({"email": ROOT})).await;
    taken.refused(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS");
    // No current password is asked for, however old the sign-in.
    server.advance(minutes(14));
    patch(&server, &root, &ada.id, json!({"password": NEW})).await.success(200);
    server.sign_in("a2@example.com", NEW).await;
});

story!(the_last_superuser_stays, async |server| {
    let root = server.superuser(ROOT).await;
    let root_path = format!("/users/{}", root.id);
    let second = server.superuser("second@example.org").await;
    let refused = async || {
        for body in [
            json!({"is_active": false}),
            json!({"is_superuser": false}),
            json!({"is_superuser": 0, "email": "r@example.org"}),
        ] {
            patch(&server, &root, &root.id, body).await.refused(409, "LAST_SUPERUSER");
        }
        server.delete(&root_path).bearer(&root.tokens.access).await.refused(409, "LAST_SUPERUSER");
        server.delete("/users/me").bearer(&root.tokens.access).await.refused(409, "LAST_SUPERUSER");
        let body = json!({"is_superuser": false, "is_active": false});
        let mine = server.patch("/users/me").bearer(&root.tokens.access).json(body).await.success(200);
        assert_eq!(
            (&mine["is_superuser"], &mine["is_active"], &mine["email"]),
            (&json!(true), &json!(true), &json!(ROOT))
        );
    };
    // An inactive one is no other one.
    patch(&server, &root, &second.id, json!({"is_active": false})).await.success(200);
    refused().await;
    patch(&server, &root, &second.id, json!({"is_superuser": false, "is_active": true})).await.success(200);
    refused().await;
    patch(&server, &root, &second.id, json!({"is_superuser": true})).await.success(200);
    patch(&server, &root, &root.id, json!({"is_superuser": false})).await.success(200);
    server.get("/users").bearer(&root.tokens.access).await.refused(403, "Forbidden");
});

story!(two_superusers_who_remove_each_other_leave_one, async |server| {
    let mut last = server.superuser(ROOT).await;
    for round in 0..6 {
        let next = server.superuser(&format!("root{round}@example.org")).await;
        let by_access = async |from: &Person, to: &Person| {
            let path = format!("/users/{}", to.id);
            let access = &from.tokens.access;
            match round % 3 {
                0 => server.patch(&path).bearer(access).json(json!({"is_superuser": false})).await,
                1 => server.patch(&path).bearer(access).json(json!({"is_active": false})).await,
                _ => server.delete(&path).bearer(access).await,
            }
        };
        let answers = join_all([by_access(&last, &next), by_access(&next, &last)]).await;
        let won: Vec<usize> = (0..2).filter(|side| answers[*side].status < 300).collect();
        assert_eq!(won.len(), 1, "{} {}", answers[0].text(), answers[1].text());
        let lost = &answers[1 - won[0]];
        assert!(matches!(lost.status, 401 | 403 | 404 | 409), "{}", lost.text());
        last = if won[0] == 0 { last } else { next };
        server.get("/users").bearer(&last.tokens.access).await.success(200);
    }
});

story!(lists_in_pages, async |server| {
    let root = server.superuser(ROOT).await;
    for number in 0..7 {
        server.advance(Duration::from_millis(5));
        server.register(&format!("user{number}@example.com"), PASSWORD).await;
    }
    for (sort, first) in [
        ("", "user6@example.com"),
        ("&sort=-created_at", "user6@example.com"),
        ("&sort=created_at", ROOT),
        ("&sort=email", ROOT),
        ("&sort=-email", "user6@example.com"),
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut path = format!("/users?limit=3{sort}");
        loop {
            let answer = server.get(&path).bearer(&root.tokens.access).await;
            let page = answer.success(200);
            seen.extend(emails(&page).into_iter().map(str::to_owned));
            let link = answer.header("link");
            let Some(cursor) = page["next_cursor"].as_str() else {
                assert_eq!((link, &page["next_cursor"]), ("", &Value::Null));
                break;
            };
            assert_eq!(emails(&page).len(), 3);
            let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            path = target.strip_prefix(server.public_url()).unwrap().to_owned();
            assert!(path.contains(&format!("cursor={cursor}")) && path.contains("limit=3"), "{path}");
            assert!(sort.is_empty() || path.contains(&sort[1..]), "{path}");
        }
        assert_eq!((seen.len(), seen[0].as_str()), (8, first), "{sort}");
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 8, "{sort}: {seen:?}");
        match sort {
            "&sort=email" | "&sort=created_at" => assert_eq!(seen, sorted),
            _ => assert_eq!(seen, sorted.into_iter().rev().collect::<Vec<_>>()),
        }
    }
    let whole = list(&server, &root, "?limit=8").await;
    assert_eq!((emails(&whole).len(), &whole["next_cursor"]), (8, &Value::Null));
});

story!(pages_survive_changes_between_them, async |server| {
    let root = server.superuser(ROOT).await;
    for number in 0..4 {
        server.advance(Duration::from_millis(5));
        server.verified_user(&format!("user{number}@example.com")).await;
    }
    let first = list(&server, &root, "?limit=2&sort=created_at").await;
    assert_eq!(emails(&first), [ROOT, "user0@example.com"]);
    let id = first["items"][1]["id"].as_str().unwrap();
    server.delete(&format!("/users/{id}")).bearer(&root.tokens.access).await.no_content();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&server, &root, &format!("?limit=2&sort=created_at&cursor={cursor}")).await;
    assert_eq!(emails(&second), ["user1@example.com", "user2@example.com"]);
});

story!(filters, async |server| {
    let root = server.superuser(ROOT).await;
    let post = async |body: Value| {
        server.advance(minutes(1));
        server.post("/users").bearer(&root.tokens.access).json(body).await.success(201)
    };
    post(json!({"email": "off@example.com", "password": PASSWORD, "is_active": false})).await;
    post(json!({"email": "good@example.com", "password": PASSWORD, "is_verified": true})).await;
    for (query, found) in [
        ("", vec!["good@example.com", "off@example.com", ROOT]),
        ("is_active=true", vec!["good@example.com", ROOT]),
        ("is_active=false", vec!["off@example.com"]),
        ("is_active=0", vec!["off@example.com"]),
        ("is_verified=true", vec!["good@example.com", ROOT]),
        ("is_verified=no", vec!["off@example.com"]),
        ("is_superuser=true", vec![ROOT]),
        ("is_superuser=false&is_verified=true", vec!["good@example.com"]),
        ("created_after=2026-01-15T09:31:00.250Z", vec!["good@example.com", "off@example.com"]),
        ("created_after=2026-01-15T09:31:00.250001Z", vec!["good@example.com"]),
        ("created_after=2026-01-15T10:32:00.25%2B01:00", vec!["good@example.com"]),
        ("created_after=2027-01-01T00:00:00Z", vec![]),
        ("q=GOOD@&is_active=true", vec!["good@example.com"]),
        ("q=good@&is_active=false", vec![]),
        ("q=&is_active=&sort=&limit=&cursor=", vec!["good@example.com", "off@example.com", ROOT]),
    ] {
        assert_eq!(emails(&list(&server, &root, &format!("?{query}")).await), found, "{query}");
    }
});

story!(searches_by_prefix_and_takes_nothing_for_a_wildcard, async |server| {
    let root = server.superuser(ROOT).await;
    let addresses = [
        "a%b@example.com",
        "a_b@example.com",
        "axb@example.com",
        "ab@example.com",
        "Äb@example.com",
        "a'b@example.com",
        "日本@example.com",
    ];
    for address in addresses {
        server.register(address, PASSWORD).await;
    }
    for (q, found) in [
        ("a%25", vec!["a%b@example.com"]),
        ("a_", vec!["a_b@example.com"]),
        ("a'", vec!["a'b@example.com"]),
        ("%25", vec![]),
        ("_", vec![]),
        ("*", vec![]),
        ("AX", vec!["axb@example.com"]),
        ("%20ax%20", vec!["axb@example.com"]),
        ("ä", vec!["Äb@example.com"]),
        ("Ä", vec!["Äb@example.com"]),
        ("A%CC%88", vec!["Äb@example.com"]),
        ("日", vec!["日本@example.com"]),
        ("xb@", vec![]),
        ("a%00", vec![]),
        ("%F4%8F%BF%BF", vec![]),
        ("%ED%9F%BF", vec![]),
    ] {
        let page = list(&server, &root, &format!("?q={q}")).await;
        assert_eq!(emails(&page), found, "{q}");
    }
    let page = list(&server, &root, "?q=a&sort=email").await;
    assert_eq!(
        emails(&page),
        ["a%b@example.com", "a'b@example.com", "a_b@example.com", "ab@example.com", "axb@example.com"]
    );
});

story!(reports_bad_parameters, async |server| {
    let root = server.superuser(ROOT).await;
    server.register(ADA, PASSWORD).await;
    let by_email = list(&server, &root, "?limit=1&sort=email").await["next_cursor"].clone();
    let by_email = format!("cursor={}", by_email.as_str().unwrap());
    for (query, r#type, place) in [
        ("limit=0", "out_of_range", "query.limit"),
        ("limit=201", "out_of_range", "query.limit"),
        ("limit=-1", "out_of_range", "query.limit"),
        ("limit=x", "int_parsing", "query.limit"),
        ("limit=99999999999999999999", "int_parsing", "query.limit"),
        ("cursor=x", "value_error", "query.cursor"),
        ("cursor=%00", "value_error", "query.cursor"),
        (by_email.as_str(), "value_error", "query.cursor"),
        ("sort=email&cursor=AAAAAAAAAAAAAAAAAAAAAA", "value_error", "query.cursor"),
        ("is_active=maybe", "bool_parsing", "query.is_active"),
        ("created_after=yesterday", "datetime_parsing", "query.created_after"),
        ("created_after=2026-01-15", "datetime_parsing", "query.created_after"),
        ("sort=password_hash", "value_error", "query.sort"),
        ("sort=--email", "value_error", "query.sort"),
    ] {
        let path = format!("/users?{query}");
        server.get(&path).bearer(&root.tokens.access).await.fault(r#type, place);
    }
    let long = format!("/users?q={}", "x".repeat(255));
    server.get(&long).bearer(&root.tokens.access).await.fault("out_of_range", "query.q");
    let faults = server.get("/users?limit=0&sort=x&is_active=x").bearer(&root.tokens.access).await.faults();
    assert_eq!(faults.len(), 3);
});
