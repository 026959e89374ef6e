//! What an order comes to: what it asks is answered, what it changes is done.
//!
//! Invariant: whoever only asks is answered by what can only look, but for a rehearsed release, which goes the way that is
//! meant up to where it would change something.

use crate::Inner;
use crate::error::TurnError;
use crate::limits::AUDIT_PAGES_PER_S;
use crate::records::Saved;
use payments::UnixMs;
use payments::audit::{Asked, Audit, Span};
use payments::incident::{Command, Incident, Observation, Order};
use serde_json::{Value, json};

impl Inner {
    /// Answers an order that changes nothing.
    pub(crate) async fn reply(
        &self,
        command: &Command,
        seen: &Observation,
        incident: &Incident,
        audit: &Audit,
    ) -> Result<Value, TurnError> {
        match command {
            Command::Export => self.look.export().await,
            Command::Release(release) => self.act.release_all(release, seen.now).await,
            Command::Status
            | Command::Redrive
            | Command::Pause
            | Command::Resume
            | Command::Reconcile(..)
            | Command::Blame(_)
            | Command::Audit(_) => self.look.status(seen, incident, audit, &self.policy).await,
        }
    }

    /// Does what was ordered beyond the change of the record, which is saved, and says what came of it. `phase` is the
    /// incident's.
    pub(crate) async fn obey(
        &self,
        order: &Order,
        phase: &'static str,
        now: UnixMs,
    ) -> Result<Value, TurnError> {
        let done = match &order.command {
            Command::Release(release) => {
                let mut answer = self.act.release_all(release, now).await?;
                answer["phase"] = json!(phase);
                return Ok(answer);
            }
            Command::Reconcile(payment_id, found) => {
                self.act.reconcile(payment_id, *found, now).await?.to_string()
            }
            Command::Blame(accused) => match self.act.blame(accused, now).await? {
                0 => "nothing was done: no such payment waits; status names what they wait for".to_owned(),
                blamed => format!(
                    "payments marked: {blamed}; each that is refused, or kills, once more goes into quarantine"
                ),
            },
            Command::Audit(span) => self.begin_audit(order, *span, now).await?,
            Command::Redrive => "a move task was started".to_owned(),
            Command::Pause => {
                "nothing is redriven until you resume; a move task that runs goes on".to_owned()
            }
            Command::Resume => "redriving is no longer paused".to_owned(),
            Command::Export | Command::Status => "this is how things stand".to_owned(),
        };
        Ok(json!({ "command": order.command.name(), "done": done, "phase": phase }))
    }

    /// Begins an audit that was ordered, in words.
    async fn begin_audit(&self, order: &Order, span: Span, now: UnixMs) -> Result<String, TurnError> {
        let (_, audit) = self.look.records.read_all().await?;
        let begun = match audit.begun(Asked::by(&order.who), span, now) {
            Ok(begun) => begun,
            Err(under_way) => return Ok(under_way.to_string()),
        };
        Ok(match self.post.records.save(&begun).await? {
            Saved::Yes(_) => format!(
                "an audit of the last {span} has begun; the turns of the schedule carry it on, {AUDIT_PAGES_PER_S} \
                 pages a second. The command status shows how far it is; differences are mailed, and none is a line \
                 in the log"
            ),
            Saved::Lost(_) => "nothing was started: another turn was at work; try again".to_owned(),
        })
    }
}
