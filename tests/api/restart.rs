//! A restart forgets nothing and revives nothing.

use crate::support::*;

const ADA: &str = "ada@example.com";

story!(people_stay_signed_in, async |server| {
    let ada = server.verified_user(ADA).await;
    let ended = server.sign_in(ADA, PASSWORD).await;
    server.post("/auth/jwt/logout").bearer(&ended.access).await.no_content();
    let keys = server.get("/.well-known/jwks.json").await.success(200);
    let server = server.restart().await;
    assert_eq!(server.get("/.well-known/jwks.json").await.success(200), keys);
    assert!(server.is_signed_in(&ada.tokens.access).await && !server.is_signed_in(&ended.access).await);
    let body = json!({"refresh_token": ada.tokens.refresh});
    server.post("/auth/jwt/refresh").json(body).await.success(200);
    let body = json!({"refresh_token": ended.refresh});
    server.post("/auth/jwt/refresh").json(body).await.refused(401, "REFRESH_TOKEN_INVALID");
    server.sign_in(ADA, PASSWORD).await;
});

story!(a_lost_refresh_is_given_again_across_it, async |server| {
    let ada = server.verified_user(ADA).await;
    let refresh = async |server: &Server, token: &str| {
        let body = json!({"refresh_token": token});
        server.post("/auth/jwt/refresh").json(body).await
    };
    let lost = Tokens::of(&refresh(&server, &ada.tokens.refresh).await.success(200));
    let server = server.restart().await;
    let again = Tokens::of(&refresh(&server, &ada.tokens.refresh).await.success(200));
    assert_eq!(lost.refresh, again.refresh);
    refresh(&server, &lost.refresh).await.success(200);
    let server = server.restart().await;
    refresh(&server, &ada.tokens.refresh).await.refused(401, "REFRESH_TOKEN_REUSED");
});

story!(queued_mails_and_mailed_links_survive, async |server| {
    server.register(ADA, PASSWORD).await;
    server.register("grace@example.com", PASSWORD).await;
    let server = server.restart().await;
    let mails = server.mails().await;
    assert_eq!(mails.len(), 2);
    let server = server.restart().await;
    for mail in &mails {
        let body = json!({"token": token_of(mail)});
        server.post("/auth/verify").json(body.clone()).await.success(200);
        server.post("/auth/verify").json(body).await.refused(400, "VERIFY_USER_ALREADY_VERIFIED");
    }
    let server = server.restart().await;
    let body = json!({"token": token_of(&mails[0])});
    server.post("/auth/verify").json(body).await.refused(400, "VERIFY_USER_ALREADY_VERIFIED");
    server.expect_no_mail().await;
});

story!(the_hourly_count_of_mails_survives, async |server| {
    server.register(ADA, PASSWORD).await;
    let mut server = server;
    for _ in 0..3 {
        for _ in 0..3 {
            server.post("/auth/request-verify-token").json(json!({"email": ADA})).await.success(202);
        }
        server = server.restart().await;
    }
    assert_eq!(server.mails().await.len(), 5);
});

story!(a_new_algorithm_signs_nobody_out, async |server| {
    let ada = server.verified_user(ADA).await;
    let algorithm = usher::config::JwtAlgorithm::EdDsa;
    let server = server.restart_with(|config| config.jwt.algorithm = algorithm).await;
    assert!(server.is_signed_in(&ada.tokens.access).await);
    let access = server.sign_in(ADA, PASSWORD).await.access;
    assert_eq!(Jwt::read(&access).header["alg"], "EdDSA");
    assert!(server.is_signed_in(&access).await);
    let keys = server.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
});

story!(a_rotated_key_signs_nobody_out, async |server| {
    let ada = server.verified_user(ADA).await;
    let other = server.sibling().await;
    let kid = |token: &str| Jwt::read(token).header["kid"].as_str().unwrap().to_owned();
    server.advance(seconds(1));
    usher::signing_keys::rotate(server.app(), true).await.unwrap();
    let access = server.sign_in(ADA, PASSWORD).await.access;
    assert_ne!(kid(&access), kid(&ada.tokens.access));
    server.advance(seconds(6));
    for server in [&server, &other] {
        assert!(server.is_signed_in(&access).await && server.is_signed_in(&ada.tokens.access).await);
    }
    // The old key leaves after the last token that a slow instance may have signed: 15 minutes and a half, and
    // the skew of a minute.
    server.advance(minutes(16));
    usher::worker::upkeep(server.app()).await.unwrap();
    assert_eq!(server.get("/.well-known/jwks.json").await.success(200)["keys"].as_array().unwrap().len(), 2);
    server.advance(minutes(1));
    usher::worker::upkeep(server.app()).await.unwrap();
    let keys = server.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["keys"][0]["kid"], kid(&access).as_str());
});

story!(a_published_key_signs_from_its_time_on, async |server| {
    server.register(ADA, PASSWORD).await;
    let kid = async || Jwt::read(&server.sign_in(ADA, PASSWORD).await.access).header["kid"].clone();
    let old = kid().await;
    usher::signing_keys::rotate(server.app(), false).await.unwrap();
    let keys = server.get("/.well-known/jwks.json").await.success(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    assert_eq!(kid().await, old);
    server.advance(hours(24));
    usher::worker::upkeep(server.app()).await.unwrap();
    assert_ne!(kid().await, old);
});

story!(keys_rotate_by_themselves, |config| config.keys.rotate_every = days(30), async |server| {
    server.register(ADA, PASSWORD).await;
    let first = Jwt::read(&server.sign_in(ADA, PASSWORD).await.access).header["kid"].clone();
    let mut seen = vec![first];
    for _ in 0..100 {
        server.advance(days(1));
        usher::worker::upkeep(server.app()).await.unwrap();
        let tokens = server.sign_in(ADA, PASSWORD).await;
        assert!(server.is_signed_in(&tokens.access).await);
        let kid = Jwt::read(&tokens.access).header["kid"].clone();
        if seen.last() != Some(&kid) {
            seen.push(kid);
        }
    }
    assert_eq!(seen.len(), 4, "one each thirty days");
});
