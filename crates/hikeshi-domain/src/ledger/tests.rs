//! The ledger's own promises: whatever is changed is found, and named as early as it can be.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::*;
use crate::event::Event;
use crate::ids::{Digest, IncidentId, PersonId, RequestKey};
use crate::people::{Actor, Via};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn entry(seq: u64, prev: Digest, case: u64, events: Vec<Event>) -> Vec<u8> {
    let entry = Entry {
        v: Entry::VERSION,
        seq,
        at: at(i64::try_from(seq).unwrap()),
        actor: Actor::person(PersonId::new("tanaka").unwrap()),
        via: Via::Web,
        key: RequestKey::new(format!("request-{seq}")).unwrap(),
        kind: "incident.note".to_owned(),
        case: Some(IncidentId(case)),
        prev,
        result: EntryResult::Done { events, effects: Vec::new(), settles: None, made: None },
    };
    entry.bytes().unwrap()
}

fn note(case: u64, text: &str) -> Vec<Event> {
    vec![Event::IncidentNoted { incident: IncidentId(case), text: text.to_owned() }]
}

/// Entries of two cases in turn.
fn chain(length: u64) -> Vec<Vec<u8>> {
    let mut prev = Digest([0; 32]);
    (0..length)
        .map(|seq| {
            let bytes = entry(seq, prev, 1 + seq % 2, note(1 + seq % 2, "再起動しました"));
            prev = leaf_hash(&bytes);
            bytes
        })
        .collect()
}

fn frontier(entries: &[Vec<u8>]) -> Frontier {
    let mut frontier = Frontier::new();
    entries.iter().for_each(|entry| frontier.append(leaf_hash(entry)));
    frontier
}

/// Verifies `shown` against the head of `recorded` and its checkpoint at `at`.
fn verdict(shown: &[Vec<u8>], recorded: &[Vec<u8>], at: Option<usize>) -> Verdict {
    let checkpoint = at.map(|size| (u64::try_from(size).unwrap(), frontier(&recorded[..size]).root()));
    let mut verifier = Verifier::new(checkpoint);
    for (seq, bytes) in (0..).zip(shown) {
        if verifier.feed(Laid { seq, bytes, columns: None }) == ControlFlow::Break(()) {
            break;
        }
    }
    let head = frontier(recorded);
    let last_leaf = recorded.last().map_or(Digest([0; 32]), |bytes| leaf_hash(bytes));
    verifier.finish(Some(KnownHead { size: head.size(), frontier: head.roots(), last_leaf }))
}

#[test]
fn an_untouched_ledger_of_any_size_holds() {
    for length in 0..40 {
        let entries = chain(length);
        let size = usize::try_from(length / 2).unwrap();
        let verdict = verdict(&entries, &entries, Some(size));
        assert_eq!((verdict.entries, verdict.fault, verdict.agreed), (length, None, vec![length / 2]));
        assert_eq!(verdict.root, frontier(&entries).root());
    }
}

#[test]
fn any_changed_byte_is_found_where_it_is() {
    let entries = chain(5);
    for (index, entry) in entries.iter().enumerate() {
        for position in 0..entry.len() {
            for flip in [0x01, 0x80] {
                let mut shown = entries.clone();
                shown[index][position] ^= flip;
                for checkpoint in [None, Some(3)] {
                    let fault = verdict(&shown, &entries, checkpoint).fault.expect("a changed byte was not found");
                    let seq = u64::try_from(index).unwrap();
                    assert!(
                        fault.latest == seq && fault.earliest + 1 >= seq,
                        "byte {position} of entry {seq} was changed, and {fault:?} was said"
                    );
                }
            }
        }
    }
}

#[test]
fn removed_inserted_and_reordered_entries_are_found_first() {
    let entries = chain(9);
    for index in 0..9 {
        let seq = u64::try_from(index).unwrap();
        let mut removed = entries.clone();
        removed.remove(index);
        let fault = verdict(&removed, &entries, Some(5)).fault.unwrap();
        let wrong = if index == 8 { Wrong::TailCut { size: 9 } } else { Wrong::SeqDiffers { says: seq + 1 } };
        assert_eq!(fault, Fault { earliest: seq, latest: seq, wrong });

        let mut inserted = entries.clone();
        inserted.insert(index, entries[(index + 3) % 9].clone());
        let fault = verdict(&inserted, &entries, Some(5)).fault.unwrap();
        assert_eq!((fault.earliest, fault.latest), (seq, seq), "{fault:?}");

        for other in index + 1..9 {
            let mut swapped = entries.clone();
            swapped.swap(index, other);
            let fault = verdict(&swapped, &entries, None).fault.unwrap();
            assert_eq!(fault, Fault { earliest: seq, latest: seq, wrong: Wrong::SeqDiffers { says: u64::try_from(other).unwrap() } });
        }
    }
}

#[test]
fn a_cut_tail_is_missed_by_head_and_by_checkpoint() {
    let entries = chain(9);
    for length in 0..9 {
        let cut = &entries[..length];
        let seq = u64::try_from(length).unwrap();
        let expected = |size| Some(Fault { earliest: seq, latest: seq, wrong: Wrong::TailCut { size } });
        assert_eq!(verdict(cut, &entries, None).fault, expected(9));
        // The head was cut too: only a later checkpoint knows.
        let mut verifier = Verifier::new([(9, frontier(&entries).root())]);
        for (seq, bytes) in (0..).zip(cut) {
            assert!(verifier.feed(Laid { seq, bytes, columns: None }).is_continue());
        }
        let head = frontier(cut);
        let last_leaf = cut.last().map_or(Digest([0; 32]), |bytes| leaf_hash(bytes));
        let known = KnownHead { size: head.size(), frontier: head.roots(), last_leaf };
        assert_eq!(verifier.finish(Some(known)).fault, expected(9));
    }
}

#[test]
fn entries_behind_the_head_are_found() {
    let entries = chain(9);
    let fault = verdict(&entries, &entries[..6], None).fault.unwrap();
    assert_eq!(fault, Fault { earliest: 6, latest: 6, wrong: Wrong::BeyondHead { size: 6 } });
}

#[test]
fn a_history_written_again_contradicts_the_first_checkpoint_after_the_change() {
    let recorded = chain(12);
    let mut again = recorded[..5].to_vec();
    let mut prev = leaf_hash(&again[4]);
    for seq in 5..12 {
        again.push(entry(seq, prev, 1, note(1, "そのようなことはなかった")));
        prev = leaf_hash(again.last().unwrap());
    }
    let root = |size: usize| (u64::try_from(size).unwrap(), frontier(&recorded[..size]).root());
    let mut verifier = Verifier::new([root(4), root(8), root(11)]);
    for (seq, bytes) in (0..).zip(&again) {
        if verifier.feed(Laid { seq, bytes, columns: None }).is_break() {
            break;
        }
    }
    let head = frontier(&again);
    let known = KnownHead { size: 12, frontier: head.roots(), last_leaf: prev };
    let verdict = verifier.finish(Some(known));
    assert_eq!(verdict.agreed, [4]);
    assert_eq!(verdict.fault, Some(Fault { earliest: 4, latest: 7, wrong: Wrong::CheckpointDiffers { size: 8 } }));
}

fn key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed("hikeshi.example", &[seed; 32]).unwrap()
}

#[test]
fn a_checkpoint_is_read_strictly() {
    let key = key(1);
    let note = Checkpoint::sign(7, Digest::of(b"root"), &key).unwrap();
    assert_eq!(Checkpoint::open(note.as_bytes(), key.verifier()).unwrap().size, 7);
    for position in 0..note.len() {
        let mut changed = note.clone().into_bytes();
        changed[position] ^= 1;
        assert!(Checkpoint::open(&changed, key.verifier()).is_err(), "byte {position}");
        assert!(Checkpoint::open(&note.as_bytes()[..position], key.verifier()).is_err(), "cut at {position}");
    }
    let other = LedgerKey::from_seed("hikeshi.example", &[2; 32]).unwrap();
    assert_eq!(Checkpoint::open(note.as_bytes(), other.verifier()), Err(NoteError::NotSigned));
    for text in [
        "o\n07\nAAAA\n",
        "o\n\nAAAA\n",
        "\n7\nAAAA\n",
        "o\n7\n",
        "o\n-7\nAAAA\n",
        "o\n7\nnot base64\n",
        "o\n99999999999999999999999\nAAAA\n",
    ] {
        assert_eq!(Checkpoint::parse(text), Err(NoteError::NotACheckpoint), "{text:?}");
    }
    for text in ["no newline", "tab\there\n", "nul\0\n"] {
        assert_eq!(key.sign(text), Err(NoteError::NotANote), "{text:?}");
    }
    for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb"] {
        assert_eq!(LedgerKey::from_seed(name, &[0; 32]).map(drop), Err(NoteError::BadName), "{name:?}");
    }
}

#[test]
fn keys_are_read_as_they_are_written_and_not_printed_by_accident() {
    let key = key(9);
    let text = key.verifier().to_string();
    assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(key.verifier()));
    let secret = key.secret_text();
    assert_eq!(LedgerKey::parse_secret(&secret).unwrap().verifier(), key.verifier());
    assert!(!format!("{key:?}").contains(secret.rsplit('+').next().unwrap()));
    for wrong in ["", "x", "a+b", "a+00000000+AAAA", &text.replace('+', " "), &text.replacen("hikeshi", "other", 1)] {
        assert!(VerifierKey::parse(wrong).is_err(), "{wrong:?}");
    }
}

/// A case of three entries among seven, one of which names two contents.
fn bundle() -> (Files, LedgerKey) {
    let mut entries = chain(6);
    let end = serde_json::json!({
        "event": "step_ended", "emergency": "emg_1", "step": 1,
        "end": { "exit_code": 0, "started_at": at(1), "ended_at": at(2), "output": Digest::of(b"output"), "output_bytes": 6 },
        "changes": [{
            "path": "app.conf", "kind": "modified", "in_scope": true, "step": 1,
            "before": { "digest": Digest::of(b"before"), "bytes": 6, "mode": 420, "kept": true },
            "after": { "digest": Digest::of(b"too large"), "bytes": 9, "mode": 420, "kept": false },
        }],
        "changes_unlisted": 0,
    });
    entries.push(entry(6, leaf_hash(&entries[5]), 1, vec![serde_json::from_value(end).unwrap()]));
    let leaves: Vec<Digest> = entries.iter().map(|bytes| leaf_hash(bytes)).collect();
    let path = |seq: u64| inclusion_proof(&mut leaves.as_slice(), seq, 7).unwrap();
    let bundled = [0, 2, 4, 6_u64].map(|seq| BundledEntry { seq, bytes: entries[usize::try_from(seq).unwrap()].clone(), path: path(seq) });
    let consistency = ConsistencyProof { from: 3, path: consistency_proof(&mut leaves.as_slice(), 3, 7).unwrap() };
    let parts = BundleParts {
        case: IncidentId(1),
        exported_at: at(50),
        size: 7,
        root: frontier(&entries).root(),
        entries: bundled.to_vec(),
        consistency: vec![consistency],
        contents: [b"output".to_vec(), b"before".to_vec()].map(|bytes| (Digest::of(&bytes), bytes)).into(),
        people: [(PersonId::new("tanaka").unwrap(), "田中 太郎".to_owned())].into(),
        documents: Files::from([("報告/report.md".to_owned(), b"# report".to_vec())]),
    };
    let key = key(5);
    (make_bundle(parts, &key).unwrap(), key)
}

fn faults(files: &Files, key: &LedgerKey) -> Vec<BundleFault> {
    verify_bundle(files, Some(key.verifier()), &[]).faults
}

#[test]
fn a_bundle_holds_and_knows_whose_word_it_took() {
    let (files, key) = bundle();
    let verdict = verify_bundle(&files, Some(key.verifier()), &[]);
    assert!(verdict.holds() && verdict.key_trusted, "{verdict:?}");
    assert_eq!((verdict.entries, verdict.contents, verdict.case), (4, 2, Some(IncidentId(1))));
    let alone = verify_bundle(&files, None, &[]);
    assert!(alone.holds() && !alone.key_trusted);
    let earlier = |size: usize| Checkpoint {
        origin: "hikeshi.example".to_owned(),
        size: u64::try_from(size).unwrap(),
        root: frontier(&chain(6)[..size]).root(),
    };
    let verdict = verify_bundle(&files, None, &[earlier(3), earlier(5)]);
    assert_eq!((verdict.earlier_agreed, verdict.earlier_unproven), (vec![3], vec![5]));
    let wrong = Checkpoint { root: Digest::of(b"other"), ..earlier(3) };
    assert_eq!(verify_bundle(&files, None, &[wrong]).faults, [BundleFault::EarlierDiffers { size: 3 }]);
    let foreign = Checkpoint { origin: "elsewhere".to_owned(), ..earlier(3) };
    assert_eq!(verify_bundle(&files, None, &[foreign]).faults, [BundleFault::EarlierOfOther { size: 3 }]);
}

#[test]
fn any_changed_byte_of_any_file_of_a_bundle_is_found() {
    let (files, key) = bundle();
    for (name, bytes) in &files {
        for position in 0..bytes.len() {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[position] ^= 1;
            assert!(!faults(&changed, &key).is_empty(), "byte {position} of {name}");
        }
        let mut missing = files.clone();
        missing.remove(name);
        assert!(!faults(&missing, &key).is_empty(), "{name} is missing");
        let mut cut = files.clone();
        if cut.get_mut(name).unwrap().pop().is_some() {
            assert!(!faults(&cut, &key).is_empty(), "{name} is cut");
        }
    }
}

/// Rewrites the lines of the entries, as somebody would who has the files and no key.
fn with_entries(files: &Files, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Files {
    let mut lines: Vec<Vec<u8>> = files[ENTRIES_FILE].split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop();
    change(&mut lines);
    let mut files = files.clone();
    let bytes = lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect();
    files.insert(ENTRIES_FILE.to_owned(), bytes);
    files
}

#[test]
fn the_first_wrong_entry_of_a_bundle_is_named_first() {
    let (files, key) = bundle();
    let first = |files: Files| faults(&files, &key).into_iter().next().unwrap();
    let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
    let altered = with_entries(&files, |lines| lines[1] = text(&lines[1]).replace("再起動", "何も").into_bytes());
    assert_eq!(first(altered), BundleFault::EntryAltered { seq: 2 });
    let removed = with_entries(&files, |lines| drop(lines.remove(2)));
    assert_eq!(first(removed), BundleFault::EntryRemoved { seq: 4 });
    let cut = with_entries(&files, |lines| drop(lines.pop()));
    assert_eq!(first(cut), BundleFault::EntryRemoved { seq: 6 });
    let doubled = with_entries(&files, |lines| lines.insert(1, lines[0].clone()));
    assert_eq!(first(doubled), BundleFault::EntryInserted { seq: 0 });
    let foreign = with_entries(&files, |lines| lines.push(entry(5, Digest([0; 32]), 1, note(1, "x"))));
    assert_eq!(first(foreign), BundleFault::EntryInserted { seq: 5 });
    let swapped = with_entries(&files, |lines| lines.swap(1, 2));
    assert_eq!(first(swapped), BundleFault::EntryOutOfOrder { seq: 2 });
    let garbage = with_entries(&files, |lines| lines[1] = b"garbage".to_vec());
    assert_eq!(first(garbage), BundleFault::EntryUnreadable { line: 2 });
}

#[test]
fn missing_contents_and_wrong_keys_are_named() {
    let (files, key) = bundle();
    let digest = Digest::of(b"output");
    let mut missing = files.clone();
    missing.remove(&content_file(&digest));
    assert_eq!(faults(&missing, &key), [BundleFault::ContentMissing { digest }]);
    let mut altered = files.clone();
    altered.insert(content_file(&digest), b"another output".to_vec());
    assert_eq!(faults(&altered, &key), [BundleFault::ContentAltered { digest }]);
    let mut more = files.clone();
    more.insert("contents/more".to_owned(), Vec::new());
    assert_eq!(faults(&more, &key), [BundleFault::FileUnexpected { file: "contents/more".to_owned() }]);
    let stranger = LedgerKey::from_seed("hikeshi.example", &[6; 32]).unwrap();
    assert_eq!(faults(&files, &stranger), [BundleFault::KeyDiffers, BundleFault::ManifestSignatureWrong]);
    // A manifest that passes for a checkpoint, or the other way round, would be worth forging.
    let mut confused = files.clone();
    confused.insert(MANIFEST_FILE.to_owned(), files[CHECKPOINT_FILE].clone());
    assert_eq!(faults(&confused, &key), [BundleFault::ManifestUnreadable]);
}

#[test]
fn a_document_cannot_pass_for_a_part_of_the_bundle() {
    for name in ["manifest.txt", "contents/x", "../x", "/x", "a//b", "", "a\\b", "a/."] {
        let parts = BundleParts {
            case: IncidentId(1),
            exported_at: at(0),
            size: 1,
            root: Digest([0; 32]),
            entries: vec![BundledEntry { seq: 0, bytes: b"{}".to_vec(), path: Vec::new() }],
            consistency: Vec::new(),
            contents: std::collections::BTreeMap::new(),
            people: std::collections::BTreeMap::new(),
            documents: Files::from([(name.to_owned(), Vec::new())]),
        };
        assert_eq!(make_bundle(parts, &key(1)), Err(BundleError::BadName(name.to_owned())));
    }
}
