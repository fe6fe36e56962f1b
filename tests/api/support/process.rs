//! The built binary as a process of its own: started, listened to, ended and killed.
//!
//! A [`Home`] is an empty folder and an environment without anything of the machine's own; a [`Process`] is a server in
//! it. Nothing here sleeps for a guessed time: what must happen is looked for until it does, or until a deadline.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailparse::MailHeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Request, http_client};
use super::people::Tokens;
use super::postgres::{self, Cluster};
use super::{Backend, Story};

/// What must happen, happens within that time, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The public URL of every server here: the issuer of tokens must survive a restart on another port.
pub const PUBLIC_URL: &str = "http://localhost:8000";

/// Tells a story about processes on both databases: it gets a [`Home`].
macro_rules! process_story {
    ($name:ident, $story:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn tell(home: $crate::support::process::Home) -> $crate::support::Story {
                Box::pin(async move { $crate::support::process::as_story($story)(home).await })
            }

            #[test]
            fn sqlite() {
                $crate::support::process::run($crate::support::Backend::Sqlite, tell);
            }

            #[test]
            fn postgres() {
                $crate::support::process::run($crate::support::Backend::Postgres, tell);
            }
        }
    };
}
pub(crate) use process_story;

/// Lets a closure's argument be known to be a [`Home`].
pub fn as_story<F: AsyncFnOnce(Home)>(story: F) -> F {
    story
}

/// Makes a home on `backend`, with a database that holds nothing yet, and tells the story.
pub fn run(backend: Backend, tell: fn(Home) -> Story) {
    alone(async {
        let mut home = Home::new();
        let Some(database) = EmptyDatabase::on(backend).await else { return };
        if let Some(url) = database.url() {
            home.set("USHER_DATABASE_URL", url);
        }
        tell(home).await;
        database.remove().await;
    });
}

/// Runs a story that makes its homes itself.
pub fn alone(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(story);
}

/// A database without tables: on SQLite a file that the server makes in its home.
pub struct EmptyDatabase(Option<(&'static Cluster, String)>);

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl EmptyDatabase {
    /// `None`: PostgreSQL is not installed.
    pub async fn on(backend: Backend) -> Option<Self> {
        if backend == Backend::Sqlite {
            return Some(Self(None));
        }
        let cluster = postgres::cluster().await?;
        let name = format!("process_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.execute(&format!("CREATE DATABASE {name}")).await;
        Some(Self(Some((cluster, name))))
    }

    /// The cluster and the name in it.
    pub fn place(&self) -> Option<(&'static Cluster, &str)> {
        self.0.as_ref().map(|(cluster, name)| (*cluster, name.as_str()))
    }

    /// `None`: the server's default.
    pub fn url(&self) -> Option<String> {
        self.0.as_ref().map(|(cluster, name)| cluster.url(name))
    }

    pub async fn remove(self) {
        if let Some((cluster, name)) = self.0 {
            cluster.drop_database(&name).await;
        }
    }
}

/// A folder to run `usher` in, and the whole environment that it gets.
pub struct Home {
    folder: Arc<TempDir>,
    environment: BTreeMap<&'static str, String>,
}

impl Home {
    /// With cheap passwords, leases that are over soon after a crash, and one public URL.
    pub fn new() -> Self {
        let mut home = Self::bare();
        for (name, value) in [
            ("USHER_PASSWORDS__MEMORY_KIB", "8"),
            ("USHER_PASSWORDS__ITERATIONS", "1"),
            ("USHER_MAIL__TIMEOUT", "1s"),
            ("USHER_MAIL__LEASE", "2s"),
            ("USHER_PUBLIC_URL", PUBLIC_URL),
        ] {
            home.set(name, value);
        }
        home
    }

    /// Without any configuration.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder: Arc::new(folder), environment: BTreeMap::new() }
    }

    /// Another folder with the same environment: another machine of the same installation.
    pub fn twin(&self) -> Self {
        Self { environment: self.environment.clone(), ..Self::bare() }
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.insert(name, value.into());
    }

    pub fn unset(&mut self, name: &'static str) {
        self.environment.remove(name);
    }

    /// `None`: SQLite in the data folder.
    pub fn database_url(&self) -> Option<String> {
        self.environment.get("USHER_DATABASE_URL").cloned()
    }

    /// A file in this home.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn write(&self, below: &str, content: &str) -> PathBuf {
        let path = self.path(below);
        std::fs::write(&path, content).expect("the home can be written");
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.environment);
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn usher(&self, arguments: &[&str]) -> Ended {
        self.usher_with(arguments, "")
    }

    /// The same with something on its standard input.
    #[track_caller]
    pub fn usher_with(&self, arguments: &[&str], input: &str) -> Ended {
        Running::start(self.command(arguments)).end(arguments.join(" "), input)
    }

    /// Runs a script in this home, in which `usher` is a command.
    #[track_caller]
    pub fn bash(&self, script: &str) -> Ended {
        let binary = Path::new(env!("CARGO_BIN_EXE_usher")).parent().expect("a folder");
        let mut path = binary.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        command.current_dir(self.folder.path()).env_clear().env("PATH", path).envs(&self.environment);
        Running::start(command).end("by a script".to_owned(), script)
    }

    /// Starts the server (plain `usher`) on a free port and waits until it is ready.
    #[track_caller]
    pub fn serve(&self) -> Process {
        self.serve_with(&["--bind", "127.0.0.1:0"])
    }

    #[track_caller]
    pub fn serve_with(&self, arguments: &[&str]) -> Process {
        self.launch(arguments).ready()
    }

    /// Starts the server and does not wait.
    pub fn launch(&self, arguments: &[&str]) -> Starting {
        Starting(Running::start(self.command(arguments)))
    }

    /// The mails in the outbox folder, oldest first.
    pub fn mails(&self) -> Vec<Received> {
        let Ok(entries) = std::fs::read_dir(self.path("data/outbox")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files.iter().map(|path| Received::parse(&std::fs::read(path).expect("a mail"))).collect()
    }

    /// The first mail to somebody, when it comes.
    #[track_caller]
    pub fn mail_to(&self, address: &str) -> Received {
        eventually(&format!("a mail to {address}"), || {
            self.mails().into_iter().find(|mail| mail.to == address)
        })
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    what: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Insists on success; gives what was printed.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "usher {}: {}{}", self.what, self.stdout, self.stderr);
        self.stdout
    }

    /// Insists on success and on nothing but JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        let what = self.what.clone();
        let text = self.success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("usher {what}: {error} in {text:?}"))
    }

    /// Insists on an exit code, on words that say why, and on nothing printed as a result.
    #[track_caller]
    pub fn fails(self, code: i32, words: &str) -> String {
        assert_eq!(self.code, Some(code), "usher {}: {}{}", self.what, self.stdout, self.stderr);
        assert!(self.stderr.contains(words), "usher {}: {}", self.what, self.stderr);
        assert_eq!(self.stdout, "", "usher {}", self.what);
        self.stderr
    }
}

/// A child process with everything it says. Killed when dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            stdin: child.stdin.take(),
            stdout: Heard::from(child.stdout.take().expect("a pipe")),
            stderr: Heard::from(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lines()
    }

    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Gives it its input, and waits for the end.
    #[track_caller]
    fn end(mut self, what: String, input: &str) -> Ended {
        // A command that fails early does not read.
        let _ = self.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let status = self.wait();
        Ended { what, code: status.code(), stdout: self.stdout.join(), stderr: self.stderr.join() }
    }

    /// Waits for the end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().expect("a child can be waited for"))
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The lines that came out of a pipe so far.
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Heard {
    fn from(pipe: impl Read + Send + 'static) -> Self {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                heard.lock().expect("no panic").push(line);
            }
        });
        Self { lines, reader }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic").clone()
    }

    /// Everything, once the process has ended.
    fn join(&mut self) -> String {
        eventually("the pipe is read", || self.reader.is_finished().then_some(()));
        self.lines().iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A server that was just started.
pub struct Starting(Running);

impl Starting {
    /// Waits for the word that it is ready.
    #[track_caller]
    pub fn ready(self) -> Process {
        let mut running = self.0;
        let ready = eventually("the server is ready", || {
            let has_ended = running.has_ended();
            let lines = running.stderr();
            let ready = entries(&lines).into_iter().find(|entry| entry["message"] == "ready");
            assert!(ready.is_some() || !has_ended, "the server ended: {}", lines.join("\n"));
            ready
        });
        let address = ready["address"].as_str().expect("the address it listens on").to_owned();
        Process { running, address, http: http_client() }
    }

    /// Insists that it ends instead.
    #[track_caller]
    pub fn refuses(mut self, code: i32, words: &str) -> String {
        let status = self.0.wait();
        let text = self.0.stderr.join();
        assert_eq!(status.code(), Some(code), "{text}");
        assert!(text.contains(words), "{text}");
        text
    }
}

/// The fields of each line of a log, which is JSON and nothing else.
fn entries(lines: &[String]) -> Vec<Value> {
    let fields = |line: &String| {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        entry["fields"].clone()
    };
    lines.iter().map(fields).collect()
}

/// A server that is ready. Killed when dropped.
pub struct Process {
    running: Running,
    address: String,
    http: reqwest::Client,
}

impl Process {
    /// `host:port` to connect to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where a client beyond this support reaches it.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it logged so far, as written.
    pub fn log(&self) -> String {
        self.running.stderr().join("\n")
    }

    /// Waits for a line of the log; gives its fields.
    #[track_caller]
    pub fn logged(&self, message: &str) -> Value {
        eventually(&format!("the log says {message:?}"), || {
            entries(&self.running.stderr())
                .into_iter()
                .find(|entry| entry["message"].as_str().is_some_and(|text| text.contains(message)))
        })
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.http, method, &format!("{}{path}", self.base()))
    }

    pub async fn register(&self, email: &str, password: &str) -> Value {
        self.post("/auth/register").json(json!({"email": email, "password": password})).await.success(201)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Tokens {
        let fields = [("username", email), ("password", password)];
        Tokens::of(&self.post("/auth/jwt/login").form(&fields).await.success(200))
    }

    pub async fn is_signed_in(&self, access_token: &str) -> bool {
        match self.get("/users/me").bearer(access_token).await.status {
            200 => true,
            401 => false,
            status => panic!("GET /users/me: {status}"),
        }
    }

    /// Asks it to stop, as an operator or a supervisor does.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.running.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(status.success(), "{kill}");
    }

    /// Waits until it has ended; gives the exit code.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        self.running.wait().code()
    }

    /// Stops it in order.
    #[track_caller]
    pub fn stop(mut self) {
        self.terminate();
        let code = self.wait();
        assert_eq!(code, Some(0), "{}", self.log());
    }

    /// Ends it at once, as a power cut or the kernel would.
    pub fn kill(mut self) {
        self.running.kill();
    }
}

/// A mail as a receiver reads it.
#[derive(Debug)]
pub struct Received {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// Insists on a text and an HTML part.
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Self {
        let mail = mailparse::parse_mail(bytes).expect("a mail");
        assert_eq!(mail.ctype.mimetype, "multipart/alternative");
        let kinds: Vec<&str> = mail.subparts.iter().map(|part| part.ctype.mimetype.as_str()).collect();
        assert_eq!(kinds, ["text/plain", "text/html"]);
        let body = |part: usize| mail.subparts[part].get_body().expect("a body").replace("\r\n", "\n");
        Self {
            to: mail.headers.get_first_value("To").expect("a recipient"),
            subject: mail.headers.get_first_value("Subject").expect("a subject"),
            text: body(0),
            html: body(1),
            headers: mail.headers.iter().map(|header| (header.get_key(), header.get_value())).collect(),
        }
    }

    /// The one value of a header.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        assert!(values.next().is_none(), "{name} is there twice");
        &value.1
    }

    /// What stands behind `token=` in its link.
    #[track_caller]
    pub fn token(&self) -> &str {
        let mut links = self.text.lines().filter_map(|line| line.trim().split_once("?token="));
        let link = links.next().unwrap_or_else(|| panic!("no link in {}", self.text));
        assert!(links.next().is_none(), "{}", self.text);
        link.1
    }
}

/// Looks until there is something to see.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks until the answer is yes.
pub async fn eventually_so(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ask().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
