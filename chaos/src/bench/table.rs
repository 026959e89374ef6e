//! What was measured, as a table for people, and each goal with what became of it.
//!
//! Invariant: a goal that was missed says so, and a peer that is missing says why.

use super::figures::rounded;
use super::function::{BATCH, BATCHES, REQUESTS, REQUESTS_WARMING};
use super::queues::{AT_ONCE, MESSAGES};
use super::subject::{BARE, CONSUMER, NODE_TITLE, RESPONDER, STATUS, STRIPE_RATE_PER_S};
use super::{Column, Figure, Measured, Rates, Sample};
use crate::units::count;
use std::fmt::Write as _;

/// The init may take so much longer than that of a function without duties, ms.
const INIT_BEYOND_BARE_MS: f64 = 8.0;

/// The init of a handler in Node takes so many times as long.
const INITS_OF_NODE: f64 = 12.0;

/// The payments of a handler in Node, a second and core, so many times.
const PAYMENTS_OF_NODE: f64 = 5.0;

/// The calls that another server answers a second, so many times.
const CALLS_OF_OTHERS: f64 = 10.0;

type Row<T> = (&'static str, fn(&T) -> Option<f64>);

const OF_A_FUNCTION: [Row<Sample>; 8] = [
    ("init to first `/next`, ms", |it| Some(it.init_ms)),
    ("first batch of ten, ms", |it| it.first_ms),
    ("warm batch of ten, ms", |it| it.warm_ms),
    ("payments a second", |it| it.payments_per_s),
    ("payments a second and core", |it| it.payments_per_core_s),
    ("requests a second", |it| it.requests_per_s),
    ("requests a second and core", |it| it.requests_per_core_s),
    ("peak memory, MB", |it| it.peak_bytes.map(megabytes)),
];

/// What a server is compared by.
const CALLS: [Row<Rates>; 3] = [
    ("`SendMessage` a second", |it| Some(it.sends_per_s)),
    ("`ReceiveMessage` a second", |it| Some(it.receives_per_s)),
    ("`DeleteMessage` a second", |it| Some(it.deletes_per_s)),
];

const OF_THE_CLIENT: Row<Rates> = ("client's own processor time a call, µs", |it| it.client_us);

impl Measured {
    /// All of it, in Markdown.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        if !self.functions.is_empty() {
            self.tell_functions(&mut out);
        }
        if !self.services.is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            self.tell_services(&mut out);
        }
        out
    }

    fn tell_functions(&self, out: &mut String) {
        table(out, "a function's process", &self.functions, &OF_A_FUNCTION);
        let sizes: Vec<String> = self
            .functions
            .iter()
            .map(|column| column.size_bytes.map_or_else(nothing, |bytes| rounded(megabytes(bytes))))
            .collect();
        let _ = writeln!(out, "| size, MB | {} |\n", sizes.join(" | "));
        let _ = writeln!(
            out,
            "Medians of {}, with the least and the most. Backends answer at once: the embedded services and the fake Stripe, \
             in one other thread, without latency or limits; the consumer is told that Stripe grants {} calls a second. \
             Warm is what follows the first {} payments, a second counts {} batches of {BATCH}, and core is the process's own \
             processor time. The responder's batch is a turn with nothing to do. The status function is asked by its URL how a payment \
             stands that the consumer charged in the same run, the bare one the same: their batch is one request, a second counts \
             {} of them, and warm is what follows the first {}. The peers do the consumer's duties with AWS's \
             Powertools; Node's is one minified file under a small loop that speaks the Runtime API, because aws-lambda-ric \
             builds curl where it is installed, Python's runs under awslambdaric. Milliseconds include the \
             backends' own, core does not. Size is what is deployed, unpacked, without \
             what Lambda brings along.\n",
            crate::units::counted(self.runs.into(), "run"),
            count(STRIPE_RATE_PER_S.into()),
            21 * BATCH,
            BATCHES,
            count(REQUESTS as u64),
            REQUESTS_WARMING + 1,
        );
        missing(out, &self.functions);
        self.function_goals().into_iter().for_each(|goal| goal.tell(out));
    }

    fn tell_services(&self, out: &mut String) {
        let [send, receive, delete] = CALLS;
        table(out, "SQS over HTTP", &self.services, &[send, receive, delete, OF_THE_CLIENT]);
        let _ = writeln!(
            out,
            "\nMedians of {}, with the least and the most: {MESSAGES} messages, one a call, {AT_ONCE} calls at once, through one \
             client of the Rust SDK in a process or thread that is not the server's.\n",
            crate::units::counted(self.runs.into(), "round"),
        );
        missing(out, &self.services);
        let others = self.services.iter().skip(1);
        let goals = others.flat_map(|other| {
            CALLS.iter().map(|(what, value)| {
                let times = compared(self.services.first()?, other, *value, |ours, theirs| ours / theirs)?;
                let what = what.trim_end_matches(" a second");
                Some(Goal::times(what, &other.name, times, "as many", Some(CALLS_OF_OTHERS)))
            })
        });
        goals.flatten().for_each(|goal| goal.tell(out));
    }

    fn function_goals(&self) -> Vec<Goal> {
        let init = |it: &Sample| Some(it.init_ms);
        let named = |name: &str| self.functions.iter().find(|it| it.name == name);
        let (Some(consumer), Some(bare)) = (named(CONSUMER), named(BARE)) else { return Vec::new() };
        let ours = [Some(consumer), named(RESPONDER), named(STATUS)].into_iter().flatten();
        let beyond = ours.filter_map(|ours| {
            let ms = compared(ours, bare, init, |ours, bare| ours - bare)?;
            Some(Goal::beyond_bare(&ours.name, ms))
        });
        let looks = named(STATUS).and_then(|status| {
            let times = compared(status, bare, |it| it.requests_per_core_s, |status, bare| status / bare)?;
            let what = format!("requests a second and core of the {STATUS}");
            Some(Goal::times(&what, BARE, times, "as many", None))
        });
        let peers = self.functions.iter().filter(|it| it.is_peer).flat_map(|peer| {
            let is_node = peer.name.starts_with(NODE_TITLE);
            let wanted = |times| is_node.then_some(times);
            let faster = compared(consumer, peer, init, |ours, theirs| theirs / ours);
            let more = compared(consumer, peer, |it| it.payments_per_core_s, |ours, theirs| ours / theirs);
            let faster =
                faster.map(|times| Goal::times("init", &peer.name, times, "as fast", wanted(INITS_OF_NODE)));
            let what = "payments a second and core";
            let more =
                more.map(|times| Goal::times(what, &peer.name, times, "as many", wanted(PAYMENTS_OF_NODE)));
            [faster, more].into_iter().flatten()
        });
        beyond.chain(looks).chain(peers).collect()
    }
}

/// What was reached, and what was to be, if anything was.
struct Goal {
    what: String,
    reached: String,
    goal: Option<(String, Verdict)>,
}

/// What became of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
}

impl Verdict {
    const fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Missed }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }
}

impl Goal {
    fn beyond_bare(ours: &str, ms: f64) -> Self {
        let wanted = format!("at most {INIT_BEYOND_BARE_MS} ms more");
        Self {
            what: format!("init of the {ours} beside {BARE}"),
            reached: format!("{} ms more", rounded(ms)),
            goal: Some((wanted, Verdict::of(ms <= INIT_BEYOND_BARE_MS))),
        }
    }

    fn times(what: &str, other: &str, times: f64, kind: &str, wanted: Option<f64>) -> Self {
        Self {
            what: format!("{what} beside {other}"),
            reached: format!("{} times {kind}", rounded(times)),
            goal: wanted.map(|wanted| (format!("{wanted} times"), Verdict::of(times >= wanted))),
        }
    }

    fn tell(&self, out: &mut String) {
        let Self { what, reached, goal } = self;
        let goal = goal.as_ref();
        let goal = goal.map(|(wanted, verdict)| format!("; the goal of {wanted} is {}", verdict.name()));
        let _ = writeln!(out, "- {what}: {reached}{}.", goal.unwrap_or_default());
    }
}

/// The median of what each run of the one makes of the same run of the other: what slows both down cancels out.
fn compared<T>(
    ours: &Column<T>,
    theirs: &Column<T>,
    value: impl Fn(&T) -> Option<f64>,
    make: impl Fn(f64, f64) -> f64,
) -> Option<f64> {
    let pairs = ours.runs.iter().zip(&theirs.runs);
    let made = pairs.filter_map(|(ours, theirs)| Some(make(value(ours)?, value(theirs)?)));
    Figure::of(made).map(|figure| figure.median)
}

fn table<T>(out: &mut String, title: &str, columns: &[Column<T>], rows: &[Row<T>]) {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let _ = writeln!(out, "| {title} | {} |\n|{}", names.join(" | "), " --- |".repeat(columns.len() + 1));
    for (what, value) in rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| Figure::of(column.runs.iter().filter_map(value)).map_or_else(nothing, Figure::told))
            .collect();
        let _ = writeln!(out, "| {what} | {} |", cells.join(" | "));
    }
}

fn missing<T>(out: &mut String, columns: &[Column<T>]) {
    for column in columns {
        if let Some(why) = &column.missing {
            let _ = writeln!(out, "- {} was not measured: {why}", column.name);
        } else if let Some((times, why)) = &column.repeated {
            let errors = crate::units::counted((*times).into(), "error");
            let _ = writeln!(
                out,
                "- {} answered {errors}, after each of which the call was made again: {why}",
                column.name
            );
        }
    }
}

impl Figure {
    fn told(self) -> String {
        format!("{} ({}–{})", rounded(self.median), rounded(self.least), rounded(self.most))
    }
}

fn nothing() -> String {
    "–".to_owned()
}

/// Of a million bytes each.
#[expect(clippy::cast_precision_loss, reason = "sizes of programs, told with three digits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
