//! Delta debugging: what can be left out, is.
//!
//! Invariant: of what is left, nothing can be left out alone, unless the time for trying was up.

/// The smallest part of `items`, kept in order, for which `holds` still is true, as far as leaving out single items and
/// runs of them finds it. `holds` is never asked about all of `items`: that it holds for them is known.
pub(super) fn minimise<T: Clone>(mut items: Vec<T>, mut holds: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut size = items.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < items.len() {
            let rest: Vec<T> =
                items.iter().take(from).chain(items.iter().skip(from + size)).cloned().collect();
            if holds(&rest) {
                items = rest;
            } else {
                from += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(needed: &'static [u32]) -> impl FnMut(&[u32]) -> bool {
        move |items| needed.iter().all(|item| items.contains(item))
    }

    #[test]
    fn only_what_is_needed_is_left() {
        for wanted in [&[][..], &[7], &[0, 99], &[3, 4, 50, 51, 52]] {
            assert_eq!(minimise((0..100).collect(), needed(wanted)), wanted);
        }
    }

    #[test]
    fn a_single_needed_thing_among_many_is_found_in_few_tries() {
        let mut tries = 0;
        let mut holds = needed(&[613]);
        minimise((0..1_000).collect(), |items| {
            tries += 1;
            holds(items)
        });
        assert!(tries < 30, "{tries}");
    }
}
