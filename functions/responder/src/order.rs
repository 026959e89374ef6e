//! An order, as a human types it: `{"command":"release","reason":"refused","who":"ada","why":"mended"}`.
//!
//! Invariant: an order is read as a whole or not at all; an error says which field, what is wrong with it, and what it
//! accepts.

use payments::PaymentId;
use payments::audit::Span;
use payments::incident::{Accused, Command, Found, Order, Rehearsal, Release, Selection};
use serde_json::{Map, Value};

/// An order that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}; accepted: {accepted}")]
pub struct BadOrder {
    field: String,
    problem: String,
    accepted: String,
}

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Redrive,
    Pause,
    Resume,
    Release,
    Reconcile,
    Blame,
    Export,
    Audit,
    Status,
}

impl Verb {
    const ALL: [Self; 9] = [
        Self::Redrive,
        Self::Pause,
        Self::Resume,
        Self::Release,
        Self::Reconcile,
        Self::Blame,
        Self::Export,
        Self::Audit,
        Self::Status,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Release => "release",
            Self::Reconcile => "reconcile",
            Self::Blame => "blame",
            Self::Export => "export",
            Self::Audit => "audit",
            Self::Status => "status",
        }
    }

    /// The fields it takes beside its name and the signature.
    const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["payment_id", "payment_ids", "reason", "detail", "stranded", "dry_run"],
            Self::Reconcile => &["payment_id", "found"],
            Self::Blame => &["payment_id", "refused"],
            Self::Audit => &["since"],
            Self::Redrive | Self::Pause | Self::Resume | Self::Export | Self::Status => &[],
        }
    }
}

/// The fields that every command takes.
const SIGNATURE: [&str; 2] = ["who", "why"];

const PAYMENT_ID: &str = "1 to 128 of A-Z a-z 0-9 _ -";

/// Reads an order.
///
/// # Errors
/// When a field of it is unknown, missing, or holds something that makes no sense.
pub fn read(event: &Value) -> Result<Order, BadOrder> {
    let nothing = Map::new();
    let fields = Fields(event.as_object().unwrap_or(&nothing));
    let verb = fields.verb()?;
    let (who, why) = (fields.text("who", "a name")?, fields.text("why", "a reason, in words")?);
    let command = match verb {
        Verb::Redrive => Command::Redrive,
        Verb::Pause => Command::Pause,
        Verb::Resume => Command::Resume,
        Verb::Release => Command::Release(fields.release()?),
        Verb::Reconcile => fields.reconcile()?,
        Verb::Blame => Command::Blame(fields.accused()?),
        Verb::Export => Command::Export,
        Verb::Audit => Command::Audit(fields.since()?),
        Verb::Status => Command::Status,
    };
    let signed =
        |field, text: Option<&str>, accepted| match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None if command.only_asks() => Ok(String::new()),
            None => Err(bad(field, "it is missing, and is kept in the record", accepted)),
        };
    let (who, why) = (signed("who", who, "your name")?, signed("why", why, "the reason, in words")?);
    Ok(Order { command, who, why })
}

/// What was typed, by field.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The command, if it takes all the fields that are there.
    fn verb(&self) -> Result<Verb, BadOrder> {
        let accepted = Verb::ALL.map(Verb::name).join(", ");
        let typed = self.text("command", &accepted)?.unwrap_or_default();
        let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.name() == typed) else {
            return Err(bad("command", &format!("there is no {typed:?}"), &accepted));
        };
        let takes: Vec<&str> = verb.takes().iter().copied().chain(SIGNATURE).collect();
        match self.0.keys().find(|field| *field != "command" && !takes.contains(&field.as_str())) {
            None => Ok(verb),
            Some(field) => {
                Err(bad(field, &format!("{} takes no such field", verb.name()), &takes.join(", ")))
            }
        }
    }

    fn text(&self, field: &str, accepted: &str) -> Result<Option<&'a str>, BadOrder> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(bad(field, "it is no text", accepted)),
        }
    }

    fn release(&self) -> Result<Release, BadOrder> {
        let mut selections = Vec::new();
        if let Some(id) = self.text("payment_id", PAYMENT_ID)? {
            selections.push(Selection::Payment(payment_id("payment_id", id)?));
        }
        if let Some(ids) = self.0.get("payment_ids") {
            selections.push(named(ids)?);
        }
        if let Some(reason) = self.text("reason", REASON)? {
            selections.push(self.by_reason(reason)?);
        }
        match self.0.get("stranded") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => selections.push(Selection::Stranded),
            Some(_) => return Err(bad("stranded", "it is neither true nor false", "true or false")),
        }
        let Some(selection) = selections.pop() else {
            let accepted = "payment_id, payment_ids, reason or stranded";
            return Err(bad("release", "it does not say of what", accepted));
        };
        if !selections.is_empty() {
            let accepted = "one of payment_id, payment_ids, reason and stranded";
            return Err(bad("release", "it says of what more than once", accepted));
        }
        if self.0.contains_key("detail") && !self.0.contains_key("reason") {
            return Err(bad("detail", "there is no reason that it belongs to", "a detail beside a reason"));
        }
        Ok(Release { selection, rehearsal: self.rehearsal()? })
    }

    fn reconcile(&self) -> Result<Command, BadOrder> {
        const FOUND: &str = "charged, not_charged; only where Stripe does not know the intent";
        let id = self.text("payment_id", PAYMENT_ID)?;
        let id = id.ok_or_else(|| bad("payment_id", "reconcile needs it", PAYMENT_ID))?;
        let found = match self.text("found", FOUND)? {
            None => None,
            Some("charged") => Some(Found::Charged),
            Some("not_charged") => Some(Found::NotCharged),
            Some(_) => return Err(bad("found", "it is neither", FOUND)),
        };
        Ok(Command::Reconcile(payment_id("payment_id", id)?, found))
    }

    fn accused(&self) -> Result<Accused, BadOrder> {
        const REFUSED: &str = "what the payments met, as mails and status show it, for example create: amount_too_small (amount)";
        let refused = self.text("refused", REFUSED)?.filter(|refused| !refused.is_empty());
        match (self.text("payment_id", PAYMENT_ID)?, refused) {
            (Some(id), None) => Ok(Accused::Payment(payment_id("payment_id", id)?)),
            (None, Some(refused)) => Ok(Accused::Refused(refused.to_owned())),
            (None, None) => Err(bad("blame", "it does not say whom", "payment_id or refused")),
            (Some(_), Some(_)) => Err(bad("blame", "it says whom more than once", "payment_id or refused")),
        }
    }

    fn by_reason(&self, reason: &str) -> Result<Selection, BadOrder> {
        let detail = self
            .text("detail", "a detail as mails and status show it, for example amount_too_small (amount)")?;
        if reason.is_empty() {
            return Err(bad("reason", "it is empty", REASON));
        }
        Ok(Selection::Reason { reason: reason.to_owned(), detail: detail.map(str::to_owned) })
    }

    fn rehearsal(&self) -> Result<Rehearsal, BadOrder> {
        match self.0.get("dry_run") {
            None | Some(Value::Bool(false)) => Ok(Rehearsal::Meant),
            Some(Value::Bool(true)) => Ok(Rehearsal::DryRun),
            // Whoever wants to be careful must not be taken for somebody who is not.
            Some(_) => Err(bad("dry_run", "it is neither", "true, false")),
        }
    }

    /// How far back an audit is to look.
    fn since(&self) -> Result<Span, BadOrder> {
        let accepted = "a whole number with s, m, h or d behind it, from 1s to 400d, for example 48h";
        let since = self.text("since", accepted)?.ok_or_else(|| bad("since", "audit needs it", accepted))?;
        Span::parse(since).map_err(|_| bad("since", "it is no span", accepted))
    }
}

const REASON: &str = "a reason as mails and status show it, for example refused";

fn named(ids: &Value) -> Result<Selection, BadOrder> {
    let bad_list = |problem: &str| bad("payment_ids", problem, Selection::FORM);
    let ids = ids.as_array().ok_or_else(|| bad_list("it is no list"))?;
    let ids = ids
        .iter()
        .enumerate()
        .map(|(index, id)| payment_id(&format!("payment_ids[{index}]"), id.as_str().unwrap_or_default()));
    Selection::named(ids.collect::<Result<_, _>>()?).map_err(|problem| bad_list(&problem.to_string()))
}

fn payment_id(field: &str, text: &str) -> Result<PaymentId, BadOrder> {
    PaymentId::new(text).ok_or_else(|| bad(field, "it is no payment id", PAYMENT_ID))
}

fn bad(field: &str, problem: &str, accepted: &str) -> BadOrder {
    BadOrder { field: field.to_owned(), problem: problem.to_owned(), accepted: accepted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command(order: Value) -> Command {
        let mut order = order;
        order["who"] = json!("ada");
        order["why"] = json!("mended");
        read(&order).expect("an order").command
    }

    fn id(text: &str) -> PaymentId {
        PaymentId::new(text).expect("has the form")
    }

    fn meant(selection: Selection) -> Command {
        Command::Release(Release { selection, rehearsal: Rehearsal::Meant })
    }

    fn by(reason: &str, detail: Option<&str>) -> Selection {
        Selection::Reason { reason: reason.to_owned(), detail: detail.map(str::to_owned) }
    }

    #[test]
    fn a_release_is_of_one_payment_of_a_list_or_of_a_reason() {
        let one = json!({"command": "release", "payment_id": "order-1"});
        assert_eq!(command(one), meant(Selection::Payment(id("order-1"))));
        let list = json!({"command": "release", "payment_ids": ["a", "b", "a"]});
        assert_eq!(command(list), meant(Selection::Payments(vec![id("a"), id("b")])));
        let reason = json!({"command": "release", "reason": "refused"});
        assert_eq!(command(reason), meant(by("refused", None)));
        let detail =
            json!({"command": "release", "reason": "refused", "detail": "amount_too_small (amount)"});
        assert_eq!(command(detail), meant(by("refused", Some("amount_too_small (amount)"))));
        let unheard_of = json!({"command": "release", "reason": "stuck", "dry_run": false});
        assert_eq!(command(unheard_of), meant(by("stuck", None)));
    }

    #[test]
    fn a_payment_is_reconciled_and_many_are_blamed() {
        let found = json!({"command": "reconcile", "payment_id": "order-1", "found": "charged"});
        assert_eq!(command(found), Command::Reconcile(id("order-1"), Some(Found::Charged)));
        let asked = json!({"command": "reconcile", "payment_id": "order-1"});
        assert_eq!(command(asked), Command::Reconcile(id("order-1"), None));
        let what = "create: amount_too_small (amount)";
        let refused = json!({"command": "blame", "refused": what});
        assert_eq!(command(refused), Command::Blame(Accused::Refused(what.to_owned())));
        let one = json!({"command": "blame", "payment_id": "order-1"});
        assert_eq!(command(one), Command::Blame(Accused::Payment(id("order-1"))));
    }

    #[test]
    fn what_only_asks_needs_no_signature() {
        for (order, only_asks) in [
            (json!({"command": "status"}), true),
            (json!({"command": "export"}), true),
            (json!({"command": "release", "reason": "refused", "dry_run": true}), true),
            (json!({"command": "release", "reason": "refused", "dry_run": false}), false),
            (json!({"command": "redrive"}), false),
        ] {
            assert_eq!(read(&order).is_ok(), only_asks, "{order}");
        }
    }

    #[test]
    fn an_audit_says_how_far_back() {
        let audit = json!({"command": "audit", "since": "48h"});
        assert_eq!(command(audit), Command::Audit(Span::parse("48h").unwrap()));
    }

    #[test]
    fn a_bad_order_is_told_where_it_is_wrong_and_what_is_accepted() {
        const LIST: &str = "accepted: a list of 1 to 1000 payment ids";
        const ID: &str = "accepted: 1 to 128 of A-Z a-z 0-9 _ -";
        const COMMANDS: &str =
            "accepted: redrive, pause, resume, release, reconcile, blame, export, audit, status";
        const OF: &str = "accepted: one of payment_id, payment_ids, reason and stranded";
        const SPAN: &str =
            "accepted: a whole number with s, m, h or d behind it, from 1s to 400d, for example 48h";
        let many: Vec<String> = (0..1_001).map(|n| format!("order-{n}")).collect();
        let cases = [
            (json!({"command": "redrve"}), format!("command: there is no \"redrve\"; {COMMANDS}")),
            (json!({"command": 5}), format!("command: it is no text; {COMMANDS}")),
            (json!({"command": null}), format!("command: there is no \"\"; {COMMANDS}")),
            (json!({"command": "pause", "whom": "a"}), "whom: pause takes no such field; accepted: who, why".into()),
            (
                json!({"command": "pause", "payment_id": "a"}),
                "payment_id: pause takes no such field; accepted: who, why".into(),
            ),
            (
                json!({"command": "release", "since": "1h"}),
                "since: release takes no such field; accepted: payment_id, payment_ids, reason, detail, stranded, dry_run, who, why"
                    .into(),
            ),
            (json!({"command": "pause", "who": 7}), "who: it is no text; accepted: a name".into()),
            (
                json!({"command": "pause", "who": " ", "why": "x"}),
                "who: it is missing, and is kept in the record; accepted: your name".into(),
            ),
            (
                json!({"command": "pause", "who": "ada"}),
                "why: it is missing, and is kept in the record; accepted: the reason, in words".into(),
            ),
            (
                json!({"command": "release"}),
                "release: it does not say of what; accepted: payment_id, payment_ids, reason or stranded".into(),
            ),
            (
                json!({"command": "release", "payment_id": "a", "reason": "refused"}),
                format!("release: it says of what more than once; {OF}"),
            ),
            (
                json!({"command": "release", "payment_ids": ["a"], "reason": "refused"}),
                format!("release: it says of what more than once; {OF}"),
            ),
            (json!({"command": "release", "payment_id": "a b"}), format!("payment_id: it is no payment id; {ID}")),
            (
                json!({"command": "release", "payment_ids": ["a", 7]}),
                format!("payment_ids[1]: it is no payment id; {ID}"),
            ),
            (json!({"command": "release", "payment_ids": "a"}), format!("payment_ids: it is no list; {LIST}")),
            (json!({"command": "release", "payment_ids": []}), format!("payment_ids: it is empty; {LIST}")),
            (
                json!({"command": "release", "payment_ids": many}),
                format!("payment_ids: it names 1001 payments; {LIST}"),
            ),
            (
                json!({"command": "release", "payment_id": "a", "detail": "x"}),
                "detail: there is no reason that it belongs to; accepted: a detail beside a reason".into(),
            ),
            (
                json!({"command": "release", "reason": "", "dry_run": true}),
                format!("reason: it is empty; accepted: {REASON}"),
            ),
            (
                json!({"command": "release", "reason": "refused", "dry_run": "yes"}),
                "dry_run: it is neither; accepted: true, false".into(),
            ),
            (json!({"command": "blame"}), "blame: it does not say whom; accepted: payment_id or refused".into()),
            (json!({"command": "reconcile"}), format!("payment_id: reconcile needs it; {ID}")),
            (
                json!({"command": "reconcile", "payment_id": "a", "found": "yes"}),
                "found: it is neither; accepted: charged, not_charged; only where Stripe does not know the intent".into(),
            ),
            (json!({"command": "audit"}), format!("since: audit needs it; {SPAN}")),
            (json!({"command": "audit", "since": "2 weeks"}), format!("since: it is no span; {SPAN}")),
        ];
        for (order, expected) in cases {
            assert_eq!(read(&order).expect_err(&expected).to_string(), expected, "{order}");
        }
    }
}
