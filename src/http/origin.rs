//! Cross-site requests: refused wherever a cookie or a page would act for somebody (ASVS 3.5.1).
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site`, else `Origin`, else `Referer`. Clients that are no
//! browser send none of the three and pass, because they do not send somebody else's cookies either.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN, REFERER};

use crate::app::App;
use crate::error::{ErrorKind, Result};

/// Refuses a request that another site made the browser send.
///
/// # Errors
/// [`ErrorKind::CrossSite`].
pub fn require_same_site(app: &App, request: &HttpRequest) -> Result<()> {
    // What cannot be read must not count as absent; no text is nobody's origin.
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let site = header("sec-fetch-site");
    let source = header(ORIGIN.as_str()).or_else(|| header(REFERER.as_str()));
    match (site, source) {
        (Some("cross-site"), _) => Err(ErrorKind::CrossSite.into()),
        // A form on a page under `Referrer-Policy: no-referrer`, as ours are, hides its origin even from its own
        // server (Fetch, "append a request Origin header"). Only the browser itself can write `Sec-Fetch-Site`.
        (Some("same-origin"), Some("null")) => Ok(()),
        (_, Some(source)) if !is_own(app, request, source) => Err(ErrorKind::CrossSite.into()),
        _ => Ok(()),
    }
}

/// Whether the request names this server by its public URL or, in local mode, by a loopback name.
pub fn is_own_host(app: &App, request: &HttpRequest) -> bool {
    let Some(host) = request.headers().get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let public = app.config.public_url.split_once("://").map_or("", |(_, host)| host);
    host == public || (app.config.is_local() && is_loopback(host))
}

fn is_own(app: &App, request: &HttpRequest, source: &str) -> bool {
    let origin = origin_of(source);
    if origin == app.config.public_url {
        return true;
    }
    // In local mode `localhost` and `127.0.0.1` are the same machine; the Host header is what the browser was told.
    app.config.is_local()
        && request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(|host| is_loopback(host) && origin == format!("http://{host}"))
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name == "127.0.0.1" || name == "[::1]"
}

/// `scheme://host:port` of a URL.
fn origin_of(url: &str) -> &str {
    let Some(start) = url.find("://").map(|at| at + 3) else { return url };
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_end_where_the_path_begins() {
        assert_eq!(origin_of("https://a.example:8443/x?y=https://b"), "https://a.example:8443");
        assert_eq!(origin_of("https://a.example"), "https://a.example");
        assert_eq!(origin_of("null"), "null");
    }
}
