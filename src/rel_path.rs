//! Relative paths that cannot leave their root: `/`-separated, NFC, no `..`, no drive letter, no control character.
//! Knows nothing of disks: whether a file is there, or is a symlink out of its root, is for others to ask.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A path below some root. It is never empty, but for the root itself (`RelPath::root`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is no relative path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error("the path is empty")]
    Empty,
    #[error("`{0}` leaves its root")]
    Leaves(String),
    #[error("`{0}` is absolute")]
    Absolute(String),
    #[error("`{0}` has an empty or `.` segment")]
    EmptySegment(String),
    #[error("`{0}` holds a backslash: segments are parted by `/`")]
    Backslash(String),
    #[error("`{}` holds a control character", .0.escape_debug())]
    Control(String),
}

impl RelPath {
    /// The root itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The path that `text` writes, in NFC.
    ///
    /// # Errors
    /// What `BadPath` lists: all that could leave the root, or be another path on another system.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let text: String = text.nfc().collect();
        if text.is_empty() {
            Err(BadPath::Empty)
        } else if text.chars().any(char::is_control) {
            Err(BadPath::Control(text))
        } else if text.contains('\\') {
            Err(BadPath::Backslash(text))
        } else if text.starts_with('/') || has_drive_letter(&text) {
            Err(BadPath::Absolute(text))
        } else if text.split('/').any(|s| s == "..") {
            Err(BadPath::Leaves(text))
        } else if text.split('/').any(|s| s.is_empty() || s == ".") {
            Err(BadPath::EmptySegment(text))
        } else {
            Ok(Self(text))
        }
    }

    /// As `parse`, for folders: `.` is the root, a leading `./` and one `/` at the end are passed over.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_folder(text: &str) -> Result<Self, BadPath> {
        let bare = text.strip_prefix("./").unwrap_or(text);
        let bare = if bare.len() > 1 { bare.strip_suffix('/').unwrap_or(bare) } else { bare };
        if bare == "." || (bare.is_empty() && !text.is_empty()) { Ok(Self::root()) } else { Self::parse(bare) }
    }

    /// The path as text; "" for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `other` below this path.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self.0.is_empty(), other.0.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => Self(format!("{}/{}", self.0, other.0)),
        }
    }

    /// The last segment without its extension; "" for the root.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.name();
        name.rfind('.').filter(|&dot| dot > 0).map_or(name, |dot| &name[..dot])
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

fn has_drive_letter(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl TryFrom<String> for RelPath {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        if text.is_empty() { Ok(Self::root()) } else { Self::parse(&text) }
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_the_root_is_refused() {
        for (text, why) in [
            ("", BadPath::Empty),
            ("..", BadPath::Leaves("..".into())),
            ("a/../b", BadPath::Leaves("a/../b".into())),
            ("/a", BadPath::Absolute("/a".into())),
            ("C:/a", BadPath::Absolute("C:/a".into())),
            ("c:a", BadPath::Absolute("c:a".into())),
            ("a//b", BadPath::EmptySegment("a//b".into())),
            ("a/", BadPath::EmptySegment("a/".into())),
            ("./a", BadPath::EmptySegment("./a".into())),
            ("a\\..\\b", BadPath::Backslash("a\\..\\b".into())),
            ("a\0b", BadPath::Control("a\0b".into())),
            ("a\nb", BadPath::Control("a\nb".into())),
        ] {
            assert_eq!(RelPath::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn names_with_dots_and_marks_are_kept_in_nfc() {
        assert_eq!(RelPath::parse("a..b/...c.pdf").unwrap().as_str(), "a..b/...c.pdf");
        assert_eq!(RelPath::parse("e\u{301}.pdf").unwrap().as_str(), "\u{e9}.pdf");
    }

    #[test]
    fn a_folder_may_be_the_root() {
        for text in [".", "./"] {
            assert_eq!(RelPath::parse_folder(text), Ok(RelPath::root()), "{text:?}");
        }
        assert_eq!(RelPath::parse_folder("./a/b/").unwrap().as_str(), "a/b");
        assert!(RelPath::parse_folder("").is_err());
        assert!(RelPath::parse_folder("/").is_err());
        assert!(RelPath::parse_folder("../a").is_err());
    }

    #[test]
    fn a_stem_is_the_name_without_its_extension() {
        assert_eq!(RelPath::parse("a/b.c.pdf").unwrap().stem(), "b.c");
        assert_eq!(RelPath::parse("a/.hidden").unwrap().stem(), ".hidden");
        assert_eq!(RelPath::root().join(&RelPath::parse("x").unwrap()).as_str(), "x");
    }
}
