//! Blocks: what printed lines make up — headings, paragraphs, list items, tables, field lines, furniture — joined over lines,
//! columns and pages, with their places. Pure geometry and type; knows neither sections' ids nor artifacts.
//!
//! Flow: `lines` (cells, main font) → `furniture` (what is no text) → `headings` (where the sections of the contents begin) →
//! `tables`, `lists`, `paragraphs` → `joining` (hyphens) → `assemble` (one list in reading order).

pub mod assemble;
pub mod fields;
pub mod furniture;
mod jammed;
pub mod joining;
mod leaders;
pub mod lines;
pub mod lists;
pub mod metrics;
pub mod paragraphs;
pub mod rows;
pub mod sidebars;
pub mod tables;
