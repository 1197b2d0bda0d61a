//! Whether incidents can be ranked and escalated as it is written.

use super::{Checking, FlawKind, nearest};

/// The pieces of a matrix cell: impact, business, urgency.
const CELL: [&[&str]; 3] =
    [&["all_users", "some_users", "one_function"], &["lost_sales", "lost_trust", "slight"], &["now", "can_be_planned"]];

impl Checking<'_> {
    pub(super) fn incident(&mut self) {
        let rules = &self.policy.incident;
        for (priority, row) in &rules.priorities {
            self.bounds(&["incident", "priorities", priority.code(), "act_within_min"], u64::from(row.act_within_min), 1, 43_200);
        }
        for cell in rules.matrix.keys() {
            let parts: Vec<&str> = cell.split('+').collect();
            let good = parts.len() == CELL.len() && parts.iter().zip(CELL).all(|(part, allowed)| allowed.contains(part));
            if !good {
                let cells = cells();
                let nearest = nearest(cell, cells.iter().map(String::as_str));
                self.flaw(&["incident", "matrix", cell], FlawKind::BadCell { given: cell.clone(), nearest });
            }
        }
        let mut last = None;
        for (index, step) in rules.escalation.iter().enumerate() {
            let index = index.to_string();
            let at = ["incident", "escalation", index.as_str()];
            if last.is_some_and(|last| step.after_min <= last) {
                self.flaw(&[at.as_slice(), &["after_min"]].concat(), FlawKind::NotAscending);
            }
            last = Some(step.after_min);
            self.roles(&[at.as_slice(), &["roles"]].concat(), &step.roles);
            for (position, person) in step.people.iter().enumerate() {
                let position = position.to_string();
                self.person(&[at.as_slice(), &["people", position.as_str()]].concat(), person);
            }
        }
        self.bounds(&["incident", "repeat", "every_min"], u64::from(rules.repeat.every_min), 1, 1_440);
        self.bounds(&["incident", "repeat", "times"], u64::from(rules.repeat.times), 0, 100);
        self.roles(&["incident", "serious_at_once"], &rules.serious_at_once);
    }
}

fn cells() -> Vec<String> {
    let [impacts, businesses, urgencies] = CELL;
    let pairs = impacts.iter().flat_map(|impact| businesses.iter().map(move |business| format!("{impact}+{business}")));
    pairs.flat_map(|pair| urgencies.iter().map(move |urgency| format!("{pair}+{urgency}"))).collect()
}
