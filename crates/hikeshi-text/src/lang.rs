//! The two languages, and how a reader's choice is read.

use hikeshi_domain::policy::Language;

/// The language of one reader. Japanese comes first wherever nobody chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    #[default]
    Ja,
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The tag for `<html lang>` and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The name of the language in itself, for the switch on the page.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::Ja => "日本語",
            Self::En => "English",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Ja => Self::En,
            Self::En => Self::Ja,
        }
    }

    /// Reads `ja`, `en`, `ja-JP`, `en_US.UTF-8`; anything else is `None`.
    pub fn parse(given: &str) -> Option<Self> {
        let primary = given.trim().split(['-', '_', '.', '@']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ja") {
            Some(Self::Ja)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The best language of an `Accept-Language` header; `None` when it names neither. Reads at most 1,000 bytes of it.
    pub fn accept(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for part in header.get(..header.len().min(1000)).unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().and_then(Self::parse) else { continue };
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(_, held)| weight > held) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Ja => Self::Ja,
            Language::En => Self::En,
        }
    }
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Ja => Self::Ja,
            Lang::En => Self::En,
        }
    }
}

impl std::str::FromStr for Lang {
    type Err = UnknownLanguage;
    fn from_str(given: &str) -> Result<Self, UnknownLanguage> {
        Self::parse(given).ok_or(UnknownLanguage)
    }
}

/// The text names neither Japanese nor English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLanguage;

impl std::fmt::Display for UnknownLanguage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the language is `ja` or `en`")
    }
}

impl std::error::Error for UnknownLanguage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_browser_is_read_by_weight() {
        assert_eq!(Lang::accept("ja,en-US;q=0.9,en;q=0.8"), Some(Lang::Ja));
        assert_eq!(Lang::accept("fr-FR, en;q=0.4, ja;q=0.7"), Some(Lang::Ja));
        assert_eq!(Lang::accept("en-GB"), Some(Lang::En));
        assert_eq!(Lang::accept("en;q=0, fr"), None);
        assert_eq!(Lang::accept(""), None);
        assert_eq!(Lang::accept(&"ぬ".repeat(999)), None);
    }

    #[test]
    fn the_locale_of_a_shell_is_read_too() {
        assert_eq!(Lang::parse("ja_JP.UTF-8"), Some(Lang::Ja));
        assert_eq!(Lang::parse("C.UTF-8"), None);
        assert_eq!("en_US".parse(), Ok(Lang::En));
    }
}
