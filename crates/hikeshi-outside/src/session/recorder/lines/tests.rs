//! Real bash and zsh in a real pty: everything that we could think of to get a dangerous line past the witnesses. Each row says what becomes of
//! it: held before it runs, found afterwards by the text that the shell told, or not seen at all. The last kind is what a reader must know.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are not marked as tests")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EmergencyId, PersonId};
use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::record::{Frame, Word, frames};
use hikeshi_domain::session::stream::Asking;
use hikeshi_domain::session::{DangerousLine, Encoding, HeldBecause, LineAnswer, Shell, danger};

use super::super::super::commands::Commands;
use super::super::super::guard::Guard;
use super::super::super::order::{Order, Place};
use super::super::super::pty::{self, Master};
use super::super::super::shell::Nonce;
use super::super::super::sink::ToSink;
use super::super::super::spool::SessionSpool;
use super::super::super::valve::Valve;
use super::super::super::writer::{Masks, ToWriter, Writer};
use super::super::Recording;

static PLACES: AtomicU32 = AtomicU32::new(0);

/// What has come out of the recorder so far.
#[derive(Default)]
struct Out {
    asked: Vec<Asking>,
    withdrawn: Vec<Timestamp>,
    commands: Vec<String>,
    output: Vec<u8>,
}

/// A recorder without a server: somebody watches all the time, and the test is the witness.
struct Stage {
    recording: Arc<Recording>,
    out: Arc<Mutex<Out>>,
    over: Arc<AtomicBool>,
    dir: PathBuf,
    /// The test answers by itself. While this is there the recorder looks again at a line that was confirmed while keys were held.
    _answers: Sender<(Timestamp, LineAnswer)>,
}

fn dangerous() -> Vec<DangerousLine> {
    [("Touch  boom", "跡が残る"), ("システム停止", "止まる")]
        .map(|(words, why)| DangerousLine { words: words.to_owned(), why: why.to_owned() })
        .into()
}

impl Stage {
    fn open(shell: Shell) -> Self {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("hikeshi-lines-{}-{number}", std::process::id()));
        let root = dir.join("root");
        std::fs::create_dir_all(&root).unwrap();
        let order = Order {
            format: Order::FORMAT.to_owned(),
            emergency: EmergencyId(1),
            session: 1,
            url: String::new(),
            place: Place::Here { root },
            place_name: "here".to_owned(),
            shell,
            encoding: Encoding::Utf8,
            record_input: false,
            dangerous: dangerous(),
            confirm_valid_s: 60,
            began_at: crate::clock::now(),
            mask_patterns: Vec::new(),
            mask_env: Vec::new(),
            reserve_bytes: 1 << 16,
            nonce: [7; 16],
        };
        order.write(&dir).unwrap();
        let (pty, _child) = pty::start(&order, &dir, 80, 24).unwrap();
        let (spool, left) = SessionSpool::open(&Order::blocks(&dir), order.reserve_bytes).unwrap();
        let (spool, valve) = (Arc::new(Mutex::new(spool)), Arc::new(Valve::default()));
        let (to_sink, mut sunk) = tokio::sync::mpsc::unbounded_channel();
        let (to_writer, written) = sync_channel(64);
        let masker = Masker::new(&[], &[]).unwrap();
        let recording = Arc::new(Recording {
            order: order.clone(),
            master: Master::of(&pty).unwrap(),
            valve: Arc::clone(&valve),
            writer: to_writer,
            terminal: Mutex::new(None),
            guard: Guard::of(&order, masker.clone(), (80, 24), to_sink.downgrade()),
            end: Arc::new(Mutex::new(None)),
        });
        let commands = Commands::new(Nonce::new(order.nonce), masker.clone(), order.encoding, 0);
        let writer = Writer::new(order, Masks::new(masker, &[]), commands, spool, &left, (to_sink, Arc::default()), Arc::clone(&valve));
        std::thread::spawn(move || writer.run(&written));
        let (reading, over) = (Arc::clone(&recording), Arc::new(AtomicBool::new(false)));
        std::thread::spawn(move || reading.read_pty());
        let (watching, ends) = (Arc::clone(&valve), Arc::clone(&over));
        watching.attached(true);
        std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                watching.server_says(Vec::new());
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let out = Arc::new(Mutex::new(Out::default()));
        let heard = Arc::clone(&out);
        std::thread::spawn(move || {
            while let Some(news) = sunk.blocking_recv() {
                hear(&heard, &valve, news);
            }
        });
        let (looking, (_answers, answers)) = (Arc::clone(&recording), channel());
        std::thread::spawn(move || looking.take_answers(&answers));
        let stage = Self { recording, out, over, dir, _answers };
        // A shell that begins throws away what was typed before its prompt.
        stage.until("there is a prompt", |out| printed(out, "# ") || printed(out, "$ ") || printed(out, "% "));
        std::thread::sleep(Duration::from_millis(300));
        stage.keys("echo REA''DY\r");
        stage.until("the shell is ready", |out| printed(out, "READY"));
        std::thread::sleep(Duration::from_millis(200));
        stage
    }

    fn keys(&self, keys: &str) {
        self.recording.keys(keys.as_bytes());
    }

    fn until(&self, what: &str, so: impl Fn(&Out) -> bool) {
        let began = Instant::now();
        while !so(&self.out.lock().unwrap()) {
            let out = self.out.lock().unwrap();
            let shown = String::from_utf8_lossy(&out.output).into_owned();
            assert!(began.elapsed() < Duration::from_secs(20), "never: {what}; asked {:?}; ran {:?}; {shown}", out.asked, out.commands);
            drop(out);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn asked(&self, count: usize) -> Asking {
        self.until("the line is asked about", |out| out.asked.len() >= count);
        self.out.lock().unwrap().asked[count - 1].clone()
    }

    fn answer(&self, asked_at: Timestamp, answer: LineAnswer) {
        self.recording.answered(self.recording.guard.as_ref().unwrap(), asked_at, answer);
    }

    fn confirm(&self, asked_at: Timestamp) {
        self.answer(asked_at, LineAnswer::Confirmed { by: PersonId::new("ito").unwrap() });
    }

    fn exists(&self, name: &str) -> bool {
        self.dir.join("root").join(name).exists()
    }

    fn appears(&self, name: &str) {
        let began = Instant::now();
        while !self.exists(name) {
            assert!(began.elapsed() < Duration::from_secs(20), "{name} was never made");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Long enough for a shell that had got the line to have run it.
    fn nothing_ran(&self) {
        std::thread::sleep(Duration::from_millis(500));
        assert!(!self.exists("boom"), "it ran");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.recording.master.hang_up();
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

fn hear(heard: &Mutex<Out>, valve: &Valve, news: ToSink) {
    let mut out = heard.lock().unwrap();
    match news {
        ToSink::Ask(json) => out.asked.push(serde_json::from_slice(&json).unwrap()),
        ToSink::Withdraw(asked_at) => out.withdrawn.extend(asked_at),
        ToSink::Frames(bytes) => {
            for (_, frame) in frames(&bytes).unwrap() {
                match frame {
                    Frame::Output(bytes) => out.output.extend(bytes),
                    Frame::Word(Word::CommandEnded { command }) => out.commands.push(command.text),
                    _ => {}
                }
            }
        }
        ToSink::Sealed { block, .. } => valve.at_server(block),
        ToSink::NoMore => {}
    }
}

fn printed(out: &Out, words: &str) -> bool {
    String::from_utf8_lossy(&out.output).contains(words)
}

/// What becomes of a trick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// Enter is held; nothing of it runs.
    Held,
    /// It runs, and the text that the shell tells of it has the words.
    Found,
    /// It runs, and nothing that is looked at has the words.
    NotSeen,
    /// It is no trick in this shell: nothing runs.
    Nothing,
}

struct Trick {
    name: &'static str,
    /// Typed one after the other, with a moment between, as a person would.
    keys: &'static [&'static str],
    bash: Becomes,
    zsh: Becomes,
}

/// `touch boom`, without its words being there.
const HIDDEN: &str = "$(echo dG91Y2ggYm9vbQ== | base64 -d)";

fn tricks() -> Vec<Trick> {
    use Becomes::{Found, Held, NotSeen, Nothing};
    let both = |name, keys, becomes| Trick { name, keys, bash: becomes, zsh: becomes };
    vec![
        both("as it is", &["touch boom\r"], Held),
        both("spaces before", &["   touch boom\r"], Held),
        both("many spaces and a tab between", &["touch  \u{16}\t   boom\r"], Held),
        both("a full-width space", &["touch\u{3000}boom\r"], Held),
        both("full-width letters", &["ｔｏｕｃｈ ｂｏｏｍ\r"], Held),
        both("upper and lower case", &["ToUcH BOOM\r"], Held),
        both("Japanese words", &["echo システム停止 > boom\r"], Held),
        both("quotes within the words", &["t''ouch \"boom\"\r"], Held),
        both("a backslash within the words", &["to\\uch boom\r"], Held),
        both("continued on the next line, between the words", &["touch \\\r", "boom\r"], Held),
        both("continued on the next line, within a word", &["tou\\\r", "ch boom\r"], Held),
        both("behind another command", &["true && touch boom\r"], Held),
        both("line feed in place of carriage return", &["touch boom\n"], Held),
        both("typed slowly with a correction", &["touch bo", "x", "\x7f", "om", "\r"], Held),
        both("put together out of order", &["boom", "\x01", "touch ", "\r"], Held),
        both("yanked back", &["touch boom", "\x15", "\x19", "\r"], Held),
        both("pasted in brackets", &["\x1b[200~touch boom\x1b[201~", "\r"], Held),
        both("as an argument of bash -c", &["bash -c 'touch boom'\r"], Held),
        both("in a shell that tells nothing", &["sh\r", "touch boom\r"], Held),
        both("in a console that edits lines by itself", &["python3 -q\r", "import os; os.system('touch boom')\r"], Held),
        both(
            "a very long line before it, over many rows",
            &[
                "echo 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789; touch boom",
                "\r",
            ],
            Held,
        ),
        Trick { name: "called back from the history by arrow", keys: &["HIST\r", "\x1b[A", "\r"], bash: Held, zsh: Held },
        Trick { name: "found in the history by Ctrl-R", keys: &["HIST\r", "\x12", "boo", "\r"], bash: Held, zsh: Held },
        Trick { name: "an entry of several lines, from the history", keys: &["MANY\r", "\x1b[A", "\r"], bash: Held, zsh: Held },
        Trick { name: "history expansion", keys: &["HIST\r", "!tou\r"], bash: Found, zsh: Found },
        Trick { name: "accepted by a key that is not Enter (zsh's Esc a)", keys: &["touch boom", "\x1ba"], bash: Nothing, zsh: Found },
        both("behind a password, in one paste", &["read -s word\r", "secret\rtouch boom\r"], Held),
        both("typed ahead while a command runs", &["sleep 1\r", "touch boom\r"], Held),
        both("called back from the history, typed ahead while a command runs", &["HIST\r", "sleep 1\r", "\x1b[A\x1b[A\r"], Found),
        both("out of a variable", &["t=touch; $t boom\r"], NotSeen),
        both("decoded from something else", &["echo dG91Y2ggYm9vbQ== | base64 -d | sh\r"], NotSeen),
        both("in a script", &["printf '%s %s' touch boo > s; printf m >> s\r", "sh s\r"], NotSeen),
        both("through an alias that was there before", &["alias b=\"HIDDEN\"\r", "b\r"], NotSeen),
    ]
}

fn play(shell: Shell, trick: &Trick) -> Result<(), String> {
    let stage = Stage::open(shell);
    let push = match shell {
        Shell::Bash => "history -s",
        Shell::Zsh => "print -s --",
    };
    for keys in trick.keys {
        let keys = keys.replace("HIST", "PUSH \"HIDDEN\"").replace("MANY", "PUSH \"true\nHIDDEN\ntrue\"");
        stage.keys(&keys.replace("PUSH", push).replace("HIDDEN", HIDDEN));
        std::thread::sleep(Duration::from_millis(350));
    }
    let wanted = if shell == Shell::Bash { trick.bash } else { trick.zsh };
    let began = Instant::now();
    while matches!(wanted, Becomes::Found | Becomes::NotSeen) && !stage.exists("boom") && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Long enough for what was let through to run, and for the shell to tell of it.
    std::thread::sleep(Duration::from_millis(500));
    let (ran, out) = (stage.exists("boom"), stage.out.lock().unwrap());
    let found = out.commands.iter().any(|text| danger::find(&dangerous(), text).is_some());
    let is = match (out.asked.is_empty(), ran, found) {
        (false, false, _) => Becomes::Held,
        (true, true, true) => Becomes::Found,
        (true, true, false) => Becomes::NotSeen,
        (true, false, false) => Becomes::Nothing,
        (asked, ran, found) => return Err(format!("{shell:?} {}: not asked {asked}, ran {ran}, found {found}", trick.name)),
    };
    let shown = String::from_utf8_lossy(&out.output).into_owned();
    if is == wanted { Ok(()) } else { Err(format!("{shell:?} {}: {is:?}, not {wanted:?}; ran {:?}; {shown}", trick.name, out.commands)) }
}

fn all(shell: Shell) {
    // A few at a time: each has a shell and waits most of the time.
    let tricks = tricks();
    let wrong = Mutex::new(Vec::new());
    let next = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(trick) = tricks.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap()) {
                    if let Err(why) = play(shell, trick) {
                        wrong.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_trick_in_bash_comes_to_what_the_table_says() {
    all(Shell::Bash);
}

#[test]
fn every_trick_in_zsh_comes_to_what_the_table_says() {
    all(Shell::Zsh);
}

#[test]
fn a_confirmed_line_runs_once_and_what_was_pasted_behind_it_goes_on() {
    let stage = Stage::open(Shell::Bash);
    stage.keys("touch first\r");
    stage.appears("first");
    // What is typed ahead stands on the screen before the prompt does, and again behind it: asked about in between, it may be another line by
    // the time it is confirmed, and is then taken back. Here the shell is ready.
    stage.nothing_ran();
    stage.keys("touch boom\rtouch third\r");
    let asked = stage.asked(1);
    assert_eq!((asked.line.as_str(), asked.rule), ("touch boom", 0), "the line as it is on the screen, without the prompt");
    stage.nothing_ran();
    assert!(!stage.exists("third"), "what stands behind a held line waits with it");
    stage.keys("\r");
    stage.nothing_ran();
    let other = asked.asked_at.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap();
    stage.confirm(other);
    stage.nothing_ran();
    stage.confirm(asked.asked_at);
    stage.appears("boom");
    stage.appears("third");
    std::fs::remove_file(stage.dir.join("root/boom")).unwrap();
    // The same answer once more, and the same line once more.
    stage.confirm(asked.asked_at);
    stage.keys("touch boom\r");
    let again = stage.asked(2);
    assert_ne!(again.asked_at, asked.asked_at);
    stage.confirm(asked.asked_at);
    stage.nothing_ran();
}

#[test]
fn editing_the_line_takes_the_question_back_and_a_late_answer_lets_nothing_through() {
    for (edit, line) in [("x", "touch boomx"), ("\x7f\x7fom", "touch boom")] {
        let stage = Stage::open(Shell::Bash);
        stage.keys("touch boom\rtouch third\r");
        let asked = stage.asked(1);
        stage.keys(edit);
        stage.until("it is withdrawn", |out| out.withdrawn.contains(&asked.asked_at));
        stage.confirm(asked.asked_at);
        stage.nothing_ran();
        assert!(!stage.exists("third"), "the rest of the paste is gone with it");
        stage.keys("\r");
        let second = stage.asked(2);
        assert_eq!(second.line, line);
        stage.nothing_ran();
        stage.confirm(second.asked_at);
        stage.until("it ran", |out| out.commands.iter().any(|text| text == line));
    }
}

#[test]
fn a_denied_line_stays_where_it_is_and_runs_only_after_another_question() {
    let stage = Stage::open(Shell::Zsh);
    stage.keys("touch boom\r");
    let asked = stage.asked(1);
    stage.answer(asked.asked_at, LineAnswer::Denied { by: PersonId::new("ito").unwrap(), reason: "違う".to_owned() });
    stage.confirm(asked.asked_at);
    stage.nothing_ran();
    stage.keys("\x03");
    // The interrupt throws away what is typed with it.
    std::thread::sleep(Duration::from_millis(500));
    stage.keys("touch other\r");
    stage.appears("other");
    assert_eq!(stage.out.lock().unwrap().asked.len(), 1, "the line is gone");
}

#[test]
fn a_line_that_the_screen_shows_otherwise_by_then_is_not_let_through() {
    let stage = Stage::open(Shell::Bash);
    stage.keys("(sleep 1.5; printf 'SOMETHING%s' ELSE) & \r");
    std::thread::sleep(Duration::from_millis(300));
    stage.keys("touch boom\r");
    let asked = stage.asked(1);
    stage.until("something was printed over it", |out| printed(out, "SOMETHINGELSE"));
    std::thread::sleep(Duration::from_millis(200));
    stage.confirm(asked.asked_at);
    stage.nothing_ran();
    stage.until("it is withdrawn", |out| out.withdrawn.contains(&asked.asked_at));
}

#[test]
fn without_anybody_who_writes_the_record_no_key_reaches_the_shell() {
    let stage = Stage::open(Shell::Bash);
    stage.keys("touch before\r");
    stage.appears("before");
    // As when the writer broke: it has gone, and the way to the server still beats.
    stage.recording.write(ToWriter::End(Frame::Hidden(0)));
    stage.until("the writer is gone", |_| {
        stage.recording.frame(Frame::Hidden(0));
        stage.recording.valve.held() == [HeldBecause::NotStored]
    });
    stage.keys("touch boom\r");
    stage.nothing_ran();
}

#[test]
fn a_password_is_looked_at_by_nobody() {
    let stage = Stage::open(Shell::Bash);
    stage.keys("read -s word; echo \"got ${#word}\"\r");
    std::thread::sleep(Duration::from_millis(400));
    stage.keys("touch boom\r");
    stage.until("the password was taken", |out| printed(out, "got 10"));
    assert!(stage.out.lock().unwrap().asked.is_empty());
}

#[test]
fn what_was_typed_unseen_is_part_of_no_line_and_only_the_lines_that_match_are_told() {
    let stage = Stage::open(Shell::Bash);
    // Without marks of its own, nothing says where a command begins.
    stage.keys("sh\r");
    std::thread::sleep(Duration::from_millis(400));
    stage.keys("stty -echo; read word; stty echo; echo \"got ${#word}\"\r");
    std::thread::sleep(Duration::from_millis(400));
    stage.keys("touch\r");
    stage.until("the password was taken", |out| printed(out, "got 5"));
    std::thread::sleep(Duration::from_millis(400));
    stage.keys("boom\r");
    stage.until("the word alone is a command", |out| printed(out, "boom: not found"));
    assert!(stage.out.lock().unwrap().asked.is_empty());
    stage.keys("touch \\\r");
    std::thread::sleep(Duration::from_millis(400));
    stage.keys("boom\r");
    assert_eq!(stage.asked(1).line, "touch \\\nboom");
    stage.nothing_ran();
}
