//! What the fuzz targets do: one module per target, each a `run` over the fuzzer's bytes that panics if something does not hold.
//! `fuzz_targets/` only calls them.

pub mod gate_inputs;
pub mod ingestfile;
pub mod layout;
pub mod markup;
pub mod outline;
pub mod page_groups;
pub mod records;
pub mod requests;

mod book;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

static LAST: Mutex<String> = Mutex::new(String::new());

/// Does `work`; a panic that leaves it ends the process, and one that it catches itself (of a reader of PDFs, of the database)
/// does not. The fuzzer's own hook would end the process in either case.
pub fn guarded(work: impl FnOnce()) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            if let Ok(mut last) = LAST.lock() {
                *last = format!("{info}\n{}", std::backtrace::Backtrace::capture());
            }
        }));
    });
    let caught: Result<(), Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(work));
    if caught.is_err() {
        eprintln!("{}", LAST.lock().map(|l| l.clone()).unwrap_or_default());
        std::process::abort();
    }
}
