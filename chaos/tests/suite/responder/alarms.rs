//! Alarms whose actions do not run: nobody hears of them, so the responder names them.

use crate::responder::town::{Muted, in_town};
use serde_json::json;

const FAILING: &str = "payments-ResponderFailing";
/// Every alarm that has actions.
const SPEAKING: [&str; 5] =
    ["AlarmsSilenced", "ConsumerFailing", "NobodyListens", "OutcomesUndelivered", "ResponderFailing"];

#[test]
fn a_stack_whose_alarms_can_speak_has_none_that_is_silenced() {
    in_town("[]", async |town| {
        town.pass_s(5 * 60).await;
        assert_eq!(town.status().await["silenced_alarms"], json!([]));
        let looks = town.metric("SilencedAlarms");
        assert!(!looks.is_empty() && looks.iter().all(|silenced| *silenced == 0), "{looks:?}");
        town.pass_s(3_600).await;
        assert_eq!(town.metric("SilencedAlarms"), looks, "a container looks when it starts, and not again");
    });
}

#[test]
fn an_alarm_whose_actions_somebody_disabled_is_named_by_status_and_by_the_daily_look() {
    in_town("[]", async |town| {
        town.pass_s(5 * 60).await;
        town.disable_actions(FAILING);
        let named = json!([{"alarm": FAILING, "by": "actions_disabled"}]);
        assert_eq!(town.status().await["silenced_alarms"], named);
        town.pass_s(3_600).await;
        assert_eq!(town.metric("SilencedAlarms").iter().sum::<u64>(), 0, "until then only who asks is told");
        town.pass_s(23 * 3_600).await;
        assert_eq!(town.metric("SilencedAlarms").last(), Some(&1));
        assert_eq!(town.mails(), ["ALARM: \"payments-AlarmsSilenced\" in EU (Frankfurt)"]);
    });
}

#[test]
fn alarms_that_a_rule_mutes_are_named_with_the_rule_and_tell_nobody_until_it_ends() {
    in_town("[]", async |town| {
        town.mute_alarms(Muted::All);
        town.refuse_to_show_dead_letters();
        town.send("PYMT_FAILED");
        town.pass_s(20 * 60).await;
        let silenced = town.status().await["silenced_alarms"].clone();
        let by = json!({ "mute_rule": "forgotten-maintenance" });
        let named = SPEAKING.map(|alarm| json!({ "alarm": format!("payments-{alarm}"), "by": by }));
        assert_eq!(silenced, json!(named));
        assert!(!town.mails().iter().any(|mail| mail.contains("ResponderFailing")), "{:?}", town.mails());
        town.mute_alarms(Muted::None);
        town.pass_s(2 * 60).await;
        assert!(town.mails().iter().any(|mail| mail.contains("ResponderFailing")), "{:?}", town.mails());
    });
}
