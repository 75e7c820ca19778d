//! `ingest` is make for document corpora.

pub mod builtin;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod engine;
pub mod gates;
pub mod ingestfile;
pub mod passes;
pub mod placeholder;
pub mod rel_path;
pub mod source_id;
