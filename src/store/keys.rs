//! Keys of records as bytes, in which they sort as they do in memory: so that a table can be walked in one order, wherever its
//! records are.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::digest::Digest;

/// What records can be looked up by.
pub trait Key: Ord {
    /// Its bytes: they compare as keys do.
    fn bytes(&self) -> Cow<'_, [u8]>;

    /// Eight bytes that stand for it where a chance meeting of two does no harm.
    fn beginning(&self) -> u64;
}

/// A key that a table holds.
pub trait Held: Key + Clone {
    /// The key with these bytes.
    fn of_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Key for str {
    fn bytes(&self) -> Cow<'_, [u8]> {
        self.as_bytes().into()
    }

    fn beginning(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Key for String {
    fn bytes(&self) -> Cow<'_, [u8]> {
        self.as_bytes().into()
    }

    fn beginning(&self) -> u64 {
        self.as_str().beginning()
    }
}

impl Held for String {
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

impl Key for Digest {
    fn bytes(&self) -> Cow<'_, [u8]> {
        self.as_bytes().as_slice().into()
    }

    fn beginning(&self) -> u64 {
        Self::beginning(self)
    }
}

impl Held for Digest {
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_bytes)
    }
}

impl Key for u32 {
    fn bytes(&self) -> Cow<'_, [u8]> {
        self.to_be_bytes().to_vec().into()
    }

    fn beginning(&self) -> u64 {
        u64::from(*self)
    }
}

impl Held for u32 {
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort_alike<K: Held + std::fmt::Debug>(mut keys: Vec<K>) {
        keys.sort();
        assert!(keys.windows(2).all(|two| two[0].bytes() < two[1].bytes()), "{keys:?}");
        assert!(keys.iter().all(|k| K::of_bytes(&k.bytes()).as_ref() == Some(k)), "{keys:?}");
    }

    #[test]
    fn bytes_sort_as_keys_do() {
        sort_alike(["b", "aa", "", "ä", "a\0b", "a"].map(str::to_owned).to_vec());
        sort_alike((0..50_u8).map(|n| Digest::of(&[n])).collect());
        sort_alike(vec![0, 1, 255, 256, 70_000, u32::MAX]);
    }
}
