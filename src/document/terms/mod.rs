//! The dictionary of a book from its structure: names in headings (`name`), the shape of entries (`shape`), the headings
//! they stand under, judged together (`collect`). Words come from a vocabulary.

pub mod collect;
pub mod name;
pub mod shape;
