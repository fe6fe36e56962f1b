//! Pages as a browser without JavaScript sees them, held against the rules that all pages keep.

use std::collections::BTreeSet;
use std::ops::Deref;

use scraper::{ElementRef, Html, Selector};

use super::client::{Answer, Request};
use super::people::PASSWORD;
use super::server::Server;

/// An answer in HTML.
pub struct Page {
    answer: Answer,
    document: Html,
}

impl Deref for Page {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

impl Request {
    /// Sends the request and insists on a page, of whatever status.
    pub async fn page(self) -> Page {
        let answer = self.send().await;
        let page = Page { document: Html::parse_document(answer.text()), answer };
        page.check_headers_of_pages();
        page.check_document();
        page
    }

    /// Sends the request as a browser with this cookie, `name=value`.
    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }
}

impl Server {
    /// Posts the form of a page that leads to `action`: what stands in it, and what is `typed`.
    #[track_caller]
    pub fn submit(&self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Request {
        let fields = page.filled(action, typed);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action).form(&fields)
    }

    /// Signs in on the page; gives the cookie as `name=value`.
    pub async fn log_in(&self, email: &str, password: &str) -> String {
        let answer = self.post("/login").form(&[("username", email), ("password", password)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"));
        let (cookie, _) = answer.header("set-cookie").split_once(';').expect("attributes");
        cookie.to_owned()
    }

    /// Whose cookie this is, if anybody's.
    pub async fn is_logged_in(&self, cookie: &str) -> bool {
        match self.get("/users/me").cookie(cookie).await.status {
            200 => true,
            401 => false,
            status => panic!("GET /users/me: {status}"),
        }
    }
}

impl Page {
    /// Insists on a status and on the heading.
    #[track_caller]
    pub fn shows(&self, status: u16, heading: &str) -> &Self {
        assert_eq!((self.status, self.heading().as_str()), (status, heading), "{}", self.answer.text());
        self
    }

    /// Insists on words of the page.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.words().contains(words), "{words:?} is not in {:?}", self.words());
        self
    }

    /// Insists on a summary of errors, and on the text at each field that is at fault.
    #[track_caller]
    pub fn faults(&self, summary: &str, fields: &[(&str, &str)]) -> &Self {
        assert_eq!(self.all(".error-summary > p").first().map(words_of).as_deref(), Some(summary));
        let seen: Vec<(String, String)> = self
            .all("input[aria-invalid]")
            .iter()
            .map(|input| {
                let id = input.attr("id").expect("an id");
                (id.to_owned(), words_of(&self.one(&format!("#{id}-error"))))
            })
            .collect();
        let expected: Vec<(String, String)> =
            fields.iter().map(|(id, text)| ((*id).to_owned(), format!("Error: {text}"))).collect();
        assert_eq!(seen, expected);
        let linked: Vec<String> = self.all(".error-summary a").iter().map(words_of).collect();
        let texts: Vec<&str> = fields.iter().map(|(_, text)| *text).collect();
        assert_eq!(linked, texts, "the summary leads to each field");
        self
    }

    /// What is read on the page.
    pub fn words(&self) -> String {
        words_of(&self.one("main"))
    }

    /// The heading.
    pub fn heading(&self) -> String {
        words_of(&self.one("h1"))
    }

    /// Whose session the page belongs to.
    pub fn signed_in_as(&self) -> Option<String> {
        self.all("header.site span").first().map(words_of)
    }

    /// Whether something on the page matches a CSS selector.
    pub fn has(&self, selector: &str) -> bool {
        !self.all(selector).is_empty()
    }

    /// The value of an attribute of the one element; empty without it.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> &str {
        self.one(selector).attr(name).unwrap_or_default()
    }

    #[track_caller]
    fn one(&self, selector: &str) -> ElementRef<'_> {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector} in {}", self.answer.text());
        found[0]
    }

    fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.document.select(&Selector::parse(selector).expect("a selector")).collect()
    }

    /// The fields of the form that leads to `action`, as a browser would send them.
    #[track_caller]
    fn filled(&self, action: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        let inputs = self.all(&format!("form[method=post][action='{action}'] input[name]"));
        for (name, _) in typed {
            let field = inputs.iter().find(|input| input.attr("name") == Some(name));
            let field = field.unwrap_or_else(|| panic!("no field {name} in {}", self.answer.text()));
            assert!(field.attr("readonly").is_none() && field.attr("type") != Some("hidden"), "{name}");
        }
        assert!(self.has(&format!("form[action='{action}'] button[type=submit]")), "{}", self.answer.text());
        inputs
            .iter()
            .map(|input| {
                let name = input.attr("name").expect("a name");
                let typed = typed.iter().find(|(typed, _)| *typed == name).map(|(_, value)| *value);
                let value = typed.or(input.attr("value")).unwrap_or_default();
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }

    /// ASVS 3.4.3 to 3.4.6; a page may hold a token or an address.
    fn check_headers_of_pages(&self) {
        let what = &self.answer.what;
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8", "{what}: {}", self.answer.text());
        assert_eq!(self.header("cache-control"), "no-store", "{what}");
        assert_eq!(self.header("referrer-policy"), "no-referrer", "{what}");
        let policy: Vec<&str> = self.header("content-security-policy").split(';').map(str::trim).collect();
        for directive in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "style-src 'self'",
            "script-src 'self'",
        ] {
            assert!(policy.contains(&directive), "{what}: {directive} is not in {policy:?}");
        }
        assert_ne!(self.status, 500, "{what}: {}", self.answer.text());
    }

    /// Nothing inline and nothing from elsewhere, a title that begins with the fault, labels, no secret.
    fn check_document(&self) {
        let what = &self.answer.what;
        let heading = self.heading();
        let prefix = if self.has(".error-summary") { "Error: " } else { "" };
        let title = words_of(&self.one("title"));
        assert!(title.starts_with(&format!("{prefix}{heading} - ")), "{what}: {title}");
        assert_eq!(self.attribute("html", "lang"), "en", "{what}");
        for outside in self.all("[src], link[href], form[action]") {
            let url = ["src", "href", "action"].into_iter().find_map(|name| outside.attr(name));
            let is_own = url.is_some_and(|url| url.starts_with('/') && !url.starts_with("//"));
            assert!(is_own, "{what}: {url:?}");
        }
        assert!(!self.has("style, script:not([src]), form:not([method=post])"), "{what}");
        for element in self.all("*") {
            let is_inline = |name: &str| name == "style" || name.starts_with("on");
            assert!(!element.value().attrs().any(|(name, _)| is_inline(name)), "{what}: {element:?}");
        }
        let ids: Vec<&str> = self.all("[id]").iter().filter_map(|element| element.attr("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{what}: {ids:?}");
        for input in self.all("input:not([type=hidden])") {
            let id = input.attr("id").expect("an id");
            assert!(self.has(&format!("label[for='{id}']")), "{what}: {id}");
            assert!(!input.attr("autocomplete").unwrap_or_default().is_empty(), "{what}: {id}");
        }
        assert!(!self.has("input[type=password][value]"), "{what}");
        assert!(!self.answer.text().contains(PASSWORD), "{what}: a password comes back");
    }
}

/// The text of an element with single spaces.
fn words_of(element: &ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
