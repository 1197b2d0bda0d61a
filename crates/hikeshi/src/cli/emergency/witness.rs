//! A witness's terminal on an open session: shows what the executor sees, checks the chain of the recording, and signs with a key of
//! its own what it has shown. The same as the page does in a browser.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use hikeshi_domain::session::record::{Frame, Header, check, frames};
use hikeshi_domain::session::stream::{FRAMES, FromWatcher, LOOK_EVERY_MS, TELL_EVERY_MS, ToWatcher};
use hikeshi_domain::session::{Ack, DeviceKey};
use hikeshi_outside::session::{Socket, dial};
use hikeshi_text::{Lang, terminal};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::fail::{Failure, Result};
use crate::reach::{Reach, Remote};
use crate::show::Out;

const LOOK_EVERY: Duration = Duration::from_millis(LOOK_EVERY_MS);
/// What is on screen is signed at every change, and again this often.
const SIGN_EVERY: Duration = Duration::from_secs(2);
const PRESENT_EVERY: Duration = Duration::from_secs(4);
/// A server that says nothing for this long cannot be reached: what is on screen is old.
const SILENT_MAX: Duration = Duration::from_millis(3 * TELL_EVERY_MS);

/// The key of this run, kept nowhere; or the one for which its person's SSH key answers in a local ledger.
pub struct Device {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Device {
    fn new() -> Result<Self> {
        Self::fresh().map(|(device, _)| device)
    }

    /// A new key, and the text by which it is kept.
    pub fn fresh() -> Result<(Self, String)> {
        let broken = || Failure::Failed("no key could be made".to_owned());
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(|_| broken())?;
        Ok((Self::of(document.as_ref())?, URL_SAFE_NO_PAD.encode(document.as_ref())))
    }

    fn of(document: &[u8]) -> Result<Self> {
        let random = SystemRandom::new();
        let broken = || Failure::Failed("no key could be made".to_owned());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &random).map_err(|_| broken())?;
        Ok(Self { pair, random })
    }

    /// The kept one, if there is one.
    fn kept(file: Option<&Path>) -> Result<Self> {
        let Some(text) = file.map(crate::secret::read_private).transpose()?.flatten() else { return Self::new() };
        let document = URL_SAFE_NO_PAD.decode(text).map_err(|error| Failure::Failed(error.to_string()))?;
        Self::of(&document)
    }

    pub fn key(&self) -> DeviceKey {
        DeviceKey::of(self.pair.public_key().as_ref())
    }

    fn sign(&self, message: &[u8]) -> Result<String> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| Failure::Failed("signing failed".to_owned()))?;
        Ok(signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The chain as this device has it.
#[derive(Default)]
struct Chain {
    block: u64,
    prev: Option<Digest>,
    pending: Vec<u8>,
    /// The first block that was shown since the screen was drawn.
    from: u64,
    /// The last block that was shown, and its head.
    shown: Option<(u64, Digest)>,
    /// Files outside the scope, as told last.
    outside: Vec<String>,
}

pub struct Witness<'a> {
    pub id: EmergencyId,
    pub session: u32,
    /// `None`: only looking on.
    pub person: Option<PersonId>,
    pub reach: &'a Reach,
    /// Where it is shown; `None`: nowhere, for those who only sign.
    pub shown: Option<&'a Out>,
    /// Where the device's key is kept, if it is.
    pub device: Option<PathBuf>,
}

/// How the stream ended.
pub enum Over {
    Session,
    /// The connection broke; it may be tried again.
    Cut,
}

impl Witness<'_> {
    pub async fn follow(&self, remote: &Remote) -> Result<Over> {
        let token = remote.token().ok_or_else(|| Failure::SignIn(terminal::token_needed(self.lang())))?;
        let url = format!("{}/api/v1/emergencies/{}/sessions/{}/stream", remote.url(), self.id, self.session);
        let mut socket = dial(&url, token).await.map_err(Failure::Unreachable)?;
        let device = Device::kept(self.device.as_deref())?;
        if self.person.is_some() {
            send(&mut socket, &FromWatcher::Bind { key: device.key() }).await?;
        }
        // A slow answer at the door must not keep the device from speaking.
        tokio::select! {
            over = self.look_on(&mut socket, &device) => over,
            failed = self.stay_present() => failed,
        }
    }

    async fn stay_present(&self) -> Result<Over> {
        let mut turn = tokio::time::interval(PRESENT_EVERY);
        turn.tick().await;
        loop {
            turn.tick().await;
            if self.person.is_some() {
                let heard = Command::Emergency(emergency::Command::Watch { emergency: self.id });
                self.reach.submit(heard, crate::secret::request_key()?, false).await?;
            }
        }
    }

    async fn look_on(&self, socket: &mut Socket, device: &Device) -> Result<Over> {
        let mut chain = Chain::default();
        let mut tick = tokio::time::interval(LOOK_EVERY);
        let (mut heard_at, mut signed_at) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                said = tokio::time::timeout_at(heard_at + SILENT_MAX, socket.next()) => match said.ok().flatten() {
                    Some(Ok(Message::Text(text))) => {
                        heard_at = Instant::now();
                        let word = serde_json::from_str(&text).map_err(|error| Failure::Failed(error.to_string()))?;
                        let look = matches!(word, ToWatcher::Sealed { .. } | ToWatcher::Bound);
                        if self.heard(word, &mut chain)? {
                            return Ok(Over::Session);
                        }
                        if look {
                            self.look(socket, self.signed(device, &chain)?).await?;
                            signed_at = Instant::now();
                        }
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        heard_at = Instant::now();
                        if let Some((&FRAMES, rest)) = bytes.split_first() {
                            self.show(rest)?;
                            chain.pending.extend_from_slice(rest);
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Over::Cut),
                    Some(Ok(_)) => {}
                },
                _ = tick.tick() => {
                    let again = signed_at.elapsed() > SIGN_EVERY;
                    let ack = if again { self.signed(device, &chain)? } else { None };
                    if again {
                        signed_at = Instant::now();
                    }
                    self.look(socket, ack).await?;
                }
            }
        }
    }

    /// What this device has shown last, signed.
    fn signed(&self, device: &Device, chain: &Chain) -> Result<Option<Ack>> {
        let (Some(person), Some((block, head))) = (&self.person, chain.shown) else { return Ok(None) };
        let shown_at = crate::now().round(jiff::Unit::Second).unwrap_or_else(|_| crate::now());
        let signature = device.sign(&Ack::message(self.id, self.session, person, chain.from..=block, &head, shown_at))?;
        Ok(Some(Ack { person: person.clone(), from: chain.from, block, head, shown_at, signature }))
    }

    async fn look(&self, socket: &mut Socket, ack: Option<Ack>) -> Result<()> {
        if self.person.is_none() {
            return Ok(());
        }
        send(socket, &FromWatcher::Look { visible: true, ack }).await
    }

    fn lang(&self) -> Lang {
        self.shown.map_or(Lang::default(), |out| out.lang)
    }

    fn hint(&self, text: &str) {
        if let Some(out) = self.shown {
            out.hint(text);
        }
    }

    fn show(&self, bytes: &[u8]) -> Result<()> {
        for (_, frame) in frames(bytes).map_err(|error| Failure::Failed(error.to_string()))? {
            if let Frame::Output(output) = frame {
                self.print(&output)?;
            }
        }
        Ok(())
    }

    fn print(&self, bytes: &[u8]) -> Result<()> {
        if self.shown.is_some() {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()?;
        }
        Ok(())
    }

    /// True: the session is over.
    fn heard(&self, word: ToWatcher, chain: &mut Chain) -> Result<bool> {
        match word {
            ToWatcher::Screen { state, block, prev, .. } => {
                let outside = std::mem::take(&mut chain.outside);
                *chain = Chain { block, prev, pending: Vec::new(), from: block, shown: None, outside };
                self.print(b"\x1b[2J\x1b[H")?;
                self.print(state.as_bytes())?;
            }
            ToWatcher::Sealed { header: text } => {
                let header: Header = serde_json::from_str(&text).map_err(|error| Failure::Failed(error.to_string()))?;
                let frames = std::mem::take(&mut chain.pending);
                // What does not fit must not count as watched; the gate closes by itself when nothing is signed any more.
                check(&header, &frames, chain.block, chain.prev.as_ref())
                    .map_err(|error| Failure::Failed(terminal::chain_broken(self.lang(), &error.to_string())))?;
                let head = Digest::of(text.as_bytes());
                chain.shown = Some((chain.block, head));
                chain.prev = Some(head);
                chain.block += 1;
            }
            ToWatcher::Gate { words, .. } => {
                let lang = self.lang();
                let text = if words.is_empty() { terminal::keys_pass(lang) } else { terminal::keys_held(lang, &words.join(" ")) };
                self.hint(&text);
            }
            // In this reader's language, whatever the server's pages speak.
            ToWatcher::Outside { paths, .. } => {
                if paths != chain.outside {
                    let words = hikeshi_text::session::outside(self.lang(), &paths);
                    self.hint(&format!("{} {words}", terminal::badge()));
                    chain.outside = paths;
                }
            }
            ToWatcher::Asked { words, .. } => self.hint(&words),
            ToWatcher::Bound => self.hint(&terminal::screen_counts(self.lang())),
            ToWatcher::NotBound { words } => return Err(Failure::Failed(words.join(" "))),
            ToWatcher::Replaced => return Err(Failure::Failed(terminal::screen_replaced(self.lang()))),
            ToWatcher::Over => return Ok(true),
        }
        Ok(false)
    }
}

async fn send(socket: &mut Socket, word: &FromWatcher) -> Result<()> {
    let text = serde_json::to_string(word).map_err(|error| Failure::Failed(error.to_string()))?;
    socket.send(Message::Text(text.into())).await.map_err(|error| Failure::Unreachable(error.to_string()))
}
