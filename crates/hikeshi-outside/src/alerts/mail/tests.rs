//! Mails as real programs send them, and as nobody should.

use super::*;

fn one(raw: &str) -> Signal {
    let raw = raw.replace('\n', "\r\n");
    read(&MailRules::default(), raw.as_bytes()).expect("it is understood").pop().expect("one")
}

fn mail(subject: &str) -> String {
    format!(
        "From: Zabbix <Zabbix@Example.jp>\nTo: alerts@example.jp\nSubject: {subject}\nDate: Mon, 5 Jan 2026 12:02:15 +0900\n\nHost: web1\nfree: 1 %\n"
    )
}

#[test]
fn the_subject_is_the_title_and_says_whether_it_is_over() {
    let fires = one(&mail("PROBLEM: /var on web1 is full"));
    assert_eq!(
        (fires.phase, fires.title.as_str(), fires.key.as_str()),
        (Phase::Firing, "PROBLEM: /var on web1 is full", "/var on web1 is full")
    );
    assert_eq!(fires.summary, "Host: web1\r\nfree: 1 %");
    assert_eq!(fires.since.map(|at| at.to_string()).as_deref(), Some("2026-01-05T03:02:15Z"));
    assert_eq!(fires.said_at, fires.since);
    assert_eq!(fires.labels.get("from").map(String::as_str), Some("zabbix@example.jp"));
    for over in [
        "RECOVERY: /var on web1 is full",
        "OK: /var on web1 is full",
        "Re: [RESOLVED] /var on web1 is full",
        "【復旧】/var on web1 is full",
    ] {
        let over_now = one(&mail(over));
        assert_eq!((over_now.phase, over_now.key), (Phase::Resolved, fires.key.clone()), "{over}");
    }
    for over in [
        "OK - /var on web1 is full",
        "Resolved in 5m 3s: /var on web1 is full",
        "【障害復旧】/var on web1 is full",
        "【復旧通知】 /var on web1 is full",
        "[RESOLVED:1] /var on web1 is full",
        "Monitor is UP: /var on web1 is full",
    ] {
        let over_now = one(&mail(over));
        assert_eq!((over_now.phase, over_now.key), (Phase::Resolved, fires.key.clone()), "{over}");
    }
    // Whoever only speaks of a recovery tells of none.
    for burns in [
        "【障害】DBの自動復旧に失敗しました",
        "PROBLEM: 復旧サーバー backup1 が応答しません",
        "復旧サーバー backup1 が応答しません",
        "【警告】未解消の障害が3件あります",
        "Up to 95 % of /var on web1 is used",
        "Recovery of replica db2 failed",
        "OKAYAMA: down",
    ] {
        assert_eq!(one(&mail(burns)).phase, Phase::Firing, "{burns}");
    }
    for fires_too in [
        "【障害発生】/var on web1 is full",
        "[FIRING:1] /var on web1 is full",
        "Monitor is DOWN: /var on web1 is full",
        "/var on web1 is full",
        "【障害】 /var on web1 is full",
        "Fwd: Re: ALERT - /var on web1 is full",
    ] {
        let again = one(&mail(fires_too));
        assert_eq!((again.phase, again.key), (Phase::Firing, fires.key.clone()), "{fires_too}");
    }
}

/// The first fires, of the others each says how the same alert stands.
#[test]
fn other_programs_write_it_in_their_own_way() {
    for (fires, in_hand, over) in [
        (
            "** PROBLEM Service Alert: web1/disk is CRITICAL **",
            "** ACKNOWLEDGEMENT Service Alert: web1/disk is CRITICAL **",
            "** RECOVERY Service Alert: web1/disk is OK **",
        ),
        (
            "** PROBLEM Host Alert: web1 is DOWN **",
            "** ACKNOWLEDGEMENT Host Alert: web1 is UNREACHABLE **",
            "** RECOVERY Host Alert: web1 is UP **",
        ),
        ("[PROBLEM] disk on web1 is WARNING!", "[ACKNOWLEDGEMENT] disk on web1 is WARNING!", "[RECOVERY] disk on web1 is OK!"),
        ("Problem: High CPU", "Updated problem in 3m 5s: High CPU", "Resolved in 5m 3s: High CPU"),
        ("[Triggered on {host:web}] Disk", "Updated problem in 1h: on {host:web}] Disk", "[Recovered on {host:web}] Disk"),
        ("[Re-Triggered on {host:web}] Disk", "Updated problem in 1h: on {host:web}] Disk", "[Recovered on {host:web}] Disk"),
    ] {
        let read = [fires, in_hand, over].map(|subject| one(&mail(subject)));
        let phases = read.each_ref().map(|signal| signal.phase);
        assert_eq!(phases, [Phase::Firing, Phase::Acknowledged, Phase::Resolved], "{fires}");
        assert!(read.iter().all(|signal| signal.key == read[0].key), "{read:?}");
    }
    assert_ne!(one(&mail("[Recovered on {host:web}] Disk")).key, one(&mail("[Recovered on {host:db}] Disk")).key);
    assert_eq!(one(&mail("web1/disk is CRITICAL")).key.as_str(), "web1/disk is CRITICAL", "a sentence is no form of a program");
    // A word of how it stands that is part of a name is no such word.
    for (other, key) in [("OKAYAMA: down", "OKAYAMA: down"), ("[web2] /var is full", "[web2] /var is full"), ("PROBLEM", "PROBLEM")] {
        let other_one = one(&mail(other));
        assert_eq!((other_one.phase, other_one.key.as_str()), (Phase::Firing, key), "{other}");
    }
}

#[test]
fn japanese_is_read_in_the_encodings_that_programs_here_use() {
    let subject = "障害: 予約画面が応答しません";
    let (jis, _, _) = encoding_rs::ISO_2022_JP.encode(subject);
    let (body, _, _) = encoding_rs::ISO_2022_JP.encode("接続が拒否されました");
    let encoded = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let mut raw = format!(
        "From: =?ISO-2022-JP?B?{}?= <nagios@example.jp>\r\nSubject: =?ISO-2022-JP?B?{}?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n",
        encoded(&jis),
        encoded(&jis)
    )
    .into_bytes();
    raw.extend_from_slice(&body);
    let signal = read(&MailRules::default(), &raw).expect("it is understood").pop().expect("one");
    assert_eq!((signal.title.as_str(), signal.summary.as_str()), (subject, "接続が拒否されました"));
    assert_eq!(signal.key.as_str(), "予約画面が応答しません");

    let html = format!(
        "Subject: =?UTF-8?B?{}?=\r\nFrom: a@example.jp\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        encoded("復旧".as_bytes()),
        encoded("<p>もう<b>大丈夫</b>です</p>".as_bytes())
    );
    let signal = read(&MailRules::default(), html.as_bytes()).expect("it is understood").pop().expect("one");
    assert_eq!(signal.phase, Phase::Resolved);
    assert!(signal.summary.contains("大丈夫") && !signal.summary.contains('<'), "{}", signal.summary);
}

#[test]
fn the_policy_may_say_what_names_an_alert_who_sends_and_when_it_is_over() {
    let rules = MailRules {
        key: Some(r"^\*\* (?:PROBLEM|RECOVERY) .*?: (?P<key>.+?) is ".to_owned()),
        resolved: Some(r"^\*\* RECOVERY".to_owned()),
        from: vec!["nagios@example.jp".to_owned()],
    };
    let mail = |from: &str, subject: &str| format!("From: {from}\r\nSubject: {subject}\r\n\r\nx").into_bytes();
    let fires = read(&rules, &mail("NAGIOS@example.jp", "** PROBLEM Service Alert: web1/disk is CRITICAL **")).expect("understood");
    let over = read(&rules, &mail("nagios@example.jp", "** RECOVERY Service Alert: web1/disk is OK **")).expect("understood");
    let told = |signals: &[Signal]| signals.iter().map(|signal| (signal.phase, signal.key.to_string())).collect::<Vec<_>>();
    assert_eq!(told(&fires), [(Phase::Firing, "web1/disk".to_owned())]);
    assert_eq!(told(&over), [(Phase::Resolved, "web1/disk".to_owned())]);
    assert_eq!(read(&rules, &mail("other@example.jp", "** PROBLEM a: b is c")).expect_err("another sender").status, 403);
    assert_eq!(read(&rules, &mail("nagios@example.jp", "newsletter")).expect_err("nothing names it").status, 400);
}

#[test]
fn what_is_no_mail_is_refused_and_harms_nothing() {
    assert_eq!(read(&MailRules::default(), b"").expect_err("nothing").status, 400);
    assert_eq!(read(&MailRules::default(), b"From: a@example.jp\r\n\r\nno subject").expect_err("nameless").status, 400);
    assert_eq!(read(&MailRules::default(), &vec![b'a'; BODY_BYTES_MAX + 1]).expect_err("too large").status, 413);
    // Parts within parts, a boundary that never ends, headers without end.
    let mut nested = b"Subject: deep\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n".to_vec();
    for _ in 0..20_000 {
        nested.extend_from_slice(
            b"--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n",
        );
    }
    assert_eq!(read(&MailRules::default(), &nested).expect("the outer one is a mail").len(), 1);
    let long = format!("Subject: {}\r\n\r\n", "長".repeat(100_000));
    let signal = read(&MailRules::default(), long.as_bytes()).expect("cut").pop().expect("one");
    assert!(signal.title.chars().count() <= hikeshi_domain::alert::TITLE_CHARS_MAX);
}
