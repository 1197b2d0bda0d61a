//! Every statement of the product, prepared on both engines.

use crate::database::Database;
use crate::on_both;
use crate::sql::Sql;
use crate::testing::Scratch;
use crate::{
    Store, browsers, bundles, changes, contents, facts, ledger, outbox, pasts, postgres, proofs, read, rebuild, subscribers, timers, write,
};

fn all() -> impl Iterator<Item = &'static Sql> {
    [
        bundles::ALL,
        changes::ALL,
        contents::ALL,
        facts::ALL,
        ledger::ALL,
        outbox::ALL,
        pasts::ALL,
        postgres::ALL,
        proofs::ALL,
        read::ALL,
        subscribers::ALL,
        browsers::ALL,
        timers::ALL,
        write::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
    .chain(rebuild::statements())
}

fn every_statement_can_be_prepared(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    let mut wrong = Vec::new();
    match &store.inner.database {
        Database::Sqlite { sqlite, .. } => {
            let session = sqlite.writer();
            // Questions that only PostgreSQL is asked.
            let own = postgres::ALL.iter().map(|sql| sql.sqlite().to_owned()).collect::<Vec<_>>();
            wrong.extend(all().filter(|sql| !own.contains(&sql.sqlite().to_owned())).filter_map(|sql| session.prepare(sql).err()));
        }
        Database::Postgres { postgres, .. } => {
            let mut session = postgres.connect().unwrap();
            wrong.extend(all().filter_map(|sql| session.prepare(sql).err()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(all().count() > 50, "the lists have lost statements");
}

on_both!(every_statement_can_be_prepared);
