//! The report's part on incidents (rule I11): how many, how fast, in time or not, who was called, and what was noise.

use hikeshi_domain::review::{IncidentFigures, MonthMeasures, NIGHT_FROM_H, NIGHT_UNTIL_H, Noise, Period, PriorityFigures, Target, Times};

use super::sections::{Cell, Chart, Say, Section, short};
use super::{Bar, period};
use crate::Lang::{En, Ja};
use crate::plain::clipped;

type Goal = fn(&IncidentFigures) -> &Times;
const TO_ACKNOWLEDGE: Goal = |figures| &figures.acknowledge;
const TO_MITIGATE: Goal = |figures| &figures.mitigate;
const TO_RESOLVE: Goal = |figures| &figures.resolve;

impl Say<'_> {
    /// Where none of the compared months has any incident, alert or page, there is nothing to be said.
    pub(super) fn incidents(&self) -> Vec<Section> {
        let measures = &self.report.incidents;
        if measures.is_empty() {
            return Vec::new();
        }
        let mut all = vec![self.incident_months()];
        if !measures.by_priority.is_empty() {
            all.extend([self.response(), self.targets()]);
        }
        let acknowledged = (
            "対応開始までの時間の推移（MTTA）",
            "Time to acknowledge per month (MTTA)",
            "対応開始までの中央値",
            "Median to acknowledgement",
        );
        let resolved = ("復旧までの時間の推移（MTTR）", "Time to recovery per month (MTTR)", "復旧までの中央値", "Median to recovery");
        all.push(self.course("mtta", acknowledged, TO_ACKNOWLEDGE));
        all.push(self.course("mttr", resolved, TO_RESOLVE));
        all.push(self.called());
        all.push(self.noise());
        all
    }

    fn incident_months(&self) -> Section {
        let report = self.report;
        let own = report.period.months();
        let rows = report.incidents.months.iter();
        let mut head = self.head(&[("月", "Month"), ("インシデント", "Incidents")]);
        head.extend(hikeshi_domain::incident::Priority::ALL.map(|priority| self.names.priority(self.lang, priority).to_owned()));
        head.extend(self.head(&[("アラート", "Alerts"), ("呼び出し", "Pages")]));
        let cells = |row: &MonthMeasures| {
            let of = |priority| row.by_priority.iter().find(|known| known.priority == priority).map_or(0, |known| known.figures.opened);
            let mut cells = vec![self.month_link(row), Self::number(row.all.opened)];
            cells.extend(hikeshi_domain::incident::Priority::ALL.map(|priority| Self::number(of(priority))));
            cells.extend([Self::number(row.alerts), Self::number(row.pages)]);
            cells
        };
        let mut section = self.section("incidents", ("インシデントの件数", "Incidents"), &[], rows.clone().map(cells).collect());
        if let Some(table) = &mut section.table {
            table.head = head;
        }
        let bar = |row: &MonthMeasures| Bar { name: short(row.month), value: row.all.opened, marked: own.contains(&row.month) };
        section.chart = Some(Chart {
            title: self.pick("月ごとのインシデントの件数", "Incidents opened per month"),
            description: rows.clone().map(|row| format!("{} {}", row.month, row.all.opened)).collect::<Vec<_>>().join(", "),
            bars: rows.map(bar).collect(),
        });
        let (name, opened) = (period(self.lang, report.period), report.incidents.all.opened);
        section.paragraphs = vec![match self.lang {
            Ja => format!("{name}に始まったインシデントは{opened}件でした。優先度は始まったときのものです。"),
            En => format!("Incidents opened in {name}: {opened}, by the priority that they were opened with."),
        }];
        section
    }

    fn month_link(&self, row: &MonthMeasures) -> Cell {
        Cell::link(period(self.lang, Period::Month(row.month)), format!("/reports/{}", row.month))
    }

    fn response(&self) -> Section {
        let head = [
            ("優先度", "Priority"),
            ("検知から", "From detection to"),
            ("件数", "Count"),
            ("中央値", "Median"),
            ("平均", "Mean"),
            ("90パーセンタイル", "90th percentile"),
            ("期間の終わりに未到達", "Not there at the end"),
        ];
        let goals: [(&str, &str, Goal); 3] =
            [("対応開始", "acknowledgement", TO_ACKNOWLEDGE), ("一時対応", "mitigation", TO_MITIGATE), ("復旧", "recovery", TO_RESOLVE)];
        let of = |row: &PriorityFigures| {
            let priority = row.priority;
            goals.map(|(ja, en, goal)| {
                let times = goal(&row.figures);
                let mut cells = vec![Cell::plain(self.names.priority(self.lang, priority)), Cell::plain(self.pick(ja, en))];
                cells.extend(self.times_of(times));
                cells.push(Self::number(times.waiting));
                cells
            })
        };
        let rows = self.report.incidents.by_priority.iter().flat_map(of).collect();
        let mut section = self.section("response", ("対応にかかった時間（I11）", "Times (I11)"), &head, rows);
        section.paragraphs = vec![self.pick(
            "検知した時刻から数えます。それぞれの時間は、対応開始、一時対応、復旧があった月に、そのときの優先度で数えます。期間の終わりにまだそこに至っていないものは数に入れず、件数だけを示します。",
            "Counted from detection. Each time belongs to the month in which the incident was acknowledged, mitigated or resolved, and to the priority that it had then. What had not come to it by the end is not counted, and named.",
        )];
        section
    }

    fn times_of(&self, times: &Times) -> [Cell; 4] {
        let seconds = |value: Option<i64>| Cell::plain(self.seconds(value));
        [Self::number(times.count), seconds(times.median_s), seconds(times.mean_s), seconds(times.p90_s)]
    }

    fn course(&self, id: &'static str, (ja, en, chart_ja, chart_en): (&str, &str, &str, &str), goal: Goal) -> Section {
        let own = self.report.period.months();
        let months = self.report.incidents.months.iter();
        let head = [("月", "Month"), ("件数", "Count"), ("中央値", "Median"), ("平均", "Mean"), ("90パーセンタイル", "90th percentile")];
        let cells = |row: &MonthMeasures| {
            let mut cells = vec![self.month_link(row)];
            cells.extend(self.times_of(goal(&row.all)));
            cells
        };
        let mut section = self.section(id, (ja, en), &head, months.clone().map(cells).collect());
        let minutes = |row: &MonthMeasures| goal(&row.all).median_s.map_or(0, |seconds| u64::try_from(seconds).unwrap_or(0).div_ceil(60));
        let unit = self.pick("分", "min");
        section.chart = Some(Chart {
            title: format!("{}（{unit}）", self.pick(chart_ja, chart_en)),
            description: months.clone().map(|row| format!("{} {} {unit}", row.month, minutes(row))).collect::<Vec<_>>().join(", "),
            bars: months.map(|row| Bar { name: short(row.month), value: minutes(row), marked: own.contains(&row.month) }).collect(),
        });
        section
    }

    fn targets(&self) -> Section {
        let head = [
            ("優先度", "Priority"),
            ("対応開始 目標内", "Acknowledged in time"),
            ("対応開始 目標超過", "Not in time"),
            ("割合", "Share"),
            ("復旧 目標内", "Restored in time"),
            ("復旧 目標超過", "Not in time"),
            ("割合", "Share"),
        ];
        let share = |target: &Target| match (target.met + target.missed, target.met) {
            (0, _) => "—".to_owned(),
            (all, met) => format!("{} %", met.saturating_mul(100) / all),
        };
        let cells = |row: &PriorityFigures| {
            let mut cells = vec![Cell::plain(self.names.priority(self.lang, row.priority))];
            for target in [&row.figures.act, &row.figures.restore] {
                cells.extend([Self::number(target.met), Self::number(target.missed), Cell::plain(share(target))]);
            }
            cells
        };
        let rows = self.report.incidents.by_priority.iter().map(cells).collect();
        let mut section = self.section("targets", ("目標の達成", "Targets"), &head, rows);
        section.paragraphs = vec![self.pick(
            "そのとき有効だったポリシーの act_within_min と restore_within_min によります。間に合ったものはその月に、間に合わなかったものは期限が過ぎた月に数えます。目標のない優先度は数えません。",
            "By act_within_min and restore_within_min of the policy that was valid then. What was in time counts in its month, what was not in the month in which the time ran out. A priority without a target is not counted.",
        )];
        section
    }

    fn called(&self) -> Section {
        let people = &self.report.incidents.pages;
        let head = [
            ("担当者", "Person"),
            ("呼び出し", "Pages"),
            ("うち夜間", "At night"),
            ("うち土日祝日", "On days off"),
            ("起こされた夜", "Nights"),
            ("連絡した回数", "Attempts"),
        ];
        let row = |row: &hikeshi_domain::review::PersonPages| {
            let mut cells = vec![Cell::plain(self.names.person(self.lang, &row.person))];
            cells.extend([row.pages, row.night, row.day_off, row.nights, row.attempts].map(Self::number));
            cells
        };
        let mut section = self.section("pages", ("一人ごとの呼び出し", "Pages per person"), &head, people.iter().map(row).collect());
        if people.is_empty() {
            return section;
        }
        section.chart = (people.len() > 1).then(|| Chart {
            title: self.pick("一人ごとの呼び出しの回数", "Pages per person"),
            description: people
                .iter()
                .map(|row| format!("{} {}", self.names.person(self.lang, &row.person), row.pages))
                .collect::<Vec<_>>()
                .join(", "),
            bars: people
                .iter()
                .map(|row| Bar { name: clipped(self.names.written(&row.person), 10), value: row.pages, marked: false })
                .collect(),
        });
        let (from, until, zone) = (NIGHT_FROM_H, NIGHT_UNTIL_H, &self.report.time_zone);
        section.paragraphs = vec![match self.lang {
            Ja => format!(
                "呼び出しは、一つのインシデントの一段階で一人を呼ぶことを一回と数えます。夜間は {zone} の {from}:00 から {until}:00、祝日は日本の国民の祝日です（Asia/Tokyo のワークスペースのみ）。"
            ),
            En => format!(
                "One page is one person called by one step of one incident. A night is {from}:00 to {until}:00 in {zone}. Days off are Saturdays and Sundays, and for workspaces in Asia/Tokyo the national holidays of Japan."
            ),
        }];
        section
    }

    fn noise(&self) -> Section {
        let Noise { alerts, joined, flapping, silenced, opened_by_programs, over_by_itself, without_act, not_needed, silences, lifted } =
            self.report.incidents.noise;
        let row = |ja: &str, en: &str, value: u64| vec![Cell::plain(self.pick(ja, en)), Self::number(value)];
        let rows = vec![
            row("受け取ったアラート（鳴り始めた回数）", "Alerts received (times that one began to fire)", alerts),
            row("すでにあるインシデントに加わったもの", "Joined an incident that was there", joined),
            row("鳴ったり止んだりしたため呼び出さなかったもの", "Held back as flapping", flapping),
            row("停止により呼び出さなかったもの", "Held back by a silence", silenced),
            row("アラートや監視から始まったインシデント", "Incidents opened by alerts and monitors", opened_by_programs),
            row("対応開始の前に自然に収まったもの", "Over by itself before anybody acknowledged", over_by_itself),
            row("誰も何もしないまま復旧したもの", "Resolved without anybody's act", without_act),
            row("ポストモーテムが不要とされたもの", "Postmortem found not to be needed", not_needed),
            row("作られた停止", "Silences made", silences),
            row("期限の前に解除された停止", "Silences lifted early", lifted),
        ];
        self.section("noise", ("ノイズ", "Noise"), &[("項目", "Item"), ("値", "Value")], rows)
    }
}
