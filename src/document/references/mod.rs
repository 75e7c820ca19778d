//! Cross-references: `find` says where a text prints one and to what; `resolve` says which section that is.
//! Neither guesses.

pub mod find;
pub mod number;
pub mod resolve;
