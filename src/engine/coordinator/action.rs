//! An action of a build: what is known of it for as long as the build goes on, and what only while it is under way. Of tens of
//! thousands, most are done or not begun.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use crate::digest::Digest;
use crate::engine::execute::InputValue;
use crate::engine::gate::Accepted;
use crate::engine::graph::RuleId;
use crate::engine::items::ItemIx;
use crate::engine::observe::{Outcome, Problem};
use crate::engine::reason::Reason;
use crate::store::records::Stored;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ActionIx(pub(super) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Waiting,
    Preparing,
    Running,
    Judging,
    Done,
}

pub(super) struct Action {
    pub(super) rule: RuleId,
    pub(super) item: ItemIx,
    pub(super) phase: Phase,
    /// Conditions that do not hold yet.
    pub(super) waits: u32,
    /// Something of its document that it needs failed: the document is set aside.
    pub(super) is_out: bool,
    /// It failed as the build before recorded it.
    pub(super) as_before: bool,
    /// Only when planning: the first input that would be made anew.
    pub(super) unknown: Option<RuleId>,
    pub(super) accepted: Option<Accepted>,
    pub(super) outcome: Option<Outcome>,
    pub(super) problem: Option<Box<Problem>>,
    under_way: Option<Box<UnderWay>>,
}

/// What is known of an action until it is done: nothing of one that is not begun.
#[derive(Default)]
pub(super) struct UnderWay {
    /// Another pass that can never be had, told for people.
    pub(super) blocked_by_pass: Option<String>,
    /// A failure of its own pass, or of a rule of no pass, that it needs; told for people.
    pub(super) blocked_by_item: Option<String>,
    /// As `key`.
    pub(super) inputs: Vec<(String, InputValue)>,
    /// Also of one that is done, if it is to be done again.
    pub(super) key: Option<Digest>,
    /// What of its manifest is its own, encoded.
    pub(super) own: Option<Arc<[u8]>>,
    /// Why it is not up to date, once that is known.
    pub(super) reason: Option<Box<Reason>>,
    /// As `key`.
    pub(super) started: Option<Instant>,
    /// What it took on its thread.
    pub(super) duration_ms: u64,
    pub(super) candidate: Option<Arc<[Stored]>>,
    /// What the candidate counts beside its items.
    pub(super) made: Arc<[(String, u64)]>,
}

impl Action {
    pub(super) fn of(rule: RuleId, item: ItemIx) -> Self {
        Self {
            rule,
            item,
            phase: Phase::Waiting,
            waits: 0,
            is_out: false,
            as_before: false,
            unknown: None,
            accepted: None,
            outcome: None,
            problem: None,
            under_way: None,
        }
    }

    /// It is done, and told of. Still of use are what it ran with, where it is to be done again, and that it conflicts with what
    /// was adopted: then it is not its document's fault.
    pub(super) fn forget(&mut self, is_done_again: bool) {
        let Some(done) = self.under_way.take() else { return };
        let UnderWay { key, inputs, started, reason, .. } = *done;
        let reason = reason.filter(|r| matches!(**r, Reason::Adopted { .. }));
        self.under_way = match (is_done_again, reason) {
            (true, reason) => Some(Box::new(UnderWay { key, inputs, started, reason, ..UnderWay::default() })),
            (false, Some(reason)) => Some(Box::new(UnderWay { reason: Some(reason), ..UnderWay::default() })),
            (false, None) => None,
        };
    }
}

static NOT_BEGUN: LazyLock<UnderWay> = LazyLock::new(UnderWay::default);

impl Deref for Action {
    type Target = UnderWay;

    fn deref(&self) -> &UnderWay {
        self.under_way.as_deref().unwrap_or(&NOT_BEGUN)
    }
}

impl DerefMut for Action {
    fn deref_mut(&mut self) -> &mut UnderWay {
        self.under_way.get_or_insert_default()
    }
}
