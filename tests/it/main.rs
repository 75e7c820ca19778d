//! Whole behaviour of the built program, one module per capability. Tests are sentences of fact; what ran is asserted as a
//! list, never as a time. The project DSL is in `project`.

#![allow(clippy::disallowed_methods, reason = "tests stand outside the program: they reach the disk as its users do")]

mod project;

#[cfg(unix)]
mod building;
#[cfg(unix)]
mod fan_out;
#[cfg(unix)]
mod gates;
