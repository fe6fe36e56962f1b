//! The outbox: a mail leaves once, later if need be, and never holds up a request.

use crate::support::*;
use usher::mail::SendError;
use usher::mail::outbox;
use usher::worker::deliver_due;

const ADA: &str = "ada@example.com";

fn temporary() -> Option<SendError> {
    Some(SendError::Temporary("the server is away".into()))
}

story!(a_mail_that_fails_is_sent_later, async |server| {
    server.mailbox().fail_with(temporary());
    server.register(ADA, PASSWORD).await;
    // Waits of 2, 4, 8, 16, 32 and then 60 seconds.
    for wait in [2, 4, 8, 16, 32, 60, 60] {
        server.expect_no_mail().await;
        server.advance(seconds(wait) - Duration::from_micros(1));
        assert_eq!(deliver_due(server.app()).await.unwrap(), 0, "{wait}");
        server.advance(Duration::from_micros(1));
    }
    server.mailbox().fail_with(None);
    let token = token_of(&server.mail(MailKind::Verify, ADA).await);
    server.advance(hours(24) - seconds(1));
    let body = json!({"token": token});
    server.post("/auth/verify").json(body).await.success(200);
});

story!(a_mail_that_cannot_leave_is_given_up, async |server| {
    server.mailbox().fail_with(Some(SendError::Permanent("no such mailbox".into())));
    server.register(ADA, PASSWORD).await;
    server.expect_no_mail().await;
    server.mailbox().fail_with(None);
    server.advance(days(1));
    server.expect_no_mail().await;
    let mut conn = server.app().db.read().await.unwrap();
    let failed = outbox::list_unsent(&mut conn, true, 10).await.unwrap();
    assert_eq!((failed.len(), failed[0].last_error.as_deref()), (1, Some("no such mailbox")));
    drop(conn);
    let mut tx = server.app().db.write().await.unwrap();
    assert_eq!(outbox::retry_failed(&mut tx, Some(failed[0].id), server.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    server.mail(MailKind::Verify, ADA).await;
});

story!(a_mail_that_fails_for_long_is_given_up, |config| config.mail.max_attempts = 3, async |server| {
    server.mailbox().fail_with(temporary());
    server.register(ADA, PASSWORD).await;
    for _ in 0..5 {
        server.expect_no_mail().await;
        server.advance(minutes(1));
    }
    let mut conn = server.app().db.read().await.unwrap();
    let failed = outbox::list_unsent(&mut conn, true, 10).await.unwrap();
    assert_eq!((failed.len(), failed[0].attempts), (1, 3));
});

story!(mails_to_one_address_keep_their_order, async |server| {
    server.register(ADA, PASSWORD).await;
    server.advance(seconds(1));
    server.post("/auth/forgot-password").json(json!({"email": ADA})).await.success(202);
    server.mailbox().fail_with(temporary());
    assert_eq!(deliver_due(server.app()).await.unwrap(), 1, "the second waits for the first");
    server.mailbox().fail_with(None);
    server.expect_no_mail().await;
    server.register("grace@example.com", PASSWORD).await;
    server.mail(MailKind::Verify, "grace@example.com").await;
    server.advance(seconds(2));
    let kinds: Vec<MailKind> = server.mails().await.iter().map(|mail| mail.kind).collect();
    assert_eq!(kinds, [MailKind::Verify, MailKind::ResetPassword]);
});

story!(a_worker_that_died_is_replaced, async |server| {
    server.register(ADA, PASSWORD).await;
    let mut tx = server.app().db.write().await.unwrap();
    let lease = server.app().config.mail.lease;
    let due = outbox::list_due(&mut tx, server.now(), 10).await.unwrap();
    assert_eq!(outbox::claim_mails(&mut tx, &due, server.now(), lease).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    server.advance(lease - seconds(1));
    server.expect_no_mail().await;
    server.advance(seconds(1));
    server.mail(MailKind::Verify, ADA).await;
});

story!(two_workers_send_each_mail_once, async |server| {
    let other = server.sibling().await;
    for number in 0..15 {
        server.register(&format!("person{number}@example.com"), PASSWORD).await;
    }
    loop {
        let (here, there) = tokio::join!(deliver_due(server.app()), deliver_due(other.app()));
        if here.unwrap() + there.unwrap() == 0 {
            break;
        }
    }
    let mut sent: Vec<String> = server.mailbox().take().into_iter().map(|mail| mail.to).collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 15);
});

story!(no_secret_waits_in_the_database, async |server| {
    server.register(ADA, PASSWORD).await;
    server.post("/auth/forgot-password").json(json!({"email": ADA})).await.success(202);
    let mut conn = server.app().db.read().await.unwrap();
    let waiting = outbox::list_unsent(&mut conn, false, 10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    for mail in waiting {
        let facts = serde_json::to_value(&mail.facts.0).unwrap();
        let keys: Vec<&String> = facts.as_object().unwrap().keys().collect();
        assert!(keys.iter().all(|key| ["ip", "device"].contains(&key.as_str())), "{facts}");
    }
});

story!(a_link_that_nobody_needs_any_more_is_not_mailed, async |server| {
    server.register(ADA, PASSWORD).await;
    server.post("/auth/forgot-password").json(json!({"email": ADA})).await.success(202);
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let body = json!({"email": "ada@example.org", "password": "tr0ubador and 3 more"});
    server.patch("/users/me").bearer(&access).json(body).await.success(200);
    let mut seen: Vec<_> = server.mails().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
    seen.sort();
    let expected = [
        (MailKind::Verify, "ada@example.org"),
        (MailKind::PasswordChanged, ADA),
        (MailKind::EmailChanged, ADA),
    ];
    assert_eq!(seen, expected.map(|(kind, to)| (kind, to.to_owned())));
});
