//! Characters from bytes: UTF-8 and UTF-16 by their marks, UTF-8 by its form, else Windows-1252.
//! Knows nothing of syntax; a `charset` that a document claims is not believed.

use crate::builtin::{Failure, FailureKind};

/// The characters 0x80 to 0x9F of Windows-1252 (the WHATWG table); the rest of it is Latin-1.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}',
    '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// The text of `bytes` with `\n` as its only line end, and a note if something had to be assumed.
///
/// # Errors
/// `NotReadable` for bytes that are no text.
pub fn decode(bytes: &[u8]) -> Result<(String, Option<String>), Failure> {
    let (text, note) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?,
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes)?,
    };
    refuse_binary(&text)?;
    Ok((text.replace("\r\n", "\n").replace('\r', "\n"), note))
}

fn utf8(bytes: &[u8]) -> Result<(String, Option<String>), Failure> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.to_owned(), None));
    }
    let (mut wide, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // A text in another encoding hits well-formed UTF-8 sequences by chance only; a damaged one mostly has them.
    if wide > broken {
        let note = format!("{broken} byte sequences that are not UTF-8 were replaced");
        return Ok((String::from_utf8_lossy(bytes).into_owned(), Some(note)));
    }
    let high = bytes.iter().filter(|b| **b >= 0x80).count();
    // Western European texts have accents on fewer than one letter in ten; other scripts and binary data far more.
    if high.saturating_mul(10) > bytes.len().saturating_mul(3) {
        return Err(Failure::new(FailureKind::NotReadable, "the file is neither UTF-8 nor Windows-1252 text"));
    }
    let text = bytes.iter().map(|b| windows_1252(*b)).collect();
    Ok((text, Some("the file is not UTF-8; it was read as Windows-1252".to_owned())))
}

fn windows_1252(byte: u8) -> char {
    WINDOWS_1252.get(usize::from(byte).wrapping_sub(0x80)).copied().unwrap_or(char::from(byte))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, Option<String>) {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut broken = bytes.len() % 2;
    let text = char::decode_utf16(units)
        .map(|c| {
            c.unwrap_or_else(|_| {
                broken += 1;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, (broken > 0).then(|| format!("{broken} code units that are not UTF-16 were replaced")))
}

/// Text holds no NUL, and hardly a control character other than line ends, tabs and form feeds.
fn refuse_binary(text: &str) -> Result<(), Failure> {
    let controls =
        text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{b}' | '\u{85}')).count();
    let replaced = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    if text.contains('\0') || (controls + replaced).saturating_sub(2).saturating_mul(50) > text.len() {
        return Err(Failure::new(FailureKind::NotReadable, "the file holds binary data, not text"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_line_ends_are_not_text() {
        assert_eq!(decode(b"\xef\xbb\xbfa\r\nb\rc").unwrap(), ("a\nb\nc".to_owned(), None));
        assert_eq!(decode(b"\xff\xfea\0\xe9\0").unwrap(), ("a\u{e9}".to_owned(), None));
        assert_eq!(decode(b"\xfe\xff\0a\xd8\x3d\xdc\x09").unwrap(), ("a\u{1f409}".to_owned(), None));
    }

    #[test]
    fn other_bytes_are_windows_1252_with_a_note() {
        let (text, note) = decode(b"the caf\xe9\x92s \x93cellar\x94 \x96 closed").unwrap();
        assert_eq!(text, "the caf\u{e9}\u{2019}s \u{201c}cellar\u{201d} \u{2013} closed");
        assert!(note.unwrap().contains("Windows-1252"));
    }

    #[test]
    fn one_broken_byte_does_not_spoil_a_utf8_text() {
        let (text, note) = decode(
            "Drei Gef\u{e4}\u{df}e f\u{fc}r \u{d6}l".as_bytes().iter().chain(b" \xff!").copied().collect::<Vec<_>>().as_slice(),
        )
        .unwrap();
        assert_eq!(text, "Drei Gef\u{e4}\u{df}e f\u{fc}r \u{d6}l \u{fffd}!");
        assert!(note.unwrap().starts_with("1 byte sequences"));
    }

    #[test]
    fn binary_data_is_refused() {
        let junk: Vec<u8> = (0..2000_u32).map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
        for bytes in [&junk[..], b"PK\x03\x04\0\0", b"\x80\x81\x82\x83\xa0\xf0"] {
            assert_eq!(decode(bytes).unwrap_err().kind, FailureKind::NotReadable);
        }
    }
}
