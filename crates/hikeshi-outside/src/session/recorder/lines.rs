//! Keys of a session whose plan calls some lines dangerous: each Enter is looked at, and one that must wait is let through once, for the very
//! line that a witness has confirmed. What is looked at is [`Guard`]'s.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::session::LineAnswer;
use hikeshi_domain::session::record::{Frame, Word};

use super::Recording;
use crate::session::guard::{Asked, Guard, Judged, Passed, Turn, Waiting, is_enter};
use crate::session::wire::{LineNews, ToTerminal};

/// How often it is looked whether a line has waited too long, or whether keys pass again.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Recording {
    pub(super) fn guarded(&self, guard: &Guard, keys: &[u8]) {
        let mut turn = guard.turn();
        if let Some(waiting) = turn.waiting.take() {
            if keys.iter().all(|key| is_enter(*key)) {
                turn.waiting = Some(waiting);
                self.tell(ToTerminal::Line(LineNews::StillWaits));
                return;
            }
            // Any other key goes to the line, which is another one by that.
            self.give_up(guard, &waiting, LineAnswer::Withdrawn);
        }
        self.line_by_line(guard, &mut turn, keys);
    }

    fn line_by_line(&self, guard: &Guard, turn: &mut Turn, keys: &[u8]) {
        let mut left = keys;
        guard.after_hidden(turn, || self.master.modes());
        while let Some(at) = left.iter().position(|key| is_enter(*key)) {
            let (before, behind) = left.split_at(at);
            let Some((enter, rest)) = behind.split_first() else { return };
            if !before.is_empty() {
                guard.typing(turn, before, self.master.modes());
                self.pass(before);
            }
            let passed = match guard.judge(turn, *enter, rest, || self.master.modes()) {
                Judged::Passes(passed) => passed,
                Judged::Waits(Asked { line, words, why, asked_at }) => {
                    self.frame(Frame::Word(Word::LineAsked { asked_at, line, words: words.clone() }));
                    self.tell(ToTerminal::Line(LineNews::Waits { words, why }));
                    return;
                }
            };
            self.pass(&[*enter]);
            guard.entered(turn, *enter, passed);
            guard.after_hidden(turn, || self.master.modes());
            left = rest;
        }
        if !left.is_empty() {
            guard.typing(turn, left, self.master.modes());
            self.pass(left);
        }
    }

    /// What the server says about the line that waits. Ends with the process.
    pub(super) fn take_answers(&self, answers: &Receiver<(Timestamp, LineAnswer)>) {
        let Some(guard) = &self.guard else { return };
        loop {
            match answers.recv_timeout(LOOK_EVERY) {
                Ok((asked_at, answer)) => self.answered(guard, asked_at, answer),
                Err(RecvTimeoutError::Timeout) => self.look_at_waiting(guard),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn answered(&self, guard: &Guard, asked_at: Timestamp, answer: LineAnswer) {
        let mut turn = guard.turn();
        let Some(mut waiting) = turn.waiting.take_if(|waiting| waiting.asked_at == asked_at) else { return };
        match answer {
            LineAnswer::Confirmed { .. } if waiting.confirmed => turn.waiting = Some(waiting),
            LineAnswer::Confirmed { .. } => {
                self.frame(Frame::Word(Word::LineAnswered { asked_at, answer: answer.clone() }));
                self.tell(ToTerminal::Line(LineNews::Over { answer, dropped: 0 }));
                waiting.confirmed = true;
                self.let_through(guard, &mut turn, waiting);
            }
            LineAnswer::Denied { .. } | LineAnswer::Withdrawn => self.give_up(guard, &waiting, answer),
        }
    }

    /// Once: the Enter goes with the confirmation. While keys are held for another reason it goes on waiting.
    fn let_through(&self, guard: &Guard, turn: &mut Turn, waiting: Waiting) {
        if !guard.is_same(turn, &waiting) {
            self.give_up(guard, &waiting, LineAnswer::Withdrawn);
        } else if self.valve.held().is_empty() {
            self.pass(&[waiting.key]);
            guard.entered(turn, waiting.key, Passed::Confirmed);
            guard.settled();
            self.line_by_line(guard, turn, &waiting.rest);
        } else {
            turn.waiting = Some(waiting);
        }
    }

    fn look_at_waiting(&self, guard: &Guard) {
        let mut turn = guard.turn();
        let Some(waiting) = turn.waiting.take() else { return };
        if guard.is_overdue(&waiting) {
            self.give_up(guard, &waiting, LineAnswer::Withdrawn);
        } else if waiting.confirmed {
            self.let_through(guard, &mut turn, waiting);
        } else {
            turn.waiting = Some(waiting);
        }
    }

    /// The Enter and what came behind it go nowhere; the line stays where it is, to be edited.
    fn give_up(&self, guard: &Guard, waiting: &Waiting, answer: LineAnswer) {
        guard.withdraw(waiting);
        self.frame(Frame::Word(Word::LineAnswered { asked_at: waiting.asked_at, answer: answer.clone() }));
        let dropped = u64::try_from(waiting.rest.len()).unwrap_or(u64::MAX);
        self.tell(ToTerminal::Line(LineNews::Over { answer, dropped }));
    }
}

#[cfg(test)]
mod tests;
