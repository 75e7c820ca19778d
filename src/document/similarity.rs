//! Near duplicates among many texts: MinHash over word triples (Broder 1997), candidates by banding, each candidate pair
//! measured exactly. Work grows with the number of texts, not with its square. Signatures and bands are those of `minhash-rs`.
//! Knows nothing of chunks.

use std::collections::BTreeMap;

use minhash_rs::prelude::{MinHash, MinHasher};

/// Words of a shingle.
const SHINGLE: usize = 3;
/// Bands of eight hashes: pairs of similarity 0.9 share a band in 99 of 100 cases, pairs of 0.5 in 3.
const BANDS: usize = 8;
const HASHES: usize = 64;
/// Texts with fewer words say too little to be called alike.
const LEAST_WORDS: usize = 8;
/// A text is compared with so many of those that fell into its band before it.
const MOST_COMPARED: usize = 16;

/// Text `later` nearly repeats text `earlier`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearPair {
    pub earlier: usize,
    pub later: usize,
    /// Share of common word triples, 0 to 1.
    pub similarity: f64,
}

/// For each text that nearly repeats one before it: the first such. Exact repeats are pairs of similarity 1.
#[must_use]
pub fn near_pairs(texts: &[&str], least: f64) -> Vec<NearPair> {
    let mut buckets: BTreeMap<(usize, u64), Vec<usize>> = BTreeMap::new();
    let mut shingles: Vec<Vec<u64>> = Vec::with_capacity(texts.len());
    let mut pairs = Vec::new();
    for (later, text) in texts.iter().enumerate() {
        let own = shingles_of(text);
        let bands = bands(&own);
        let mut candidates: Vec<usize> =
            bands.iter().filter_map(|band| buckets.get(band)).flat_map(|b| b.iter().take(MOST_COMPARED).copied()).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let alike = |earlier: &usize| similarity(&own, &shingles[*earlier]);
        let found = candidates.iter().map(|c| (*c, alike(c))).find(|(_, similarity)| *similarity >= least);
        if let Some((earlier, similarity)) = found {
            pairs.push(NearPair { earlier, later, similarity });
        } else {
            // Only what repeats nothing stands for others, so that buckets stay small.
            bands.into_iter().for_each(|band| buckets.entry(band).or_default().push(later));
        }
        shingles.push(own);
    }
    pairs
}

/// Hashes of the word triples of a text, sorted, without repeats; empty for short texts.
fn shingles_of(text: &str) -> Vec<u64> {
    let words: Vec<u64> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(|w| w.chars().flat_map(char::to_lowercase).fold(FNV_OFFSET, |h, c| fnv(h, u64::from(u32::from(c)))))
        .collect();
    if words.len() < LEAST_WORDS {
        return Vec::new();
    }
    let mut all: Vec<u64> = words.windows(SHINGLE).map(|w| w.iter().fold(FNV_OFFSET, |h, word| fnv(h, *word))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The bucket keys of a text: one per band. No shingles, no keys.
fn bands(shingles: &[u64]) -> Vec<(usize, u64)> {
    if shingles.is_empty() {
        return Vec::new();
    }
    let signature: MinHash<u64, HASHES> = shingles.iter().copied().collect();
    signature.band_hashes::<BANDS>().into_iter().enumerate().collect()
}

/// Share of common elements of two sorted sets (Jaccard).
fn similarity(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0u32);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        common += u32::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    let all = u32::try_from(a.len() + b.len()).unwrap_or(u32::MAX).saturating_sub(common);
    if all == 0 { 0.0 } else { f64::from(common) / f64::from(all) }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over whole numbers.
fn fnv(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0000_0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finaliser of SplitMix64: each bit of the input changes half of the output.
    fn mix(value: u64) -> u64 {
        let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn sentence(seed: u64, words: usize) -> String {
        (0..words as u64).map(|i| format!("w{}", mix(seed * 1000 + i) % 5000)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_with_one_word_changed_is_a_near_duplicate() {
        let first = sentence(1, 80);
        let second = format!("{first} indeed");
        let pairs = near_pairs(&[&first, &sentence(2, 80), &second], 0.9);
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].earlier, pairs[0].later), (0, 2));
        assert!(pairs[0].similarity > 0.95 && pairs[0].similarity < 1.0);
    }

    #[test]
    fn case_and_marks_do_not_matter_and_short_texts_are_left_alone() {
        let text = "The keeper of the ferry asks for a copper ring at dusk.";
        assert_eq!(near_pairs(&[text, &text.to_uppercase()], 0.9).len(), 1);
        assert!(near_pairs(&["Shield", "Shield"], 0.9).is_empty());
    }

    #[test]
    fn ten_thousand_copies_are_found_without_comparing_each_with_each() {
        let text = sentence(3, 40);
        let texts: Vec<&str> = std::iter::repeat_n(text.as_str(), 10_000).collect();
        assert_eq!(near_pairs(&texts, 0.9).len(), 9_999);
    }
}
