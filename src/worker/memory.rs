//! How much memory this process may have, and how much it has.

/// Lets this process have `bytes` more than it has now: what would pass them ends it, with a message that says so.
///
/// On Linux the system sees to it, and counts all that is mapped. Elsewhere the allocator does, and counts what is allocated.
#[cfg(target_os = "linux")]
pub fn limit(bytes: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let mapped = memory_stats::memory_stats().map_or(0, |m| m.virtual_mem as u64);
    let wanted = mapped.saturating_add(bytes);
    let allowed = getrlimit(Resource::As);
    let current = Some(allowed.maximum.map_or(wanted, |most| most.min(wanted)));
    let _ = setrlimit(Resource::As, Rlimit { current, maximum: allowed.maximum });
    // A worker that dies is told of; its memory need not be written to the disk.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(not(target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

/// As on Linux.
#[cfg(not(target_os = "linux"))]
pub fn limit(bytes: u64) {
    let allowed = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(ALLOCATOR.allocated());
    let _ = ALLOCATOR.set_limit(allowed);
}

/// What of this process is in memory now; 0 where that cannot be told.
#[must_use]
pub fn resident() -> u64 {
    memory_stats::memory_stats().map_or(0, |m| m.physical_mem as u64)
}
