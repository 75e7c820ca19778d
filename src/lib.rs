//! `ingest` is make for document corpora.

pub mod builtin;
pub mod cli;
pub mod digest;
pub mod disk;
pub mod document;
pub mod engine;
pub mod job;
pub mod passes;
pub mod staging;
pub mod store;
