//! Keeps the status page: makes it anew when something was recorded, and at least every half minute; puts it where readers are served, and
//! has its files written. Nothing waits for the disk: one that hangs costs nothing but the freshness of its files.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::people::Actor;
use hikeshi_engine::door::Door;
use hikeshi_engine::look::LookError;
use hikeshi_outside::status::Folder;
use hikeshi_web::status::{EVERY_S, Shelf, Site, site};
use jiff::SignedDuration;
use tokio::task::JoinHandle;

/// However fast the ledger grows, the page is made no more often than this.
const NO_SOONER: Duration = Duration::from_secs(1);
/// Writing that takes longer than this is told.
const SLOW: SignedDuration = SignedDuration::from_secs(30);

pub struct Keeper {
    door: Door,
    shelf: Shelf,
    /// Where people subscribe.
    subscribe: String,
    files: Files<Folder>,
}

impl Keeper {
    pub fn new(door: Door, shelf: Shelf, public_url: &str) -> Self {
        let subscribe = format!("{}/status/subscribe", public_url.trim_end_matches('/'));
        let files = Files::new(shelf.clone(), Folder::default());
        Self { door, shelf, subscribe, files }
    }

    pub async fn keep(mut self) {
        let mut tip = self.door.tip();
        loop {
            tip.borrow_and_update();
            self.renew().await;
            tokio::time::sleep(NO_SOONER).await;
            let mut due = std::pin::pin!(tokio::time::sleep(Duration::from_secs(EVERY_S)));
            loop {
                tokio::select! {
                    changed = tip.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    left_out = self.files.written() => if left_out {
                        break;
                    },
                    () = &mut due => break,
                }
            }
        }
    }

    async fn renew(&mut self) {
        match self.door.look(&Actor::Runner).status().await {
            Ok(view) => match site(&view, &self.subscribe) {
                Ok(site) => {
                    let (site, now) = (Arc::new(site), view.at);
                    self.shelf.put(Some(Arc::clone(&site)));
                    self.files.put(site, now).await;
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
}

/// Whatever puts the files of a page where they belong. It may take its time.
trait Write: Default + Send + 'static {
    fn write(&mut self, site: &Site, directory: &str) -> io::Result<()>;
}

impl Write for Folder {
    fn write(&mut self, site: &Site, directory: &str) -> io::Result<()> {
        self.write(directory.as_ref(), site.files.iter().map(|(path, file)| (path.as_str(), file.bytes.as_ref())))
    }
}

/// The files, which are written one version at a time.
struct Files<W> {
    shelf: Shelf,
    state: State<W>,
    /// A newer version came while one was being written.
    left_out: bool,
}

enum State<W> {
    Idle(W),
    Writing { since: Timestamp, work: JoinHandle<(W, io::Result<()>)> },
}

impl<W: Write> Files<W> {
    fn new(shelf: Shelf, writer: W) -> Self {
        Self { shelf, state: State::Idle(writer), left_out: false }
    }

    /// Comes back at once, also while an older version is still being written: then this one is left out.
    async fn put(&mut self, site: Arc<Site>, now: Timestamp) {
        if let State::Writing { since, work } = &self.state {
            if work.is_finished() {
                self.written().await;
            } else {
                self.left_out = true;
                return self.tell_slow(*since, now);
            }
        }
        let Some(directory) = site.directory.clone() else { return self.shelf.put_trouble(None) };
        let State::Idle(mut writer) = std::mem::replace(&mut self.state, State::Idle(W::default())) else { return };
        let work = tokio::task::spawn_blocking(move || {
            let written = writer.write(&site, &directory);
            (writer, written.map_err(|error| io::Error::new(error.kind(), format!("{directory}: {error}"))))
        });
        self.state = State::Writing { since: now, work };
    }

    fn tell_slow(&self, since: Timestamp, now: Timestamp) {
        if now.duration_since(since) >= SLOW {
            let trouble = format!("still writing since {since}");
            tracing::error!("the status page's files are not renewed: {trouble}");
            self.shelf.put_trouble(Some(trouble));
        }
    }

    /// Waits for what is being written, and says whether a newer version was left out meanwhile; waits for ever when nothing is.
    async fn written(&mut self) -> bool {
        let State::Writing { work, .. } = &mut self.state else { return std::future::pending().await };
        let (writer, written) = match work.await {
            Ok((writer, written)) => (writer, written),
            Err(broken) => (W::default(), Err(io::Error::other(broken))),
        };
        if let Err(error) = &written {
            tracing::error!("the status page cannot be written; it is tried again: {error}");
        }
        self.shelf.put_trouble(written.err().map(|error| error.to_string()));
        self.state = State::Idle(writer);
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc::{Receiver, channel};

    use hikeshi_domain::policy::{PageName, Visibility};

    use super::*;

    /// A disk that hangs until it is told to go on.
    #[derive(Default)]
    struct Disk(Option<Receiver<()>>);

    impl Write for Disk {
        fn write(&mut self, _: &Site, _: &str) -> io::Result<()> {
            if let Some(go_on) = &self.0 {
                go_on.recv().expect("told");
            }
            Ok(())
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).expect("a time")
    }

    fn site(minute: i64) -> Arc<Site> {
        let title = PageName { ja: "状況".to_owned(), en: "Status".to_owned() };
        let directory = Some("/var/www/status".to_owned());
        Arc::new(Site { at: at(minute), title, visibility: Visibility::Public, mail: false, directory, files: BTreeMap::new() })
    }

    #[tokio::test]
    async fn a_status_disk_that_hangs_holds_up_nothing_and_is_told() {
        let (go_on, told) = channel();
        let (shelf, disk) = (Shelf::default(), Disk(Some(told)));
        let mut files = Files::new(shelf.clone(), disk);
        let at_once = async |files: &mut Files<Disk>, minute| {
            tokio::time::timeout(Duration::from_secs(5), files.put(site(minute), at(minute))).await.expect("at once");
        };
        at_once(&mut files, 0).await;
        at_once(&mut files, 0).await;
        assert_eq!(shelf.trouble(), None, "it has only just begun");
        at_once(&mut files, 2).await;
        assert_eq!(shelf.trouble(), Some(format!("still writing since {}", at(0))));
        go_on.send(()).expect("it waits");
        assert!(files.written().await, "a newer version was left out, and is due now");
        assert_eq!(shelf.trouble(), None);
        go_on.send(()).expect("kept");
        at_once(&mut files, 3).await;
        assert!(!files.written().await);
    }
}
