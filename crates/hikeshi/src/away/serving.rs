//! `hikeshi --local serve`: opens the local ledger, or makes one from the trust bundle, and serves it as any other.

use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::kept::{self, Kept};
use crate::cli::Global;
use crate::fail::{Failure, Result};
use crate::serve::{Running, ServeArgs, Setup};
use crate::show::Out;

/// Beside the server's usual port, so that both may be on one machine.
const LISTEN: &str = "127.0.0.1:7411";

pub async fn serve(args: &ServeArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    crate::serve::log();
    let kept = found(args, global, lang)?;
    let config = kept.config()?;
    let (dir, ledger, url) = (kept.dir.display().to_string(), kept.note.ledger.clone(), kept.note.url.clone());
    let running = Running::start(Setup { config, lang, face: true, background: true }).await?;
    out.data(&json!({"url": url, "ledger": ledger, "directory": dir, "pid": std::process::id()}), || {
        terminal::local_serving(lang, &url, &ledger, &dir)
    });
    for next in terminal::local_next(lang, &url) {
        out.hint(&next);
    }
    crate::serve::asked_to_stop().await;
    out.hint(&terminal::stopping(lang));
    running.stop().await;
    out.hint(&terminal::stopped(lang));
    Ok(())
}

/// The one that is worked in, also when the bundle has ended while something is under way. Once it is over, the next failure gets a ledger
/// of its own, from a bundle that is good.
fn found(args: &ServeArgs, global: &Global, lang: Lang) -> Result<Kept> {
    let last = kept::open(&global.url)?;
    let goes_on = last.as_ref().map(Kept::goes_on).transpose()?.unwrap_or(false);
    if let Some(mut kept) = last.filter(|_| goes_on) {
        if let Some(listen) = &args.listen {
            kept.note.listen.clone_from(listen);
            kept.note.url = url_of(listen, lang)?;
            kept.write_note()?;
        }
        return Ok(kept);
    }
    let (trust, note) = crate::cli::kept_trust(&global.url, lang)?;
    let listen = args.listen.as_deref().unwrap_or(LISTEN);
    let url = url_of(listen, lang)?;
    Ok(kept::create(&global.url, &trust, &note, listen, url)?)
}

fn url_of(listen: &str, lang: Lang) -> Result<String> {
    let address: std::net::SocketAddr = listen.parse().map_err(|_| Failure::Usage(terminal::bad_url(lang, listen)))?;
    let here = address.ip().is_loopback() || address.ip().is_unspecified();
    Ok(if here { format!("http://localhost:{}", address.port()) } else { format!("http://{address}") })
}
