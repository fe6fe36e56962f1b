//! Signing up.

use super::ADA;
use crate::support::*;

const BAD_ADDRESS: &str = "Some fields are missing or not right.";

/// Posts the form of `/signup`.
async fn sign_up(server: &Server, email: &str, password: &str) -> Page {
    let form = server.get("/signup").page().await;
    form.shows(200, "Create an account");
    server.submit(&form, "/signup", &[("email", email), ("password", password)]).page().await
}

story!(an_account_is_created_and_nobody_signed_in, async |server| {
    let done = sign_up(&server, ADA, PASSWORD).await;
    done.shows(200, "Look into your mailbox").says(ADA);
    assert!(!done.headers.contains_key("set-cookie"));
    server.mail(MailKind::Verify, ADA).await;
    let user = server.sign_in(ADA, PASSWORD).await;
    let me = server.get("/users/me").bearer(&user.access).await.success(200);
    assert_eq!((&me["is_verified"], &me["is_superuser"]), (&json!(false), &json!(false)));
    // The page can have the mail sent again.
    server.submit(&done, "/verify/resend", &[]).page().await.shows(200, "Look into your mailbox");
    server.mail(MailKind::Verify, ADA).await;
});

story!(flags_in_the_form_mean_nothing, async |server| {
    let fields = [("email", ADA), ("password", PASSWORD), ("is_superuser", "true"), ("is_verified", "true")];
    server.post("/signup").form(&fields).page().await.shows(200, "Look into your mailbox");
    let user = server.sign_in(ADA, PASSWORD).await;
    let me = server.get("/users/me").bearer(&user.access).await.success(200);
    assert_eq!((&me["is_verified"], &me["is_superuser"]), (&json!(false), &json!(false)));
});

story!(a_taken_address_is_said_at_its_field, async |server| {
    server.verified_user(ADA).await;
    let page = sign_up(&server, "ADA@Example.com", "another good password").await;
    page.shows(400, "Create an account").faults(
        "Sign in, or reset the password if it is forgotten.",
        &[("email", "There is an account with this email address.")],
    );
    assert_eq!(page.attribute("#email", "value"), "ADA@Example.com");
    assert!(!page.text().contains("another good password") && !page.headers.contains_key("set-cookie"));
    server.expect_no_mail().await;
    server.sign_in(ADA, PASSWORD).await;
});

story!(a_weak_password_is_said_at_its_field, async |server| {
    for (weak, reason) in [
        ("hunter", "Password should be at least 8 characters."),
        ("password123", "Password is one of the most common ones; choose another."),
        (ADA, "Password should not be your email address or the name of this service."),
    ] {
        let page = sign_up(&server, ADA, weak).await;
        page.shows(400, "Create an account").faults("Choose another password.", &[("password", reason)]);
        assert_eq!(page.attribute("#email", "value"), ADA);
        assert!(weak == ADA || !page.text().contains(weak), "{weak}");
    }
    server.expect_no_mail().await;
    sign_up(&server, ADA, PASSWORD).await.shows(200, "Look into your mailbox");
});

story!(a_bad_address_is_said_at_its_field, async |server| {
    for bad in ["ada", "@example.com", "ada@", "Ada <ada@example.com>", "ada@\u{202e}example.com"] {
        let page = sign_up(&server, bad, PASSWORD).await;
        page.shows(400, "Create an account");
        assert!(page.has(".error-summary") && page.has("#email-error") && !page.has("#password-error"));
        assert_eq!(page.attribute("#email", "value"), bad);
    }
    sign_up(&server, "", "").await.faults(BAD_ADDRESS, &[("email", "Enter an e-mail address.")]);
    let page = server.post("/signup").form(&[]).page().await;
    let faults = [("email", "Enter an e-mail address."), ("password", "Fill in this field.")];
    page.shows(400, "Create an account").faults(BAD_ADDRESS, &faults);
    server.expect_no_mail().await;
});

story!(what_was_typed_comes_back_as_text, async |server| {
    for typed in ["\"><script>alert(1)</script>", "' onfocus='alert(1)", "{{ public_url }}", "<b>ada</b>@x"] {
        let page = sign_up(&server, typed, PASSWORD).await;
        page.shows(400, "Create an account");
        assert_eq!(page.attribute("#email", "value"), typed);
    }
    for body in ["email=%ff%fe&password=%00", "email=a&email=b&email=c", "%", "{}", "email[]=x", "\0"] {
        let media = "application/x-www-form-urlencoded";
        server.post("/signup").raw(media, body).page().await.shows(400, "Create an account");
    }
});

story!(closed_is_closed, |config| config.accounts.registration = false, async |server| {
    let closed = server.get("/signup").page().await;
    closed.shows(200, "Signing up is closed");
    assert!(!closed.has("form"));
    let fields = [("email", ADA), ("password", PASSWORD)];
    let page = server.post("/signup").form(&fields).page().await;
    page.shows(403, "Signing up is closed");
    assert!(!page.has("form"));
    server.expect_no_mail().await;
    for path in ["/", "/login"] {
        assert!(!server.get(path).page().await.has("a[href='/signup']"), "{path}");
    }
    server
        .post("/login")
        .form(&[("username", ADA), ("password", PASSWORD)])
        .page()
        .await
        .shows(400, "Sign in");
});
