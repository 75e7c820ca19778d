//! Pulls values out of a JSON file, one after another, so that two files can be walked side by side with one value of each in
//! memory. Where in the file a value stands is known, in bytes and in lines; what it says is not looked at here.

use std::io::{self, Read};
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::DiffError;
use crate::disk::DiskError;

/// Bytes that are read at once; a longer value is read in more and more.
const BLOCK: usize = 256 * 1024;

/// A file, read up to some place.
pub(super) struct Pull<R> {
    from: R,
    /// For errors.
    path: PathBuf,
    buffer: Vec<u8>,
    /// Where in `buffer` the unread bytes begin.
    at: usize,
    is_read: bool,
    /// Bytes of the file before the unread ones, and their last line and column, from 0.
    offset: u64,
    line: usize,
    column: usize,
}

/// A value as it is written, and the bytes of the file before it.
pub(super) struct Raw<'p> {
    pub(super) text: &'p str,
    pub(super) offset: u64,
}

impl<R: Read> Pull<R> {
    pub(super) fn new(path: PathBuf, from: R) -> Self {
        Self { from, path, buffer: Vec::new(), at: 0, is_read: false, offset: 0, line: 0, column: 0 }
    }

    /// The next byte that is no white space; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, DiffError> {
        loop {
            let unread = &self.buffer[self.at..];
            match unread.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t')) {
                Some(n) => {
                    self.pass(n);
                    return Ok(self.buffer.get(self.at).copied());
                }
                None => self.pass(unread.len()),
            }
            if self.is_read {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Goes past the opening bracket of an array.
    ///
    /// # Errors
    /// If something else stands there: `pointer` tells where that is.
    pub(super) fn open(&mut self, bracket: u8, pointer: &str) -> Result<(), DiffError> {
        match self.peek()? {
            Some(byte) if byte == bracket => {
                self.pass(1);
                Ok(())
            }
            None => Err(self.broken("the file ends before a value")),
            // What is no JSON at all is told as that.
            Some(_) => {
                self.value()?;
                let expected = if bracket == b'[' { "an array is expected here" } else { "an object is expected here" };
                Err(DiffError::shape(&self.path, pointer, expected))
            }
        }
    }

    /// Whether another element or entry follows; goes past what stands before it, or past the closing bracket.
    ///
    /// # Errors
    /// If neither stands there.
    pub(super) fn goes_on(&mut self, is_first: bool, closing: u8) -> Result<bool, DiffError> {
        match self.peek()? {
            Some(byte) if byte == closing => {
                self.pass(1);
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.pass(1);
                Ok(true)
            }
            Some(_) if is_first => Ok(true),
            Some(_) => Err(self.broken(&format!("expected `,` or `{}`", char::from(closing)))),
            None => Err(self.broken("the file ends inside a list")),
        }
    }

    /// The name of an entry, and goes past the colon.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn key(&mut self) -> Result<String, DiffError> {
        let key: Option<String> = serde_json::from_str(self.value()?.text).ok();
        let Some(key) = key else { return Err(self.broken("the name of an entry must be a text")) };
        if self.peek()? != Some(b':') {
            return Err(self.broken("expected `:`"));
        }
        self.pass(1);
        Ok(key)
    }

    /// The next value.
    ///
    /// # Errors
    /// If what stands there is no JSON.
    pub(super) fn value(&mut self) -> Result<Raw<'_>, DiffError> {
        self.peek()?;
        let mut wrong = None;
        let length = loop {
            let unread = &self.buffer[self.at..];
            let mut values = serde_json::Deserializer::from_slice(unread).into_iter::<&RawValue>();
            match values.next() {
                // A number that ends with the block may go on in the next.
                Some(Ok(_)) if self.is_read || values.byte_offset() < unread.len() => break values.byte_offset(),
                // A number that the end of the block cuts short is called invalid, too: what is wrong stays so with more.
                Some(Err(e)) if self.is_read || (!e.is_eof() && wrong == Some((e.line(), e.column()))) => {
                    return Err(self.broken_at(&e));
                }
                Some(Err(e)) => {
                    wrong = Some((e.line(), e.column()));
                    self.fill()?;
                }
                None if self.is_read => return Err(self.broken("the file ends before a value")),
                _ => self.fill()?,
            }
        };
        let (start, offset) = (self.at, self.offset);
        self.pass(length);
        match std::str::from_utf8(&self.buffer[start..start + length]) {
            Ok(text) => Ok(Raw { text, offset }),
            Err(_) => Err(DiffError::shape(&self.path, "", "it is not UTF-8")),
        }
    }

    /// Nothing but white space may follow.
    ///
    /// # Errors
    /// If something does.
    pub(super) fn end(&mut self) -> Result<(), DiffError> {
        if self.peek()?.is_some() { Err(self.broken("something follows the end of the value")) } else { Ok(()) }
    }

    /// Reads more; at least as much as is unread, so that a long value is not looked at too often.
    fn fill(&mut self) -> Result<(), DiffError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let unread = self.buffer.len();
        self.buffer.resize(unread + unread.max(BLOCK), 0);
        let read = loop {
            match self.from.read(&mut self.buffer[unread..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.map_err(|e| DiskError::new("read", &self.path, e))?;
        self.buffer.truncate(unread + read);
        self.is_read = read == 0;
        Ok(())
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.buffer[self.at..self.at + bytes];
        self.line += memchr::memchr_iter(b'\n', passed).count();
        self.column = memchr::memrchr(b'\n', passed).map_or(self.column + bytes, |last| bytes - last - 1);
        self.offset += bytes as u64;
        self.at += bytes;
    }

    fn broken(&self, message: &str) -> DiffError {
        let (line, column) = (self.line + 1, self.column + 1);
        DiffError::Syntax { path: self.path.clone(), line, column, message: message.to_owned() }
    }

    /// What serde says of the unread bytes, at its place in the file.
    fn broken_at(&self, e: &serde_json::Error) -> DiffError {
        let column = if e.line() <= 1 { self.column + e.column() } else { e.column() };
        let line = self.line + e.line().max(1);
        DiffError::Syntax { path: self.path.clone(), line, column, message: super::sentence(e) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(self.1).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn elements(json: &str, at_once: usize) -> Result<Vec<(String, u64)>, DiffError> {
        let mut pull = Pull::new("x.json".into(), Slow(json.as_bytes(), at_once));
        pull.open(b'[', "")?;
        let mut all = Vec::new();
        while pull.goes_on(all.is_empty(), b']')? {
            let raw = pull.value()?;
            all.push((raw.text.to_owned(), raw.offset));
        }
        pull.end()?;
        Ok(all)
    }

    #[test]
    fn elements_come_with_their_offsets_whatever_is_read_at_once() {
        let json = " [ {\"a\":[-1.5e-3, \"],é\", true]},\n 12345 ,\"x\"\n]\n";
        for at_once in 1..json.len() {
            let all = elements(json, at_once).unwrap();
            assert_eq!(
                all.iter().map(|(t, _)| t.as_str()).collect::<Vec<_>>(),
                ["{\"a\":[-1.5e-3, \"],é\", true]}", "12345", "\"x\""]
            );
            for (text, offset) in all {
                assert!(json[usize::try_from(offset).unwrap()..].starts_with(&text), "{text}");
            }
        }
        assert!(elements("[]", 1).unwrap().is_empty());
    }

    #[test]
    fn what_is_broken_is_told_with_line_and_column() {
        for at_once in [1, 7, 100] {
            let told = |json: &str| elements(json, at_once).unwrap_err().to_string();
            assert_eq!(told("[1,\n {\"a\": x}]"), "`x.json:2:8` is no JSON: expected value");
            assert_eq!(told("[1,\n 2 3]"), "`x.json:2:4` is no JSON: expected `,` or `]`");
            assert_eq!(told("[1,\n{\"a\""), "`x.json:2:4` is no JSON: EOF while parsing an object");
            assert_eq!(told("[1,\n"), "`x.json:2:1` is no JSON: the file ends before a value");
            assert_eq!(told("[1"), "`x.json:1:3` is no JSON: the file ends inside a list");
            assert_eq!(told(""), "`x.json:1:1` is no JSON: the file ends before a value");
            assert_eq!(told("[1] 2"), "`x.json:1:5` is no JSON: something follows the end of the value");
            assert_eq!(told("{\"a\":1}"), "`x.json` is not of the shape: an array is expected here");
        }
    }
}
