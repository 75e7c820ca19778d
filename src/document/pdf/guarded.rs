//! Calls into readers that panic on some files: the panic becomes a value, and nobody is told of it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps what is said of panics for those that nobody expects.
static HOOK: Once = Once::new();

/// What `call` gives; `None` if it panics.
pub fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                usual(info);
            }
        }));
    });
    let outer = IS_GUARDED.replace(true);
    let made = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(outer);
    made.ok()
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_nothing_made() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| -> u8 { panic!("expected") }), None);
    }
}
