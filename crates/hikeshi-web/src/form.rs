//! What a browser's form carries: UTF-8 pairs, bounded. Turning them into a command is [`crate::acts`].

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};

use crate::fail::Fail;

/// Most bytes of a request body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most pairs of one form.
const PAIRS_MAX: usize = 2_000;
/// A body that does not arrive in this time is given up.
const BODY_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// The fields of a form or query, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Parses `application/x-www-form-urlencoded`. Bytes that are not UTF-8 are an error: replacing them would change what the person wrote.
    pub fn parse(body: &[u8]) -> Result<Self, Fail> {
        let mut pairs = Vec::new();
        for part in body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
            if pairs.len() >= PAIRS_MAX {
                return Err(Fail::TooManyFields { max: PAIRS_MAX });
            }
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            pairs.push((name, value.replace("\r\n", "\n")));
        }
        Ok(Self(pairs))
    }

    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub fn owned(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value as it was typed; empty when absent.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value.as_str())
    }
    /// The value without blanks around it.
    pub fn text(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }
    pub fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| given == name)
    }
    /// Every value of a name: ticked boxes.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(given, value)| given == name && !value.trim().is_empty()).map(|(_, value)| value.trim().to_owned()).collect()
    }
    /// Lines of a text field that are not empty.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.raw(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn decode(raw: &[u8]) -> Result<String, Fail> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair = (rest.next().and_then(nibble), rest.next().and_then(nibble));
                let (Some(high), Some(low)) = pair else { return Err(Fail::BadEncoding) };
                bytes.push(high << 4 | low);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| Fail::BadEncoding)
}

/// Reads a body within its bounds of size and time.
pub async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Fail> {
    read_up_to(BODY_BYTES_MAX, headers, body).await
}

/// How many bytes the head of a request announces.
pub fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub async fn read_up_to(max: usize, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Fail> {
    if announced(headers).is_some_and(|bytes| bytes > max) {
        return Err(Fail::TooLarge { max });
    }
    match tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_length(&error) => Err(Fail::TooLarge { max }),
        Ok(Err(_)) => Err(Fail::BodyBroken),
        Err(_) => Err(Fail::BodySlow),
    }
}

fn is_length(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit") {
            return true;
        }
        source = error.source();
    }
    false
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Fail;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fail> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(Fail::WrongType { wanted: "application/x-www-form-urlencoded" });
        }
        Self::parse(&read_body(&parts.headers, body).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_arrives_as_it_was_typed() {
        let fields = Fields::parse("title=%E4%BA%88%E7%B4%84+%E5%81%9C%E6%AD%A2&who=a&who=b&empty".as_bytes()).expect("a form");
        assert_eq!(fields.text("title"), "予約 停止");
        assert_eq!(fields.all("who"), ["a", "b"]);
        assert!(fields.has("empty") && fields.optional("empty").is_none());
    }

    #[test]
    fn shift_jis_is_refused_and_not_replaced() {
        assert!(matches!(Fields::parse(b"title=%83%65%83%58"), Err(Fail::BadEncoding)));
        assert!(matches!(Fields::parse(b"title=%zz"), Err(Fail::BadEncoding)));
        assert!(matches!(Fields::parse(b"title=\xff"), Err(Fail::BadEncoding)));
    }

    #[test]
    fn lines_lose_their_blanks_and_a_script_keeps_them() {
        let fields = Fields::parse(b"scope=config%2F%0D%0A%0D%0A+app.toml+&run=if+true%0D%0A++echo").expect("a form");
        assert_eq!(fields.lines("scope"), ["config/", "app.toml"]);
        assert_eq!(fields.raw("run"), "if true\n  echo");
    }
}
