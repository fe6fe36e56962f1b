//! A PostgreSQL cluster for one test run, made from the installed binaries and gone with the test process.
//!
//! Statics are never dropped and a test binary may be killed, so a small shell script owns the cluster: it waits for
//! the end of its standard input, which comes when the test process ends in whatever way, then stops the cluster and
//! removes its folder.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::sync::{Mutex, OnceCell};
use tokio_postgres::NoTls;

use super::certificates::Pems;

/// `$1` folder of the binaries, `$2` folder of the cluster, `$3` port.
const KEEPER: &str = r#"
trap '' HUP INT TERM
"$1/pg_ctl" start -w -s -t 60 -D "$2/data" -l "$2/log" -o "-k $2 -p $3 -c listen_addresses=127.0.0.1 \
    -c max_connections=300 -c ssl=on -c fsync=off -c full_page_writes=off -c synchronous_commit=off" >/dev/null || exit 1
echo ready
exec >/dev/null
cat >/dev/null
"$1/pg_ctl" stop -s -m immediate -D "$2/data"
rm -rf "$2"
"#;
/// The port may be taken between the look and the start.
const ATTEMPTS: usize = 5;
const TEMPLATE: &str = "usher_template";

/// A running cluster.
pub struct Cluster {
    port: u16,
    /// What a client must trust to speak to it by TLS, as PEM.
    pub authority: String,
    /// Its standard input holds the cluster alive.
    _keeper: Child,
    /// PostgreSQL copies a template for one caller at a time.
    copying: Mutex<()>,
}

static CLUSTER: OnceCell<Option<Cluster>> = OnceCell::const_new();

/// The cluster of this test run. `None`: PostgreSQL is not installed.
///
/// # Panics
/// When it is not installed although `TEST_REQUIRE` names it.
pub async fn cluster() -> Option<&'static Cluster> {
    let cluster = CLUSTER.get_or_init(start).await.as_ref();
    if cluster.is_none() {
        let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|part| part.trim() == "postgres"), "PostgreSQL is not installed");
        println!("skipped: PostgreSQL is not installed");
    }
    cluster
}

impl Cluster {
    pub fn url(&self, database: &str) -> String {
        format!("postgres://usher@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes the database `name` as a copy of the migrated template.
    pub async fn copy_template(&self, name: &str) {
        let _copying = self.copying.lock().await;
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
    }

    pub async fn drop_database(&self, name: &str) {
        self.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }

    /// Runs one statement outside any story's database.
    pub async fn execute(&self, statement: &str) {
        self.execute_in("postgres", statement).await;
    }

    pub async fn execute_in(&self, database: &str, statement: &str) {
        let (client, driver) =
            tokio_postgres::connect(&self.url(database), NoTls).await.expect("the cluster answers");
        let driver = tokio::spawn(driver);
        client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        drop(client);
        let _ = driver.await;
    }
}

async fn start() -> Option<Cluster> {
    let binaries = find_binaries()?;
    let folder =
        tempfile::Builder::new().prefix("usher-postgres-").tempdir().expect("a temporary folder").keep();
    let user = unprivileged_user();
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).expect("root may give a folder away");
    }
    let initdb = as_user(Command::new(binaries.join("initdb")), user, &folder)
        .args(["--username=usher", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(folder.join("data"))
        .output()
        .expect("initdb runs");
    assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
    let certificates = Pems::new();
    for (name, content) in [("server.crt", certificates.certificate), ("server.key", certificates.key)] {
        let path = folder.join("data").join(name);
        std::fs::write(&path, content).expect("the cluster's folder can be written");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("they are ours");
        if let Some((uid, gid)) = user {
            chown(&path, Some(uid), Some(gid)).expect("root may give a file away");
        }
    }
    let cluster = (0..ATTEMPTS)
        .find_map(|_| keep(&binaries, user, &folder, &certificates.authority))
        .unwrap_or_else(|| panic!("PostgreSQL does not start, see {}", folder.join("log").display()));
    cluster.execute(&format!("CREATE DATABASE {TEMPLATE}")).await;
    usher::db::migrate::up(&cluster.url(TEMPLATE)).await.expect("the migrations apply");
    Some(cluster)
}

/// Starts the keeper and waits for its word. `None`: the cluster did not start.
#[allow(clippy::zombie_processes, reason = "the keeper outlives this process on purpose")]
fn keep(binaries: &Path, user: Option<(u32, u32)>, folder: &Path, authority: &str) -> Option<Cluster> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).ok()?.port();
    let mut keeper = as_user(Command::new("sh"), user, folder)
        .args(["-c", KEEPER, "sh"])
        .args([binaries, folder])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Away from the terminal's Ctrl-C, which is meant for the tests.
        .process_group(0)
        .spawn()
        .expect("there is a shell");
    let mut word = String::new();
    BufReader::new(keeper.stdout.take()?).read_line(&mut word).ok()?;
    (word == "ready\n").then(|| Cluster {
        port,
        authority: authority.to_owned(),
        _keeper: keeper,
        copying: Mutex::default(),
    })
}

fn as_user(mut command: Command, user: Option<(u32, u32)>, folder: &Path) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir(folder).env("LC_ALL", "C");
    command
}

/// Debian keeps the binaries of each version in a folder of their own, off the PATH.
fn find_binaries() -> Option<PathBuf> {
    let has_all = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| has_all(folder))
        .collect();
    numbered.sort();
    let newest = numbered.pop().map(|(_, folder)| folder);
    newest.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(has_all))
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`, or else `nobody`. User and group by number.
fn unprivileged_user() -> Option<(u32, u32)> {
    let own = std::fs::metadata("/proc/self").ok()?;
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
