//! The command line: everything that talks to people.

pub mod args;
pub mod completions;
pub mod console;
pub mod error;
pub mod events;
pub mod init;
pub mod progress;
pub mod render;
