//! Work on several threads, seen in order.
//!
//! Invariant: what is seen, and in which order, does not depend on the number of threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does `work` for every number of a range, on so many threads, and shows the results in the order of the numbers until
/// `see` has seen enough. What was begun beyond that is thrown away.
///
/// # Panics
/// When `work` does.
pub(crate) fn each<R: Send>(
    numbers: Range<u64>,
    jobs: NonZeroUsize,
    work: impl Fn(u64) -> R + Sync,
    mut see: impl FnMut(u64, R) -> ControlFlow<()>,
) {
    let (next, end) = (AtomicU64::new(numbers.start), AtomicU64::new(numbers.end));
    let (next, end, work) = (&next, &end, &work);
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..jobs.get() {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end.load(Ordering::Relaxed) || sender.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut wanted, mut early) = (numbers.start, BTreeMap::new());
        for (number, result) in results {
            early.insert(number, result);
            while let Some(result) = early.remove(&wanted) {
                if see(wanted, result).is_break() {
                    end.store(0, Ordering::Relaxed);
                    return;
                }
                wanted += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(jobs: usize, until: u64) -> Vec<(u64, u64)> {
        let mut seen = Vec::new();
        each(
            3..50,
            NonZeroUsize::new(jobs).expect("above 0"),
            |number| number * number,
            |number, square| {
                seen.push((number, square));
                if number == until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        seen
    }

    #[test]
    fn results_are_seen_in_order_whatever_the_number_of_threads() {
        let all: Vec<(u64, u64)> = (3..50).map(|number| (number, number * number)).collect();
        for jobs in [1, 2, 7] {
            assert_eq!(seen(jobs, 99), all);
            assert_eq!(seen(jobs, 5), all[..3]);
        }
    }
}
