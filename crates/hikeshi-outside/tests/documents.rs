//! Reports and invitations as files.

use std::fs;

use hikeshi_domain::effect::{Effect, EffectKey, InvitationOrder, Invitee, Outcome, ReportOrder, Work};
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use icalendar::{Calendar, Component};

use crate::ground::{Ground, OBLIGATION};

fn report(ground: &Ground, number: u64) -> Effect {
    let mut facts = ground.facts(&[]);
    facts.emergency.id = EmergencyId(number);
    let order = ReportOrder {
        obligation: OBLIGATION,
        owner: "tanaka".parse().expect("a person"),
        due_at: "2026-11-22T18:00:00Z".parse().expect("a time"),
        documents_root: "docs".to_owned(),
        judgement: None,
        request: None,
        facts,
    };
    Effect { key: EffectKey::of_obligation(OBLIGATION, "report", 1), work: Work::WriteReport(Box::new(order)) }
}

async fn written(ground: &Ground, effect: &Effect) -> String {
    match ground.perform(effect).await.outcome {
        Outcome::ReportWritten { file, digest } => {
            assert_eq!(Digest::of(&fs::read(&file).expect("written")), digest);
            file
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_report_has_the_day_of_the_workspace_in_its_name() {
    let ground = Ground::new(&["."]);
    let docs = ground.dir.join("workspace/docs/emergency");
    // 18:15 UTC is the next day in Tokyo.
    let first = written(&ground, &report(&ground, 3)).await;
    assert_eq!(first, docs.join("2026-11-22-incident.md").display().to_string());
    let second = written(&ground, &report(&ground, 4)).await;
    assert_eq!(second, docs.join("2026-11-22-incident-emg_4.md").display().to_string());
    assert_eq!(written(&ground, &report(&ground, 3)).await, first, "the same exception writes its own file again");
    assert_eq!(fs::read_dir(&docs).expect("there").count(), 2);
}

#[tokio::test]
async fn what_people_wrote_is_not_overwritten() {
    let ground = Ground::new(&["."]);
    let docs = ground.dir.join("workspace/docs/emergency");
    fs::create_dir_all(&docs).expect("dir");
    fs::write(docs.join("2026-11-22-incident.md"), "# 人が書いた記録\n").expect("file");
    let own = written(&ground, &report(&ground, 3)).await;
    assert!(own.ends_with("2026-11-22-incident-emg_3.md"), "{own}");
    let edited = format!("追記です。\n{}", fs::read_to_string(&own).expect("there"));
    fs::write(&own, &edited).expect("edited");
    written(&ground, &report(&ground, 3)).await;
    assert_eq!(fs::read_to_string(docs.join("2026-11-22-incident-emg_3-edited_1.md")).expect("kept"), edited);
    assert_eq!(fs::read_to_string(docs.join("2026-11-22-incident.md")).expect("there"), "# 人が書いた記録\n");
}

#[tokio::test]
async fn a_report_that_cannot_be_written_says_why() {
    let ground = Ground::new(&["."]);
    fs::create_dir_all(ground.dir.join("workspace")).expect("dir");
    fs::write(ground.dir.join("workspace/docs"), "a file").expect("file");
    assert!(matches!(ground.perform(&report(&ground, 3)).await.outcome, Outcome::Failed { detail } if detail.contains("docs")));
}

#[tokio::test]
async fn an_invitation_is_read_by_a_calendar() {
    let ground = Ground::new(&["."]);
    let person = |id: &str, name: &str, email: Option<&str>| Invitee {
        person: PersonId::new(id).expect("a handle"),
        name: name.to_owned(),
        email: email.map(str::to_owned),
    };
    let order = InvitationOrder {
        obligation: OBLIGATION,
        documents_root: "docs".to_owned(),
        starts_at: "2026-11-24T01:00:00Z".parse().expect("a time"),
        lasts_min: 60,
        sequence: 2,
        invited: vec![
            person("suzuki", "鈴木 次郎", None),
            person("sato", "佐藤 花子; \"開発\"", Some("sato@example.com")),
            person("evil", "x\r\nATTENDEE:mailto:injected@example.com", Some("a@b\r\nX-EVIL:1")),
        ],
        facts: ground.facts(&[]),
    };
    let effect = Effect { key: EffectKey::of_obligation(OBLIGATION, "invitation", 1), work: Work::WriteInvitation(Box::new(order)) };
    let Outcome::InvitationWritten { file } = ground.perform(&effect).await.outcome else { panic!("not written") };
    assert!(file.ends_with("docs/emergency/2026-11-22-retrospective-emg_3.ics"), "{file}");
    let bytes = fs::read(&file).expect("there");
    for line in bytes.split(|byte| *byte == b'\n') {
        assert!(line.is_empty() || line.ends_with(b"\r"), "lines end with CRLF");
        assert!(line.len() <= 76, "a line has at most 75 bytes: {}", String::from_utf8_lossy(line));
        assert!(std::str::from_utf8(line).is_ok(), "no character is cut in two");
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    let calendar: Calendar = text.parse().expect("a calendar");
    assert_eq!(calendar.property_value("METHOD"), Some("REQUEST"));
    assert_eq!(calendar.property_value("VERSION"), Some("2.0"));
    let event = calendar.events().next().expect("an event");
    assert_eq!(event.property_value("DTSTART"), Some("20261124T010000Z"));
    assert_eq!(event.property_value("DTEND"), Some("20261124T020000Z"));
    assert_eq!(event.get_sequence(), Some(2));
    assert!(event.get_uid().is_some_and(|uid| uid.starts_with("obl_7-emg_3@")));
    assert!(event.get_summary().is_some_and(|summary| summary.contains("振り返り")), "{:?}", event.get_summary());
    assert_eq!(event.property_value("ORGANIZER"), Some("mailto:sato@example.com"));
    let attendees = event.multi_properties().get("ATTENDEE").expect("attendees");
    let names: Vec<&str> = attendees.iter().filter_map(|attendee| attendee.params().get("CN")).map(icalendar::Parameter::value).collect();
    assert_eq!(attendees.len(), 3);
    assert!(names.iter().any(|name| name.contains("鈴木 次郎")), "{names:?}");
    assert!(!text.lines().any(|line| line.starts_with("X-EVIL") || line.starts_with("ATTENDEE:mailto:injected")), "{text}");
}
