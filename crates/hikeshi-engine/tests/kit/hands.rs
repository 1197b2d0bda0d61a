//! Hands that write down what they were asked to do, and do what the test tells them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{Contents, Doing, Effect, EffectKey, Outcome, Outside, Performed, Seen};

use super::words::well;

/// What happens when an effect is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Well,
    Fail,
    /// Refused for good.
    Refuse,
    /// Not now, for this one.
    Later,
    /// It does not happen, and says so when it is told to.
    FailLater,
    /// It happens, and its outcome never comes back.
    HappenAndHang,
    /// It neither happens nor comes back.
    Hang,
    Panic,
}

/// What the world says when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The truth, as the hands wrote it down.
    Honest,
    Running,
    Unknown,
}

#[derive(Default)]
pub struct Hands {
    state: Mutex<State>,
    told_to_fail: tokio::sync::Notify,
}

#[derive(Default)]
struct State {
    acts: BTreeMap<&'static str, Act>,
    /// Effects with this in their key.
    keyed: BTreeMap<String, Act>,
    sights: BTreeMap<&'static str, Sight>,
    performed: Vec<EffectKey>,
    looked: Vec<EffectKey>,
    /// What really happened, and how often.
    happened: BTreeMap<EffectKey, u32>,
}

impl Hands {
    pub fn will(&self, kind: &'static str, act: Act) {
        self.state.lock().expect("the hands").acts.insert(kind, act);
    }
    /// What is done to effects whose key holds this goes before what is done to their kind.
    pub fn will_to(&self, part: &str, act: Act) {
        self.state.lock().expect("the hands").keyed.insert(part.to_owned(), act);
    }
    /// For [`Act::FailLater`].
    pub fn fail_now(&self) {
        self.told_to_fail.notify_one();
    }
    pub fn shows(&self, kind: &'static str, sight: Sight) {
        self.state.lock().expect("the hands").sights.insert(kind, sight);
    }
    pub fn performed(&self) -> Vec<EffectKey> {
        self.state.lock().expect("the hands").performed.clone()
    }
    pub fn looked(&self) -> Vec<EffectKey> {
        self.state.lock().expect("the hands").looked.clone()
    }
    pub fn calls(&self) -> (Vec<EffectKey>, Vec<EffectKey>) {
        (self.performed(), self.looked())
    }
    /// How often an effect really happened.
    pub fn happened(&self, key: &EffectKey) -> u32 {
        self.state.lock().expect("the hands").happened.get(key).copied().unwrap_or(0)
    }
    pub fn most_often(&self) -> u32 {
        self.state.lock().expect("the hands").happened.values().copied().max().unwrap_or(0)
    }
}

fn performed(effect: &Effect) -> Performed {
    let (outcome, contents) = well(&effect.work, Timestamp::UNIX_EPOCH);
    Performed { outcome, contents }
}

impl Outside for Hands {
    fn perform<'a>(&'a self, effect: &'a Effect, _contents: &'a dyn Contents) -> Doing<'a, Performed> {
        let act = {
            let mut state = self.state.lock().expect("the hands");
            state.performed.push(effect.key.clone());
            let keyed = state.keyed.iter().find(|(part, _)| effect.key.0.contains(*part)).map(|(_, act)| *act);
            let act = keyed.or_else(|| state.acts.get(effect.work.kind()).copied()).unwrap_or(Act::Well);
            if matches!(act, Act::Well | Act::HappenAndHang) {
                *state.happened.entry(effect.key.clone()).or_default() += 1;
            }
            act
        };
        Box::pin(async move {
            match act {
                Act::Well => performed(effect),
                Act::FailLater => {
                    self.told_to_fail.notified().await;
                    Performed { outcome: Outcome::Failed { detail: "no route to host".to_owned() }, contents: Vec::new() }
                }
                Act::Fail => Performed { outcome: Outcome::Failed { detail: "disk full".to_owned() }, contents: Vec::new() },
                Act::Refuse => Performed { outcome: Outcome::PageRefused { detail: "no such user".to_owned() }, contents: Vec::new() },
                Act::Later => {
                    Performed { outcome: Outcome::Postponed { after_s: 1, detail: "mailbox full".to_owned() }, contents: Vec::new() }
                }
                Act::HappenAndHang | Act::Hang => std::future::pending().await,
                Act::Panic => panic!("the hands broke"),
            }
        })
    }

    fn look<'a>(&'a self, effect: &'a Effect) -> Doing<'a, Seen> {
        let (sight, happened) = {
            let mut state = self.state.lock().expect("the hands");
            state.looked.push(effect.key.clone());
            let sight = state.sights.get(effect.work.kind()).copied().unwrap_or(Sight::Honest);
            (sight, state.happened.contains_key(&effect.key))
        };
        Box::pin(async move {
            match sight {
                Sight::Honest if happened => Seen::Happened(performed(effect)),
                Sight::Honest => Seen::NotHappened,
                Sight::Running => Seen::Running,
                Sight::Unknown => Seen::Unknown,
            }
        })
    }

    fn tail(&self, _key: &EffectKey, _bytes_max: usize) -> Option<Vec<u8>> {
        Some("途中の出力".as_bytes().to_vec())
    }
}
