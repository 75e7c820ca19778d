//! Every target over its seeds and over bytes at random: what a stable toolchain can do without a fuzzer. `FUZZ_CASES` says over
//! how many, `FUZZ_SEED` over which; with `FUZZ_SECONDS`, over as many as each target bears in that time.

use std::fs;
use std::path::Path;
use std::time::Instant;

use ingest_fuzz::{TARGETS, Target};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn holds(name: &str, target: Target) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut all = Vec::new();
    for entry in fs::read_dir(&seeds).unwrap_or_else(|e| panic!("{}: {e}", seeds.display())).flatten() {
        let seed = fs::read(entry.path()).unwrap_or_default();
        kept(name, target, &seed);
        all.push(seed);
    }
    assert!(!all.is_empty(), "no seeds for {name}");
    let mut state = number("FUZZ_SEED", 1);
    let (cases, seconds) = (number("FUZZ_CASES", 200), number("FUZZ_SECONDS", 0));
    let begun = Instant::now();
    let goes_on = |done: u64| if seconds > 0 { begun.elapsed().as_secs() < seconds } else { done < cases };
    let mut done = 0;
    while goes_on(done) {
        done += 1;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((z ^ (z >> 31)) & 0xffff_ffff).unwrap_or(0)
        };
        let bytes: Vec<u8> = if next() % 3 == 0 {
            (0..next() % 4_000).map(|_| next().to_le_bytes()[0]).collect()
        } else {
            let mut seed = all[next() % all.len()].clone();
            for _ in 0..=next() % 12 {
                let at = next() % (seed.len() + 1);
                match next() % 4 {
                    0 => seed.insert(at, next().to_le_bytes()[0]),
                    1 if at < seed.len() => seed[at] = next().to_le_bytes()[0],
                    2 if at < seed.len() => drop(seed.remove(at)),
                    _ => {
                        let end = (at + next() % 40).min(seed.len());
                        let copy = seed[at..end].to_vec();
                        let to = next() % (seed.len() + 1);
                        seed.splice(to..to, copy);
                    }
                }
            }
            seed
        };
        kept(name, target, &bytes);
    }
    println!("{name}: {done} inputs, nothing found");
}

/// Runs the target with its input beside it, for a target that fails ends the process.
fn kept(name: &str, target: Target, bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("ingest-fuzz-{name}"));
    fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    target(bytes);
    let _ = fs::remove_file(path);
}

#[test]
fn every_target_holds() {
    std::thread::scope(|scope| {
        for (name, target) in TARGETS {
            scope.spawn(|| holds(name, *target));
        }
    });
}
