//! The browser and system behind a `User-Agent` header, as a name fit for a mail or a list of sessions.
//!
//! A stranger chooses the header, and the name ends up in a mail to somebody else. So the answer is always put
//! together from the names listed here and never holds a byte of the header: no advertisement, no link, no insult can
//! travel in it. A client that is not listed is an "Unknown device"; that is a wanted answer, not a gap.

/// Only this much of a header is looked at; browsers send less than 300 bytes.
const MAX_LOOKED_AT: usize = 512;

/// Programs that are named without a system: first match wins, compared with the start of the header.
const TOOLS: [(&str, &str); 12] = [
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("httpie/", "HTTPie"),
    ("xh/", "xh"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("python-urllib/", "Python"),
    ("aiohttp/", "Python"),
    ("go-http-client/", "Go"),
    ("okhttp/", "OkHttp"),
    ("reqwest/", "Rust"),
    ("postmanruntime/", "Postman"),
];

/// Browsers by a word of theirs. The order matters: nearly all claim to be Safari, and Edge and Opera claim Chrome.
const BROWSERS: [(&str, &str); 13] = [
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("vivaldi/", "Vivaldi"),
    ("samsungbrowser/", "Samsung Internet"),
    ("fxios/", "Firefox"),
    ("firefox/", "Firefox"),
    ("crios/", "Chrome"),
    ("headlesschrome/", "Chrome"),
    ("chromium/", "Chromium"),
    ("chrome/", "Chrome"),
    ("safari/", "Safari"),
];

/// Systems by a word of theirs. The order matters: Android claims Linux, and iPhones claim Mac OS X.
const SYSTEMS: [(&str, &str); 9] = [
    ("windows", "Windows"),
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("cros ", "ChromeOS"),
    ("mac os x", "macOS"),
    ("macintosh", "macOS"),
    ("freebsd", "FreeBSD"),
    ("linux", "Linux"),
];

/// The name of the device behind a `User-Agent` header: "Firefox on Windows", "Safari", "A browser on Linux", "curl",
/// or "Unknown device". Made of fixed words only, at most 40 characters, whatever the header holds.
#[must_use]
pub fn device_name(user_agent: &str) -> String {
    let header = start_in_lower_case(user_agent);
    if let Some((_, tool)) = TOOLS.iter().find(|(word, _)| header.starts_with(word)) {
        return (*tool).to_owned();
    }
    match (find(&BROWSERS, &header), find(&SYSTEMS, &header)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "Unknown device".to_owned(),
    }
}

fn start_in_lower_case(user_agent: &str) -> String {
    user_agent.chars().take(MAX_LOOKED_AT).map(|c| c.to_ascii_lowercase()).collect()
}

fn find(names: &[(&str, &'static str)], header: &str) -> Option<&'static str> {
    names.iter().find(|(word, _)| header.contains(word)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::device_name;

    #[test]
    fn browsers_and_systems_are_named() {
        for (header, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64)", "A browser on Linux"),
            ("curl/8.14.1", "curl"),
            ("python-requests/2.32.5", "Python"),
        ] {
            assert_eq!(device_name(header), name, "{header}");
        }
    }

    #[test]
    fn nothing_a_stranger_typed_comes_through() {
        for header in [
            "",
            "Buy pills at http://evil.example",
            "curl-like http://evil.example",
            "<script>alert(1)</script>",
            "\r\nBcc: victim@example.org",
            "\u{202e}xoferiF",
        ] {
            assert_eq!(device_name(header), "Unknown device", "{header:?}");
        }
        assert_eq!(device_name("call 555-0100 Firefox/1 Windows http://evil.example"), "Firefox on Windows");
        assert_eq!(device_name(&"ß".repeat(100_000)), "Unknown device");
    }
}
