//! `ingest` is make for document corpora.

pub mod builtin;
pub mod cli;
pub mod diagnostic;
pub mod digest;
pub mod disk;
pub mod document;
pub mod engine;
pub mod gates;
pub mod ingestfile;
pub mod job;
pub mod passes;
pub mod placeholder;
pub mod rel_path;
pub mod source_id;
pub mod sources;
pub mod staging;
pub mod store;
