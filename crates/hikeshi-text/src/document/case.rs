//! What several documents say of a case: who took part, the steps with their results, the changed files, the verification.

use hikeshi_domain::effect::CaseFacts;
use hikeshi_domain::emergency::{Aspect, FileChange, StepState, Verified};
use hikeshi_domain::ids::PersonId;

use crate::Lang::{self, En, Ja};
use crate::markdown::{Document, code, fenced, inline};
use crate::{Names, label, time};

/// A case with its language and names.
pub(super) struct Case<'a> {
    pub lang: Lang,
    pub names: Names,
    pub facts: &'a CaseFacts,
}

impl<'a> Case<'a> {
    pub(super) fn of(facts: &'a CaseFacts) -> Self {
        Self { lang: facts.language.into(), names: Names::of_case(facts), facts }
    }

    /// One word or the other.
    pub(super) fn both(&self, ja: &'static str, en: &'static str) -> &'static str {
        label::both(self.lang, (ja, en))
    }

    pub(super) fn stamp(&self, at: hikeshi_domain::Timestamp) -> String {
        time::stamp(self.lang, self.names.zone(), at)
    }

    /// The written name, safe in Markdown.
    pub(super) fn person(&self, person: &PersonId) -> String {
        inline(self.names.written(person))
    }

    /// Who approved, in which role, when, and which plan.
    pub(super) fn approvals(&self) -> Vec<Vec<String>> {
        let row = |approval: &hikeshi_domain::emergency::Approval| {
            vec![
                self.person(&approval.by),
                inline(&self.names.roles(self.lang, &approval.roles)),
                self.stamp(approval.at),
                code(&approval.digest.short()),
                inline(&approval.judgement),
            ]
        };
        self.facts.emergency.approvals.iter().map(row).collect()
    }

    /// Each witness with the time of their presence.
    pub(super) fn witnesses(&self) -> Vec<String> {
        let zone = self.names.zone();
        let present = |(person, witness): (&PersonId, &hikeshi_domain::emergency::Witness)| {
            let from = time::time_of_day(zone, witness.joined_at);
            let until = witness.left_at.map(|at| time::time_of_day(zone, at)).unwrap_or_default();
            match self.lang {
                Ja => format!("{}（{from}〜{until}）", self.person(person)),
                En => format!("{} ({from} to {until})", self.person(person)),
            }
        };
        self.facts.emergency.witnesses.iter().map(present).collect()
    }

    /// The table of steps and, below it, what each of them ran.
    pub(super) fn steps(&self, document: &mut Document) {
        let emergency = &self.facts.emergency;
        let zone = self.names.zone();
        let mut rows = Vec::new();
        for ((number, step), state) in (1_u32..).zip(&emergency.plan.steps).zip(&emergency.steps) {
            let (result, started, took) = match state {
                StepState::Ended(end) => (
                    label::result(self.lang, end),
                    time::time_of_day(zone, end.started_at),
                    time::took(self.lang, end.ended_at.duration_since(end.started_at)),
                ),
                StepState::Running { since, .. } | StepState::InDoubt { since, .. } => {
                    (label::step_state(self.lang, state), time::time_of_day(zone, *since), "—".to_owned())
                }
                StepState::Waiting => (label::step_state(self.lang, state), "—".to_owned(), "—".to_owned()),
            };
            rows.push(vec![number.to_string(), inline(&step.title), inline(&result), started, took]);
        }
        let head = match self.lang {
            Ja => ["手順", "内容", "結果", "開始", "所要時間"],
            En => ["Step", "What", "Result", "Started", "Took"],
        };
        document.table(&head, &rows);
        for (number, step) in (1_u32..).zip(&emergency.plan.steps) {
            document.block(&match self.lang {
                Ja => format!("手順{number}のコマンド:"),
                En => format!("Command of step {number}:"),
            });
            document.block(&fenced("bash", &step.run));
            for one in emergency.confirmations.iter().filter(|one| one.step == number) {
                let (who, at) = (self.person(&one.by), self.stamp(one.at));
                let used = one.used_at.is_some();
                document.block(&match (self.lang, used) {
                    (Ja, true) => format!("危険な手順{number}は、{who} が {at} に立会人として確認したあとで実行しました。"),
                    (Ja, false) => {
                        format!("危険な手順{number}は、{who} が {at} に立会人として確認しましたが、その確認では実行していません。")
                    }
                    (En, true) => format!("The dangerous step {number} ran after {who} had confirmed it as a witness, {at}."),
                    (En, false) => format!("{who} confirmed the dangerous step {number} as a witness, {at}; nothing ran on that."),
                });
            }
        }
    }

    /// The table of changed files.
    pub(super) fn changes(&self, document: &mut Document) {
        let emergency = &self.facts.emergency;
        if emergency.changes.is_empty() {
            document.block(self.both("開始前から変わったファイルはありません。", "No file differs from before the start."));
        }
        let rows: Vec<Vec<String>> = emergency.changes.iter().map(|change| self.change(change)).collect();
        let head = match self.lang {
            Ja => ["ファイル", "変化", "変更前", "変更後", "範囲"],
            En => ["File", "Change", "Before", "After", "Scope"],
        };
        document.table(&head, &rows);
        if emergency.changes_unlisted > 0 {
            document.block(&match self.lang {
                Ja => format!("このほかに {} ファイルが変わっています。", emergency.changes_unlisted),
                En => format!("{} further files have changed.", emergency.changes_unlisted),
            });
        }
    }

    fn change(&self, change: &FileChange) -> Vec<String> {
        let content = |content: &Option<hikeshi_domain::emergency::FileContent>| {
            content
                .as_ref()
                .map_or_else(|| "—".to_owned(), |content| format!("{} ({})", code(&content.digest.short()), time::bytes(content.bytes)))
        };
        let scope = match (&change.accepted_by, change.in_scope, self.lang) {
            (_, true, _) => self.both("範囲内", "inside").to_owned(),
            (None, false, _) => self.both("範囲外（未承認）", "outside, not accepted").to_owned(),
            (Some(by), false, Ja) => format!("範囲外（{}が認めた）", self.person(by)),
            (Some(by), false, En) => format!("outside, accepted by {}", self.person(by)),
        };
        vec![
            code(&change.path),
            label::change_kind(self.lang, change.kind).to_owned(),
            content(&change.before),
            content(&change.after),
            scope,
        ]
    }

    /// Both verifications with every check.
    pub(super) fn verifications(&self, document: &mut Document) {
        let emergency = &self.facts.emergency;
        let mut rows = Vec::new();
        for (aspect, verified) in [(Aspect::Solved, &emergency.solved), (Aspect::Unaffected, &emergency.unaffected)] {
            let name = label::aspect(self.lang, aspect);
            match verified {
                None => rows.push(vec![name.to_owned(), "—".to_owned(), self.both("未実施", "not done").to_owned(), String::new()]),
                Some(verified) => rows.extend(self.verified(name, verified)),
            }
        }
        let head = match self.lang {
            Ja => ["確かめたこと", "項目", "結果", "観測した内容"],
            En => ["Verified", "Check", "Result", "Seen"],
        };
        document.table(&head, &rows);
    }

    fn verified(&self, name: &str, verified: &Verified) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = verified
            .checks
            .iter()
            .map(|check| {
                vec![name.to_owned(), inline(&check.title), label::passed(self.lang, check.passed).to_owned(), inline(&check.seen)]
            })
            .collect();
        if let Some(attested) = &verified.attested {
            let how = match self.lang {
                Ja => format!("{}が目視", self.person(&attested.by)),
                En => format!("seen by {}", self.person(&attested.by)),
            };
            rows.push(vec![name.to_owned(), how, label::passed(self.lang, verified.passed).to_owned(), inline(&attested.note)]);
        }
        rows
    }
}
