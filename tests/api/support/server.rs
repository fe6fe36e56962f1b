//! The real server, in this process, on a free port.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::web::Data;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::oneshot;
use usher::app::{App, Parts};
use usher::base::clock::{Clock, Time};
use usher::base::random::Random;
use usher::config::Config;
use usher::health::Draining;
use usher::mail::{MailKind, Memory, Outgoing};

use super::client::{Request, http_client};
use super::database::{self, Backend, Database};

/// A Thursday. Not a whole second, so that rounding shows.
const START: &str = "2026-01-15T09:30:00.250000Z";

/// A running server with all that belongs to it. Stopped when dropped.
pub struct Server {
    database: Database,
    data_dir: Arc<TempDir>,
    /// As it was given to [`App::build`], public URL included.
    config: Config,
    clock: Clock,
    /// Absent where mails go where the configuration says.
    mailbox: Option<Arc<Memory>>,
    /// Seeds the randomness; a restart must not draw the same ids again.
    seed: u64,
    running: Running,
    pub(super) http: reqwest::Client,
}

/// The part that a restart replaces.
struct Running {
    app: Arc<App>,
    address: String,
    handle: actix_web::dev::ServerHandle,
    draining: Data<Draining>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on `database` after `configure` changed its configuration.
    pub async fn start(database: Database, configure: impl FnOnce(&mut Config)) -> Self {
        let data_dir = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let mut config = Config {
            data_dir: data_dir.path().to_owned(),
            database_url: SecretString::from(database.url()),
            bind: "127.0.0.1:0".into(),
            public_url: "http://127.0.0.1:0".into(),
            ..Config::default()
        };
        config.keys.master_key = Some(SecretString::from("07".repeat(32)));
        config.database.migrate_on_start = false;
        config.database.pool_size = 2;
        config.http.workers = 1;
        (config.passwords.memory_kib, config.passwords.iterations, config.passwords.parallelism) = (8, 1, 1);
        config.passwords.threads = 1;
        configure(&mut config);
        let clock = Clock::manual(Time::parse(START).expect("a time"));
        Self::launch(database, data_dir, config, clock, Some(Arc::default()), 1).await
    }

    async fn launch(
        database: Database,
        data_dir: Arc<TempDir>,
        mut config: Config,
        clock: Clock,
        mailbox: Option<Arc<Memory>>,
        seed: u64,
    ) -> Self {
        let running = Running::start(&mut config, &clock, mailbox.clone(), seed).await;
        let http = http_client();
        Self { database, data_dir, config, clock, mailbox, seed, running, http }
    }

    /// Stops the server and starts it again on the same database, folder, clock and public URL.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// The same, with another configuration.
    pub async fn restart_with(mut self, configure: impl FnOnce(&mut Config)) -> Self {
        self.running.stop();
        let mut config = self.config;
        configure(&mut config);
        Self::launch(self.database, self.data_dir, config, self.clock, self.mailbox, self.seed + 1).await
    }

    /// The same, with mails that go where `mail.transport` says.
    pub async fn restart_with_its_own_transport(mut self) -> Self {
        self.mailbox = None;
        self.restart().await
    }

    /// A second server beside this one, on the same database, folder, clock, mailbox and public URL.
    pub async fn sibling(&self) -> Self {
        let (database, data_dir) = (self.database.clone(), Arc::clone(&self.data_dir));
        let (clock, mailbox) = (self.clock.clone(), self.mailbox.clone());
        Self::launch(database, data_dir, self.config.clone(), clock, mailbox, self.seed + 1000).await
    }

    /// A server of somebody else: other database, other master key, same kind of database.
    pub async fn stranger(&self, configure: impl FnOnce(&mut Config)) -> Self {
        let database = database::create(self.backend()).await.expect("it is installed");
        Self::start(database, |config| {
            config.keys.master_key = Some(SecretString::from("08".repeat(32)));
            configure(config);
        })
        .await
    }

    pub fn backend(&self) -> Backend {
        self.database.backend()
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub fn app(&self) -> &Arc<App> {
        &self.running.app
    }

    /// What people would type: links begin with it.
    pub fn public_url(&self) -> &str {
        &self.config.public_url
    }

    /// `host:port` to connect to.
    pub fn address(&self) -> &str {
        &self.running.address
    }

    /// The time, for everybody.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// As at the beginning of a graceful stop.
    pub fn begin_draining(&self) {
        self.running.draining.begin();
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Delivers what waits in the outbox and takes it out of the mailbox, oldest first.
    pub async fn mails(&self) -> Vec<Outgoing> {
        self.deliver().await;
        self.mailbox().take()
    }

    /// Delivers what waits in the outbox.
    pub async fn deliver(&self) {
        while usher::worker::deliver_due(self.app()).await.expect("the outbox can be read") > 0 {}
    }

    /// The one mail that waits.
    pub async fn mail(&self, kind: MailKind, to: &str) -> Outgoing {
        let mut mails = self.mails().await;
        let seen: Vec<_> = mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
        assert_eq!(seen, [(kind, to)]);
        mails.remove(0)
    }

    pub async fn expect_no_mail(&self) {
        let mails = self.mails().await;
        let seen: Vec<_> = mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
        assert_eq!(seen, []);
    }

    /// What sending does from now on.
    pub fn mailbox(&self) -> &Memory {
        self.mailbox.as_ref().expect("mails stay in memory")
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    pub fn patch(&self, path: &str) -> Request {
        self.request("PATCH", path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.http, method, &format!("http://{}{path}", self.address()))
    }
}

impl Running {
    async fn start(config: &mut Config, clock: &Clock, mailbox: Option<Arc<Memory>>, seed: u64) -> Self {
        let (listener, address) = usher::server::bind(&config.bind).expect("a free port");
        config.set_bound_port(address.port());
        let parts = Parts {
            clock: Some(clock.clone()),
            random: Some(Random::seeded(seed)),
            transport: mailbox.map(|mailbox| mailbox as _),
        };
        let app = App::build(config.clone(), parts).await.expect("the application can be built");
        let (started, running) = oneshot::channel();
        let served = Arc::clone(&app);
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async {
                let prepared = usher::server::prepare(served, listener).expect("the server can be prepared");
                let _ = started.send((prepared.server.handle(), prepared.draining));
                prepared.server.await.expect("the server runs");
            });
        });
        let (handle, draining) = running.await.expect("the server starts");
        Self { app, address: address.to_string(), handle, draining, thread: Some(thread) }
    }

    fn stop(&mut self) {
        // The command is sent here; waiting for its end is the thread's end.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
