//! A lock that is given in order of arrival: a writer that commits without a pause must not keep the runner from claiming.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Ticket<T> {
    queue: Mutex<Queue>,
    turn: Condvar,
    value: Mutex<T>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    serving: u64,
}

pub(crate) struct Held<'a, T> {
    owner: &'a Ticket<T>,
    value: MutexGuard<'a, T>,
}

impl<T> Ticket<T> {
    pub fn new(value: T) -> Self {
        Self { queue: Mutex::default(), turn: Condvar::new(), value: Mutex::new(value) }
    }

    pub fn take(&self) -> Held<'_, T> {
        // A panic elsewhere leaves at worst an open transaction, which the next one to begin rolls back.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = queue.next;
        queue.next += 1;
        while queue.serving != mine {
            queue = self.turn.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        drop(queue);
        // Free for the one who is served: the holder before lets go of it first, or is just about to.
        Held { owner: self, value: self.value.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.owner.queue.lock().unwrap_or_else(PoisonError::into_inner).serving += 1;
        self.owner.turn.notify_all();
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::Ticket;

    #[test]
    fn a_waiting_thread_is_served_before_one_that_comes_back() {
        let ticket = Arc::new(Ticket::new(Vec::new()));
        let first = ticket.take();
        let other = Arc::clone(&ticket);
        let waiting = thread::spawn(move || other.take().push("waited"));
        while ticket.queue.lock().unwrap().next < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        drop(first);
        ticket.take().push("came back");
        waiting.join().unwrap();
        assert_eq!(*ticket.take(), ["waited", "came back"]);
    }
}
