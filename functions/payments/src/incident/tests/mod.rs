//! The rules of an incident: told as stories and held against any observations.

mod changes;
mod late;
mod notices;
mod ours;
mod properties;
mod returns;
mod stories;
mod story;

use super::*;
use crate::payment::PaymentId;
use crate::time::UnixMs;
use std::collections::BTreeSet;

const START: UnixMs = UnixMs(1_767_603_600_000);
const MINUTE: i64 = 60_000;
const ON: Policy = Policy { auto_redrive: AutoRedrive::On, redrive_cycles_max: 3 };
const OFF: Policy = Policy { auto_redrive: AutoRedrive::Off, ..ON };

fn minutes(n: i64) -> UnixMs {
    START.plus_ms(n * MINUTE)
}

fn depth(visible: u64) -> Depth {
    Depth { visible, ..Depth::default() }
}

fn payment_id(n: u64) -> PaymentId {
    PaymentId::new(&format!("order-{n}")).expect("has the form")
}

/// What a mail is about, without its facts.
fn kinds(outbox: &Outbox, before: &Outbox) -> Vec<Kind> {
    let kind = |mail: &Mail| match &mail.letter {
        Letter::Recovery(kind, _) => Some(*kind),
        Letter::Quarantine(..) | Letter::Audit(..) => None,
    };
    outbox.claimed_since(before).filter_map(kind).collect()
}
