//! One connection that LISTENs for other nodes' commits, on its own thread. A lost notification costs nothing: polling is the truth.

use std::future::poll_fn;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_postgres::{AsyncMessage, Config, NoTls};

use crate::error::{Result, StoreError};
use crate::news::News;

const RECONNECT: Duration = Duration::from_secs(1);

/// Ends with the store.
pub(crate) struct Listener {
    _stop: oneshot::Sender<()>,
}

impl Listener {
    pub fn start(config: Config, channel: String, news: Arc<News>) -> Result<Self> {
        const DOING: &str = "listen for other nodes";
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| StoreError::passing(DOING, error.to_string()))?;
        let listening = move || {
            runtime.block_on(async move {
                tokio::select! {
                    // The sender is dropped, never used: an error is the sign.
                    _ = stopped => (),
                    () = listen(&config, &channel, &news) => (),
                }
            });
        };
        thread::Builder::new()
            .name("store-listen".to_owned())
            .spawn(listening)
            .map_err(|error| StoreError::passing(DOING, error.to_string()))?;
        Ok(Self { _stop: stop })
    }
}

#[expect(clippy::disallowed_methods, reason = "drives this connection on its own runtime, and ends with it")]
async fn listen(config: &Config, channel: &str, news: &Arc<News>) {
    loop {
        if let Ok((client, mut connection)) = config.connect(NoTls).await {
            let told = Arc::clone(news);
            let driven = tokio::spawn(async move {
                while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                    if let AsyncMessage::Notification(word) = message {
                        // Somebody else's payload on this channel is no size, and no news.
                        word.payload().parse().into_iter().for_each(|size| told.tell(size));
                    }
                }
            });
            if client.batch_execute(&format!("LISTEN {channel}")).await.is_ok() {
                // The client is kept until the connection ends: dropping it would close it.
                drop(driven.await);
            }
            drop(client);
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
