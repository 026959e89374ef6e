//! A backlog is told of: seven minutes after more messages wait than go out in a quarter of an hour at the permitted pace,
//! an incident is open and somebody knows.
//!
//! The pace is ours, so no fault needs to be at work, and nothing fails: only the queue says so.
//! Invariant: a mail counts while its incident is open.

use super::depths::Depths;
use super::{Evidence, Finding, Verdict};
use crate::units::{counted, duration_ms};
use payments::limits::BACKLOG_MS;

/// From there to the mail, ms: a quiet responder looks at the queue every fourth turn; and one turn to spare, and its
/// mail.
const TELL_MS_MAX: i64 = 420_000;
/// Stripe calls of a payment that goes well.
const CALLS_PER_PAYMENT: u64 = 2;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let Some(calls_per_s) =
        history.alerted.stripe_calls_per_s.filter(|_| history.alerted.responder.is_some())
    else {
        return Verdict::Inconclusive("the template has no pace, or nobody who tells".to_owned());
    };
    let payments_per_s = (calls_per_s / CALLS_PER_PAYMENT).max(1);
    let is_long = |depths: &Depths| depths.source * 1_000 > payments_per_s * BACKLOG_MS.unsigned_abs();
    let open = evidence.letters.open("recovery", "resolved");
    let (lasting, silent) = Depths::untold(evidence, TELL_MS_MAX, is_long, &open);
    let silent = silent.into_iter().map(|from| {
        let after = duration_ms(u64::try_from(from.since_ms(history.began)).unwrap_or(0));
        Finding::run(format!("a backlog began {after} after the beginning, and no mail said so in time"))
    });
    Verdict::from_findings(silent.collect(), || format!("{}, each told", counted(lasting, "backlog")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    /// So many messages come at once at one payment a second, wait for so long, and this happens a minute later.
    fn waiting(messages: u64, ms: i64, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        tale.history().alerted.stripe_calls_per_s = Some(2);
        let sent: Vec<String> = (0..messages).map(|_| tale.send("{}")).collect();
        tale.wait_ms(60_000);
        then(&mut tale);
        tale.wait_ms(ms);
        sent.iter().for_each(|message| tale.delete(message));
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_backlog_that_nobody_is_told_of_is_found() {
        assert!(matches!(waiting(1_000, TELL_MS_MAX, |_| ()), Verdict::Fail(_)));
        assert!(matches!(
            waiting(1_000, TELL_MS_MAX, |tale| tale.tell("recovery", "opened")),
            Verdict::Pass(_)
        ));
        let ended = |tale: &mut Tale| {
            tale.tell("recovery", "opened");
            tale.tell("recovery", "resolved");
        };
        assert!(matches!(waiting(1_000, TELL_MS_MAX, ended), Verdict::Pass(_)), "it was open when it began");
    }

    #[test]
    fn a_mail_about_it_that_comes_late_is_found() {
        let told_after = |ms: i64| {
            waiting(1_000, TELL_MS_MAX, |tale| {
                tale.wait_ms(ms);
                tale.tell("recovery", "opened");
            })
        };
        assert!(matches!(told_after(0), Verdict::Pass(_)));
        assert!(matches!(told_after(TELL_MS_MAX), Verdict::Fail(_)));
    }

    #[test]
    fn what_goes_out_in_a_quarter_of_an_hour_is_no_backlog() {
        assert!(matches!(waiting(900, TELL_MS_MAX, |_| ()), Verdict::Pass(_)));
    }
}
