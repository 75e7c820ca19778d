//! The engine: from a build graph to accepted, published artifacts. Never names a document, a schema language or a terminal.
//!
//! `graph` says what there is to do, `select` what of it is wanted, `coordinator` does it: `items` and `files` (what there
//! is), `manifest` (the action key), `reason`, `gate_list` and `adoption` (why an action is not up to date), `execute` and
//! `command` (work on pool threads), `derive` (merges, projections), `split` (merges undone), `gate` (judging; its files in
//! `gate_files`, its commands in `command_gate`), `watch` (whether what was read in place held still), and publication.
//! `again` does all of it a second time, to see whether it comes out the same.
//! `policy` and `upstream` say what the failure of a document means for the rest. `observe` tells the outside as it happens,
//! `report` and `plan` at the end.

pub mod adoption;
pub mod again;
pub mod command;
pub mod command_gate;
pub mod coordinator;
pub mod derive;
pub mod error;
pub mod execute;
pub mod files;
pub mod gate;
pub mod gate_files;
pub mod gate_list;
pub mod graph;
pub mod items;
pub mod manifest;
pub mod observe;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod reason;
pub mod report;
pub mod retention;
pub mod select;
pub mod split;
pub mod union;
pub mod upstream;
pub mod verdict;
pub mod watch;
pub mod workers;

pub use coordinator::{Adopting, Gathered, Mode, Prior, Setup, build, forget_records, gc};
