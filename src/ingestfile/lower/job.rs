//! `[job]`: defaults, paths and patterns.

use std::ops::Range as Span;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization;

use super::Lowering;
use crate::engine::graph::Range;
use crate::ingestfile::JobConfig;
use crate::ingestfile::syntax::{At, Job};

const DEFAULT_INCLUDE: [&str; 4] = ["**/*.pdf", "**/*.md", "**/*.txt", "**/*.html"];
const DEFAULT_ARTIFACTS: &str = "artifacts/ingest";
const DEFAULT_ENV: &str = "dev";

impl Lowering<'_, '_> {
    /// The job, and the place of `sources` in the file.
    pub(super) fn job(&mut self, job: &Job) -> Option<(JobConfig, Span<usize>)> {
        let env = match &job.env {
            Some(env) => self.env_name(env),
            None => Some(DEFAULT_ENV.to_owned()),
        };
        let sources = match &job.sources {
            Some(sources) => self.problems.folder(sources).map(|path| Some(path.as_str().to_owned())),
            None => self.no_sources(),
        };
        let artifacts = match &job.artifacts {
            Some(artifacts) => self.problems.path(artifacts).map(|path| path.as_str().to_owned()),
            None => Some(DEFAULT_ARTIFACTS.to_owned()),
        };
        let (on_error, barrier) = self.policy(job);
        let (include, include_patterns) = self.include(job)?;
        let span = job.sources.as_ref().map_or(0..0, |s| s.span.clone());
        let (env, sources, artifacts) = (env?, sources?, artifacts?);
        Some((JobConfig { env, sources, include, include_patterns, artifacts, on_error, barrier }, span))
    }

    fn env_name(&mut self, env: &At<String>) -> Option<String> {
        let name = self.problems.path(env)?;
        if name.as_str().contains('/') {
            self.problems.add(&env.span, format!("`{name}` is no name for an environment"), "", "it is one folder: no `/`");
        }
        Some(name.as_str().to_owned())
    }

    /// Leaving `sources` out is fine as long as no rule ranges over them.
    #[allow(clippy::option_option, reason = "None is a problem that was reported, Some(None) is no folder")]
    fn no_sources(&mut self) -> Option<Option<String>> {
        let ranging = self.scope.ranges.iter().position(|r| *r == Range::Source);
        let Some(each) = ranging.and_then(|i| self.scope.rules[i].1.each.as_ref()) else { return Some(None) };
        let hint = "add `sources = \"<folder>\"` to `[job]`";
        self.problems.add(&each.span, "a rule ranges over `source`, and `[job]` names no `sources`", "", hint);
        None
    }

    fn include(&mut self, job: &Job) -> Option<(GlobSet, Vec<String>)> {
        let defaults = || DEFAULT_INCLUDE.iter().map(|p| At { span: 0..0, value: (*p).to_owned() }).collect();
        let patterns = job.include.as_ref().map_or_else(defaults, |include| include.value.clone());
        if let Some(include) = &job.include
            && include.value.is_empty()
        {
            self.problems.add(&include.span, "`include` takes nothing", "", "give at least one pattern, for example `**/*.pdf`");
        }
        let mut globs = GlobSetBuilder::new();
        for pattern in &patterns {
            // Paths of sources are in NFC, so patterns are too.
            let text: String = pattern.value.nfc().collect();
            match GlobBuilder::new(&text).case_insensitive(true).literal_separator(true).backslash_escape(true).build() {
                Ok(glob) => drop(globs.add(glob)),
                Err(error) => {
                    let message = format!("bad glob `{}`: {}", pattern.value, error.kind());
                    self.problems.add(&pattern.span, message, "", "");
                }
            }
        }
        let set = globs.build().map_err(|error| {
            let span = job.include.as_ref().map_or(0..0, |include| include.span.clone());
            self.problems.add(&span, format!("bad globs: {}", error.kind()), "", "");
        });
        Some((set.ok()?, patterns.into_iter().map(|p| p.value).collect()))
    }
}
