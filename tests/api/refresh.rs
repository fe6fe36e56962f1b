//! Refresh tokens: each good once, forgiving lost answers and parallel tabs, merciless to thieves.

use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ADA: &str = "ada@example.com";

async fn refresh(server: &Server, token: &str) -> Answer {
    server.post("/auth/jwt/refresh").json(json!({"refresh_token": token})).await
}

async fn refreshed(server: &Server, token: &str) -> Tokens {
    Tokens::of(&refresh(server, token).await.success(200))
}

/// Insists that a token is taken as stolen, that everything of its session is dead, and that the owner is told.
async fn expect_reuse(server: &Server, token: &str, family: &[&Tokens]) {
    refresh(server, token).await.refused(401, "REFRESH_TOKEN_REUSED");
    for tokens in family {
        refresh(server, &tokens.refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
        assert!(!server.is_signed_in(&tokens.access).await);
    }
    refresh(server, token).await.refused(401, "REFRESH_TOKEN_INVALID");
    let notice = server.mail(MailKind::RefreshTokenReused, ADA).await;
    assert!(!notice.rendered.text.contains("token="));
}

story!(gets_a_new_pair_each_time, async |server| {
    let mut tokens = server.verified_user(ADA).await.tokens;
    for _ in 0..5 {
        let answer = refresh(&server, &tokens.refresh).await;
        let body = answer.success(200);
        assert_eq!(body.as_object().unwrap().len(), 5);
        assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(900), &json!("bearer")));
        assert_eq!(
            (answer.header("cache-control"), answer.headers.contains_key("set-cookie")),
            ("no-store", false)
        );
        let next = Tokens::of(&body);
        assert!(next.refresh != tokens.refresh && next.access != tokens.access);
        assert!(next.refresh.starts_with("urt_"));
        assert!(server.is_signed_in(&next.access).await);
        tokens = next;
    }
    let sessions = server.get("/users/me/sessions").bearer(&tokens.access).await.success(200);
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
});

story!(a_lost_answer_is_given_again, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let lost = refreshed(&server, &first.refresh).await;
    server.advance(seconds(10));
    let again = refreshed(&server, &first.refresh).await;
    assert_eq!(lost.refresh, again.refresh);
    assert!(server.is_signed_in(&again.access).await);
    refreshed(&server, &again.refresh).await;
    server.expect_no_mail().await;
});

story!(tabs_that_refresh_at_once_stay_signed_in, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let answers = join_all((0..10).map(|_| refresh(&server, &first.refresh))).await;
    let all: Vec<Tokens> = answers.iter().map(|answer| Tokens::of(&answer.success(200))).collect();
    for tokens in &all {
        assert_eq!(tokens.refresh, all[0].refresh);
        assert!(server.is_signed_in(&tokens.access).await);
    }
    refreshed(&server, &all[0].refresh).await;
    server.expect_no_mail().await;
});

story!(a_repetition_after_the_grace_is_theft, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let second = refreshed(&server, &first.refresh).await;
    server.advance(seconds(9));
    refreshed(&server, &first.refresh).await;
    // The grace counts from the rotation, not from the last repetition.
    server.advance(seconds(2));
    expect_reuse(&server, &first.refresh, &[&first, &second]).await;
});

story!(a_repetition_after_the_child_was_used_is_theft, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let second = refreshed(&server, &first.refresh).await;
    let third = refreshed(&server, &second.refresh).await;
    expect_reuse(&server, &first.refresh, &[&second, &third]).await;
});

story!(theft_ends_one_session_and_not_the_others, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let other = server.sign_in(ADA, PASSWORD).await;
    let second = refreshed(&server, &first.refresh).await;
    server.advance(minutes(1));
    expect_reuse(&server, &first.refresh, &[&second]).await;
    refreshed(&server, &other.refresh).await;
});

story!(
    no_grace_tolerates_no_repetition,
    |config| config.sessions.refresh_grace = seconds(0),
    async |server| {
        let first = server.verified_user(ADA).await.tokens;
        let second = refreshed(&server, &first.refresh).await;
        server.advance(Duration::from_micros(1));
        expect_reuse(&server, &first.refresh, &[&second]).await;
    }
);

story!(a_forged_token_ends_nothing, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    let second = refreshed(&server, &first.refresh).await;
    let elsewhere = server.stranger(|_| {}).await.verified_user(ADA).await.tokens.refresh;
    let bytes = URL_SAFE_NO_PAD.decode(second.refresh.strip_prefix("urt_").unwrap()).unwrap();
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        format!("urt_{}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let mut forged: Vec<String> = (0..bytes.len()).map(changed).collect();
    forged.extend([
        String::new(),
        "urt_".into(),
        "garbage".into(),
        "\0".into(),
        second.access.clone(),
        elsewhere,
        second.refresh.to_uppercase(),
        second.refresh.replacen("urt_", "", 1),
        format!("{}A", second.refresh),
        format!("urt_{}", "A".repeat(100_000 / 2)),
    ]);
    for token in forged {
        refresh(&server, &token).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    refreshed(&server, &second.refresh).await;
    server.expect_no_mail().await;
});

story!(an_unused_token_expires, async |server| {
    let first = server.verified_user(ADA).await.tokens;
    server.advance(days(30) - seconds(1));
    let second = refreshed(&server, &first.refresh).await;
    server.advance(days(30) - seconds(1));
    let third = refreshed(&server, &second.refresh).await;
    server.advance(days(30));
    refresh(&server, &third.refresh).await.refused(401, "REFRESH_TOKEN_EXPIRED");
    refresh(&server, &first.refresh).await.refused(401, "REFRESH_TOKEN_EXPIRED");
    server.expect_no_mail().await;
});

story!(every_session_ends_after_ninety_days, async |server| {
    let mut tokens = server.verified_user(ADA).await.tokens;
    for day in (20..=80).step_by(20) {
        server.advance(days(20));
        let body = refresh(&server, &tokens.refresh).await.success(200);
        let left = (90 - day).min(30) * 24 * 3600;
        assert_eq!(body["refresh_expires_in"], left, "day {day}");
        tokens = Tokens::of(&body);
    }
    server.advance(days(10) - seconds(60));
    let body = refresh(&server, &tokens.refresh).await.success(200);
    assert_eq!((&body["expires_in"], &body["refresh_expires_in"]), (&json!(60), &json!(60)));
    let last = Tokens::of(&body);
    server.advance(seconds(60));
    assert!(!server.is_signed_in(&last.access).await);
    refresh(&server, &last.refresh).await.refused(401, "REFRESH_TOKEN_EXPIRED");
});

story!(a_used_session_outlives_its_upkeep, async |server| {
    let mut tokens = server.verified_user(ADA).await.tokens;
    for _ in 0..4 {
        server.advance(days(20));
        tokens = refreshed(&server, &tokens.refresh).await;
        usher::worker::upkeep(server.app()).await.unwrap();
    }
    server.advance(days(30));
    refresh(&server, &tokens.refresh).await.refused(401, "REFRESH_TOKEN_EXPIRED");
    // Purged a month later, and then nobody's.
    server.advance(days(31));
    usher::worker::upkeep(server.app()).await.unwrap();
    refresh(&server, &tokens.refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
});

story!(reports_bad_bodies, async |server| {
    let post = async |body: Value| server.post("/auth/jwt/refresh").json(body).await;
    post(json!({})).await.fault("missing", "body.refresh_token");
    post(json!({"refresh_token": null})).await.fault("string_type", "body.refresh_token");
    server.post("/auth/jwt/refresh").await.fault("missing", "body");
});

story!(refusals_invite_to_sign_in_again, async |server| {
    let answer = refresh(&server, "garbage").await;
    answer.refused(401, "REFRESH_TOKEN_INVALID");
    assert_eq!(answer.json()["type"], "/problems/refresh-token-invalid");
});
