//! What was decided on an account that is not any more what it was: each story lets somebody be quicker while a
//! password is hashed, by doing the slow one's reading first and its writing last.

use secrecy::SecretString;
use usher::accounts::{self, Authority, Change, User};
use usher::base::email_address::EmailAddress;
use usher::base::ids::Id;
use usher::error::ErrorKind;
use usher::mail::outbox::Facts;

use crate::support::*;

const ADA: &str = "ada@example.com";
const NEW: &str = "tr0ubador and 3 more";

async fn find(server: &Server, email: &str) -> User {
    let mut conn = server.app().db.read().await.unwrap();
    accounts::find_by_email(&mut conn, email).await.unwrap().unwrap()
}

/// The session of an access token.
fn session_of(access: &str) -> Id {
    Id::parse(Jwt::read(access).claims["sid"].as_str().unwrap()).unwrap()
}

fn email(text: &str) -> Option<EmailAddress> {
    Some(EmailAddress::parse(text).unwrap())
}

story!(a_verification_does_not_prove_the_address_that_came_after_it, async |server| {
    let access = server.unverified_user(ADA).await.tokens.access;
    let link = server.verify_token(ADA).await;
    let slow = find(&server, ADA).await;
    server.post("/auth/verify").json(json!({"token": link})).await.success(200);
    let change = Change { email: email("victim@example.com"), ..Change::default() };
    let authority =
        Authority::Owner { session_id: session_of(&access), password_hash: slow.password_hash.as_deref() };
    let user = accounts::change(server.app(), &slow, change, authority, &Facts::default()).await.unwrap();
    assert!(!user.is_verified);
});

story!(a_reset_wins_over_a_change_that_was_on_its_way, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    let slow = find(&server, ADA).await;
    let authority =
        Authority::Owner { session_id: session_of(&access), password_hash: slow.password_hash.as_deref() };
    let link = server.reset_token(ADA).await;
    server.post("/auth/reset-password").json(json!({"token": link, "password": NEW})).await.success(200);
    let change = Change { password: Some(SecretString::from("the thief's own words")), ..Change::default() };
    let refused = accounts::change(server.app(), &slow, change, authority, &Facts::default()).await;
    assert_eq!(*refused.err().unwrap().kind(), ErrorKind::InvalidToken);
    let refused = accounts::delete(server.app(), slow.id, authority).await;
    assert_eq!(*refused.err().unwrap().kind(), ErrorKind::InvalidToken);
    server.sign_in(ADA, NEW).await;
});

story!(a_logout_everywhere_wins_over_a_change_that_was_on_its_way, async |server| {
    let access = server.verified_user(ADA).await.tokens.access;
    let slow = find(&server, ADA).await;
    let authority =
        Authority::Owner { session_id: session_of(&access), password_hash: slow.password_hash.as_deref() };
    server.post("/auth/jwt/logout-all").bearer(&access).await.no_content();
    let change = Change { email: email("thief@example.com"), ..Change::default() };
    let refused = accounts::change(server.app(), &slow, change, authority, &Facts::default()).await;
    assert_eq!(*refused.err().unwrap().kind(), ErrorKind::InvalidToken);
});

story!(the_last_superuser_is_who_it_is_when_the_change_is_made, async |server| {
    let root = server.superuser("root@example.com").await;
    server.verified_user(ADA).await;
    let slow = find(&server, ADA).await;
    // Meanwhile the ordinary user becomes the only superuser.
    let path = format!("/users/{}", slow.id);
    server.patch(&path).bearer(&root.tokens.access).json(json!({"is_superuser": true})).await.success(200);
    let path = format!("/users/{}", find(&server, "root@example.com").await.id);
    server.patch(&path).bearer(&root.tokens.access).json(json!({"is_superuser": false})).await.success(200);
    let change = Change { is_active: Some(false), ..Change::default() };
    let refused =
        accounts::change(server.app(), &slow, change, Authority::Administrator, &Facts::default()).await;
    assert_eq!(*refused.err().unwrap().kind(), ErrorKind::LastSuperuser);
    let refused = accounts::delete(server.app(), slow.id, Authority::Administrator).await;
    assert_eq!(*refused.err().unwrap().kind(), ErrorKind::LastSuperuser);
});

story!(sign_ins_that_renew_the_hash_at_once_all_succeed, async |server| {
    server.register(ADA, PASSWORD).await;
    let server = server.restart_with(|config| config.passwords.iterations = 2).await;
    let sign_ins = (0..8).map(|_| server.sign_in(ADA, PASSWORD));
    assert_eq!(futures_util::future::join_all(sign_ins).await.len(), 8);
});

story!(the_hourly_limit_is_the_mailbox_s_however_it_is_spelled, async |server| {
    let access = server.unverified_user(ADA).await.tokens.access;
    for spelling in ["Ada@example.com", "aDa@example.com", "adA@example.com", "ADA@example.com"] {
        server.patch("/users/me").bearer(&access).json(json!({"email": spelling})).await.success(200);
        for _ in 0..2 {
            server.post("/auth/request-verify-token").json(json!({"email": spelling})).await.success(202);
        }
    }
    // The fifth, which brought the link of the registration, was read by `unverified_user`.
    assert_eq!(server.mails().await.len(), 4);
});

story!(what_is_done_for_nobody_is_purged, async |server| {
    for number in 0..3 {
        let nobody = json!({"email": format!("nobody{number}@example.com")});
        server.post("/auth/forgot-password").json(nobody.clone()).await.success(202);
        server.post("/auth/request-verify-token").json(nobody).await.success(202);
    }
    server.expect_no_mail().await;
    usher::worker::upkeep(server.app()).await.unwrap();
    let mut conn = server.app().db.read().await.unwrap();
    let now = server.now();
    assert_eq!(usher::one_time_tokens::list_expired(&mut conn, now, 10).await.unwrap(), []);
    assert_eq!(usher::mail::outbox::list_old(&mut conn, Id::lowest_at(now), 10).await.unwrap(), []);
});

story!(an_invitation_follows_the_corrected_address, async |server| {
    let root = server.superuser("root@example.com").await;
    let wrong = json!({"email": "grcae@example.com"});
    let user = server.post("/users").bearer(&root.tokens.access).json(wrong).await.success(201);
    server.mail(MailKind::Invitation, "grcae@example.com").await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let right = json!({"email": "grace@example.com"});
    server.patch(&path).bearer(&root.tokens.access).json(right).await.success(200);
    let mails = server.mails().await;
    let mail = mails.iter().find(|mail| mail.kind == MailKind::Invitation).unwrap();
    assert_eq!(mail.to, "grace@example.com");
    let body = json!({"token": token_of(mail), "password": NEW});
    server.post("/auth/reset-password").json(body).await.success(200);
    server.sign_in("grace@example.com", NEW).await;
});

story!(mails_tell_nothing_of_the_superuser_who_made_a_change, async |server| {
    let root = server.superuser("root@example.com").await;
    let ada = server.verified_user(ADA).await;
    let id = Jwt::read(&ada.tokens.access).claims["sub"].as_str().unwrap().to_owned();
    server
        .patch(&format!("/users/{id}"))
        .bearer(&root.tokens.access)
        .json(json!({"password": NEW, "email": "ada@example.org"}))
        .await
        .success(200);
    let mails = server.mails().await;
    assert_eq!(mails.len(), 3);
    for mail in mails {
        assert!(!mail.rendered.text.contains("IP address"), "{}", mail.rendered.text);
    }
});
