//! The audit agrees with the book: the one that every run ends with saw every charge, reports every difference there is
//! between the book and the ledger, and no other.
//!
//! Book and rows are compared here by other rules than the audit's own: payment by payment, from the end of the run, with
//! nothing listed and nothing paged. What was in flight when the audit began may be reported or not.
//! Invariant: an audit that did not finish tells nothing, and so does this check then.

use super::evidence::PaymentFile;
use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, StripeEvent, TableEvent};
use crate::records::AuditReport;
use crate::stripe::Movement;
use crate::units::{count, counted};
use crate::world::{Audited, LedgerRow};
use payments::{PaymentId, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// What happened so shortly before the audit began, ms, it may or may not have seen: rows are read after their intents,
/// and are news to it for a minute.
const NEWS_MS: i64 = 120_000;

/// A payment and an intent, of which book and ledger say different things.
type Pair<'h> = (&'h str, &'h str);

/// What an audit must or may report of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Must(&'static str),
    May(&'static str),
}

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let report = match &evidence.history.audited {
        Audited::ByNobody => return Verdict::Inconclusive("the template has nobody who audits".to_owned()),
        Audited::Unfinished => {
            return Verdict::Inconclusive("the audit was not over when its time was up".to_owned());
        }
        Audited::Finished(report) => report,
    };
    let expected = expected(evidence, report.round.began_at);
    let mut findings = surplus(report, &expected);
    findings.extend(missing(report, &expected));
    findings.extend(unseen(evidence, report));
    Verdict::from_findings(findings, || {
        let counts = &report.round.counts;
        let differences = match counts.differences {
            0 => "no difference".to_owned(),
            differences => counted(differences, "difference"),
        };
        format!("{}, {} charged, {differences}", counted(counts.intents, "intent"), count(counts.charged))
    })
}

/// What is reported and is not so.
fn surplus(report: &AuditReport, expected: &BTreeMap<Pair<'_>, Expected>) -> Vec<Finding> {
    let wrong = report.round.differences.iter().filter_map(|difference| {
        let (payment, intent) = (difference.payment_id.as_str(), difference.intent_id.as_str());
        let said = difference.sort.as_str();
        let what = match expected.get(&(payment, intent)) {
            Some(Expected::Must(sort) | Expected::May(sort)) if *sort == said => return None,
            Some(Expected::Must(sort) | Expected::May(sort)) => {
                format!("the audit calls {intent} {said}, and it is {sort}")
            }
            None => format!("the audit calls {intent} {said}, and book and ledger agree on it"),
        };
        Some(Finding::payment(payment, what))
    });
    wrong.collect()
}

/// What is so and is not reported. Where the audit only counts, the count must do.
fn missing(report: &AuditReport, expected: &BTreeMap<Pair<'_>, Expected>) -> Vec<Finding> {
    let listed: BTreeSet<Pair<'_>> = report
        .round
        .differences
        .iter()
        .map(|difference| (difference.payment_id.as_str(), difference.intent_id.as_str()))
        .collect();
    let must: Vec<(&Pair<'_>, &'static str)> = expected
        .iter()
        .filter_map(|(pair, expected)| match expected {
            Expected::Must(sort) => Some((pair, *sort)),
            Expected::May(_) => None,
        })
        .collect();
    let counted = report.round.counts.differences;
    if counted > listed.len() as u64 {
        let (least, most) = (must.len() as u64, expected.len() as u64);
        let what = format!("the audit counts {counted} differences; there are {least} to {most}");
        return if (least..=most).contains(&counted) { Vec::new() } else { vec![Finding::run(what)] };
    }
    let silent = must.into_iter().filter(|(pair, _)| !listed.contains(pair));
    silent
        .map(|((payment, intent), sort)| {
            Finding::payment(payment, format!("the audit says nothing of {intent}, which is {sort}"))
        })
        .collect()
}

/// Charges that the audit never looked at.
fn unseen(evidence: &Evidence<'_>, report: &AuditReport) -> Option<Finding> {
    let book = evidence.history.book.iter().filter(|movement| id_of(movement).is_some());
    let began_at = report.round.began_at;
    let (most, least) =
        (book.clone().count() as u64, book.filter(|movement| movement.at <= began_at).count() as u64);
    let seen = report.round.counts.charged;
    (!(least..=most).contains(&seen))
        .then(|| Finding::run(format!("the audit saw {} of {} charges", count(seen), count(least))))
}

/// Where book and ledger differ.
fn expected<'h>(evidence: &'h Evidence<'_>, began_at: UnixMs) -> BTreeMap<Pair<'h>, Expected> {
    let mut expected = BTreeMap::new();
    let written = written(evidence);
    let made = made(evidence);
    for (payment, file) in &evidence.payments {
        let is_news = written.get(payment.as_str()).is_some_and(|at| began_at.since_ms(*at) < NEWS_MS);
        for movement in file.movements.iter().filter(|movement| id_of(movement).is_some()) {
            if let Some(sort) = of_charge(movement, file.row) {
                let is_sure = !is_news && movement.at <= began_at && !is_open(file.row);
                let pair = (payment.as_str(), movement.intent.as_str());
                expected.insert(pair, if is_sure { Expected::Must(sort) } else { Expected::May(sort) });
            }
        }
        if let Some(intent) = settled_for_nothing(file).filter(|intent| made.contains(intent)) {
            let sort = "settled_not_charged";
            let sure = if is_news { Expected::May(sort) } else { Expected::Must(sort) };
            expected.insert((payment.as_str(), intent), sure);
        }
    }
    expected
}

/// What is wrong with a charge, if something is.
fn of_charge(movement: &Movement, row: Option<&LedgerRow>) -> Option<&'static str> {
    let Some(row) = row else { return Some("charged_without_row") };
    let is_settled = row.state == "succeeded";
    let is_same_money = row.amount_minor == Some(movement.amount_minor)
        && row.currency.as_deref() == Some(movement.currency.as_str());
    match (row.intent.as_deref() == Some(movement.intent.as_str()), is_settled) {
        (false, true) => Some("charged_twice"),
        (false, false) => Some("charged_unnamed"),
        (true, _) if !is_same_money => Some("other_money"),
        (true, true) => None,
        (true, false) => Some("charged_not_settled"),
    }
}

/// The intent on which a row has succeeded while no money moved by it.
fn settled_for_nothing<'h>(file: &PaymentFile<'h>) -> Option<&'h str> {
    let row = file.row.filter(|row| row.state == "succeeded")?;
    let intent = row.intent.as_deref()?;
    file.movements.iter().all(|movement| movement.intent != intent).then_some(intent)
}

/// Whether a payment may still be worked on, so that a charge may be ahead of its row.
fn is_open(row: Option<&LedgerRow>) -> bool {
    row.is_some_and(|row| matches!(row.state.as_str(), "received" | "intended"))
}

/// When each payment's row was last written.
fn written<'h>(evidence: &'h Evidence<'_>) -> BTreeMap<&'h str, UnixMs> {
    let mut written = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, .. }) = &record.event {
            written.insert(payment.as_str(), record.at);
        }
    }
    written
}

/// Intents that there are at Stripe, as far as anybody was told: what a row names may be anything.
fn made<'h>(evidence: &'h Evidence<'_>) -> BTreeSet<&'h str> {
    let told = evidence.history.records.iter().filter_map(|record| {
        if let Event::Stripe(StripeEvent::Called { intent: Some(intent), status: Some(200), .. }) =
            &record.event
        {
            Some(intent.as_str())
        } else {
            None
        }
    });
    told.collect()
}

/// The payment of a movement, if its intent names one that could be ours.
fn id_of(movement: &Movement) -> Option<PaymentId> {
    PaymentId::new(movement.payment.as_deref()?)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::records::Difference;

    fn verdict(tale: Tale) -> Verdict {
        check(&Evidence::of(&tale.told()))
    }

    fn wrong(tale: Tale) -> Vec<String> {
        match verdict(tale) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    /// Whatever happened is no news to the audit.
    fn long_ago(mut tale: Tale) -> Tale {
        tale.wait_ms(NEWS_MS);
        tale.send(&body("order-9", 1999));
        tale
    }

    fn found(sort: &str) -> Difference {
        let (sort, payment_id, intent_id) = (sort.to_owned(), ORDER.to_owned(), format!("pi_{ORDER}"));
        Difference { sort, payment_id, intent_id }
    }

    #[test]
    fn a_difference_that_the_audit_is_silent_about_is_found() {
        type Edit = fn(&mut Tale);
        let edits: [(Edit, &str); 6] = [
            (|tale| tale.row(ORDER).state = "declined".to_owned(), "charged_not_settled"),
            (|tale| tale.row(ORDER).intent = Some("pi_other".to_owned()), "charged_twice"),
            (
                |tale| {
                    tale.row(ORDER).intent = None;
                    tale.row(ORDER).state = "declined".to_owned();
                },
                "charged_unnamed",
            ),
            (|tale| tale.row(ORDER).currency = Some("usd".to_owned()), "other_money"),
            (|tale| tale.row(ORDER).amount_minor = Some(1), "other_money"),
            (|tale| tale.history().ledger.clear(), "charged_without_row"),
        ];
        for (edit, sort) in edits {
            let mut tale = long_ago(Tale::of_one_good_payment());
            edit(&mut tale);
            assert_eq!(wrong(tale), [format!("the audit says nothing of pi_{ORDER}, which is {sort}")]);
        }
    }

    #[test]
    fn success_without_money_must_be_reported_and_what_is_just_written_may() {
        let mut tale = Tale::of_one_good_payment();
        tale.history().book.clear();
        assert_eq!(wrong(tale), [""; 0]);
        let mut tale = long_ago(Tale::of_one_good_payment());
        tale.history().book.clear();
        assert_eq!(
            wrong(tale),
            [format!("the audit says nothing of pi_{ORDER}, which is settled_not_charged")]
        );
    }

    #[test]
    fn a_difference_that_is_none_or_another_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.audit_finds(vec![found("charged_not_settled")]);
        let said = format!("the audit calls pi_{ORDER} charged_not_settled, and book and ledger agree on it");
        assert_eq!(wrong(tale), [said]);

        let mut tale = long_ago(Tale::of_one_good_payment());
        tale.row(ORDER).state = "declined".to_owned();
        tale.audit_finds(vec![found("other_money")]);
        let said = format!("the audit calls pi_{ORDER} other_money, and it is charged_not_settled");
        assert_eq!(wrong(tale), [said]);
    }

    #[test]
    fn a_difference_that_is_reported_is_no_failure_of_the_audit() {
        let mut tale = long_ago(Tale::of_one_good_payment());
        tale.row(ORDER).state = "declined".to_owned();
        tale.audit_finds(vec![found("charged_not_settled")]);
        assert_eq!(verdict(tale), Verdict::Pass("1 intent, 1 charged, 1 difference".to_owned()));
    }

    #[test]
    fn a_number_of_differences_that_there_are_not_is_found() {
        let counted = |differences: u64| {
            let mut tale = long_ago(Tale::of_one_good_payment());
            tale.row(ORDER).state = "declined".to_owned();
            let mut history = tale.told();
            if let Audited::Finished(report) = &mut history.audited {
                report.round.counts.differences = differences;
            }
            check(&Evidence::of(&history))
        };
        let what = "the audit counts 2 differences; there are 1 to 1";
        assert_eq!(counted(2), Verdict::Fail(vec![Finding::run(what)]));
        assert!(matches!(counted(1), Verdict::Pass(_)), "it only counts them");
    }

    #[test]
    fn an_audit_that_saw_too_few_charges_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.audit_finds(Vec::new());
        tale.charge("order-2", 1999, "eur");
        tale.write("order-2", "intended");
        let mut history = tale.told();
        if let Audited::Finished(report) = &mut history.audited {
            report.round.counts.charged = 1;
        }
        let Verdict::Fail(findings) = check(&Evidence::of(&history)) else { panic!("it passed") };
        assert_eq!(findings[0].what, "the audit saw 1 of 2 charges");
    }

    #[test]
    fn an_audit_that_did_not_finish_tells_nothing() {
        for audited in [Audited::Unfinished, Audited::ByNobody] {
            let mut history = Tale::of_one_good_payment().told();
            history.audited = audited;
            assert!(matches!(check(&Evidence::of(&history)), Verdict::Inconclusive(_)));
        }
    }
}
