//! One run, from a world that is ready to its verdict: what `run` and `replay` have in common.
//!
//! Invariant: a run that was interrupted is neither judged nor written.

use super::folder::Folder;
use super::{Exit, Refusal, Surroundings, going_on, say, template};
use crate::checks::Evidence;
use crate::report::bar::Bar;
use crate::report::{self, Figures, Mails, Report};
use crate::units::{count, counted, instant_of_day};
use crate::world::{History, Progress, World, WorldError};
use payments::UnixMs;
use std::path::Path;
use std::time::Duration;

/// Messages from which on a run says beforehand what it takes.
const ESTIMATED_FROM: u64 = 50_000;
/// Memory that a message costs at most until its run was judged, KiB: measured with 2,000 and 20,000 in `steady`. It is
/// highest when the audit at the end is over, and all that Stripe, the tables and the journal know is still there.
const MESSAGE_KIB: u64 = 10;
/// Time of one core that it costs, µs: the same.
const MESSAGE_US: u64 = 1_500;

/// Runs what is ready, tells how it was, and leaves its files in `out`.
pub(super) fn carry_out(
    world: World,
    replay: &str,
    mails: Mails,
    out: Option<&Path>,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
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
    let history = world.run_while(around.code, &mut |progress| {
        bar.show(progress);
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
    told(&history, replay, mails, wall, &mut folder, around)
}

/// Judges a run, tells how it was, and leaves its files.
pub(super) fn told(
    history: &History,
    replay: &str,
    mails: Mails,
    wall: Duration,
    folder: &mut Folder,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let evidence = Evidence::of(history);
    let judgement = evidence.judge();
    let figures = Figures::of(&evidence);
    let report = Report { evidence: &evidence, judgement: &judgement, figures: &figures, mails, replay };
    say(around.out, &report.text(around.paint, wall));
    let folder = folder.make()?;
    let files = report::write(&report, folder)
        .map_err(|error| Refusal::Harness(format!("cannot write to {}: {error}", folder.display())))?;
    say(around.out, &report.conclusion(around.paint));
    for path in [Some(&files.journal), Some(&files.summary), files.mails.as_ref()].into_iter().flatten() {
        say(around.out, &format!("{}\n", path.display()));
    }
    Ok(judgement.outcome().into())
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

/// How far a run was that nobody waited for.
fn so_far(progress: Progress, messages: u64, starts: UnixMs) -> String {
    let Progress { now, sent, done, dead_lettered } = progress;
    let (at, of) = (instant_of_day(now, starts), counted(messages, "message"));
    let (sent, done, dead) = (count(sent), count(done), counted(dead_lettered, "dead letter"));
    format!("INTERRUPTED at {at}: {sent} of {of} sent, {done} done, {dead}; nothing is judged or written\n")
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
