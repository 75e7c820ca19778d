//! Text strings of PDF objects (ISO 32000-1, 7.9.2.2): PDFDocEncoding, UTF-16 with either byte order, UTF-8.
//! Knows nothing of where they stand.

/// PDFDocEncoding of 0x18–0x1F (ISO 32000-1, annex D.2).
const LOW: [char; 8] = ['\u{2d8}', '\u{2c7}', '\u{2c6}', '\u{2d9}', '\u{2dd}', '\u{2db}', '\u{2da}', '\u{2dc}'];

/// PDFDocEncoding of 0x80–0xA0; U+FFFD where it defines nothing.
const HIGH: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ',
    'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
];

/// The text of a PDF text string: spaces normalised to single ones, control characters left out.
#[must_use]
pub fn decode_text_string(bytes: &[u8]) -> String {
    let text: String = match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => doc_or_utf8(bytes),
    };
    let printable: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escape sequences (U+001B … U+001B) name a language and are no text.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let decoded: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    let mut out = String::new();
    for (i, piece) in decoded.split('\u{1b}').enumerate() {
        if i % 2 == 0 {
            out.push_str(piece);
        }
    }
    out
}

/// Careless writers put UTF-8 without a mark: bytes above ASCII that are valid UTF-8 are hardly ever anything else.
fn doc_or_utf8(bytes: &[u8]) -> String {
    if !bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.to_owned();
    }
    bytes
        .iter()
        .map(|&b| match b {
            0x18..=0x1F => LOW[usize::from(b - 0x18)],
            0x80..=0xA0 => HIGH[usize::from(b - 0x80)],
            _ => char::from(b),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::decode_text_string;

    #[test]
    fn the_three_encodings_are_told_apart_by_their_marks() {
        assert_eq!(decode_text_string(b"\xFE\xFF\x00A\x26\x03"), "A☃");
        assert_eq!(decode_text_string(b"\xFF\xFEA\x00"), "A");
        assert_eq!(decode_text_string(b"\xEF\xBB\xBFcaf\xC3\xA9"), "café");
        assert_eq!(decode_text_string(b"Pr\xE9cis \x84 \x93fin\x94"), "Précis — ﬁfinﬂ");
    }

    #[test]
    fn spaces_are_normalised_and_half_a_unit_is_no_panic() {
        assert_eq!(decode_text_string(b" Two\r\n  words\x00 "), "Two words");
        assert_eq!(decode_text_string(b"\xFE\xFF\x00A\x00"), "A");
        assert_eq!(decode_text_string(b"\xFE\xFF\xD8\x00"), "\u{fffd}");
    }
}
