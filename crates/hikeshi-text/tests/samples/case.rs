//! One whole case: a reservation service whose configuration went bad, repaired by an exception with two witnesses.

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{CaseFacts, ChangeRequestOrder, InvitationOrder, Invitee, ReportOrder, RepositoryFile};
use hikeshi_domain::emergency::{Emergency, FileChange, Plan, StepEnd};
use hikeshi_domain::ids::{ChannelName, Digest, EmergencyId, IncidentId, ObligationId, PersonId, RoleName};
use hikeshi_domain::incident::Incident;
use hikeshi_domain::obligation::{ChangeRequest, Judgement, Obligation};
use hikeshi_domain::offline::{Away, Degraded, Kept, Reconciled};
use hikeshi_domain::policy::{Language, Policy};
use hikeshi_text::Names;
use serde_json::json;

pub const EMG: EmergencyId = EmergencyId(3);
pub const INC: IncidentId = IncidentId(12);
pub const OBL: ObligationId = ObligationId(7);

pub fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}+09:00").parse().unwrap()
}

pub fn person(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

pub fn role(id: &str) -> RoleName {
    RoleName::new(id).unwrap()
}

pub fn channel() -> ChannelName {
    ChannelName::new("emergency-deploy").unwrap()
}

pub fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

pub fn policy() -> Policy {
    serde_json::from_value(json!({
        "workspace": {"name": "ひのき旅館", "time_zone": "Asia/Tokyo", "language": "ja"},
        "roles": {"dev-lead": {"ja": "開発責任者", "en": "development lead"}},
        "people": {
            "tanaka": {"name": "田中 太郎", "roles": ["developer", "operator"]},
            "sato": {"name": "佐藤 花子", "roles": ["dev-lead", "senior"]},
            "suzuki": {"name": "鈴木 一郎", "roles": ["cto"]},
            "ito": {"name": "伊藤 誠", "roles": ["senior", "developer"]},
            "mori": {"name": "森 葵", "roles": ["developer"]}
        },
        "services": {"reservation": {"name": "予約"}},
        "environments": {"production": {"name": "本番", "exception_allowed": true}, "staging": {"name": "検証環境"}}
    }))
    .unwrap()
}

/// Names without kanji, so that an English sentence can be checked for stray Japanese.
pub fn latin_names() -> Names {
    let mut policy = policy();
    for (id, person) in &mut policy.people {
        person.name = id.as_str().replacen(|c: char| c.is_ascii_lowercase(), &id.as_str()[..1].to_uppercase(), 1);
    }
    for (id, service) in &mut policy.services {
        service.name = id.to_string();
    }
    for (id, environment) in &mut policy.environments {
        environment.name = id.to_string();
    }
    Names::of(&policy)
}

pub fn names() -> Names {
    Names::of(&policy())
}

pub fn plan() -> Plan {
    serde_json::from_value(json!({
        "target": "reservation-prod",
        "executor": "tanaka",
        "summary": "restore the pool size | of the reservation service",
        "steps": [
            {"title": "show the `config`", "run": "cat config/app.toml", "timeout_s": 10},
            {"title": "write the new value", "run": "sed -i 's/pool = 0/pool = 20/' config/app.toml\nkill -HUP $(cat run/pid)", "timeout_s": 30, "dangerous": true}
        ],
        "scope": ["config"],
        "verification": {"solved": [{"title": "GET /health", "check": "http", "url": "http://127.0.0.1:8080/health"}], "unaffected": []},
        "witnesses": ["ito", "mori"]
    }))
    .unwrap()
}

pub fn end(exit_code: Option<i32>) -> StepEnd {
    serde_json::from_value(json!({
        "exit_code": exit_code, "killed": if exit_code.is_none() { json!("timeout") } else { json!(null) },
        "started_at": at("03:20:00"), "ended_at": at("03:20:01.200"),
        "output": digest("output"), "output_bytes": 120
    }))
    .unwrap()
}

pub fn changes() -> Vec<FileChange> {
    serde_json::from_value(json!([
        {"path": "config/app.toml", "kind": "modified", "in_scope": true, "step": 2,
         "before": {"digest": digest("before"), "bytes": 812, "mode": 0o644, "kept": true},
         "after": {"digest": digest("after"), "bytes": 813, "mode": 0o644, "kept": true}},
        {"path": "run/cache|1", "kind": "added", "in_scope": false, "step": 2, "accepted_by": "sato",
         "after": {"digest": digest("cache"), "bytes": 2_500_000, "mode": 0o600, "kept": false}}
    ]))
    .unwrap()
}

pub fn incident() -> Incident {
    serde_json::from_value(json!({
        "id": "inc_12", "title": "予約できない", "summary": "# 予約APIが 500 を返す\n```\nERROR pool exhausted\n```",
        "service": "reservation", "environment": "production",
        "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"},
        "priority": "P1", "stage": "mitigation",
        "opened_by": {"who": "monitor", "monitor": "reservation-http"},
        "detected_at": at("03:05:00"), "opened_at": at("03:05:30"),
        "acknowledged": {"by": "tanaka", "at": at("03:07:10"), "since": at("03:07:10"), "steps": 1},
        "resolved": {"by": {"who": "monitor", "monitor": "reservation-http"}, "at": at("03:21:30"), "what": "設定を元に戻した"},
        "emergencies": ["emg_3"]
    }))
    .unwrap()
}

pub fn emergency() -> Emergency {
    serde_json::from_value(json!({
        "id": "emg_3", "incident": "inc_12", "requester": "tanaka",
        "sessions": [{
            "number": 1, "by": "tanaka", "place": "app-1", "opened_at": at("03:18:00"), "blocks": 8, "head": digest("head"),
            "watched": {"ito": {"key": "04ab", "from_block": 0, "to_block": 7, "at": at("03:19:50")},
                        "mori": {"key": "04cd", "from_block": 2, "to_block": 7, "at": at("03:19:50")}},
            "commands": [
                {"number": 4, "text": "psql -c 'select 1' | tee log", "cwd": "/srv", "exit_code": 0, "known": "integrated",
                 "started_at": at("03:18:10"), "ended_at": at("03:18:11.500"), "output_from": 0, "output_to": 40},
                {"number": 5, "text": "ssh db", "cwd": "/srv", "exit_code": null, "known": "hint",
                 "started_at": at("03:18:40"), "output_from": 40, "output_to": 90}
            ],
            "commands_earlier": 3,
            "gaps": [{"why": "recorder_lost", "from": at("03:19:00"), "to": at("03:19:01"), "bytes": 0}],
            "ended_at": at("03:19:55"), "end": {"how": "exited", "code": 0}
        }],
        "conditions": {
            "serious_failure": {"statement": "全予約が失敗している", "evidence": "監視 reservation-http、5xx 100%"},
            "normal_flow_cannot": {"statement": "CIが予約サービスの障害で止まっている", "evidence": "https://ci.example.com/runs/42"},
            "cannot_wait": {"statement": "朝6時の宿泊予約が受けられない", "evidence": "1時間あたり約40件"},
            "judged_by": {"person": "sato", "evidence": "03:10 電話"}
        },
        "plan": plan(), "revision": 1, "digest": digest("plan"), "status": "closed",
        "requirement": {"every_role": false, "because": []},
        "approvals": [{"by": "sato", "roles": ["dev-lead"], "digest": digest("plan"), "at": at("03:12:00"), "expires_at": at("07:12:00"),
                       "judgement": "手順は最小限。実施してよい"}],
        "witnesses": {
            "ito": {"present": false, "joined_at": at("03:13:00"), "left_at": at("03:25:00")},
            "mori": {"present": false, "joined_at": at("03:13:20"), "left_at": at("03:25:00")}
        },
        "backup": {"name": "config_20261122_031500", "path": "/srv/backups/config_20261122_031500", "files": 4, "bytes": 10_240,
                   "manifest": digest("manifest"), "at": at("03:15:02")},
        "steps": [{"is": "ended", "exit_code": 0, "started_at": at("03:16:00"), "ended_at": at("03:16:00.300"), "output_bytes": 90},
                  {"is": "ended", "exit_code": 0, "started_at": at("03:20:00"), "ended_at": at("03:20:01.200"), "output_bytes": 0}],
        "attempts": [1, 1],
        "changes": changes(),
        "solved": {"passed": true, "at": at("03:21:00"), "checks": [{"title": "GET /health", "passed": true, "seen": "200", "took_ms": 12}]},
        "unaffected": {"passed": true, "at": at("03:22:00"), "checks": [], "attested": {"by": "ito", "note": "管理画面と検索は正常"}},
        "requested_at": at("03:11:00"), "started_at": at("03:15:00"), "started_by": "tanaka", "closed_at": at("03:25:00"), "ending": "solved",
        "obligations": ["obl_7", "obl_8", "obl_9"]
    }))
    .unwrap()
}

pub fn obligation(kind: &str) -> Obligation {
    serde_json::from_value(json!({
        "id": "obl_7", "kind": kind, "emergency": "emg_3", "incident": "inc_12", "owner": "tanaka", "text": "alert on pool size",
        "raised_at": at("03:25:00"), "due_at": at("23:25:00"), "status": "owed"
    }))
    .unwrap()
}

pub fn request() -> ChangeRequest {
    serde_json::from_value(json!({
        "branch": "emergency/emg_3", "commit": "4f1c9a5e", "base": "main", "label": "Emergency Fix",
        "request_file": "requests/emg_3.md", "patch_file": "requests/emg_3.patch", "opened_at": at("03:25:04")
    }))
    .unwrap()
}

pub fn judgement() -> Judgement {
    Judgement {
        problem: "接続プールの大きさが 0 になり、全予約が失敗した。".to_owned(),
        impact: "全利用者。約16分、予約を受けられなかった。".to_owned(),
        cause: "設定の一括置換が対象外のファイルに及んだ。\n## なぜ\n- 置換の範囲を確かめなかった".to_owned(),
        response: "値を元に戻し、設定を読み直させた。".to_owned(),
        prevention: vec!["設定値の下限を検査する".to_owned(), "一括置換は | 差分を見てから行う".to_owned()],
    }
}

pub fn facts(language: Language) -> CaseFacts {
    CaseFacts {
        workspace: "ひのき旅館".to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        language,
        incident: Box::new(incident()),
        emergency: Box::new(emergency()),
        names: policy().people.into_iter().map(|(id, person)| (id, person.name)).collect(),
        roles: policy().roles,
        scheme: policy().incident.scheme,
        service_name: "予約".to_owned(),
        environment_name: "本番".to_owned(),
    }
}

pub fn report_order(language: Language, judgement: Option<Judgement>) -> ReportOrder {
    let request = judgement.is_some().then(request);
    ReportOrder {
        obligation: ObligationId(8),
        owner: person("tanaka"),
        due_at: at("12:00"),
        documents_root: "docs".to_owned(),
        judgement,
        request,
        facts: facts(language),
    }
}

pub fn change_request_order(language: Language) -> ChangeRequestOrder {
    ChangeRequestOrder {
        obligation: OBL,
        emergency: EMG,
        incident: INC,
        repository: "/srv/git/reservation.git".to_owned(),
        base: "main".to_owned(),
        branch: "emergency/emg_3".to_owned(),
        requests: "/srv/git/requests".to_owned(),
        label: "Emergency Fix".to_owned(),
        files: vec![RepositoryFile { path: "config/app.toml".to_owned(), content: Some(digest("after")), mode: 0o644 }],
        not_kept: vec!["run/cache|1".to_owned()],
        github: None,
        seal: Some(hikeshi_domain::chat::Seal { size: 42, root: digest("root") }),
        facts: facts(language),
    }
}

pub fn invitation_order(language: Language) -> InvitationOrder {
    let invitee = |id: &str, name: &str| Invitee { person: person(id), name: name.to_owned(), email: None };
    InvitationOrder {
        obligation: ObligationId(9),
        documents_root: "docs".to_owned(),
        starts_at: at("23:00:00"),
        lasts_min: 60,
        sequence: 0,
        invited: vec![invitee("tanaka", "田中 太郎"), invitee("sato", "佐藤 花子")],
        facts: facts(language),
    }
}

pub fn degraded() -> Vec<Degraded> {
    vec![
        Degraded::PresenceTold { emergency: EMG },
        Degraded::WordTold { emergency: EMG, person: person("sato") },
        Degraded::DeviceUnsigned { emergency: EMG, session: 1, person: person("ito") },
        Degraded::WatchedShort { emergency: EMG, session: 1, blocks: 3 },
        Degraded::RecordingGap { emergency: EMG, session: 1, gaps: 1 },
        Degraded::KeyRevoked { person: person("sato") },
        Degraded::TermsMoved { policy: digest("policy") },
        Degraded::OtherAnnounced { by: person("ito") },
    ]
}

/// An incident whose exception was carried out while the server was away.
pub fn away(home: bool) -> Incident {
    let reconciled = Reconciled {
        at: at("09:00:00"),
        by: person("tanaka"),
        size: 41,
        root: digest("root"),
        trust: digest("trust"),
        parcel: Kept { digest: digest("parcel"), bytes: 812, kept: true },
        emergencies: [(hikeshi_domain::ids::EmergencyId(1), EMG)].into(),
        degraded: degraded(),
    };
    let away = Away {
        ledger: "example.jp/hikeshi/local/app-1-0a1b2c3d".to_owned(),
        key: "key".to_owned(),
        host: "app-1".to_owned(),
        requested_at: at("03:10:00"),
        announced_at: at("08:59:00"),
        announced_by: person("tanaka"),
        late_announced: false,
        reconciled: home.then_some(reconciled),
    };
    Incident { title: "no reservations".to_owned(), away: Some(Box::new(away)), ..incident() }
}
