//! Forgotten passwords and invitations: a mailed link and a new password.

use super::{ADA, mailed_path, scan};
use crate::support::*;

const NEW: &str = "tr0ubador and 3 more";
const READY: &str = "Choose a new password";
const DONE: &str = "Your password was changed";
const ASKED: &str = "Look into your mailbox";

/// The path of a reset link that was just asked for on the page.
async fn forgotten(server: &Server) -> String {
    let form = server.get("/forgot-password").page().await;
    form.shows(200, "Forgot your password?");
    server.submit(&form, "/forgot-password", &[("email", ADA)]).page().await.shows(200, ASKED);
    mailed_path(server, MailKind::ResetPassword, ADA).await
}

/// Posts the form that a link once showed.
async fn choose(server: &Server, path: &str, password: &str) -> Page {
    let (page, token) = path.split_once("?token=").expect("a token");
    server.post(page).form(&[("token", token), ("password", password)]).page().await
}

/// What a link says, opened or posted, and that it offers a new one.
async fn refuses(server: &Server, path: &str, heading: &str, reason: &str) {
    for (page, status) in [(server.get(path).page().await, 200), (choose(server, path, NEW).await, 400)] {
        page.shows(status, heading).says(reason);
        assert!(page.has("a[href='/forgot-password']") && !page.has("form"));
    }
}

story!(asking_has_one_answer, async |server| {
    let root = server.superuser("root@example.org").await;
    server.verified_user(ADA).await;
    let gone = server.verified_user("gone@example.com").await;
    let body = json!({"is_active": false});
    let path = format!("/users/{}", gone.id);
    server.patch(&path).bearer(&root.tokens.access).json(body).await.success(200);
    let mut answers = Vec::new();
    for email in [ADA, "gone@example.com", "nobody@example.com"] {
        let page = server.post("/forgot-password").form(&[("email", email)]).page().await;
        page.shows(200, ASKED);
        answers.push(page.text().to_owned());
    }
    server.mail(MailKind::ResetPassword, ADA).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for (typed, fault) in [
        ("", "Enter an e-mail address."),
        ("nonsense", "An email address must have an @-sign."),
        (
            "ada lovelace@example.com",
            "An email address cannot contain spaces, invisible or control characters.",
        ),
        ("Ada<ada@example.com>", "The part before the @-sign contains characters that are not allowed."),
    ] {
        let page = server.post("/forgot-password").form(&[("email", typed)]).page().await;
        page.shows(400, "Forgot your password?");
        page.faults("Some fields are missing or not right.", &[("email", fault)]);
        assert_eq!(page.attribute("#email", "value"), typed);
    }
    server.expect_no_mail().await;
});

story!(the_form_knows_who_is_signed_in, async |server| {
    server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let page = server.get("/forgot-password").cookie(&cookie).page().await;
    assert_eq!(page.attribute("#email", "value"), ADA);
});

story!(looking_changes_nothing_and_the_form_sets_the_password, async |server| {
    let ada = server.verified_user(ADA).await;
    let cookie = server.log_in(ADA, PASSWORD).await;
    let path = forgotten(&server).await;
    scan(&server, &path, READY).await;
    let form = server.get(&path).page().await;
    assert_eq!(form.attribute("#username", "value"), ADA);
    assert_eq!(form.attribute("#username", "autocomplete"), "username");
    assert_eq!(form.attribute("#password", "autocomplete"), "new-password");
    assert!(form.has("#username[readonly]"));
    let done = server.submit(&form, "/reset-password", &[("password", NEW)]).cookie(&cookie).page().await;
    done.shows(200, DONE);
    assert!(done.signed_in_as().is_none() && !done.text().contains(NEW));
    assert!(done.header("set-cookie").starts_with("usher_session=; "), "{}", done.header("set-cookie"));
    // Everybody else is out.
    assert!(!server.is_logged_in(&cookie).await);
    assert!(server.get("/").cookie(&cookie).page().await.signed_in_as().is_none());
    assert!(!server.is_signed_in(&ada.tokens.access).await);
    let body = json!({"refresh_token": ada.tokens.refresh});
    server.post("/auth/jwt/refresh").json(body).await.refused(401, "REFRESH_TOKEN_INVALID");
    server.mail(MailKind::PasswordChanged, ADA).await;
    server.log_in(ADA, NEW).await;
    refuses(&server, &path, "This link was already used", "Each link works once").await;
    server.log_in(ADA, NEW).await;
});

story!(a_refused_password_shows_the_form_again, async |server| {
    server.verified_user(ADA).await;
    let path = forgotten(&server).await;
    let mut page = server.get(&path).page().await;
    for (weak, reason) in [
        ("", "Password should be at least 8 characters."),
        ("hunter", "Password should be at least 8 characters."),
        ("password123", "Password is one of the most common ones; choose another."),
    ] {
        page = server.submit(&page, "/reset-password", &[("password", weak)]).page().await;
        page.shows(400, READY).faults("Choose another password.", &[("password", reason)]);
        assert_eq!(page.attribute("#username", "value"), ADA);
        assert!(weak.is_empty() || !page.text().contains(weak));
    }
    let token = path.split_once("token=").unwrap().1;
    let missing = server.post("/reset-password").form(&[("token", token)]).page().await;
    let summary = "Some fields are missing or not right.";
    missing.shows(400, READY).faults(summary, &[("password", "Fill in this field.")]);
    server.log_in(ADA, PASSWORD).await;
    server.submit(&missing, "/reset-password", &[("password", NEW)]).page().await.shows(200, DONE);
});

story!(an_expired_link_says_so, async |server| {
    server.verified_user(ADA).await;
    let path = forgotten(&server).await;
    server.advance(hours(1) - seconds(1));
    server.get(&path).page().await.shows(200, READY);
    server.advance(seconds(1));
    refuses(&server, &path, "This link has expired", "that time is over").await;
    choose(&server, &path, "hunter").await.shows(400, "This link has expired");
});

story!(a_superseded_link_says_so, async |server| {
    server.verified_user(ADA).await;
    let (first, second) = (forgotten(&server).await, forgotten(&server).await);
    choose(&server, &second, NEW).await.shows(200, DONE);
    refuses(&server, &first, "This link no longer counts", "another link was used").await;
});

story!(a_link_to_an_address_that_was_left_says_so, async |server| {
    let ada = server.verified_user(ADA).await;
    let path = forgotten(&server).await;
    let body = json!({"email": "ada@example.org"});
    server.patch("/users/me").bearer(&ada.tokens.access).json(body).await.success(200);
    refuses(&server, &path, "This link no longer counts", "the password or the address").await;
    assert!(!server.get(&path).page().await.text().contains("ada@example"));
});

story!(a_broken_or_forged_link_says_so, async |server| {
    server.unverified_user(ADA).await;
    let path = forgotten(&server).await;
    let verification = server.verify_token(ADA).await;
    let jwt = Jwt::read(path.split_once("token=").unwrap().1);
    for token in [
        String::new(),
        "garbage".into(),
        "%00".into(),
        verification,
        jwt.clone().unsigned(),
        jwt.clone().claim("aud", "usher:verify").hs256(&link_key("reset_password")),
    ] {
        for page in ["/reset-password", "/invitation"] {
            let path = format!("{page}?token={token}");
            refuses(&server, &path, "This link is not valid", "copy the whole of it").await;
        }
    }
    choose(&server, &path, NEW).await.shows(200, DONE);
});

story!(an_invited_person_sets_a_password_and_is_verified, async |server| {
    let root = server.superuser("root@example.org").await;
    let body = json!({"email": ADA});
    let user = server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    assert_eq!(user["is_verified"], false);
    let login = server.post("/login").form(&[("username", ADA), ("password", PASSWORD)]).page().await;
    login.shows(400, "Sign in");
    let path = mailed_path(&server, MailKind::Invitation, ADA).await;
    assert!(path.starts_with("/invitation?token="));
    scan(&server, &path, "Choose a password for your account").await;
    let form = server.get(&path).page().await;
    assert_eq!(form.attribute("#username[readonly]", "value"), ADA);
    let again = server.submit(&form, "/invitation", &[("password", "hunter")]).page().await;
    let reason = [("password", "Password should be at least 8 characters.")];
    again.shows(400, "Choose a password for your account").faults("Choose another password.", &reason);
    let done = server.submit(&again, "/invitation", &[("password", NEW)]).page().await;
    done.shows(200, "Your account is ready");
    let cookie = server.log_in(ADA, NEW).await;
    assert_eq!(server.get("/users/me").cookie(&cookie).await.success(200)["is_verified"], true);
    refuses(&server, &path, "This link was already used", "Each link works once").await;
});

story!(an_invitation_lives_for_a_week, async |server| {
    let root = server.superuser("root@example.org").await;
    let body = json!({"email": ADA});
    server.post("/users").bearer(&root.tokens.access).json(body).await.success(201);
    let path = mailed_path(&server, MailKind::Invitation, ADA).await;
    server.advance(days(7));
    refuses(&server, &path, "This link has expired", "ask the person who invited you").await;
    // The page's way out works for who never had a password.
    let path = forgotten(&server).await;
    choose(&server, &path, NEW).await.shows(200, DONE);
    server.log_in(ADA, NEW).await;
});
