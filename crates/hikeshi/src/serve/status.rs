//! Keeps the status page: makes it anew when something was recorded, and at least every half minute; puts it where readers are served, and
//! writes its files. Nothing waits for it, and a full disk costs nothing but its own freshness.

use std::sync::Arc;
use std::time::Duration;

use hikeshi_domain::people::Actor;
use hikeshi_engine::door::Door;
use hikeshi_engine::look::LookError;
use hikeshi_outside::status::Folder;
use hikeshi_web::status::{EVERY_S, Shelf, Site, site};

/// However fast the ledger grows, the page is made no more often than this.
const NO_SOONER: Duration = Duration::from_secs(1);

pub struct Keeper {
    door: Door,
    shelf: Shelf,
    /// Where people subscribe.
    subscribe: String,
    folder: Folder,
}

impl Keeper {
    pub fn new(door: Door, shelf: Shelf, public_url: &str) -> Self {
        let subscribe = format!("{}/status/subscribe", public_url.trim_end_matches('/'));
        Self { door, shelf, subscribe, folder: Folder::default() }
    }

    pub async fn keep(mut self) {
        let mut tip = self.door.tip();
        loop {
            tip.borrow_and_update();
            self.renew().await;
            tokio::time::sleep(NO_SOONER).await;
            tokio::select! {
                changed = tip.changed() => if changed.is_err() {
                    return;
                },
                () = tokio::time::sleep(Duration::from_secs(EVERY_S)) => {}
            }
        }
    }

    async fn renew(&mut self) {
        match self.door.look(&Actor::Runner).status().await {
            Ok(view) => match site(&view, &self.subscribe) {
                Ok(site) => {
                    let site = Arc::new(site);
                    self.shelf.put(Some(Arc::clone(&site)));
                    self.write(site).await;
                }
                Err(error) => tracing::error!("the status page cannot be made: {error}"),
            },
            Err(LookError::NotFound { .. } | LookError::Unknown) => {
                self.shelf.put(None);
                self.shelf.put_trouble(None);
            }
            // What is shown says of itself how old it is.
            Err(error) => tracing::error!("the status page cannot be made: {error}"),
        }
    }

    async fn write(&mut self, site: Arc<Site>) {
        let Some(directory) = site.directory.clone() else { return self.shelf.put_trouble(None) };
        let mut folder = std::mem::take(&mut self.folder);
        let written = tokio::task::spawn_blocking(move || {
            let files = site.files.iter().map(|(path, file)| (path.as_str(), file.bytes.as_slice()));
            let written = folder.write(directory.as_ref(), files);
            (folder, written, directory)
        });
        match written.await {
            Ok((folder, written, directory)) => {
                self.folder = folder;
                if let Err(error) = &written {
                    tracing::error!("the status page cannot be written to {directory}; it is tried again: {error}");
                }
                self.shelf.put_trouble(written.err().map(|error| error.to_string()));
            }
            Err(broken) => tracing::error!("writing the status page broke: {broken}"),
        }
    }
}
