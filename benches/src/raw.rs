//! The limits underneath: the disk's fdatasync, SQLite's own insert, PostgreSQL's own transaction. Same disk, same size of row.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// As large as the entry of the measured command.
pub const ROW_BYTES: usize = 420;

/// What one loop did: how many, and how long each took.
pub struct Ran {
    pub count: u64,
    pub elapsed: Duration,
    pub took: Vec<Duration>,
}

impl Ran {
    pub fn per_second(&self) -> f64 {
        // Counts here stay far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let count = self.count as f64;
        count / self.elapsed.as_secs_f64()
    }
}

pub fn repeat(for_s: Duration, mut once: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Ran> {
    let began = Instant::now();
    let mut took = Vec::new();
    while began.elapsed() < for_s {
        let start = Instant::now();
        once()?;
        took.push(start.elapsed());
    }
    Ok(Ran { count: took.len() as u64, elapsed: began.elapsed(), took })
}

/// Overwrites 4 KiB and syncs: what a recycled write-ahead log does.
pub fn fdatasync(dir: &Path, for_s: Duration) -> anyhow::Result<Ran> {
    let path = dir.join("fdatasync");
    let mut file = std::fs::File::create(&path)?;
    file.write_all(&[0; 4096])?;
    file.sync_all()?;
    let ran = repeat(for_s, || {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; 4096])?;
        Ok(file.sync_data()?)
    });
    std::fs::remove_file(&path)?;
    ran
}

/// One INSERT per transaction, WAL, synchronous=FULL.
pub fn sqlite(dir: &Path, for_s: Duration) -> anyhow::Result<Ran> {
    let path = dir.join("raw.db");
    let connection = rusqlite::Connection::open(&path)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS row (seq INTEGER PRIMARY KEY, key TEXT UNIQUE, bytes BLOB)",
    )?;
    let bytes = vec![b'x'; ROW_BYTES];
    let mut number = 0_u64;
    let mut insert = connection.prepare("INSERT INTO row (key, bytes) VALUES (?1, ?2)")?;
    let ran = repeat(for_s, || {
        number += 1;
        insert.execute((format!("{}-{number}", std::process::id()), &bytes))?;
        Ok(())
    });
    drop(insert);
    drop(connection);
    for suffix in ["", "-wal", "-shm"] {
        let file = dir.join(format!("raw.db{suffix}"));
        if file.exists() {
            std::fs::remove_file(file)?;
        }
    }
    ran
}

/// One connection, one INSERT per transaction.
pub async fn postgres(url: &str, for_s: Duration) -> anyhow::Result<Ran> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let measured = async {
        client.batch_execute("CREATE TABLE IF NOT EXISTS bench_raw (seq BIGSERIAL PRIMARY KEY, key TEXT UNIQUE, bytes BYTEA)").await?;
        let insert = client.prepare("INSERT INTO bench_raw (key, bytes) VALUES ($1, $2)").await?;
        let bytes = vec![b'x'; ROW_BYTES];
        let began = Instant::now();
        let mut took = Vec::new();
        while began.elapsed() < for_s {
            let start = Instant::now();
            let key = format!("{}-{}", std::process::id(), took.len());
            client.batch_execute("BEGIN").await?;
            client.execute(&insert, &[&key, &bytes]).await?;
            client.batch_execute("COMMIT").await?;
            took.push(start.elapsed());
        }
        client.batch_execute("DROP TABLE bench_raw").await?;
        anyhow::Ok(Ran { count: took.len() as u64, elapsed: began.elapsed(), took })
    };
    tokio::select! {
        ended = connection => anyhow::bail!("the connection ended: {ended:?}"),
        ran = measured => ran,
    }
}
