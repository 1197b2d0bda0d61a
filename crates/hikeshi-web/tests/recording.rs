//! A session that is over, as a browser and a program get it: page, player's file, and the very bytes.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use hikeshi_domain::emergency::Plan;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::record::{Frame, Word, frames};
use hikeshi_domain::session::{DangerousLine, Encoding, Terminal};
use hikeshi_testkit::{Eyes, Plans, Tape, World};
use serde_json::Value;

use super::face::{Answer, Face};

async fn executing(face: &Face, encoding: Encoding) -> EmergencyId {
    let terminal = Terminal { encoding, ..Terminal::default() };
    let plan = Plan { terminal: Some(terminal), steps: Vec::new(), ..Plans::repair().expect("a plan") };
    face.world.until_executing(plan).await.expect("executing")
}

/// Lines of an asciicast: the header, and the events.
fn cast(bytes: &[u8]) -> (Value, Vec<(f64, String, String)>) {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let header = lines.next().expect("a header");
    let event = |event: Value| {
        let text = |index: usize| event[index].as_str().expect("text").to_owned();
        (event[0].as_f64().expect("a time"), text(1), text(2))
    };
    (header, lines.map(event).collect())
}

fn said(events: &[(f64, String, String)], code: &str) -> String {
    events.iter().filter(|(_, of, _)| of == code).map(|(_, _, text)| text.as_str()).collect()
}

/// Sent in pieces of three bytes, so that characters are cut between frames and between blocks.
async fn session(face: &Face, encoding: Encoding, output: &[u8]) -> EmergencyId {
    let id = executing(face, encoding).await;
    let mut tape = Tape::begin(&face.world, "sato", id).await.expect("a terminal");
    for (index, piece) in output.chunks(3).enumerate() {
        tape.prints(piece).expect("printed");
        if index % 7 == 6 {
            tape.seal().await.expect("sealed");
        }
    }
    tape.ends(&face.world, 0, &[]).await.expect("ended");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_comes_back_byte_for_byte_and_is_read_whole() {
    let japanese = "予約サービスを再開しました。ー～①";
    let in_sjis = encode("shift_jis", japanese);
    let in_euc = encode("euc-jp", "予約サービスを再開しました。ー");
    let cases: [(Encoding, Vec<u8>, Option<&str>); 4] = [
        (Encoding::ShiftJis, in_sjis, Some(japanese)),
        (Encoding::EucJp, in_euc, Some("予約サービスを再開しました。ー")),
        (Encoding::Utf8, "火消し🔥👩‍💻が直す\r\n".as_bytes().to_vec(), Some("火消し🔥👩‍💻が直す\r\n")),
        (Encoding::Utf8, (0..5_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect(), None),
    ];
    for (encoding, output, text) in cases {
        let face = Face::new().await;
        let id = session(&face, encoding, &output).await;
        let browser = face.browser("takahashi").await;
        let raw = browser.get(&format!("/emergencies/{id}/sessions/1/recording.raw")).await;
        assert_eq!(raw.status, StatusCode::OK);
        assert!(raw.bytes == output, "{encoding:?}: the bytes differ");
        let (header, events) = cast(&browser.get(&format!("/emergencies/{id}/sessions/1/recording.cast")).await.bytes);
        assert_eq!(
            (header["version"].as_u64(), header["term"]["cols"].as_u64(), header["term"]["rows"].as_u64()),
            (Some(3), Some(100), Some(30))
        );
        let packed = Face::request(Method::GET, &format!("/emergencies/{id}/sessions/1/recording.cast"));
        let packed = packed.header(header::COOKIE, &browser.cookie).header(header::ACCEPT_ENCODING, "gzip");
        let packed = face.send(packed.body(Body::empty()).expect("a request")).await;
        assert!(packed.bytes.starts_with(&[0x1f, 0x8b]), "packed to its end");
        if let Some(text) = text {
            assert_eq!(said(&events, "o"), text);
        }
        let seconds: f64 = events.iter().map(|(after, ..)| after).sum();
        let (two, of_two) = cast(&browser.get(&format!("/emergencies/{id}/sessions/1/recording.v2.cast")).await.bytes);
        assert_eq!((two["version"].as_u64(), two["width"].as_u64()), (Some(2), Some(100)));
        assert_eq!(said(&of_two, "o"), said(&events, "o"));
        assert!(of_two.is_sorted_by(|one, other| one.0 <= other.0), "times of version 2 are since the beginning");
        assert!((of_two.last().expect("events").0 - seconds).abs() < 0.3);
        let kept = browser.get(&format!("/emergencies/{id}/sessions/1/recording.frames")).await;
        let read = frames(&kept.bytes).expect("frames");
        assert!(matches!(read.last(), Some((_, Frame::Word(Word::Ended { .. })))));
        face.end().await;
    }
}

async fn api(face: &Face, token: &str, path: &str) -> Answer {
    let request = Face::request(Method::GET, path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    face.send(request.body(Body::empty()).expect("a request")).await
}

fn encode(label: &str, text: &str) -> Vec<u8> {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).expect("an encoding");
    let (bytes, _, lossy) = encoding.encode(text);
    assert!(!lossy, "{label}");
    bytes.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_commands_who_watched_and_what_was_not_watched() {
    let face = Face::new().await;
    let id = executing(&face, Encoding::Utf8).await;
    let mut tape = Tape::begin(&face.world, "sato", id).await.expect("a terminal");
    tape.seal().await.expect("sealed");
    let suzuki = Eyes::open(&face.world, "suzuki", id, 1).await.expect("watching");
    let yamamoto = Eyes::open(&face.world, "yamamoto", id, 1).await.expect("watching");
    tape.word(Word::Released).expect("released");
    tape.runs(1, "cat <設定>", b"host=db1\r\n", 0).expect("ran");
    let head = tape.seal().await.expect("sealed");
    suzuki.see(1, 1, head).expect("seen");
    yamamoto.see(1, 1, head).expect("seen");
    // A note and the end are for witnesses, on the page where they watch.
    let page = face.browser("suzuki").await.get(&format!("/emergencies/{id}/watch")).await.text();
    assert!(page.contains("act-session-note") && page.contains("act-session-stop"), "{page}");
    let open = face.browser("suzuki").await.get(&format!("/emergencies/{id}/sessions/1")).await;
    assert_eq!((open.status, open.header(header::LOCATION)), (StatusCode::SEE_OTHER, format!("/emergencies/{id}/watch").as_str()));
    let browser = face.browser("suzuki").await;
    let here = format!("/emergencies/{id}/watch");
    let number = id.to_string();
    let named = [("emergency", number.as_str()), ("session", "1")];
    let noted = browser.act(&here, "session.note", "act-session-note", &[&named[..], &[("text", "ここで設定を確かめた")]].concat()).await;
    assert_eq!(noted.status, StatusCode::SEE_OTHER, "{}", noted.text());
    let stop = [&named[..], &[("reason", "終わり"), ("confirm", "はい")]].concat();
    let not_typed = browser.act(&here, "session.stop", "act-session-stop", &stop).await;
    assert_eq!(not_typed.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", not_typed.text());
    yamamoto.hide();
    tape.runs(2, "false", b"", 1).expect("ran");
    tape.ends(&face.world, 0, &[(&suzuki, 1)]).await.expect("ended");

    let page = face.browser("takahashi").await.get(&format!("/emergencies/{id}/sessions/1")).await;
    let text = page.text();
    assert_eq!(page.status, StatusCode::OK, "{text}");
    for wanted in [
        "cat &#60;設定&#62;",
        "終了コード 0",
        "終了コード 1",
        "2人（うちシニア1人）以上がそろって見たのは ブロック1",
        "ブロック2 では入力できる状態でしたが",
        "ここで設定を確かめた",
        "recording.cast",
        "シェルが終わりました",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let (_, events) = cast(&face.browser("takahashi").await.get(&format!("/emergencies/{id}/sessions/1/recording.cast")).await.bytes);
    let marks: Vec<&str> = events.iter().filter(|(_, code, _)| code == "m").map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(marks, ["1: cat <設定> → 0", "2: false → 1"]);
    assert_eq!(said(&events, "x"), "0");
    let of_emergency = face.browser("takahashi").await.get(&format!("/emergencies/{id}")).await.text();
    assert!(of_emergency.contains(&format!("/emergencies/{id}/sessions/1")) && of_emergency.contains("コマンド2件"), "{of_emergency}");
    // Nobody who is not signed in, and no session that is not there.
    let token = face.token("takahashi").await;
    assert_eq!(api(&face, &token, &format!("/api/v1/emergencies/{id}/sessions/1/recording.raw")).await.status, StatusCode::OK);
    assert_eq!(api(&face, &token, &format!("/api/v1/emergencies/{id}/sessions/2/recording.raw")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        api(&face, "no-token-of-anybody", &format!("/api/v1/emergencies/{id}/sessions/1/recording.raw")).await.status,
        StatusCode::UNAUTHORIZED
    );
    drop((suzuki, yamamoto));
    face.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_screen_of_an_open_session_is_drawn_again() {
    let mut world = World::new().await.expect("a world");
    let plan = Plan { terminal: Some(Terminal::default()), steps: Vec::new(), ..Plans::repair().expect("a plan") };
    let id = world.until_executing(plan).await.expect("executing");
    let mut tape = Tape::begin(&world, "sato", id).await.expect("a terminal");
    tape.prints("予約サービスを".as_bytes()).expect("printed");
    tape.seal().await.expect("sealed");
    tape.runs(1, "true", "直します".as_bytes(), 0).expect("ran");
    tape.seal().await.expect("sealed");
    let sealed = async |world: &World| world.emergency(id).await.expect("seen").emergency.sessions[0].blocks == 2;
    while !sealed(&world).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(tape);
    world.come_back().await.expect("back");
    let door = world.door().expect("a door");
    let began = Instant::now();
    while door.screen_text(id, 1).is_none_or(|text| !text.contains("予約サービスを直します")) {
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", door.screen_text(id, 1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(door);
    world.end().await.expect("a sound end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dangerous_line_is_shown_to_those_who_watch_and_answered_by_a_witness_alone() {
    let face = Face::new().await;
    let dangerous = vec![DangerousLine { words: "rm -rf".to_owned(), why: "戻らない <b>".to_owned() }];
    let terminal = Terminal { dangerous, ..Terminal::default() };
    let plan = Plan { terminal: Some(terminal), steps: Vec::new(), ..Plans::repair().expect("a plan") };
    let id = face.world.until_executing(plan).await.expect("executing");
    let tape = Tape::begin(&face.world, "sato", id).await.expect("a terminal");
    let path = format!("/emergencies/{id}/watch");
    let witness = face.browser("suzuki").await;
    assert!(!witness.get(&path).await.text().contains("act-session-confirm"), "nothing waits");
    tape.asks(&face.world, "rm  -rf \"<old>\"", 0, 1).await.expect("asked");
    let page = witness.get(&path).await;
    assert!(page.text().contains("危険な行が、あなたの確認を待っています"), "{}", page.text());
    assert!(
        page.text().contains("rm  -rf &#34;&#60;old&#62;&#34;") && page.text().contains("戻らない &#60;b&#62;"),
        "the very line: {}",
        page.text()
    );
    let onlooker = face.browser("watanabe").await.get(&path).await.text();
    assert!(onlooker.contains("危険な行が、立会人の確認を待っています") && !onlooker.contains("act-session-confirm"), "{onlooker}");
    let (number, digest) = (id.to_string(), page.hidden("act-session-confirm-1", "digest"));
    let fields = |confirm: &'static str| {
        [("emergency", number.clone()), ("session", "1".to_owned()), ("digest", digest.clone()), ("confirm", confirm.to_owned())]
    };
    let act = async |confirm| {
        let fields = fields(confirm);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        witness.act(&path, "session.confirm", "act-session-confirm-1", &fields).await.status
    };
    assert_eq!(act("").await, StatusCode::CONFLICT, "clicked is not typed");
    assert_eq!(act("rm -rf").await, StatusCode::SEE_OTHER);
    assert!(!witness.get(&path).await.text().contains("act-session-confirm"), "answered once");
    let said = api(&face, &face.token("watanabe").await, &format!("/api/v1/emergencies/{id}")).await;
    assert!(String::from_utf8_lossy(&said.bytes).contains("\"confirmed\""), "who confirmed it is in the record");
    drop(tape);
    face.end().await;
}
