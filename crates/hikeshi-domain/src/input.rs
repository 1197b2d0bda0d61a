//! Bounds on what people write. Every text and list that enters a decision passes here first.

use crate::refusal::Refusal;

pub(crate) const TITLE_CHARS_MAX: u32 = 200;
pub(crate) const TEXT_CHARS_MAX: u32 = 10_000;
pub(crate) const SCRIPT_CHARS_MAX: u32 = 20_000;
pub(crate) const PATH_CHARS_MAX: u32 = 1_000;

/// A text that must be there.
pub(crate) fn required(field: &str, text: &str, chars_max: u32) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::TextMissing { field: field.to_owned() });
    }
    bounded(field, text, chars_max)
}

/// A text that may be empty.
pub(crate) fn bounded(field: &str, text: &str, chars_max: u32) -> Result<(), Refusal> {
    let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if chars > chars_max {
        return Err(Refusal::TextTooLong { field: field.to_owned(), chars_max, chars });
    }
    Ok(())
}

pub(crate) fn at_most(field: &str, given: usize, max: u32) -> Result<(), Refusal> {
    let given = u32::try_from(given).unwrap_or(u32::MAX);
    if given > max {
        return Err(Refusal::TooMany { field: field.to_owned(), max, given });
    }
    Ok(())
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(given, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// A name that the policy must declare.
pub(crate) fn declared<'a>(what: &str, given: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Result<(), Refusal> {
    if candidates.clone().into_iter().any(|candidate| candidate == given) {
        return Ok(());
    }
    Err(Refusal::NotInPolicy { what: what.to_owned(), given: given.to_owned(), nearest: nearest(given, candidates) })
}
