//! What a delivery says of itself.

use super::*;
use std::collections::HashMap;

fn envelope(attributes: &[(&str, &str)]) -> Envelope {
    let mut message = SqsMessage::default();
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    message.attributes = attributes.collect::<HashMap<_, _>>();
    Envelope::of(&message)
}

#[test]
fn each_attribute_of_a_delivery_is_read_for_what_it_is() {
    let Envelope { receives, sent_at, received_at } = envelope(&[
        ("ApproximateReceiveCount", "3"),
        ("SentTimestamp", "1767603601001"),
        ("ApproximateFirstReceiveTimestamp", "1767603602002"),
        ("SenderId", "1767603603003"),
    ]);
    assert_eq!(
        (receives, sent_at, received_at),
        (3, Some(UnixMs(1_767_603_601_001)), Some(UnixMs(1_767_603_602_002)))
    );
}

#[test]
fn a_delivery_that_says_nothing_is_the_first_and_of_no_time() {
    for attributes in [&[][..], &[("ApproximateReceiveCount", "often"), ("SentTimestamp", "yesterday")]] {
        let Envelope { receives, sent_at, received_at } = envelope(attributes);
        assert_eq!((receives, sent_at, received_at), (1, None, None));
    }
}

#[test]
fn whoever_is_acknowledged_is_told_by_a_name_of_its_own() {
    let all =
        [Why::Settled, Why::SettledBefore, Why::Quarantined, Why::Drill, Why::Witnessed, Why::Overheard];
    let names = ["settled", "settled_before", "quarantined", "drill", "witnessed", "overheard"];
    assert_eq!(all.map(Why::name), names);
}

#[test]
fn what_nobody_has_worked_on_yet_goes_back() {
    assert_eq!(End::default(), End::HandedBack { cause: Some(Cause::OutOfTime), visible_in_s: 0 });
}

#[test]
fn a_drill_ends_as_it_is_meant_to() {
    assert_eq!(drill_end(Drill::Succeed), End::Acknowledged(Why::Drill));
    let handed_back = End::HandedBack { cause: None, visible_in_s: DRILL_BACKOFF_S };
    assert_eq!(drill_end(Drill::Fail), handed_back);
}

#[test]
fn drills_that_are_switched_off_are_malformed() {
    let mut message = SqsMessage::default();
    message.body = Some("PYMT_FAILED".to_owned());
    assert!(matches!(parse(&message, Drills::On), Ok(Body::Drill(Drill::Fail))));
    assert_eq!(parse(&message, Drills::Off).err(), Some(Malformed::DrillsOff));
}
