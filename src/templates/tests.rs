//! Every page in every state, and what an operator's folder may and may not do.

use std::fs;

use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::Templates;

const EVIL: &str = "<script>alert(1)</script>\"'&";

/// A page, what tells its state apart, and its context beside the common one.
fn pages() -> Vec<(&'static str, Value)> {
    let wrong = json!({"summary": "Check the fields.", "fields": {"email": EVIL, "username": "No.", "password": "Too short."}});
    let refused = json!({"summary": "The address or the password is wrong.", "fields": null});
    let mut pages = vec![
        ("home", json!({"registration_open": true})),
        ("home", json!({"registration_open": false})),
        ("home", json!({"registration_open": true, "signed_in_as": EVIL, "unverified": true})),
        ("home", json!({"registration_open": true, "signed_in_as": "ada@example.org", "unverified": false})),
        (
            "signup",
            json!({"registration_open": false, "error": null, "email": null, "min_password_length": 8}),
        ),
        ("signup_done", json!({"email": EVIL})),
        ("logged_out", json!({})),
        ("logout", json!({"signed_in_as": EVIL})),
        ("problem", json!({"status": 400, "title": EVIL, "help": EVIL, "codes": ["LOGIN_BAD_CREDENTIALS"]})),
        (
            "problem",
            json!({"status": 422, "title": "Some fields are missing or not valid.", "help": "See them.", "codes": []}),
        ),
        ("verify_resent", json!({})),
        ("forgot_password_done", json!({})),
        ("dev_inbox", json!({"mails": []})),
        (
            "dev_inbox",
            json!({"mails": [{"id": "0199", "to": EVIL, "subject": EVIL, "date": "24 November 2026"}]}),
        ),
        (
            "dev_inbox_mail",
            json!({"id": "0199", "subject": EVIL, "from": EVIL, "to": EVIL, "date": "24 November 2026", "headers": EVIL,
            "text_parts": [{"text": EVIL}, {"text": "https://id.example.org/verify?token=a&b", "href": "https://id.example.org/verify?token=a&b"}, {"text": "\n", "href": null}]}),
        ),
        (
            "error",
            json!({"status": 404, "title": "Not found", "message": EVIL, "next_href": "/", "next_label": "Start page"}),
        ),
        (
            "error",
            json!({"status": 503, "title": "Try again later", "message": "Busy.", "next_href": null, "next_label": null}),
        ),
    ];
    for error in [Value::Null, wrong, refused] {
        pages.push((
            "signup",
            json!({"registration_open": true, "error": error, "email": EVIL, "min_password_length": 8}),
        ));
        pages.push((
            "login",
            json!({"registration_open": true, "error": error, "username": EVIL, "next": EVIL, "unverified": true}),
        ));
        pages.push((
            "login",
            json!({"registration_open": false, "error": error, "username": null, "next": null, "unverified": false}),
        ));
        pages.push(("forgot_password", json!({"error": error, "email": EVIL})));
        for page in ["reset_password", "invitation", "setup"] {
            let context = json!({"state": "ready", "error": error, "token": EVIL, "email": EVIL, "min_password_length": 8});
            pages.push((page, context));
        }
    }
    pages.push(("verify", json!({"state": "ready", "token": EVIL})));
    for (page, states) in [
        ("verify", ["verified", "already_verified", "expired", "used", "superseded", "invalid"].as_slice()),
        ("reset_password", &["done", "expired", "used", "superseded", "invalid"]),
        ("invitation", &["done", "expired", "used", "superseded", "invalid"]),
        ("setup", &["done", "expired", "used", "superseded", "invalid", "unavailable"]),
    ] {
        pages.extend(states.iter().map(|state| (page, json!({"state": state}))));
    }
    pages
}

/// The page with the context that every page has, signed in or not and in local mode or not.
fn rendered() -> Vec<(String, Html, String)> {
    let templates = Templates::new(None).unwrap();
    let mut all = Vec::new();
    for (page, own) in pages() {
        for local in [true, false] {
            for signed_in_as in [Value::Null, json!("ada@example.org")] {
                let mut context = json!({"product": "Usher", "public_url": "https://id.example.org", "local": local, "signed_in_as": signed_in_as, "unverified": false});
                context.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
                let text = templates.page(page, &context).unwrap_or_else(|e| panic!("{page} {own}: {e}"));
                all.push((format!("{page} {own}"), Html::parse_document(&text), text));
            }
        }
    }
    all
}

fn count(page: &Html, selector: &str) -> usize {
    page.select(&Selector::parse(selector).unwrap()).count()
}

#[test]
fn every_page_is_whole_and_keeps_to_the_content_security_policy() {
    for (name, page, text) in rendered() {
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        for (selector, times) in [
            ("html[lang=en]", 1),
            ("h1", 1),
            ("main", 1),
            ("header", 1),
            ("style, [style], script:not([src]), base", 0),
            ("[src^='http'], link[href^='http']", 0),
            ("form:not([method=post])", 0),
            ("input[onfocus], button:not([type])", 0),
        ] {
            assert_eq!(count(&page, selector), times, "{name}: {selector}");
        }
        for element in page.select(&Selector::parse("*").unwrap()) {
            for (attribute, value) in element.value().attrs() {
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!value.starts_with("javascript:"), "{name}: {attribute}");
            }
        }
        let title: String = page.select(&Selector::parse("title").unwrap()).flat_map(|t| t.text()).collect();
        assert!(title.trim_end_matches(" - Usher").len() > 2 && !title.contains('\n'), "{name}: {title:?}");
        assert!(
            !text.contains("<script>")
                && !text.contains("&amp;amp;")
                && !text.contains("value=\"none\"")
                && !text.contains(">none<"),
            "{name}"
        );
    }
}

#[test]
fn every_field_has_a_label_and_says_what_is_wrong_with_it() {
    for (name, page, _) in rendered() {
        let mut ids = std::collections::BTreeSet::new();
        for element in page.select(&Selector::parse("[id]").unwrap()) {
            assert!(ids.insert(element.attr("id").unwrap()), "{name}: the id of {element:?} is used twice");
        }
        for input in page.select(&Selector::parse("input:not([type=hidden])").unwrap()) {
            let id = input.attr("id").unwrap();
            assert_eq!(count(&page, &format!("label[for={id}]")), 1, "{name}: {id}");
            let purpose = input.attr("autocomplete").unwrap();
            assert!(["username", "current-password", "new-password"].contains(&purpose), "{name}: {id}");
            let described = input.attr("aria-describedby").unwrap_or_default();
            assert!(described.split(' ').all(|id| id.is_empty() || ids.contains(id)), "{name}: {described}");
            assert_eq!(input.attr("aria-invalid").is_some(), described.contains("-error"), "{name}: {id}");
        }
        for link in page.select(&Selector::parse(".error-summary a").unwrap()) {
            assert!(ids.contains(link.attr("href").unwrap().trim_start_matches('#')), "{name}");
        }
        let title: String = page.select(&Selector::parse("title").unwrap()).flat_map(|t| t.text()).collect();
        let summaries = count(&page, "#error-summary[role=alert][tabindex='-1']");
        assert_eq!(title.starts_with("Error: "), summaries == 1, "{name}");
        assert!(count(&page, "input[type=password]") <= 1, "{name}: one password field");
    }
}

#[test]
fn a_first_visit_is_small() {
    let templates = Templates::new(None).unwrap();
    let assets: usize = ["usher.css", "usher.js", "usher.svg"]
        .iter()
        .map(|name| templates.asset(name).unwrap().0.len())
        .sum();
    for (name, _, text) in rendered() {
        assert!(text.len() + assets < 30 * 1024, "{name}");
    }
}

#[test]
fn a_mail_in_the_inbox_keeps_its_lines_and_links() {
    let templates = Templates::new(None).unwrap();
    let context = json!({"product": "Usher", "public_url": "http://localhost", "local": true, "signed_in_as": null, "id": "1",
        "subject": "s", "from": "f", "to": "t", "date": "d", "headers": "h",
        "text_parts": [{"text": "Hello,\n\n"}, {"text": "http://localhost/verify?token=a", "href": "http://localhost/verify?token=a"}, {"text": "\n\nBye\n"}]});
    let text = templates.page("dev_inbox_mail", context).unwrap();
    let expected = "<pre>\nHello,\n\n<a href=\"http://localhost/verify?token=a\">http://localhost/verify?token=a</a>\n\nBye\n</pre>";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_built_in_templates_are_in_order() {
    Templates::new(None).unwrap().check().unwrap();
}

#[test]
fn assets_have_media_types_and_unknown_ones_are_none() {
    let templates = Templates::new(None).unwrap();
    assert_eq!(templates.asset("usher.css").unwrap().1, "text/css; charset=utf-8");
    assert_eq!(templates.asset("usher.js").unwrap().1, "text/javascript; charset=utf-8");
    for name in ["", "nothing.css", "../pages/home.html.j2", "/etc/passwd", "..", "usher.css/"] {
        assert!(templates.asset(name).is_none(), "{name}");
    }
}

#[test]
fn a_name_that_is_not_given_is_an_error_with_its_place() {
    let error = Templates::new(None)
        .unwrap()
        .page("signup_done", json!({"product": "Usher", "local": false}))
        .unwrap_err();
    assert!(error.contains("built-in templates/pages/") && error.contains(" line "), "{error}");
    assert!(Templates::new(None).unwrap().page("nothing", json!({})).is_err());
}

#[test]
fn an_operators_folder_overrides_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("pages/home.html.j2", "Welcome to {{ product }}, {{ none }}{{ '<' }}"),
        ("assets/usher.css", "body{}"),
        ("assets/fonts/own.woff2", "font"),
        ("pages/.home.html.j2.swp", "\u{0}"),
        ("README.md", "{% nothing"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let templates = Templates::new(Some(folder.path())).unwrap();
    templates.check().unwrap();
    assert_eq!(
        templates.page("home", json!({"product": "<Acme>"})).unwrap(),
        "Welcome to &lt;Acme&gt;, &lt;"
    );
    assert_eq!(templates.asset("usher.css").unwrap().0.as_ref(), b"body{}");
    assert_eq!(templates.asset("fonts/own.woff2").unwrap().1, "font/woff2");
    assert!(
        templates
            .page("logged_out", json!({"product": "Acme", "local": false, "signed_in_as": null}))
            .is_ok()
    );
}

#[test]
fn faults_of_an_operators_folder_name_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("mail/verify")).unwrap();
    fs::create_dir_all(folder.path().join("pages")).unwrap();
    let (mail, page) =
        (folder.path().join("mail/verify/body.txt.j2"), folder.path().join("pages/extra.html.j2"));
    fs::write(&mail, "Hello\n{{ recipient }\n").unwrap();
    fs::write(&page, "\n\n{% if %}").unwrap();
    let faults = Templates::new(Some(folder.path())).unwrap().check().unwrap_err();
    let lines: Vec<&str> = faults.lines().collect();
    assert_eq!(lines.len(), 2, "{faults}");
    assert!(lines[0].starts_with(&format!("{} line 2: ", mail.display())), "{faults}");
    assert!(lines[1].starts_with(&format!("{} line 3: ", page.display())), "{faults}");

    fs::write(&mail, "Hello\n{{ recipent }}\n").unwrap();
    let templates = Templates::new(Some(folder.path())).unwrap();
    let error = templates.render("mail/verify/body.txt.j2", json!({"recipient": "a"})).unwrap_err();
    assert!(error.starts_with(&format!("{} line 2: ", mail.display())), "{error}");

    assert!(Templates::new(Some(&folder.path().join("nowhere"))).is_err());
}
