//! The report in words and tables: what the page and the Markdown file are both made of.

use hikeshi_domain::Timestamp;
use hikeshi_domain::obligation::Kind;
use hikeshi_domain::review::{Month, Period, Report, Spread, Use};

use super::{Bar, ended, explanation, finding_name, period, standing};
use crate::Lang::{self, En, Ja};
use crate::plain::clipped;
use crate::{Names, label, names, time};

/// A cell of a table; `href` is an address on the same server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub href: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    pub title: String,
    pub description: String,
    /// One for each row of the section's table.
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// A name for its anchor; ASCII.
    pub id: &'static str,
    pub heading: String,
    pub paragraphs: Vec<String>,
    pub chart: Option<Chart>,
    pub table: Option<Table>,
}

/// Characters of somebody's words that a table shows; the whole is on the page of the exception.
const WORDS_MAX: usize = 120;

/// Everything, in the order in which a meeting goes through it. Where none of the compared months has a request or an incident, that is said
/// in one line.
pub fn sections(lang: Lang, report: &Report, names: &Names) -> Vec<Section> {
    let say = Say { lang, names, report };
    let incidents = say.incidents();
    let none = report.months.iter().all(|month| month.requested == 0);
    if none && incidents.is_empty() {
        return vec![Section { id: "summary", paragraphs: vec![say.summary(), say.source()], ..Section::default() }];
    }
    let mut all = Vec::new();
    if none {
        let heading = say.pick("緊急例外の利用", "Uses of the exception");
        all.push(Section { id: "uses", heading, paragraphs: vec![say.summary()], ..Section::default() });
    } else {
        all.push(say.overview());
    }
    if report.requested > 0 {
        all.extend([say.cases(), say.services(), say.causes(), say.times(), say.witnesses(), say.terminals(), say.follow_up()]);
        all.push(say.findings());
    }
    if !none {
        all.push(say.open_items());
    }
    all.extend(incidents);
    all.push(Section { id: "source", heading: say.pick("数値の根拠", "Where the numbers come from"), ..Section::default() });
    if let Some(last) = all.last_mut() {
        last.paragraphs = vec![say.source()];
    }
    all
}

pub(super) struct Say<'a> {
    pub lang: Lang,
    pub names: &'a Names,
    pub report: &'a Report,
}

impl Say<'_> {
    pub(super) fn pick(&self, ja: &str, en: &str) -> String {
        match self.lang {
            Ja => ja,
            En => en,
        }
        .to_owned()
    }
    pub(super) fn head(&self, columns: &[(&str, &str)]) -> Vec<String> {
        columns.iter().map(|(ja, en)| self.pick(ja, en)).collect()
    }
    fn stamp(&self, at: Timestamp) -> String {
        time::stamp(self.lang, self.names.zone(), at)
    }
    pub(super) fn seconds(&self, seconds: Option<i64>) -> String {
        seconds.map_or_else(|| "—".to_owned(), |seconds| time::seconds(self.lang, seconds))
    }
    pub(super) fn section(&self, id: &'static str, heading: (&str, &str), head: &[(&str, &str)], rows: Vec<Vec<Cell>>) -> Section {
        let table = (!rows.is_empty()).then(|| Table { head: self.head(head), rows });
        let paragraphs = if table.is_none() { vec![self.pick("ありません。", "None.")] } else { Vec::new() };
        Section { id, heading: self.pick(heading.0, heading.1), paragraphs, chart: None, table }
    }
    pub(super) fn number(value: impl std::fmt::Display) -> Cell {
        Cell::plain(value.to_string())
    }

    fn summary(&self) -> String {
        let (name, uses, before) = (period(self.lang, self.report.period), self.report.uses, self.report.uses_before);
        let (than_ja, than_en) = match self.report.period {
            Period::Month(_) => ("前月", "the month before"),
            Period::Quarter(_) => ("前の3か月", "the three months before"),
        };
        match self.lang {
            Ja => format!("{name}の緊急例外の利用は{uses}件でした（{than_ja} {before}件、{}）。", change(Ja, uses, before)),
            En => format!("Uses of the exception in {name}: {uses} ({than_en}: {before}; {}).", change(En, uses, before)),
        }
    }

    fn source(&self) -> String {
        let Report { as_of, period, time_zone, .. } = self.report;
        let (at, size) = (self.stamp(as_of.at), as_of.size);
        let verb = match period {
            Period::Month(_) => "month",
            Period::Quarter(_) => "quarter",
        };
        let command = format!("hikeshi report {verb} {period} --size {size} --at {}", as_of.at);
        match self.lang {
            Ja => format!("台帳の最初の{size}件から、{at} に計算しました（月の区切りは {time_zone}）。{command} で同じ数になります。"),
            En => format!("Computed from the first {size} ledger entries on {at} (months of {time_zone}). The same numbers: {command}"),
        }
    }

    fn overview(&self) -> Section {
        let report = self.report;
        let own = report.period.months();
        let head = [("月", "Month"), ("利用", "Uses"), ("申請", "Requests"), ("実行", "Carried out")];
        let row = |row: &hikeshi_domain::review::MonthCount| {
            let (name, href) = (period(self.lang, Period::Month(row.month)), format!("/reports/{}", row.month));
            vec![Cell::link(name, href), Self::number(row.uses), Self::number(row.requested), Self::number(row.carried_out)]
        };
        let mut section = self.section("uses", ("緊急例外の利用", "Uses of the exception"), &head, report.months.iter().map(row).collect());
        let bar =
            |row: &hikeshi_domain::review::MonthCount| Bar { name: short(row.month), value: row.uses, marked: own.contains(&row.month) };
        let numbers: Vec<String> = report.months.iter().map(|row| format!("{} {}", row.month, row.uses)).collect();
        section.chart = Some(Chart {
            title: self.pick("月ごとの緊急例外の利用件数", "Uses of the exception per month"),
            description: numbers.join(", "),
            bars: report.months.iter().map(bar).collect(),
        });
        let (requested, carried, declined) = (report.requested, report.carried_out, report.declined);
        let (cancelled, expired) = (report.cancelled, report.expired);
        section.paragraphs = vec![
            self.summary(),
            match self.lang {
                Ja => format!(
                    "申請 {requested}件（実行 {carried}、却下 {declined}、取り下げ {cancelled}、承認の期限切れ {expired}）。却下と取り下げは利用に数えません。"
                ),
                En => format!(
                    "{requested} requests: {carried} carried out, {declined} declined, {cancelled} taken back, {expired} expired. What was declined or taken back is no use."
                ),
            },
        ];
        section
    }

    fn cases(&self) -> Section {
        let head = [
            ("番号", "No."),
            ("申請", "Requested"),
            ("サービス", "Service"),
            ("インシデント", "Incident"),
            ("通常の手順を使えない理由", "Why not the normal flow"),
            ("原因（報告書）", "Cause (report)"),
            ("承認者", "Approvers"),
            ("立会人", "Witnesses"),
            ("承認まで", "To approval"),
            ("終了まで", "To close"),
            ("結果", "Outcome"),
        ];
        let rows = self.report.cases.iter().map(|found| self.case(found)).collect();
        self.section("cases", ("すべての緊急例外", "All exceptions"), &head, rows)
    }

    fn case(&self, found: &Use) -> Vec<Cell> {
        let words = |text: &str| Cell::plain(if text.is_empty() { "—".to_owned() } else { clipped(text, WORDS_MAX) });
        let outcome = found.ending.map_or_else(|| ended(self.lang, found.status), |ending| label::ending(self.lang, ending));
        vec![
            Cell::link(found.emergency.to_string(), format!("/emergencies/{}", found.emergency)),
            Cell::plain(self.stamp(found.requested.at)),
            Cell::plain(self.names.service(&found.service)),
            Cell::link(
                format!("{} {}", found.incident, clipped(&found.incident_title, WORDS_MAX)),
                format!("/incidents/{}", found.incident),
            ),
            words(&found.reason),
            words(found.cause.as_deref().unwrap_or_default()),
            words(&self.names.people(self.lang, &found.approvers)),
            words(&self.names.people(self.lang, &found.witnesses)),
            Cell::plain(self.seconds(found.approval_s())),
            Cell::plain(self.seconds(found.close_s())),
            Cell::plain(outcome),
        ]
    }

    fn services(&self) -> Section {
        let name = |name: &str| name.parse().map_or_else(|_| name.to_owned(), |service| self.names.service(&service).to_owned());
        let counts = &self.report.by_service;
        let rows = counts.iter().map(|row| vec![Cell::plain(name(&row.name)), Self::number(row.uses)]).collect();
        let mut section = self.section("services", ("サービスごと", "Per service"), &[("サービス", "Service"), ("利用", "Uses")], rows);
        section.chart = (counts.len() > 1).then(|| Chart {
            title: self.pick("サービスごとの利用件数", "Uses per service"),
            description: counts.iter().map(|row| format!("{} {}", name(&row.name), row.uses)).collect::<Vec<_>>().join(", "),
            bars: counts.iter().map(|row| Bar { name: clipped(&name(&row.name), 10), value: row.uses, marked: false }).collect(),
        });
        section
    }

    fn causes(&self) -> Section {
        let head =
            [("原因", "Cause"), ("出どころ", "Stated by"), ("利用", "Uses"), ("緊急例外", "Exceptions"), ("インシデント", "Incidents")];
        let rows = self.report.by_cause.iter().map(|cause| {
            let from = if cause.from_report { ("報告書", "report") } else { ("申請の理由", "request") };
            vec![
                Cell::plain(clipped(&cause.text, WORDS_MAX)),
                Cell::plain(self.pick(from.0, from.1)),
                Self::number(cause.emergencies.len()),
                Cell::plain(names::list(self.lang, cause.emergencies.iter().map(ToString::to_string))),
                Cell::plain(names::list(self.lang, cause.incidents.iter().map(ToString::to_string))),
            ]
        });
        self.section("causes", ("原因ごと", "Per cause"), &head, rows.collect())
    }

    fn times(&self) -> Section {
        let head = [("区間", "From request to"), ("件数", "Count"), ("中央値", "Median"), ("最長", "Longest")];
        let row = |name: String, spread: &Spread| {
            let (median, longest) = (self.seconds(spread.median_s), self.seconds(spread.longest_s));
            vec![Cell::plain(name), Self::number(spread.count), Cell::plain(median), Cell::plain(longest)]
        };
        let rows = vec![
            row(self.pick("申請から承認まで", "approval"), &self.report.approval),
            row(self.pick("申請から終了まで", "close"), &self.report.close),
        ];
        self.section("times", ("かかった時間", "Times"), &head, rows)
    }

    fn witnesses(&self) -> Section {
        let rows =
            self.report.witnesses.iter().map(|(who, times)| vec![Cell::plain(self.names.person(self.lang, who)), Self::number(times)]);
        let head = [("立会人", "Witness"), ("緊急例外", "Exceptions")];
        self.section("witnesses", ("立会い", "Witnesses"), &head, rows.collect())
    }

    fn terminals(&self) -> Section {
        let report = self.report;
        let sum = &report.sessions;
        let row = |ja: &str, en: &str, value: String| vec![Cell::plain(self.pick(ja, en)), Cell::plain(value)];
        let times = |count: u64, seconds: i64| match (self.lang, seconds) {
            (_, 0) => count.to_string(),
            (Ja, _) => format!("{count}（合わせて{}）", time::seconds(Ja, seconds)),
            (En, _) => format!("{count} ({} together)", time::seconds(En, seconds)),
        };
        let rows = vec![
            row("立会セッション", "Witnessed sessions", sum.sessions.to_string()),
            row("手で入力されたコマンド", "Commands typed by hand", sum.commands.to_string()),
            row("立会人が止めた回数", "Stopped by a witness", sum.holds.to_string()),
            row("入力が止められた回数", "Times that keys were held", times(sum.keys_held, sum.keys_held_s)),
            row("立会人の応答が途絶えた回数", "Witnesses lost", sum.witnesses_lost.to_string()),
            row("記録の欠落", "Gaps in the recording", times(sum.gaps, sum.gap_s)),
            row("記録の途絶", "Recorders lost", sum.recorders_lost.to_string()),
            row("検証の失敗", "Failed verifications", report.verifications_failed.to_string()),
            row("バックアップからの復元", "Restored from the backup", report.restored.to_string()),
            row("認められた範囲外の変更", "Accepted changes outside the scope", report.accepted_changes.to_string()),
            row("断られた操作", "Refused", report.refused.to_string()),
            row("すべての承認役割の承認が必要だったもの（E14）", "Needed both approver roles (E14)", report.hardened.to_string()),
        ];
        self.section("course", ("実行と記録", "Execution and recording"), &[("項目", "Item"), ("値", "Value")], rows)
    }

    fn follow_up(&self) -> Section {
        use hikeshi_domain::review::Standing::{InTime, Late, NotNeeded, Open, Overdue};
        let mut head = self.head(&[("事後処理", "Owed"), ("発生", "Raised")]);
        head.extend([InTime, Late, Open, Overdue, NotNeeded].map(|of| standing(self.lang, of).to_owned()));
        let rows = self.report.follow_up.iter().filter(|row| row.raised > 0).map(|row| {
            let numbers = [row.raised, row.in_time, row.late, row.open, row.overdue, row.not_needed];
            let mut cells = vec![Cell::plain(label::obligation_kind(self.lang, row.kind))];
            cells.extend(numbers.map(Self::number));
            cells
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let mut section = self.section("follow-up", ("事後処理（E10〜E13）", "Follow-up (E10 to E13)"), &[], rows);
        if let Some(table) = &mut section.table {
            table.head = head;
        }
        section
    }

    fn open_items(&self) -> Section {
        let head = [("番号", "No."), ("種類", "Kind"), ("内容", "What"), ("担当", "Owner"), ("期限", "Due"), ("状態", "State")];
        let rows = self.report.open_items.iter().map(|item| {
            let state = if item.overdue { ("期限超過", "overdue") } else { ("期限前", "not yet due") };
            let what = if item.kind == Kind::Corrective { item.emergency.to_string() } else { clipped(&item.text, WORDS_MAX) };
            vec![
                Cell::link(item.obligation.to_string(), format!("/obligations/{}", item.obligation)),
                Cell::plain(label::obligation_kind(self.lang, item.kind)),
                Cell::plain(what),
                Cell::plain(self.names.person(self.lang, &item.owner)),
                Cell::plain(self.stamp(item.due_at)),
                Cell::plain(self.pick(state.0, state.1)),
            ]
        });
        self.section(
            "open",
            (
                "残っている再発防止策と是正措置（過去1年の緊急例外から）",
                "Open prevention items and corrective actions, of a year's exceptions",
            ),
            &head,
            rows.collect(),
        )
    }

    fn findings(&self) -> Section {
        let head = [
            ("緊急例外", "Exception"),
            ("指摘", "Finding"),
            ("理由", "Why"),
            ("もとになった記録", "Entries"),
            ("是正措置", "Corrective action"),
        ];
        let rows = self.report.found.iter().map(|found| {
            let entries = names::list(self.lang, found.finding.entries.iter().map(|seq| format!("#{seq}")));
            let corrective = match found.corrective {
                Some((id, at)) => Cell::link(format!("{id} {}", standing(self.lang, at)), format!("/obligations/{id}")),
                None => Cell::plain("—"),
            };
            let first = found.finding.entries.first().map(|seq| format!("/ledger/{seq}"));
            vec![
                Cell::link(found.emergency.to_string(), format!("/emergencies/{}", found.emergency)),
                Cell::plain(finding_name(self.lang, found.finding.kind.name())),
                Cell::plain(explanation(self.lang, &found.finding.kind, self.names)),
                Cell { text: entries, href: first },
                corrective,
            ]
        });
        self.section("findings", ("指摘（E13）", "Findings (E13)"), &head, rows.collect())
    }
}

/// `26/11`: what fits under a bar.
pub(super) fn short(month: Month) -> String {
    format!("{:02}/{:02}", month.year() % 100, month.number())
}

fn change(lang: Lang, now: u64, before: u64) -> String {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (now.cmp(&before), lang) {
        (Greater, Ja) => format!("{}件の増加", now - before),
        (Greater, En) => format!("{} more", now - before),
        (Less, Ja) => format!("{}件の減少", before - now),
        (Less, En) => format!("{} fewer", before - now),
        (Equal, Ja) => "増減なし".to_owned(),
        (Equal, En) => "no change".to_owned(),
    }
}
