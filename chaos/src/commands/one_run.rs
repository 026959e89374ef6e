//! One run, from a world that is ready to its verdict: what `run` and `replay` have in common.
//!
//! Invariant: a run that was interrupted is neither judged nor written.

use super::folder::Folder;
use super::{Exit, Refusal, Surroundings, going_on, say, template};
use crate::checks::Evidence;
use crate::report::bar::Bar;
use crate::report::{self, Figures, Mails, Page, Report};
use crate::units::{count, counted, duration_ms, instant_of_day};
use crate::world::{Code, History, Progress, World, WorldError};
use payments::UnixMs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Messages from which on a run says beforehand what it takes.
const ESTIMATED_FROM: u64 = 50_000;
/// Memory that a message costs at most until its run was judged, KiB: measured with 2,000 and 20,000 in `steady`. It is
/// highest when the audit at the end is over, and all that Stripe, the tables and the journal know is still there.
const MESSAGE_KIB: u64 = 10;
/// Time of one core that it costs, µs: the same.
const MESSAGE_US: u64 = 1_500;

/// Leaves something in a folder, and says which files.
type Leave<'a> = dyn Fn(&Path) -> io::Result<Vec<PathBuf>> + 'a;

/// How much is said while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// Nothing: it is over soon.
    Nothing,
    /// A line a minute, for whoever waits.
    ByTheMinute,
}

/// A run to be carried out.
pub(super) struct OneRun<'a> {
    /// What is run.
    pub(super) world: World,
    /// With which functions.
    pub(super) code: Code<'a>,
    /// How much is said while it goes on, beside a bar.
    pub(super) tells: Tells,
    /// How it is told.
    pub(super) telling: Telling<'a>,
}

/// How a run is told.
pub(super) struct Telling<'a> {
    /// The line that runs the same again.
    pub(super) replay: &'a str,
    /// Which mails are shown.
    pub(super) mails: Mails,
    /// When a page of it is written.
    pub(super) page: Page,
    /// What else is left in the folder of the run; it says which files.
    pub(super) leaves: Option<&'a Leave<'a>>,
}

impl OneRun<'_> {
    /// Runs it, tells how it was, and leaves its files in `out`.
    pub(super) fn carry_out(
        self,
        out: Option<&Path>,
        around: &mut Surroundings<'_>,
    ) -> Result<Exit, Refusal> {
        let Self { world, code, tells, telling } = self;
        let mut folder = Folder::new(out, around, &world.experiment().name);
        folder.make()?;
        let began = (around.elapsed)();
        template::told(world.template(), around);
        for idle in world.experiment().idle() {
            say(around.out, &format!("note: {idle}\n"));
        }
        if let Some(estimate) = estimate(world.messages() as u64) {
            say(around.out, &format!("note: {estimate}\n"));
        }
        let bar = Bar::new(world.messages() as u64, world.experiment().starts, around.bar);
        let (messages, starts) = (world.messages() as u64, world.experiment().starts);
        let mut told = 0;
        let history = world.run_while(code, &mut |progress| {
            bar.show(progress);
            let minute = progress.now.since_ms(starts) / 60_000;
            if tells == Tells::ByTheMinute && minute > told {
                told = minute;
                say(around.out, &by_the_minute(progress, messages, starts));
            }
            going_on(around)
        });
        bar.clear();
        let history = match history {
            Err(WorldError::Interrupted(progress)) => {
                folder.unmake();
                say(around.out, &so_far(progress, messages, starts));
                return Ok(Exit::Interrupted);
            }
            ended => ended?,
        };
        let wall = (around.elapsed)().saturating_sub(began);

        telling.told(&history, wall, &mut folder, around)
    }
}

impl Telling<'_> {
    /// Judges a run that took so long, tells how it was, and leaves its files.
    pub(super) fn told(
        &self,
        history: &History,
        wall: Duration,
        folder: &mut Folder,
        around: &mut Surroundings<'_>,
    ) -> Result<Exit, Refusal> {
        let Self { replay, mails, page, leaves } = *self;
        let evidence = Evidence::of(history);
        let judgement = evidence.judge();
        let figures = Figures::of(&evidence);
        let report = Report { evidence: &evidence, judgement: &judgement, figures: &figures, mails, replay };
        say(around.out, &report.text(around.paint, wall));
        let folder = folder.make()?;
        let unwritten = |error| Refusal::Harness(format!("cannot write to {}: {error}", folder.display()));
        let files = report::write(&report, folder, page).map_err(unwritten)?;
        let others = leaves.map_or(Ok(Vec::new()), |leave| leave(folder)).map_err(unwritten)?;
        say(around.out, &report.conclusion(around.paint));
        let files = [files.page, Some(files.journal), Some(files.summary), Some(files.junit), files.mails];
        for path in files.into_iter().flatten().chain(others) {
            say(around.out, &format!("{}\n", path.display()));
        }
        Ok(judgement.outcome().into())
    }
}

/// What a run of many messages takes, before it begins.
fn estimate(messages: u64) -> Option<String> {
    let (kib, us) = (messages.saturating_mul(MESSAGE_KIB), messages.saturating_mul(MESSAGE_US));
    let gib = kib.div_ceil(1_048_576);
    (messages >= ESTIMATED_FROM).then(|| {
        let (minutes, messages) = (count(us.div_ceil(60_000_000)), count(messages));
        format!("{messages} messages take about {minutes} min of one core and {} GiB of memory", count(gib))
    })
}

fn by_the_minute(progress: &Progress, messages: u64, starts: UnixMs) -> String {
    let Progress { now, sent, done, dead_lettered, left } = progress;
    let at = duration_ms(u64::try_from(now.since_ms(starts)).unwrap_or(0) / 1_000 * 1_000);
    let (sent, of, done) = (count(*sent), count(messages), count(*done));
    let dead = counted(*dead_lettered, "dead letter");
    format!("  {at:>7}  {sent} of {of} sent, {done} done, {dead}; {left}\n")
}

/// How far a run was that nobody waited for.
fn so_far(progress: Progress, messages: u64, starts: UnixMs) -> String {
    let Progress { now, sent, done, dead_lettered, left } = progress;
    let (at, of) = (instant_of_day(now, starts), counted(messages, "message"));
    let (sent, done, dead) = (count(sent), count(done), counted(dead_lettered, "dead letter"));
    format!(
        "INTERRUPTED at {at}: {sent} of {of} sent, {done} done, {dead}; {left}; nothing is judged or written\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_says_so_before_it_begins() {
        assert_eq!(estimate(ESTIMATED_FROM - 1), None);
        insta::assert_snapshot!(
            estimate(1_000_000).expect("that is many"),
            @"1,000,000 messages take about 25 min of one core and 10 GiB of memory"
        );
    }
}
