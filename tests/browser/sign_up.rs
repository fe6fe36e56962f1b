//! From the home page to a verified sign-in, as the console's first lines invite to.

use super::driver::Browser;
use super::support::process::Home;
use fantoccini::Locator;

const EMAIL: &str = "ada@example.com";
const MAIL: &str = ".mails a[href^='/dev/inbox/']";
const PASSWORD: &str = "correct horse battery";

/// Counts what the person does. Looking costs nothing.
struct Person {
    browser: Browser,
    actions: usize,
}

impl Person {
    async fn click(&mut self, selector: &str) {
        self.actions += 1;
        self.browser.click(selector).await;
    }

    async fn follow(&mut self, link: &str) {
        self.actions += 1;
        self.browser.follow(link).await;
    }

    /// A form that is filled in and sent counts as one action.
    async fn fill_in(&mut self, fields: &[(&str, &str)]) {
        self.actions += 1;
        for (selector, text) in fields {
            self.browser.fill(selector, text).await;
        }
        self.browser.click("main form button[type=submit]").await;
    }
}

async fn signs_up_and_in(with_javascript: bool) {
    let Some(browser) = Browser::open(with_javascript).await else { return };
    let home = Home::bare();
    let usher = home.serve();
    let mut person = Person { browser, actions: 0 };
    person.browser.goto(&format!("{}/", usher.base())).await;

    person.follow("Create an account").await;
    person.fill_in(&[("#email", EMAIL), ("#password", PASSWORD)]).await;
    person.browser.heading("Look into your mailbox").await;

    person.follow("Open the dev inbox").await;
    // The mail is a matter of milliseconds; a person would reload the page.
    while person.browser.page.find(Locator::Css(MAIL)).await.is_err() {
        person.browser.page.refresh().await.unwrap();
    }
    person.click(MAIL).await;
    person.click("a[href*='/verify?token=']").await;
    // The link alone verifies nothing.
    person.fill_in(&[]).await;
    person.browser.heading("Your e-mail address is confirmed").await;

    person.follow("Sign in").await;
    person.fill_in(&[("#username", EMAIL), ("#password", PASSWORD)]).await;
    person.browser.wait("form[action='/logout']").await;

    assert!(person.actions <= 8, "{} actions", person.actions);
    assert_eq!(person.browser.console_errors().await, Vec::<String>::new());
    person.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_up_verifies_and_signs_in() {
    signs_up_and_in(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_up_verifies_and_signs_in_without_javascript() {
    signs_up_and_in(false).await;
}
