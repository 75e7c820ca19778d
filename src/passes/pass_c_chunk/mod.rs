//! Pass C: parse lines into elements, and elements into chunks.

pub mod chunk;
pub mod parse;
