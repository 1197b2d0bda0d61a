//! The screen of a session that was open before a restart: who draws it hands it over here. Drawing it is [`crate::sessions`]'s.

use hikeshi_domain::session::SealedBlock;

use super::{Live, News};
use crate::sessions::screen::ScreenModel;

/// The screen before a restart is being drawn again.
pub(super) struct Redraw {
    pub(super) begun: bool,
    /// Blocks that were there before, and those that came since.
    pub(super) before: u64,
    pub(super) since: Vec<SealedBlock>,
}

impl Live {
    /// True once, when the screen has to be drawn from what was recorded before.
    pub(in crate::sessions) fn wants_its_screen(&self) -> bool {
        let mut state = self.lock();
        state.redraw.as_mut().is_some_and(|redraw| !std::mem::replace(&mut redraw.begun, true))
    }

    /// Takes a screen that was drawn from the first `drawn` blocks. Gives it back with the blocks that came since, if there are any.
    pub(in crate::sessions) fn take_screen(&self, screen: ScreenModel, drawn: usize) -> Result<(), (Box<ScreenModel>, Vec<SealedBlock>)> {
        let mut state = self.lock();
        let drawn = u64::try_from(drawn).unwrap_or(u64::MAX);
        let Some(redraw) = &state.redraw else { return Ok(()) };
        if drawn < state.blocks {
            let known = usize::try_from(drawn.saturating_sub(redraw.before)).unwrap_or(usize::MAX);
            return Err((Box::new(screen), redraw.since.iter().skip(known).cloned().collect()));
        }
        state.screen = screen;
        state.redraw = None;
        self.tell(News::Again);
        Ok(())
    }

    /// The recording cannot be drawn: the screen stays as it is.
    pub(in crate::sessions) fn keep_screen(&self) {
        self.lock().redraw = None;
    }
}
