//! Headings: how they are printed, where a title stands, which lines look like headings, what contents pages list.
//! Flow: `lines` (pages as styled lines) → `furniture` (running heads) → `contents_page` → `blocks` (what looks like a
//! heading) → `locate` (where known titles stand) → `ranks` (styles of headings) → `frame` (the headings of the book).
//! Pass A uses it all; the parser uses `locate::locate_sections` and `lines`.

pub mod blocks;
pub mod contents_page;
pub mod frame;
pub mod furniture;
pub mod key;
pub mod lines;
pub mod locate;
pub mod ranks;
