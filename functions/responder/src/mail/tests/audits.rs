//! What is told of an audit.

use super::*;

/// An audit of two days that found one difference of each sort, and more than are listed.
fn round() -> Round {
    let sorts = [
        (Sort::ChargedNotSettled, Some(Standing::Quarantined), Some("pi_1")),
        (Sort::SettledNotCharged, Some(Standing::Succeeded), Some("pi_2")),
        (Sort::ChargedTwice, Some(Standing::Succeeded), Some("pi_other")),
        (Sort::ChargedUnnamed, Some(Standing::Received), None),
        (Sort::OtherMoney, Some(Standing::Succeeded), Some("pi_5")),
        (Sort::ChargedWithoutRow, None, None),
    ];
    let of_row = |index: usize| 1_999 + 100 * index as i64;
    let difference = |(index, (sort, standing, named)): (usize, (Sort, Option<Standing>, Option<&str>))| {
        let status = if sort == Sort::SettledNotCharged { "canceled" } else { "succeeded" };
        Difference {
            sort,
            payment_id: id(&format!("order-{}", 1_042 + index)),
            intent_id: IntentId(format!("pi_{}", index + 1)),
            status: status.to_owned(),
            amount: of_row(index) + if sort == Sort::OtherMoney { 1_000 } else { 0 },
            currency: "eur".to_owned(),
            created_at: SINCE.plus_ms(-(index as i64 + 1) * 60 * MINUTE),
            row: standing.map(|standing| RowSays {
                standing,
                intent_id: named.map(|named| IntentId(named.to_owned())),
                amount: Some(of_row(index)),
                currency: Some(if sort == Sort::OtherMoney { "usd" } else { "eur" }.to_owned()),
            }),
        }
    };
    Round {
        began_at: SINCE.plus_ms(-3 * MINUTE),
        asked: Asked::Daily,
        window: audit::Window::before(SINCE.plus_ms(-4 * MINUTE), Span::DAILY),
        after: None,
        page_intents: 100,
        counts: Counts {
            intents: 12_345,
            charged: 11_900,
            left_over: 3,
            differences: 26,
            ..Counts::default()
        },
        differences: sorts.into_iter().enumerate().map(difference).collect(),
        hindered_by: None,
        told_overdue_at: None,
    }
}

fn audited(kind: audit::Kind, round: Round) -> String {
    let story = Story { at: SINCE.plus_ms(26 * 60 * MINUTE), round };
    shown(&write(&Letter::Audit(kind, Box::new(story)), None, &site()))
}

#[test]
fn with_differences() {
    insta::assert_snapshot!(audited(audit::Kind::Differences, round()));
}

#[test]
fn that_does_not_end() {
    let round = Round { hindered_by: Some(Cause::CredentialsRefused), ..round() };
    insta::assert_snapshot!(audited(audit::Kind::Overdue, round));
}

#[test]
fn that_waits_for_an_incident() {
    insta::assert_snapshot!(audited(audit::Kind::Overdue, round()));
}
