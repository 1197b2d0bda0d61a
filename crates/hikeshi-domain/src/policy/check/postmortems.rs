//! Whether postmortems can be asked for as it is written.

use super::Checking;

impl Checking<'_> {
    pub(super) fn postmortems(&mut self) {
        let rules = &self.policy.postmortems;
        self.bounds(&["postmortems", "within_days"], u64::from(rules.within_days), 1, 90);
        for (row, words) in rules.same_words.iter().enumerate() {
            let row = row.to_string();
            for (at, word) in words.iter().enumerate() {
                self.filled(&["postmortems", "same_words", &row, &at.to_string()], word);
            }
        }
    }
}
