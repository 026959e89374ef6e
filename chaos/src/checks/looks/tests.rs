//! Looks told by hand, in each of which one thing is wrong.

use super::super::fixtures::{ORDER, Tale, body};
use super::*;
use crate::faults::Window;
use crate::journal::Source;
use crate::journal::{EdgeEvent, Record};
use crate::world::{Link, Receipt, Said};
use std::sync::Arc;

/// The tale of a payment that was charged, and of one look at it when it was over.
struct Seen {
    tale: Tale,
    over: UnixMs,
}

type Judge = fn(&Evidence<'_>) -> Verdict;

impl Seen {
    fn paid() -> Self {
        let mut tale = Tale::of_one_good_payment();
        tale.history().edge = Some(EdgeHistory::default());
        let over = tale.history().records.last().map_or(UnixMs(0), |last| last.at);
        Self { tale, over }
    }

    /// The same, and somebody looks so many ms after the end of it.
    fn look(&mut self, after_ms: i64, state: &str, alter: impl FnOnce(&mut Look)) {
        let at = self.over.plus_ms(after_ms);
        let (payment, state, text) =
            (Some(ORDER.to_owned()), state.to_owned(), "charged twice, not pay again".to_owned());
        let is_final = FINAL.contains(&state.as_str());
        let said = Said { payment, state, text, is_page: true, is_final, ..Said::default() };
        let mut look = Look {
            at,
            answered: at.plus_ms(40),
            edge: 0,
            payment: ORDER.into(),
            link: Link::Good { until_s: at.0 / 1_000 + 60 },
            is_page: true,
            status: 200,
            from: Source::Edge,
            is_stale: false,
            given_at: at,
            may_be_kept: false,
            unguarded: None,
            said: Arc::new(said),
        };
        alter(&mut look);
        self.tale.history().edge.as_mut().expect("there is one").looks.push(look);
    }

    fn found_by(self, judge: Judge) -> Vec<String> {
        self.tale.found_by(judge)
    }
}

/// What a check finds in one look at a payment that was charged.
fn found_in(judge: Judge, state: &str, alter: impl FnOnce(&mut Look)) -> Vec<String> {
    let mut seen = Seen::paid();
    seen.look(1_000, state, alter);
    seen.found_by(judge)
}

fn says(text: &str) -> impl FnOnce(&mut Look) {
    let text = text.to_owned();
    move |look| look.said = Arc::new(Said { text, ..look.said.as_ref().clone() })
}

const NOTHING: [String; 0] = [];

#[test]
fn a_look_that_tells_what_is_so_passes_every_check() {
    for judge in [are_true, are_guarded, are_answered, are_current, are_spared] {
        assert_eq!(found_in(judge, "paid", |_| {}), NOTHING);
    }
}

#[test]
fn where_nobody_looked_nothing_is_proved() {
    let seen = Seen::paid();
    let history = seen.tale.told();
    let verdict = are_true(&Evidence::of(&history));
    assert!(matches!(verdict, Verdict::Inconclusive(_)), "{verdict:?}");
}

#[test]
fn paid_is_told_when_money_has_moved_and_not_before() {
    let early = found_in(are_true, "paid", |look| look.given_at = UnixMs(1));
    assert_eq!(early, ["told that it is paid before money moved"]);
    let mut seen = Seen::paid();
    seen.tale.history().book.clear();
    seen.look(1_000, "paid", |_| {});
    assert_eq!(seen.found_by(are_true), ["told that it is paid, and no money moved"]);
}

#[test]
fn nobody_is_told_no_who_may_be_charged() {
    assert_eq!(found_in(are_true, "declined", |_| {}), ["told that it is declined, and money moved"]);
    let mut seen = Seen::paid();
    seen.tale.history().book.clear();
    seen.look(1_000, "declined", |_| {});
    let told = "told that it is declined before its row said so: it could still be charged";
    assert_eq!(seen.found_by(are_true), [told]);
    let failed = found_in(are_true, "in_progress", says("<h1>your payment has failed</h1>"));
    assert_eq!(failed, ["told \"fail\" while it is in_progress: it may be charged"]);
    let money = |amount: i64| {
        move |look: &mut Look| {
            let money = Some((amount, "eur".to_owned()));
            look.said = Arc::new(Said { money, ..look.said.as_ref().clone() });
        }
    };
    assert_eq!(found_in(are_true, "paid", money(1_999)), NOTHING);
    assert_eq!(found_in(are_true, "paid", money(19)), ["told of 19 eur, which is not what it is over"]);
    let odd = found_in(are_true, "perhaps", |_| {});
    assert_eq!(odd, ["told that it is \"perhaps\", which is no state"]);
}

#[test]
fn a_payment_is_shown_by_its_own_good_link_alone() {
    let forged = found_in(are_guarded, "paid", |look| look.link = Link::Forged);
    assert_eq!(forged, ["shown by a link that nobody gave out"]);
    let expired = |look: &mut Look| look.link = Link::Good { until_s: look.at.0 / 1_000 };
    assert_eq!(found_in(are_guarded, "paid", expired), ["shown by a link that has expired"]);
    let other = |look: &mut Look| look.payment = "order-2".into();
    assert_eq!(found_in(are_guarded, "paid", other), ["another payment was shown by its link"]);
    let kept = |look: &mut Look| look.may_be_kept = true;
    assert_eq!(found_in(are_guarded, "paid", kept), ["shown by an answer that a browser may keep"]);
    let unguarded = |look: &mut Look| look.unguarded = Some("referrer-policy");
    let found = found_in(are_guarded, "paid", unguarded);
    assert_eq!(found, ["answered without a header that guards its reader"]);
    let strange = |look: &mut Look| {
        look.said = Arc::new(Said { strange: Some("intent_id".to_owned()), ..look.said.as_ref().clone() });
    };
    assert_eq!(found_in(are_guarded, "paid", strange), ["told more than its customer may know"]);
    // Whoever is refused is shown nothing.
    let refused = |look: &mut Look| {
        (look.link, look.status) = (Link::Forged, 404);
        look.said = Arc::new(Said { state: "no_link".to_owned(), ..Said::default() });
    };
    assert_eq!(found_in(are_guarded, "no_link", refused), NOTHING);
}

#[test]
fn nobody_waits_for_more_than_a_second_nor_is_told_of_an_error_that_is_none() {
    let slow = |look: &mut Look| look.answered = look.at.plus_ms(1_001);
    assert_eq!(found_in(are_answered, "paid", slow), ["somebody waited 1001 ms"]);
    let error = |look: &mut Look| look.status = 503;
    let found = found_in(are_answered, "unavailable", error);
    assert_eq!(found, ["answered with 503 while nothing was wrong"]);
    let bare = |look: &mut Look| {
        (look.status, look.said) =
            (503, Arc::new(Said { state: "unavailable".to_owned(), ..Said::default() }));
    };
    let mut seen = Seen::paid();
    seen.tale.fault(Kind::StatusHanging, Window::ALWAYS, 1);
    seen.look(1_000, "unavailable", bare);
    let found = "answered with 503, and not with what is certain all the same";
    assert_eq!(seen.found_by(are_answered), [found]);
    let refused = |look: &mut Look| look.status = 404;
    assert_eq!(found_in(are_answered, "no_link", refused), ["a good link was refused"]);
}

#[test]
fn in_trouble_an_error_is_told_as_soon_as_nobody_can_be_expected_to_answer() {
    let told = |kind: Kind, state: &str, waited_ms: i64| {
        let mut seen = Seen::paid();
        seen.tale.fault(kind, Window::ALWAYS, 1);
        seen.look(1_000, state, |look| {
            (look.status, look.answered) = (503, look.at.plus_ms(waited_ms));
        });
        seen.found_by(are_answered)
    };
    assert_eq!(told(Kind::StatusHanging, "unavailable", 2_300), NOTHING);
    assert_eq!(told(Kind::StatusHanging, "unavailable", 4_001), ["somebody waited 4001 ms"]);
    // What Stripe does is no excuse.
    let found = told(Kind::StripeUnavailable, "unavailable", 40);
    assert_eq!(found, ["answered with 503 while nothing was wrong"]);
    assert_eq!(told(Kind::KeysUnreadable, "unavailable", 40), NOTHING);
    assert_eq!(told(Kind::KeysUnreadable, "no_link", 40), ["a good link was refused"]);
}

#[test]
fn who_has_an_answer_gives_it_in_trouble_too() {
    let found = |kinds: &[Kind]| {
        let mut seen = Seen::paid();
        kinds.iter().for_each(|kind| seen.tale.fault(*kind, Window::ALWAYS, 1));
        seen.look(1_000, "in_progress", |_| {});
        seen.look(60_000, "unavailable", |look| look.status = 503);
        seen.found_by(are_answered)
    };
    assert_eq!(found(&[Kind::StatusHanging]), ["answered with 503 where there was an answer of before"]);
    assert_eq!(found(&[Kind::StatusHanging, Kind::CopiesEvicted]), NOTHING);
}

#[test]
fn what_is_told_of_an_open_payment_is_what_its_row_says() {
    let found = |state: &str, change: &dyn Fn(&mut Tale)| {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1_999));
        tale.receive(&message);
        tale.write(ORDER, "received");
        change(&mut tale);
        tale.history().edge = Some(EdgeHistory::default());
        let over = tale.history().records.last().map_or(UnixMs(0), |last| last.at);
        let mut seen = Seen { tale, over };
        seen.look(10_000, state, |_| {});
        seen.found_by(are_true)
    };
    assert_eq!(found("in_progress", &|_| {}), NOTHING);
    assert_eq!(found("unknown", &|_| {}), ["told that it is not known, while it has a row"]);
    assert_eq!(found("held", &|_| {}), ["told that it waits for a person, while we are still trying"]);
    let quarantined = |tale: &mut Tale| tale.write(ORDER, "quarantined");
    assert_eq!(found("held", &quarantined), NOTHING);
    let told = "told that we are still trying, while it waits for a person";
    assert_eq!(found("in_progress", &quarantined), [told]);
}

#[test]
fn a_receipt_has_a_link_to_its_payment_for_a_month() {
    let found = |link: Option<&str>| {
        let mut seen = Seen::paid();
        seen.look(1_000, "paid", |_| {});
        let receipt = Receipt { at: UnixMs(1_000), payment: ORDER.to_owned(), link: link.map(str::to_owned) };
        seen.tale.history().edge.as_mut().expect("there is one").receipts.push(receipt);
        seen.found_by(are_guarded)
    };
    assert_eq!(found(Some("/p/order-1.0002592001.ab")), NOTHING);
    assert_eq!(found(None), ["taken, and no link was given"]);
    assert_eq!(found(Some("/p/order-2.0002592001.ab")), ["taken, and the link of another was given"]);
    let long = "taken, and the link lives for longer than a month";
    assert_eq!(found(Some("/p/order-1.0002592002.ab")), [long]);
}

#[test]
fn whoever_looks_again_and_again_is_told_in_the_end() {
    let looks = |count: i64, apart_ms: i64| {
        let mut seen = Seen::paid();
        (1..=count).for_each(|number| seen.look(number * apart_ms, "in_progress", |_| {}));
        seen
    };
    let late = "told that it is in_progress at the 6th look, 13s after it had ended";
    assert_eq!(looks(6, 2_000).found_by(are_current), [late]);
    assert_eq!(looks(5, 2_000).found_by(are_current), NOTHING);
    assert_eq!(looks(40, 100).found_by(are_current), NOTHING, "a second has to pass between two");
    let mut seen = looks(6, 2_000);
    seen.tale.fault(Kind::StatusUnavailable, Window::ALWAYS, 1);
    assert_eq!(seen.found_by(are_current), NOTHING, "nobody could be asked");
}

#[test]
fn a_payment_is_read_again_when_an_answer_is_not_fresh_any_more_and_not_when_it_has_ended() {
    let found = |reads: [(i64, u16); 2], state: &str, kind: Option<Kind>| {
        let mut seen = Seen::paid();
        let over = seen.over;
        seen.look(0, state, |_| {});
        for (after_ms, status) in reads {
            let path = format!("/page/{ORDER}");
            let event = EdgeEvent::OriginAsked { origin: "status".to_owned(), path, status, ms: 10 };
            let record = Record { at: over.plus_ms(after_ms), event: event.into() };
            seen.tale.history().records.push(record);
        }
        kind.into_iter().for_each(|kind| seen.tale.fault(kind, Window::ALWAYS, 1));
        seen.found_by(are_spared)
    };
    let soon = ["read 2 times, 1 of them too soon after another"];
    assert_eq!(found([(0, 200), (2_009, 200)], "in_progress", None), soon);
    assert_eq!(found([(0, 200), (2_010, 200)], "in_progress", None), NOTHING);
    assert_eq!(found([(0, 503), (1_009, 200)], "in_progress", None), soon);
    assert_eq!(found([(0, 503), (1_010, 200)], "in_progress", None), NOTHING);
    assert_eq!(found([(0, 429), (20, 200)], "in_progress", None), NOTHING, "nobody keeps it");
    assert_eq!(found([(0, 200), (20, 200)], "in_progress", Some(Kind::CopiesEvicted)), NOTHING);
    let again = ["read 2 times, 1 of them when it had ended"];
    assert_eq!(found([(0, 200), (60_000, 304)], "paid", None), again);
    assert_eq!(found([(0, 200), (86_400_011, 304)], "paid", None), NOTHING, "a day later");
}
