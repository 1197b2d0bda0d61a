//! The case as it is, and tampered with in every way that we could think of: by somebody who has the file, and by somebody who also has the
//! ledger's key. Each is found, and named for what it is.

use hikeshi_domain::ids::Digest;
use hikeshi_domain::ledger::{CaseVerdict, ENTRIES_FILE, Files, LedgerKey, MANIFEST_FILE};
use hikeshi_domain::session::record::{Frame, Header, parts};
use hikeshi_domain::session::told::Stretch;
use hikeshi_text::{Lang, terminal};
use hikeshi_verify::verify;
use serde_json::{Value, json};

use super::case::{Case, entries, events, night, rewritten};

/// Codes of everything that was found, the bundle's own first.
fn codes(verdict: &CaseVerdict) -> Vec<String> {
    let code = |value: Value, name: &str| value[name].as_str().expect("a code").to_owned();
    let faults = verdict.bundle.faults.iter().map(|fault| code(serde_json::to_value(fault).unwrap(), "fault"));
    faults.chain(verdict.flaws.iter().map(|flaw| code(serde_json::to_value(flaw).unwrap(), "flaw"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_nobody_touched_holds_and_says_who_watched_what() {
    let case = night().await;
    let verdict = verify(&case.files, Some(case.key.verifier()), &[]);
    assert_eq!(codes(&verdict), Vec::<String>::new());
    assert!(verdict.holds() && verdict.entries_unread == 0);
    let exception = &verdict.exceptions[0];
    assert!(exception.plan_recomputed, "the plan is computed again");
    assert_eq!(exception.approvals.len(), 1);
    let session = &exception.sessions[0];
    assert_eq!((session.blocks, session.commands, session.gaps), (4, 3, 0));
    let watched: Vec<(&str, Vec<Stretch>)> = session.watched.iter().map(|(person, of)| (person.as_str(), of.clone())).collect();
    let all = vec![Stretch { from: 1, to: 3 }];
    assert_eq!(watched, [("suzuki", all.clone()), ("yamamoto", all)]);
    assert_eq!(session.seniors.iter().map(|person| person.as_str()).collect::<Vec<_>>(), ["suzuki"]);
    // Block 0 came before the keys were released: nobody had to watch it.
    assert_eq!((session.open_blocks, session.short.len()), (3, 0));
    assert_eq!((session.confirmed, session.unconfirmed.iter().copied().collect::<Vec<_>>()), (1, vec![3]));
    let report = terminal::case_report(Lang::Ja, "case.zip", &verdict);
    for wanted in [
        "✓ case.zip",
        "鈴木 次郎 (suzuki)（シニア、承認者ではない） ブロック 1–3",
        "3 ブロックすべて",
        "危険な行 1 件",
        "確認なしに実行された危険なコマンド: 3",
        "出力 7〜10 は伏せられています（提案 山本 大輔 (yamamoto)、同意 鈴木 次郎 (suzuki)、ブロック 1）",
    ] {
        assert!(report.contains(wanted), "{wanted}: {report}");
    }
    // What was taken out is nowhere any more, and the screen has kept its shape.
    let printed = blocks(&case).iter().flat_map(|name| unpacked(&case.files[name])).collect::<Vec<_>>();
    let has = |wanted: &[u8]| printed.windows(wanted.len()).any(|window| window == wanted);
    assert!(has(b"host=***\r\n") && !has(b"host=db1"));
    // The captures and the blocks are in it.
    let declared = entries(&case.files);
    assert!(declared.iter().any(|entry| entry.to_string().contains("表の形")));
    // History written again without a change agrees with itself: what is found below is not the rewriting.
    let again = verify(&rewritten(&case, &case.key, |_, _| ()), Some(case.key.verifier()), &[]);
    assert_eq!(codes(&again), Vec::<String>::new());
}

struct Variant {
    name: &'static str,
    /// What must be among the codes.
    found: &'static str,
    /// What the report must say.
    says: &'static str,
    files: Files,
}

fn touched(case: &Case, change: impl FnOnce(&mut Files)) -> Files {
    let mut files = case.files.clone();
    change(&mut files);
    files
}

/// Names of the contents that are blocks of the recording, in order, as they are now.
fn blocks(case: &Case) -> Vec<String> {
    let mut all = entries(&case.files);
    let redacted = redaction(&mut all, "done")["blocks"][0].clone();
    let sealed = events(&mut all, "blocks_sealed");
    let files = sealed.into_iter().flat_map(|event| event["blocks"].as_array().unwrap().clone());
    let now = |file: Value| if file == redacted["was"] { redacted["now"].clone() } else { file };
    files.map(|block| format!("contents/{}", now(block["file"].clone()).as_str().unwrap())).collect()
}

fn redaction<'a>(all: &'a mut [Value], step: &str) -> &'a mut Value {
    events(all, "redaction").into_iter().find(|event| event["step"] == step).expect("a step of the redaction")
}

fn without_redaction(all: &mut [Value], step: &str) {
    for events in all.iter_mut().filter_map(|entry| entry.get_mut("events").and_then(Value::as_array_mut)) {
        events.retain(|event| event["event"] != "redaction" || event["step"] != step);
    }
}

fn unpacked(file: &[u8]) -> Vec<u8> {
    let (_, packed) = parts(file).expect("two parts");
    zstd::bulk::decompress(packed, 1 << 20).expect("frames")
}

fn lines(files: &mut Files, change: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<String> = String::from_utf8(files[ENTRIES_FILE].clone()).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    files.insert(ENTRIES_FILE.to_owned(), lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
}

/// By somebody who has the file and nothing else.
fn by_a_stranger(case: &Case) -> Vec<Variant> {
    let blocks = blocks(case);
    let variant =
        |name, found, says, change: &dyn Fn(&mut Files)| Variant { name, found, says, files: touched(case, |files| change(files)) };
    let changed_file = case.files.iter().find(|(_, bytes)| *bytes == b"host=db2").expect("the changed file").0.clone();
    let captured = case.files.iter().find(|(_, bytes)| *bytes == b"pg_dump --schema-only\n").expect("what a capture printed").0.clone();
    let printed = |files: &Files| files.keys().find(|name| name.starts_with("contents/")).expect("a content").clone();
    vec![
        variant("a byte of a block", "content_altered", "書き換え", &|files| {
            *files.get_mut(&blocks[1]).unwrap().last_mut().unwrap() ^= 1;
        }),
        variant("a block is missing", "content_missing", "ブロック 2 がありません", &|files| drop(files.remove(&blocks[2]))),
        variant("two blocks are swapped", "content_altered", "ブロック 1 が記録の鎖と合いません", &|files| {
            let (one, two) = (files[&blocks[1]].clone(), files[&blocks[2]].clone());
            files.insert(blocks[1].clone(), two);
            files.insert(blocks[2].clone(), one);
        }),
        variant("a changed file's content", "content_altered", "書き換え", &|files| {
            drop(files.insert(changed_file.clone(), b"host=db3".to_vec()));
        }),
        variant("a changed file is missing", "content_missing", "がありません", &|files| drop(files.remove(&changed_file))),
        variant("what a capture printed", "content_altered", "書き換え", &|files| {
            drop(files.insert(captured.clone(), b"-- nothing\n".to_vec()));
        }),
        variant("what a capture printed is missing", "content_missing", "がありません", &|files| drop(files.remove(&captured))),
        variant("the judgement of the approval", "entry_altered", "書き換え", &|files| {
            lines(files, |lines| lines.iter_mut().for_each(|line| *line = line.replace("緊急と判断します", "緊急ではない")));
        }),
        variant("an entry is removed", "entry_removed", "取り除かれ", &|files| lines(files, |lines| drop(lines.remove(6)))),
        variant("two entries are swapped", "entry_out_of_order", "順番", &|files| lines(files, |lines| lines.swap(4, 5))),
        variant("an entry is doubled", "entry_inserted", "足されて", &|files| lines(files, |lines| lines.push(lines[3].clone()))),
        variant("the checkpoint", "checkpoint_signature_wrong", "チェックポイントの署名", &|files| {
            let text = String::from_utf8(files["checkpoint.txt"].clone()).unwrap();
            let size = text.lines().nth(1).unwrap().to_owned();
            files.insert("checkpoint.txt".to_owned(), text.replacen(&format!("\n{size}\n"), "\n9\n", 1).into_bytes());
        }),
        variant("the manifest", "manifest_signature_wrong", "目録の署名", &|files| {
            let text = String::from_utf8(files[MANIFEST_FILE].clone()).unwrap();
            files.insert(MANIFEST_FILE.to_owned(), text.replacen("鈴木", "木鈴", 1).into_bytes());
        }),
        variant("what was declared", "file_altered", "declared.json", &|files| {
            let text = String::from_utf8(files["declared.json"].clone()).unwrap();
            files.insert("declared.json".to_owned(), text.replacen("suzuki", "yamamoto", 1).into_bytes());
        }),
        variant("an unknown file", "file_unexpected", "contents/x", &|files| drop(files.insert("contents/x".to_owned(), b"x".to_vec()))),
        variant("a proof is missing", "file_altered", "proofs.jsonl", &|files| {
            files.get_mut("proofs.jsonl").unwrap().truncate(40);
            assert!(printed(files).len() > 10);
        }),
    ]
}

fn ack(all: &mut [Value]) -> &mut Value {
    let watched = events(all, "blocks_watched").into_iter().next().expect("a signed word");
    &mut watched["acks"][0]
}

fn command(all: &mut [Value], number: u64) -> &mut Value {
    let sealed = events(all, "blocks_sealed").into_iter();
    let mut commands = sealed.filter_map(|event| event["commands"].as_array_mut()).flatten();
    commands.find(|command| command["number"] == number).expect("the command")
}

/// What is done to the entries and to the contents.
type Change<'a> = dyn Fn(&mut Vec<Value>, &mut Vec<Vec<u8>>) + 'a;

/// By somebody who holds the ledger's key and writes the whole history again. What witnesses have signed they cannot sign.
#[expect(clippy::too_many_lines, reason = "a table of tamperings, a few lines each")]
fn by_the_keeper(case: &Case) -> Vec<Variant> {
    let variant = |name, found, says, change: &Change<'_>| {
        let files = rewritten(case, &case.key, |all, contents| change(all, contents));
        Variant { name, found, says, files }
    };
    vec![
        variant("a forged signature", "ack_not_signed", "署名が正しくありません", &|all, _| {
            ack(all)["signature"] = "00".repeat(64).into();
        }),
        variant("a signature of another device", "ack_not_signed", "署名が正しくありません", &|all, _| {
            let other = events(all, "blocks_watched").into_iter().next().expect("words")["acks"][1]["signature"].clone();
            ack(all)["signature"] = other;
        }),
        variant("a stretch that was drawn out", "ack_not_signed", "署名が正しくありません", &|all, _| {
            ack(all)["from"] = 0.into();
        }),
        variant("a signed word about another recording", "ack_of_other_head", "別の記録", &|all, _| {
            ack(all)["head"] = Digest::of(b"another").to_string().into();
        }),
        variant("a witness is replaced", "witness_not_joined", "立会人に加わっていない", &|all, _| {
            let replace = |value: &mut Value| {
                if *value == "suzuki" {
                    *value = "ito".into();
                }
            };
            events(all, "device_bound").into_iter().for_each(|event| replace(&mut event["person"]));
            for event in events(all, "blocks_watched") {
                event["acks"].as_array_mut().unwrap().iter_mut().for_each(|ack| replace(&mut ack["person"]));
            }
        }),
        variant("a device that was never bound", "ack_without_device", "登録されていません", &|all, _| {
            for entry in all.iter_mut().filter(|entry| entry["kind"] == "session.bind") {
                entry["events"].as_array_mut().unwrap().clear();
            }
        }),
        variant("the text of a command", "command_differs", "コマンド 2 の text", &|all, _| command(all, 2)["text"] = "true".into()),
        variant("the exit code of a command", "command_differs", "コマンド 3 の exit_code", &|all, _| {
            command(all, 3)["exit_code"] = 0.into();
        }),
        variant("a command is left out", "command_not_told", "コマンド 3 は記録にだけ", &|all, _| {
            for event in events(all, "blocks_sealed") {
                event["commands"].as_array_mut().unwrap().retain(|command| command["number"] != 3);
            }
        }),
        variant("a command is added", "command_not_recorded", "コマンド 9 は台帳にだけ", &|all, _| {
            let mut more = command(all, 1).clone();
            more["number"] = 9.into();
            events(all, "blocks_sealed")[0]["commands"].as_array_mut().unwrap().push(more);
        }),
        variant("the tail is cut off", "recording_cut", "途切れ", &|all, _| {
            let last = events(all, "blocks_sealed").into_iter().rfind(|event| !event["blocks"].as_array().unwrap().is_empty());
            last.expect("blocks")["blocks"].as_array_mut().unwrap().pop();
        }),
        variant("the order of blocks", "block_broken", "記録の鎖と合いません", &|all, _| {
            let sealed: Vec<Value> = events(all, "blocks_sealed").into_iter().map(|event| event["blocks"].clone()).collect();
            let mut blocks: Vec<Value> = sealed.iter().flat_map(|blocks| blocks.as_array().unwrap().clone()).collect();
            blocks.swap(1, 2);
            for event in events(all, "blocks_sealed") {
                let count = event["blocks"].as_array().unwrap().len();
                event["blocks"] = blocks.drain(..count).collect::<Vec<_>>().into();
            }
        }),
        variant("a block is made anew", "ack_of_other_head", "別の記録", &|all, contents| make_anew(all, contents)),
        variant("the plan", "plan_differs", "計画は、そのダイジェストの計画ではありません", &|all, _| {
            events(all, "emergency_requested")[0]["plan"]["summary"] = "別のこと".into();
        }),
        variant("what was approved", "approval_missing", "承認がありません", &|all, _| {
            events(all, "emergency_approved")[0]["approval"]["digest"] = Digest::of(b"another plan").to_string().into();
        }),
        variant("who approved", "approver_not_apart", "申請者か実行者", &|all, _| {
            events(all, "emergency_approved")[0]["approval"]["by"] = "tanaka".into();
        }),
        variant("when the approval ended", "approval_expired", "期限切れ", &|all, _| {
            events(all, "emergency_approved")[0]["approval"]["expires_at"] = "2026-11-20T17:00:00Z".into();
        }),
        variant("who carried it out", "session_not_by_executor", "実行者ではない", &|all, _| {
            events(all, "terminal_opened")[0]["by"] = "tanaka".into();
        }),
        variant(
            "the confirmation of a step is left out",
            "step_unconfirmed",
            "危険な手順 1 は、立会人の確認なしに",
            &|all, _| {
                left_out(all, "step_confirmed");
            },
        ),
        variant("who confirmed a step", "confirmer_not_witness", "立会人ではない", &|all, _| {
            events(all, "step_confirmed")[0]["by"] = "sato".into();
        }),
        variant(
            "a step that was confirmed under another plan",
            "step_unconfirmed",
            "危険な手順 1 は、立会人の確認なしに",
            &|all, _| {
                events(all, "step_confirmed")[0]["digest"] = Digest::of(b"another plan").to_string().into();
            },
        ),
        variant(
            "the confirmation of a line is left out",
            "command_unconfirmed",
            "コマンド 2 は計画で危険とされています",
            &|all, _| {
                left_out(all, "line_confirmed");
            },
        ),
        variant("who confirmed a line", "confirmer_not_witness", "立会人ではない", &|all, _| {
            events(all, "line_confirmed")[0]["by"] = "sato".into();
        }),
        variant("the line that was asked about", "line_not_asked", "待っていた行がありません", &|all, _| {
            events(all, "line_asked")[0]["ask"]["line"] = "true".into();
        }),
        variant(
            "that a line ran unconfirmed is left out",
            "command_unconfirmed",
            "コマンド 3 は計画で危険とされています",
            &|all, _| {
                left_out(all, "line_unconfirmed");
            },
        ),
        variant("who agreed to the redaction", "redaction_not_agreed", "二人の合意がないまま", &|all, _| {
            redaction(all, "agreed")["by"] = "yamamoto".into();
        }),
        variant("that somebody agreed to the redaction", "redaction_not_agreed", "二人の合意がないまま", &|all, _| {
            without_redaction(all, "agreed");
        }),
        variant("the executor agreed to the redaction", "redaction_by_executor", "自分の記録を伏せる", &|all, _| {
            redaction(all, "agreed")["by"] = "sato".into();
        }),
        variant("another block is replaced", "redaction_not_agreed", "もとと違うブロック", &|all, _| {
            redaction(all, "done")["blocks"][0]["block"] = 2.into();
        }),
        variant("more was to be taken out", "redaction_readable", "まだ読めます", &|all, _| {
            redaction(all, "proposed")["from"] = 5.into();
        }),
        variant("a block that was to be redacted, too", "redaction_readable", "まだ読めます", &|all, _| {
            redaction(all, "proposed")["to"] = 20.into();
        }),
        variant("the redacted block is made anew", "block_broken", "the redaction names", &|all, contents| {
            let block = &mut redaction(all, "done")["blocks"][0];
            let file = contents.iter().find(|bytes| Digest::of(bytes).to_string() == block["now"]).expect("the file").clone();
            let (header, _) = parts(&file).expect("two parts");
            let mut frames = unpacked(&file);
            let host = frames.windows(4).position(|window| window == b"host").expect("what was printed");
            frames[host] = b'p';
            let made = [header, b"\n", &zstd::bulk::compress(&frames, 1).expect("packed")].concat();
            block["now"] = Digest::of(&made).to_string().into();
            contents.push(made);
        }),
        variant("the redaction is left out", "content_missing", "ブロック 1 がありません", &|all, _| {
            without_redaction(all, "done");
        }),
        variant("how it ended", "end_differs", "終わり方", &|all, _| {
            events(all, "terminal_ended")[0]["end"] = json!({"how": "exited", "code": 1});
        }),
    ]
}

/// A letter that OpenSSH really signed with a new key: the armour, and the key's line.
fn letter(text: &str) -> (String, String) {
    let dir = std::env::temp_dir().join(format!("hikeshi-letter-{}-{}", std::process::id(), Digest::of(text.as_bytes()).short()));
    std::fs::create_dir_all(&dir).expect("made");
    let (key, file) = (dir.join("key"), dir.join("letter"));
    std::fs::write(&file, text).expect("written");
    let keygen = |args: &[&str], path: &std::path::Path| {
        let done = std::process::Command::new("ssh-keygen").args(args).arg(path).output().expect("ssh-keygen");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "sato@laptop", "-f"], &key);
    keygen(&["-q", "-Y", "sign", "-n", "hikeshi-approve-v1", "-f", &key.display().to_string()], &file);
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("read");
    let made = (read("letter.sig"), read("key.pub").trim().to_owned());
    std::fs::remove_dir_all(&dir).expect("removed");
    made
}

/// By the keeper, who also has letters that somebody signed, about something else.
fn by_letters(case: &Case) -> Vec<Variant> {
    let (other, about_other) = ("{\"plan\":\"another\"}", letter("{\"plan\":\"another\"}"));
    let evidence = |plan: &str, (signature, key): &(String, String)| json!({"plan": plan, "signed": {"by": "ssh", "signature": signature, "key": {"key": key}}});
    let variant = |name, change: &dyn Fn(&mut Value)| {
        let files = rewritten(case, &case.key, |all, _| change(&mut *events(all, "emergency_approved")[0]));
        Variant { name, found: "approval_unproven", says: "添えられた署名では裏付けられません", files }
    };
    vec![
        variant("a signed letter about another plan", &|event| event["evidence"] = evidence(other, &about_other)),
        variant("a letter whose words were changed", &|event| {
            let changed = "{\"plan\":\"of the keeper\"}";
            event["approval"]["digest"] = Digest::of(changed.as_bytes()).to_string().into();
            event["evidence"] = evidence(changed, &about_other);
        }),
        variant("a letter that another key signed", &|event| {
            event["approval"]["digest"] = Digest::of(other.as_bytes()).to_string().into();
            event["evidence"] = evidence(other, &(about_other.0.clone(), letter("a third").1));
        }),
    ]
}

fn left_out(all: &mut [Value], name: &str) {
    for entry in all.iter_mut() {
        if let Some(events) = entry.get_mut("events").and_then(Value::as_array_mut) {
            events.retain(|event| event["event"] != name);
        }
    }
}

/// The last block with other output, and every hash after it.
fn make_anew(all: &mut [Value], contents: &mut Vec<Vec<u8>>) {
    let last = events(all, "blocks_sealed").into_iter().rfind(|event| !event["blocks"].as_array().unwrap().is_empty());
    let block = last.expect("blocks")["blocks"].as_array_mut().unwrap().last_mut().unwrap();
    let file = contents.iter().find(|bytes| Digest::of(bytes).to_string() == block["file"]).expect("the file").clone();
    let (header, packed) = parts(&file).expect("two parts");
    let mut header: Header = serde_json::from_slice(header).expect("a header");
    let mut frames = Vec::new();
    Frame::Output(b"nothing happened\r\n".to_vec()).write(0, &mut frames);
    frames.extend(zstd::bulk::decompress(packed, 1 << 20).expect("frames"));
    (header.bytes, header.frames) = (frames.len() as u64, Digest::of(&frames));
    let made = [&header.bytes()[..], b"\n", &zstd::bulk::compress(&frames, 1).expect("packed")].concat();
    block["head"] = header.head().to_string().into();
    block["file"] = Digest::of(&made).to_string().into();
    contents.push(made);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tampering_is_found_and_named() {
    let case = night().await;
    let mut variants = by_a_stranger(&case);
    variants.extend(by_the_keeper(&case));
    variants.extend(by_letters(&case));
    let stranger = LedgerKey::from_seed("test.example/hikeshi", &[8; 32]).expect("a key");
    let files = rewritten(&case, &stranger, |_, _| ());
    variants.push(Variant { name: "signed by another key", found: "key_differs", says: "別の鍵", files });
    assert!(variants.len() >= 20);
    for Variant { name, found, says, files } in variants {
        let verdict = verify(&files, Some(case.key.verifier()), &[]);
        let codes = codes(&verdict);
        assert!(!verdict.holds() && codes.iter().any(|code| code == found), "{name}: {codes:?}, not {found}");
        let report = terminal::case_report(Lang::Ja, "case.zip", &verdict);
        assert!(report.contains(says), "{name}: not said: {says}\n{report}");
        let english = terminal::case_report(Lang::En, "case.zip", &verdict);
        assert!(english.starts_with('✗'), "{name}: {english}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_witnesses_are_told_and_are_no_tampering() {
    let case = night().await;
    let files = rewritten(&case, &case.key, |all, _| {
        for event in events(all, "blocks_watched") {
            event["acks"].as_array_mut().unwrap().retain(|ack| ack["person"] != "suzuki");
        }
    });
    let verdict = verify(&files, Some(case.key.verifier()), &[]);
    assert!(verdict.holds(), "{:?}", codes(&verdict));
    assert_eq!(verdict.exceptions[0].sessions[0].short, [Stretch { from: 1, to: 3 }]);
    assert!(terminal::case_report(Lang::Ja, "case.zip", &verdict).contains("足りないブロック: 1–3"));
}
