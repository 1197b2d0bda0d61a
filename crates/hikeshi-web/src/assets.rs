//! Style and scripts, served from the binary. Names carry a digest of the content, so browsers keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::ids::Digest;

use crate::fail::Fail;

pub struct Asset {
    /// `hikeshi.3f2a….css`
    pub name: String,
    kind: &'static str,
    body: &'static [u8],
}

/// Every file that a page may ask for.
pub struct Assets {
    pub css: Asset,
    pub live: Asset,
    pub passkey: Asset,
    pub push: Asset,
    pub terminal: Asset,
    pub replay: Asset,
    /// The player of the asciinema project (Apache-2.0), unchanged.
    pub player: Asset,
    pub player_css: Asset,
    pub icon: Asset,
}

pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: asset("hikeshi", "css", "text/css; charset=utf-8", include_bytes!("../assets/hikeshi.css")),
    live: asset("live", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/live.js")),
    passkey: asset("passkey", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/passkey.js")),
    push: asset("push", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/push.js")),
    terminal: asset("terminal", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/terminal.js")),
    replay: asset("replay", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/replay.js")),
    player: asset("player", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/vendor/asciinema-player.min.js")),
    player_css: asset("player", "css", "text/css; charset=utf-8", include_bytes!("../assets/vendor/asciinema-player.css")),
    icon: asset("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
});

fn asset(stem: &str, extension: &str, kind: &'static str, body: &'static [u8]) -> Asset {
    Asset { name: format!("{stem}.{}.{extension}", Digest::of(body).short()), kind, body }
}

pub async fn get(Path(name): Path<String>) -> Result<Response, Fail> {
    let all = &*ASSETS;
    let every = [&all.css, &all.live, &all.passkey, &all.push, &all.terminal, &all.replay, &all.player, &all.player_css, &all.icon];
    let found = every.into_iter().find(|asset| asset.name == name);
    let Some(found) = found else { return Err(Fail::NotFound { what: "asset", given: name.chars().take(60).collect() }) };
    let headers = [(header::CONTENT_TYPE, found.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, found.body).into_response())
}
