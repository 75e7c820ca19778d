//! Whole behaviour of the built program, one module per capability. Tests are sentences of fact; what ran is asserted as a
//! list, never as a time. The project DSL is in `project`.
//!
//! Most projects here are command rules in POSIX shell, so their modules are for unix; the others run everywhere.

#![allow(clippy::disallowed_methods, reason = "tests stand outside the program: they reach the disk as its users do")]
#![allow(clippy::unwrap_used, reason = "what a test needs and does not get is its failure")]
#![allow(dead_code, reason = "where no shell is, much of the DSL goes unused")]

#[cfg(unix)]
mod adapter;
mod adopted_books;
mod books;
mod books_changed;
mod by_hand;
#[cfg(windows)]
mod commands_of_windows;
mod determinism;
mod diff;
mod export;
mod hostile;
mod imports;
mod isolation;
mod languages;
mod layers;
mod limits_of_checks;
mod many_pages;
#[cfg(unix)]
mod names;
#[cfg(unix)]
mod names_given;
#[cfg(unix)]
mod names_made;
#[cfg(unix)]
mod names_shown;
mod pages_edited;
mod peers;
mod project;
mod show;
mod small_pdf;
mod vocabulary;

#[cfg(unix)]
mod accept;
#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod asking_graph;
#[cfg(unix)]
mod asking_why;
#[cfg(unix)]
mod at_fault;
#[cfg(unix)]
mod building;
#[cfg(unix)]
mod cache_bounds;
#[cfg(unix)]
mod cache_full;
#[cfg(unix)]
mod cache_healing;
#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod damage;
#[cfg(unix)]
mod disk_trouble;
#[cfg(unix)]
mod edited_meanwhile;
#[cfg(unix)]
mod embeddings;
#[cfg(unix)]
mod events;
#[cfg(unix)]
mod fail_points;
#[cfg(unix)]
mod fan_out;
mod fingerprints;
#[cfg(unix)]
mod gate_kinds;
#[cfg(unix)]
mod gates;
#[cfg(unix)]
mod locks;
#[cfg(unix)]
mod manifest;
#[cfg(unix)]
mod oracle;
#[cfg(unix)]
mod probes;
#[cfg(unix)]
mod publication;
#[cfg(unix)]
mod quarantine;
#[cfg(unix)]
mod redaction;
#[cfg(unix)]
mod requests;
#[cfg(unix)]
mod running;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod subset_table;
#[cfg(unix)]
mod subsets;
#[cfg(unix)]
mod tool_versions;
#[cfg(unix)]
mod trace;
mod validated_books;
