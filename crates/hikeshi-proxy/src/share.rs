//! Who gets the candidate: a number that each visitor keeps in a cookie, so that nobody sees both versions by turns, and so that whoever
//! has the candidate keeps it while the percentage grows. The number is signed: nobody chooses the untried version for others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{COOKIE, HeaderMap, HeaderValue};
use ring::hmac;

use crate::ask::{Percent, RouteName};

/// Numbers that a visitor can have: hundredths of a percent.
const NUMBERS: u16 = 10_000;
const TAG_BYTES: usize = 12;
/// A canary is hours, not months.
const KEPT_S: u32 = 86_400;

pub struct Sharer {
    cookie: String,
    key: hmac::Key,
}

/// A visitor's number, and whether the browser has yet to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    pub number: u16,
    pub is_new: bool,
}

impl Visitor {
    pub fn gets(self, percent: Percent) -> bool {
        f64::from(self.number) < f64::from(percent) * f64::from(NUMBERS) / 100.0
    }
}

impl Sharer {
    pub fn new(route: &RouteName, secret: &[u8]) -> Self {
        Self { cookie: format!("hikeshi_share_{}", route.as_str().replace('-', "_")), key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// A cookie that is not ours is no cookie.
    pub fn visitor(&self, headers: &HeaderMap) -> Visitor {
        let known = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
        let ours = known.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == self.cookie);
        match ours.filter_map(|(_, value)| self.read(value)).next() {
            Some(number) => Visitor { number, is_new: false },
            None => Visitor { number: roll(), is_new: true },
        }
    }

    fn read(&self, value: &str) -> Option<u16> {
        let (number, tag) = value.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG_BYTES)?;
        let wanted = self.tag(number);
        // Equal in the first bytes or not: nothing worth measuring is behind it, and yet it costs nothing to hide it.
        let differs = tag.iter().zip(wanted).fold(0, |differs, (one, other)| differs | (one ^ other));
        (differs == 0).then_some(())?;
        number.parse().ok().filter(|number| *number < NUMBERS)
    }

    fn tag(&self, number: &str) -> impl Iterator<Item = u8> + use<> {
        let signed = hmac::sign(&self.key, format!("{}={number}", self.cookie).as_bytes());
        signed.as_ref().to_vec().into_iter().take(TAG_BYTES)
    }

    pub fn cookie(&self, visitor: Visitor, tls: bool) -> Option<HeaderValue> {
        let number = visitor.number.to_string();
        let tag = URL_SAFE_NO_PAD.encode(self.tag(&number).collect::<Vec<_>>());
        let secure = if tls { "; Secure" } else { "" };
        HeaderValue::try_from(format!("{}={number}.{tag}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{secure}", self.cookie)).ok()
    }
}

fn roll() -> u16 {
    // Without dice everyone has the version that is known to work.
    let Ok(dice) = getrandom::u32() else { return NUMBERS - 1 };
    u16::try_from(dice % u32::from(NUMBERS)).unwrap_or(NUMBERS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharer(secret: &[u8]) -> Sharer {
        Sharer::new(&RouteName::try_from("the-shop".to_owned()).expect("a name"), secret)
    }

    fn with(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).expect("a cookie"))])
    }

    #[test]
    fn a_visitor_keeps_the_number_and_nobody_makes_one_up() {
        let ours = sharer(b"one");
        let cookie = ours.cookie(Visitor { number: 42, is_new: true }, true).expect("a cookie");
        let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
        assert_eq!(ours.visitor(&with(&format!("a=b; {pair}; c=d"))), Visitor { number: 42, is_new: false });
        for wrong in [pair.replace("=42.", "=7."), pair.replace('.', ""), "hikeshi_share_the_shop=1.".to_owned(), "x".repeat(5_000)] {
            assert!(ours.visitor(&with(&wrong)).is_new, "{wrong}");
        }
        assert!(sharer(b"another").visitor(&with(&pair)).is_new, "signed by another key");
    }

    #[test]
    fn who_has_the_candidate_keeps_it_while_the_share_grows() {
        let percent = |number: f64| Percent::try_from(number).expect("a percentage");
        let all = |number: f64| (0..NUMBERS).filter(|at| Visitor { number: *at, is_new: false }.gets(percent(number))).count();
        assert_eq!([0.0, 0.01, 1.0, 12.5, 100.0].map(all), [0, 1, 100, 1_250, 10_000]);
        for number in 0..NUMBERS {
            let visitor = Visitor { number, is_new: false };
            assert!(!visitor.gets(percent(5.0)) || visitor.gets(percent(25.0)), "{number}");
        }
        assert!(Percent::try_from(f64::NAN).is_err() && Percent::try_from(100.1).is_err());
    }
}
