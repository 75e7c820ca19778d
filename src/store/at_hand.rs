//! Blobs that this process has just made and reads again before long (gates, merges, publication): a few megabytes, the oldest
//! given up first. Knows no files.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::digest::Digest;

/// All of them together; what is larger alone is not kept.
const MOST_BYTES: usize = 4 << 20;

/// Blobs by digest.
#[derive(Default)]
pub struct AtHand {
    bytes: usize,
    order: VecDeque<Digest>,
    blobs: HashMap<Digest, Arc<[u8]>>,
}

impl AtHand {
    pub fn get(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.blobs.get(digest).cloned()
    }

    /// Keeps `bytes`, whose digest is known.
    pub fn keep(&mut self, digest: Digest, bytes: &[u8]) {
        if bytes.len() > MOST_BYTES || self.blobs.contains_key(&digest) {
            return;
        }
        self.bytes += bytes.len();
        self.order.push_back(digest);
        self.blobs.insert(digest, bytes.into());
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.blobs.remove(&oldest).map_or(0, |b| b.len());
        }
    }

    pub fn forget(&mut self, digest: &Digest) {
        if let Some(bytes) = self.blobs.remove(digest) {
            self.bytes -= bytes.len();
            self.order.retain(|d| d != digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_given_up_where_room_is_short() {
        let mut at_hand = AtHand::default();
        let blob = |n: u8| vec![n; MOST_BYTES / 4];
        for n in 0..6 {
            at_hand.keep(Digest::of(&[n]), &blob(n));
            at_hand.keep(Digest::of(&[n]), &blob(n));
        }
        let held = |at_hand: &AtHand| (0..6).filter(|n| at_hand.get(&Digest::of(&[*n])).is_some()).collect::<Vec<u8>>();
        assert_eq!(held(&at_hand), [2, 3, 4, 5]);
        at_hand.forget(&Digest::of(&[3]));
        at_hand.keep(Digest::of(&[0]), &blob(0));
        at_hand.keep(Digest::of(&[1]), &vec![0; MOST_BYTES + 1]);
        assert_eq!(held(&at_hand), [0, 2, 4, 5]);
    }
}
