//! Bodies on their way: what whoever asks sends, bounded; what comes back, which holds its version until its end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::arm::Flight;

type Wrong = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request. Without `inner` it is empty.
pub struct Sent {
    inner: Option<Incoming>,
    left: u64,
    pub too_long: Arc<AtomicBool>,
}

impl Sent {
    pub fn new(inner: Option<Incoming>, most: u64) -> Self {
        Self { inner, left: most, too_long: Arc::default() }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Wrong;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Wrong>>> {
        let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
        let frame = match std::task::ready!(Pin::new(inner).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        if let Some(data) = frame.data_ref() {
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            let Some(left) = self.left.checked_sub(length) else {
                self.too_long.store(true, Ordering::Release);
                return Poll::Ready(Some(Err("the body is longer than the route allows".into())));
            };
            self.left = left;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The body of an answer.
pub enum Answer {
    /// The proxy's own.
    Made(Full<Bytes>),
    Passed(Passed),
}

pub struct Passed {
    inner: Incoming,
    flight: Option<Flight>,
    /// Made when the target first keeps us waiting: most answers are there at once.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Answer {
    pub fn made(text: impl Into<Bytes>) -> Self {
        Self::Made(Full::new(text.into()))
    }

    pub fn passed(inner: Incoming, flight: Flight) -> Self {
        // An answer without a body has nothing more to come.
        let flight = (!inner.is_end_stream()).then_some(flight);
        Self::Passed(Passed { inner, flight, cut: None })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Wrong;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Wrong>>> {
        match self.get_mut() {
            Self::Made(full) => Pin::new(full).poll_frame(context).map_err(|never| match never {}),
            Self::Passed(passed) => passed.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Made(full) => full.is_end_stream(),
            Self::Passed(passed) => passed.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Made(full) => full.size_hint(),
            Self::Passed(passed) => passed.inner.size_hint(),
        }
    }
}

impl Passed {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Wrong>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                if self.inner.is_end_stream() {
                    self.flight = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.flight = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.flight = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let Some(flight) = &self.flight else { return Poll::Pending };
                let tenure = Arc::clone(flight.tenure());
                let cut = self.cut.get_or_insert_with(|| Box::pin(async move { tenure.cut().await }));
                if cut.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.flight = None;
                Poll::Ready(Some(Err("the version that answers has been taken out, and the time to end was over".into())))
            }
        }
    }
}
