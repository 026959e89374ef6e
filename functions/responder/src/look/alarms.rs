//! Whether the alarms that speak can: CloudWatch goes on evaluating one whose actions are disabled or muted, and nobody
//! hears of it.
//!
//! What no action is for is not asked about: those alarms wake the responder by an event, which nothing of this holds back.
//! Invariant: asking changes nothing, and an alarm of another stack is never named.

use crate::error::TurnError;
use crate::limits::{ALARM_PAGES_MAX, MUTE_RULES_MAX};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmMuteRuleStatus, AlarmType, MetricAlarm};
use serde::Serialize;

/// The alarms that speak to the topics of this stack.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    pub(crate) client: Client,
    /// What their names begin with. Those of another stack may begin so as well.
    pub(crate) prefix: String,
    /// ARNs.
    pub(crate) topics: [String; 2],
}

/// An alarm whose actions do not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Silenced {
    /// Its name.
    pub(crate) alarm: String,
    /// What silences it.
    pub(crate) by: Silencer,
}

/// What keeps an alarm's actions from being run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Silencer {
    /// Its own setting.
    ActionsDisabled,
    /// A rule that mutes it now, by its name.
    MuteRule(String),
}

impl Alarms {
    /// Every alarm that cannot speak, and why.
    pub(crate) async fn silenced(&self) -> Result<Vec<Silenced>, TurnError> {
        let mut silenced = Vec::new();
        for alarm in self.speaking().await? {
            let name = alarm.alarm_name.unwrap_or_default();
            if alarm.actions_enabled == Some(false) {
                silenced.push(Silenced { alarm: name.clone(), by: Silencer::ActionsDisabled });
            }
            let rules = self.rules_that_mute(&name).await?;
            silenced.extend(rules.map(|rule| Silenced { alarm: name.clone(), by: Silencer::MuteRule(rule) }));
        }
        Ok(silenced)
    }

    async fn speaking(&self) -> Result<Vec<MetricAlarm>, TurnError> {
        let (mut speaking, mut next) = (Vec::new(), None);
        for _ in 0..ALARM_PAGES_MAX {
            let ask = self.client.describe_alarms().alarm_name_prefix(&self.prefix);
            let ask = ask.alarm_types(AlarmType::MetricAlarm).set_next_token(next);
            let page = ask.send().await.map_err(TurnError::of("describing the alarms"))?;
            let alarms = page.metric_alarms.unwrap_or_default();
            speaking.extend(alarms.into_iter().filter(|alarm| speaks_to(alarm, &self.topics)));
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(speaking)
    }

    /// One page: an alarm that so many rules mute is silenced whatever the rest of them say.
    async fn rules_that_mute(&self, alarm: &str) -> Result<impl Iterator<Item = String>, TurnError> {
        let ask = self.client.list_alarm_mute_rules().alarm_name(alarm).max_records(MUTE_RULES_MAX);
        let listed = ask.statuses(AlarmMuteRuleStatus::Active).send().await;
        let listed = listed.map_err(TurnError::of("listing the mute rules"))?;
        let rules = listed.alarm_mute_rule_summaries.unwrap_or_default().into_iter();
        Ok(rules.filter_map(|rule| Some(rule.alarm_mute_rule_arn?.rsplit(':').next()?.to_owned())))
    }
}

/// Whether it would tell one of them. Its name alone says little: `payments-` begins what `payments-eu` names, too.
fn speaks_to(alarm: &MetricAlarm, topics: &[String]) -> bool {
    alarm.alarm_actions().iter().any(|action| topics.contains(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_alarm_that_speaks_to_a_topic_of_this_stack_is_asked_about() {
        let topic = |name: &str| format!("arn:aws:sns:eu-central-1:123456789012:{name}");
        let topics = [topic("payments-alerts"), topic("payments-pages")];
        let speaks = |actions: &[&str]| {
            let actions = actions.iter().map(|name| topic(name)).collect();
            speaks_to(&MetricAlarm::builder().set_alarm_actions(Some(actions)).build(), &topics)
        };
        assert!(speaks(&["payments-alerts"]) && speaks(&["audience", "payments-pages"]));
        assert!(!speaks(&["payments-eu-alerts"]) && !speaks(&[]));
    }
}
