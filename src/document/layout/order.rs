//! Reading order: that of the stream, unless it demonstrably jumps.

use super::pieces::{Piece, visibility_rank};

/// A piece and the region that it belongs to.
pub struct Placed {
    pub piece: Piece,
    pub region: u16,
}

/// `pieces` in reading order with their regions.
pub fn reading_order(mut pieces: Vec<Piece>) -> Vec<Placed> {
    pieces.sort_by_key(|p| (visibility_rank(p.visibility), p.rank));
    pieces.into_iter().map(|piece| Placed { piece, region: 0 }).collect()
}
