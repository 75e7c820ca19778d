//! Whichever target `FUZZ_TARGET` names: each program holds all of ingest, and takes long to link.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingest_fuzz::run_named(data));
