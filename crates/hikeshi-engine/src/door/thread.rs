//! The thread behind the door: takes whatever waits as one batch, so that many writers share one durable commit.
//!
//! It reads as a list: begin → seen these keys? → what do they need → load → decide each in order → one commit → answer all.
//! A passing trouble of the store is tried again a bounded number of times; nobody is told `Done` before the commit is durable.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, TryRecvError};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, RequestKey};
use hikeshi_domain::ledger::leaf_hash;
use hikeshi_store::{Head, KeptEntry, Result, StoreError, Writer};
use tokio::sync::oneshot;

use super::draft::{self, Draft, Finished, Stop};
use super::intake::Taken;
use super::load::{fill, fill_all};
use super::retime::{self, Retiming};
use super::{Answer, Fault, Inside, entry};
use crate::figures::count;

const BATCH_MAX: usize = 256;
/// Waits between the tries of one batch: about two seconds together, less than a caller's patience.
const RETRY_WAITS: [Duration; 6] = [
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_millis(600),
    Duration::from_millis(800),
];

/// Between tries at renewing timers while the store is away.
const RETIME_WAIT: Duration = Duration::from_millis(500);

/// How long the thread stays awake after a batch.
const AWAKE: Duration = Duration::from_micros(150);

/// One command on its way through the thread.
pub(crate) struct Request {
    pub(crate) taken: Taken,
    pub(crate) reply: oneshot::Sender<std::result::Result<Answer, Fault>>,
}

pub(crate) enum Job {
    Submit(Box<Request>),
    /// Make the timers of everything open anew.
    Retime,
    Stop,
}

pub(crate) struct DoorThread {
    inside: Arc<Inside>,
    jobs: Receiver<Job>,
    writer: Option<Writer>,
    /// Size of the ledger and time of its last entry, as this node last saw them.
    last: Option<(u64, Timestamp)>,
    retiming: Option<Retiming>,
    stopped: bool,
}

type Answers = Vec<std::result::Result<Answer, Fault>>;

impl DoorThread {
    pub(crate) fn new(inside: Arc<Inside>, jobs: Receiver<Job>) -> Self {
        Self { inside, jobs, writer: None, last: None, retiming: None, stopped: false }
    }

    /// Runs until the engine stops or the last door is gone.
    pub(crate) fn run(mut self) {
        while !self.stopped {
            let requests = self.collect();
            if !requests.is_empty() {
                self.inside.note_batch(requests.len());
                self.answer(requests);
            }
            if let Some(stage) = self.retiming.take() {
                self.retime(stage);
            }
        }
    }

    /// Waits for one job, then takes what else is there. While timers are being renewed it does not wait.
    fn collect(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        if self.retiming.is_none() {
            match self.next_job() {
                Ok(job) => self.sort(job, &mut requests),
                Err(_) => self.stopped = true,
            }
        }
        while requests.len() < BATCH_MAX && !self.stopped {
            match self.jobs.try_recv() {
                Ok(job) => self.sort(job, &mut requests),
                Err(_) => break,
            }
        }
        requests
    }

    /// Waking a sleeping thread takes about as long as a commit, so the next job is looked for a moment before falling asleep.
    fn next_job(&mut self) -> std::result::Result<Job, RecvError> {
        let began = std::time::Instant::now();
        while began.elapsed() < AWAKE {
            match self.jobs.try_recv() {
                Ok(job) => return Ok(job),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
            }
        }
        self.jobs.recv()
    }

    fn sort(&mut self, job: Job, requests: &mut Vec<Request>) {
        match job {
            Job::Submit(request) => requests.push(*request),
            Job::Retime => self.retiming = Some(Retiming::START),
            Job::Stop => self.stopped = true,
        }
    }

    fn answer(&mut self, requests: Vec<Request>) {
        let (mut waiting, mut replies): (Vec<Taken>, Vec<_>) = requests.into_iter().map(|request| (request.taken, request.reply)).unzip();
        let mut unsure = Unsure::default();
        let mut retries = RETRY_WAITS.iter();
        loop {
            match self.try_batch(&mut waiting, &mut unsure) {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        respond(reply, answer);
                    }
                    return;
                }
                Err(Stop::Spoilt(position)) => {
                    let taken = waiting.remove(position);
                    respond(replies.remove(position), Err(Fault::Broken { kind: taken.envelope.command.kind().to_owned() }));
                    if waiting.is_empty() {
                        return;
                    }
                }
                Err(Stop::Store(error)) => {
                    self.writer = None;
                    if error.passing {
                        if let Some(wait) = retries.next() {
                            tracing::debug!(%error, "the batch is tried again");
                            count(&self.inside.counters.batch_retries);
                            std::thread::sleep(*wait);
                            continue;
                        }
                    } else if waiting.len() > 1 {
                        // Perhaps one command touches a damaged row: the others must not suffer for it.
                        tracing::warn!(%error, commands = waiting.len(), "the batch failed; its commands are tried one by one");
                        self.answer_singly(waiting, replies);
                        return;
                    }
                    tracing::error!(%error, commands = waiting.len(), "nothing of this batch was recorded");
                    let fault = Fault::from(error);
                    for reply in replies {
                        respond(reply, Err(fault.clone()));
                    }
                    return;
                }
            }
        }
    }

    fn answer_singly(&mut self, waiting: Vec<Taken>, replies: Vec<oneshot::Sender<std::result::Result<Answer, Fault>>>) {
        for (taken, reply) in waiting.into_iter().zip(replies) {
            self.answer(vec![Request { taken, reply }]);
        }
    }

    /// One try. A panic in the store costs the batch, not the thread.
    fn try_batch(&mut self, waiting: &mut [Taken], unsure: &mut Unsure) -> std::result::Result<Answers, Stop> {
        let tried = catch_unwind(AssertUnwindSafe(|| self.batch(waiting, unsure)));
        tried.unwrap_or_else(|_| {
            Err(Stop::Store(StoreError { doing: "write a batch", detail: "the store broke off".to_owned(), passing: false }))
        })
    }

    fn batch(&mut self, waiting: &mut [Taken], unsure: &mut Unsure) -> std::result::Result<Answers, Stop> {
        let inside = Arc::clone(&self.inside);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(inside.store.writer()?),
        };
        let mut batch = writer.begin()?;
        let head = batch.head().clone();
        let last_at = last_at(&inside, self.last, &head)?;
        let now = draft::milliseconds(inside.clock.now()).max(last_at);
        let refused = mask_again(&inside, waiting, &head);
        let keys: Vec<RequestKey> = waiting.iter().map(|taken| taken.envelope.key.clone()).collect();
        let seen = batch.seen(&keys)?;
        let certain = unsure.settled_by(&seen);
        let mut draft = Draft::new(&head, seen.into_iter().collect(), now);
        let open = waiting.iter().filter(|taken| !draft.is_answered(&taken.envelope.key)).map(|taken| &taken.envelope);
        fill_all(&mut batch, open.collect::<Vec<_>>().into_iter(), now, &mut draft.facts)?;
        let mut answers = Answers::with_capacity(waiting.len());
        for (position, taken) in waiting.iter().enumerate() {
            if let Some(refusal) = refused.get(&position) {
                answers.push(Ok(Answer::Refused { refusal: refusal.clone(), seq: None }));
                continue;
            }
            if !draft.is_answered(&taken.envelope.key) {
                // What an earlier command of this batch made may name something that is not loaded yet.
                fill(&mut batch, &taken.envelope, now, &mut draft.facts)?;
            }
            let answer = draft.decide(position, taken)?;
            answers.push(answer.map(|answer| certain.first_time(&taken.envelope.key, answer)));
        }
        let Some(finished) = draft.finish() else {
            self.last = Some((head.size, last_at));
            return Ok(answers);
        };
        unsure.note(&finished);
        let Finished { writes, last_at: written_at, sealing, policy_changed } = finished;
        let queued = !writes.queued.is_empty();
        let timed = !writes.timers.is_empty();
        let head = batch.commit(writes)?;
        self.last = Some((head.size, written_at.unwrap_or(last_at)));
        self.committed(&head, Committed { queued, timed, sealing, policy_changed });
        Ok(answers)
    }

    /// Everything here is only a nudge: whoever is nudged looks at the tables.
    fn committed(&mut self, head: &Head, news: Committed) {
        let inside = &self.inside;
        inside.announce(head.size);
        if news.queued {
            inside.effects_queued.notify_one();
            inside.in_order_queued.notify_waiters();
        }
        if news.timed {
            inside.timers_changed.notify_one();
        }
        if news.policy_changed {
            inside.masks.of(head.workspace.policy.as_deref());
            inside.policy_changed.notify_one();
            self.retiming = Some(Retiming::START);
        }
        inside.sealer.offer(head, news.sealing);
    }

    fn retime(&mut self, stage: Retiming) {
        let inside = Arc::clone(&self.inside);
        let renewed = catch_unwind(AssertUnwindSafe(|| -> Result<Option<Retiming>> {
            let (needs, after) = stage.next(&inside.store)?;
            if needs.is_empty() {
                return Ok(after);
            }
            let writer = match &mut self.writer {
                Some(writer) => writer,
                none => none.insert(inside.store.writer()?),
            };
            let mut batch = writer.begin()?;
            let writes = retime::renewed(&mut batch, &needs, draft::milliseconds(inside.clock.now()))?;
            batch.commit(writes)?;
            Ok(after)
        }));
        match renewed {
            Ok(Ok(after)) => {
                self.retiming = after;
                inside.timers_changed.notify_one();
            }
            Ok(Err(error)) => {
                self.writer = None;
                if error.passing {
                    std::thread::sleep(RETIME_WAIT);
                    self.retiming = Some(stage);
                } else {
                    // The next start, and the next change of policy, renews them all.
                    tracing::error!(%error, "the timers of open cases could not be renewed");
                }
            }
            Err(_) => self.writer = None,
        }
    }
}

struct Committed {
    queued: bool,
    timed: bool,
    sealing: bool,
    policy_changed: bool,
}

/// What an earlier try of this batch may have committed: the connection was lost before its answer came.
#[derive(Default)]
struct Unsure {
    entries: HashMap<RequestKey, Digest>,
}

/// Keys that turned out to be committed by an earlier try of this very batch.
struct Certain(Vec<RequestKey>);

impl Unsure {
    fn note(&mut self, finished: &Finished) {
        self.entries.extend(finished.writes.entries.iter().map(|entry| (entry.key.clone(), entry.leaf())));
    }

    fn settled_by(&self, seen: &BTreeMap<RequestKey, KeptEntry>) -> Certain {
        let ours = seen.iter().filter(|(key, kept)| self.entries.get(key) == Some(&leaf_hash(&kept.bytes)));
        Certain(ours.map(|(key, _)| key.clone()).collect())
    }
}

impl Certain {
    /// The first answer to a request says `Done`, even if it was learnt only by looking.
    fn first_time(&self, key: &RequestKey, answer: Answer) -> Answer {
        match answer {
            Answer::Already(receipt) if self.0.contains(key) => Answer::Done(receipt),
            Answer::Already(_) | Answer::Done(_) | Answer::Refused { .. } => answer,
        }
    }
}

fn respond(reply: oneshot::Sender<std::result::Result<Answer, Fault>>, answer: std::result::Result<Answer, Fault>) {
    if reply.send(answer).is_err() {
        // The caller went away; what was recorded stays, and the same request key will tell.
        tracing::trace!("nobody waited for this answer");
    }
}

/// The ledger's time never goes back, whatever this machine's clock says: an entry is at least as late as the one before.
fn last_at(inside: &Inside, known: Option<(u64, Timestamp)>, head: &Head) -> Result<Timestamp> {
    if let Some((_, at)) = known.filter(|(size, _)| *size == head.size) {
        return Ok(at);
    }
    let Some(last) = head.size.checked_sub(1) else { return Ok(Timestamp::MIN) };
    let kept = inside.store.read(|reader| reader.entry(last))?;
    let kept =
        kept.ok_or_else(|| StoreError { doing: "read the last entry", detail: format!("entry {last} is missing"), passing: false })?;
    entry::time_of(&kept)
}

/// Masks again whatever was taken in under another policy; the positions of commands that mean nothing without their secret.
fn mask_again(inside: &Inside, waiting: &mut [Taken], head: &Head) -> HashMap<usize, hikeshi_domain::refusal::Refusal> {
    let mask = inside.masks.of(head.workspace.policy.as_deref());
    waiting.iter_mut().enumerate().filter_map(|(position, taken)| taken.under(&mask).err().map(|refusal| (position, refusal))).collect()
}
