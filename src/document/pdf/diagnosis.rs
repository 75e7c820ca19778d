//! What is wrong with a file that the reader cannot open, and the way out: said of the bytes, for people. Reads no objects.

use hayro_syntax::{DecryptionError, LoadPdfError};

use crate::builtin::{Failure, FailureKind};

/// Readers look for the header in the first kilobyte (ISO 32000-1, implementation note 13).
const HEADER_WITHIN: usize = 1024;
/// Readers look for the end in the last kilobyte; a few more for what senders append.
const END_WITHIN: usize = 4096;
/// How much of a stranger is shown.
const SHOWN: usize = 24;
/// Beginnings of what is often called `.pdf`.
const STRANGERS: [(&[u8], &str); 11] = [
    (b"PK\x03\x04", "a ZIP archive (an office document or an e-book)"),
    (b"\xd0\xcf\x11\xe0", "an office document of the old kind"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"%!PS", "PostScript"),
    (b"AT&TFORM", "a DjVu document"),
];

/// The failure of a file that could not be opened with `error`; `None` if the reader gave up without one.
pub fn unreadable(bytes: &[u8], error: Option<LoadPdfError>) -> Failure {
    if let Some(LoadPdfError::Decryption(error)) = error {
        return encrypted(error);
    }
    Failure::new(FailureKind::NotReadable, not_readable(bytes))
}

/// The failure of a PDF that opens and has no pages.
pub fn no_pages(bytes: &[u8]) -> Failure {
    let why = if has_end(bytes) { "" } else { ": it is cut off; fetch the file again" };
    Failure::new(FailureKind::NotReadable, format!("the PDF has no pages, or none that can be read{why}"))
}

fn encrypted(error: DecryptionError) -> Failure {
    let message = match error {
        DecryptionError::PasswordProtected => {
            "the PDF is encrypted and asks for a password: with it, `qpdf --decrypt` writes a copy without"
        }
        DecryptionError::UnsupportedAlgorithm => {
            "the PDF is encrypted in a way that is not supported: with its password, `qpdf --decrypt` may write a copy without"
        }
        DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption => {
            "the PDF is encrypted and damaged: what says how it is encrypted cannot be read; fetch the file again"
        }
    };
    Failure::new(FailureKind::Encrypted, message)
}

fn not_readable(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    if bytes.iter().all(|b| *b == 0) {
        return format!(
            "not a PDF: all its {} bytes are zero, as a broken download leaves them; fetch the file again",
            bytes.len()
        );
    }
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    let Some(header) = head.windows(5).position(|w| w == b"%PDF-") else { return stranger(bytes) };
    let objects = holds(bytes, b" obj");
    if !objects {
        let rest = bytes.len() - header;
        return format!("the PDF has a header and no objects: {rest} bytes from the header on; fetch the file again");
    }
    if !has_end(bytes) {
        return format!(
            "the PDF is truncated: it has a header, and of its end (`startxref`, `%%EOF`) nothing within its {} bytes; fetch the \
             file again",
            bytes.len()
        );
    }
    "the PDF is damaged: its cross references and objects lead to no pages; try `qpdf in.pdf out.pdf` or `mutool clean in.pdf out.pdf`"
        .to_owned()
}

fn has_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
    holds(tail, b"startxref") || holds(tail, b"%%EOF")
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

fn stranger(bytes: &[u8]) -> String {
    if let Some((_, what)) = STRANGERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return format!("not a PDF: it is {what}");
    }
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[start..bytes.len().min(start + SHOWN * 4)]).into_owned();
    if text.trim_start_matches('\u{feff}').to_ascii_lowercase().starts_with("<!doctype html")
        || text.to_ascii_lowercase().starts_with("<html")
    {
        return "not a PDF: it is an HTML page, as a download that asks to log in leaves it".to_owned();
    }
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    format!("not a PDF: it begins with `{}` and has no `%PDF-` header", shown.replace('`', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> String {
        unreadable(bytes, None).message
    }

    #[test]
    fn what_is_there_is_told() {
        assert_eq!(said(b""), "the file is empty");
        assert!(said(&[0; 900]).contains("all its 900 bytes are zero"));
        assert!(said(b"This is a `text`\n\x1b[31m").starts_with("not a PDF: it begins with `This is a 'text'\\n\\u{1b}[3"));
        assert_eq!(said(b"PK\x03\x04rest"), "not a PDF: it is a ZIP archive (an office document or an e-book)");
        assert!(said(b"\n <!DOCTYPE HTML><p>").contains("an HTML page"));
        assert!(said(b"%PDF-1.7\n").contains("a header and no objects: 9 bytes"));
        assert!(said(b"%PDF-1.7\n1 0 obj\n<< /A").contains("truncated"));
        assert!(said(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF").contains("damaged"));
    }

    #[test]
    fn what_is_encrypted_is_told_with_a_way_out() {
        for error in [
            DecryptionError::PasswordProtected,
            DecryptionError::UnsupportedAlgorithm,
            DecryptionError::InvalidEncryption,
            DecryptionError::MissingIDEntry,
        ] {
            let failure = unreadable(b"%PDF-1.7", Some(LoadPdfError::Decryption(error)));
            assert_eq!(failure.kind, FailureKind::Encrypted);
            assert!(failure.message.starts_with("the PDF is encrypted"), "{failure}");
        }
    }
}
