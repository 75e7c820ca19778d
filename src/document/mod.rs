//! The document model and the algorithms on it: pure data in, pure data out. Imports nothing of the crate but leaves.
//!
//! Flow: source bytes → `page_text` / `flow` (what is printed, in reading order) → `section` (contents) → `element` →
//! `chunk` → `entity` → `link_graph` → `cleanup`. Each of these modules holds the types of one artifact.

pub mod blocks;
pub mod chunk;
pub mod cleanup;
pub mod drawing;
pub mod element;
pub mod entity;
pub mod expressions;
pub mod flow;
pub mod headings;
pub mod ids;
pub mod imported;
pub mod layout;
pub mod link_graph;
pub mod markup;
pub mod matching;
pub mod normalized;
pub mod number_words;
pub mod outline;
pub mod page_text;
pub mod part;
pub mod pdf;
pub mod profile;
pub mod references;
pub mod schemas;
pub mod section;
pub mod sentences;
pub mod similarity;
pub mod term;
pub mod terms;
pub mod tokens;
pub mod vocabulary;
