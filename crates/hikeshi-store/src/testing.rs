//! Scratch stores for tests: an SQLite file, or a schema of its own in a PostgreSQL server that all tests of this machine share.
//!
//! The server is started by the first test that wants one and stops by itself some seconds after the last. It is the real thing, with
//! its own `initdb`; a machine without PostgreSQL makes the tests fail, not skip.

#![expect(clippy::panic, reason = "a test without its store has failed")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use crate::Location;

const PORT: &str = "54329";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// An empty store of its own, gone when this is dropped.
pub struct Scratch {
    location: Location,
    directory: Option<PathBuf>,
    schema: Option<String>,
}

impl Scratch {
    pub fn sqlite() -> Self {
        let directory = fast_directory().join(format!("hikeshi-test-{}", unique()));
        std::fs::create_dir_all(&directory).unwrap_or_else(|error| stop(&format!("{}: {error}", directory.display())));
        Self { location: Location::Sqlite(directory.join("hikeshi.db")), directory: Some(directory), schema: None }
    }

    pub fn postgres() -> Self {
        let cluster = Cluster::shared();
        let schema = format!("t_{}", unique());
        Self { location: Location::Postgres(cluster.url(&schema)), directory: None, schema: Some(schema) }
    }

    pub fn location(&self) -> &Location {
        &self.location
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            drop(std::fs::remove_dir_all(directory));
        }
        if let (Some(schema), Location::Postgres(url)) = (&self.schema, &self.location) {
            drop(execute(url, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE")));
        }
    }
}

/// Makes two tests of one: `on_both!(name)` calls `name(&Scratch)` once with SQLite and once with PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $name() {
                super::$name(&$crate::testing::Scratch::sqlite());
            })*
        }
        mod on_postgres {
            $(#[test]
            fn $name() {
                super::$name(&$crate::testing::Scratch::postgres());
            })*
        }
    };
}

/// Runs statements on the server behind a `postgres://` URL.
pub fn execute(url: &str, statements: &str) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(|error| format!("{error:?}"))?;
        tokio::select! {
            ended = connection => Err(format!("the connection ended: {ended:?}")),
            done = client.batch_execute(statements) => done.map_err(|error| format!("{error:?}")),
        }
    })
}

fn stop(why: &str) -> ! {
    panic!("{why}")
}

fn unique() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().map(|elapsed| elapsed.as_micros()).unwrap_or_default();
    format!("{}_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed), since % 1_000_000_000)
}

/// Memory, where there is such a place: what is tested is what is written, not the disk's speed.
fn fast_directory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The shared server. Each process that uses it holds a shared lock on `users` until it ends.
struct Cluster {
    sockets: PathBuf,
    _user: File,
}

impl Cluster {
    fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(|| Self::join().unwrap_or_else(|why| stop(&format!("the tests need a PostgreSQL server: {why}"))))
    }

    fn url(&self, schema: &str) -> String {
        let host = self.sockets.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{host}:{PORT}/postgres?options=-c%20search_path%3D{schema}")
    }

    fn join() -> Result<Self, String> {
        let user = Runner::find()?;
        let directory = fast_directory().join(format!("hikeshi-test-postgres-{}", user.uid));
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let joined = Self::try_join(&directory, &user);
            match joined {
                Ok(Some(cluster)) => return Ok(cluster),
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(20)),
                Ok(None) => return Err("it did not become ready in time".to_owned()),
                Err(why) => return Err(why),
            }
        }
    }

    /// `None`: the directory went away meanwhile; try again.
    fn try_join(directory: &Path, runner: &Runner) -> Result<Option<Self>, String> {
        let words = |error: std::io::Error| format!("{}: {error}", directory.display());
        std::fs::create_dir_all(directory).map_err(words)?;
        let Ok(users) = File::options().create(true).append(true).open(directory.join("users")) else { return Ok(None) };
        let Ok(start) = File::options().create(true).append(true).open(directory.join("start")) else { return Ok(None) };
        start.lock().map_err(words)?;
        users.lock_shared().map_err(words)?;
        // The one who stops the server removes the directory while it has `users` for itself.
        if !same_file(&users, &directory.join("users")) || !same_file(&start, &directory.join("start")) {
            return Ok(None);
        }
        let cluster = Self { sockets: directory.to_owned(), _user: users };
        if execute(&cluster.url("public"), "SELECT 1").is_err() {
            runner.start(directory)?;
            execute(&cluster.url("public"), "SELECT 1")?;
        }
        Ok(Some(cluster))
    }
}

fn same_file(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(found)) = (open.metadata(), std::fs::metadata(path)) else { return false };
    open.ino() == found.ino() && open.dev() == found.dev()
}

/// How the server's programs are run: never as root, which PostgreSQL refuses.
struct Runner {
    uid: u32,
    programs: PathBuf,
}

impl Runner {
    fn find() -> Result<Self, String> {
        use std::os::unix::fs::MetadataExt;
        let uid = std::fs::metadata("/proc/self").map_err(|error| error.to_string())?.uid();
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect())
            .unwrap_or_default();
        versions.sort();
        let programs = versions.pop().ok_or("there is no /usr/lib/postgresql/*/bin/initdb; install Debian's package `postgresql`")?;
        Ok(Self { uid, programs })
    }

    fn command(&self, program: &Path) -> Command {
        if self.uid != 0 {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let path = self.programs.join(program);
        // The server inherits what `pg_ctl` has open: a pipe of ours would never end.
        let said = std::env::temp_dir().join(format!("hikeshi-test-{program}-{}", unique()));
        let out = File::create(&said).map_err(|error| error.to_string())?;
        let errors = out.try_clone().map_err(|error| error.to_string())?;
        let status = self.command(&path).args(arguments).current_dir("/").stdin(Stdio::null()).stdout(out).stderr(errors).status();
        let words = std::fs::read_to_string(&said).unwrap_or_default();
        drop(std::fs::remove_file(&said));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{program}: {status}: {}", words.trim())),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    fn start(&self, directory: &Path) -> Result<(), String> {
        let data = directory.join("data");
        let (shown, data_shown) = (directory.display().to_string(), data.display().to_string());
        drop(std::fs::remove_dir_all(&data));
        if self.uid == 0 {
            let done = Command::new("chown").args(["postgres", &shown]).status().map_err(|error| error.to_string())?;
            if !done.success() {
                return Err(format!("chown postgres {shown}: {done}"));
            }
        }
        self.run("initdb", &["-D", &data_shown, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])?;
        let options = format!("-p {PORT} -k {shown} -c listen_addresses='' -c max_connections=300 -c shared_buffers=64MB");
        let log = format!("{shown}/log");
        self.run("pg_ctl", &["-D", &data_shown, "-l", &log, "-w", "-t", "30", "-o", &options, "start"])?;
        self.stop_when_unused(directory)
    }

    /// A small process of its own: the test that started the server may end long before the others.
    fn stop_when_unused(&self, directory: &Path) -> Result<(), String> {
        const SCRIPT: &str = r#"
            exec 9<"$1/users"
            while :; do
                flock -x 9; flock -u 9
                sleep 4
                if flock -n -x 9; then
                    "${@:3}" -D "$1/data" -m immediate stop
                    rm -rf "$1"
                    exit
                fi
            done"#;
        let mut command = Command::new("setsid");
        command.args(["-f", "bash", "-c", SCRIPT, "stop-postgres"]).arg(directory).arg("--");
        let stop = self.command(&self.programs.join("pg_ctl"));
        command.arg(stop.get_program()).args(stop.get_args()).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().map(drop).map_err(|error| format!("setsid: {error}"))
    }
}
