//! Every kind of mail, word for word, and the bytes of one.

use std::time::Duration;

use jiff::Timestamp;
use mailparse::MailHeaderMap;
use uuid::Uuid;

use super::*;
use crate::templates::Templates;

const LINK: &str = "https://id.example.org/verify?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn brand() -> Brand {
    Brand {
        product: "Usher".to_owned(),
        public_url: "https://id.example.org".to_owned(),
        support: Some("help@example.org".to_owned()),
    }
}

fn facts(kind: MailKind) -> MailFacts {
    let link = (!kind.is_notice()).then(|| LINK.to_owned());
    MailFacts {
        kind,
        recipient: "ada@example.org".to_owned(),
        expires_in: link.is_some().then_some(Duration::from_secs(86_400)),
        expires_at: link.is_some().then(|| time("2026-11-25T10:15:00Z")),
        link,
        requested_at: time("2026-11-24T10:15:00Z"),
        ip: Some("192.0.2.7".to_owned()),
        device: Some("Firefox on Windows".to_owned()),
        new_email: (kind == MailKind::EmailChanged).then(|| "lovelace@example.net".to_owned()),
    }
}

fn outgoing(rendered: Rendered) -> Outgoing {
    Outgoing {
        id: Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001),
        kind: MailKind::Verify,
        from: "Usher <no-reply@example.org>".to_owned(),
        to: "ada@example.org".to_owned(),
        message_id_host: brand().host().to_owned(),
        rendered,
        date: time("2026-11-24T10:15:00Z"),
    }
}

#[test]
fn every_kind_reads_as_agreed() {
    let templates = Templates::new(None).unwrap();
    for kind in MailKind::ALL {
        let mail = render(&templates, &brand(), &facts(kind)).unwrap();
        insta::assert_snapshot!(
            format!("{}_text", kind.as_str()),
            format!("Subject: {}\n\n{}", mail.subject, mail.text)
        );
        insta::assert_snapshot!(format!("{}_html", kind.as_str()), mail.html);
    }
}

#[test]
fn mails_with_a_link_hold_it_alone_on_a_line_and_notices_hold_none() {
    let templates = Templates::new(None).unwrap();
    for kind in MailKind::ALL {
        let mut facts = facts(kind);
        facts.link = Some(LINK.to_owned());
        let mail = render(&templates, &brand(), &facts).unwrap();
        assert_eq!(mail.text.lines().filter(|line| *line == LINK).count(), usize::from(!kind.is_notice()));
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!kind.is_notice() || !(part.contains("token=") || part.contains("code=")), "{kind:?}");
        }
        assert!(!mail.text.contains("none"), "{kind:?}");
        assert!(mail.html.len() + mail.text.len() < 20_000);
        assert!(!mail.html.contains("src="));
    }
}

#[test]
fn what_is_not_known_is_left_out() {
    let templates = Templates::new(None).unwrap();
    let brand = Brand { support: None, ..brand() };
    for kind in MailKind::ALL {
        let facts = MailFacts { ip: None, device: None, new_email: None, ..facts(kind) };
        let mail = render(&templates, &brand, &facts).unwrap();
        for gone in ["IP address", "Device", "Questions", "none", "\n\n\n"] {
            assert!(!mail.text.contains(gone), "{kind:?} {gone:?}: {}", mail.text);
        }
    }
}

#[test]
fn nothing_odd_gets_into_a_mail() {
    let templates = Templates::new(None).unwrap();
    let brand = Brand { product: "A<b>&\r\nBcc: x@y.example".to_owned(), ..brand() };
    let mut facts = facts(MailKind::Verify);
    facts.ip = Some("visit evil.example".to_owned());
    let mail = render(&templates, &brand, &facts).unwrap();
    assert!(!mail.subject.contains(['\r', '\n']));
    assert!(mail.html.contains("A&lt;b&gt;&amp;") && !mail.html.contains("<b>"));
    assert!(!mail.text.contains("evil"));
    for link in
        [None, Some("javascript:alert(1)"), Some("https://id.example.org/\r\nX: y"), Some("https://a\"b")]
    {
        facts.link = link.map(ToOwned::to_owned);
        let error = render(&templates, &brand, &facts).err().unwrap();
        assert!(!error.contains("alert"));
    }
}

#[test]
fn kinds_are_found_by_their_names() {
    for kind in MailKind::ALL {
        assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(MailKind::parse("newsletter"), None);
}

#[test]
fn the_host_of_the_public_url() {
    for (url, host) in [
        ("https://id.example.org", "id.example.org"),
        ("http://localhost:8000/", "localhost"),
        ("http://[::1]:8000", "[::1]"),
        ("http://[::1]", "[::1]"),
        ("https://u:p@id.example.org:444/x?y", "id.example.org"),
    ] {
        assert_eq!(Brand { public_url: url.to_owned(), ..brand() }.host(), host);
    }
}

#[test]
fn the_message_has_both_parts_and_the_headers_of_a_mail_from_a_program() {
    let templates = Templates::new(None).unwrap();
    let rendered = render(&templates, &brand(), &facts(MailKind::Verify)).unwrap();
    let mail = outgoing(rendered.clone());
    let bytes = message::build(&mail).unwrap().bytes;
    assert_eq!(bytes, message::build(&mail).unwrap().bytes, "the same mail gives the same bytes");

    let parsed = mailparse::parse_mail(&bytes).unwrap();
    let header = |name: &str| parsed.headers.get_all_values(name);
    assert_eq!(header("Subject"), ["Confirm your e-mail address for Usher"]);
    assert_eq!(header("From"), ["Usher <no-reply@example.org>"]);
    assert_eq!(header("To"), ["ada@example.org"]);
    assert_eq!(header("Date"), ["Tue, 24 Nov 2026 10:15:00 +0000"]);
    assert_eq!(header("Message-ID"), ["<01990000-0000-7000-8000-000000000001@id.example.org>"]);
    assert_eq!(header("Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header("Reply-To"), [""; 0]);
    assert_eq!(parsed.ctype.mimetype, "multipart/alternative");
    let types: Vec<_> = parsed.subparts.iter().map(|part| part.ctype.mimetype.as_str()).collect();
    assert_eq!(types, ["text/plain", "text/html"]);
    let text = parsed.subparts[0].get_body().unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), rendered.text.trim_end());
    let html = parsed.subparts[1].get_body().unwrap().replace("\r\n", "\n");
    assert_eq!(html.trim_end(), rendered.html.trim_end());
}

#[test]
fn letters_beyond_ascii_survive() {
    let words = "Zürich Ελλάδα 日本 🎩";
    let mail =
        outgoing(Rendered { subject: words.to_owned(), text: words.to_owned(), html: words.to_owned() });
    let bytes =
        message::build(&Outgoing { from: format!("{words} <no-reply@example.org>"), ..mail }).unwrap().bytes;
    assert!(bytes.is_ascii());
    let parsed = mailparse::parse_mail(&bytes).unwrap();
    assert_eq!(parsed.headers.get_first_value("Subject").unwrap(), words);
    assert!(parsed.headers.get_first_value("From").unwrap().contains(words));
    assert_eq!(parsed.subparts[0].get_body().unwrap().trim_end(), words);
}

#[test]
fn odd_addresses_are_refused_and_never_panic() {
    let rendered = Rendered { subject: "s".to_owned(), text: "t".to_owned(), html: "h".to_owned() };
    let long = format!("{}@example.org", "a".repeat(5_000));
    for to in [
        "",
        "@",
        "a",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b.example\r\nRCPT TO:<x@y.example>",
        "a@b.example,c@d.example",
        "<a@b.example>",
        "A <a@b.example>",
        "a@b\u{0}.example",
        "a@-.example",
        "a@\u{202e}.example",
        "a@.",
        "\"\r\n\"@b.example",
        &long,
    ] {
        let mail = Outgoing { to: to.to_owned(), ..outgoing(rendered.clone()) };
        assert!(matches!(message::build(&mail), Err(SendError::Permanent(_))), "{to:?}");
    }
    for to in ["a@b.example", "o'neil+tag@b.example", "ü@b.example", "\"a\"@b.example"] {
        let mail = Outgoing { to: to.to_owned(), ..outgoing(rendered.clone()) };
        assert!(message::build(&mail).is_ok(), "{to:?}");
    }
    for from in ["", "nobody", "a@b.example\r\nBcc: c@d.example", "x@münchen.example"] {
        assert!(message::check_sender(from).is_err(), "{from:?}");
        let mail = Outgoing { from: from.to_owned(), ..outgoing(rendered.clone()) };
        assert!(matches!(message::build(&mail), Err(SendError::Temporary(_))), "{from:?}");
    }
    assert_eq!(message::check_sender("Usher <no-reply@example.org>"), Ok(()));
}

#[test]
fn dates_out_of_range_do_not_panic() {
    let rendered = Rendered { subject: "s".to_owned(), text: "t".to_owned(), html: "h".to_owned() };
    for date in [Timestamp::MIN, Timestamp::MAX] {
        assert!(message::build(&Outgoing { date, ..outgoing(rendered.clone()) }).is_ok());
    }
}
