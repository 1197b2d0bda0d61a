//! `--local`: the door opened in-process on the data directory, for the time when the server is what burns. Nobody is anonymous here
//! either: the token is checked against the ledger.

use std::path::Path;

use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::ledger::Files;
use hikeshi_domain::people::Actor;
use hikeshi_engine::door::{Credential, Door};
use hikeshi_engine::look::LookError;
use hikeshi_text::{Lang, terminal};

use crate::fail::{Failure, Result};
use crate::serve::{Running, Setup};

pub struct Local {
    running: Running,
    actor: Actor,
    lang: Lang,
    public_url: String,
}

impl Local {
    pub async fn open(config: &Path, token: Option<String>, lang: Lang) -> Result<Self> {
        let token = token.ok_or_else(|| Failure::SignIn(terminal::token_needed(lang)))?;
        let out = crate::show::Out::new(lang, false);
        let config = crate::config::read(config).map_err(|error| crate::cli::mistakes(&error, lang, &out))?;
        let public_url = config.public_url();
        let running = Running::start(Setup { config, lang, face: false, background: true }).await?;
        let who = running.door().authenticate(crate::secret::digest(&token)).await;
        match who {
            Ok(Some((actor, Credential::Token | Credential::Session))) => Ok(Self { running, actor, lang, public_url }),
            Ok(Some((_, Credential::Link | Credential::Calendar)) | None) => {
                running.stop().await;
                Err(Failure::SignIn(terminal::unknown_token(lang)))
            }
            Err(fault) => {
                running.stop().await;
                Err(crate::reach::fault_failure(&fault, lang))
            }
        }
    }

    pub fn door(&self) -> &Door {
        self.running.door()
    }
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    pub fn lang(&self) -> Lang {
        self.lang
    }
    pub fn public_url(&self) -> &str {
        &self.public_url
    }
    pub fn look_failure(&self, error: LookError) -> Failure {
        crate::reach::look_failure(error, self.lang)
    }
    pub async fn bundle(&self, case: IncidentId) -> Result<Vec<u8>> {
        let files = self.door().look(&self.actor).bundle(case, Files::new()).await.map_err(|error| self.look_failure(error))?;
        hikeshi_verify::pack(&files).map_err(|error| Failure::Failed(error.to_string()))
    }
    pub async fn close(self) {
        self.running.stop().await;
    }
}
