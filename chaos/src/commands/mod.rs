//! The command line: what may be typed, and which exit code says what.
//!
//! Invariant: whatever is typed wrong is answered in one line that says what, where and what is accepted, with exit
//! code 64, before anything is written.

mod again;
mod arguments;
mod bench;
mod diff;
mod drill;
mod exit;
mod fault;
mod folder;
mod init;
mod list;
mod merge;
mod on_aws;
mod one_run;
mod output;
mod refusal;
mod replay;
mod run;
mod search;
mod shrunk;
mod stripe;
mod sweep;
mod template;
#[cfg(test)]
mod tests;
mod up;
mod validate;
mod values;

pub use exit::Exit;

use crate::report::Paint;
use crate::report::bar::Visibility;
use crate::world::Code;
use arguments::{Arguments, Command};
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use output::Output;
use refusal::Refusal;
use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What comes from outside; only `main` looks there.
pub struct Surroundings<'a> {
    /// When the program was started, for the name of the output folder.
    pub started: jiff::Timestamp,
    /// How long ago that was.
    pub elapsed: &'a dyn Fn() -> Duration,
    /// The folder it was started in.
    pub folder: PathBuf,
    /// The program's own binary.
    pub program: PathBuf,
    /// What builds others.
    pub cargo: OsString,
    /// How many threads it can run at once.
    pub cores: NonZeroUsize,
    /// Whether what is written to `out` is coloured.
    pub paint: Paint,
    /// Whether a progress bar can be seen.
    pub bar: Visibility,
    /// Whether somebody has asked the program to end, as Ctrl-C does.
    pub interrupted: &'a dyn Fn() -> bool,
    /// The code of the stack's functions.
    pub code: Code<'a>,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

/// What clap calls an error and is none.
const ANSWERS: [ErrorKind; 3] =
    [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];

/// What there is to do.
const COMMANDS: &str =
    "run, drill, sweep, search, merge, diff, replay, list, init, validate, up, stripe, fault, bench, help";

/// Carries out one command line; `arguments` begin with the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>, around: Surroundings<'_>) -> Exit {
    let Surroundings { out, err, .. } = around;
    let mut minded = Output::to(out);
    let around = Surroundings { out: &mut minded, err: &mut *err, ..around };
    let exit = carry_out(arguments, around);
    let Some(error) = minded.failed() else { return exit };
    say(err, &format!("error: cannot write to standard output: {error}\n"));
    // What a run found stays found, whoever could not be told of it.
    if exit == Exit::Passed { Exit::Harness } else { exit }
}

fn carry_out(arguments: impl IntoIterator<Item = OsString>, mut around: Surroundings<'_>) -> Exit {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command }) => command,
        Err(error) => return unparsed(&error, &mut around),
    };
    let carried_out = match command {
        Command::Run(wanted) => run::run(&wanted, &mut around),
        Command::Drill(wanted) => drill::drill(&wanted, &mut around),
        Command::Sweep(wanted) => sweep::sweep(&wanted, &mut around),
        Command::Search(wanted) => search::search(&wanted, &mut around),
        Command::Merge(wanted) => merge::merge(&wanted, &mut around),
        Command::Diff(wanted) => diff::diff(&wanted, &mut around),
        Command::Replay(wanted) => replay::replay(&wanted, &mut around),
        Command::List(wanted) => Ok(list::list(&wanted, &mut around)),
        Command::Init(wanted) => init::init(&wanted, &mut around),
        Command::Validate(wanted) => validate::validate(&wanted, &mut around),
        Command::Up(wanted) => up::up(&wanted, &mut around),
        Command::Stripe(wanted) => stripe::stripe(&wanted, &mut around),
        Command::Fault(wanted) => fault::carry_out(&wanted, &mut around),
        Command::Bench(wanted) => bench::bench(&wanted, &mut around),
    };
    carried_out.unwrap_or_else(|refusal| refusal.told(&mut around))
}

/// Help and version are answers; everything else clap says is squeezed into one line.
fn unparsed(error: &clap::Error, around: &mut Surroundings<'_>) -> Exit {
    if !ANSWERS.contains(&error.kind()) {
        return Refusal::Bad(in_one_line(error)).told(around);
    }
    let text = error.render();
    let text = match around.paint {
        Paint::Plain => text.to_string(),
        Paint::Colours => text.ansi().to_string(),
    };
    say(around.out, &text);
    Exit::Passed
}

/// What clap has to say, in one line that ends with what is accepted.
fn in_one_line(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(ToString::to_string).filter(|text| !text.is_empty());
    // Our own parsers say it all; clap only knows for which argument.
    if let (Some(ours), Some(argument)) = (error.source(), context(ContextKind::InvalidArg)) {
        return format!("{argument}: {ours}");
    }
    if let (ErrorKind::MissingRequiredArgument, Some(missing)) =
        (error.kind(), context(ContextKind::InvalidArg))
    {
        return format!("{missing} is missing; accepted: what `cargo chaos help` lists");
    }
    let rendered = error.to_string();
    let said = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let accepted = if error.kind() == ErrorKind::InvalidSubcommand {
        COMMANDS.to_owned()
    } else {
        context(ContextKind::ValidValue).unwrap_or_else(|| "what `cargo chaos help` lists".to_owned())
    };
    format!("{said}; accepted: {accepted}")
}

/// Whether to go on: until somebody asks for the end.
fn going_on(around: &Surroundings<'_>) -> ControlFlow<()> {
    if (around.interrupted)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Writes, and does not stop when it cannot: [`Output`] remembers it.
fn say(out: &mut dyn Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A path as whoever stands in `folder` would type it.
fn from_here(path: &Path, folder: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_owned()
}
