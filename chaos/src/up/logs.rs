//! CloudWatch Logs, as far as it shows what a function said: groups, streams and their lines.
//!
//! Invariant: lines stand in the order in which they arrived, and of each group the newest are kept.

use payments::UnixMs;
use std::collections::{BTreeMap, VecDeque, vec_deque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lines kept of each group. A day of both functions at rest writes fewer.
const LINES_MAX: usize = 20_000;

/// All log groups of the account. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs(Arc<Mutex<BTreeMap<String, Group>>>);

/// A log group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Its lines, the oldest first.
    pub(super) lines: VecDeque<Line>,
    written: u64,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Number within its group, from 1.
    pub(super) number: u64,
    /// When it was written.
    pub(super) at: UnixMs,
    /// Of which container.
    pub(super) stream: String,
    /// What it says.
    pub(super) text: String,
}

impl Group {
    /// The lines behind this number, the oldest first.
    pub(super) fn after(&self, number: u64) -> vec_deque::Iter<'_, Line> {
        self.lines.range(self.lines.partition_point(|line| line.number <= number)..)
    }
}

impl Logs {
    /// Groups of these names, without a line.
    pub(super) fn new(groups: impl IntoIterator<Item = String>) -> Self {
        let groups = groups.into_iter().map(|name| (name, Group::default()));
        Self(Arc::new(Mutex::new(groups.collect())))
    }

    /// Writes a line.
    pub(super) fn write(&self, group: &str, stream: &str, at: UnixMs, text: String) {
        let mut groups = self.groups();
        let group = groups.entry(group.to_owned()).or_default();
        group.written += 1;
        group.lines.push_back(Line { number: group.written, at, stream: stream.to_owned(), text });
        if group.lines.len() > LINES_MAX {
            group.lines.pop_front();
        }
    }

    /// The names of all groups.
    pub(super) fn names(&self) -> Vec<String> {
        self.groups().keys().cloned().collect()
    }

    /// What `see` makes of a group; `None` when there is none of that name.
    pub(super) fn of<T>(&self, group: &str, see: impl FnOnce(&Group) -> T) -> Option<T> {
        self.groups().get(group).map(see)
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<String, Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
