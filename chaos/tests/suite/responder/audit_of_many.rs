//! More payments than one turn can audit, each with its row, by the responder as it is deployed, within what its function
//! is given. `cargo bench --profile chaos --package chaos --bench audit` does the same with a hundred thousand.

use crate::responder::town::in_town;
use crate::responder::volume::{audited, differing, plant};
use payments::limits::{AUDIT_PAGE_INTENTS, TURN_S_MAX};

/// A turn asks for fifty pages.
const MANY: i64 = 5_200;
/// Pages a second that an audit may ask for; see the responder's limits.
const PAGES_PER_S: usize = 2;

#[test]
fn more_than_a_turn_can_audit_is_audited_within_the_functions_limits() {
    in_town("[]", async |town| {
        // The stack has settled: no alarm says any more how it finds things, so turns come one by one.
        town.pass_s(5 * 60).await;
        plant(&town, MANY).await;
        // Up to twelve turns until each container has looked at the record, and one for each fifty pages.
        let audit = audited(&town, 20 * 60).await;
        println!("{audit:?}");
        assert_eq!((audit.intents, audit.differences), (MANY, differing(MANY)));
        // A comparison that found no row would be another sort of difference.
        assert!(audit.sorts.iter().all(|sort| sort == "other_money"), "{:?}", audit.sorts);
        assert_eq!(audit.pages as i64, MANY / i64::from(AUDIT_PAGE_INTENTS));
        assert!(audit.turns >= 2, "it is to be carried on");
        assert_eq!(audit.failed, [], "no turn ran out of its {TURN_S_MAX} s");
        assert!(audit.longest_turn_ms < TURN_S_MAX as i64 * 1_000 / 2, "{} ms", audit.longest_turn_ms);
        let pace_ms = (audit.pages / PAGES_PER_S) as i64 * 1_000;
        assert!(audit.took_ms >= pace_ms, "{} ms are faster than the pace allows", audit.took_ms);
        // A second of the calendar may hold one more than a second of the pace.
        assert!(audit.pages_of_a_second <= PAGES_PER_S + 1, "{}", audit.pages_of_a_second);
    });
}
