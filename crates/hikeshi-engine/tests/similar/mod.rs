//! Past incidents are found by what they are about, in other words, on both databases in the same order (rule I9); and what is written of an
//! incident is filed, owed and found (rule I8).

mod set;

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, IncidentId, PersonId};
use hikeshi_domain::incident;
use hikeshi_domain::obligation::{Kind, PreventionItem, Status};
use hikeshi_domain::postmortem::{self, Content, Imported};
use hikeshi_domain::similar::{Index, Past, Query};
use hikeshi_engine::door::Door;
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;

use crate::kit::*;
use set::{ENGLISH, JAPANESE, others};

hikeshi_store::on_both!(the_past_is_found_in_other_words, the_same_file_is_imported_once, a_postmortem_is_owed_written_filed_and_found,);

fn imported(parts: [&str; 4]) -> Imported {
    let [title, summary, cause, response] = parts.map(str::to_owned);
    Imported { title, summary, cause, response, ..Imported::default() }
}

fn import(number: usize, found: Imported) -> Command {
    let digest = Digest::of(format!("{number} {}", found.title).as_bytes());
    Command::Postmortem(postmortem::Command::Import { file: format!("docs/incidents/{number}.md"), digest, found: Box::new(found) })
}

/// What is found, the most alike first.
async fn found(door: &Door, words: [&str; 2]) -> Vec<Past> {
    let actor = who("tanaka");
    let found = door.look(&actor).similar(&words.join("\n")).await.expect("looked for");
    found.into_iter().map(|similar| similar.past).collect()
}

#[allow(clippy::print_stdout, reason = "the count is what the reader of the test wants to see")]
fn the_past_is_found_in_other_words(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let mut number = 0;
        let mut index = Index::new(&[]);
        let owned = others();
        let rest = owned.iter().map(|parts| [0, 1, 2, 3].map(|at| parts[at].as_str()));
        assert!(owned.len() >= 200, "{} look-alikes", owned.len());
        for parts in JAPANESE.iter().chain(ENGLISH).map(|pair| pair.past).chain(rest) {
            number += 1;
            let command = import(number, imported(parts));
            if let Command::Postmortem(postmortem::Command::Import { digest, found, .. }) = &command {
                index.put(&Past {
                    key: Past::key_of(digest),
                    incident: None,
                    file: None,
                    at: None,
                    title: found.title.clone(),
                    service: String::new(),
                    summary: found.summary.clone(),
                    impact: String::new(),
                    cause: found.cause.clone(),
                    solved: found.response.clone(),
                    lessons: String::new(),
                });
            }
            done(&door, "tanaka", command).await;
        }
        let mut missed = Vec::new();
        for (name, pairs, wanted) in [("Japanese", JAPANESE, 18), ("English", ENGLISH, 4)] {
            let (mut first, mut in_three) = (0, 0);
            for pair in pairs {
                let there = found(&door, pair.now).await;
                let hits = index.search(&Query { title: &pair.now.join("\n"), text: "", except: None }, 5);
                let (given, wanted): (Vec<_>, Vec<_>) =
                    (there.iter().map(|past| &past.key).collect(), hits.iter().map(|hit| &hit.key).collect());
                assert_eq!(given, wanted, "the database changes neither what is found nor its order");
                let rank = there.iter().position(|past| past.title == pair.past[0]);
                first += usize::from(rank == Some(0));
                in_three += usize::from(rank.is_some_and(|rank| rank < 3));
                if rank.is_none_or(|rank| rank >= 3) {
                    missed.push((pair.now[0], there.into_iter().map(|past| past.title).collect::<Vec<_>>()));
                }
            }
            let among = number - pairs.len();
            println!("{name}: {in_three} of {} in the first three, {first} first, among {among} others", pairs.len());
            assert!(in_three >= wanted, "{name}: {in_three} of {} in the first three: {missed:#?}", pairs.len());
        }
        engine.stop().await;
    });
}

fn the_same_file_is_imported_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        for _ in 0..2 {
            done(&door, "tanaka", import(1, imported(JAPANESE[0].past))).await;
        }
        assert_eq!(town.count("postmortem.import"), 1, "the same file again is no entry");
        assert_eq!(found(&door, JAPANESE[0].now).await[0].title, JAPANESE[0].past[0]);
        engine.stop().await;
    });
}

fn a_postmortem_is_owed_written_filed_and_found(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let incident = IncidentId(1);
        done(&door, "tanaka", opening("予約の決済が通らない")).await;
        let view = |id| {
            let door = door.clone();
            async move { door.look(&who("tanaka")).incident(id).await.expect("seen") }
        };
        let resolve = incident::Command::Resolve { incident, what: "証明書を入れ替えた".to_owned() };
        done(&door, "tanaka", Command::Incident(resolve)).await;
        let owed = view(incident).await.obligations.into_iter().find(|owed| owed.kind == Kind::Postmortem).expect("owed");
        assert_eq!(owed.due_at, owed.raised_at + SignedDuration::from_hours(5 * 24));
        let content = Content {
            impact: "全員が払えなかった".to_owned(),
            whys: vec!["失効した".to_owned()],
            cause: "証明書の更新を忘れた".to_owned(),
            response: "入れ替えた".to_owned(),
            lessons: "期限を監視する".to_owned(),
        };
        let item =
            PreventionItem { text: "期限の監視".to_owned(), owner: PersonId::new("sato").expect("a handle"), due_at: owed.due_at };
        done(&door, "tanaka", Command::Postmortem(postmortem::Command::Write { incident, content, items: vec![item] })).await;
        let began = std::time::Instant::now();
        while view(incident).await.incident.postmortem.is_none_or(|known| known.filed.is_none()) {
            assert!(began.elapsed().as_secs() < 20, "not filed");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let seen = view(incident).await.obligations;
        let status = |kind| seen.iter().find(|owed| owed.kind == kind).map(|owed| owed.status);
        assert_eq!((status(Kind::Postmortem), status(Kind::Prevention)), (Some(Status::Done), Some(Status::Owed)));
        // The next one that is like it shows it at once, with what solved it.
        done(&door, "tanaka", opening("支払いができない。SSL の期限切れ？")).await;
        let similar = view(IncidentId(2)).await.similar;
        assert_eq!(similar.len(), 1);
        assert!(similar[0].past.incident == Some(incident) && similar[0].past.solved.contains("証明書を入れ替えた"), "{similar:?}");
        engine.stop().await;
    });
}
