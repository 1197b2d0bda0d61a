//! The status page of this server: the same files as the static ones, from memory, and the forms with which people subscribe and leave.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hikeshi_domain::policy::{Language, Visibility};
use hikeshi_engine::status::Asking;
use hikeshi_text::page::Words;
use hikeshi_text::{Lang, label};

use super::Query;
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret::new_secret;
use crate::state::App;
use crate::status::{Form, Site, content_security_policy, form};
use crate::viewer::{self, Viewer};

/// What people outside the team see may be this old in their browsers.
const CACHE: &str = "public, max-age=10";
/// RFC 5321: 254 characters are the longest address that a mail server takes.
const ADDRESS_CHARS_MAX: usize = 254;
/// Numbers that every reader of JSON can hold.
const ID_BITS: u32 = 53;

/// The page, if there is one and the asker may read it.
fn readable(app: &App, viewer: Option<&Viewer>, path: &str) -> Result<std::sync::Arc<Site>, Fail> {
    let site = app.status.site().ok_or_else(|| Fail::NotFound { what: "page", given: "status".to_owned() })?;
    if site.visibility == Visibility::Private && viewer.is_none() {
        return Err(Fail::NotSignedIn { back: path.to_owned() });
    }
    Ok(site)
}

/// Everything of the page is written relative to `/status/`.
pub async fn home() -> Redirect {
    Redirect::permanent("/status/")
}

pub async fn index(State(app): State<App>, viewer: Option<Viewer>) -> Result<Response, Fail> {
    of_file(&app, viewer.as_ref(), "index.html")
}

pub async fn file(State(app): State<App>, viewer: Option<Viewer>, Path(file): Path<String>) -> Result<Response, Fail> {
    let path = if file == "en/" { "en/index.html" } else { file.as_str() };
    of_file(&app, viewer.as_ref(), path)
}

fn of_file(app: &App, viewer: Option<&Viewer>, path: &str) -> Result<Response, Fail> {
    let site = readable(app, viewer, &format!("/status/{}", path.chars().take(200).collect::<String>()))?;
    let Some(found) = site.files.get(path) else {
        return Err(Fail::NotFound { what: "page", given: path.chars().take(100).collect() });
    };
    let cache = if site.visibility == Visibility::Public { CACHE } else { "private, no-cache" };
    let headers = [
        (header::CONTENT_TYPE, found.kind.to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, format!("\"{}\"", found.digest.short())),
        (header::CONTENT_SECURITY_POLICY, content_security_policy().to_owned()),
    ];
    Ok((headers, found.bytes.clone()).into_response())
}

/// What a form page needs: the words and the names.
struct Asked {
    lang: Lang,
    name: String,
    /// The same address in the other language.
    other: String,
}

impl Asked {
    fn of(site: &Site, headers: &HeaderMap, query: &str, path: &str) -> Self {
        let lang = Lang::parse(query).unwrap_or_else(|| viewer::guest_lang(headers));
        let other = match lang {
            Lang::Ja => Lang::En,
            Lang::En => Lang::Ja,
        };
        Self { lang, name: label::page_name(lang, &site.title).to_owned(), other: format!("{path}?lang={}", other.tag()) }
    }

    fn t(&self) -> Words {
        Words(self.lang)
    }

    /// A form is answered in the language in which it was read.
    fn here(&self, path: &str) -> String {
        format!("{path}?lang={}", self.lang.tag())
    }

    fn page(&self, status: StatusCode, shown: &Form<'_>) -> Result<Response, Fail> {
        let text = form(self.lang, &Form { name: &self.name, ..*shown }, &self.other)?;
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, content_security_policy().to_owned()),
        ];
        Ok((status, headers, text).into_response())
    }

    /// The answer to a form.
    fn said(&self, status: StatusCode, title: &str, lead: &str) -> Result<Response, Fail> {
        self.page(status, &Form { name: "", title, lead, action: "", button: "", asks: false, bad: "" })
    }
}

/// The page with mail, or nothing.
fn with_mail(app: &App, viewer: Option<&Viewer>, path: &str) -> Result<std::sync::Arc<Site>, Fail> {
    let site = readable(app, viewer, path)?;
    if site.mail { Ok(site) } else { Err(Fail::NotFound { what: "page", given: path.to_owned() }) }
}

const SUBSCRIBE: &str = "/status/subscribe";

pub async fn subscribe(State(app): State<App>, viewer: Option<Viewer>, query: Query, headers: HeaderMap) -> Result<Response, Fail> {
    let site = with_mail(&app, viewer.as_ref(), SUBSCRIBE)?;
    let asked = Asked::of(&site, &headers, &query.0.text("lang"), SUBSCRIBE);
    typed(&asked, StatusCode::OK, "")
}

fn typed(asked: &Asked, status: StatusCode, bad: &str) -> Result<Response, Fail> {
    let t = asked.t();
    let action = asked.here(SUBSCRIBE);
    let shown = Form {
        name: "",
        title: t.status_subscribe(),
        lead: t.status_subscribe_lead(),
        action: &action,
        button: t.status_subscribe_button(),
        asks: true,
        bad,
    };
    asked.page(status, &shown)
}

pub async fn post_subscribe(
    State(app): State<App>,
    viewer: Option<Viewer>,
    query: Query,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fail> {
    let site = with_mail(&app, viewer.as_ref(), SUBSCRIBE)?;
    let asked = Asked::of(&site, &headers, &query.0.text("lang"), SUBSCRIBE);
    let t = asked.t();
    let Some(address) = address(&fields.text("address")) else {
        return typed(&asked, StatusCode::UNPROCESSABLE_ENTITY, t.status_bad_address());
    };
    let language = match asked.lang {
        Lang::Ja => Language::Ja,
        Lang::En => Language::En,
    };
    let fresh = || new_secret().map_err(|error| Fail::Broken { detail: error.to_string() });
    let asking = Asking { id: number(&fresh()?), address, language, secret: fresh()?, leave: fresh()? };
    let gate = app.subscribing.enter();
    if gate.is_none() || !app.door.subscribe(asking).await? {
        return typed(&asked, StatusCode::TOO_MANY_REQUESTS, t.status_busy());
    }
    // The same words whether the address is new, waits, or has subscribed already: nobody learns who reads this page.
    asked.said(StatusCode::OK, t.status_asked_title(), t.status_asked())
}

/// A number that says nothing of how many there are.
fn number(secret: &str) -> u64 {
    let bytes = hikeshi_domain::ids::Digest::of(secret.as_bytes()).0;
    let whole = bytes.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    whole >> (64 - ID_BITS)
}

/// A plain address; what is not certain to be one is not mailed to.
fn address(given: &str) -> Option<String> {
    let (name, host) = given.rsplit_once('@')?;
    let plain = |text: &str, more: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let dots = |text: &str| !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    let good = given.len() <= ADDRESS_CHARS_MAX
        && name.len() <= 64
        && plain(name, "!#$%&'*+-/=?^_`{|}~.")
        && dots(name)
        && plain(host, "-.")
        && dots(host)
        && host.contains('.');
    good.then(|| format!("{name}@{}", host.to_ascii_lowercase()))
}

/// `123.secret` of a link.
fn parts(secret: &str) -> Option<(u64, String)> {
    let (id, secret) = secret.split_once('.')?;
    let id = id.parse().ok().filter(|id| *id < 1 << ID_BITS)?;
    (secret.len() <= 100).then(|| (id, secret.to_owned()))
}

/// Links of mails work without signing in, also for a private page: whoever has the link has the mail.
fn by_link(app: &App, headers: &HeaderMap, query: &Query, path: &str) -> Result<Asked, Fail> {
    let site = app.status.site().ok_or_else(|| Fail::NotFound { what: "page", given: "status".to_owned() })?;
    Ok(Asked::of(&site, headers, &query.0.text("lang"), path))
}

/// Opening a link changes nothing: programs that look for viruses in mails open every one.
pub async fn confirm(State(app): State<App>, query: Query, headers: HeaderMap, Path(secret): Path<String>) -> Result<Response, Fail> {
    let path = format!("/status/confirm/{}", secret.chars().take(200).collect::<String>());
    let asked = by_link(&app, &headers, &query, &path)?;
    let t = asked.t();
    let (title, lead, button) = (t.status_confirm_title(), t.status_subscribe_lead(), t.status_confirm_button());
    asked.page(StatusCode::OK, &Form { name: "", title, lead, action: &asked.here(&path), button, asks: false, bad: "" })
}

pub async fn post_confirm(State(app): State<App>, query: Query, headers: HeaderMap, Path(secret): Path<String>) -> Result<Response, Fail> {
    let asked = by_link(&app, &headers, &query, "/status/")?;
    let t = asked.t();
    let Some(_gate) = app.confirming.enter() else {
        return asked.said(StatusCode::TOO_MANY_REQUESTS, t.status_confirm_title(), t.status_busy());
    };
    let confirmed = match parts(&secret) {
        Some((id, secret)) => app.door.confirm_subscriber(id, secret).await?,
        None => false,
    };
    if confirmed {
        asked.said(StatusCode::OK, t.status_confirmed_title(), t.status_confirmed())
    } else {
        asked.said(StatusCode::GONE, t.status_confirm_title(), t.status_link_over())
    }
}

pub async fn leave(State(app): State<App>, query: Query, headers: HeaderMap, Path(secret): Path<String>) -> Result<Response, Fail> {
    let path = format!("/status/leave/{}", secret.chars().take(200).collect::<String>());
    let asked = by_link(&app, &headers, &query, &path)?;
    let t = asked.t();
    let (title, button) = (t.status_leave_title(), t.status_leave_button());
    asked.page(StatusCode::OK, &Form { name: "", title, lead: "", action: &asked.here(&path), button, asks: false, bad: "" })
}

/// Also what a mail program posts by itself (RFC 8058), whatever its body is. Leaving twice is as good as once.
pub async fn post_leave(State(app): State<App>, query: Query, headers: HeaderMap, Path(secret): Path<String>) -> Result<Response, Fail> {
    let asked = by_link(&app, &headers, &query, "/status/")?;
    let t = asked.t();
    let Some(_gate) = app.leaving.enter() else {
        return asked.said(StatusCode::TOO_MANY_REQUESTS, t.status_leave_title(), t.status_busy());
    };
    if let Some((id, key)) = parts(&secret) {
        app.door.unsubscribe(id, key).await?;
    }
    asked.said(StatusCode::OK, t.status_left_title(), t.status_left())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_an_address_is_mailed_to() {
        assert_eq!(address("Yamada.Taro+status@Example.JP").as_deref(), Some("Yamada.Taro+status@example.jp"));
        for bad in [
            "",
            "a",
            "a@",
            "@b.jp",
            "a@b",
            "a b@c.jp",
            "a@b..jp",
            ".a@b.jp",
            "a@b.jp\r\nBcc: c@d.jp",
            "山田@例え.jp",
            "a@[127.0.0.1]",
            "<a@b.jp>",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_is_a_number_and_a_secret() {
        assert_eq!(parts("12.abc"), Some((12, "abc".to_owned())));
        for bad in ["", "12", "x.abc", "-1.abc", "99999999999999999999.abc"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
        assert!(number("a") < 1 << ID_BITS && number("a") != number("b"));
    }
}
