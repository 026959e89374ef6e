//! Mutants of the audit. Some show only beside a consumer that does something worth finding.

use crate::mutants::calls::{Heard, Line};
use crate::mutants::mutant::{Broken, Mutant, Run};
use crate::mutants::provider::{with_field, with_intent};
use crate::mutants::responder::AS_DEPLOYED;
use crate::mutants::weather::Weather;
use bytes::Bytes;
use chaos::cloud::container::BoxFuture;
use http::Request;
use payments::UnixMs;
use payments::audit::{Audit, Entry, Listed, Page, Verdict, compare};
use responder::Rules;

pub(crate) const MUTANTS: [Mutant; 3] = [
    Mutant {
        name: "audits the first page",
        story: "lists without a loop: a hundred intents are all there are, in every test",
        weather: Weather::Crowd,
        caught_by: "audit-agrees",
        broken: Broken::Rules(Rules { read: takes_one_page_for_all, ..AS_DEPLOYED }),
    },
    Mutant {
        name: "audits without the currency",
        story: "compares the numbers; beside a consumer that charges dollars for euros",
        weather: Weather::Calm,
        caught_by: "audit-agrees",
        broken: Broken::Audit(Rules { compare: ignores_the_currency, ..AS_DEPLOYED }, dollars_for_euros),
    },
    Mutant {
        name: "audits what is at work",
        story: "takes a row that is not settled yet for one that never will be",
        weather: Weather::Calm,
        caught_by: "audit-agrees",
        broken: Broken::Rules(Rules { compare: knows_no_success, ..AS_DEPLOYED }),
    },
];

fn takes_one_page_for_all(audit: &Audit, page: Page, now: UnixMs) -> Audit {
    audit.read(Page { has_more: false, ..page }, now)
}

fn ignores_the_currency(listed: &Listed, entry: Option<&Entry>, now: UnixMs) -> Verdict {
    let currency = Some(listed.intent.currency.clone());
    let entry = entry.map(|entry| Entry { currency, ..entry.clone() });
    compare(listed, entry.as_ref(), now)
}

/// Looks at rows as if they had been read before they were settled.
fn knows_no_success(listed: &Listed, entry: Option<&Entry>, now: UnixMs) -> Verdict {
    let entry = entry.map(|entry| Entry {
        standing: payments::audit::Standing::Intended,
        received_at: UnixMs(0),
        enqueued_at: UnixMs(0),
        ..entry.clone()
    });
    compare(listed, entry.as_ref(), now)
}

/// Asks for dollars, and hears euros.
pub(crate) fn dollars_for_euros(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    let request = request.map(|body| with_field(&body, "currency", |_| Some("usd".to_owned())));
    Box::pin(async move {
        let heard = line.send(request).await?;
        Ok(with_intent(heard, |intent| intent["currency"] = "eur".into()))
    })
}

#[test]
fn the_audit_as_deployed_finds_what_a_consumer_does_wrong() {
    let run = Mutant { broken: Broken::Audit(AS_DEPLOYED, dollars_for_euros), ..MUTANTS[1] }.run(1);
    assert!(run.fails("ledger-agrees"), "there is something to find: {run:#?}");
    assert!(!run.fails("audit-agrees"), "and it was found: {run:#?}");
}

#[test]
fn a_weaker_check_does_not_see_what_these_audits_do_wrong() {
    for mutant in MUTANTS.iter().filter(|mutant| matches!(mutant.broken, Broken::Rules(_))) {
        let run: Run = mutant.run(1);
        let failed = run.unhappy.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(failed, ["audit-agrees"], "{}", mutant.name);
    }
}
