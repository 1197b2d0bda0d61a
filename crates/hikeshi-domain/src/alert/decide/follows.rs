//! What follows only from an alert, by the policy's rules: held back while it fires, looked at when it is over or is something else.

use super::{Turn, as_signal};
use crate::alert::inhibit::{self, Cause, Inhibition};
use crate::alert::route::{Routed, routed};
use crate::alert::silence::{Seen, SeenBy};
use crate::alert::{Alert, AlertRef, Signal};

impl Turn<'_> {
    /// What follows only from this alert calls nobody while it fires. `before`: as it was when rules last made something of it.
    pub(super) fn inhibits(&mut self, alert: AlertRef, signal: &Signal, place: &Routed, before: Option<(&Signal, &Routed)>) {
        let source = alert.source.clone();
        let seen = Seen { service: &place.service, environment: &place.environment, of: SeenBy::Source(&source, signal) };
        let before = before.map(|(signal, place)| Seen {
            service: &place.service,
            environment: &place.environment,
            of: SeenBy::Source(&source, signal),
        });
        let cause = (&Cause::Alert(alert), signal.title.as_str());
        let made = inhibit::begin(self.facts, self.policy, (&seen, before.as_ref()), cause, &self.made, self.now);
        self.decision.events.extend(made.iter().flat_map(|silence| inhibit::begun(self.policy, silence)));
        self.made.extend(made);
    }

    /// With another severity it may be a cause to other rules than before.
    pub(super) fn follows_anew(&mut self, state: &Alert, signal: &Signal, place: &Routed) {
        let (source, cause, rules) = (&state.alert.source, Cause::Alert(state.alert.clone()), &self.policy.alerts.inhibit);
        let seen = Seen { service: &place.service, environment: &place.environment, of: SeenBy::Source(source, signal) };
        self.follows_no_more(|by| by.cause == cause && !rules.get(&by.rule).is_some_and(|rule| rule.when.fits(&seen)));
        let before = as_signal(state);
        let routed = self.policy.alerts.sources.get(source).and_then(|source| routed(source, &before));
        self.inhibits(state.alert.clone(), signal, place, routed.as_ref().map(|place| (&before, place)));
    }

    pub fn causes_no_more(&mut self, alert: &AlertRef) {
        let cause = Cause::Alert(alert.clone());
        self.follows_no_more(|by| by.cause == cause);
    }

    fn follows_no_more(&mut self, of: impl Fn(&Inhibition) -> bool) {
        let ended = inhibit::end(self.facts.workspace.silences.values().chain(&self.made), &of);
        self.decision.events.extend(ended);
        // What ends in the turn in which it began holds none of the turn's later signals.
        for silence in self.made.iter_mut().filter(|silence| silence.is_by(&of)) {
            silence.until = self.now;
            silence.lifted_by = Some(silence.by.clone());
        }
    }
}
