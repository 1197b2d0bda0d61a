//! All that is past, to be ranked: BM25 over terms whose counts are weighted by where they stand.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Past;
use super::same::SameWords;
use super::words::terms;
use crate::ids::Digest;

/// Of one field, characters beyond this say nothing new.
const FIELD_CHARS_MAX: usize = 4_000;
/// How soon a term that is there often says no more.
const SATURATION: f64 = 1.4;
/// How much a long text is held against itself.
const LENGTH: f64 = 0.6;
/// Incidents that one has not had yet: while there are few, what stands in all of them says something all the same.
const UNSEEN: f64 = 50.0;
/// Less than this share of what was asked is no likeness.
const SHARE_MIN: f64 = 0.06;
/// Nor is what is this far behind the first.
const BEHIND_MAX: f64 = 0.3;

/// What is asked: the words of the incident that burns.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    pub title: &'a str,
    pub text: &'a str,
    /// Not itself.
    pub except: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub key: String,
    pub score: f64,
    /// Of all that was asked, how much stands there, by what it says: 0 to 100.
    pub share: u8,
}

#[derive(Debug)]
struct Document {
    key: String,
    /// Of what was indexed: the same again is no work.
    digest: Digest,
    at: Option<Timestamp>,
    length: u32,
    alive: bool,
}

#[derive(Debug, Clone, Copy)]
struct Posting {
    document: u32,
    weight: u32,
}

#[derive(Debug)]
pub struct Index {
    same: SameWords,
    documents: Vec<Document>,
    by_key: BTreeMap<String, u32>,
    postings: BTreeMap<Box<str>, Vec<Posting>>,
    alive: u32,
    length: u64,
}

impl Index {
    /// `same_words`: the team's own, beside those that are built in.
    pub fn new(same_words: &[Vec<String>]) -> Self {
        let same = SameWords::new(same_words);
        Self { same, documents: Vec::new(), by_key: BTreeMap::new(), postings: BTreeMap::new(), alive: 0, length: 0 }
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Takes one in, in place of what was known under its key.
    pub fn put(&mut self, past: &Past) {
        let parts = fields(past);
        let digest = Digest::of(parts.iter().map(|(text, _)| *text).collect::<Vec<_>>().join("\u{0}").as_bytes());
        if let Some(known) = self.by_key.get(&past.key).copied() {
            let known_at = usize::try_from(known).unwrap_or(usize::MAX);
            if let Some(document) = self.documents.get_mut(known_at) {
                if document.digest == digest {
                    document.at = past.at;
                    return;
                }
                document.alive = false;
                self.length = self.length.saturating_sub(u64::from(document.length));
                self.alive = self.alive.saturating_sub(1);
            }
            // Rare: somebody has written more about what was known.
            for list in self.postings.values_mut() {
                list.retain(|posting| posting.document != known);
            }
        }
        let Ok(number) = u32::try_from(self.documents.len()) else { return };
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for (text, weight) in parts {
            let text: String = text.chars().take(FIELD_CHARS_MAX).collect();
            for (term, count) in terms(&text, &self.same) {
                let sum = found.entry(term).or_default();
                *sum = sum.saturating_add(count.saturating_mul(weight));
            }
        }
        let length = found.values().fold(0_u32, |sum, weight| sum.saturating_add(*weight));
        for (term, weight) in found {
            self.postings.entry(term.into_boxed_str()).or_default().push(Posting { document: number, weight });
        }
        self.documents.push(Document { key: past.key.clone(), digest, at: past.at, length, alive: true });
        self.by_key.insert(past.key.clone(), number);
        self.alive = self.alive.saturating_add(1);
        self.length = self.length.saturating_add(u64::from(length));
    }

    /// The most alike first; of equals the later one.
    pub fn search(&self, query: &Query<'_>, limit: usize) -> Vec<Hit> {
        let asked = self.asked(query);
        let total: f64 = asked.iter().map(|term| term.worth).sum();
        if total <= 0.0 || self.alive == 0 {
            return Vec::new();
        }
        let average = (lossy(self.length) / f64::from(self.alive)).max(1.0);
        let mut scores: Vec<(f64, f64)> = vec![(0.0, 0.0); self.documents.len()];
        for term in &asked {
            for posting in term.postings {
                let at = usize::try_from(posting.document).unwrap_or(usize::MAX);
                let (Some(document), Some(score)) = (self.documents.get(at), scores.get_mut(at)) else { continue };
                // Weights are hundredths: a tenth of a term in a tenth of a field.
                let count = f64::from(posting.weight) / 100.0;
                let norm = SATURATION * (1.0 - LENGTH + LENGTH * f64::from(document.length) / average);
                score.0 += term.worth * count * (SATURATION + 1.0) / (count + norm);
                score.1 += term.worth;
            }
        }
        let except = query.except.and_then(|key| self.by_key.get(key)).and_then(|number| usize::try_from(*number).ok());
        let mut found: Vec<(&Document, f64, f64)> = Vec::new();
        for (at, (document, (score, share))) in self.documents.iter().zip(scores).enumerate() {
            if score > 0.0 && share / total >= SHARE_MIN && Some(at) != except && document.alive {
                found.push((document, score, share / total));
            }
        }
        best_first(&mut found, limit);
        let best = found.first().map(|(_, score, _)| *score).unwrap_or_default();
        found
            .into_iter()
            .take_while(|(_, score, _)| *score >= best * BEHIND_MAX)
            .map(|(document, score, share)| Hit { key: document.key.clone(), score, share: percent(share) })
            .collect()
    }

    /// The terms of the query that anything here has, with what each is worth. What nobody has is asked all the same.
    fn asked(&self, query: &Query<'_>) -> Vec<Asked<'_>> {
        let mut terms_asked = terms(query.text, &self.same);
        for (term, weight) in terms(query.title, &self.same) {
            let sum = terms_asked.entry(term).or_default();
            *sum = sum.saturating_add(weight.saturating_mul(2));
        }
        let all = f64::from(self.alive) + UNSEEN;
        let asked = terms_asked.into_iter().map(|(term, weight)| {
            let postings = self.postings.get(term.as_str()).map(Vec::as_slice).unwrap_or_default();
            let known = f64::from(u32::try_from(postings.len()).unwrap_or(u32::MAX));
            let rarity = (1.0 + (all - known + 0.5).max(0.0) / (known + 0.5)).ln();
            // Said ten times is not meant ten times.
            let weight = f64::from(weight.min(60)) / 10.0;
            Asked { postings, worth: rarity * weight.sqrt() }
        });
        asked.collect()
    }
}

/// Keeps the best, in order. Of ten thousands that are alike only a handful is shown, so only that handful is sorted.
fn best_first(found: &mut Vec<(&Document, f64, f64)>, limit: usize) {
    let order = |left: &(&Document, f64, f64), right: &(&Document, f64, f64)| {
        let later = || right.0.at.cmp(&left.0.at);
        right.1.total_cmp(&left.1).then_with(later).then_with(|| left.0.key.cmp(&right.0.key))
    };
    if limit < found.len() {
        found.select_nth_unstable_by(limit, order);
        found.truncate(limit);
    }
    found.sort_unstable_by(order);
}

struct Asked<'a> {
    postings: &'a [Posting],
    worth: f64,
}

/// What is searched, and how much it says where it stands, in tenths.
fn fields(past: &Past) -> [(&str, u32); 7] {
    [
        (past.title.as_str(), 30),
        (past.cause.as_str(), 12),
        (past.summary.as_str(), 15),
        (past.impact.as_str(), 12),
        (past.solved.as_str(), 8),
        (past.lessons.as_str(), 5),
        (past.service.as_str(), 8),
    ]
}

/// A sum of lengths; what is lost beyond 2^53 is no length.
fn lossy(sum: u64) -> f64 {
    let high = u32::try_from(sum >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(sum & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

fn percent(share: f64) -> u8 {
    (0..=100_u8).rev().find(|percent| f64::from(*percent) <= share * 100.0).unwrap_or_default()
}
