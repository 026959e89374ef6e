//! Every timeout, cap and rate of the payment rules, with its reason.
//!
//! `template.yaml` repeats some of them because Lambda and SQS enforce them; a test keeps the two equal.
//! Invariant: relations between limits hold at compile time (see the end of the file).

/// `Timeout` of the consumer function, seconds. The longest delivery makes five
/// bounded Stripe calls.
pub const FUNCTION_TIMEOUT_S: u32 = 60;

/// `VisibilityTimeout` of the source queue, seconds. AWS advises at least six times the function timeout,
/// so that a batch is never delivered again while it is still worked on.
pub const VISIBILITY_TIMEOUT_S: u32 = 360;

/// Messages per invocation; also the most that one SQS receive can return.
pub const BATCH_SIZE: u32 = 10;

/// `maxReceiveCount` of the source queue. With the backoff below, the fifth try comes about four
/// minutes after the first and the move to the dead-letter queue moments later, so nearly nine in ten payments of a
/// 30 minute outage are dead-lettered, where an alarm sees them. Ten would hide such an outage.
pub const RECEIVES_MAX: u32 = 5;

/// Containers that work at once; 2 is the least that Lambda's `MaximumConcurrency` allows.
pub const CONCURRENCY_MAX: u32 = 2;

/// Deliveries that died without a word (a crash, a timeout of ours) before a payment is taken for poison. The next
/// one quarantines it: that is the last that SQS grants before it would dead-letter the payment without a reason.
pub const POISON_DEATHS: usize = RECEIVES_MAX as usize - 1;

/// Shortest visibility given to a failed message, seconds.
pub const BACKOFF_S_MIN: u32 = 5;

/// Upper end of the backoff after the first receive, seconds; doubles with every further receive.
pub const BACKOFF_S_BASE: u32 = 30;

/// The most the upper end of the backoff grows to, seconds: after the last receive but one. After the last there is
/// nothing to wait for, because SQS dead-letters what comes back then.
pub const BACKOFF_S_MAX: u32 = BACKOFF_S_BASE << (RECEIVES_MAX - 2);

/// The longest `Retry-After` that is honoured, seconds. SQS allows 12 h of invisibility; an hour keeps a
/// mistaken header from hiding a payment for half a day.
pub const RETRY_AFTER_S_MAX: u32 = 3_600;

/// Visibility of a failed fire drill, seconds: a drill should reach the dead-letter queue soon.
pub const DRILL_BACKOFF_S: u32 = 5;

/// Confirmations of a payment whose card is declined for now, in all its deliveries. Each but the last costs a receive,
/// so it stays well below [`RECEIVES_MAX`].
pub const CONFIRMS_MAX: usize = 3;

/// Lost ledger races a delivery accepts before it hands the message back. Each lost race means that another
/// delivery made progress, so more than a few at once only burn time.
pub const CONFLICTS_MAX: u8 = 4;

/// Consecutive provider failures that open the breaker. At a failing share of 30 % five in a row happen once
/// in 400 runs, at 100 % at once.
pub const BREAKER_FAILURES: u32 = 5;

/// How long the breaker stays open at first, milliseconds; doubles with every failed probe.
pub const BREAKER_OPEN_MS: i64 = 30_000;

/// The longest the breaker stays open, milliseconds. Well below [`BACKOFF_S_MAX`], so the queue, not the
/// breaker, decides how soon work resumes.
pub const BREAKER_OPEN_MS_MAX: i64 = 120_000;

/// After this long without an outcome a half-open probe counts as lost, milliseconds.
pub const BREAKER_PROBE_MS: i64 = FUNCTION_TIMEOUT_S as i64 * 1_000;

/// Others that met the same before we suspect ourselves: two may be a producer's mistake.
pub const ALIKE_MIN: usize = 3;

/// The last to try an operation that a container remembers. Enough to see a share of one in twenty, few enough that what
/// they met is of now.
pub const WITNESSES_MAX: usize = 32;

/// A payment whose trouble too few others share is blamed when it would meet it by chance once in so many cases.
/// With nobody else to compare, that is at its fourth delivery, the last before SQS would dead-letter it; with seven
/// others that came through, at its second.
pub const CHANCE_MIN_ALONE: u128 = 16;

/// The same where others met it as well: then a mistake would cost many payments.
pub const CHANCE_MIN_IN_COMPANY: u128 = 1_000;

/// Deliveries of a payment that died in a row are held against it when chance would do so once in so many cases. At half of
/// all deliveries that is after six, with one in three at the fourth.
pub const CHANCE_MIN_DYING: u128 = 64;

/// Minutes of which it is known how many payments came through: longer than a payment takes to die four times, and be
/// moved back in between.
pub const PULSE_MINUTES_MAX: usize = 120;

/// Between two calls that a container makes for an operation while it suspects ourselves, milliseconds.
pub const SUSPICION_PROBE_MS: i64 = 60_000;

/// Pause of a payment that is neither blamed nor cleared, seconds, and as much again by chance: long enough for others
/// to come by, short enough that its fourth delivery comes within minutes.
pub const SUSPECT_PAUSE_S: u32 = 30;

/// Pause of a message that cannot be read, seconds: reading costs nothing, and a dead letter is seen.
pub const UNREADABLE_PAUSE_S: u32 = 15;

/// Between two moves of dead letters that the responder cannot read itself, milliseconds: it tells whether the consumer,
/// which reads as it does, is reading others by now.
pub const UNREADABLE_PAUSE_MS: i64 = 1_800_000;

/// How long messages that cannot be read wait for a deployment to be taken back, milliseconds, since the first were met.
/// Then they go into quarantine, where their producer's hand is awaited; those that come later follow at once.
pub const UNREADABLE_HELD_MS: i64 = 7_200_000;

/// How long a payment must have been killing, from its first delivery to its last death, while nobody else comes through,
/// before it is blamed, milliseconds. Four deaths take 24 minutes, so it is judged three times in this: a deployment that
/// dies of everybody is taken back by then.
pub const DEATHS_HELD_MS: i64 = 4_500_000;

/// Rows that are looked at for company before a payment is blamed, the newest first: they met what is met now.
pub const COMPANY_ROWS_MAX: usize = 200;

/// Without a payment that comes through for longer than this, the pulse stood still, milliseconds: it beats once a minute
/// while payments are settled.
pub const PULSE_GAP_MS: i64 = 180_000;

/// Others must come through for longer than this after a delivery died before that speaks against its payment, milliseconds.
pub const OUTLIVED_MS: i64 = 120_000;

/// Stand-stills of the pulse that are remembered: a quiet night has many, and what died in them is judged within the hour.
pub const PULSE_GAPS_MAX: usize = 24;

/// Deliveries that began within this of each other may have been one batch, milliseconds, which a crash takes along as a
/// whole.
pub const BATCH_SPREAD_MS: i64 = 2_000;

/// Days a succeeded or declined row is kept. Longer than a year of chargebacks and any redelivery.
pub const SETTLED_ROW_DAYS: i64 = 400;

/// Longest `payment_id`, characters. As `{id}:create:{n}` it stays far below Stripe's 255 for a key.
pub const PAYMENT_ID_CHARS_MAX: usize = 128;

/// Longest id of a Stripe object, characters (Stripe's own limit).
pub const STRIPE_ID_CHARS_MAX: usize = 255;

/// Longest description, characters: ours, so that a row stays far below DynamoDB's 400 KB.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;

/// Metadata entries in a message. Stripe allows 50 and we add `payment_id`.
pub const METADATA_ENTRIES_MAX: usize = 49;

/// Longest metadata key, characters (Stripe's limit).
pub const METADATA_KEY_CHARS_MAX: usize = 40;

/// Longest metadata value, characters (Stripe's limit).
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// Retention of the source queue, seconds (4 days). A message's time runs from when it was first sent.
pub const SOURCE_RETENTION_S: i64 = 345_600;

/// Retention of the dead-letter queue, seconds (14 days, the most SQS offers); it too counts from the first sending.
pub const DEAD_LETTERS_RETENTION_S: i64 = 1_209_600;

/// `Timeout` of the responder function, seconds: the longest that what a turn began can still be under way.
pub const TURN_S_MAX: u32 = 60;

/// An unsettled payment older than this opens an incident, milliseconds. Two deliveries that meet a slow provider
/// fit into it, so an ordinary hiccup opens none.
pub const DELAYED_MS: i64 = 300_000;

/// Payments unsettled for longer than this count as money at risk in mails, milliseconds: a healthy one is settled within
/// seconds. Less than [`DELAYED_MS`], because with short backoffs a payment can be dead-lettered sooner.
pub const AT_RISK_MS: i64 = 60_000;

/// Turns closer together than this count once, milliseconds: an alarm event can wake the responder seconds before
/// its schedule does, and the same quiet second is no evidence of two quiet minutes.
pub const TURN_SPACING_MS: i64 = 30_000;

/// Turns further apart than this are not in a row, milliseconds: between them a turn is missing, whatever it saw.
pub const TURN_GAP_MS_MAX: i64 = 90_000;

/// Probes of a turn; the provider is well when it answers every one. At a failing share of two thirds, five answers
/// in a row on two turns happen once in 50,000 turns; a single probe would be fooled every third turn.
pub const PROBES: u32 = 5;

/// Turns in a row on which the provider must be well before anything is redriven.
pub const WELL_TURNS: u32 = 2;

/// Calm turns in a row that end an incident.
pub const CALM_TURNS: u32 = 3;

/// Dead letters that go first. Enough that one odd payment does not decide, few enough that a mistake costs little.
pub const CANARY_MAX: usize = 3;

/// How long a canary is watched, milliseconds: longer than its payments need to use up all their receives.
pub const CANARY_MS_MAX: i64 = 600_000;

/// The pause after the first setback, milliseconds; doubles with every further one.
pub const PAUSE_MS_BASE: i64 = 120_000;

/// The longest pause, milliseconds: no longer than the canary that was watched in vain before it.
pub const PAUSE_MS_MAX: i64 = 480_000;

/// The longest pause once a human was told that recovery does not hold, milliseconds: whoever mends it is not waited for
/// longer than payments take to come through again, which ends it.
pub const PAUSE_MS_LONGEST: i64 = 14_400_000;

/// Setbacks in a row after which a human is told that recovery does not hold although the provider looks well.
pub const SETBACKS_MAX: u32 = 5;

/// How long a dead letter without a ledger row is remembered after it was last seen, milliseconds: long enough that
/// an outage of most of a day may lie between two of its rounds, short enough that next week's drill is a new one.
pub const ROWLESS_REMEMBERED_MS: i64 = 86_400_000;

/// Dead letters without a ledger row that are remembered: as many as one look through the queue sees, and few enough
/// that the record stays small.
pub const ROWLESS_MAX: usize = 50;

/// Different messages without a ledger row that may come back within two rounds and still be to blame themselves. If it
/// is more, the consumer takes none, and a quarantine full of payments that nothing can release would only add to that.
pub const ROWLESS_CULPRITS_MAX: usize = 2;

/// How long after it was moved back a message can be dead-lettered again without any row, milliseconds: each of its
/// deliveries dies and is over when its visibility ends, and one more for the moves before and after.
pub const ROWLESS_UNDER_WAY_MS: i64 = ((RECEIVES_MAX + 1) * VISIBILITY_TIMEOUT_S) as i64 * 1_000;

/// How long SQS's counts may lag behind a finished move, milliseconds. AWS says that they settle within about a
/// minute; dead letters counted sooner may already be gone.
pub const COUNTS_SETTLE_MS: i64 = 90_000;

/// Turns in a row on which more payments are unsettled than the queues hold messages, before a human is told: with
/// [`DELAYED_MS`] less than ten minutes, and longer than SQS's counts lag behind.
pub const STRANDED_TURNS: u32 = 4;

/// Turns in a row on which the provider is not well before what was begun is taken back.
pub const UNWELL_TURNS: u32 = 2;

/// Payments that wait for longer than this before anybody takes them, or will, are a backlog, milliseconds. Longer than
/// an ordinary burst, and than the last of an outage takes to come back by itself.
pub const BACKLOG_MS: i64 = 900_000;

/// Messages that nobody has in hand for longer than this, while none comes through, are not taken by anybody,
/// milliseconds. A poller that backs off asks again within a minute. Half a turn less than five: a quiet responder sees them
/// up to four turns late, and turns are not a minute apart to the millisecond.
pub const UNTOUCHED_MS: i64 = 270_000;

/// Messages in hand for longer than this of which nothing is written down are our trouble, milliseconds: twice what a
/// delivery may take.
pub const UNRECORDED_MS: i64 = 2 * FUNCTION_TIMEOUT_S as i64 * 1_000;

/// A message that expires within this is told of, milliseconds: a weekend's half. Where messages are kept for less than
/// twice as long, half of that.
pub const EXPIRY_WARNING_MS: i64 = 172_800_000;

/// Beginnings of trouble within [`BEGINNINGS_MS`] that are told of one by one; with more, the provider comes and goes.
pub const BEGINNINGS_MAX: usize = 3;

/// How long a beginning counts, milliseconds.
pub const BEGINNINGS_MS: i64 = 21_600_000;

/// Between two mails about a provider that comes and goes, milliseconds.
pub const FLAPPING_REMINDER_MS: i64 = 7_200_000;

/// Calm turns in a row that end an incident in which the provider comes and goes: an hour.
pub const FLAPPING_CALM_TURNS: u32 = 60;

/// Between two mails about one incident that just goes on, milliseconds.
pub const REMINDER_MS: i64 = 86_400_000;

/// Mails kept while the topic takes none. An incident makes six or so; beyond this the oldest is dropped, because
/// the newest says how things stand.
pub const OUTBOX_MAX: usize = 8;

/// A mail that could not be sent for this long no longer says what is true, milliseconds: five turns have tried. A newer
/// one stands for it.
pub const STALE_MAIL_MS: i64 = 300_000;

/// Commands remembered in the record.
pub const AUDIT_MAX: usize = 20;

/// Longest `who` or `why` of a command that is kept, characters.
pub const AUDIT_CHARS_MAX: usize = 200;

/// Quarantined messages that a mail lists one by one.
pub const QUARANTINE_SAMPLES_MAX: usize = 10;

/// Reasons that a look into the quarantine tells apart, and that a record remembers as told. A broken producer makes a few;
/// beyond this they are only counted, and told of as they grow.
pub const CONTENTS_REASONS_MAX: usize = 20;

/// Quarantine that holds this many times what was told is told again.
pub const TENFOLD: u64 = 10;

/// Between two mails that tell of nothing but a new reason, milliseconds: what breaks a producer breaks it in several
/// ways within minutes.
pub const NEW_REASON_MS: i64 = 600_000;

/// Messages in quarantine that are a few, whatever share of a quiet hour they are.
pub const QUARANTINE_FEW: u64 = 10;

/// So many that wait for a cause that nobody knows are looked at by night. Fewer may have a trouble of their own, and none
/// is lost for days; as many have one of ours, and whatever comes next joins them.
pub const UNEXPLAINED_MANY: u64 = 10;

/// Share of the last hour's traffic in quarantine, percent, above which it has to be looked at on the same day.
pub const SHARE_TODAY_PERCENT: u64 = 10;

/// Share above which it has to be looked at now: most orders are not paid for.
pub const SHARE_NOW_PERCENT: u64 = 50;

/// An hour, milliseconds: what a share of traffic is of.
pub const HOUR_MS: i64 = 3_600_000;

/// How deep orders are looked for in a body that is none: a topic, a bus and a function each add two or three.
pub const LEGIBLE_DEPTH_MAX: usize = 12;

/// Values that are looked at in such a body at most.
pub const LEGIBLE_VALUES_MAX: usize = 10_000;

/// Payments that one order may name to be released.
pub const RELEASE_NAMED_MAX: usize = 1_000;

/// From one daily audit to the next, milliseconds, by when they begin.
pub const AUDIT_EVERY_MS: i64 = 86_400_000;

/// How far back a daily audit looks, seconds. Twice the time between two of them: each intent is looked at once while it
/// is fresh, and once when whatever was in flight has come to rest; a difference that is still there is told again.
pub const AUDIT_SPAN_S: i64 = 172_800;

/// How far back an audit may look, seconds: what was made before may have lost its row to the table's time to live.
pub const AUDIT_SPAN_S_MAX: i64 = SETTLED_ROW_DAYS * 86_400;

/// Intents on a page (Stripe's limit); also the most keys that one `BatchGetItem` takes (DynamoDB's limit).
pub const AUDIT_PAGE_INTENTS: u32 = 100;

/// How long a charge may be ahead of its row, milliseconds, since the payment was received or sent once more. A delivery
/// that died after its confirm is made up for within [`VISIBILITY_TIMEOUT_S`] or [`BACKOFF_S_MAX`]; an hour covers
/// several of them, and whatever outlasts it has opened an incident.
pub const AUDIT_UNSETTLED_MS: i64 = 3_600_000;

/// A row that was settled less than this before its intent was listed may be news to the list, milliseconds. The row is
/// read later than the list and its time comes from another machine's clock.
pub const AUDIT_SETTLING_MS: i64 = 60_000;

/// An audit that takes longer than this is told of, milliseconds: what keeps it, a key that may not list or an incident
/// that does not end, keeps the next one as well.
pub const AUDIT_OVERDUE_MS: i64 = 86_400_000;

/// Differences that an audit keeps and its mail lists; beyond that they are counted. A mail of twenty is read, and more
/// than a few have one cause.
pub const AUDIT_DIFFERENCES_MAX: usize = 20;

const _: () = {
    assert!(VISIBILITY_TIMEOUT_S >= 6 * FUNCTION_TIMEOUT_S);
    assert!(POISON_DEATHS < RECEIVES_MAX as usize, "poison must be named before SQS dead-letters it");
    assert!(CONFIRMS_MAX < RECEIVES_MAX as usize, "a decline must be settled before SQS dead-letters it");
    assert!(BACKOFF_S_MIN < BACKOFF_S_BASE && BACKOFF_S_BASE <= BACKOFF_S_MAX);
    assert!(BREAKER_OPEN_MS <= BREAKER_OPEN_MS_MAX);
    assert!(BREAKER_OPEN_MS_MAX < BACKOFF_S_MAX as i64 * 1_000);
    assert!(RETRY_AFTER_S_MAX < 43_200, "SQS hides a message for 12 h at most");
    assert!(PAYMENT_ID_CHARS_MAX + ":create:4294967295".len() <= STRIPE_ID_CHARS_MAX);
    assert!(
        SOURCE_RETENTION_S < DEAD_LETTERS_RETENTION_S,
        "a message keeps its age when it is dead-lettered"
    );
    assert!(AT_RISK_MS < DELAYED_MS && AT_RISK_MS < (RECEIVES_MAX * BACKOFF_S_BASE) as i64 * 1_000);
    assert!(DELAYED_MS > 2 * BACKOFF_S_BASE as i64 * 1_000);
    assert!(TURN_SPACING_MS < TURN_S_MAX as i64 * 1_000, "two turns of the schedule count as two");
    assert!(TURN_GAP_MS_MAX > 60_000 && TURN_GAP_MS_MAX < 120_000, "the schedule's turns are a minute apart");
    assert!(CANARY_MS_MAX > (BACKOFF_S_BASE * ((1 << (RECEIVES_MAX - 1)) - 1)) as i64 * 1_000);
    assert!(PAUSE_MS_BASE <= PAUSE_MS_MAX);
    assert!(PAUSE_MS_MAX <= CANARY_MS_MAX, "a pause costs no more than what it spares");
    assert!(BACKLOG_MS > (BACKOFF_S_MAX + VISIBILITY_TIMEOUT_S) as i64 * 1_000);
    assert!(COUNTS_SETTLE_MS > 60_000 && COUNTS_SETTLE_MS < CALM_TURNS as i64 * 60_000);
    assert!(STRANDED_TURNS as i64 * 60_000 > COUNTS_SETTLE_MS);
    assert!(DELAYED_MS + (STRANDED_TURNS as i64 + 1) * 60_000 <= 600_000, "told within ten minutes");
    assert!(FLAPPING_CALM_TURNS > CALM_TURNS && FLAPPING_REMINDER_MS < REMINDER_MS);
    assert!(EXPIRY_WARNING_MS < SOURCE_RETENTION_S * 1_000 && PAUSE_MS_LONGEST < EXPIRY_WARNING_MS);
    assert!(
        AUDIT_SPAN_S * 1_000 >= AUDIT_EVERY_MS + AUDIT_UNSETTLED_MS,
        "no intent may slip between two audits"
    );
    assert!(AUDIT_SPAN_S <= AUDIT_SPAN_S_MAX);
    assert!(NEW_REASON_MS < REMINDER_MS);
    assert!(STALE_MAIL_MS > TURN_S_MAX as i64 * 1_000, "a retry must come before that");
    assert!(SHARE_TODAY_PERCENT < SHARE_NOW_PERCENT && SHARE_NOW_PERCENT < 100);
    assert!(AUDIT_UNSETTLED_MS > BACKOFF_S_MAX as i64 * 1_000 + VISIBILITY_TIMEOUT_S as i64 * 1_000);
    assert!(AUDIT_UNSETTLED_MS > DELAYED_MS, "what is older without an incident waits for nobody");
    assert!(ROWLESS_REMEMBERED_MS > ROWLESS_UNDER_WAY_MS + PAUSE_MS_MAX, "it must be known when it is back");
};
