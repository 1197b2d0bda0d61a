//! Socket Mode: the server opens the connection, Slack sends through it what people did, and each piece is answered by its number.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use hikeshi_domain::effect::Doing;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::Voice;
use super::api::{CallError, call_as};
use super::find::text;

/// What is done with an interaction, and what Slack is answered; `None`: only that it arrived. It answers within [`ANSWER_WITHIN`].
pub type Handle = Arc<dyn Fn(Value) -> Doing<'static, Option<Value>> + Send + Sync>;

/// Slack wants an answer within three seconds.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);
/// Nothing was heard for this long: we ask. For twice as long: the connection is dead.
const QUIET: Duration = Duration::from_secs(20);
const WAIT_MAX: Duration = Duration::from_secs(30);
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// Listens for ever, through as many connections as it takes. Ends when it is dropped.
pub async fn listen(voice: Voice, handle: Handle) -> std::convert::Infallible {
    let mut wait = Duration::from_secs(1);
    loop {
        match connected(&voice, &handle).await {
            Ok(()) => wait = Duration::from_millis(200),
            Err(Broken { why, after }) => {
                tracing::warn!(why, "no connection to Slack");
                wait = after.unwrap_or((wait * 2).min(WAIT_MAX)).max(Duration::from_secs(1));
            }
        }
        tokio::time::sleep(wait + jitter()).await;
    }
}

struct Broken {
    why: String,
    after: Option<Duration>,
}

/// So that many servers do not come back at the same moment.
fn jitter() -> Duration {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map(|since| since.subsec_nanos()).unwrap_or_default();
    Duration::from_millis(u64::from(nanos % 250))
}

/// One connection, from its opening to its end. `Ok`: Slack asked for another one, or it ended after it had worked.
async fn connected(voice: &Voice, handle: &Handle) -> Result<(), Broken> {
    let broken = |why: String| Broken { why, after: None };
    let token = voice.app_token.as_deref().ok_or_else(|| broken(format!("{} is not set", voice.slack.app_token_env)))?;
    let opened = call_as(voice, token, "apps.connections.open", &json!({})).await.map_err(|error| match error {
        CallError::Limited { after_s } => {
            Broken { why: "Slack asks to wait".to_owned(), after: Some(Duration::from_secs(u64::from(after_s))) }
        }
        CallError::Unreached(why) => broken(why),
        CallError::Refused { code, .. } => Broken { why: code, after: Some(WAIT_MAX) },
    })?;
    let url = text(&opened.body, "url").to_owned();
    let connecting = tokio::time::timeout(CONNECT_WITHIN, tokio_tungstenite::connect_async(url)).await;
    let (stream, _) = connecting.map_err(|_| broken("no answer".to_owned()))?.map_err(|error| broken(error.to_string()))?;
    let (mut out, mut heard) = stream.split();
    let mut worked = false;
    let mut silent = 0_u32;
    loop {
        let message = match tokio::time::timeout(QUIET, heard.next()).await {
            Err(_) if silent >= 1 => return if worked { Ok(()) } else { Err(broken("the connection fell silent".to_owned())) },
            Err(_) => {
                silent += 1;
                out.send(Message::Ping(Vec::new().into())).await.map_err(|error| broken(error.to_string()))?;
                continue;
            }
            Ok(None) => return if worked { Ok(()) } else { Err(broken("the connection ended".to_owned())) },
            Ok(Some(Err(error))) => return if worked { Ok(()) } else { Err(broken(error.to_string())) },
            Ok(Some(Ok(message))) => message,
        };
        silent = 0;
        let Message::Text(words) = message else { continue };
        let Ok(envelope) = serde_json::from_str::<Value>(&words) else { continue };
        match text(&envelope, "type") {
            "hello" => worked = true,
            "disconnect" => {
                tracing::debug!(reason = text(&envelope, "reason"), "Slack asks for another connection");
                return Ok(());
            }
            _ => {
                if let Some(answer) = answered(&envelope, handle).await {
                    out.send(Message::text(answer.to_string())).await.map_err(|error| broken(error.to_string()))?;
                }
            }
        }
    }
}

/// The answer to one envelope.
async fn answered(envelope: &Value, handle: &Handle) -> Option<Value> {
    let id = envelope.get("envelope_id")?.as_str()?.to_owned();
    let mut answer = json!({"envelope_id": id});
    if text(envelope, "type") != "interactive" {
        return Some(answer);
    }
    let payload = envelope.get("payload").cloned().unwrap_or_default();
    if let Some(words) = handle(payload).await {
        super::find::set(&mut answer, "payload", words);
    }
    Some(answer)
}
