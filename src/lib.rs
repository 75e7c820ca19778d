//! `ingest` is make for document corpora: rules in an `Ingestfile.toml` turn a folder of rulebooks into a table of contents,
//! chunks, entities and a link graph. The engine fingerprints what each rule reads and writes, reruns only what changed, and
//! lets nothing through that its gate has not accepted.
//!
//! # One build, in order
//!
//! Ingestfile ─load→ syntax ─lower→ build graph ─select→ coordinator, for each action when its inputs are accepted:
//!   resolve inputs → manifest → action key → known result? ── no → run in a worker → candidate, stored by its key
//!                                            yes ↘                                ↓
//!                          gate (verdict known for exactly what it reads? else judge) → accepted → consumers may start
//!   a rule is complete → merge → job-scoped gates → publish by rename → events → manifest.json, log, console
//!
//! Start reading at [`cli::build`] (arguments to a set-up), then [`engine::coordinator`] (the life of an action), then
//! [`engine::manifest`] (what is in a key, and why `why` cannot disagree with it).
//!
//! # Layers
//!
//! cli → everything
//! ingestfile · gates · job · worker · sources → engine → store → leaves
//! passes → document → leaves
//! diff → leaves
//!
//! The engine never names a document, a schema language or a terminal; it meets them as [`builtin::Builtin`],
//! [`engine::verdict::Judge`] and [`engine::observe::Observer`]. Passes are pure and never touch the disk; `document` imports
//! nothing of the crate but leaves. Only `cli::console` prints, only `disk` reaches the file system, and clocks and the
//! environment are read in `cli` and handed down. A test reads every file's imports against this table.
//!
//! # How each phase stays incremental
//!
//! - Sources: an entry of the index ([`engine::files`]) is trusted on its stat tuple, else the file is hashed.
//! - Pages: `pages` cuts a book into groups at places that its content chooses, so that an inserted page changes one or two.
//! - Inputs: keys hold digests of direct inputs only, so an equal output stops the wave. A projection (`select = "part"`) has
//!   a digest of its own; placements of items (which page a part starts on) steer merges and projections and are in no key.
//! - Vocabularies: files of `[vocabulary]` are inputs of the built-ins that have a port `vocabulary*` (`toc`, `enrich`, `graph`,
//!   `import_toc`), one each, so that `why` names the file. A worker makes a vocabulary once ([`document::vocabulary`]); the bundled ones are data
//!   in `src/vocabulary`.
//! - Merges and projections ([`engine::derive`]) are remembered by what they are made from. Those within a source take one piece
//!   at a time, shift pages in its text ([`passes::shift`]) and are packed as they are written; those over the job are written
//!   piece by piece: spliced, or united by key in sorted runs ([`engine::union`]).
//!   What is folded (the report of pass F) is made from facts of each source; only the fold is judged and published.
//! - Verdicts are remembered by all that the gate read: a mended schema judges again and runs nothing. Gates on a merge fold
//!   summaries of its pieces, so that one edited book does not re-read the others; the merge is read only to name what is wrong.
//! - Files that are read where they lie are looked at again when a run and when the build ends ([`engine::watch`]).
//! - A document that is set aside leaves every merge of its pass and of later ones ([`engine::upstream`] says which), and their
//!   keys tell; the record of the pass in which it fell out tells the next build that there is nothing new about it.
//! - An adoption replaces the results of the action keys that it names, and only while those hold.
//! - Publication compares what a file is made from, and its stat tuple, with its record.
//! - `--check-determinism` ([`engine::again`]): the report of a build holds its tasks and derivations; they are done again over a
//!   store that reads the cache and writes beside it, and compared by digest.
//!
//! # Bad documents
//!
//! What a command leaves is taken by [`engine::command`], which follows no link and opens no pipe; which names all systems
//! share is said once, in [`rel_path`].
//!
//! A built-in runs in a worker process ([`engine::workers`] outside, [`worker::serve`] inside), which reads its inputs itself,
//! each when the built-in asks for it, and hands its outputs over a pipe; the coordinator alone writes. A worker is used again
//! until it holds 80 MB. One that dies, or passes the limit on time or memory ([`builtin::Limits`], `[limits]` of the
//! Ingestfile), is that action's failure after a second try in a fresh one, and is not remembered; a limit that a built-in
//! counts by itself (pages, decompressed bytes, nesting) is a typed failure like others, remembered until the limit is raised.
//! Limits are in no key: they decide whether there is an output, never what is in it. A command ([`engine::command`]) is a
//! process for each item, one for a batch, or one that stays and is asked line by line; a request names what it may read and
//! must write, a response is believed only where it is borne out. Those that wait for a pool or a batch stand in queues of the
//! coordinator. `show` asks a worker, too, for its drawing of a page, by a built-in that no rule can name
//! ([`passes::drawing`]): a book that hangs the renderer costs the drawing only its ground.
//!
//! # What is on disk
//!
//! `cache/cas` holds blobs by digest of their raw bytes, packed where that pays (`.z`), re-hashed when read (what this build has
//! just written is at hand in memory for a while); `cache/damaged` holds what `verify` set aside. What nothing needs is collected
//! ([`engine::retention`]) when a build that did something ends: records first and for good, then blobs.
//! `cache/state.redb` holds the records ([`store::records`]); one
//! sync and one transaction per batch make them durable before anything of the batch is published. In memory are only those
//! that wait for that ([`store::table`]): the others are read when they are asked for, from the database ([`store::reading`]) or,
//! before it is open and for readers, who never open it, from `cache/state.snapshot`, a picture of what it holds. A record that
//! is not as it was written counts as lost; where the file is out of reach, nothing that was decided without it is kept.
//! `cache/lock` names the one writer. `cache/staging` is private
//! and empty between builds. The job folder is described in [`job`].
//!
//! # Modules, in the order of the flow
//!
//! [`cli`], [`ingestfile`], [`sources`], [`engine`] over [`store`], [`gates`], [`job`], [`worker`]; [`passes`] over
//! [`document`] (two of them, [`passes::import`], read what other systems made, and [`cli::export`] writes for those);
//! [`diff`], which compares two folders of artifacts and needs nothing but the files; the leaves [`builtin`], [`digest`],
//! [`disk`], [`diagnostic`], [`environment`], [`fail_point`], [`rel_path`], [`placeholder`], [`source_id`], [`spanned`],
//! [`staging`], [`unseen`].

pub mod builtin;
pub mod cli;
pub mod diagnostic;
pub mod diff;
pub mod digest;
pub mod disk;
pub mod document;
pub mod engine;
pub mod environment;
pub mod fail_point;
pub mod gates;
pub mod ingestfile;
pub mod job;
pub mod passes;
pub mod placeholder;
pub mod rel_path;
pub mod source_id;
pub mod sources;
pub mod spanned;
pub mod staging;
pub mod store;
pub mod unseen;
pub mod worker;
