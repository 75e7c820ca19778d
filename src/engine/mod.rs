//! The engine: from a build graph to accepted, published artifacts. Never names a document, a schema language or a terminal.

pub mod graph;
pub mod observe;
pub mod verdict;
