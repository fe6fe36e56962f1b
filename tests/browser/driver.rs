//! A real, headless Chromium behind ChromeDriver, both from the system's packages.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// How long a page may take to show what a story waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser window of its own, gone when dropped.
pub struct Browser {
    pub page: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window. `None`: no browser is installed.
    ///
    /// # Panics
    /// When none is installed although `TEST_REQUIRE` names `browser`.
    pub async fn open(with_javascript: bool) -> Option<Self> {
        let (Some(chromedriver), Some(chromium)) = (find("chromedriver"), find("chromium")) else {
            let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|part| part.trim() == "browser"), "Chromium is not installed");
            println!("skipped: Chromium or ChromeDriver is not installed");
            return None;
        };
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let port = BufReader::new(driver.stdout.take().expect("stdout is piped"))
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let at = line.find("started successfully on port ")?;
                line[at..].trim_end_matches('.').rsplit(' ').next()?.parse::<u16>().ok()
            })
            .expect("ChromeDriver says its port");
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let mut options = json!({
            "binary": chromium,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1280,1000",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if !with_javascript {
            options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), options);
        capabilities.insert("goog:loggingPrefs".into(), json!({"browser": "ALL"}));
        let page = ClientBuilder::rustls()
            .expect("rustls can be set up")
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        Some(Self { page, driver, _profile: profile })
    }

    pub async fn goto(&self, url: &str) {
        self.page.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The first element that the selector finds, as soon as it is there.
    pub async fn wait(&self, selector: &str) -> Element {
        self.page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector))
            .await
            .unwrap_or_else(|error| panic!("{selector} does not come: {error}"))
    }

    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.wait(selector).await;
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    pub async fn click(&self, selector: &str) {
        let element = self.wait(selector).await;
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks the link with this text.
    pub async fn follow(&self, text: &str) {
        let link = self.page.wait().at_most(PATIENCE).for_element(Locator::LinkText(text)).await;
        let link = link.unwrap_or_else(|error| panic!("there is no link {text:?}: {error}"));
        link.click().await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }

    /// Waits until the page's heading reads like this.
    pub async fn heading(&self, expected: &str) {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let text = self.wait("h1").await.text().await.unwrap_or_default();
            if text == expected {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "the heading is {text:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the browser complained about on its console since the last call.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.page.issue_cmd(ConsoleLog).await.expect("ChromeDriver hands out the console");
        log.as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub async fn close(self) {
        let page = self.page.clone();
        let _ = page.close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// `POST /session/{id}/se/log` of ChromeDriver.
#[derive(Debug)]
struct ConsoleLog;

impl fantoccini::wd::WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
