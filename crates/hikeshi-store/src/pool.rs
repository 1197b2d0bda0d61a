//! A bounded set of idle connections. More callers than connections wait for one.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::Result;

pub(crate) struct Pool<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    max: usize,
}

struct State<T> {
    idle: Vec<T>,
    open: usize,
}

/// A connection that goes back when dropped, unless it was [`Lent::discard`]ed.
pub(crate) struct Lent<'a, T> {
    pool: &'a Pool<T>,
    connection: Option<T>,
}

impl<T> Pool<T> {
    pub fn new(max: usize) -> Self {
        Self { state: Mutex::new(State { idle: Vec::new(), open: 0 }), returned: Condvar::new(), max }
    }

    pub fn take(&self, connect: impl FnOnce() -> Result<T>) -> Result<Lent<'_, T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.idle.is_empty() && state.open >= self.max {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(connection) = state.idle.pop() {
            return Ok(Lent { pool: self, connection: Some(connection) });
        }
        state.open += 1;
        drop(state);
        // From here on the slot is given back by the drop, also when connecting fails.
        let mut lent = Lent { pool: self, connection: None };
        lent.connection = Some(connect()?);
        Ok(lent)
    }
}

impl<T> Lent<'_, T> {
    /// The connection, as long as it is worth keeping.
    pub fn get(&mut self) -> Option<&mut T> {
        self.connection.as_mut()
    }

    /// Closes the connection instead of giving it back.
    pub fn discard(mut self) {
        self.connection = None;
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) => state.idle.push(connection),
            None => state.open -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;
    use crate::error::StoreError;

    #[test]
    fn a_connection_is_used_again_and_a_failed_one_leaves_its_place() {
        let pool = Pool::new(1);
        assert!(pool.take(|| Err::<u32, _>(StoreError::passing("connect", "no"))).is_err());
        let mut first = pool.take(|| Ok(7)).unwrap();
        *first.get().unwrap() = 8;
        drop(first);
        let mut again = pool.take(|| Ok(9)).unwrap();
        assert_eq!(again.get().copied(), Some(8));
        again.discard();
        assert_eq!(pool.take(|| Ok(9)).unwrap().get().copied(), Some(9));
    }
}
