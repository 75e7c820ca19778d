//! How a blob lies on disk where packing it pays: a header that tells what is behind it, then one zstd frame. The header's
//! seal is checked before anything is unpacked, so that damage can never swell in memory. Reads no file.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use zstd::bulk::{Compressor, Decompressor};
use zstd::stream::{Decoder, Encoder};

use crate::digest::Digest;
use crate::disk;

/// Opens the header.
const MAGIC: [u8; 8] = *b"ingzstd1";
/// Magic, length of the raw bytes, length of the frame (both u64 LE), blake3 of the lengths and the frame.
pub const HEADER: usize = 8 + 8 + 8 + 32;
/// A smaller blob takes one block of the file system either way.
const FROM_BYTES: usize = 4096;
/// Least share of the bytes that must be saved: one in so many.
const SAVES_ONE_IN: usize = 8;
/// A large blob is packed only if so much out of its middle packs well: what is compressed already is not worth the time.
const SAMPLE: usize = 64 * 1024;
/// Bytes that one byte of a frame stands for, at most: a block holds 128 KiB, and none takes less than four bytes (RFC 8878).
const MOST_FOR_A_BYTE: u64 = 32 << 10;
/// The fastest of zstd's levels.
const LEVEL: i32 = 1;

/// The packed form of `bytes`; `None` where it does not pay.
#[must_use]
pub fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() <= FROM_BYTES || bytes.starts_with(b"%PDF-") {
        return None;
    }
    if bytes.len() > 4 * SAMPLE {
        let middle = &bytes[bytes.len() / 2..][..SAMPLE];
        pays(middle.len(), compressed(middle)?.len())?;
    }
    let frame = if bytes.len() > 4 * SAMPLE { compressed_in_pieces(bytes)? } else { compressed(bytes)? };
    pays(bytes.len(), HEADER + frame.len())?;
    let mut packed = Vec::with_capacity(HEADER + frame.len());
    packed.extend_from_slice(&MAGIC);
    packed.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    packed.extend_from_slice(&(frame.len() as u64).to_le_bytes());
    packed.extend_from_slice(&seal(&packed[8..24], &frame));
    packed.extend_from_slice(&frame);
    Some(packed)
}

/// Packs bytes as they come: of what is packed only the frame is in memory.
pub struct Packer {
    /// Behind room for the header.
    encoder: Encoder<'static, Vec<u8>>,
    hasher: blake3::Hasher,
}

impl Packer {
    /// One that was given nothing yet.
    ///
    /// # Errors
    /// If zstd has no memory to work with.
    pub fn new() -> io::Result<Self> {
        Ok(Self { encoder: Encoder::new(vec![0; HEADER], LEVEL)?, hasher: blake3::Hasher::new() })
    }

    /// What it was given: its digest, its length in bytes, its packed form.
    ///
    /// # Errors
    /// If zstd has no memory to work with.
    pub fn finish(self) -> io::Result<(Digest, u64, Vec<u8>)> {
        let mut packed = self.encoder.finish()?;
        let (header, frame) = packed.split_at_mut(HEADER);
        let raw = self.hasher.count();
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&raw.to_le_bytes());
        header[16..24].copy_from_slice(&(frame.len() as u64).to_le_bytes());
        let sealed = seal(&header[8..24], frame);
        header[24..].copy_from_slice(&sealed);
        Ok((Digest::of_hasher(&self.hasher), raw, packed))
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.encoder.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    // What zstd works with takes longer to make than a small blob to pack.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// As `compressed`, for what is large: room is taken for what comes out, not for what could.
fn compressed_in_pieces(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new(), LEVEL).ok()?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64)).ok()?;
    encoder.include_contentsize(true).ok()?;
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Some(Compressor::new(LEVEL).ok()?);
        }
        kept.as_mut()?.compress(bytes).ok()
    })
}

/// Unpacks `frame`; `None` if it does not fill `into`.
fn decompress(frame: &[u8], into: &mut [u8]) -> Option<()> {
    let filled = DECOMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Some(Decompressor::new().ok()?);
        }
        kept.as_mut()?.decompress_to_buffer(frame, into).ok()
    })?;
    (filled == into.len()).then_some(())
}

fn pays(raw: usize, packed: usize) -> Option<()> {
    (packed <= raw - raw / SAVES_ONE_IN).then_some(())
}

fn seal(lengths: &[u8], frame: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(lengths).update(frame).finalize().as_bytes()
}

/// The raw bytes of a packed form; `None` if it is not as it was written.
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<Arc<[u8]>> {
    let (header, frame) = packed.split_at_checked(HEADER)?;
    let lengths = lengths(header)?;
    let is_sealed = frame.len() as u64 == lengths.frame && seal(&header[8..24], frame) == header[24..];
    if !is_sealed || lengths.raw > lengths.frame.saturating_mul(MOST_FOR_A_BYTE) {
        return None;
    }
    let raw = usize::try_from(lengths.raw).ok()?;
    disk::shared_bytes(raw, |into| decompress(frame, into).ok_or(())).ok()
}

/// Reads the raw bytes of a packed form one after the other; `None` if it is not as it was written.
#[must_use]
pub fn reader(packed: Vec<u8>) -> Option<impl Read> {
    let (header, frame) = packed.split_at_checked(HEADER)?;
    let lengths = lengths(header)?;
    if frame.len() as u64 != lengths.frame || seal(&header[8..24], frame) != header[24..] {
        return None;
    }
    let mut packed = Cursor::new(packed);
    packed.set_position(HEADER as u64);
    Some(Decoder::with_buffer(packed).ok()?.take(lengths.raw))
}

/// What a header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Bytes of the blob.
    pub raw: u64,
    /// Bytes behind the header.
    pub frame: u64,
}

/// Reads the beginning of a packed form; `None` if it is none.
#[must_use]
pub fn lengths(header: &[u8]) -> Option<Lengths> {
    let (magic, rest) = header.split_first_chunk::<8>()?;
    let (raw, rest) = rest.split_first_chunk::<8>()?;
    let (frame, _) = rest.split_first_chunk::<8>()?;
    (*magic == MAGIC).then(|| Lengths { raw: u64::from_le_bytes(*raw), frame: u64::from_le_bytes(*frame) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<u8> {
        (0..2000).flat_map(|n| format!("{{\"chunk\": {n}}},\n").into_bytes()).collect()
    }

    /// Bytes that nothing packs (splitmix64).
    fn noise(len: usize) -> Vec<u8> {
        let mut x = 1_u64;
        let mut next = || {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let y = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (y ^ (y >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb).to_le_bytes()
        };
        (0..len / 8).flat_map(|_| next()).collect()
    }

    #[test]
    fn what_was_packed_is_unpacked_and_smaller() {
        let text = text();
        let packed = pack(&text).unwrap();
        assert!(packed.len() < text.len() / 2, "{} of {}", packed.len(), text.len());
        assert_eq!(lengths(&packed).unwrap(), Lengths { raw: text.len() as u64, frame: (packed.len() - HEADER) as u64 });
        assert_eq!(*unpack(&packed).unwrap(), *text);
        let mut packer = Packer::new().unwrap();
        text.chunks(777).for_each(|some| packer.write_all(some).unwrap());
        let (digest, raw, as_it_came) = packer.finish().unwrap();
        assert_eq!((digest, raw), (Digest::of(&text), text.len() as u64));
        assert_eq!(*unpack(&as_it_came).unwrap(), *text);
        let mut read = Vec::new();
        reader(packed).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn what_would_not_get_smaller_is_not_packed() {
        for raw in [&text()[..FROM_BYTES], &[b"%PDF-1.7\n".as_slice(), &text()].concat(), &noise(8 * SAMPLE), &noise(10_000)] {
            assert_eq!(pack(raw), None, "{} bytes", raw.len());
        }
        // Text around a picture.
        let mixed = [text(), noise(6 * SAMPLE), text()].concat();
        assert_eq!(pack(&mixed), None);
    }

    #[test]
    fn damage_is_met_before_anything_is_unpacked() {
        let whole = pack(&text()).unwrap();
        for at in (0..whole.len()).step_by(7) {
            assert_eq!(unpack(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(unpack(&flipped), None, "flipped at {at}");
            assert!(reader(flipped).is_none(), "flipped at {at}");
        }
        // A length that no memory holds, under a seal that is right.
        let mut huge = whole;
        huge[8..16].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
        let sealed = seal(&huge[8..24], &huge[HEADER..]);
        huge[24..HEADER].copy_from_slice(&sealed);
        assert_eq!(unpack(&huge), None);
        // Nothing but one byte, as often as can be.
        let zeros = vec![0; 3 << 20];
        assert_eq!(*unpack(&pack(&zeros).unwrap()).unwrap(), *zeros);
    }
}
