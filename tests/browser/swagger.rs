//! Swagger UI, without any network but the server: Authorize signs in, and a call is signed in.

use super::driver::Browser;
use super::support::process::Home;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorizes_and_gets_the_own_account() {
    let Some(browser) = Browser::open(true).await else { return };
    let home = Home::bare();
    let usher = home.serve();
    let answer = reqwest::Client::new()
        .post(format!("{}/auth/register", usher.base()))
        .json(&json!({"email": "ada@example.com", "password": "correct horse battery"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);

    browser.goto(&format!("{}/docs/", usher.base())).await;
    browser.click(".btn.authorize").await;
    browser.fill("#oauth_username", "ada@example.com").await;
    browser.fill("#oauth_password", "correct horse battery").await;
    browser.click(".auth-container:has(#oauth_username) .authorize").await;
    // The dialog says "Authorized" when the token is there.
    browser.wait(".auth-container h6").await;
    browser.click(".btn-done").await;

    browser.click("#operations-Own_account-get_me .opblock-summary-control").await;
    browser.click("#operations-Own_account-get_me .execute").await;
    let status =
        browser.wait("#operations-Own_account-get_me .live-responses-table tbody .response-col_status").await;
    let status = status.text().await.unwrap();
    assert!(status.starts_with("200"), "{status}");
    let body = browser.wait("#operations-Own_account-get_me .live-responses-table .microlight").await;
    assert!(body.text().await.unwrap().contains("ada@example.com"));
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    browser.close().await;
}
