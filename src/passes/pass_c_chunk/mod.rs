//! Pass C: `parse` turns the printed lines of a part into elements, `chunk` packs elements into chunks. Both see
//! part-relative pages only; `rebase` makes them physical when results are merged for a source, and `split` undoes that.

pub mod chunk;
pub mod parse;
pub mod rebase;
pub mod split;
