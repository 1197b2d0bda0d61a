//! What the plan looks at beside files: each capture is a script that only prints, kept whole by digest, masked as it comes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::{Capture, Captured};

use super::Secrets;
use super::script::{self, Script};
use super::spool::read_bounded;

const CAPTURE_WITHIN: Duration = Duration::from_secs(60);
/// Most bytes kept of one capture: a schema, not a dump of the data.
const CAPTURE_BYTES_MAX: u64 = 8 << 20;

pub(super) struct Captures<'a> {
    pub(super) root: &'a Path,
    pub(super) env: &'a BTreeMap<OsString, OsString>,
    pub(super) secrets: &'a Secrets,
    pub(super) output: &'a Path,
}

impl Captures<'_> {
    /// Runs all of them, one after the other. One that fails is told with what it printed.
    pub(super) async fn run(&self, captures: &[Capture]) -> io::Result<(Vec<Captured>, Vec<Vec<u8>>)> {
        let (mut captured, mut contents) = (Vec::new(), Vec::new());
        for capture in captures {
            let mut out = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(self.output)?;
            let script = Script {
                root: self.root,
                run: &capture.run,
                timeout: CAPTURE_WITHIN,
                env: self.env,
                output_bytes_max: CAPTURE_BYTES_MAX,
                mark: None,
            };
            let end = script::run(&script, self.secrets.stream(), &mut out).await;
            let printed = read_bounded(self.output, CAPTURE_BYTES_MAX + (1 << 20))?;
            captured.push(Captured {
                title: capture.title.clone(),
                // What was cut is not a whole picture.
                exit_code: end.exit_code.filter(|_| end.cut_bytes == 0 && end.unrecorded.is_none()),
                output: Digest::of(&printed),
                bytes: end.kept_bytes,
            });
            contents.push(printed);
        }
        Ok((captured, contents))
    }
}
