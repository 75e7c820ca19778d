//! What an array of text shows (`TJ`): strings, and moves of the pen between them. Reads by itself what nearly all such arrays
//! hold; from the first item on that is out of the ordinary, the reader of objects goes on.

use std::iter::Skip;

use hayro_syntax::object::array::ResolvedArrayIter;
use hayro_syntax::object::{Array, FromBytes as _, Object, String as PdfString};

/// Digits of a number that is exact as it is added up.
const MAX_DIGITS: usize = 18;
/// 10 to the power of the index.
const POWERS: [f64; MAX_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// An item of such an array.
#[derive(Clone)]
pub enum Shown<'a> {
    /// A string that stands for itself.
    Plain(&'a [u8]),
    /// One whose escapes and line ends stand for other bytes.
    Escaped(&'a [u8]),
    /// Two hexadecimal digits for each byte.
    Hex(&'a [u8]),
    Decoded(PdfString<'a>),
    /// Thousandths of the font size, against the direction of the line.
    Move(f64),
}

/// The items of an array, in order.
pub struct Items<'a> {
    array: Array<'a>,
    at: usize,
    given: usize,
    rest: Option<Skip<ResolvedArrayIter<'a, Object<'a>>>>,
}

impl<'a> Items<'a> {
    pub fn of(array: &Array<'a>) -> Self {
        Self { array: array.clone(), at: 0, given: 0, rest: None }
    }

    /// The item at `at`, if it is an ordinary one.
    fn ordinary(&mut self) -> Option<Shown<'a>> {
        let data = self.array.data();
        let begin = self.at;
        match data.get(begin)? {
            b'(' => {
                let (end, plain) = literal(data, begin + 1)?;
                self.at = end;
                let inside = &data[begin + 1..end - 1];
                Some(if plain { Shown::Plain(inside) } else { Shown::Escaped(inside) })
            }
            b'<' => {
                let end = begin + memchr::memchr(b'>', &data[begin..])? + 1;
                self.at = end;
                let digits = &data[begin + 1..end - 1];
                if digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit) {
                    return Some(Shown::Hex(digits));
                }
                PdfString::from_bytes(&data[begin..end]).map(Shown::Decoded)
            }
            _ => {
                let (end, value) = number(data, begin)?;
                self.at = end;
                // Two numbers could begin a reference.
                let next = data[end..].iter().find(|b| !is_space(**b));
                if next.is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(b)) { None } else { Some(Shown::Move(value)) }
            }
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Shown<'a>;

    fn next(&mut self) -> Option<Shown<'a>> {
        if self.rest.is_none() {
            let data = self.array.data();
            self.at += data[self.at..].iter().take_while(|b| is_space(**b)).count();
            if self.at >= data.len() {
                return None;
            }
            if let Some(item) = self.ordinary() {
                self.given += 1;
                return Some(item);
            }
        }
        let rest = self.rest.get_or_insert_with(|| self.array.iter::<Object<'a>>().skip(self.given));
        rest.find_map(|object| match object {
            Object::String(s) => Some(Shown::Decoded(s)),
            Object::Number(n) => Some(Shown::Move(n.as_f64())),
            _ => None,
        })
    }
}

/// Adds to `out` what the inside of a string stands for, escapes and line ends resolved (ISO 32000-1, 7.3.4.2).
pub fn unescape(inside: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    // Of two bytes that end a line together, the second is no byte of its own.
    let after_end = |at: usize, end: u8| at + usize::from(end == b'\r' && inside.get(at) == Some(&b'\n'));
    while let Some(&byte) = inside.get(at) {
        at += 1;
        if byte != b'\\' {
            let ends_line = matches!(byte, b'\r' | b'\n');
            out.push(if ends_line { b'\n' } else { byte });
            at = after_end(at, byte);
            continue;
        }
        let Some(&escaped) = inside.get(at) else { return };
        at += 1;
        match escaped {
            b'\r' | b'\n' => at = after_end(at, escaped),
            b'0'..=b'7' => {
                let more = inside[at..].iter().take(2).take_while(|b| matches!(b, b'0'..=b'7'));
                let (value, digits) =
                    more.fold((u32::from(escaped - b'0'), 0), |(n, digits), b| (n * 8 + u32::from(b - b'0'), digits + 1));
                out.extend(u8::try_from(value));
                at += digits;
            }
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            other => out.push(other),
        }
    }
}

/// The bytes that digits stand for.
pub fn unhex(digits: &[u8]) -> impl Iterator<Item = u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        letter => (letter | 0x20).wrapping_sub(b'a').wrapping_add(10),
    };
    digits.chunks_exact(2).map(move |pair| value(pair[0]) << 4 | value(pair[1]))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'\x0c' | 0)
}

/// Where the string ends whose first byte is at `at`, behind its `)`; and whether nothing in it stands for something else.
fn literal(data: &[u8], at: usize) -> Option<(usize, bool)> {
    let (mut open, mut plain, mut at) = (1_usize, true, at);
    loop {
        let byte = *data.get(at)?;
        at += 1;
        match byte {
            b')' if open == 1 => return Some((at, plain)),
            b')' => open -= 1,
            b'(' => open += 1,
            b'\\' => {
                plain = false;
                at += 1;
            }
            b'\n' | b'\r' => plain = false,
            _ => {}
        }
    }
}

/// Where the number at `at` ends, and what it is; `None` for what is not simply a sign, digits and a point.
fn number(data: &[u8], at: usize) -> Option<(usize, f64)> {
    let negative = data[at] == b'-';
    let begin = at + usize::from(matches!(data[at], b'-' | b'+'));
    let (mut mantissa, mut end, mut point) = (0_i64, begin, None);
    while let Some(byte) = data.get(end) {
        match byte {
            b'0'..=b'9' => mantissa = mantissa.wrapping_mul(10).wrapping_add(i64::from(byte - b'0')),
            b'.' if point.is_none() => point = Some(end),
            _ => break,
        }
        end += 1;
    }
    let digits = end - begin - usize::from(point.is_some());
    let ends = data.get(end).is_none_or(|b| is_space(*b) || b"()<>[]{}/%".contains(b));
    if digits == 0 || digits > MAX_DIGITS || !ends {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "as the reader of objects does it")]
    let value = match point {
        None => (if negative { -mantissa } else { mantissa }) as f64,
        Some(point) => {
            let value = mantissa as f64 / POWERS[end - point - 1];
            if negative { -value } else { value }
        }
    };
    Some((end, value))
}

#[cfg(test)]
mod tests {
    use hayro_syntax::content::TypedIter;
    use hayro_syntax::content::ops::TypedInstruction;
    use proptest::prelude::*;

    use super::*;

    /// An item in a form that tells all of it apart.
    type Told = Result<Vec<u8>, u64>;

    fn ours(array: &Array<'_>) -> Vec<Told> {
        let told = |item| match item {
            Shown::Plain(s) => Ok(s.to_vec()),
            Shown::Escaped(inside) => {
                let mut bytes = Vec::new();
                unescape(inside, &mut bytes);
                Ok(bytes)
            }
            Shown::Hex(digits) => Ok(unhex(digits).collect()),
            Shown::Decoded(s) => Ok(s.as_bytes().to_vec()),
            Shown::Move(n) => Err(n.to_bits()),
        };
        Items::of(array).map(told).collect()
    }

    fn theirs(array: &Array<'_>) -> Vec<Told> {
        let told = |object| match object {
            Object::String(s) => Some(Ok(s.as_bytes().to_vec())),
            Object::Number(n) => Some(Err(n.as_f64().to_bits())),
            _ => None,
        };
        array.iter::<Object<'_>>().filter_map(told).collect()
    }

    /// Arrays as a content stream gives them.
    fn compare(content: &[u8]) -> usize {
        let mut compared = 0;
        let mut all = TypedIter::new(content);
        while let Some(instruction) = all.next() {
            if let TypedInstruction::ShowTexts(shown) = instruction {
                assert_eq!(ours(shown.0), theirs(shown.0), "{}", String::from_utf8_lossy(content));
                compared += 1;
            }
        }
        compared
    }

    #[test]
    fn items_are_those_that_the_reader_of_objects_finds() {
        for array in [
            "[(The)-20(orc)] TJ",
            "[ ( a b ) -1.25 <414243> .5 (c\\)\\101(d)e) +3 ] TJ",
            "[(a) 1 0 R (b)] TJ",
            "[(a) 1 2 (b) -0 -0. 007.10] TJ",
            "[(a) % a comment\n (b) true /Name null [(c)] (d)] TJ",
            "[(a\r\nb) <4 1 4> - (c) 12-3 (d) 1- (e)] TJ",
            "[(\\1\\12\\123\\1234\\18\\129\\400\\777\\8) (\\n\\r\\t\\b\\f\\(\\)\\\\\\x) (\n\r\r\n\n\\\r\n\\\n\\\ra) (\\0001\\00) (\\7)] TJ",
            "[(a) 123456789012345678 (b) 1234567890123456789 (c) 0.123456789012345678 (d)] TJ",
            "[<< /A (x) >> (a)] TJ [<41>] TJ [] TJ [-5] TJ",
        ] {
            assert!(compare(array.as_bytes()) > 0, "{array}");
        }
    }

    proptest! {
        #[test]
        fn strings_of_any_escapes_are_read_alike(inside in "([\\\\0-9nrx()]|\r|\n|\\\\[0-7]{1,4}){0,12}") {
            compare(format!("[({inside}) 1 (b)] TJ").as_bytes());
        }

        #[test]
        fn arrays_of_any_tokens_are_read_alike(tokens in prop::collection::vec(prop::sample::select(vec![
            "(a)", "(\\n)", "((b))", "(\r)", "<41>", "<4 2>", "<4>", "<aFF9>", "<>", "<", ">", "<<", ">>", "1", "-2.5", "+.5", "-", ".", "3-4", "R", "0",
            " ", "\n", "%", "/N", "true", "[", "x", "(",
        ]), 0..12), spaced in any::<bool>()) {
            let inside = tokens.join(if spaced { " " } else { "" });
            compare(format!("[{inside}] TJ").as_bytes());
        }
    }
}
