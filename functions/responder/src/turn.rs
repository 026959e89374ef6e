//! One turn: look, decide, save, act, tell, and carry an audit on.
//!
//! Invariant: nothing is done and nothing is published by a turn that did not save the record that says so; and whatever
//! becomes of it, its tale says how far it came.

use crate::Inner;
use crate::error::TurnError;
use crate::event::Wake;
use crate::look::{Glance, Last};
use crate::records::{Record, Saved};
use crate::tale::Tale;
use host::TraceId;
use payments::UnixMs;
use payments::audit::Audit;
use payments::incident::{
    Decision, Details, Effect, Incident, Observation, Order, Outbox, Recovery, Refused,
};
use serde_json::{Value, json};

/// A turn under way.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) inner: &'a Inner,
    wake: &'a Wake,
    pub(crate) now: UnixMs,
    pub(crate) tale: Tale,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(inner: &'a Inner, wake: &'a Wake, trace: Option<TraceId>) -> Self {
        let tale = Tale { looked: "glance", trace, ..Tale::default() };
        Self { inner, wake, now: inner.clock.now(), tale }
    }

    /// What it came to. Last of all, so that nothing waits for it, and when that is due, it looks whether anybody listens,
    /// and whether the alarms can speak.
    pub(crate) async fn take(&mut self) -> Result<Value, TurnError> {
        let answer = Box::pin(self.look_and_do()).await?;
        let Inner { look, clock, .. } = self.inner;
        if self.order().is_some() {
            return Ok(answer);
        }
        if self.tale.mails > 0 || look.memory.wants_to_know_who_listens(clock.now()) {
            self.tale.listeners = Some(u64::from(look.listeners().await?.confirmed));
        }
        if look.memory.wants_to_know_which_alarms_are_silenced(clock.now()) {
            self.tale.silenced_alarms = look.silenced_alarms().await;
        }
        Ok(answer)
    }

    /// The order that it is about. Whoever gave one waits for the answer.
    const fn order(&self) -> Option<&'a Order> {
        match self.wake {
            Wake::Order(order) => Some(order),
            Wake::Schedule | Wake::Alarm { .. } | Wake::Other(_) => None,
        }
    }

    async fn look_and_do(&mut self) -> Result<Value, TurnError> {
        let (inner, now) = (self.inner, self.now);
        if *self.wake == Wake::Schedule {
            let glanced = inner.look.glance(now).await?;
            self.tale.glanced(glanced);
            if glanced.glance == Glance::Quiet {
                return Ok(json!({ "phase": "quiet" }));
            }
        }
        // Until this turn has come to its end, the next one takes nothing for granted.
        inner.look.memory.remember(Last::Unknown);
        let (incident, audit) = Box::pin(inner.look.records.read_all()).await?;
        let seen = Box::pin(inner.look.everything(now, self.wake.credentials(), &incident)).await?;
        self.tale.saw(&seen, &incident);
        if let Some(order) = self.order().filter(|order| order.command.only_asks()) {
            return inner.reply(&order.command, &seen, &incident, &audit).await;
        }
        let (decision, refused) = match inner.decide(&seen, &incident, self.order()) {
            Ok(decision) => (decision, None),
            // What cannot be obeyed makes this an ordinary turn.
            Err(refused) => (inner.decide_alone(&seen, &incident), Some(refused)),
        };
        let decision = inner.with_details(decision, &seen, &incident).await;
        let ordered = self.order().filter(|_| refused.is_none());
        let (after, answer) = self.carry_out(decision, &incident, &seen, ordered).await?;
        let audit = self.go_on_with_others(audit, &after, &seen).await?;
        let is_calm = seen.is_calm() && seen.quarantine.total() == 0;
        if after.is_quiet() && is_calm && audit.is_quiet() && self.order().is_none() {
            inner.look.memory.remember(Last::Quiet);
        }
        Ok(match refused {
            Some(refused) => json!({ "error": refused.to_string(), "phase": after.recovery.phase.name() }),
            None => answer,
        })
    }

    /// What else a turn does that nobody waits for.
    async fn go_on_with_others(
        &mut self,
        audit: Audit,
        after: &Incident,
        seen: &Observation,
    ) -> Result<Audit, TurnError> {
        if self.order().is_some() {
            return Ok(audit);
        }
        if let Err(error) = Box::pin(self.inner.act.take_up(seen)).await {
            tracing::warn!(%error, "who was set aside was not asked about");
        }
        Box::pin(self.audit(audit, &after.recovery.phase)).await
    }

    /// Saves, acts and tells, each record for itself: a quarantine that cannot be told of must not hold up a recovery.
    async fn carry_out(
        &mut self,
        decision: Decision,
        before: &Incident,
        seen: &Observation,
        order: Option<&Order>,
    ) -> Result<(Incident, Value), TurnError> {
        self.tale.does(decision.effect);
        let recovered = match decision.recovery {
            Some(next) => self.recover(&before.recovery, next, decision.effect, seen, order).await,
            None => Ok((before.recovery.clone(), None)),
        };
        let noticed = match decision.notice {
            Some(next) => self.keep(&before.notice.outbox, next).await,
            None => Ok(before.notice.clone()),
        };
        let (recovery, answer) = recovered?;
        self.tale.phase = Some(recovery.phase.name());
        let answer = answer.unwrap_or_else(|| json!({ "phase": recovery.phase.name() }));
        Ok((Incident { recovery, notice: noticed? }, answer))
    }

    async fn recover(
        &mut self,
        before: &Recovery,
        next: Recovery,
        effect: Option<Effect>,
        seen: &Observation,
        order: Option<&Order>,
    ) -> Result<(Recovery, Option<Value>), TurnError> {
        let saved = match self.inner.post.records.save(&next).await? {
            Saved::Yes(saved) => saved,
            Saved::Lost(found) => {
                self.tale.races_lost += 1;
                let lost = order
                    .map(|_| json!({ "error": "nothing was done: another turn was at work; try again" }));
                return Ok((found, lost));
            }
        };
        // A mail goes out also when what it tells of failed half-way: it was decided, and the next turn will see to it.
        let (record, done) = match self.inner.carry_out(&saved, effect, seen).await {
            Ok(record) => (record, Ok(())),
            Err(error) => (saved, Err(error)),
        };
        let answer = match order {
            Some(order) if done.is_ok() => Some(self.inner.obey(order, record.phase.name(), self.now).await),
            Some(_) | None => None,
        };
        let told = self.publish(&before.outbox, record).await;
        done?;
        Ok((told?, answer.transpose()?))
    }

    /// Saves a record that has no effect, and sends its mails.
    pub(crate) async fn keep<R: Record>(&mut self, before: &Outbox, next: R) -> Result<R, TurnError> {
        match self.inner.post.records.save(&next).await? {
            Saved::Yes(saved) => self.publish(before, saved).await,
            Saved::Lost(found) => {
                self.tale.races_lost += 1;
                Ok(found)
            }
        }
    }

    async fn publish<R: Record>(&mut self, before: &Outbox, record: R) -> Result<R, TurnError> {
        let posted = self.inner.post.publish(before, record, self.tale.trace.as_ref()).await;
        self.tale.mails += posted.mails;
        posted.result.map(|()| posted.record)
    }
}

impl Inner {
    /// What follows from what was seen and, if there is an order, from that.
    fn decide(
        &self,
        seen: &Observation,
        incident: &Incident,
        order: Option<&Order>,
    ) -> Result<Decision, Refused> {
        let Some(order) = order else { return Ok(self.decide_alone(seen, incident)) };
        let (recovery, effect) = incident.recovery.obey(order, seen, &self.policy)?;
        let obeyed = Incident { recovery, notice: incident.notice.clone() };
        let decision = (self.rules.decide)(seen, &obeyed, &self.policy);
        let recovery = Some(decision.recovery.unwrap_or(obeyed.recovery));
        Ok(Decision { recovery, effect: effect.or(decision.effect), ..decision })
    }

    fn decide_alone(&self, seen: &Observation, incident: &Incident) -> Decision {
        (self.rules.decide)(seen, incident, &self.policy)
    }

    /// Gathers what the mails say beyond the decision that writes them.
    async fn with_details(&self, decision: Decision, seen: &Observation, before: &Incident) -> Decision {
        if !decision.writes_a_mail(before) {
            return decision;
        }
        let survey = self.look.survey(seen.now).await;
        let (contents, traffic) = if decision.writes_a_notice(before) {
            self.look.contents_and_traffic(seen).await
        } else {
            (None, None)
        };
        decision.filled(before, &Details { survey, contents, traffic })
    }

    async fn carry_out(
        &self,
        saved: &Recovery,
        effect: Option<Effect>,
        seen: &Observation,
    ) -> Result<Recovery, TurnError> {
        match effect {
            None => Ok(saved.clone()),
            Some(Effect::StartMoveTask) => self.act.queues.start_move_task().await.map(|()| saved.clone()),
            Some(Effect::CancelMoveTask) => self.act.queues.cancel_move_task().await.map(|()| saved.clone()),
            Some(Effect::SortDeadLetters) => self.sort(saved, seen).await,
        }
    }

    /// Picks a canary and sends it, or goes on without one. `record` is the record that says so, as it was saved.
    async fn sort(&self, record: &Recovery, seen: &Observation) -> Result<Recovery, TurnError> {
        let sorting = self.act.look_through(record, seen, &self.policy).await?;
        let (mut next, effect) = (self.rules.sorted)(record, sorting.found.clone(), seen, &self.policy);
        if next.outbox.written() > record.outbox.written() {
            next = next.filled(record, &self.look.survey(seen.now).await);
        }
        let saved = match self.post.records.save(&next).await? {
            Saved::Yes(saved) => saved,
            Saved::Lost(found) => {
                self.act.give_back(&sorting).await;
                return Ok(found);
            }
        };
        if saved.canary().is_some() {
            self.act.send(&sorting).await?;
        } else {
            self.act.give_back(&sorting).await;
        }
        if effect == Some(Effect::StartMoveTask) {
            self.act.queues.start_move_task().await?;
        }
        Ok(saved)
    }
}
