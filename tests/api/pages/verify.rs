//! Confirming an address by the mailed link.

use super::{ADA, mailed_path, path_of, scan};
use crate::support::*;

const READY: &str = "Confirm your e-mail address";
const DONE: &str = "Your e-mail address is confirmed";
const ALREADY: &str = "Your e-mail address was confirmed already";
const RESENT: &str = "Look into your mailbox";

/// Registers Ada and gives the path of her link.
async fn registered(server: &Server) -> String {
    server.register(ADA, PASSWORD).await;
    mailed_path(server, MailKind::Verify, ADA).await
}

/// The path of a link that was just asked for.
async fn another(server: &Server) -> String {
    format!("/verify?token={}", server.verify_token(ADA).await)
}

async fn is_verified(server: &Server) -> bool {
    let access = server.sign_in(ADA, PASSWORD).await.access;
    server.get("/users/me").bearer(&access).await.success(200)["is_verified"] == true
}

/// Presses the button that a link once showed.
async fn press(server: &Server, path: &str) -> Page {
    let (_, token) = path.split_once("token=").expect("a token");
    server.post("/verify").form(&[("token", token)]).page().await
}

/// What a link says, opened or pressed, and that it offers a new one.
async fn refuses(server: &Server, path: &str, heading: &str, reason: &str) {
    for (page, status) in [(server.get(path).page().await, 200), (press(server, path).await, 400)] {
        page.shows(status, heading).says(reason).says("Get a new link");
        assert!(page.has("form[action='/verify/resend'] input[name=email]:not([value])"));
        assert!(!page.has("form[action='/verify']"), "no button that cannot work");
    }
}

story!(looking_changes_nothing_and_the_button_verifies, async |server| {
    let path = registered(&server).await;
    scan(&server, &path, READY).await;
    assert!(!is_verified(&server).await);
    let page = server.get(&path).page().await;
    assert!(!page.text().contains(ADA), "whoever finds the link learns no address");
    let done = server.submit(&page, "/verify", &[]).page().await;
    done.shows(200, DONE);
    assert!(done.has("a[href='/login']") && !done.headers.contains_key("set-cookie"));
    assert!(is_verified(&server).await);
    server.expect_no_mail().await;
    for page in [server.get(&path).page().await, press(&server, &path).await] {
        page.shows(200, ALREADY);
    }
});

story!(other_links_say_that_all_is_done, async |server| {
    let first = registered(&server).await;
    let second = another(&server).await;
    press(&server, &second).await.shows(200, DONE);
    server.get(&first).page().await.shows(200, ALREADY);
    press(&server, &first).await.shows(200, ALREADY);
});

story!(who_is_signed_in_here_does_not_matter, async |server| {
    let path = registered(&server).await;
    server.unverified_user("eve@example.com").await;
    let eve = server.log_in("eve@example.com", PASSWORD).await;
    let page = server.get(&path).cookie(&eve).page().await;
    assert_eq!(page.signed_in_as().as_deref(), Some("eve@example.com"));
    let done = server.submit(&page, "/verify", &[]).cookie(&eve).page().await;
    assert!(done.shows(200, DONE).has("a.button[href='/']"));
    assert!(is_verified(&server).await);
    let me = server.get("/users/me").cookie(&eve).await.success(200);
    assert_eq!((&me["email"], &me["is_verified"]), (&json!("eve@example.com"), &json!(false)));
});

story!(of_many_presses_at_once_all_say_that_it_is_done, async |server| {
    let path = registered(&server).await;
    let pages = join_all((0..12).map(|_| press(&server, &path))).await;
    assert!(pages.iter().all(|page| page.status == 200));
    assert_eq!(pages.iter().filter(|page| page.heading() == DONE).count(), 1);
    assert_eq!(pages.iter().filter(|page| page.heading() == ALREADY).count(), 11);
});

story!(an_expired_link_says_so, async |server| {
    let path = registered(&server).await;
    server.advance(hours(24));
    refuses(&server, &path, "This link has expired", "that time is over").await;
    let page = server.get(&path).page().await;
    server.submit(&page, "/verify/resend", &[("email", ADA)]).page().await.shows(200, RESENT);
    let fresh = mailed_path(&server, MailKind::Verify, ADA).await;
    press(&server, &fresh).await.shows(200, DONE);
});

story!(a_superseded_link_says_so, async |server| {
    let path = registered(&server).await;
    let body = json!({"token": server.reset_token(ADA).await, "password": PASSWORD});
    server.post("/auth/reset-password").json(body).await.success(200);
    refuses(&server, &path, "This link no longer counts", "the password or the address").await;
});

story!(a_link_to_an_address_that_was_left_says_so, async |server| {
    let path = registered(&server).await;
    let access = server.sign_in(ADA, PASSWORD).await.access;
    let body = json!({"email": "ada@example.org"});
    server.patch("/users/me").bearer(&access).json(body).await.success(200);
    refuses(&server, &path, "This link no longer counts", "the password or the address").await;
});

story!(a_used_link_says_so, async |server| {
    let root = server.superuser("root@example.org").await;
    let path = registered(&server).await;
    press(&server, &path).await.shows(200, DONE);
    let found = server.get("/users?q=ada").bearer(&root.tokens.access).await.success(200);
    let user = format!("/users/{}", found["items"][0]["id"].as_str().unwrap());
    let body = json!({"is_verified": false});
    server.patch(&user).bearer(&root.tokens.access).json(body).await.success(200);
    refuses(&server, &path, "This link was already used", "Each link works once").await;
    assert!(!is_verified(&server).await);
});

story!(a_broken_or_forged_link_says_so, async |server| {
    let path = registered(&server).await;
    let jwt = Jwt::read(path.split_once("token=").unwrap().1);
    let reset = server.reset_token(ADA).await;
    for token in [
        String::new(),
        "garbage".into(),
        path[path.len() - 20..].to_owned(),
        format!("{}x", jwt.as_it_was()),
        "%00".into(),
        "%22%3E%3Cscript%3E".into(),
        reset,
        jwt.clone().unsigned(),
        jwt.clone().es256_of_a_stranger(),
        jwt.clone().claim("jti", "00000000-0000-7000-8000-000000000000").hs256(&link_key("verify")),
    ] {
        refuses(&server, &format!("/verify?token={token}"), "This link is not valid", "copy the whole of it")
            .await;
    }
    server.get("/verify").page().await.shows(200, "This link is not valid");
    server.post("/verify").page().await.shows(400, "This link is not valid");
    assert!(!is_verified(&server).await);
    press(&server, &path).await.shows(200, DONE);
});

story!(asking_for_another_mail_has_one_answer, async |server| {
    let root = server.superuser("root@example.org").await;
    server.unverified_user(ADA).await;
    let gone = server.unverified_user("gone@example.com").await;
    let body = json!({"is_active": false});
    let path = format!("/users/{}", gone.id);
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    let mut answers = Vec::new();
    for typed in [ADA, "root@example.org", "gone@example.com", "nobody@example.com", "nonsense", ""] {
        let page = server.post("/verify/resend").form(&[("email", typed)]).page().await;
        page.shows(200, RESENT);
        answers.push(page.text().to_owned());
        if typed == ADA {
            let link = link_of(&server.mail(MailKind::Verify, ADA).await);
            server.get(&path_of(&server, &link)).page().await.shows(200, READY);
        }
    }
    server.expect_no_mail().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    server.post("/verify/resend").page().await.shows(200, RESENT);
});
