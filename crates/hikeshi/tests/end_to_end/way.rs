//! A way between two programs that can be cut while both of them live.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct State {
    cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

pub struct Way {
    pub port: u16,
    state: Arc<State>,
}

impl Way {
    /// A new port that leads to that one.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let way = Self { port: listener.local_addr().expect("an address").port(), state: Arc::default() };
        let state = Arc::clone(&way.state);
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let clone = |stream: &TcpStream| stream.try_clone().expect("a handle");
                state.open.lock().expect("open").extend([clone(&here), clone(&there)]);
                for (from, to) in [(clone(&here), clone(&there)), (there, here)] {
                    let state = Arc::clone(&state);
                    std::thread::spawn(move || carry(&state, from, to));
                }
            }
        });
        way
    }

    /// Nothing gets through any more. `goodbye`: and both sides are told.
    pub fn cut(&self, goodbye: bool) {
        self.state.cut.store(true, Ordering::SeqCst);
        if goodbye {
            self.close();
        }
    }

    /// New connections get through again.
    pub fn mend(&self) {
        self.close();
        self.state.cut.store(false, Ordering::SeqCst);
    }

    fn close(&self) {
        for stream in self.state.open.lock().expect("open").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(state: &State, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while state.cut.load(Ordering::SeqCst) {
            if from.peek(&mut [0]).is_ok_and(|count| count == 0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
