//! A PostgreSQL database, asked by its own statistics: connections, the longest running query, its size.

use std::ffi::OsStr;
use std::time::Duration;

use hikeshi_domain::monitor::{Measured, Measuring};
use hikeshi_domain::policy::PostgresMonitor;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::{short, shown};
use crate::Options;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Every client beside ourselves counts. What others run is hidden from whoever may not read the statistics of all.
const CONNECTIONS: &str = "SELECT count(*)::float8, current_setting('max_connections')::float8 FROM pg_stat_activity \
                           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
const LONGEST: &str = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8 FROM pg_stat_activity \
                       WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()";
const SEES_ALL: &str = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
const SIZE: &str = "SELECT pg_database_size(current_database())::float8";

enum Trouble {
    /// The database does not do its work.
    Down(String),
    /// We cannot ask it.
    Cannot(String),
}

pub(super) async fn measure(options: &Options, measuring: &Measuring, timeout: Duration) -> Measured {
    let Some(postgres) = &measuring.monitor.postgres else { return Measured::unmeasured("no database is given") };
    let name = &postgres.url_env;
    let Some(address) = options.env.get(OsStr::new(name)).and_then(|value| value.to_str()).filter(|value| !value.is_empty()) else {
        return Measured::unmeasured(format!("the environment variable {name} is not set"));
    };
    // What is wrong with it could show a part of it.
    let Ok(config) = address.parse::<Config>() else {
        return Measured::unmeasured(format!("the value of {name} is no connection string of PostgreSQL"));
    };
    match tokio::time::timeout(timeout, look(config, postgres)).await {
        Ok(Ok(measured)) => measured,
        Ok(Err(Trouble::Down(why))) => Measured::failed(why),
        Ok(Err(Trouble::Cannot(why))) => Measured::unmeasured(why),
        Err(_) => Measured::failed(format!("no answer from the database within {} s", timeout.as_secs_f64())),
    }
}

async fn look(mut config: Config, postgres: &PostgresMonitor) -> Result<Measured, Trouble> {
    config.application_name("hikeshi");
    let (client, connection) = config.connect(NoTls).await.map_err(|error| trouble(&error))?;
    tokio::select! {
        // It ends only when it breaks: the client lives as long as the questions.
        ended = connection => Err(Trouble::Down(ended.err().map_or_else(|| "the database closed the connection".to_owned(), |error| said(&error)))),
        asked = ask(&client, postgres) => asked,
    }
}

async fn ask(client: &Client, postgres: &PostgresMonitor) -> Result<Measured, Trouble> {
    let number = async |query: &str, column: usize| -> Result<f64, Trouble> {
        let row = client.query_one(query, &[]).await.map_err(|error| trouble(&error))?;
        row.try_get(column).map_err(|error| trouble(&error))
    };
    let mut found = Vec::new();
    if let Some(limit) = postgres.connections_percent {
        let row = client.query_one(CONNECTIONS, &[]).await.map_err(|error| trouble(&error))?;
        let column = |index: usize| row.try_get::<_, f64>(index).map_err(|error| trouble(&error));
        let (open, most) = (column(0)?, column(1)?);
        found.push(Figure { value: short(open * 100.0 / most), limit, text: format!("{open} of {most} connections") });
    }
    if let Some(limit) = postgres.longest_query_s {
        let row = client.query_one(SEES_ALL, &[]).await.map_err(|error| trouble(&error))?;
        if !row.try_get::<_, bool>(0).map_err(|error| trouble(&error))? {
            let why = "the database user may not see what others run, so the longest query is not known: GRANT pg_monitor to it";
            return Err(Trouble::Cannot(why.to_owned()));
        }
        let seconds = short(number(LONGEST, 0).await?);
        found.push(Figure { value: seconds, limit, text: format!("the longest query has run for {seconds} s") });
    }
    if let Some(limit) = postgres.size_gib {
        let gib = short(number(SIZE, 0).await? / GIB);
        found.push(Figure { value: gib, limit, text: format!("the database has {gib} GiB") });
    }
    Ok(figures(&found))
}

/// One number, and what it may be at most.
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) text: String,
}

/// Everything that is too much, or everything that is not. One figure is a number to draw; several are drawn by the one that is nearest to its limit.
pub(super) fn figures(found: &[Figure]) -> Measured {
    let share = |figure: &Figure| if figure.limit > 0.0 { figure.value / figure.limit } else { figure.value };
    let over: Vec<String> = found
        .iter()
        .filter(|figure| figure.value > figure.limit)
        .map(|figure| format!("{} ({} allowed)", figure.text, figure.limit))
        .collect();
    let nearest = found.iter().max_by(|a, b| share(a).total_cmp(&share(b))).map(|figure| figure.value);
    let measured = if over.is_empty() {
        Measured::passed(found.iter().map(|figure| figure.text.as_str()).collect::<Vec<_>>().join(", "))
    } else {
        Measured::failed(over.join(", "))
    };
    let drawn = match found {
        [one] => Some(one.value),
        _ => nearest.map(|_| short(found.iter().map(share).fold(0.0, f64::max) * 100.0)),
    };
    match drawn {
        Some(value) => measured.with(value),
        None => measured,
    }
}

fn trouble(error: &tokio_postgres::Error) -> Trouble {
    let words = said(error);
    match error.code() {
        // Wrong user, password, database or right: the database may be well.
        Some(code)
            if code.code().starts_with("28") || *code == SqlState::INVALID_CATALOG_NAME || *code == SqlState::INSUFFICIENT_PRIVILEGE =>
        {
            Trouble::Cannot(words)
        }
        Some(_) => Trouble::Down(words),
        None if error.is_closed() || is_of_the_network(error) => Trouble::Down(words),
        None => Trouble::Cannot(words),
    }
}

fn is_of_the_network(error: &tokio_postgres::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The database's own words, or those of the operating system; neither has the password.
fn said(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| shown(&crate::probe::words(error)), |error| shown(error.message()))
}
