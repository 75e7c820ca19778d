//! What the fuzz targets do: one module per target, each a `run` over the fuzzer's bytes that panics if something does not hold.
//! `fuzz_targets/` only calls them.

mod book;

use std::any::Any;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, OnceLock};

/// Does something with the fuzzer's bytes, and panics if it does not hold.
pub type Target = fn(&[u8]);

macro_rules! targets {
    ($($name:ident),*) => {
        $(pub mod $name;)*

        /// Every target by its name.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name::run)),*];
    };
}

targets!(gate_inputs, ingestfile, layout, markup, outline, page_groups, pdf, records, requests, vocabulary);

/// The target that `FUZZ_TARGET` names.
fn named() -> Target {
    static NAMED: OnceLock<Target> = OnceLock::new();
    *NAMED.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = TARGETS.iter().find(|(known, _)| *known == name);
        let names = || TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        target.unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, and none of {}", names())).1
    })
}

/// Does it with `data`, which are first kept in the file that `FUZZ_LAST` names, if it does: where the stack is used up, the
/// process is over before the fuzzer can keep them.
pub fn run_named(data: &[u8]) {
    static KEPT: OnceLock<Option<File>> = OnceLock::new();
    let kept = KEPT.get_or_init(|| {
        let path = std::env::var_os("FUZZ_LAST")?;
        Some(File::create(&path).unwrap_or_else(|e| panic!("FUZZ_LAST is {}: {e}", path.display())))
    });
    if let Some(mut file) = kept.as_ref() {
        let kept = file.rewind().and_then(|()| file.write_all(data)).and_then(|()| file.set_len(data.len() as u64));
        kept.unwrap_or_else(|e| panic!("the input cannot be kept: {e}"));
    }
    named()(data);
}

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
