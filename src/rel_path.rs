//! Relative paths that cannot leave their root: `/`-separated, NFC, no `..`, no drive letter, no control character.
//! Knows nothing of disks: whether a file is there, or is a symlink out of its root, is for others to ask.

use std::ffi::OsStr;
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

impl BadPath {
    /// The sentence without the path, for who names it already.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "its name is empty",
            Self::Leaves(_) => "its name leaves the folder",
            Self::Absolute(_) => "its name is absolute",
            Self::EmptySegment(_) => "its name has an empty or `.` segment",
            Self::Backslash(_) => "its name holds a backslash, which parts folders on Windows",
            Self::Control(_) => "its name holds a control character",
        }
    }
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

    /// As `parse`, for what was found below a folder of this system: what begins like a drive letter is a name there.
    ///
    /// # Errors
    /// As `parse`, but for drive letters.
    pub fn parse_found(text: &str) -> Result<Self, BadPath> {
        match Self::parse(text) {
            Err(BadPath::Absolute(path)) if !path.starts_with('/') => {
                // Behind another segment, the rest of what is looked at is the same.
                Self::parse(&format!("_/{path}")).map(|_| Self(path))
            }
            parsed => parsed,
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
        stem_of(&self.0)
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// The last segment of a path without its extension: what `{stem}` stands for.
#[must_use]
pub fn stem_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').filter(|&dot| dot > 0).map_or(name, |dot| &name[..dot])
}

/// Why a name that is not Unicode is refused.
pub const NOT_UNICODE: &str = "its name is not Unicode";

/// Longest name of a file, in bytes, of the file systems of Linux, macOS and Windows.
const MOST_BYTES: usize = 255;

/// Why `name`, a single segment, is no name of a file that can be copied to every system; `None` if it is one. (Windows:
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>.)
#[must_use]
pub fn unportable(name: &str) -> Option<&'static str> {
    let device = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let number = ["COM", "LPT"].iter().find_map(|port| device.strip_prefix(port));
    let is_port = number.is_some_and(|n| n.chars().count() == 1 && n.contains(|c: char| c.is_ascii_digit() || "¹²³".contains(c)));
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > MOST_BYTES {
        Some("it is longer than 255 bytes")
    } else if name.contains(|c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c)) {
        Some(r#"it holds a control character or one of / \ : * ? " < > |"#)
    } else if name.ends_with(['.', ' ']) {
        Some("it ends with a dot or a space, which Windows drops")
    } else if is_port || matches!(device.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        Some("it is the name of a device on Windows")
    } else {
        None
    }
}

/// What a path is called where neither case nor Unicode form counts: two paths with one such name are one file on Windows or
/// macOS. Letters are folded one to one, as file systems do: `ß` is not `ss`.
#[must_use]
pub fn folded(path: &str) -> String {
    let one = |c: char, mut all: std::char::ToUppercase| all.next().filter(|_| all.next().is_none()).unwrap_or(c);
    let upper = path.nfc().map(|c| one(c, c.to_uppercase()));
    upper.flat_map(char::to_lowercase).nfc().collect()
}

/// Where two different texts with one `folded` name are one file.
#[must_use]
pub fn same_where(first: &str, second: &str) -> &'static str {
    if first.nfc().eq(second.nfc()) { "Unicode forms are one" } else { "case does not count" }
}

/// The name of a file as far as it can be shown: bytes that are no Unicode as `\xff`.
#[must_use]
pub fn legible(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|b| text.push_str(&format!("\\x{b:02x}")));
    }
    text
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
    fn what_was_found_below_a_folder_may_begin_like_a_drive() {
        assert_eq!(RelPath::parse_found("a:b.pdf").unwrap().as_str(), "a:b.pdf");
        for text in ["/a", "a:/../b", "a:\\b", "a:\n", "a://b"] {
            assert!(RelPath::parse_found(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_that_some_system_does_not_have_are_told() {
        let long = "x".repeat(256);
        let bad = ["", "a:b", "a?", "x.", "x ", "con", "Con.txt", "NUL .pdf", "aux.tar.gz", "com1", "LPT³.x", "a\u{7}", &long];
        for name in bad {
            assert!(unportable(name).is_some(), "{name:?}");
        }
        for name in ["console.txt", "com.txt", "com10", ".hidden", "-rf", "Größe 本", "\u{202e}x", "a b", &long[1..]] {
            assert_eq!(unportable(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_are_folded_as_file_systems_fold_them() {
        let same = |a: &str, b: &str| folded(a) == folded(b);
        assert!(same("A/É.txt", "a/e\u{301}.TXT") && same("ς", "Σ") && same("\u{212a}", "k"));
        assert!(!same("maß", "mass") && !same("a", "b"));
        assert_eq!(same_where("e\u{301}", "\u{e9}"), "Unicode forms are one");
        assert_eq!(same_where("a", "A"), "case does not count");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_unicode_are_shown() {
        assert_eq!(legible(std::os::unix::ffi::OsStrExt::from_bytes(b"a\xff\xfeb")), "a\\xff\\xfeb");
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
