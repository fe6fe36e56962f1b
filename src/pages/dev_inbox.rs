//! `/dev/inbox`: the mails of a local server, from the folder that they were written to.
//!
//! Threats: the mails hold links that act. So the inbox answers in local mode only, to connections of this machine,
//! and under a name of this machine (else a foreign page could reach it by a name that it points here). The HTML of a
//! mail is shown in a sandbox without scripts and without anything from elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path as FilePath, PathBuf};

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use mailparse::{MailHeader, MailHeaderMap, ParsedMail};
use serde_json::{Value, json};

use super::error_page::errors_as_pages;
use super::page;
use crate::app::App;
use crate::base::ids::Id;
use crate::caller::Anyone;
use crate::error::{Error, ErrorKind, Result};
use crate::http::origin;
use crate::http::page::html_with_policy;

/// Mails that the list shows at most.
const LISTED: usize = 200;
/// Longest mail that is shown, in bytes; the rest is cut.
const MAX_BYTES: u64 = 1024 * 1024;
/// Styles of the mail itself and nothing else; its links open in a window of their own.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'self'; \
                           sandbox allow-popups allow-popups-to-escape-sandbox";

/// The dev inbox
///
/// The mails of a local server, newest first, at most 200. 404 anywhere else.
#[utoipa::path(
    operation_id = "show_inbox", tag = "Pages", security(()),
    responses(
        (status = 200, description = "The mails", body = String, content_type = "text/html"),
        (status = 404, description = "Not in local mode", body = String, content_type = "text/html"),
    )
)]
#[get("/dev/inbox", wrap = "from_fn(errors_as_pages)")]
pub async fn show_inbox(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
) -> Result<HttpResponse> {
    let folder = folder(&app, &request)?;
    let mails = blocking(move || list(&folder)).await?;
    page(&app, caller.as_ref(), StatusCode::OK, "dev_inbox", json!({"mails": mails}))
}

/// A mail of the dev inbox
#[utoipa::path(
    operation_id = "show_mail", tag = "Pages", security(()),
    params(("id" = String, Path, description = "The mail's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 200, description = "Its text, its HTML and its headers", body = String, content_type = "text/html"),
        (status = 404, description = "No such mail, or not in local mode", body = String, content_type = "text/html"),
    )
)]
#[get("/dev/inbox/{id}", wrap = "from_fn(errors_as_pages)")]
pub async fn show_mail(
    app: Data<App>,
    request: HttpRequest,
    Anyone(caller): Anyone,
    id: Path<String>,
) -> Result<HttpResponse> {
    let (id, bytes) = mail(&app, &request, &id).await?;
    let mail = parse(&bytes)?;
    let text = body_of(&mail, "text/plain")?;
    let own = json!({
        "id": id.to_string(),
        "subject": header(&mail.headers, "Subject"),
        "from": header(&mail.headers, "From"),
        "to": header(&mail.headers, "To"),
        "date": header(&mail.headers, "Date"),
        "headers": String::from_utf8_lossy(head(&bytes)),
        "text_parts": with_links(&text.replace("\r\n", "\n")),
    });
    page(&app, caller.as_ref(), StatusCode::OK, "dev_inbox_mail", own)
}

/// The HTML of a mail
#[utoipa::path(
    operation_id = "mail_html", tag = "Pages", security(()),
    params(("id" = String, Path, description = "The mail's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 200, description = "As the mail has it; links open in a new window", body = String, content_type = "text/html"),
        (status = 404, description = "No such mail, or not in local mode", body = String, content_type = "text/html"),
    )
)]
#[get("/dev/inbox/{id}/html", wrap = "from_fn(errors_as_pages)")]
pub async fn mail_html(app: Data<App>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse> {
    let (_, bytes) = mail(&app, &request, &id).await?;
    let html = body_of(&parse(&bytes)?, "text/html")?;
    // Pages refuse to be framed, so a link must not open inside the frame.
    let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    Ok(html_with_policy(StatusCode::OK, html, MAIL_POLICY))
}

/// The source of a mail
#[utoipa::path(
    operation_id = "mail_raw", tag = "Pages", security(()),
    params(("id" = String, Path, description = "The mail's id", example = "01936f2e-8b5c-7c3a-9f4e-2d1b6a7c8e90")),
    responses(
        (status = 200, description = "The file as it was written", body = String, content_type = "text/plain"),
        (status = 404, description = "No such mail, or not in local mode", body = String, content_type = "text/html"),
    )
)]
#[get("/dev/inbox/{id}/raw", wrap = "from_fn(errors_as_pages)")]
pub async fn mail_raw(app: Data<App>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse> {
    let (_, bytes) = mail(&app, &request, &id).await?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(bytes))
}

/// The folder, if this server has an inbox and the request comes from this machine.
fn folder(app: &App, request: &HttpRequest) -> Result<PathBuf> {
    let is_near = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && origin::is_own_host(app, request);
    app.dev_inbox().filter(|_| is_near).ok_or_else(|| ErrorKind::NotFound.into())
}

/// The bytes of one mail. Only a UUID becomes the name of a file.
async fn mail(app: &App, request: &HttpRequest, id: &str) -> Result<(Id, Vec<u8>)> {
    let folder = folder(app, request)?;
    let id = Id::parse(id).ok_or(ErrorKind::NotFound)?;
    let bytes = blocking(move || read(&folder, id)).await?;
    Ok((id, bytes.ok_or(ErrorKind::NotFound)?))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let failed = |cause: String| Error::internal(format!("the dev inbox cannot be read: {cause}"));
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// The newest mails. Their ids are UUIDv7, so their names sort by time. No folder is no mail yet.
fn list(folder: &FilePath) -> io::Result<Vec<Value>> {
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        ids.extend(name.to_str().and_then(|name| name.strip_suffix(".eml")).and_then(Id::parse));
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(LISTED);
    let mut mails = Vec::with_capacity(ids.len());
    for id in ids {
        // Somebody may have tidied up in between.
        let Some(bytes) = read(folder, id)? else { continue };
        let Ok((headers, _)) = mailparse::parse_headers(&bytes) else { continue };
        mails.push(json!({
            "id": id.to_string(),
            "subject": header(&headers, "Subject"),
            "to": header(&headers, "To"),
            "date": header(&headers, "Date"),
        }));
    }
    Ok(mails)
}

fn read(folder: &FilePath, id: Id) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(folder.join(format!("{id}.eml"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn parse(bytes: &[u8]) -> Result<ParsedMail<'_>> {
    mailparse::parse_mail(bytes).map_err(|error| Error::internal(format!("a mail cannot be read: {error}")))
}

fn header(headers: &[MailHeader<'_>], name: &str) -> String {
    headers.get_first_value(name).unwrap_or_default()
}

/// The first part of a media type, decoded; empty when there is none.
fn body_of(mail: &ParsedMail<'_>, media_type: &str) -> Result<String> {
    match mail.parts().find(|part| part.ctype.mimetype == media_type) {
        Some(part) => {
            part.get_body().map_err(|error| Error::internal(format!("a mail cannot be decoded: {error}")))
        }
        None => Ok(String::new()),
    }
}

/// The header section of a message, without the blank line behind it.
fn head(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

/// The text in pieces, the http links in it apart.
fn with_links(text: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let link = word.trim_end();
        if !link.starts_with("http://") && !link.starts_with("https://") {
            plain.push_str(word);
            continue;
        }
        if !plain.is_empty() {
            parts.push(json!({"text": std::mem::take(&mut plain), "href": null}));
        }
        parts.push(json!({"text": link, "href": link}));
        plain.push_str(word.get(link.len()..).unwrap_or_default());
    }
    if !plain.is_empty() {
        parts.push(json!({"text": plain, "href": null}));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: ada@example.org\r\n\r\nHello\r\n";

    #[test]
    fn the_list_is_newest_first_and_takes_mails_only() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "01936f2e-0000-7000-8000-000000000001.eml",
            "01936f2e-0000-7000-8000-000000000002.eml",
            "notes.eml",
            "01936f2e-0000-7000-8000-000000000003.txt",
        ] {
            std::fs::write(folder.path().join(name), MAIL).unwrap();
        }
        let mails = list(folder.path()).unwrap();
        let ids: Vec<&str> = mails.iter().filter_map(|mail| mail["id"].as_str()).collect();
        assert_eq!(ids, ["01936f2e-0000-7000-8000-000000000002", "01936f2e-0000-7000-8000-000000000001"]);
        assert_eq!((&mails[0]["subject"], &mails[0]["to"]), (&json!("Grüße"), &json!("ada@example.org")));
        assert!(list(&folder.path().join("nowhere")).unwrap().is_empty());
        assert!(read(folder.path(), Id::NIL).unwrap().is_none());
        assert_eq!(head(MAIL).len(), MAIL.len() - "\r\n\r\nHello\r\n".len());
    }

    #[test]
    fn links_stand_apart_and_nothing_is_lost() {
        let text = "Hello,\n\nhttps://id.example.org/verify?token=a&b\n\njavascript:alert(1) xhttp://a";
        let parts = with_links(text);
        let joined: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        assert_eq!(joined, text);
        let links: Vec<&str> = parts.iter().filter_map(|part| part["href"].as_str()).collect();
        assert_eq!(links, ["https://id.example.org/verify?token=a&b"]);
    }
}
