//! Cross-references: `find` says where a text prints one and to what; `resolve` says which section that is.
//! Neither guesses, and neither knows a language: `words` are a vocabulary's.

pub mod find;
pub mod number;
pub mod resolve;
pub mod words;
