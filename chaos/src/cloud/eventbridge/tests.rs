use super::*;
use crate::clock::Clock;
use crate::cloud::config::{PartnerRuleConfig, TargetConfig};
use crate::cloud::container::Container;
use crate::cloud::fixtures::{self, START, World, alerted, consumer, script};
use crate::cloud::iam::{
    Access, Condition, ConditionKey, Effect, Named, Operator, Policies, Policy, Statement,
};
use crate::cloud::plans::{Faultless, Plans};
use crate::cloud::sqs::{AttributeValue, Held};
use crate::cloud::{Alerting, Blueprint, Cloud, CloudError};
use crate::journal::{Event, UndeliveredFor};
use serde_json::json;
use std::sync::{Arc, Mutex};

fn pattern() -> Pattern {
    Pattern::parse(&json!({ "source": ["aws.cloudwatch"], "detail": { "state": { "value": ["ALARM"] } } }))
        .unwrap()
}

fn caught() -> TargetConfig {
    TargetConfig { retries_max: 2, age_s_max: 60, dead_letter_queue: Some("dead".to_owned()), input: None }
}

fn ruled(target: TargetConfig) -> FunctionConfig {
    let rule = RuleConfig { name: "alarms".to_owned(), pattern: pattern(), target };
    FunctionConfig { sources: vec![], rules: vec![rule], ..consumer() }
}

fn scheduled(every_min: u32, input: Option<&str>) -> FunctionConfig {
    let target = TargetConfig { input: input.map(str::to_owned), ..TargetConfig::default() };
    let schedule = ScheduleConfig { name: "turns".to_owned(), every_min, target };
    FunctionConfig { sources: vec![], schedules: vec![schedule], ..consumer() }
}

fn entry(value: &str) -> Entry {
    Entry {
        source: "aws.cloudwatch".to_owned(),
        detail_type: "CloudWatch Alarm State Change".to_owned(),
        resources: vec!["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:waiting".to_owned()],
        detail: json!({ "state": { "value": value } }),
    }
}

fn bus(function: &FunctionConfig, journal: &Journal) -> EventBridge {
    EventBridge::new(&[function], 1, START, journal.clone())
}

#[test]
fn an_event_gets_an_envelope_and_goes_to_every_rule_that_wants_it() {
    let journal = Journal::default();
    let mut bus = bus(&ruled(TargetConfig::default()), &journal);
    let [delivery] = bus.put(entry("ALARM"), START.plus_ms(999)).try_into().unwrap();
    assert!((200..=800).contains(&delivery.due.since_ms(delivery.accepted_at)));
    let event: Value = serde_json::from_slice(&delivery.payload).unwrap();
    let expected = json!({
        "version": "0",
        "id": delivery.event,
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2019-07-10T16:35:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:waiting"],
        "detail": { "state": { "value": "ALARM" } },
    });
    assert_eq!(event, expected);
    assert!(bus.put(entry("OK"), START).is_empty());
    let matched = BusEvent::Matched { rule: "alarms".to_owned(), id: delivery.event };
    assert_eq!(journal.records().into_iter().map(|it| it.event).collect::<Vec<_>>(), [Event::Bus(matched)]);
}

#[test]
fn a_schedule_fires_at_its_own_second_of_every_nth_minute() {
    let mut bus = bus(&scheduled(3, None), &Journal::default());
    let minute = |minutes: i64| START.plus_ms(minutes * MINUTE_MS);
    let fired: Vec<(i64, UnixMs)> = (0..12)
        .flat_map(|at| bus.begin_minute(minute(at)).into_iter().map(move |it| (at, it.accepted_at)))
        .collect();
    assert_eq!(fired.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [2, 5, 8, 11]);
    let seconds: Vec<i64> = fired.iter().map(|(at, fired)| fired.since_ms(minute(*at))).collect();
    assert!(
        seconds.iter().all(|second| *second == seconds[0] && (0..60_000).contains(second)),
        "{seconds:?}"
    );
}

#[test]
fn a_scheduled_event_names_its_rule() {
    let mut bus = bus(&scheduled(1, None), &Journal::default());
    let [delivery] = bus.begin_minute(START).try_into().unwrap();
    let event: Value = serde_json::from_slice(&delivery.payload).unwrap();
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.events"), &json!("Scheduled Event")));
    assert_eq!(event["resources"], json!(["arn:aws:events:eu-central-1:123456789012:rule/turns"]));
    assert_eq!(event["detail"], json!({}));
}

/// A world with one function that notes what it is given.
fn noting(config: FunctionConfig, plan: Arc<dyn DeliveryPlan>) -> (World, Arc<Mutex<Vec<String>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&notes);
    let function = script(move |_: Container, payload: Vec<u8>, _| {
        noted.lock().unwrap().push(String::from_utf8(payload).unwrap());
        async { Ok(b"{}".to_vec()) }
    });
    let plans = Plans { deliveries: plan, ..Plans::default() };
    (alerted(vec![(config, function)], plans, Alerting::default(), 1), notes)
}

#[tokio::test(start_paused = true)]
async fn a_schedule_invokes_its_function_with_its_input() {
    let (world, notes) = noting(scheduled(1, Some(r#"{"turn":true}"#)), Arc::new(Faultless));
    world.run_for_s(5 * 60 + 2).await;
    let notes = notes.lock().unwrap();
    assert_eq!(notes.len(), 5);
    assert!(notes.iter().all(|note| note == r#"{"turn":true}"#));
}

/// What becomes of the attempts of every delivery, the last one for ever.
struct Attempts(Vec<Attempt>, Mutex<Vec<UnixMs>>);

impl Attempts {
    fn new(attempts: &[Attempt]) -> Arc<Self> {
        Arc::new(Self(attempts.to_vec(), Mutex::default()))
    }
}

impl DeliveryPlan for Attempts {
    fn attempt(&self, _: &str, _: &str, attempt: u32, now: UnixMs) -> Attempt {
        self.1.lock().unwrap().push(now);
        self.0[(attempt as usize - 1).min(self.0.len() - 1)]
    }
}

/// One scheduled event, caught if it cannot be delivered.
fn one_event(plan: &Arc<Attempts>) -> (World, Arc<Mutex<Vec<String>>>) {
    let mut config = scheduled(60, None);
    config.schedules[0].target = caught();
    noting(config, Arc::clone(plan) as Arc<dyn DeliveryPlan>)
}

fn dead_letters(world: &World) -> Vec<Held> {
    world.cloud.services().sqs().messages("dead", world.clock.now()).unwrap()
}

fn attribute<'a>(letter: &'a Held, name: &str) -> Option<&'a str> {
    match &letter.content.attributes.get(name)?.value {
        AttributeValue::Text(text) => Some(text),
        AttributeValue::Binary(_) => None,
    }
}

const HOUR_S: i64 = 3_700;

#[tokio::test(start_paused = true)]
async fn a_target_may_hear_of_an_event_twice_or_never() {
    let (world, notes) = one_event(&Attempts::new(&[Attempt::AcceptedTwice]));
    world.run_for_s(HOUR_S).await;
    assert_eq!(notes.lock().unwrap().len(), 2);
    let (world, notes) = one_event(&Attempts::new(&[Attempt::Lost]));
    world.run_for_s(HOUR_S).await;
    assert!(notes.lock().unwrap().is_empty() && dead_letters(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_delivery_is_tried_again_after_a_growing_pause() {
    let plan = Attempts::new(&[Attempt::Unavailable, Attempt::Unavailable, Attempt::Accepted]);
    let (world, notes) = one_event(&plan);
    world.run_for_s(HOUR_S).await;
    assert_eq!(notes.lock().unwrap().len(), 1);
    let at = plan.1.lock().unwrap().clone();
    assert!(
        (500..=1_000).contains(&at[1].since_ms(at[0])) && (1_000..=2_000).contains(&at[2].since_ms(at[1]))
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_retries_are_used_up_goes_to_the_rules_dead_letter_queue() {
    let (world, notes) = one_event(&Attempts::new(&[Attempt::Unavailable]));
    world.run_for_s(HOUR_S).await;
    assert!(notes.lock().unwrap().is_empty());
    let [letter] = dead_letters(&world).try_into().unwrap();
    assert_eq!(attribute(&letter, "EXHAUSTED_RETRY_CONDITION"), Some("MaximumRetryAttempts"));
    assert_eq!(attribute(&letter, "RETRY_ATTEMPTS"), Some("2"));
    let rule = attribute(&letter, "RULE_ARN");
    assert_eq!(rule, Some("arn:aws:events:eu-central-1:123456789012:rule/turns"));
    let target = attribute(&letter, "TARGET_ARN");
    assert_eq!(target, Some("arn:aws:lambda:eu-central-1:123456789012:function:payments-consumer"));
    let event: Value = serde_json::from_str(&letter.content.body).unwrap();
    assert_eq!(event["detail-type"], "Scheduled Event");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_grew_too_old_goes_there_too() {
    let mut config = scheduled(60, None);
    config.schedules[0].target = TargetConfig { retries_max: 185, ..caught() };
    let (world, _) = noting(config, Attempts::new(&[Attempt::Unavailable]));
    world.run_for_s(HOUR_S).await;
    let [letter] = dead_letters(&world).try_into().unwrap();
    assert_eq!(attribute(&letter, "EXHAUSTED_RETRY_CONDITION"), Some("MaximumEventAgeInSeconds"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_delivery_is_not_tried_again() {
    let plan = Attempts::new(&[Attempt::Refused]);
    let (world, _) = one_event(&plan);
    world.run_for_s(HOUR_S).await;
    assert_eq!(plan.1.lock().unwrap().len(), 1);
    let [letter] = dead_letters(&world).try_into().unwrap();
    assert_eq!(attribute(&letter, "ERROR_CODE"), Some("NO_PERMISSIONS"));
    assert_eq!(attribute(&letter, "EXHAUSTED_RETRY_CONDITION"), None);
    assert_eq!(attribute(&letter, "RETRY_ATTEMPTS"), Some("0"));
    let undelivered = world.events(|event| {
        let Event::Bus(BusEvent::Undelivered { why, queue, .. }) = event else { return None };
        Some((*why, queue.clone()))
    });
    assert_eq!(undelivered, [(UndeliveredFor::NoPermissions, Some("dead".to_owned()))]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_dead_letter_queue_is_not_there_cannot_be_deployed() {
    let target = TargetConfig { dead_letter_queue: Some("nowhere".to_owned()), ..TargetConfig::default() };
    let function = script(async |_, payload, _| Ok(payload));
    let blueprint = Blueprint { functions: vec![(ruled(target), function)], seed: 1, ..Blueprint::default() };
    let refused = Cloud::start(blueprint, Clock::starting_at(START), &Journal::default()).err();
    assert_eq!(refused, Some(CloudError::DeadLetterQueue("nowhere".to_owned())));
}

/// A rule of a partner's bus that sends what was sold to a queue, under policies that let it in, or not.
async fn told_by_a_partner(bus_of_the_policy: &str) -> World {
    let target = TargetConfig { dead_letter_queue: Some("dead".to_owned()), ..TargetConfig::default() };
    let rule = PartnerRuleConfig {
        name: "sold".to_owned(),
        bus: "aws.partner/example.com/1".to_owned(),
        pattern: Pattern::parse(&json!({ "detail-type": ["sold"] })).unwrap(),
        targets: vec![("payments".to_owned(), target)],
    };
    let allowed = PartnerRuleConfig { bus: bus_of_the_policy.to_owned(), ..rule.clone() }.arn();
    let statement = Statement {
        name: "Rule".to_owned(),
        effect: Effect::Allow,
        principals: vec![Named::Service("events.amazonaws.com".to_owned())],
        actions: vec!["sqs:SendMessage".to_owned()],
        resources: vec![names::queue_arn("payments")],
        conditions: vec![Condition {
            operator: Operator::ArnLike,
            key: ConditionKey::SourceArn,
            values: vec![allowed],
        }],
    };
    let policy = Policy { statements: vec![statement] };
    let policies =
        Policies { resources: [(names::queue_arn("payments"), policy)].into(), ..Policies::default() };
    let (clock, journal) = (Clock::starting_at(START), Journal::default());
    let blueprint = Blueprint {
        queues: fixtures::queues(5),
        partner_rules: vec![rule],
        access: Access::Under(policies),
        seed: 1,
        ..Blueprint::default()
    };
    let cloud = Cloud::start(blueprint, clock, &journal).unwrap();
    let world = World { cloud, journal, clock };
    let bus = world.cloud.partner_bus().unwrap();
    bus.put("sold", &json!({ "what": "a thing" }));
    bus.put("returned", &json!({ "what": "a thing" }));
    world.run_for_s(10).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_a_partner_says_is_sent_to_the_queues_of_the_rules_that_it_matches() {
    let world = told_by_a_partner("aws.partner/example.com/1").await;
    let [held] =
        world.cloud.services().sqs().messages("payments", world.clock.now()).unwrap().try_into().unwrap();
    let event: Value = serde_json::from_str(&held.content.body).unwrap();
    assert_eq!(
        [&event["source"], &event["detail-type"], &event["detail"]["what"]],
        ["aws.partner/example.com/1", "sold", "a thing"]
    );
    let queued = world.events(|event| {
        let Event::Bus(BusEvent::Queued { rule, queue, message, .. }) = event else { return None };
        Some((rule.clone(), queue.clone(), message.clone()))
    });
    assert_eq!(queued, [("sold".to_owned(), "payments".to_owned(), held.content.id.clone())]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_whose_policy_names_another_bus_takes_nothing_of_a_partners() {
    let world = told_by_a_partner("aws.partner/example.com/2").await;
    assert!(world.cloud.services().sqs().messages("payments", world.clock.now()).unwrap().is_empty());
    let undelivered = world.events(|event| {
        let Event::Bus(BusEvent::Undelivered { why, queue, .. }) = event else { return None };
        Some((*why, queue.clone()))
    });
    assert_eq!(undelivered, [(UndeliveredFor::NoPermissions, None)], "nor may it leave a dead letter");
}
