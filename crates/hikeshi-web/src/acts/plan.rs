//! The form of a plan: steps, scope, checks, with as many rows as wanted and without a script.

use hikeshi_domain::emergency::{Check, CheckKind, Condition, Conditions, Judgement, Plan, Step, Verification};
use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::session::{Capture, DangerousLine, Encoding, Shell, Terminal};
use hikeshi_text::Sentence;

use super::Input;
use super::show::{Choice, choices, code, people};
use crate::form::Fields;
use crate::viewer::Viewer;

/// Rows shown at first, and at most.
const STEPS_FIRST: usize = 2;
const ROWS_MAX: usize = 60;

pub struct StepRow {
    pub number: usize,
    pub title: String,
    pub run: String,
    pub timeout_s: String,
    pub dangerous: bool,
}

pub struct CheckRow {
    pub number: usize,
    pub aspect: &'static str,
    pub title: String,
    pub http: bool,
    pub what: String,
    pub status: String,
    pub contains: String,
}

pub struct CaptureRow {
    pub number: usize,
    pub title: String,
    pub run: String,
}

/// The form as it is shown: fresh, made from a plan, or as it was typed.
pub struct PlanForm {
    pub fields: Fields,
    pub targets: Vec<Choice>,
    pub executors: Vec<Choice>,
    pub judges: Vec<Choice>,
    pub witnesses: Vec<Choice>,
    pub steps: Vec<StepRow>,
    pub solved: Vec<CheckRow>,
    pub unaffected: Vec<CheckRow>,
    pub terminal: bool,
    pub record_input: bool,
    pub shells: Vec<Choice>,
    pub encodings: Vec<Choice>,
    pub captures: Vec<CaptureRow>,
}

/// How many rows of a kind the fields hold.
fn rows(fields: &Fields, prefix: &str) -> usize {
    let number = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.')?.split('.').next()?.parse::<usize>().ok();
    fields.names().filter_map(number).max().unwrap_or(0).min(ROWS_MAX)
}

/// Makes the form. `more` is the button that was pressed: `step`, `solved`, `unaffected`, `capture`.
pub fn plan_form(viewer: &Viewer, fields: Fields) -> PlanForm {
    let more = fields.text("more");
    let wanted = |prefix: &str, first: usize| (rows(&fields, prefix).max(first) + usize::from(more == prefix)).min(ROWS_MAX);
    let step_rows = wanted("step", STEPS_FIRST);
    let (solved_rows, unaffected_rows) = (wanted("solved", 1), wanted("unaffected", 1));
    let capture_rows = wanted("capture", 1);
    let policy = &viewer.policy;
    let chosen = |name: &str, id: &str| fields.text(name) == id;
    let own = viewer.person.as_str().to_owned();
    let executor = fields.optional("executor").unwrap_or(own);
    let asked = fields.all("witness");
    let judges = policy.people_with(&policy.emergency.approver_roles);
    let witnesses = policy.people_with(&policy.emergency.witness_roles);
    let named = |ids: Vec<PersonId>, chosen: &dyn Fn(&PersonId) -> bool| {
        choices(ids, |id| format!("{} ({id})", viewer.names.written(id)), |id| chosen(id))
    };
    PlanForm {
        targets: choices(policy.targets.keys(), |id| format!("{id}{}", target_words(viewer, id)), |id| chosen("target", id.as_str())),
        executors: people(viewer, |id| id.as_str() == executor),
        judges: named(judges, &|id| chosen("judge", id.as_str())),
        witnesses: named(witnesses, &|id| asked.iter().any(|name| name == id.as_str())),
        steps: (1..=step_rows).map(|number| step_row(&fields, number)).collect(),
        solved: (1..=solved_rows).map(|number| check_row(&fields, "solved", number)).collect(),
        unaffected: (1..=unaffected_rows).map(|number| check_row(&fields, "unaffected", number)).collect(),
        terminal: fields.has("terminal"),
        record_input: fields.has("terminal.record_input"),
        shells: codes(&[Shell::Bash, Shell::Zsh], &fields.text("terminal.shell")),
        encodings: codes(&[Encoding::Utf8, Encoding::ShiftJis, Encoding::EucJp], &fields.text("terminal.encoding")),
        captures: (1..=capture_rows).map(|number| capture_row(&fields, number)).collect(),
        fields,
    }
}

fn target_words(viewer: &Viewer, id: &hikeshi_domain::ids::TargetName) -> String {
    let Some(target) = viewer.policy.targets.get(id) else { return String::new() };
    format!(" · {} · {}", viewer.names.service(&target.service), viewer.names.environment(&target.environment))
}

/// Codes that are their own labels.
fn codes<T: serde::Serialize>(all: &[T], chosen: &str) -> Vec<Choice> {
    choices(all.iter().map(code), Clone::clone, |value| value == chosen)
}

fn capture_row(fields: &Fields, number: usize) -> CaptureRow {
    let of = |what: &str| fields.raw(&format!("capture.{number}.{what}")).to_owned();
    CaptureRow { number, title: of("title"), run: of("run") }
}

fn step_row(fields: &Fields, number: usize) -> StepRow {
    let of = |what: &str| fields.raw(&format!("step.{number}.{what}")).to_owned();
    let timeout = of("timeout_s");
    StepRow {
        number,
        title: of("title"),
        run: of("run"),
        timeout_s: if timeout.is_empty() { "60".to_owned() } else { timeout },
        dangerous: fields.has(&format!("step.{number}.dangerous")),
    }
}

fn check_row(fields: &Fields, aspect: &'static str, number: usize) -> CheckRow {
    let of = |what: &str| fields.raw(&format!("{aspect}.{number}.{what}")).to_owned();
    let status = of("status");
    CheckRow {
        number,
        aspect,
        title: of("title"),
        http: of("kind") != "command",
        what: of("what"),
        status: if status.is_empty() { "200".to_owned() } else { status },
        contains: of("contains"),
    }
}

/// The fields that would make this plan: for a revision.
pub fn fields_of(plan: &Plan) -> Fields {
    let mut pairs: Vec<(String, String)> = vec![
        ("target".to_owned(), plan.target.to_string()),
        ("executor".to_owned(), plan.executor.to_string()),
        ("summary".to_owned(), plan.summary.clone()),
        ("scope".to_owned(), plan.scope.join("\n")),
    ];
    pairs.extend(plan.witnesses.iter().map(|person| ("witness".to_owned(), person.to_string())));
    for (index, step) in plan.steps.iter().enumerate() {
        let name = |what: &str| format!("step.{}.{what}", index + 1);
        pairs.extend([
            (name("title"), step.title.clone()),
            (name("run"), step.run.clone()),
            (name("timeout_s"), step.timeout_s.to_string()),
        ]);
        if step.dangerous {
            pairs.push((name("dangerous"), "1".to_owned()));
        }
    }
    if let Some(terminal) = &plan.terminal {
        pairs.push(("terminal".to_owned(), "1".to_owned()));
        pairs.push(("terminal.shell".to_owned(), code(&terminal.shell)));
        pairs.push(("terminal.encoding".to_owned(), code(&terminal.encoding)));
        if terminal.record_input {
            pairs.push(("terminal.record_input".to_owned(), "1".to_owned()));
        }
        let dangerous: Vec<String> = terminal.dangerous.iter().map(|one| format!("{} | {}", one.words, one.why)).collect();
        pairs.push(("terminal.dangerous".to_owned(), dangerous.join("\n")));
        for (index, capture) in terminal.captures.iter().enumerate() {
            pairs.push((format!("capture.{}.title", index + 1), capture.title.clone()));
            pairs.push((format!("capture.{}.run", index + 1), capture.run.clone()));
        }
    }
    for (aspect, checks) in [("solved", &plan.verification.solved), ("unaffected", &plan.verification.unaffected)] {
        for (index, check) in checks.iter().enumerate() {
            let name = |what: &str| format!("{aspect}.{}.{what}", index + 1);
            pairs.push((name("title"), check.title.clone()));
            match &check.kind {
                CheckKind::Http { url, status, body_contains } => pairs.extend([
                    (name("kind"), "http".to_owned()),
                    (name("what"), url.clone()),
                    (name("status"), status.to_string()),
                    (name("contains"), body_contains.clone().unwrap_or_default()),
                ]),
                CheckKind::Command { run } => pairs.extend([(name("kind"), "command".to_owned()), (name("what"), run.clone())]),
            }
        }
    }
    Fields::owned(pairs)
}

/// Reads the plan that was typed. Empty rows are left out.
pub fn plan_of(input: &Input<'_>) -> Result<Plan, Sentence> {
    let t = input.words();
    let fields = input.fields;
    let mut steps = Vec::new();
    for number in 1..=rows(fields, "step") {
        let name = |what: &str| format!("step.{number}.{what}");
        let (title, run) = (fields.text(&name("title")), fields.raw(&name("run")).trim_end().to_owned());
        if title.is_empty() && run.trim().is_empty() {
            continue;
        }
        steps.push(Step {
            title,
            run,
            timeout_s: input.parse(&name("timeout_s"), t.step_timeout())?,
            dangerous: fields.has(&name("dangerous")),
        });
    }
    Ok(Plan {
        target: input.parse("target", t.plan_target())?,
        executor: input.parse("executor", t.plan_executor())?,
        summary: input.text("summary"),
        steps,
        terminal: terminal_of(input)?,
        scope: fields.lines("scope"),
        verification: Verification { solved: checks_of(input, "solved")?, unaffected: checks_of(input, "unaffected")? },
        witnesses: input.parse_all("witness", t.plan_witnesses())?,
    })
}

fn checks_of(input: &Input<'_>, aspect: &str) -> Result<Vec<Check>, Sentence> {
    let t = input.words();
    let fields = input.fields;
    let mut checks = Vec::new();
    for number in 1..=rows(fields, aspect) {
        let name = |what: &str| format!("{aspect}.{number}.{what}");
        let (title, what) = (fields.text(&name("title")), fields.text(&name("what")));
        if title.is_empty() && what.is_empty() {
            continue;
        }
        let kind = if fields.text(&name("kind")) == "command" {
            CheckKind::Command { run: what }
        } else {
            CheckKind::Http {
                url: what,
                status: input.parse(&name("status"), t.check_status())?,
                body_contains: fields.optional(&name("contains")),
            }
        };
        checks.push(Check { title, kind, timeout_s: 10 });
    }
    Ok(checks)
}

/// The part about work by hand; `None`: the box is not ticked.
fn terminal_of(input: &Input<'_>) -> Result<Option<Terminal>, Sentence> {
    let (t, fields) = (input.words(), input.fields);
    if !fields.has("terminal") {
        return Ok(None);
    }
    let mut captures = Vec::new();
    for number in 1..=rows(fields, "capture") {
        let title = fields.text(&format!("capture.{number}.title"));
        let run = fields.raw(&format!("capture.{number}.run")).trim_end().to_owned();
        if !(title.is_empty() && run.trim().is_empty()) {
            captures.push(Capture { title, run });
        }
    }
    Ok(Some(Terminal {
        shell: input.code("terminal.shell", t.plan_terminal_shell())?,
        encoding: input.code("terminal.encoding", t.plan_terminal_encoding())?,
        record_input: fields.has("terminal.record_input"),
        captures,
        dangerous: dangerous_of(fields),
    }))
}

/// `words | why`, one to a line; a line without a reason goes to the door, which asks for it.
fn dangerous_of(fields: &Fields) -> Vec<DangerousLine> {
    let one = |line: String| {
        let (words, why) = line.rsplit_once('|').unwrap_or((&line, ""));
        DangerousLine { words: words.trim().to_owned(), why: why.trim().to_owned() }
    };
    fields.lines("terminal.dangerous").into_iter().map(one).collect()
}

pub fn conditions_of(input: &Input<'_>) -> Result<Conditions, Sentence> {
    let t = input.words();
    let one =
        |name: &str| Condition { statement: input.text(&format!("{name}.statement")), evidence: input.text(&format!("{name}.evidence")) };
    Ok(Conditions {
        serious_failure: one("serious_failure"),
        normal_flow_cannot: one("normal_flow_cannot"),
        cannot_wait: one("cannot_wait"),
        judged_by: Judgement { person: input.parse_optional("judge", t.judged_by())?, evidence: input.text("judge.evidence") },
    })
}

/// Which incident the form is about.
pub fn incident_of(input: &Input<'_>) -> Result<IncidentId, Sentence> {
    input.parse("incident", input.words().column_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hikeshi_text::Lang;

    fn plan() -> Plan {
        serde_json::from_value(serde_json::json!({
            "target": "reservation-prod", "executor": "suzuki", "summary": "接続数の上限を戻す", "scope": ["config", "app.toml"],
            "steps": [{"title": "設定を戻す", "run": "set -x\n  cp a b", "timeout_s": 30, "dangerous": true}, {"title": "再読込", "run": "kill -HUP 1"}],
            "verification": {
                "solved": [{"title": "予約できる", "check": "http", "url": "http://127.0.0.1/", "body_contains": "ok", "timeout_s": 10}],
                "unaffected": [{"title": "一覧", "check": "command", "run": "true", "timeout_s": 10}]
            },
            "witnesses": ["sato", "takahashi"]
        }))
        .expect("a plan")
    }

    #[test]
    fn a_plan_survives_its_own_form() {
        let fields = fields_of(&plan());
        let input = Input { fields: &fields, lang: Lang::Ja, time_zone: "Asia/Tokyo" };
        assert_eq!(plan_of(&input), Ok(plan()));
    }

    #[test]
    fn work_by_hand_survives_the_form_too() {
        let dangerous = [("drop table", "表は戻せない"), ("yes | rm", "消える")];
        let dangerous = dangerous.map(|(words, why)| DangerousLine { words: words.to_owned(), why: why.to_owned() }).into();
        let captures = vec![Capture { title: "表の形".to_owned(), run: "pg_dump --schema-only\n  # 形だけ".to_owned() }];
        let terminal = Terminal { shell: Shell::Zsh, encoding: Encoding::EucJp, record_input: true, captures, dangerous };
        let plan = Plan { terminal: Some(terminal), ..plan() };
        let fields = fields_of(&plan);
        let input = Input { fields: &fields, lang: Lang::Ja, time_zone: "Asia/Tokyo" };
        assert_eq!(plan_of(&input), Ok(plan));
    }

    #[test]
    fn an_empty_row_is_left_out_and_a_bad_number_is_named() {
        let fields = Fields::of(&[
            ("target", "a"),
            ("executor", "b"),
            ("step.1.title", " "),
            ("step.3.title", "x"),
            ("step.3.run", "y"),
            ("step.3.timeout_s", "九"),
        ]);
        let input = Input { fields: &fields, lang: Lang::Ja, time_zone: "Asia/Tokyo" };
        assert!(plan_of(&input).expect_err("no number").what.contains('九'));
    }
}
