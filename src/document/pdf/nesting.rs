//! How deep structures of a file lie in each other, counted before or while they are followed: arrays and dictionaries of its
//! objects, where they lie and in the streams that hold objects, and its page tree. Knows no objects: it scans bytes for
//! brackets, as readers that call themselves for each level would.

use std::collections::HashSet;

use hayro_syntax::Pdf;
use hayro_syntax::object::dict::keys::{KIDS, PAGES, TYPE};
use hayro_syntax::object::{Array, Dict, MaybeRef, Name};
use memchr::memmem;

use super::inflate::inflated;
use crate::builtin::{Failure, LimitName, Limits};

/// Dictionaries of streams that hold objects are short.
const BEFORE: usize = 4096;

/// Whether arrays and dictionaries of all objects nest within the limit.
///
/// # Errors
/// `Limit`, naming the first object that does not.
pub fn check_objects(bytes: &[u8], limits: &Limits) -> Result<(), Failure> {
    let mut at = 0;
    let mut ends = memmem::find_iter(bytes, b"endobj").peekable();
    let mut streams = memmem::find_iter(bytes, b"stream").filter(|i| opens_stream(bytes, *i)).peekable();
    while at < bytes.len() {
        while ends.next_if(|i| *i < at).is_some() {}
        while streams.next_if(|i| *i < at).is_some() {}
        let end = ends.peek().copied().unwrap_or(bytes.len());
        let stream = streams.peek().copied().filter(|i| *i < end);
        let object = &bytes[at..stream.unwrap_or(end)];
        check(object, limits, || place(object))?;
        at = match stream {
            None => end + b"endobj".len(),
            Some(stream) => {
                let data = &bytes[stream + b"stream".len()..];
                let dict = &object[object.len().saturating_sub(BEFORE)..];
                if memmem::find(dict, b"/ObjStm").is_some() {
                    let inside = inflated(data, limits.decompressed_bytes);
                    check(&inside, limits, || format!("an object within the stream of {}", place(object)))?;
                }
                stream + b"stream".len() + memmem::find(data, b"endstream").unwrap_or(data.len())
            }
        };
    }
    Ok(())
}

/// Whether the nodes of the page tree lie in each other within the limit.
///
/// # Errors
/// `Limit`.
pub fn check_page_tree(pdf: &Pdf, limits: &Limits) -> Result<(), Failure> {
    let xref = pdf.xref();
    let Some(root) = xref.get::<Dict<'_>>(xref.root_id()).and_then(|c| c.get::<Dict<'_>>(PAGES)) else { return Ok(()) };
    let mut seen: HashSet<_> = root.obj_id().into_iter().collect();
    let mut deepest = 1_u64;
    let mut stack: Vec<_> = root.get::<Array<'_>>(KIDS).map(|kids| (kids.raw_iter(), 2)).into_iter().collect();
    while let Some((rest, level)) = stack.last_mut() {
        let level = *level;
        let Some(kid) = rest.next() else {
            stack.pop();
            continue;
        };
        let node = match kid {
            MaybeRef::Ref(id) if seen.insert(id.into()) => xref.get::<Dict<'_>>(id.into()),
            MaybeRef::Ref(_) => None,
            MaybeRef::NotRef(object) => object.into_dict(),
        };
        let Some(node) = node else { continue };
        deepest = deepest.max(level);
        if node.get::<Name<'_>>(TYPE).is_some_and(|t| t.as_ref() == b"Pages")
            && let Some(kids) = node.get::<Array<'_>>(KIDS)
        {
            stack.push((kids.raw_iter(), level + 1));
        }
    }
    if deepest > limits.nesting {
        return Err(Failure::passed(limits, LimitName::Nesting, format_args!("the page tree is {deepest} levels deep")));
    }
    Ok(())
}

fn check(bytes: &[u8], limits: &Limits, place: impl FnOnce() -> String) -> Result<(), Failure> {
    let depth = deepest(bytes);
    if depth <= limits.nesting {
        return Ok(());
    }
    let found = format!("{} holds arrays and dictionaries {depth} levels deep", place());
    Err(Failure::passed(limits, LimitName::Nesting, found))
}

/// Whether the `stream` at `at` follows a dictionary.
fn opens_stream(bytes: &[u8], at: usize) -> bool {
    bytes[at.saturating_sub(16)..at].trim_ascii_end().ends_with(b">>")
}

/// `object 12`, by the header that `bytes` hold.
fn place(bytes: &[u8]) -> String {
    let number = memmem::find(bytes, b" obj").and_then(|end| {
        let mut words = bytes[..end].rsplit(u8::is_ascii_whitespace);
        words.next()?;
        std::str::from_utf8(words.next()?).ok()?.parse::<u32>().ok()
    });
    number.map_or_else(|| "an object without a number".to_owned(), |n| format!("object {n}"))
}

/// What a byte may be to `deepest`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Of a number, and what else may stand in a word and begins none that counts.
    Regular,
    Space,
    /// A letter, or a mark that is an operator: a word begins.
    Word,
    Digit,
    Name,
    Open,
    Close,
    Less,
    Greater,
    String,
    Comment,
    /// Braces, and a bracket that closes nothing.
    Other,
}

/// The class of each byte.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Regular; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        classes[byte] = match b {
            b'[' => Class::Open,
            b']' => Class::Close,
            b'<' => Class::Less,
            b'>' => Class::Greater,
            b'(' => Class::String,
            b'%' => Class::Comment,
            b'/' => Class::Name,
            b'{' | b'}' | b')' => Class::Other,
            b'\'' | b'"' => Class::Word,
            0 => Class::Space,
            _ if b.is_ascii_whitespace() => Class::Space,
            _ if b.is_ascii_alphabetic() => Class::Word,
            _ if b.is_ascii_digit() => Class::Digit,
            _ => Class::Regular,
        };
        byte += 1;
    }
    classes
};

/// The deepest level of brackets in `bytes`. A word that is no operand ends all that is open, so that bytes which are no
/// syntax (of an image in a content stream) add up to nothing.
pub fn deepest(bytes: &[u8]) -> u64 {
    let (mut depth, mut deepest, mut at) = (0_u64, 0_u64, 0);
    // A string that does not end is none, and none begins after it.
    let mut strings = true;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match CLASSES[usize::from(*byte)] {
            Class::Regular | Class::Space | Class::Other => {}
            Class::Open => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Class::Less if bytes.get(at) == Some(&b'<') => {
                depth += 1;
                deepest = deepest.max(depth);
                at += 1;
            }
            Class::Close => depth = depth.saturating_sub(1),
            Class::Greater if bytes.get(at) == Some(&b'>') => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            Class::Greater => {}
            Class::String if strings => match end_of_string(&bytes[at..]) {
                Some(length) => at += length,
                None => strings = false,
            },
            Class::String => {}
            Class::Comment => at += memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at),
            // Numbers and hexadecimal strings, whose digits are no words.
            Class::Name | Class::Digit | Class::Less => at += word(&bytes[at..]),
            Class::Word => {
                let length = word(&bytes[at..]);
                if !matches!(&bytes[at - 1..at + length], b"true" | b"false" | b"null" | b"R") {
                    depth = 0;
                }
                at += length;
            }
        }
    }
    deepest
}

/// The deepest level of brackets in PostScript that is read as values one after the other: up to where no value begins (a
/// bracket closes what is not open; the encrypted part of a font), at which those end who read it so.
pub fn deepest_postscript(bytes: &[u8]) -> u64 {
    let (mut open, mut deepest, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'(' => {
                let (length, deep) = string(&bytes[at..]);
                deepest = deepest.max(open.len() as u64 + deep);
                at += length;
            }
            b'<' if bytes.get(at) != Some(&b'<') => {
                at += memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len() - at, |length| length + 1);
            }
            b'[' | b'{' | b'<' => {
                at += usize::from(*byte == b'<');
                open.push(*byte);
                deepest = deepest.max(open.len() as u64);
            }
            b']' | b'}' | b'>' => {
                at += usize::from(*byte == b'>');
                let opens = if *byte == b']' {
                    b'['
                } else if *byte == b'}' {
                    b'{'
                } else {
                    b'<'
                };
                if open.pop() != Some(opens) {
                    break;
                }
            }
            b'%' if open.is_empty() => at += memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at),
            b'/' => at += bytes[at..].iter().take_while(|b| !b" \t\n\r\x0c()<>[]{}/%".contains(b)).count(),
            b')' | b'%' | 0x80.. => break,
            _ => {}
        }
    }
    deepest
}

/// Length of a string after its `(`, with its `)` if there is one, and the deepest level of parentheses, its own included.
fn string(bytes: &[u8]) -> (usize, u64) {
    let (mut open, mut deepest, mut at) = (1_u64, 1_u64, 0);
    while open > 0
        && let Some(byte) = bytes.get(at)
    {
        at += 1;
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            b'\\' => at += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    (at.min(bytes.len()), deepest)
}

/// Length of the regular characters that `bytes` begin with.
fn word(bytes: &[u8]) -> usize {
    let goes_on = |b: &u8| matches!(CLASSES[usize::from(*b)], Class::Regular | Class::Word | Class::Digit);
    bytes.iter().position(|b| !goes_on(b)).unwrap_or(bytes.len())
}

/// Length of a string after its `(`, with its `)`.
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let (mut open, mut at) = (1_usize, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match byte {
            b'(' => open += 1,
            b')' if open == 1 => return Some(at),
            b')' => open -= 1,
            // What is escaped is not looked at.
            b'\\' if at < bytes.len() => at += 1,
            b'\\' => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_and_strings_names_and_comments_are_not() {
        for (bytes, depth) in [
            (&b"<</A[1 0 R[<414243>]]/B(a)>>"[..], 3),
            (b"<</A([[[ \\) [[)/B[true null -1.5 0 R]>>", 2),
            (b"[[ % [[[[\n[", 3),
            (b"[/A[", 2),
            (b"[(a)-20(b)]TJ [(c)]TJ", 1),
            (b"( [ [ [", 3),
            (b"[[[\xff\xfeq[[wert[[", 3),
            (b"", 0),
        ] {
            assert_eq!(deepest(bytes), depth, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn brackets_of_postscript_are_counted_with_those_in_strings() {
        for (bytes, depth) in [
            (&b"/CIDInit 1 dict begin << /A [(a(b)\\() {x}] >> % ((((\n"[..], 4),
            (b"((((", 4),
            (b"[[ (]]]]) [[", 4),
            (b"[ [ } [[[[", 2),
            (b"<5b5b5b> [ <5b", 1),
            (b"\\", 0),
            (b"(\\", 1),
            (b"currentfile eexec\n\xd9\x06((((", 0),
            (b"/a\x00\xd9#\xd9 [[ (\xd9(", 4),
        ] {
            assert_eq!(deepest_postscript(bytes), depth, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn an_object_that_nests_too_deep_is_named() {
        let limits = Limits { nesting: 20, ..Limits::default() };
        let file = |depth: usize| {
            let deep = ["[".repeat(depth), "]".repeat(depth)].concat();
            format!("%PDF-1.7\n3 0 obj\n<</Length 9>>\nstream\n{deep}\nendstream\nendobj\n41 0 obj\n<</A {deep}>>\nendobj\n")
        };
        assert_eq!(check_objects(file(19).as_bytes(), &limits), Ok(()));
        let failure = check_objects(file(20).as_bytes(), &limits).unwrap_err();
        let told = "object 41 holds arrays and dictionaries 21 levels deep; `nesting` in `[limits]` allows 20";
        assert_eq!((failure.message.as_str(), failure.limit.unwrap().name), (told, LimitName::Nesting));
    }
}
