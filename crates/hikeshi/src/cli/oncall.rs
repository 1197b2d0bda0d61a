//! `hikeshi oncall …`: who is on call, and taking over a shift.

use clap::{Args, Subcommand};
use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{OverrideId, PersonId, ScheduleName};
use hikeshi_domain::oncall::{self, Cover, Shift};
use hikeshi_engine::look::{OncallSchedule, OncallView};
use hikeshi_text::time::Zone;
use hikeshi_text::{Names, page, terminal};
use hikeshi_web::calendar;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Caller;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show {
        schedule: ScheduleName,
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=400))]
        days: u32,
    },
    Override(OverrideArgs),
    Cancel {
        id: OverrideId,
        reason: String,
    },
    Export {
        schedule: ScheduleName,
    },
}

#[derive(Debug, Args)]
pub struct OverrideArgs {
    schedule: ScheduleName,
    person: Option<PersonId>,
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    #[arg(long, value_name = "TIME")]
    until: String,
    #[arg(long)]
    reason: String,
    #[arg(long, value_name = "PERSON|FROM|UNTIL")]
    swap: Vec<String>,
}

pub async fn run(verb: Option<Verb>, caller: &Caller<'_>) -> Result<()> {
    match verb {
        None => now(caller).await,
        Some(Verb::Show { schedule, from, days }) => show_one(&schedule, from.as_deref(), days, caller).await,
        Some(Verb::Override(args)) => take_over(args, caller).await,
        Some(Verb::Cancel { id, reason }) => {
            caller.submit_and_tell(Command::Oncall(oncall::Command::Cancel { id, reason }), None).await.map(drop)
        }
        Some(Verb::Export { schedule }) => export(&schedule, caller).await,
    }
}

async fn now(caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.oncall(None, 14).await?;
    let names = caller.names().await?;
    caller.out.data(&view, || {
        if view.schedules.is_empty() {
            return terminal::no_schedules(caller.lang);
        }
        view.schedules.iter().map(|schedule| now_text(&view, schedule, &names, caller)).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

fn now_text(view: &OncallView, schedule: &OncallSchedule, names: &Names, caller: &Caller<'_>) -> String {
    let (lang, zone) = (caller.lang, names.zone());
    let who = |person: Option<&PersonId>| person.map_or_else(|| terminal::nobody_on_call(lang), |person| names.written(person).to_owned());
    let until = page::oncall_until(lang, zone, schedule.until, view.at);
    let mut text = format!("{} ({})\n  {}  {until}\n", schedule.name, schedule.schedule, who(schedule.person.as_ref()));
    if let Some(next) = &schedule.next {
        let begins = terminal::shift_time(lang, zone, next.from, view.at);
        text.push_str(&format!("  {}: {}  {begins}\n", terminal::word_next(lang), who(next.person.as_ref())));
    }
    for gap in schedule.shifts.iter().filter(|shift| shift.person.is_none()) {
        text.push_str(&format!("  ! {}\n", page::oncall_gap(lang, zone, gap.from, gap.until, view.at)));
    }
    text
}

async fn show_one(schedule: &ScheduleName, from: Option<&str>, days: u32, caller: &Caller<'_>) -> Result<()> {
    let zone = zone(schedule, caller).await?;
    let from = from.map(|from| moment(from, &zone, caller)).transpose()?;
    let view = caller.reach.oncall(from, days).await?;
    let names = caller.names().await?;
    let found = found(&view, schedule, caller)?;
    caller
        .out
        .data(found, || found.shifts.iter().map(|shift| shift_text(shift, view.at, names.zone(), &names, caller)).collect::<String>());
    Ok(())
}

fn shift_text(shift: &Shift, now: Timestamp, zone: &Zone, names: &Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let time = |at| terminal::shift_time(lang, zone, at, now);
    let who = shift.person.as_ref().map_or_else(|| terminal::nobody_on_call(lang), |person| names.written(person).to_owned());
    let mark = shift.by_override.map(|id| terminal::word_override(lang, &id.to_string())).unwrap_or_default();
    format!("{} – {}  {who}{mark}\n", time(shift.from), time(shift.until))
}

async fn take_over(args: OverrideArgs, caller: &Caller<'_>) -> Result<()> {
    let OverrideArgs { schedule, person, from, until, reason, swap } = args;
    let zone = zone(&schedule, caller).await?;
    let person = match person {
        Some(person) => person,
        None => caller.reach.me().await?,
    };
    let from = from.map_or_else(|| Ok(crate::now()), |from| moment(&from, &zone, caller))?;
    let mut covers = vec![Cover { schedule: schedule.clone(), person, from, until: moment(&until, &zone, caller)? }];
    for given in swap {
        let mut parts = given.splitn(3, '|').map(str::trim);
        let (Some(person), Some(from), Some(until)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Failure::Usage(terminal::swap_form(caller.lang)));
        };
        let (from, until) = (moment(from, &zone, caller)?, moment(until, &zone, caller)?);
        covers.push(Cover { schedule: schedule.clone(), person: person.parse()?, from, until });
    }
    caller.submit_and_tell(Command::Oncall(oncall::Command::Override { covers, reason }), Some("hikeshi oncall".to_owned())).await.map(drop)
}

async fn export(schedule: &ScheduleName, caller: &Caller<'_>) -> Result<()> {
    let back = SignedDuration::from_hours(24 * i64::from(calendar::DAYS_BACK));
    let from = crate::now().saturating_sub(back).unwrap_or(Timestamp::MIN);
    let view = caller.reach.oncall(Some(from), calendar::DAYS).await?;
    let names = caller.names().await?;
    show::line(calendar::calendar(caller.lang, &view, found(&view, schedule, caller)?, &names).trim_end());
    Ok(())
}

fn found<'a>(view: &'a OncallView, schedule: &ScheduleName, caller: &Caller<'_>) -> Result<&'a OncallSchedule> {
    let found = view.schedules.iter().find(|found| found.schedule == *schedule);
    found.ok_or_else(|| Failure::NotFound(terminal::not_found(caller.lang, schedule.as_str())))
}

/// Times are typed in the schedule's zone. An unknown schedule has none; the door says so.
async fn zone(schedule: &ScheduleName, caller: &Caller<'_>) -> Result<TimeZone> {
    let policy = caller.reach.policy().await?;
    Ok(policy.schedules.get(schedule).map_or_else(|| policy.zone(), |schedule| schedule.zone(&policy)))
}

/// RFC 3339, or a local date and time.
fn moment(given: &str, zone: &TimeZone, caller: &Caller<'_>) -> Result<Timestamp> {
    let local = || given.parse::<DateTime>().ok().and_then(|local| zone.to_timestamp(local).ok());
    given.parse().ok().or_else(local).ok_or_else(|| Failure::Usage(terminal::no_moment(caller.lang, given)))
}
