//! The HTTP client, which holds every answer against the rules that all answers keep.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// A request on its way; `await` it.
pub struct Request {
    builder: RequestBuilder,
    what: String,
    is_head: bool,
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Method and address, for messages.
    pub(super) what: String,
}

/// A client that follows no redirect and asks no proxy.
pub(super) fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client can be built")
}

impl Request {
    pub(super) fn new(http: &reqwest::Client, method: &str, url: &str) -> Self {
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        Self { builder: http.request(verb, url), what: format!("{method} {url}"), is_head: method == "HEAD" }
    }

    pub fn json(self, body: Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self { builder: self.builder.form(fields), ..self }
    }

    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| {
            form.text((*name).to_owned(), (*value).to_owned())
        });
        Self { builder: self.builder.multipart(form), ..self }
    }

    /// Any bytes under any media type.
    pub fn raw(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { builder: self.builder.header(CONTENT_TYPE, media_type).body(body), ..self }
    }

    /// A body without a media type.
    pub fn untyped(self, body: impl Into<reqwest::Body>) -> Self {
        Self { builder: self.builder.body(body), ..self }
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    pub fn header_bytes(self, name: &str, value: &[u8]) -> Self {
        Self { builder: self.builder.header(name, value), ..self }
    }

    pub(super) async fn send(self) -> Answer {
        let response = self.builder.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", self.what));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{}: {error:?}", self.what));
        let answer = Answer { status, headers, body: body.to_vec(), what: self.what };
        answer.check_headers();
        answer
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let is_head = self.is_head;
            let answer = self.send().await;
            if answer.status >= 400 && !is_head {
                answer.check_problem();
            }
            answer
        })
    }
}

impl Answer {
    /// The value of a header; empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of ASCII"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.what))
    }

    /// The body, which is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {:?}", self.what, self.text()))
    }

    /// Insists on a status below 400; gives the body, null if there is none.
    #[track_caller]
    pub fn success(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Insists on 200 with plain text.
    #[track_caller]
    pub fn success_text(&self) {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.text());
    }

    /// Insists on 204 without a body.
    #[track_caller]
    pub fn no_content(&self) {
        assert_eq!((self.status, self.text()), (204, ""), "{}", self.what);
    }

    /// Insists on an error: its status, and its code in `detail`.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        assert_eq!(self.json()["detail"], code, "{}", self.what);
    }

    /// Insists on a refused password under `code`; gives the reason.
    #[track_caller]
    pub fn refused_password(&self, code: &str) -> String {
        assert_eq!(self.status, 400, "{}: {}", self.what, self.text());
        let detail = self.json()["detail"].clone();
        assert_eq!(detail["code"], code, "{}", self.what);
        assert_eq!(detail.as_object().expect("code and reason").len(), 2);
        detail["reason"].as_str().expect("a reason").to_owned()
    }

    /// Insists on 422; gives `type`, `loc` joined by dots, and `msg` of each fault.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String, String)> {
        assert_eq!(self.status, 422, "{}: {}", self.what, self.text());
        let body = self.json();
        let text =
            |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned();
        body["detail"]
            .as_array()
            .unwrap_or_else(|| panic!("{}: {body}", self.what))
            .iter()
            .map(|fault| {
                // `input` would echo passwords.
                assert_eq!(fault.as_object().expect("an object").len(), 3, "{fault}");
                let loc: Vec<String> = fault["loc"].as_array().expect("a place").iter().map(text).collect();
                (text(&fault["type"]), loc.join("."), text(&fault["msg"]))
            })
            .collect()
    }

    /// Insists on 422 with one fault: its `type` and `loc`.
    #[track_caller]
    pub fn fault(&self, r#type: &str, loc: &str) -> String {
        let mut faults = self.faults();
        let seen: Vec<_> = faults.iter().map(|fault| (fault.0.as_str(), fault.1.as_str())).collect();
        assert_eq!(seen, [(r#type, loc)], "{}", self.what);
        faults.remove(0).2
    }

    /// Insists on this body, whole.
    #[track_caller]
    pub fn says(&self, status: u16, body: Value) {
        assert_eq!((self.status, self.json()), (status, body), "{}", self.what);
    }

    fn is_knox(&self) -> bool {
        self.what.contains("/api/auth/")
    }

    /// What every answer has.
    fn check_headers(&self) {
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{}", self.what);
        assert!(uuid::Uuid::try_parse(self.header("x-request-id")).is_ok(), "{}", self.what);
        assert!(!self.header("cache-control").is_empty(), "{}", self.what);
        match self.status {
            401 if self.is_knox() => assert!(!self.header("www-authenticate").is_empty(), "{}", self.what),
            401 => assert!(self.header("www-authenticate").starts_with("Bearer"), "{}", self.what),
            503 => assert!(self.header("retry-after").parse::<u32>().is_ok_and(|s| s > 0), "{}", self.what),
            _ => {}
        }
    }

    /// What every error has (RFC 9457). `/readyz` is no error but a report.
    fn check_problem(&self) {
        if self.what.ends_with("/readyz") {
            return;
        }
        if self.is_knox() {
            // django-rest-knox has bodies of its own.
            assert_eq!(self.header("content-type"), "application/json", "{}: {}", self.what, self.text());
            assert!(self.json().is_object(), "{}: {}", self.what, self.text());
            assert_ne!(self.status, 500, "{}: {}", self.what, self.text());
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.what, self.text());
        let body = self.json();
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["type", "title", "status", "detail"], "{}", self.what);
        assert!(body["type"].as_str().is_some_and(|slug| slug.starts_with("/problems/")), "{body}");
        assert!(body["title"].as_str().is_some_and(|title| title.ends_with('.')), "{body}");
        assert_eq!(body["status"], self.status, "{}", self.what);
        assert_ne!(self.status, 500, "{}: {body}", self.what);
    }
}
