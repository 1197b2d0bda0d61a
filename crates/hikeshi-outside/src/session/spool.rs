//! The recording on the executor's own disk: sealed blocks, one behind the other, in a file with room kept ahead of it.
//!
//! `header length ‖ body length` (4 bytes each, big endian) `‖ header ‖ zstd(frames)`. A full disk first uses up the room that was kept;
//! what it does not take then waits in memory, for the disk to have room again or for the ledger to name it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::record::{Frame, Header, Word, frames};

pub(super) struct SessionSpool {
    file: File,
    end: u64,
    kept_until: u64,
    reserve: u64,
    /// Where each block lies; `None`: it is not on this disk.
    index: Vec<Option<(u64, u32, u32)>>,
    /// Headers and frames that the disk did not take, and the bytes of these frames.
    memory: BTreeMap<u64, (Vec<u8>, Vec<u8>)>,
    memory_bytes: usize,
    /// What the disk said last is told once.
    is_full: bool,
}

/// Bytes of frames that may wait in memory: as many as room was to be kept on the disk, within these. While they do, output that comes is
/// let through and lost, which is told as a gap.
const MEMORY_BYTES: (u64, u64) = (4 << 20, 64 << 20);

/// What a spool says after its recorder died.
pub(super) struct Left {
    pub(super) blocks: u64,
    pub(super) head: Option<Digest>,
    pub(super) last_us: u64,
    /// Bytes of output, and the number of the last command, in these blocks.
    pub(super) output_bytes: u64,
    pub(super) commands: u64,
}

const HEADER_BYTES_MAX: u32 = 4_096;
const BODY_BYTES_MAX: u32 = 4 << 20;

impl SessionSpool {
    /// Opens the file and keeps room for what will be recorded: a session does not begin without. What a dead recorder left is
    /// continued behind its last whole block, also on a disk that is full by now.
    pub(super) fn open(path: &Path, reserve: u64) -> io::Result<(Self, Left)> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut left = Left { blocks: 0, head: None, last_us: 0, output_bytes: 0, commands: 0 };
        let (mut end, mut index) = (0, Vec::new());
        let length = file.metadata()?.len();
        while let Some((header, sizes)) = next(&mut file, end, length)? {
            // Blocks that could not be written are missing; their numbers tell.
            while u64::try_from(index.len()).unwrap_or(u64::MAX) < header.block {
                index.push(None);
            }
            index.push(Some((end, sizes.0, sizes.1)));
            end += 8 + u64::from(sizes.0) + u64::from(sizes.1);
            left = Left { blocks: header.block + 1, head: Some(header.head()), last_us: header.to_us, ..left };
        }
        file.set_len(end)?;
        let mut spool = Self { file, end, kept_until: end, reserve, index, memory: BTreeMap::new(), memory_bytes: 0, is_full: false };
        match spool.keep_room() {
            Err(error) if left.blocks == 0 => return Err(error),
            Err(error) => tracing::warn!(%error, "no more room can be kept for the recording"),
            Ok(()) => {}
        }
        spool.count(&mut left)?;
        Ok((spool, left))
    }

    /// Counts what the blocks hold, for a recorder that goes on behind them.
    fn count(&self, left: &mut Left) -> io::Result<()> {
        for block in 0..left.blocks {
            let Some((_, bytes)) = self.read(block)? else { continue };
            for (_, frame) in frames(&bytes).map_err(io::Error::other)? {
                match frame {
                    Frame::Output(bytes) => left.output_bytes += u64::try_from(bytes.len()).unwrap_or(0),
                    Frame::Word(Word::CommandBegan { number, .. }) => left.commands = left.commands.max(number.into()),
                    Frame::Word(_) | Frame::Input(_) | Frame::Hidden(_) | Frame::Resize { .. } | Frame::Salt(_) => {}
                }
            }
        }
        Ok(())
    }

    fn keep_room(&mut self) -> io::Result<()> {
        use rustix::io::Errno;
        if self.kept_until.saturating_sub(self.end) >= self.reserve / 2 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::KEEP_SIZE, self.end, self.reserve) {
            Ok(()) => self.kept_until = self.end + self.reserve,
            // Not every file system can; then the room is not certain.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.kept_until = u64::MAX,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Keeps a block, on the disk if it has room for it. Tells which blocks the disk has taken now.
    pub(super) fn keep(&mut self, block: u64, header: Vec<u8>, frames: Vec<u8>) -> Vec<u64> {
        self.memory_bytes += frames.len();
        self.memory.insert(block, (header, frames));
        self.bring_to_disk()
    }

    /// What waits in memory goes to the disk, in order, as far as there is room. Tells which blocks it has taken.
    pub(super) fn bring_to_disk(&mut self) -> Vec<u64> {
        let mut taken = Vec::new();
        while let Some((block, (header, frames))) = self.memory.pop_first() {
            if let Err(error) = self.append(block, &header, &frames) {
                if !self.is_full {
                    tracing::warn!(%error, block, "this disk does not take the recording; it waits in memory");
                }
                self.is_full = true;
                self.memory.insert(block, (header, frames));
                return taken;
            }
            self.memory_bytes -= frames.len();
            taken.push(block);
        }
        self.is_full = false;
        taken
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.memory.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        u64::try_from(self.memory_bytes).unwrap_or(u64::MAX) < self.reserve.clamp(MEMORY_BYTES.0, MEMORY_BYTES.1)
    }

    /// The ledger names the blocks before this one: what waits of them is needed no more.
    pub(super) fn named(&mut self, blocks: u64) {
        self.memory = self.memory.split_off(&blocks);
        self.memory_bytes = self.memory.values().map(|(_, frames)| frames.len()).sum();
    }

    /// Appends a block. On an error nothing of it is kept, and it may be tried again.
    fn append(&mut self, block: u64, header: &[u8], frames: &[u8]) -> io::Result<()> {
        let body = zstd::bulk::compress(frames, 1)?;
        while u64::try_from(self.index.len()).unwrap_or(u64::MAX) < block {
            self.index.push(None);
        }
        // Without room ahead the write itself may still succeed, in the room that was kept before.
        if let Err(error) = self.keep_room()
            && !self.is_full
        {
            tracing::warn!(%error, "no more room can be kept for the recording");
        }
        let (header_length, body_length) = (u32::try_from(header.len()), u32::try_from(body.len()));
        let (Ok(header_length), Ok(body_length)) = (header_length, body_length) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a block is too large"));
        };
        let bytes = [&header_length.to_be_bytes()[..], &body_length.to_be_bytes(), header, &body].concat();
        if let Err(error) = self.write_at_end(&bytes) {
            self.file.set_len(self.end)?;
            return Err(error);
        }
        self.index.push(Some((self.end, header_length, body_length)));
        self.end += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)
    }

    /// To make it durable: that may take long, and nobody else waits meanwhile.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Header and frames of a block; `None`: it is not here.
    pub(super) fn read(&self, block: u64) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        if let Some(waiting) = self.memory.get(&block) {
            return Ok(Some(waiting.clone()));
        }
        let place = usize::try_from(block).ok().and_then(|block| self.index.get(block)).copied().flatten();
        let Some((at, header_length, body_length)) = place else { return Ok(None) };
        let mut header = vec![0; usize::try_from(header_length).map_err(io::Error::other)?];
        let mut body = vec![0; usize::try_from(body_length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut header, at + 8)?;
        self.file.read_exact_at(&mut body, at + 8 + u64::from(header_length))?;
        Ok(Some((header, zstd::bulk::decompress(&body, 4 << 20)?)))
    }
}

/// The header of the block at `at`, if a whole one lies there.
fn next(file: &mut File, at: u64, length: u64) -> io::Result<Option<(Header, (u32, u32))>> {
    if at + 8 > length {
        return Ok(None);
    }
    let mut sizes = [0_u8; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut sizes)?;
    let [a, b, c, d, e, f, g, h] = sizes;
    let (header_length, body_length) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    let whole = at + 8 + u64::from(header_length) + u64::from(body_length) <= length;
    if !whole || header_length == 0 || header_length > HEADER_BYTES_MAX || body_length > BODY_BYTES_MAX {
        return Ok(None);
    }
    let mut header = vec![0; usize::try_from(header_length).map_err(io::Error::other)?];
    file.read_exact(&mut header)?;
    Ok(serde_json::from_slice(&header).ok().map(|header| (header, (header_length, body_length))))
}
