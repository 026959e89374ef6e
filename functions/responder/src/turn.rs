//! One turn: look, decide, save, act, tell, and carry an audit on.
//!
//! Invariant: nothing is done and nothing is published by a turn that did not save the record that says so; and a mail
//! is taken out of its record only after the topic took it.

use crate::Inner;
use crate::error::TurnError;
use crate::event::Wake;
use crate::glance::{Glance, Last};
use crate::limits::MARK_SENT_ATTEMPTS;
use crate::mail;
use crate::records::{Record, Saved};
use crate::tale::Tale;
use crate::topic::Channel;
use payments::UnixMs;
use payments::audit::Audit;
use payments::incident::{
    Command, Decision, Effect, Incident, Observation, Order, Outbox, Recovery, Refused,
};
use serde_json::{Value, json};

impl Inner {
    /// Takes one turn and says what came of it.
    pub(crate) async fn turn(&self, wake: &Wake, tale: &mut Tale) -> Result<Value, TurnError> {
        let now = self.clock.now();
        tale.looked = "glance";
        if *wake == Wake::Schedule && self.glance(now, tale).await? == Glance::Quiet {
            return Ok(json!({ "phase": "quiet" }));
        }
        // Until this turn has come to its end, the next one takes nothing for granted.
        self.memory.remember(Last::Unknown);
        let (incident, audit) = Box::pin(self.records.read_all()).await?;
        let mut seen = Box::pin(self.observe(now, wake, &incident)).await?;
        tale.saw(&seen, &incident);
        let order = match wake {
            Wake::Order(order) if order.command.only_asks() => {
                return self.reply(&order.command, &seen, &incident, &audit).await;
            }
            Wake::Order(order) => Some(order),
            Wake::Schedule | Wake::Alarm { .. } | Wake::Other(_) => None,
        };
        let (decision, refused) = match self.decide(&mut seen, &incident, order).await {
            Ok(decision) => (decision, None),
            // What cannot be obeyed makes this an ordinary turn.
            Err(refused) => (self.decide_alone(&mut seen, &incident).await, Some(refused)),
        };
        let ordered = order.filter(|_| refused.is_none());
        let (after, answer) = self.carry_out(decision, &incident, &mut seen, ordered, tale).await?;
        let audit = match wake {
            // Whoever gives an order waits for the answer.
            Wake::Order(_) => audit,
            Wake::Schedule | Wake::Alarm { .. } | Wake::Other(_) => {
                if let Err(error) = Box::pin(self.take_up(&seen)).await {
                    tracing::warn!(%error, "who was set aside was not asked about");
                }
                Box::pin(self.audit(audit, &after.recovery.phase, now, tale)).await?
            }
        };
        self.memory.remember_audit(audit.due_at());
        let is_order = matches!(wake, Wake::Order(_));
        if after.is_quiet() && seen.is_calm() && seen.quarantine.total() == 0 && audit.is_quiet() && !is_order
        {
            self.memory.remember(Last::Quiet);
        }
        Ok(match refused {
            Some(refused) => json!({ "error": refused.to_string(), "phase": after.recovery.phase.name() }),
            None => answer,
        })
    }

    /// Takes one turn and, when that is due, looks whether anybody listens: last of all, so that nothing waits for it.
    pub(crate) async fn turn_and_listen(&self, wake: &Wake, tale: &mut Tale) -> Result<Value, TurnError> {
        let answer = Box::pin(self.turn(wake, tale)).await?;
        let is_due = tale.mails > 0 || self.memory.wants_to_know_who_listens(self.clock.now());
        // Whoever gives an order waits for the answer.
        if is_due && !matches!(wake, Wake::Order(_)) {
            self.look_who_listens(tale).await?;
        }
        Ok(answer)
    }

    async fn look_who_listens(&self, tale: &mut Tale) -> Result<(), TurnError> {
        let listeners = self.alerts.subscribers(Channel::Mail).await?;
        if listeners.confirmed == 0 {
            tracing::warn!(unconfirmed = listeners.unconfirmed, "nobody listens: mails reach no one");
        }
        self.memory.remember_listeners(listeners.confirmed, self.clock.now());
        tale.listeners = Some(u64::from(listeners.confirmed));
        Ok(())
    }

    /// What follows from what was seen and, if there is an order, from that. Mails get their details.
    async fn decide(
        &self,
        seen: &mut Observation,
        incident: &Incident,
        order: Option<&Order>,
    ) -> Result<Decision, Refused> {
        let decide = |seen: &Observation| match order {
            None => Ok((self.rules.decide)(seen, incident, &self.policy)),
            Some(order) => {
                let (recovery, effect) = incident.recovery.obey(order, seen, &self.policy)?;
                let obeyed = Incident { recovery, notice: incident.notice.clone() };
                let decision = (self.rules.decide)(seen, &obeyed, &self.policy);
                let recovery = Some(decision.recovery.unwrap_or(obeyed.recovery));
                Ok(Decision { recovery, effect: effect.or(decision.effect), ..decision })
            }
        };
        let decision = decide(seen)?;
        if !decision.writes_a_mail(incident) {
            return Ok(decision);
        }
        // Decisions do not depend on details, so asking again only fills the mail in; and what is in quarantine only makes
        // one about it say more.
        let mut details = self.details(seen).await;
        if decision.writes_a_notice(incident) {
            (seen.contents, details.traffic) = self.contents_and_traffic(seen).await;
        }
        seen.details = Some(details);
        decide(seen)
    }

    /// Answers an order that changes nothing.
    async fn reply(
        &self,
        command: &Command,
        seen: &Observation,
        incident: &Incident,
        audit: &Audit,
    ) -> Result<Value, TurnError> {
        match command {
            Command::Export => self.export().await,
            Command::Release(release) => self.release_all(release, seen.now).await,
            Command::Status
            | Command::Redrive
            | Command::Pause
            | Command::Resume
            | Command::Reconcile(..)
            | Command::Blame(_)
            | Command::Audit(_) => self.status(seen, incident, audit).await,
        }
    }

    async fn decide_alone(&self, seen: &mut Observation, incident: &Incident) -> Decision {
        match self.decide(seen, incident, None).await {
            Ok(decision) => decision,
            Err(_) => unreachable!("only an order is refused"),
        }
    }

    /// Saves, acts and tells, each record for itself: a quarantine that cannot be told of must not hold up a recovery.
    async fn carry_out(
        &self,
        decision: Decision,
        before: &Incident,
        seen: &mut Observation,
        order: Option<&Order>,
        tale: &mut Tale,
    ) -> Result<(Incident, Value), TurnError> {
        tale.does(decision.effect);
        let recovered = match decision.recovery {
            Some(next) => self.recover(&before.recovery, next, decision.effect, seen, order, tale).await,
            None => Ok((before.recovery.clone(), None)),
        };
        let noticed = match decision.notice {
            Some(next) => self.keep(&before.notice.outbox, next, tale).await,
            None => Ok(before.notice.clone()),
        };
        let (recovery, answer) = recovered?;
        tale.phase = Some(recovery.phase.name());
        let answer = answer.unwrap_or_else(|| json!({ "phase": recovery.phase.name() }));
        Ok((Incident { recovery, notice: noticed? }, answer))
    }

    async fn recover(
        &self,
        before: &Recovery,
        next: Recovery,
        effect: Option<Effect>,
        seen: &mut Observation,
        order: Option<&Order>,
        tale: &mut Tale,
    ) -> Result<(Recovery, Option<Value>), TurnError> {
        let saved = match self.records.save(&next).await? {
            Saved::Yes(saved) => saved,
            Saved::Lost(found) => {
                tale.races_lost += 1;
                let lost = order
                    .map(|_| json!({ "error": "nothing was done: another turn was at work; try again" }));
                return Ok((found, lost));
            }
        };
        // A mail goes out also when what it tells of failed half-way: it was decided, and the next turn will see to it.
        let (record, done) = match self.act(&saved, effect, seen).await {
            Ok(record) => (record, Ok(())),
            Err(error) => (saved, Err(error)),
        };
        let answer = match order {
            Some(order) if done.is_ok() => Some(self.answer(order, &record, seen.now).await),
            Some(_) | None => None,
        };
        let told = self.tell_people(&before.outbox, record, tale).await;
        done?;
        Ok((told?, answer.transpose()?))
    }

    async fn act(
        &self,
        saved: &Recovery,
        effect: Option<Effect>,
        seen: &mut Observation,
    ) -> Result<Recovery, TurnError> {
        match effect {
            None => Ok(saved.clone()),
            Some(Effect::StartMoveTask) => self.queues.start_move_task().await.map(|()| saved.clone()),
            Some(Effect::CancelMoveTask) => self.queues.cancel_move_task().await.map(|()| saved.clone()),
            Some(Effect::SortDeadLetters) => self.sort(saved, seen).await,
        }
    }

    async fn answer(&self, order: &Order, record: &Recovery, now: UnixMs) -> Result<Value, TurnError> {
        let phase = record.phase.name();
        let done = match &order.command {
            Command::Release(release) => {
                let mut answer = self.release_all(release, now).await?;
                answer["phase"] = json!(phase);
                return Ok(answer);
            }
            Command::Reconcile(payment_id, found) => {
                self.reconcile(payment_id, *found, now).await?.to_string()
            }
            Command::Blame(accused) => match self.blame(accused, now).await? {
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

    /// Saves a record that has no effect, and sends its mails.
    pub(crate) async fn keep<R: Record>(
        &self,
        before: &Outbox,
        next: R,
        tale: &mut Tale,
    ) -> Result<R, TurnError> {
        match self.records.save(&next).await? {
            Saved::Yes(saved) => self.tell_people(before, saved, tale).await,
            Saved::Lost(found) => {
                tale.races_lost += 1;
                Ok(found)
            }
        }
    }

    /// Publishes the mails that this turn wrote or claimed, those that need somebody on the second channel as well, and
    /// takes each out of the record. A second channel that is broken holds up no mail; the turn fails for it.
    async fn tell_people<R: Record>(
        &self,
        before: &Outbox,
        mut record: R,
        tale: &mut Tale,
    ) -> Result<R, TurnError> {
        let mails: Vec<_> = record.outbox().claimed_since(before).cloned().collect();
        let mut paged = Ok(());
        for mail in mails {
            let email = mail::write(&mail.letter, mail.late, &self.site);
            self.alerts.publish(&email).await?;
            tale.mails += 1;
            if email.needs_somebody() {
                paged = paged.and(self.pages.publish(&email).await);
            }
            record = self.mark_sent(record, mail.number).await?;
        }
        paged.map(|()| record)
    }

    /// Others may change the record meanwhile; the mail has to come out all the same, or it would be sent twice.
    async fn mark_sent<R: Record>(&self, mut record: R, number: u64) -> Result<R, TurnError> {
        for _ in 0..MARK_SENT_ATTEMPTS {
            record.outbox_mut().sent(number);
            match self.records.save(&record).await? {
                Saved::Yes(saved) => return Ok(saved),
                Saved::Lost(found) => record = found,
            }
        }
        tracing::warn!(number, "a mail was sent and could not be marked so; it will be sent again");
        Ok(record)
    }
}
