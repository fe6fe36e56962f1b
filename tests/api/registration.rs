//! Registration.

use crate::support::*;

story!(opens_an_account, async |server| {
    let user = server.register("Ada@Example.com", PASSWORD).await;
    assert_eq!(user["email"], "Ada@example.com");
    let mail = server.mail(MailKind::Verify, "Ada@example.com").await;
    let verified = server.post("/auth/verify").json(json!({"token": token_of(&mail)})).await.success(200);
    assert_eq!(verified["is_verified"], true);
});
