//! The audit that every run ends with: of all its intents, by a human's order, carried on by the responder's own turns.
//!
//! Invariant: a run ends. An audit that is not over in its time is left alone, and the check that wants it cannot tell.

use super::Deployed;
use super::incident::record;
use crate::clock::Clock;
use crate::cloud::lambda::Pool;
use crate::cloud::services::Services;
use crate::records::{Asked, Audit, AuditPhase, AuditReport, AuditRound};
use payments::limits::AUDIT_SPAN_S_MAX;
use serde_json::json;

/// How often, in virtual ms, it is looked at whether the audit is over.
const LOOK_MS: i64 = 5_000;
/// How long to wait before the order is given again, ms: another audit, or another turn, was in its way.
const AGAIN_MS: i64 = 60_000;
/// How long an audit may take, ms, whatever its size: turns are lost, killed or told to wait.
const AUDIT_MS: i64 = 30 * 60_000;
/// And for each message that was sent, ms: half of what a turn reads, in case every second one is lost.
const AUDIT_MS_PER_MESSAGE: i64 = 30;
/// Who gives the order.
const WHO: &str = "the end of the run";

/// What the audit at the end came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audited {
    /// There is no responder.
    #[default]
    ByNobody,
    /// It was not over in its time.
    Unfinished,
    /// It was.
    Finished(Box<AuditReport>),
}

/// Orders an audit of the whole run and waits for its end.
pub(super) async fn audit(
    deployed: &Deployed,
    services: &Services,
    responder: Option<&Pool>,
    messages: usize,
) -> Audited {
    let (Some(responder), Some(table)) = (responder, &deployed.names.incidents) else {
        return Audited::ByNobody;
    };
    let clock = *services.clock();
    let patience_ms = AUDIT_MS + AUDIT_MS_PER_MESSAGE * i64::try_from(messages).unwrap_or(i64::MAX / 100);
    let (until, mut order_at) = (clock.now().plus_ms(patience_ms), clock.now());
    while clock.now() < until {
        let Ok(audit) = record::<Audit>(services, table, "audit") else { return Audited::Unfinished };
        let (phase, last) = audit.map_or((AuditPhase::Idle, None), |audit| (audit.phase, audit.last));
        if let Some(report) = last.filter(|report| is_ours(&report.round)) {
            return Audited::Finished(Box::new(report));
        }
        let is_under_way = matches!(&phase, AuditPhase::Running(round) if is_ours(round));
        if !is_under_way && clock.now() >= order_at {
            order_at = clock.now().plus_ms(AGAIN_MS);
            responder.invoke(order(&clock).into_bytes(), Vec::new()).await;
        }
        clock.sleep_until(clock.now().plus_ms(LOOK_MS)).await;
    }
    Audited::Unfinished
}

fn is_ours(round: &AuditRound) -> bool {
    round.asked == Asked::By(WHO.to_owned())
}

/// As far back as the run reaches, or as an audit may.
fn order(clock: &Clock) -> String {
    let span_s = clock.now().since_ms(clock.start()) / 1_000 + 1;
    let since = format!("{}s", span_s.min(AUDIT_SPAN_S_MAX));
    json!({ "command": "audit", "since": since, "who": WHO, "why": "to be held against the book" })
        .to_string()
}
