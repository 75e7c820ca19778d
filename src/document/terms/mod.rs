//! The dictionary of a book from its structure.

pub mod vocabulary;
