//! The first place where two versions of a file differ, for people: a JSON pointer with both values where both are JSON,
//! else the byte with what stands around it. Pure; knows nothing of where the bytes come from.

use serde_json::Value;

/// Characters of each version that are shown.
const SHOWN: usize = 60;
/// Of these, how many stand before the first that differs.
const BEFORE: usize = 20;
/// What is told of a value that is not there.
const NOTHING: &str = "nothing";

/// Where two versions differ first, and what each has there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Of the value, where both versions are JSON and mean different things.
    pub pointer: Option<String>,
    /// Of the first byte that differs, otherwise.
    pub offset: Option<u64>,
    /// Its line, from 1.
    pub line: u64,
    pub first: String,
    pub second: String,
}

/// Finds the place. `clean` takes what must not be shown out of a text, before it is cut.
#[must_use]
pub fn first_difference(first: &[u8], second: &[u8], clean: &dyn Fn(&str) -> String) -> Place {
    // A lone number or word may be JSON by chance.
    let parsed = |bytes| serde_json::from_slice::<Value>(bytes).ok().filter(|v| v.is_array() || v.is_object());
    if let (Some(a), Some(b)) = (parsed(first), parsed(second)) {
        let mut pointer = String::new();
        if let Some((a, b)) = walk(Some(&a), Some(&b), &mut pointer) {
            let (first, second) = around(&clean(&a), &clean(&b));
            return Place { pointer: Some(pointer), first, second, ..Place::default() };
        }
    }
    let at = first.iter().zip(second).position(|(a, b)| a != b).unwrap_or(first.len().min(second.len()));
    let line = first[..at].iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let (first, second) = match (line_of(first, at), line_of(second, at)) {
        (Some(a), Some(b)) => around(&clean(a), &clean(b)),
        _ => (hex(first, at), hex(second, at)),
    };
    Place { offset: Some(at as u64), line, first, second, ..Place::default() }
}

/// The first values that differ, `pointer` leading to them; arrays by index, objects by their sorted keys.
fn walk(a: Option<&Value>, b: Option<&Value>, pointer: &mut String) -> Option<(String, String)> {
    if a == b {
        return None;
    }
    let length = pointer.len();
    let mut step = |name: &str, a: Option<&Value>, b: Option<&Value>| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let found = walk(a, b, pointer);
        if found.is_none() {
            pointer.truncate(length);
        }
        found
    };
    match (a, b) {
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            (0..a.len().max(b.len())).find_map(|i| step(&i.to_string(), a.get(i), b.get(i)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| step(key, a.get(key), b.get(key)))
        }
        (a, b) => {
            let told = |v: Option<&Value>| v.map_or_else(|| NOTHING.to_owned(), ToString::to_string);
            Some((told(a), told(b)))
        }
    }
}

/// The line that byte `at` stands in; `None` if it is no text.
fn line_of(bytes: &[u8], at: usize) -> Option<&str> {
    let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n);
    let line = std::str::from_utf8(&bytes[start..end]).ok()?;
    Some(line).filter(|l| !l.contains(|c: char| c.is_control() && c != '\t' && c != '\r'))
}

/// Both texts, cut around the first character that differs.
fn around(a: &str, b: &str) -> (String, String) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(BEFORE);
    let cut = |text: &str| {
        let shown: String = text.chars().skip(skip).take(SHOWN).collect();
        let (before, after) = (if skip > 0 { "…" } else { "" }, if text.chars().nth(skip + SHOWN).is_some() { "…" } else { "" });
        format!("{before}{shown}{after}")
    };
    (cut(a), cut(b))
}

fn hex(bytes: &[u8], at: usize) -> String {
    let shown: Vec<String> = bytes[at..].iter().take(8).map(|b| format!("{b:02x}")).collect();
    if shown.is_empty() { "the end".to_owned() } else { format!("0x {}", shown.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(a: &[u8], b: &[u8]) -> Place {
        first_difference(a, b, &str::to_owned)
    }

    fn at(pointer: &str, first: &str, second: &str) -> Place {
        Place { pointer: Some(pointer.to_owned()), first: first.to_owned(), second: second.to_owned(), ..Place::default() }
    }

    #[test]
    fn json_is_compared_by_value_and_the_first_place_is_a_pointer() {
        let (a, b) = (br#"[{"a/b":{"x":1,"y":[1,2]}}]"#, br#"[{"a/b":{"x":1,"y":[1,3]}}]"#);
        assert_eq!(place(a, b), at("/0/a~1b/y/1", "2", "3"));
        assert_eq!(place(br#"{"a":1}"#, br#"{"a":1,"b":"x"}"#), at("/b", "nothing", "\"x\""));
        assert_eq!(place(b"[1,2]", b"[1]"), at("/1", "2", "nothing"));
        assert_eq!(place(b"[]", b"{}"), at("", "[]", "{}"));
        assert_eq!(place(b"12", b"13").offset, Some(1), "a number is text");
    }

    #[test]
    fn json_of_one_meaning_in_two_spellings_differs_by_byte() {
        let found = place(br#"{"a":1,"b":2}"#, br#"{"b":2,"a":1}"#);
        assert_eq!((found.pointer, found.offset, found.line), (None, Some(2), 1));
    }

    #[test]
    fn text_is_told_by_its_byte_and_line_and_cut_around_it() {
        let long = |end: &str| format!("one\n{}{end}\nthree", "x".repeat(100));
        let found = place(long("ö1").as_bytes(), long("ö2").as_bytes());
        assert_eq!((found.offset, found.line), (Some(106), 2));
        assert_eq!(found.first, format!("…{}ö1", "x".repeat(19)));
        assert_eq!(found.second, format!("…{}ö2", "x".repeat(19)));
        let found = place(b"a", b"a\nb");
        assert_eq!((found.offset, found.first.as_str(), found.second.as_str()), (Some(1), "a", "a"));
    }

    #[test]
    fn what_is_no_text_is_told_in_hexadecimal() {
        let found = place(b"\x89PNG\0\x01", b"\x89PNG\0");
        assert_eq!((found.offset, found.first.as_str(), found.second.as_str()), (Some(5), "0x 01", "the end"));
    }

    #[test]
    fn what_must_not_be_shown_is_taken_out_before_anything_is_cut() {
        let secret = format!("{}hunter2-and-more", "y".repeat(70));
        let found = first_difference(format!("{secret} 1").as_bytes(), format!("{secret} 2").as_bytes(), &|t: &str| {
            t.replace("hunter2-and-more", "$TOKEN")
        });
        assert_eq!(found.first, format!("…{}$TOKEN 1", "y".repeat(13)));
    }
}
