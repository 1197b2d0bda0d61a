//! Bad nights: the store goes away and comes back, the ledger is not the one that was signed, too many knock at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hikeshi_domain::command::Envelope;
use hikeshi_domain::ids::IncidentId;
use hikeshi_engine::door::{Answer, Door, Fault};
use hikeshi_store::testing::{Scratch, execute};
use hikeshi_store::{Location, Store};
use tokio::task::JoinSet;

use crate::kit::*;

hikeshi_store::on_both!(
    a_ledger_that_is_not_the_signed_one_is_read_and_not_written,
    the_live_ledger_is_verified_against_all_that_was_signed,
    a_case_is_exported_and_verified_offline,
);

fn checkpoint_file(scratch: &Scratch) -> std::path::PathBuf {
    let name = match scratch.location() {
        Location::Sqlite(path) => path.parent().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()),
        Location::Postgres(url) => url.rsplit('=').next().map(|schema| schema.replace('%', "_")),
    };
    std::env::temp_dir().join(format!("{}.checkpoints", name.expect("a name")))
}

fn a_ledger_that_is_not_the_signed_one_is_read_and_not_written(scratch: &Scratch) {
    let file = checkpoint_file(scratch);
    let other = match scratch.location() {
        Location::Sqlite(_) => Scratch::sqlite(),
        Location::Postgres(_) => Scratch::postgres(),
    };
    town(&other, async |mut town| {
        town.checkpoint_file = Some(file.clone());
        let engine = town.open().await;
        open_incident(&engine.door(), "tanaka").await;
        engine.stop().await;
        let engine = town.start("again").await;
        assert_eq!(engine.door().halted(), None, "its own ledger agrees");
        open_incident(&engine.door(), "tanaka").await;
        engine.stop().await;
    });
    town(scratch, async |mut town| {
        // A shorter ledger than the one that was signed.
        let engine = town.open().await;
        engine.stop().await;
        town.checkpoint_file = Some(file.clone());
        let engine = town.start("one").await;
        let door = engine.door();
        assert!(door.halted().is_some_and(|why| why.contains("3 were signed")), "{:?}", door.halted());
        let answer = submit(&door, "tanaka", opening("書けない")).await;
        assert!(matches!(answer, Err(Fault::Halted { .. })), "{answer:?}");
        assert_eq!(door.look(&who("tanaka")).ledger(None, 10).await.expect("reading goes on").size, 1);
        engine.stop().await;

        // A longer one with another beginning.
        town.checkpoint_file = None;
        let engine = town.start("one").await;
        for title in ["別の", "歴史", "です"] {
            done(&engine.door(), "tanaka", opening(title)).await;
        }
        engine.stop().await;
        town.checkpoint_file = Some(file.clone());
        let engine = town.start("one").await;
        assert!(engine.door().halted().is_some_and(|why| why.contains("not those that were signed")), "{:?}", engine.door().halted());
        assert!(!engine.door().verify_live().await.expect("verified").is_sound());
        engine.stop().await;
    });
    std::fs::remove_file(&file).expect("removed");
}

fn the_live_ledger_is_verified_against_all_that_was_signed(scratch: &Scratch) {
    let file = checkpoint_file(scratch);
    town(scratch, async |mut town| {
        town.checkpoint_file = Some(file.clone());
        let engine = town.open().await;
        let door = engine.door();
        for turn in 0..300 {
            done(&door, "tanaka", note_or_open(turn)).await;
        }
        town.executing(&door).await;
        town.until("an exception was sealed", |_| door.figures().checkpoints >= 2).await;
        engine.stop().await;
        let engine = town.start("two").await;
        let verdict = engine.door().verify_live().await.expect("verified");
        assert!(verdict.is_sound() && verdict.verdict.agreed.len() >= 3, "{verdict:?}");
        let ledger = engine.door().look(&who("kansa")).ledger(None, 5).await.expect("seen");
        assert_eq!((ledger.size, ledger.root), (verdict.verdict.entries, verdict.verdict.root));
        assert!(ledger.checkpoint.is_some_and(|note| note.starts_with("test.example/ledger\n")));
        assert!(engine.door().compare_tables().await.expect("compared").agrees());
        engine.stop().await;
        // A line of the file that somebody has touched.
        let text = std::fs::read_to_string(&file).expect("the file").replacen("test.example/ledger\n", "test.example/ledger\n0", 1);
        std::fs::write(&file, text).expect("written");
        let engine = town.start("three").await;
        let verdict = engine.door().verify_live().await.expect("verified");
        assert_eq!((verdict.is_sound(), verdict.unverifiable_checkpoints), (false, 1));
        engine.stop().await;
    });
    std::fs::remove_file(&file).expect("removed");
}

fn note_or_open(turn: u32) -> hikeshi_domain::command::Command {
    if turn == 0 { opening("最初") } else { note(IncidentId(1), &format!("{turn}")) }
}

fn a_case_is_exported_and_verified_offline(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        crate::effects::step(&door, id, 1).await;
        town.until("the step ends", |town| crate::effects::ended(town, id, 1)).await;
        let documents = hikeshi_domain::ledger::Files::from([("report.md".to_owned(), b"# report\n".to_vec())]);
        let viewer = who("kansa");
        let files = door.look(&viewer).bundle(town.emergency(id).incident, documents).await.expect("exported");
        assert!(files.keys().any(|name| name.starts_with("contents/")), "{:?}", files.keys());
        let absent = door.look(&viewer).bundle(IncidentId(99), Default::default()).await;
        assert!(matches!(absent, Err(hikeshi_engine::look::LookError::NotFound { .. })), "{absent:?}");
        engine.stop().await;
    });
}

/// Takes PostgreSQL away from one town, and gives it back.
struct Switch {
    url: String,
    role: String,
}

impl Switch {
    async fn run(&self, statements: String) {
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || execute(&url, &statements)).await.expect("it ends").expect("PostgreSQL takes it");
    }
    async fn cut(&self) {
        self.run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'", self.role)).await;
    }
    async fn away(&self) {
        self.run(format!("ALTER ROLE {} NOLOGIN", self.role)).await;
        self.cut().await;
    }
    async fn back(&self) {
        self.run(format!("ALTER ROLE {} LOGIN", self.role)).await;
    }
}

/// A town whose connections can be told from those of other tests.
fn own_role(scratch: &Scratch, test: impl AsyncFnOnce(Town, Switch)) {
    let Location::Postgres(url) = scratch.location() else { panic!("not PostgreSQL") };
    let role = format!("town_{}", std::process::id());
    execute(url, &format!("CREATE ROLE {role} LOGIN SUPERUSER")).expect("a role");
    let switch = Switch { url: url.clone(), role: role.clone() };
    let own = Location::Postgres(url.replace("postgres://postgres@", &format!("postgres://{role}@")));
    town(scratch, async |mut town| {
        town.store = std::thread::spawn(move || Store::open(&own)).join().expect("it ends").expect("the store opens");
        test(town, switch).await;
    });
    execute(url, &format!("REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}")).expect("the role goes");
}

#[test]
fn a_store_that_is_gone_for_a_while_loses_nothing() {
    own_role(&Scratch::postgres(), async |town, switch| {
        let engine = town.open().await;
        let door = engine.door();
        let incident = open_incident(&door, "tanaka").await;
        switch.away().await;
        let envelope = by("tanaka", note(incident, "繋がらない間"));
        let answer = door.submit(envelope.clone()).await;
        assert!(matches!(answer, Err(Fault::Store { .. })), "{answer:?}");
        assert!(door.look(&who("tanaka")).now().await.is_err());
        town.pass(20);
        switch.back().await;
        town.until("the deadline that came meanwhile fires", |town| town.incident(incident).escalated_steps == 2).await;
        assert!(matches!(door.submit(envelope).await, Ok(Answer::Done(_))));
        assert_eq!(town.count("incident.note"), 1);
        let id = town.executing(&door).await;
        assert!(town.emergency(id).backup.is_some(), "effects are carried out again");
        engine.stop().await;
    });
}

async fn insist(door: &Door, envelope: Envelope) -> bool {
    for _ in 0..100 {
        match door.submit(envelope.clone()).await {
            Ok(Answer::Done(_)) => return true,
            Ok(Answer::Already(_)) => return false,
            Ok(Answer::Refused { refusal, .. }) => panic!("refused: {refusal:?}"),
            Err(Fault::Store { .. } | Fault::Busy) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(fault) => panic!("{fault}"),
        }
    }
    panic!("never answered");
}

#[test]
fn connections_that_are_cut_again_and_again_lose_and_double_nothing() {
    own_role(&Scratch::postgres(), async |town, switch| {
        let engine = town.open().await;
        let incident = open_incident(&engine.door(), "tanaka").await;
        let over = Arc::new(AtomicBool::new(false));
        let mut cutting = JoinSet::new();
        cutting.spawn({
            let over = Arc::clone(&over);
            async move {
                let mut cuts = 0;
                while !over.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(37)).await;
                    switch.cut().await;
                    cuts += 1;
                }
                cuts
            }
        });
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let door = engine.door();
            writers.spawn(async move {
                let mut first_time = 0;
                for turn in 0..40 {
                    first_time += usize::from(insist(&door, by("tanaka", note(incident, &format!("{writer}/{turn}")))).await);
                }
                first_time
            });
        }
        let first_time: usize = writers.join_all().await.into_iter().sum();
        over.store(true, Ordering::Relaxed);
        let cuts = cutting.join_next().await.expect("it was started").expect("it ends");
        assert!(cuts > 3, "the connections were cut only {cuts} times");
        assert_eq!(town.count("incident.note"), 320);
        // `Already` comes only when the caller had been told of a fault, and what it had asked was recorded all the same.
        assert!(first_time > 200, "{first_time}");
        engine.stop().await;
    });
}

#[test]
fn too_many_at_once_are_told_to_come_back() {
    let scratch = Scratch::sqlite();
    town(&scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let store = town.store.clone();
        let (holds, holding) = tokio::sync::oneshot::channel();
        let holder = std::thread::spawn(move || {
            let mut writer = store.writer().expect("a writer");
            let _batch = writer.begin().expect("the head is locked");
            holds.send(()).expect("it waits");
            assert!(held.recv().is_err(), "nobody sends; the other end goes away");
        });
        holding.await.expect("the head is locked");
        let mut callers = JoinSet::new();
        for turn in 0..6_000 {
            let door = door.clone();
            callers.spawn(async move { submit(&door, "tanaka", opening(&format!("{turn}"))).await });
        }
        let mut busy = 0;
        while busy < 1_000 {
            let answer = callers.join_next().await.expect("some are told at once").expect("it ends");
            assert!(matches!(answer, Err(Fault::Busy)), "{answer:?}");
            busy += 1;
        }
        drop(hold);
        holder.join().expect("it ends");
        let answers = callers.join_all().await;
        let recorded = answers.iter().filter(|answer| matches!(answer, Ok(Answer::Done(_)))).count();
        assert!(recorded > 4_000 && answers.iter().all(|answer| matches!(answer, Ok(Answer::Done(_)) | Err(Fault::Busy))), "{recorded}");
        assert_eq!(town.count("incident.open"), recorded);
        engine.stop().await;
    });
}
