//! `drill`: every alarm, from its cause to its end, in a table.
//!
//! Invariant: a table in which a line is wrong ends with the exit code that says so.

use super::arguments::Drill as Asked;
use super::{Exit, Refusal, Surroundings, going_on, say, template};
use crate::checks::Outcome;
use crate::drills::{self, ALL, Drill, Drilled, Met, Trouble, after};
use crate::report::Paint;
use crate::report::bar::Bar;
use crate::units::counted;
use std::ops::ControlFlow;

/// Drills the alarm that was named, or all.
pub(super) fn drill(wanted: &Asked, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let named = |drill: &&Drill| wanted.alarm.as_ref().is_none_or(|alarm| alarm == drill.alarm);
    let chosen: Vec<Drill> = ALL.iter().filter(named).copied().collect();
    if chosen.is_empty() {
        return Err(unknown(wanted));
    }
    let template = template::found(wanted.template.as_deref(), &around.folder)?;
    template::told(&template.display().to_string(), around);
    let jobs = wanted.jobs.unwrap_or(around.cores);
    let bar = Bar::counting((chosen.len() * Trouble::ALL.len()) as u64, around.bar);
    let (mut done, mut seen) = (0, Vec::new());
    drills::drill(&template, &chosen, jobs, around.code, |drilled| {
        done += 1;
        bar.advance(done, drilled.drill.alarm);
        seen.push(drilled);
        going_on(around)
    })?;
    bar.clear();
    say(around.out, &table(&seen, around.paint));
    match (exit(&seen), going_on(around)) {
        // What went wrong did, however few drills there were.
        (Exit::Passed, ControlFlow::Break(())) => Ok(Exit::Interrupted),
        (exit, _) => Ok(exit),
    }
}

/// Money first, then an alarm that did not do as it should, then what cannot be told.
fn exit(seen: &[Drilled]) -> Exit {
    let any = |outcome| seen.iter().any(|drilled| drilled.outcome == outcome);
    let grave = [Outcome::Unsafe, Outcome::Stuck, Outcome::Inconclusive].into_iter().find(|it| any(*it));
    grave.unwrap_or(Outcome::Passed).into()
}

fn table(seen: &[Drilled], paint: Paint) -> String {
    let mut out = String::from("Times are since the cause.\n");
    for drilled in seen {
        if drilled.trouble == Trouble::None {
            let alarm = paint.bold(drilled.drill.alarm);
            out.push_str(&format!("\n{alarm}  {}\n", drilled.title));
            let head = line("", "ALARM", "mail", "OK", "done about it");
            out.push_str(&paint.dim(head.trim_end()));
            out.push('\n');
        }
        out.push_str(&row(drilled));
        out.push('\n');
        for wrong in &drilled.wrong {
            out.push_str(&format!("      {} {wrong}\n", paint.bold("wrong:")));
        }
    }
    let wrong = seen.iter().filter(|drilled| drilled.outcome != Outcome::Passed).count();
    let (drills, wrong) = (counted(seen.len() as u64, "drill"), counted(wrong as u64, "drill"));
    out.push_str(&format!("\n{drills}, {wrong} with something wrong\n"));
    out
}

fn row(drilled: &Drilled) -> String {
    let course = &drilled.course;
    let time = |ms: Option<i64>| ms.map_or_else(|| "never".to_owned(), after);
    let (fired, told) = (time(course.fired.first().copied()), time(course.told));
    let done = match (drilled.met, course.done.as_slice()) {
        (Met::No, _) => format!("{} did not come up", drilled.trouble.name()),
        (Met::Yes, []) => "nothing".to_owned(),
        (Met::Yes, done) => done.join(", "),
    };
    line(drilled.trouble.name(), &fired, &told, &time(course.cleared), &done)
}

fn line(trouble: &str, fired: &str, told: &str, cleared: &str, done: &str) -> String {
    format!("  {trouble:<13} {fired:<9} {told:<9} {cleared:<9} {done}")
}

fn unknown(wanted: &Asked) -> Refusal {
    let names: Vec<&str> = ALL.iter().map(|drill| drill.alarm).collect();
    let typed = wanted.alarm.as_deref().unwrap_or_default();
    Refusal::Bad(format!("alarm {typed}; accepted: {}", names.join(", ")))
}
