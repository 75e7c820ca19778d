//! Writes PDF syntax: scalars, and the file around a list of objects. Equal objects give equal bytes; there are no ids or
//! dates. Knows nothing of what the objects mean.

use std::io::Write as _;

/// `/Name`, with what is not a regular character as `#xx`.
pub fn name(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'/');
    for &b in bytes {
        if b.is_ascii_graphic() && !b"#/()<>[]{}%".contains(&b) {
            out.push(b);
        } else {
            let _ = write!(out, "#{b:02x}");
        }
    }
}

/// `(string)`.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'(');
    for &b in bytes {
        match b {
            b'(' | b')' | b'\\' => out.extend([b'\\', b]),
            b'\r' => out.extend(b"\\r"),
            _ => out.push(b),
        }
    }
    out.push(b')');
}

/// A number: an integer where it is one, else the shortest decimals that give it back.
pub fn number(out: &mut Vec<u8>, value: f64) {
    /// Integers up to here are exact in an f64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !value.is_finite() {
        out.push(b'0');
    } else if value.fract() == 0.0 && value.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
        let _ = write!(out, "{}", value as i64);
    } else {
        let _ = write!(out, "{value}");
    }
}

/// `12 0 R`.
pub fn reference(out: &mut Vec<u8>, number: usize) {
    let _ = write!(out, "{number} 0 R");
}

/// The whole file: `objects[0]` is object 1, the catalogue.
pub fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(objects.iter().map(|o| o.len() + 40).sum::<usize>() + 256);
    out.extend(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    let mut offsets = Vec::with_capacity(objects.len());
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        let _ = writeln!(out, "{} 0 obj", i + 1);
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let _ = write!(out, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(out, "{offset:010} 00000 n ");
    }
    let _ = write!(out, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_integers_where_they_can_be() {
        assert_eq!(written(|o| number(o, 12.0)), "12");
        assert_eq!(written(|o| number(o, -0.25)), "-0.25");
        assert_eq!(written(|o| number(o, f64::NAN)), "0");
    }

    #[test]
    fn delimiters_in_names_and_strings_are_escaped() {
        assert_eq!(written(|o| name(o, b"A B#")), "/A#20B#23");
        assert_eq!(written(|o| string(o, b"a(b\\")), "(a\\(b\\\\)");
    }
}
