//! Every command of the command line: what can be typed, and which area answers. One file per area; what a person reads is in `hikeshi_text::terminal`.
//!
//! An area's `run` gets a [`Caller`] (who asks, how the answer is wanted) and ends with `Ok` or a [`Failure`], whose exit code is promised.

mod alert;
pub mod caller;
mod change;
mod channel;
mod check;
mod contact;
pub mod emergency;
pub mod entrance;
mod help;
mod import;
mod incident;
mod ledger;
mod merge;
mod monitor;
mod obligation;
mod oncall;
mod people;
mod plan_file;
mod policy;
mod postmortem;
mod report;
mod slack;
mod spoken;
mod status;
#[cfg(test)]
mod table;
mod tag;
mod token;
mod trust;
mod waiting;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, FromArgMatches as _, Parser, Subcommand};
use hikeshi_text::{Lang, terminal};

pub use caller::Caller;
pub use check::mistakes;
pub use trust::{kept as kept_trust, named};

use crate::fail::{Failure, Result};
use crate::show::{self, Out};

#[derive(Debug, Parser)]
#[command(name = "hikeshi", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub area: Area,
}

#[derive(Debug, Clone, Args)]
pub struct Global {
    #[arg(long, global = true)]
    pub json: bool,
    #[arg(long, global = true)]
    pub dry_run: bool,
    #[arg(long, global = true)]
    pub no_wait: bool,
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout_s: u64,
    #[arg(long, global = true, value_name = "WORD")]
    pub confirm: Option<String>,
    #[arg(long, global = true, value_name = "ja|en")]
    pub lang: Option<Lang>,
    #[arg(long, global = true, env = "HIKESHI_URL", value_name = "URL", default_value = "http://127.0.0.1:7410")]
    pub url: String,
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    #[arg(long, global = true, value_name = "KEY")]
    pub key: Option<String>,
    #[arg(long, global = true)]
    pub local: bool,
    #[arg(long, global = true, env = "HIKESHI_CONFIG", value_name = "FILE", default_value = "hikeshi.toml")]
    pub config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Area {
    Now,
    Open(entrance::OpenArgs),
    Incident {
        #[command(subcommand)]
        verb: incident::Verb,
    },
    Alert {
        #[command(subcommand)]
        verb: alert::Verb,
    },
    Change {
        #[command(subcommand)]
        verb: change::Verb,
    },
    Emergency {
        #[command(subcommand)]
        verb: emergency::Verb,
    },
    Obligation {
        #[command(subcommand)]
        verb: obligation::Verb,
    },
    Report {
        #[command(subcommand)]
        verb: report::Verb,
    },
    Contact {
        #[command(subcommand)]
        verb: contact::Verb,
    },
    Oncall {
        #[command(subcommand)]
        verb: Option<oncall::Verb>,
    },
    Status {
        #[command(subcommand)]
        verb: Option<status::Verb>,
    },
    Monitor {
        #[command(subcommand)]
        verb: monitor::Verb,
    },
    Channel {
        #[command(subcommand)]
        verb: channel::Verb,
    },
    Ledger {
        #[command(subcommand)]
        verb: ledger::Verb,
    },
    People {
        #[command(subcommand)]
        verb: people::Verb,
    },
    Token {
        #[command(subcommand)]
        verb: token::Verb,
    },
    Trust {
        #[command(subcommand)]
        verb: trust::Verb,
    },
    Policy {
        #[command(subcommand)]
        verb: policy::Verb,
    },
    Slack {
        #[command(subcommand)]
        verb: slack::Verb,
    },
    Merge {
        #[command(subcommand)]
        verb: merge::Verb,
    },
    Tag {
        #[command(subcommand)]
        verb: tag::Verb,
    },
    Login(entrance::LoginArgs),
    Reconcile(crate::away::ReconcileArgs),
    Check(check::CheckArgs),
    Schema {
        #[command(subcommand)]
        verb: check::SchemaVerb,
    },
    Init(check::InitArgs),
    Import(import::ImportArgs),
    Serve(crate::serve::ServeArgs),
    Try(crate::rehearsal::TryArgs),
    Completions {
        shell: clap_complete::Shell,
    },
    #[command(hide = true)]
    StepRunner {
        spool: PathBuf,
    },
    /// The server's hands on the host of a target; started by the server through ssh.
    #[command(hide = true)]
    Hands {
        ledger: String,
    },
    #[command(hide = true)]
    SessionRecorder {
        dir: PathBuf,
    },
    #[command(hide = true)]
    ReservationService(crate::rehearsal::reservations::ServiceArgs),
}

/// The whole program: reads the arguments, runs, prints, and turns the end into an exit code.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let lang = language(&args);
    let command = help::localised(lang);
    let parsed = command.try_get_matches_from(args.clone()).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if let Err(broken) = error.print() {
                tracing::debug!("the help was not read to its end: {broken}");
            }
            return ExitCode::from(code);
        }
    };
    if let Area::StepRunner { spool } = &cli.area {
        return hikeshi_outside::step_runner(spool);
    }
    if let Area::Hands { ledger } = &cli.area {
        return hikeshi_outside::ssh::hands(ledger, vec![OsString::from("step-runner")]);
    }
    if let Area::SessionRecorder { dir } = &cli.area {
        return emergency::shell::recorder(dir);
    }
    let out = Out::new(lang, cli.global.json);
    let quiet = matches!(cli.area, Area::Reconcile(_) | Area::ReservationService(_) | Area::Completions { .. });
    let ended = dispatch(cli, lang, &out);
    if !quiet {
        crate::away::warn(lang, &out);
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            out.failure(&failure);
            ExitCode::from(code as u8)
        }
    }
}

/// `--lang`, then `HIKESHI_LANG`, then the locale, then Japanese. Read before clap, since clap's own words depend on it.
fn language(args: &[OsString]) -> Lang {
    let mut given = args.iter().filter_map(|arg| arg.to_str());
    let mut chosen = None;
    while let Some(arg) = given.next() {
        if let Some(value) = arg.strip_prefix("--lang=") {
            chosen = Lang::parse(value);
        } else if arg == "--lang" {
            chosen = given.next().and_then(Lang::parse);
        }
    }
    let of_env = |name: &str| crate::settings::text(name).and_then(|value| Lang::parse(&value));
    chosen
        .or_else(|| of_env("HIKESHI_LANG"))
        .or_else(|| of_env("LC_ALL"))
        .or_else(|| of_env("LC_MESSAGES"))
        .or_else(|| of_env("LANG"))
        .unwrap_or_default()
}

fn dispatch(cli: Cli, lang: Lang, out: &Out) -> Result<()> {
    let Cli { global, area } = cli;
    match area {
        Area::Check(args) => check::check(&args, lang, out),
        Area::Schema { verb } => check::schema(&verb, out),
        Area::Init(args) => check::init(&args, lang, out),
        Area::Import(args) => import::run(&args, crate::settings::now(), lang, out),
        Area::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut help::localised(lang), "hikeshi", &mut script);
            show::line(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Area::StepRunner { .. } | Area::Hands { .. } | Area::SessionRecorder { .. } => {
            Err(Failure::Usage(terminal::not_a_door_command(lang)))
        }
        Area::ReservationService(args) => crate::rehearsal::reservations::serve(&args).map_err(Failure::from),
        Area::Ledger { verb } if verb.is_offline() => ledger::offline(&verb, &global, lang, out),
        Area::Trust { verb } if verb.is_offline() => trust::offline(&verb, &global, lang, out),
        Area::Emergency { verb: emergency::Verb::ApprovalCheck(args) } => trust::check(&args, &global, lang, out),
        Area::Slack { verb } => runtime()?.block_on(slack::run(&verb, &global, lang, out)),
        Area::Merge { verb } => runtime()?.block_on(merge::run(&verb, &global, lang, out)),
        Area::Tag { verb } => runtime()?.block_on(tag::run(&verb, lang, out)),
        Area::Serve(args) if global.local => runtime()?.block_on(crate::away::serve(&args, &global, lang, out)),
        Area::Reconcile(args) => runtime()?.block_on(crate::away::reconcile(&args, &global, lang, out)),
        Area::Serve(args) => runtime()?.block_on(crate::serve::run(&args, &global, lang, out)),
        Area::Try(args) => runtime()?.block_on(crate::rehearsal::run(args, lang, out)),
        area => runtime()?.block_on(asked(area, global, lang, out)),
    }
}

/// The commands that speak to the door, through a server or in-process. Ctrl-C leaves at once: whatever was answered is recorded.
async fn asked(area: Area, global: Global, lang: Lang, out: &Out) -> Result<()> {
    let work = async {
        if let Area::Login(args) = &area {
            return entrance::login(args, &global, lang, out).await;
        }
        let caller = Caller::new(&global, lang, out).await?;
        let ended = answer(area, &caller).await;
        if ended.is_ok() {
            trust::renew(&caller).await;
            crate::away::announce(&caller).await;
        }
        caller.finish().await;
        ended
    };
    tokio::select! {
        ended = work => ended,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

async fn answer(area: Area, caller: &Caller<'_>) -> Result<()> {
    match area {
        Area::Now => entrance::now(caller).await,
        Area::Open(args) => entrance::open(&args, caller),
        Area::Incident { verb } => incident::run(verb, caller).await,
        Area::Alert { verb } => alert::run(verb, caller).await,
        Area::Change { verb } => change::run(verb, caller).await,
        Area::Emergency { verb } => emergency::run(verb, caller).await,
        Area::Obligation { verb } => obligation::run(verb, caller).await,
        Area::Contact { verb } => contact::run(verb, caller).await,
        Area::Monitor { verb } => monitor::run(verb, caller).await,
        Area::Oncall { verb } => oncall::run(verb, caller).await,
        Area::Status { verb } => status::run(verb, caller).await,
        Area::Report { verb } => report::run(verb, caller).await,
        Area::Channel { verb } => channel::run(verb, caller).await,
        Area::Ledger { verb } => ledger::run(verb, caller).await,
        Area::People { verb } => people::run(verb, caller).await,
        Area::Token { verb } => token::run(verb, caller).await,
        Area::Trust { verb } => trust::run(verb, caller).await,
        Area::Policy { verb } => policy::run(verb, caller).await,
        Area::Login(_)
        | Area::Check(_)
        | Area::Schema { .. }
        | Area::Init(_)
        | Area::Import(_)
        | Area::Slack { .. }
        | Area::Merge { .. }
        | Area::Tag { .. }
        | Area::Serve(_)
        | Area::Reconcile(_)
        | Area::Try(_)
        | Area::Completions { .. }
        | Area::StepRunner { .. }
        | Area::Hands { .. }
        | Area::SessionRecorder { .. }
        | Area::ReservationService(_) => Err(Failure::Usage(terminal::not_a_door_command(caller.lang))),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    // The TLS library wants to be told which implementation it uses.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("it was told before");
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from)
}
