//! Every address of the API with its handler and its description, side by side: what is not here does not exist.

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, delete, get, post};

use hikeshi_domain::Timestamp;
use hikeshi_domain::review::AsOf;

use super::{commands, read};
use crate::fail::Fail;
use crate::form::Fields;
use crate::pages::Query;
use crate::state::App;

pub const PREFIX: &str = "/api/v1";
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;
const DAYS: u32 = 14;
const DAYS_MAX: u32 = 400;

/// A parameter in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    Open,
    Before,
    Limit,
    DryRun,
    Size,
    At,
    Text,
    From,
    Days,
}

impl Param {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Before => "before",
            Self::Limit => "limit",
            Self::DryRun => "dry_run",
            Self::Size => "size",
            Self::At => "at",
            Self::Text => "text",
            Self::From => "from",
            Self::Days => "days",
        }
    }
}

/// One address, described.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub params: &'static [Param],
    /// Name of the answer in [`super::schemas`]; or the media type of an answer that is not JSON.
    pub answer: &'static str,
    /// Whether it needs nobody to be signed in.
    pub open: bool,
}

const PAGED: &[Param] = &[Param::Before, Param::Limit];
const LISTED: &[Param] = &[Param::Open, Param::Before, Param::Limit];

const fn seen(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    params: &'static [Param],
    answer: &'static str,
) -> Operation {
    Operation { method: "get", path, id, tag, summary, params, answer, open: false }
}

pub fn table() -> Vec<(Operation, MethodRouter<App>)> {
    let command = Operation {
        method: "post",
        path: "/commands",
        id: "giveCommand",
        tag: "commands",
        summary: "Give a command. Answered only after it is durable; the same Idempotency-Key is the same request.",
        params: &[Param::DryRun],
        answer: "CommandAnswer",
        open: false,
    };
    let open = |operation: Operation| Operation { open: true, ..operation };
    let mut all = vec![
        (command, post(commands::post)),
        (seen("/now", "seeNow", "cases", "What burns, who has it, what is owed, what may I do.", &[], "NowView"), get(read::now)),
        (seen("/incidents", "listIncidents", "cases", "Incidents, newest first.", LISTED, "IncidentPage"), get(read::incidents)),
        (
            seen("/alerts", "seeAlerts", "cases", "What fires, what is held back, and by which silence.", &[], "AlertsView"),
            get(read::alerts),
        ),
        (
            seen("/incidents/{id}", "seeIncident", "cases", "One incident with what the asker may do.", &[], "IncidentView"),
            get(read::incident),
        ),
        (
            seen("/incidents/{id}/timeline", "seeTimeline", "cases", "Ledger entries of one case, newest first.", PAGED, "EntryPage"),
            get(read::timeline),
        ),
        (
            seen(
                "/similar",
                "findSimilar",
                "cases",
                "Past incidents in which such words stand, most alike first.",
                &[Param::Text],
                "SimilarPasts",
            ),
            get(read::similar),
        ),
        (
            seen("/emergencies", "listEmergencies", "cases", "Emergency exceptions, newest first.", LISTED, "EmergencyPage"),
            get(read::emergencies),
        ),
        (seen("/emergencies/{id}", "seeEmergency", "cases", "One emergency exception.", &[], "EmergencyView"), get(read::emergency)),
        (
            seen("/emergencies/{id}/plan", "seePlan", "cases", "The plan, byte for byte as its digest is of it.", &[], "PlanDocument"),
            get(read::plan),
        ),
        (
            seen("/obligations", "listObligations", "cases", "What is owed after exceptions, newest first.", LISTED, "ObligationPage"),
            get(read::obligations),
        ),
        (seen("/obligations/{id}", "seeObligation", "cases", "One thing that is owed.", &[], "ObligationView"), get(read::obligation)),
        (seen("/channels/{name}", "seeChannel", "record", "Posts of a channel, newest first.", PAGED, "ChannelView"), get(read::channel)),
        (seen("/people", "listPeople", "workspace", "The people of the policy.", &[], "People"), get(read::people)),
        (
            seen("/policy", "seePolicy", "workspace", "The policy in force, and a change that waits.", &[], "PolicyAnswer"),
            get(read::policy),
        ),
        (seen("/contents/{digest}", "getContent", "record", "An output or a file, byte for byte.", &[], "text/plain"), get(read::contents)),
        (seen("/me", "seeMe", "workspace", "Who the asker is.", &[], "Me"), get(read::me)),
        (open(seen("/health", "seeHealth", "workspace", "Whether the server can be used.", &[], "Health")), get(read::health)),
        (open(seen("/openapi.json", "seeDescription", "workspace", "This description.", &[], "Description")), get(read::openapi)),
    ];
    all.extend(changes().into_iter().chain(reviews()));
    all.extend(oncall());
    all.extend(status());
    all.extend(monitors());
    all.extend(ledger());
    all.extend(recordings());
    all
}

/// What changed.
fn changes() -> Vec<(Operation, MethodRouter<App>)> {
    let told = "Tell of a change: the command `change.record`, without the words around it. Told twice it is one.";
    let list = seen("/changes", "listChanges", "cases", "The latest changes, newest first.", &[Param::Limit], "ChangesView");
    let tell =
        Operation { method: "post", params: &[Param::DryRun], ..seen("/changes", "tellOfChange", "commands", told, &[], "CommandAnswer") };
    vec![(list, get(read::changes)), (tell, post(commands::change))]
}

/// Who is on call, and whether they are reached.
fn oncall() -> Vec<(Operation, MethodRouter<App>)> {
    let summary = "Who is on call now, who is next, and the shifts of so many days.";
    let contacts = "By what people are reached, and when that was last proven.";
    vec![
        (seen("/oncall", "seeOncall", "cases", summary, &[Param::From, Param::Days], "OncallView"), get(read::oncall)),
        (seen("/contacts", "seeContacts", "cases", contacts, &[], "ContactsView"), get(read::contacts)),
    ]
}

/// What people outside the team are told.
fn status() -> Vec<(Operation, MethodRouter<App>)> {
    let summary = "What the status page shows, and whether its static files are written.";
    let readers = "Who reads the status page by mail. For administrators; of an address only as much is shown as it takes to recognise it.";
    vec![
        (seen("/status", "seeStatus", "cases", summary, &[], "StatusAnswer"), get(read::status)),
        (
            Operation {
                method: "delete",
                ..seen(
                    "/status/subscribers/{subscriber}",
                    "forgetSubscriber",
                    "workspace",
                    "Deletes the address of a subscriber.",
                    &[],
                    "Forgotten",
                )
            },
            delete(read::forget_subscriber),
        ),
        (seen("/status/subscribers", "listSubscribers", "workspace", readers, &[], "SubscribersView"), get(read::subscribers)),
    ]
}

/// What the monitors see.
fn monitors() -> Vec<(Operation, MethodRouter<App>)> {
    let summary = "Every monitor of the policy: its state, what it saw last, and its latest looks.";
    vec![(seen("/monitors", "seeMonitors", "cases", summary, &[], "MonitorsView"), get(read::monitors))]
}

/// Looking back.
fn reviews() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (
            seen("/reports", "listReports", "cases", "Uses per month, and the reports that are or were owed.", &[], "ReviewsView"),
            get(read::reviews),
        ),
        (
            seen(
                "/reports/{period}",
                "seeReport",
                "cases",
                "The report of a month (2026-11) or quarter (2026-Q4), as of now or as of a size of the ledger and a time.",
                &[Param::Size, Param::At],
                "ReviewView",
            ),
            get(read::review),
        ),
    ]
}

/// The record, and what verifying it needs.
fn ledger() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (
            seen("/ledger", "seeLedger", "record", "Size, root and entries of the ledger, newest first.", PAGED, "LedgerView"),
            get(read::ledger),
        ),
        (
            seen("/ledger/checkpoint", "seeCheckpoint", "record", "The newest signed checkpoint.", &[], "CheckpointAnswer"),
            get(read::checkpoint),
        ),
        (seen("/ledger/{seq}", "seeEntry", "record", "One entry with its canonical bytes.", &[], "EntryAnswer"), get(read::entry)),
        (
            seen(
                "/ledger/bundle/{incident}",
                "getBundle",
                "record",
                "The whole record of one case, to be verified offline.",
                &[],
                "application/zip",
            ),
            get(read::bundle),
        ),
        (seen("/trust", "seeTrust", "record", "Who may approve with which key, signed.", &[], "text/plain"), get(read::trust)),
    ]
}

/// A witnessed session in the forms that others read.
fn recordings() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (
            seen(
                "/emergencies/{id}/sessions/{session}/recording.cast",
                "getRecording",
                "record",
                "The recording of a witnessed session as asciicast v3.",
                &[],
                "application/x-asciicast",
            ),
            get(read::cast),
        ),
        (
            seen(
                "/emergencies/{id}/sessions/{session}/recording.v2.cast",
                "getRecordingV2",
                "record",
                "The same as asciicast v2, for older players.",
                &[],
                "application/x-asciicast",
            ),
            get(read::cast2),
        ),
        (
            seen(
                "/emergencies/{id}/sessions/{session}/recording.raw",
                "getRecordedOutput",
                "record",
                "The output of a witnessed session, byte for byte, in whatever encoding it was.",
                &[],
                "application/octet-stream",
            ),
            get(read::raw),
        ),
        (
            seen(
                "/emergencies/{id}/sessions/{session}/recording.frames",
                "getRecordedFrames",
                "record",
                "The frames of a witnessed session, as they were recorded and hashed.",
                &[],
                "application/octet-stream",
            ),
            get(read::frames),
        ),
    ]
}

pub fn routes() -> Router<App> {
    table().into_iter().fold(Router::new(), |router, (operation, handler)| router.route(&format!("{PREFIX}{}", operation.path), handler))
}

/// The query of an API request: every name must be known, every value readable.
pub struct Params {
    fields: Fields,
}

impl FromRequestParts<App> for Params {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fail> {
        let Query(fields) = Query::from_request_parts(parts, app).await?;
        let method = parts.method.as_str().to_ascii_lowercase();
        // What is asked for by HEAD is what GET would answer.
        let method = if method == "head" { "get" } else { method.as_str() };
        let allowed = allowed_here(method, parts.extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str));
        if let Some(unknown) = fields.names().find(|name| !allowed.contains(name)) {
            return Err(Fail::Malformed(format!("unknown query parameter `{}`", unknown.chars().take(40).collect::<String>())));
        }
        let mut names: Vec<&str> = fields.names().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Fail::Malformed("a query parameter is given twice".to_owned()));
        }
        Ok(Self { fields })
    }
}

fn allowed_here(method: &str, matched: Option<&str>) -> Vec<&'static str> {
    let own = matched.and_then(|path| path.strip_prefix(PREFIX)).unwrap_or_default();
    let found = table().into_iter().filter(|(operation, _)| operation.path == own && operation.method == method);
    found.flat_map(|(operation, _)| operation.params.iter().map(|param| param.name())).collect()
}

impl Params {
    /// For addresses without parameters: the names were checked already.
    pub fn none(&self) -> Result<(), Fail> {
        if self.fields.is_empty() { Ok(()) } else { Err(Fail::Malformed("this address takes no query parameters".to_owned())) }
    }
    pub fn flag(&self, name: &str) -> Result<bool, Fail> {
        match self.fields.raw(name) {
            "true" => Ok(true),
            "false" => Ok(false),
            "" if !self.fields.has(name) => Ok(false),
            other => Err(Fail::Malformed(format!("`{name}` is `true` or `false`, not `{}`", other.chars().take(40).collect::<String>()))),
        }
    }
    /// As of when something is to be computed; both or none.
    pub fn as_of(&self) -> Result<Option<AsOf>, Fail> {
        let (size, at) = (self.fields.raw("size"), self.fields.raw("at"));
        if !self.fields.has("size") && !self.fields.has("at") {
            return Ok(None);
        }
        let size = number(size).ok_or_else(|| bad_number("size", size))?;
        let at = at.parse().map_err(|_| Fail::Malformed(format!("`at` is no time: `{}`", at.chars().take(40).collect::<String>())))?;
        Ok(Some(AsOf { size, at }))
    }
    pub fn from(&self) -> Result<Option<Timestamp>, Fail> {
        let given = self.fields.raw("from");
        let read =
            || given.parse().map_err(|_| Fail::Malformed(format!("`from` is no time: `{}`", given.chars().take(40).collect::<String>())));
        self.fields.has("from").then(read).transpose()
    }
    pub fn days(&self) -> Result<u32, Fail> {
        if !self.fields.has("days") {
            return Ok(DAYS);
        }
        let given = self.fields.raw("days");
        let days = number(given).and_then(|days| u32::try_from(days).ok()).filter(|days| (1..=DAYS_MAX).contains(days));
        days.ok_or_else(|| bad_number("days", given))
    }
    pub fn text(&self) -> &str {
        self.fields.raw("text")
    }
    pub fn before(&self) -> Result<Option<u64>, Fail> {
        if !self.fields.has("before") {
            return Ok(None);
        }
        let given = self.fields.raw("before");
        number(given).map(Some).ok_or_else(|| bad_number("before", given))
    }
    pub fn limit(&self) -> Result<u32, Fail> {
        if !self.fields.has("limit") {
            return Ok(LIMIT);
        }
        let given = self.fields.raw("limit");
        let limit = number(given).and_then(|limit| u32::try_from(limit).ok()).filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| bad_number("limit", given))
    }
}

/// Digits only, and within what every store keeps.
fn number(given: &str) -> Option<u64> {
    let digits = !given.is_empty() && given.len() <= 15 && given.bytes().all(|byte| byte.is_ascii_digit());
    if digits { given.parse().ok() } else { None }
}

fn bad_number(name: &str, given: &str) -> Fail {
    Fail::Malformed(format!("`{name}` is not a number in its bounds: `{}`", given.chars().take(40).collect::<String>()))
}
