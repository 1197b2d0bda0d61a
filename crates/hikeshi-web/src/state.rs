//! What all requests share: the door, the options, ceremonies under way, the number of live readers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRef;
use hikeshi_engine::door::Door;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;
use webauthn_rs::prelude::{PasskeyAuthentication, PasskeyRegistration};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// Live readers at once; one more gets 429 and polls.
const LIVE_READERS_MAX: usize = 2_000;
/// Passkey ceremonies at once; the oldest is forgotten first.
const CEREMONIES_MAX: usize = 500;
/// At one form of the status page and at the calendars, people whom nobody knows: so many at the same time, so many at once, and one more each time.
const GATE_INSIDE_MAX: usize = 8;
const GATE_PLACES_MAX: u32 = 60;
const GATE_EVERY: Duration = Duration::from_millis(50);
const CEREMONY_WITHIN: Duration = Duration::from_secs(300);

/// How the face is set up. Names, time zone and language come from the policy, through the door.
#[derive(Clone)]
pub struct WebOptions {
    pub door: Door,
    /// The address that people type: decides the origin, secure cookies, and the name for which passkeys are made.
    pub public_url: Url,
    /// How long a browser stays signed in.
    pub session_valid_min: u32,
    /// Takes what comes from the chat and the forge. `None`: nothing is taken.
    pub inbound: Option<Receive>,
    /// The status page, as whoever joins the parts keeps it.
    pub status: crate::status::Shelf,
    /// By what browsers know who sends them pages; `None`: none can be subscribed.
    pub push_key: Option<String>,
}

/// Whoever takes inbound requests; made where the parts are joined.
pub type Receive = Arc<dyn Fn(crate::Inbound) -> hikeshi_domain::effect::Doing<'static, crate::Received> + Send + Sync>;

impl WebOptions {
    pub fn new(door: Door, public_url: Url) -> Self {
        Self { door, public_url, session_valid_min: 12 * 60, inbound: None, status: crate::status::Shelf::default(), push_key: None }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub door: Door,
    pub public_url: Url,
    pub session_valid_min: u32,
    pub secure: bool,
    /// `None` when the address has no name for which a passkey could be made, such as a bare IP address.
    pub webauthn: Option<Webauthn>,
    pub registrations: Ceremonies<PasskeyRegistration>,
    pub authentications: Ceremonies<(hikeshi_domain::ids::PersonId, PasskeyAuthentication)>,
    pub live_readers: Arc<Semaphore>,
    pub large_bodies: Semaphore,
    pub inbound: Option<Receive>,
    pub status: crate::status::Shelf,
    pub push_key: Option<String>,
    pub subscribing: Gate,
    pub confirming: Gate,
    pub leaving: Gate,
    pub calendars: Gate,
}

impl App {
    pub fn new(options: WebOptions) -> Self {
        let WebOptions { door, public_url, session_valid_min, inbound, status, push_key } = options;
        let webauthn = public_url.domain().and_then(|name| {
            let built = WebauthnBuilder::new(name, &public_url).map(|builder| builder.rp_name("hikeshi")).and_then(WebauthnBuilder::build);
            built.inspect_err(|error| tracing::warn!("no passkeys for {public_url}: {error}")).ok()
        });
        Self(Arc::new(Inner {
            door,
            secure: public_url.scheme() == "https",
            public_url,
            session_valid_min,
            webauthn,
            registrations: Ceremonies::default(),
            authentications: Ceremonies::default(),
            live_readers: Arc::new(Semaphore::new(LIVE_READERS_MAX)),
            inbound,
            large_bodies: Semaphore::new(crate::inbound::LARGE_MAX),
            status,
            push_key,
            subscribing: Gate::new(),
            confirming: Gate::new(),
            leaving: Gate::new(),
            calendars: Gate::new(),
        }))
    }
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl FromRef<App> for Door {
    fn from_ref(app: &App) -> Self {
        app.door.clone()
    }
}

/// Challenges that wait for a browser's answer. In memory only: after a restart the person presses the button again.
pub struct Ceremonies<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Ceremonies<T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<T> Ceremonies<T> {
    pub fn put(&self, key: String, value: T) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (since, _)| since.elapsed() < CEREMONY_WITHIN);
        if waiting.len() >= CEREMONIES_MAX {
            let oldest = waiting.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                waiting.remove(&oldest);
            }
        }
        waiting.insert(key, (Instant::now(), value));
    }

    /// Takes it: a challenge is answered once.
    pub fn take(&self, key: &str) -> Option<T> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(key).filter(|(since, _)| since.elapsed() < CEREMONY_WITHIN).map(|(_, value)| value)
    }
}

/// Keeps people whom nobody knows from using up the database's one writer: so many at the same time, and so many in a while. What does not
/// come in has cost nothing but this look.
pub struct Gate {
    inside: Semaphore,
    places: Mutex<Places>,
}

/// Those who may come in at once, as of then; they grow back with time.
struct Places {
    left: u32,
    at: Instant,
}

impl Gate {
    fn new() -> Self {
        Self { inside: Semaphore::new(GATE_INSIDE_MAX), places: Mutex::new(Places { left: GATE_PLACES_MAX, at: Instant::now() }) }
    }

    /// `None`: too many. Whoever is in stays in until this is dropped.
    pub fn enter(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.inside.try_acquire().ok()?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = u32::try_from(places.at.elapsed().as_millis() / GATE_EVERY.as_millis()).unwrap_or(GATE_PLACES_MAX);
        if grown > 0 {
            places.left = places.left.saturating_add(grown).min(GATE_PLACES_MAX);
            places.at += GATE_EVERY.saturating_mul(grown);
        }
        places.left = places.left.checked_sub(1)?;
        Some(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_gate_lets_in_so_many_at_once_and_so_many_in_a_while() {
        let gate = Gate::new();
        let inside: Vec<_> = std::iter::from_fn(|| gate.enter()).collect();
        assert_eq!(inside.len(), GATE_INSIDE_MAX, "one more would be too many at the same time");
        drop(inside);
        let began = Instant::now();
        let one_after_another = std::iter::from_fn(|| gate.enter().map(drop)).count();
        let grown = usize::try_from(began.elapsed().as_millis() / GATE_EVERY.as_millis()).expect("a number") + 1;
        let rest = GATE_PLACES_MAX as usize - GATE_INSIDE_MAX;
        assert!((rest..=rest + grown).contains(&one_after_another), "{one_after_another}");
        std::thread::sleep(GATE_EVERY * 2);
        assert!(gate.enter().is_some(), "later there is room again");
    }

    #[test]
    fn a_challenge_is_answered_once_and_their_number_is_bounded() {
        let waiting = Ceremonies::default();
        for number in 0..CEREMONIES_MAX + 3 {
            waiting.put(number.to_string(), number);
        }
        assert_eq!(waiting.0.lock().expect("lock").len(), CEREMONIES_MAX);
        let last = (CEREMONIES_MAX + 2).to_string();
        assert_eq!(waiting.take(&last), Some(CEREMONIES_MAX + 2));
        assert_eq!(waiting.take(&last), None);
    }
}
