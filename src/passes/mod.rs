//! The built-in rules: each module a pure `run(inputs, params)` and the `BUILTIN` that the engine calls it by.
//! They never touch the disk, the clock or the terminal.

pub mod artifact;
pub mod drawing;
pub mod import;
pub mod pages;
mod params;
pub mod pass_a_toc;
pub mod pass_b_split;
pub mod pass_c_chunk;
pub mod pass_d_enrich;
pub mod pass_e_graph;
pub mod pass_f_validate;
pub mod shift;
pub mod split;
pub mod text;
pub mod vocabulary;

use crate::builtin::Builtin;

/// Every rule that ships with `ingest`, in the order of the passes.
pub static BUILTINS: &[&Builtin] = &[
    &pages::BUILTIN,
    &text::BUILTIN,
    &pass_a_toc::BUILTIN,
    &pass_b_split::BUILTIN,
    &pass_c_chunk::parse::BUILTIN,
    &pass_c_chunk::chunk::BUILTIN,
    &pass_d_enrich::BUILTIN,
    &pass_e_graph::BUILTIN,
    &pass_f_validate::BUILTIN,
    &import::toc::BUILTIN,
    &import::chunks::BUILTIN,
];
