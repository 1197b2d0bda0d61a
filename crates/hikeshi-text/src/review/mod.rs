//! Words for looking back (rules E13, E15, I11): periods, findings with their explanations, the report as a document, and its charts.
//!
//! The document is made of [`Section`]s, from which Markdown and the page are made alike: the same words and the same numbers everywhere.

mod chart;
mod finding;
mod incidents;
mod markdown;
mod sections;

pub use chart::{Bar, Tick, bars, ticks};
pub use finding::{explanation, finding_name, tried};
pub use markdown::markdown;
pub use sections::{Cell, Chart, Section, Table, sections};

use hikeshi_domain::emergency::Status;
use hikeshi_domain::review::{Period, Standing};

use crate::Lang::{self, En, Ja};
use crate::label::both;

/// `2026年11月`, `Nov 2026`; `2026年 第4四半期（10〜12月）`, `Q4 2026 (Oct to Dec)`.
pub fn period(lang: Lang, period: Period) -> String {
    let (first, last) = (period.first_month(), period.last_month());
    match (period, lang) {
        (Period::Month(month), Ja) => format!("{}年{}月", month.year(), month.number()),
        (Period::Month(month), En) => format!("{} {}", month_name(month.number()), month.year()),
        (Period::Quarter(quarter), Ja) => {
            format!("{}年 第{}四半期（{}〜{}月）", quarter.year(), quarter.number(), first.number(), last.number())
        }
        (Period::Quarter(quarter), En) => {
            format!("Q{} {} ({} to {})", quarter.number(), quarter.year(), month_name(first.number()), month_name(last.number()))
        }
    }
}

/// `月次報告（インシデントと緊急例外）: 2026年11月`.
pub fn title(lang: Lang, of: Period) -> String {
    let name = period(lang, of);
    match (of, lang) {
        (Period::Month(_), Ja) => format!("月次報告（インシデントと緊急例外）: {name}"),
        (Period::Month(_), En) => format!("Monthly report on incidents and emergency exceptions: {name}"),
        (Period::Quarter(_), Ja) => format!("四半期分析（インシデントと緊急例外）: {name}"),
        (Period::Quarter(_), En) => format!("Quarterly analysis of incidents and emergency exceptions: {name}"),
    }
}

fn month_name(month: u32) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month.saturating_sub(1)).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or_default()
}

/// Where something that is owed stood.
pub fn standing(lang: Lang, standing: Standing) -> &'static str {
    both(
        lang,
        match standing {
            Standing::InTime => ("期限内に完了", "done in time"),
            Standing::Late => ("期限後に完了", "done late"),
            Standing::Open => ("未完了（期限前）", "open, not yet due"),
            Standing::Overdue => ("期限超過", "overdue"),
            Standing::NotNeeded => ("対応不要", "not needed"),
        },
    )
}

fn ended(lang: Lang, status: Status) -> &'static str {
    crate::label::emergency_status(lang, status)
}
