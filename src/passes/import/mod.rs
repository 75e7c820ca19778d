//! What other systems made, as a book of ours: `import_toc` takes contents and dictionary from a file of Unstructured,
//! Haystack or LlamaIndex, `import_chunks` its elements and chunks. Passes D to F go on from there and know no difference.
//!
//! A source is one file. Sections begin where its titles stand, or where the paths of sections change that its chunks name.
//! Texts stay as they are, and chunks that are ready stay chunks; ids are ours, from source, section and text.

pub mod chunks;
mod format;
mod places;
pub mod toc;
