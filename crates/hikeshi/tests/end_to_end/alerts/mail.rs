//! Mail as another program writes it: Python's own library composes it, in the encoding that Japanese programs use, and curl's request brings it.

use std::process::Command;

use super::super::double::{packages, post};
use super::{TOKEN, address, firing, incidents, opened, resolves_itself, show, source, workspace};

const COMPOSE: &str = r#"
import sys
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
mail = MIMEMultipart()
mail["From"] = "nagios@example.jp"
mail["To"] = "alerts@example.jp"
mail["Subject"] = Header(sys.argv[1], "iso-2022-jp")
mail["Date"] = f"Mon, 5 Jan 2026 12:{sys.argv[2]}:15 +0900"
mail.attach(MIMEText("web1 の空き容量が残り 1 % です", "plain", "iso-2022-jp"))
mail.attach(MIMEText("a,b\n1,2\n", "csv"))
sys.stdout.buffer.write(mail.as_bytes())
"#;

fn composed(subject: &str) -> Vec<u8> {
    written("02", subject)
}

/// Written in this minute of the hour.
fn written(minute: &str, subject: &str) -> Vec<u8> {
    let python = packages().parent().expect("the cache").join("venv/bin/python");
    let done = Command::new(&python).args(["-c", COMPOSE, subject, minute]).output();
    let done = done.unwrap_or_else(|error| panic!("{}: {error}; `./test tools` installs it", python.display()));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

#[test]
fn a_mail_opens_an_incident_and_another_one_ends_it() {
    let workspace = workspace("mailin", &source("nagios", "mail", "[alerts.sources.nagios.mail]\nfrom = [\"nagios@example.jp\"]"));
    let send = |secret: &str, mail: &[u8]| {
        let authorization = format!("Bearer {secret}");
        post(&address(workspace.port), "/inbound/alerts/nagios", "message/rfc822", &[("authorization", &authorization)], mail).0
    };
    let problem = composed("【障害】web1 のディスクに空きがない");
    assert_eq!(send("a-guess", &problem), 401);
    assert_eq!(send(TOKEN, b"From: someone@example.jp\r\nSubject: hello\r\n\r\n"), 403, "somebody else's mail");
    assert_eq!(send(TOKEN, &problem), 200);
    let incident = opened(&workspace, 1)["incident"]["id"].as_str().expect("an id").to_owned();
    let shown = show(&workspace, &incident);
    let alert = shown["alerts"][0].clone();
    assert_eq!(alert["title"], "【障害】web1 のディスクに空きがない");
    assert_eq!(alert["summary"], "web1 の空き容量が残り 1 % です");
    assert_eq!(send(TOKEN, &problem), 200, "the same again");
    assert_eq!(show(&workspace, &incident)["incident"]["alerts"]["fired"], 1);
    assert_eq!(send(TOKEN, &composed("【復旧】web1 のディスクに空きがない")), 200);
    resolves_itself(&workspace, &incident, "nagios");
}

/// What Postfix runs, as the manual has it: while nobody answers it says `EX_TEMPFAIL`, since any other failure sends the mail back.
#[test]
fn what_the_manual_gives_to_postfix_asks_it_to_try_again() {
    let workspace = workspace("postfix", &source("zabbix", "mail", ""));
    let header = workspace.path("alerts.header");
    std::fs::write(&header, format!("Authorization: Bearer {TOKEN}\n")).expect("written");
    let mail = workspace.path("mail");
    std::fs::write(&mail, composed("【障害】web1 のディスクに空きがない")).expect("written");
    for manual in [include_str!("../../../../../docs/manual/alerts.md"), include_str!("../../../../../docs/manual/alerts.ja.md")] {
        let line = manual.lines().find_map(|line| line.strip_prefix("alerts: \"|")?.strip_suffix('"')).expect("an alias");
        let run = |to: &str| {
            let line = line.replace("/etc/hikeshi/alerts.header", &header.display().to_string()).replace("https://hikeshi.example.jp", to);
            let from = std::fs::File::open(&mail).expect("opened");
            Command::new("sh").args(["-c", &line]).stdin(from).output().expect("run").status.code()
        };
        assert_eq!(run(&workspace.url()), Some(0));
        assert_eq!(run("http://127.0.0.1:1"), Some(75));
    }
    assert_eq!(opened(&workspace, 1)["incident"]["alerts"]["fired"], 1, "the same mail twice is one alert");
}

#[test]
fn a_mail_that_waited_in_a_queue_neither_ends_what_began_since_nor_begins_what_is_over() {
    let workspace = workspace("maillate", &source("nagios", "mail", ""));
    let authorization = format!("Bearer {TOKEN}");
    let send = |minute: &str, subject: &str| {
        let mail = written(minute, subject);
        let sent = post(&address(workspace.port), "/inbound/alerts/nagios", "message/rfc822", &[("authorization", &authorization)], &mail);
        assert_eq!(sent.0, 200, "{}", sent.1);
        sent.1.contains("note")
    };
    let (problem, recovery) = ("** PROBLEM Service Alert: web1/disk is CRITICAL **", "** RECOVERY Service Alert: web1/disk is OK **");
    assert!(!send("00", problem));
    opened(&workspace, 1);
    // It was over at 10 past, and began again at 20 past; the mail of the end was kept back.
    assert!(!send("20", problem));
    assert!(send("10", recovery), "it is said that nothing follows from it");
    assert_eq!(firing(&workspace, "inc_1"), 1, "the outage of 20 past goes on");
    assert!(!send("30", recovery));
    resolves_itself(&workspace, "inc_1", "nagios");
    assert!(send("25", problem), "a reminder of before the end");
    assert!(send("26", "** ACKNOWLEDGEMENT Service Alert: web1/disk is CRITICAL **"));
    assert!(send("27", "Recovery: replica db2 failed"), "what is over and never began is said to be nothing");
    assert_eq!(incidents(&workspace).len(), 1);
    assert!(!send("40", problem));
    opened(&workspace, 2);
}
