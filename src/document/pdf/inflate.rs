//! What streams inflate to, counted against a limit before a library inflates them: it does so without any bound. A stream
//! that cannot pass the limit, however well it is compressed, is not looked at; so sane files cost nothing.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::Read as _;

use flate2::read::{DeflateDecoder, ZlibDecoder};
use hayro_syntax::Filter;
use hayro_syntax::object::dict::keys::{DECODE_PARMS, DP, EARLY_CHANGE, F, FILTER};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::nesting;
use crate::builtin::{Failure, FailureKind, LimitName, Limits};

/// Deflate's greatest ratio: 258 bytes for two bits.
const FLATE_RATIO: u64 = 1032;
/// LZW's: a string of 4,096 bytes for nine bits.
const LZW_RATIO: u64 = 3641;
/// A run of 128 bytes for two.
const RUN_RATIO: u64 = 64;
/// Four zero bytes for a `z`.
const ASCII85_RATIO: u64 = 4;

/// What the streams of one action may still inflate to.
pub struct Budget<'l> {
    limits: &'l Limits,
    used: Cell<u64>,
    passed: Cell<bool>,
    refused: Cell<bool>,
    /// What nests deeper than the limit.
    nests: RefCell<Option<String>>,
}

impl<'l> Budget<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        Self { limits, used: Cell::new(0), passed: Cell::new(false), refused: Cell::new(false), nests: RefCell::new(None) }
    }

    /// Whether something was met that passes a limit, or is refused.
    pub fn is_passed(&self) -> bool {
        self.passed.get() || self.refused.get() || self.nests.borrow().is_some()
    }

    /// Whether a content stream, and what is open around it, keep the limit on nesting: operands in each other.
    pub fn nests(&self, content: &[u8]) -> bool {
        let deep = nesting::deepest(content);
        self.is_within(deep, || format!("holds arrays and dictionaries {deep} levels deep"))
    }

    /// Whether `depth` of something that is open at once is within the limit on nesting; `what` a page does that passes it.
    pub fn is_within(&self, depth: u64, what: impl FnOnce() -> String) -> bool {
        let within = depth <= self.limits.nesting;
        if !within {
            self.nests.borrow_mut().get_or_insert_with(what);
        }
        within
    }

    /// A character map is larger than any font needs.
    pub fn refuse(&self) {
        self.refused.set(true);
    }

    /// The failure to tell then, of page `index` (0-based).
    pub fn failure(&self, index: usize) -> Failure {
        if let Some(what) = &*self.nests.borrow() {
            return Failure::passed(self.limits, LimitName::Nesting, format_args!("page {} {what}", index + 1));
        }
        if self.refused.get() {
            let message = format!("page {} has a font whose character map is larger than any font needs", index + 1);
            return Failure::new(FailureKind::Limit, message);
        }
        let limit = self.limits.decompressed_bytes >> 20;
        let found = format!("page {} and those before it inflate to more than {limit} MB", index + 1);
        Failure::passed(self.limits, LimitName::Decompressed, found)
    }

    /// The decoded data of a stream that is no image; `None` if it cannot be decoded, or passes the limit.
    pub fn decoded<'a>(&self, stream: &Stream<'a>) -> Option<Cow<'a, [u8]>> {
        let left = self.left();
        if self.bound(stream) > left && self.measure(stream, left).is_none() {
            return None;
        }
        if filter_names(stream).len() > stream.filters().len() {
            return None;
        }
        let data = stream.decoded_data().ok()?;
        self.used.set(self.used.get().saturating_add(data.len() as u64));
        Some(data)
    }

    /// Whether a stream is whole, and gave something when it was decoded if there is something in it: readers give what they
    /// can make of a damaged one.
    pub fn is_sound(&self, stream: &Stream<'_>, gave: bool) -> bool {
        if stream.filters().first() != Some(&Filter::FlateDecode) {
            return true;
        }
        let raw = stream.raw_data();
        let whole = std::io::copy(&mut ZlibDecoder::new(&*raw).take(self.left()), &mut std::io::sink());
        whole.is_ok_and(|inflated| inflated == 0 || gave)
    }

    /// Whether a stream that a library decodes is within the limit; it counts.
    pub fn allows(&self, stream: &Stream<'_>) -> bool {
        let (left, bound) = (self.left(), self.bound(stream));
        // Where all of them together cannot pass the limit, their bounds are as good as what they come to.
        let counted = if bound <= left { Some(bound) } else { self.measure(stream, left) };
        self.used.set(self.used.get().saturating_add(counted.unwrap_or(0)));
        counted.is_some()
    }

    fn left(&self) -> u64 {
        self.limits.decompressed_bytes.saturating_sub(self.used.get())
    }

    /// What a stream can inflate to at most.
    fn bound(&self, stream: &Stream<'_>) -> u64 {
        let raw = stream.raw_data().len() as u64;
        stream.filters().iter().fold(raw, |n, filter| n.saturating_mul(ratio(*filter)))
    }

    /// What a stream inflates to; `None`, for good, if that is more than `left`.
    fn measure(&self, stream: &Stream<'_>, left: u64) -> Option<u64> {
        let filters = stream.filters();
        let mut data = stream.raw_data();
        for (i, filter) in filters.iter().enumerate() {
            let is_last = i + 1 == filters.len();
            let mut sink = Sink { left, count: 0, kept: (!is_last).then(Vec::new) };
            if run(*filter, &data, is_early(stream.dict(), i), &mut sink).is_none() {
                self.passed.set(true);
                return None;
            }
            match sink.kept {
                Some(kept) => data = Cow::Owned(kept),
                None => return Some(sink.count),
            }
        }
        let raw = data.len() as u64;
        self.passed.set(self.passed.get() || raw > left);
        (raw <= left).then_some(raw)
    }
}

/// Whether the streams that hold objects and cross references, which are inflated as a file is opened, are within the limit.
/// They are looked for by their type in the bytes as they lie, so not in a file that is encrypted.
///
/// # Errors
/// `Limit`, if they inflate to more.
pub fn check_containers(bytes: &[u8], limits: &Limits) -> Result<(), Failure> {
    const KEYWORD: &[u8] = b"stream";
    /// Dictionaries of such streams are short.
    const BEFORE: usize = 4096;
    if (bytes.len() as u64).saturating_mul(FLATE_RATIO) <= limits.decompressed_bytes {
        return Ok(());
    }
    let mut left = limits.decompressed_bytes;
    let mut end = 0;
    for at in memchr::memmem::find_iter(bytes, KEYWORD) {
        let before = &bytes[end.max(at.saturating_sub(BEFORE))..at];
        let dict = &before[memchr::memmem::rfind(before, b" obj").unwrap_or(0)..];
        let is_container = ["/ObjStm", "/XRef"].iter().any(|t| memchr::memmem::find(dict, t.as_bytes()).is_some());
        end = at + KEYWORD.len();
        if !is_container || before.ends_with(b"end") {
            continue;
        }
        let data = &bytes[end..];
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let mut sink = Sink { left, count: 0, kept: None };
        if flate(data.strip_prefix(b"\n").unwrap_or(data), &mut sink).is_none() {
            let limit = limits.decompressed_bytes >> 20;
            let found = format!("the streams that hold its objects inflate to more than {limit} MB");
            return Err(Failure::passed(limits, LimitName::Decompressed, found));
        }
        left -= sink.count;
    }
    Ok(())
}

/// The filters of a stream as it names them, known or not.
pub fn filter_names(stream: &Stream<'_>) -> Vec<String> {
    let name = |name: Name<'_>| String::from_utf8_lossy(name.as_ref()).into_owned();
    let named = |key| match stream.dict().get::<Name<'_>>(key) {
        Some(one) => Some(vec![name(one)]),
        None => stream.dict().get::<Array<'_>>(key).map(|many| many.iter::<Name<'_>>().map(name).collect()),
    };
    named(FILTER).or_else(|| named(F)).unwrap_or_default()
}

/// What deflated data inflate to, as far as they are sound, up to `most` bytes.
pub fn inflated(data: &[u8], most: u64) -> Vec<u8> {
    let data = data.strip_prefix(b"\r").unwrap_or(data);
    let mut sink = Sink { left: most, count: 0, kept: Some(Vec::new()) };
    let _ = flate(data.strip_prefix(b"\n").unwrap_or(data), &mut sink);
    sink.kept.unwrap_or_default()
}

/// Whether `data` inflate to no more than `most` bytes; what is not deflated does.
pub fn inflates_within(data: &[u8], most: u64) -> bool {
    flate(data, &mut Sink { left: most, count: 0, kept: None }).is_some()
}

fn ratio(filter: Filter) -> u64 {
    match filter {
        Filter::FlateDecode => FLATE_RATIO,
        Filter::LzwDecode => LZW_RATIO,
        Filter::RunLengthDecode => RUN_RATIO,
        Filter::Ascii85Decode => ASCII85_RATIO,
        _ => 1,
    }
}

/// /EarlyChange of the filter at `place`, which is on if it is not given.
fn is_early(dict: &Dict<'_>, place: usize) -> bool {
    let one = || dict.get::<Dict<'_>>(DECODE_PARMS).or_else(|| dict.get::<Dict<'_>>(DP));
    let many = || dict.get::<Array<'_>>(DECODE_PARMS).or_else(|| dict.get::<Array<'_>>(DP));
    let params = one().or_else(|| many()?.iter::<Object<'_>>().nth(place)?.into_dict());
    params.and_then(|p| p.get::<i32>(EARLY_CHANGE)).is_none_or(|e| e != 0)
}

/// Takes what a filter gives, up to `left` bytes.
struct Sink {
    left: u64,
    count: u64,
    kept: Option<Vec<u8>>,
}

impl Sink {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.count += bytes.len() as u64;
        if self.count > self.left {
            return None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        Some(())
    }
}

/// Undoes `filter` as far as `data` is sound; `None` if the sink takes no more.
fn run(filter: Filter, data: &[u8], early: bool, sink: &mut Sink) -> Option<()> {
    match filter {
        Filter::FlateDecode => flate(data, sink),
        Filter::LzwDecode => lzw(data, early, sink),
        Filter::RunLengthDecode => run_length(data, sink),
        Filter::Ascii85Decode => ascii_85(data, sink),
        Filter::AsciiHexDecode => ascii_hex(data, sink),
        _ => sink.put(data),
    }
}

fn flate(data: &[u8], sink: &mut Sink) -> Option<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut all = |reader: &mut dyn std::io::Read| {
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            sink.put(&buffer[..n])?;
        }
        Some(())
    };
    all(&mut ZlibDecoder::new(data))?;
    if sink.count > 0 {
        return Some(());
    }
    // Without the two bytes of zlib's header.
    let mut reader = DeflateDecoder::new(data);
    while let Ok(n @ 1..) = reader.read(&mut buffer) {
        sink.put(&buffer[..n])?;
    }
    Some(())
}

fn lzw(data: &[u8], early: bool, sink: &mut Sink) -> Option<()> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    // (the string without its last byte, that byte, its length)
    let mut table: Vec<(u16, u8, u16)> = Vec::with_capacity(4096);
    let reset = |table: &mut Vec<(u16, u8, u16)>| {
        table.clear();
        table.extend((0..258_u16).map(|c| (0, u8::try_from(c).unwrap_or(0), 1)));
    };
    reset(&mut table);
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    let mut before: Option<usize> = None;
    let mut text = Vec::new();
    for byte in data {
        bits = (bits << 8 | u32::from(*byte)) & 0x000f_ffff;
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = (bits >> held & ((1 << width) - 1)) as usize;
        match code {
            CLEAR => {
                reset(&mut table);
                (before, width) = (None, 9);
                continue;
            }
            END => return Some(()),
            _ => {}
        }
        // The one string that may be used before it is known: the last one, and its first byte again.
        let known = if code < table.len() { code } else { before? };
        text.clear();
        let mut at = known;
        for _ in 0..table[known].2 {
            text.push(table[at].1);
            at = usize::from(table[at].0);
        }
        text.reverse();
        let first = *text.first()?;
        if known != code {
            text.push(first);
        }
        sink.put(&text)?;
        if let Some(before) = before
            && table.len() < 4096
        {
            table.push((u16::try_from(before).ok()?, first, table[before].2.saturating_add(1)));
        }
        before = Some(code.min(table.len() - 1));
        width = match table.len() + usize::from(early) {
            0..=511 => 9,
            512..=1023 => 10,
            1024..=2047 => 11,
            _ => 12,
        };
    }
    Some(())
}

fn run_length(data: &[u8], sink: &mut Sink) -> Option<()> {
    let mut at = 0;
    while let Some(&length) = data.get(at) {
        let n = usize::from(length);
        match length {
            0..=127 => {
                let run = &data[(at + 1).min(data.len())..(at + n + 2).min(data.len())];
                sink.put(run)?;
                at += n + 2;
            }
            128 => break,
            _ => {
                sink.put(&vec![*data.get(at + 1).unwrap_or(&0); 257 - n])?;
                at += 2;
            }
        }
    }
    Some(())
}

fn ascii_hex(data: &[u8], sink: &mut Sink) -> Option<()> {
    let digits: Vec<u8> = data
        .iter()
        .take_while(|b| **b != b'>')
        .filter_map(|b| char::from(*b).to_digit(16))
        .filter_map(|d| u8::try_from(d).ok())
        .collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect();
    sink.put(&bytes)
}

fn ascii_85(data: &[u8], sink: &mut Sink) -> Option<()> {
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let flush = |group: &mut Vec<u32>, sink: &mut Sink| {
        let given = group.len();
        group.resize(5, 84);
        let value = group.iter().fold(0_u32, |v, d| v.wrapping_mul(85).wrapping_add(*d));
        group.clear();
        sink.put(&value.to_be_bytes()[..given.saturating_sub(1)])
    };
    for byte in data {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => sink.put(&[0; 4])?,
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => {}
        }
        if group.len() == 5 {
            flush(&mut group, sink)?;
        }
    }
    if group.len() > 1 { flush(&mut group, sink) } else { Some(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(filter: Filter, data: &[u8]) -> Vec<u8> {
        let mut sink = Sink { left: 1 << 20, count: 0, kept: Some(Vec::new()) };
        run(filter, data, true, &mut sink).unwrap();
        sink.kept.unwrap()
    }

    #[test]
    fn every_filter_is_undone() {
        // The example of ISO 32000-1, 7.4.4.2.
        let lzw = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(undone(Filter::LzwDecode, &lzw), [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        assert_eq!(undone(Filter::RunLengthDecode, &[1, b'a', b'b', 254, b'c', 128, 7]), b"abccc");
        assert_eq!(undone(Filter::AsciiHexDecode, b"48 65 6C6c 6f>00"), b"Hello");
        assert_eq!(undone(Filter::Ascii85Decode, b"87cURD]i,\"Ebo7dz~>"), b"Hello World\0\0\0\0\0");
        let zlib = [0x78, 0x9c, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x05, 0x8c, 0x01, 0xf5];
        assert_eq!(undone(Filter::FlateDecode, &zlib), b"Hello");
        assert_eq!(undone(Filter::FlateDecode, &zlib[2..11]), b"Hello");
    }

    #[test]
    fn long_strings_of_lzw_are_counted_as_the_reader_counts_them() {
        // All of one byte: each code is one longer than the one before.
        let mut bits: Vec<bool> = Vec::new();
        let mut put = |code: u32, width: u32| bits.extend((0..width).rev().map(|b| code >> b & 1 == 1));
        put(256, 9);
        put(7, 9);
        for code in 258..4000 {
            let width = match code + 1 {
                0..=511 => 9,
                512..=1023 => 10,
                1024..=2047 => 11,
                _ => 12,
            };
            put(code, width);
        }
        bits.resize(bits.len().next_multiple_of(8), false);
        let data: Vec<u8> = bits.chunks(8).map(|c| c.iter().fold(0, |n, b| n << 1 | u8::from(*b))).collect();
        let mut sink = Sink { left: u64::MAX, count: 0, kept: None };
        lzw(&data, true, &mut sink);
        assert!(sink.count > (2..3744).sum::<u64>(), "{}", sink.count);
        assert!(sink.count <= data.len() as u64 * LZW_RATIO);
    }
}
