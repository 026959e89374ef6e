//! `cargo chaos`: the one place where wall clock, environment and terminal are read.

use chaos::commands::{self, Exit, Surroundings};
use chaos::report::Paint;
use chaos::report::bar::Visibility;
use chaos::world::Code;
use std::io::{IsTerminal, stderr, stdout};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A world makes and drops millions of small things; the system's allocator takes a fifth of a run for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "time and environment enter here, and nowhere else")]
fn main() -> ExitCode {
    let clock = std::time::Instant::now();
    let no_colour = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
    let (out, err) = (&mut stdout(), &mut stderr());
    let surroundings = Surroundings {
        started: jiff::Timestamp::now(),
        elapsed: &|| clock.elapsed(),
        folder: std::env::current_dir().unwrap_or_default(),
        cores: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        paint: if no_colour || !out.is_terminal() { Paint::Plain } else { Paint::Colours },
        bar: if err.is_terminal() { Visibility::Shown } else { Visibility::Hidden },
        code: Code::DEPLOYED,
        out,
        err,
    };
    // A panic of the harness has its own exit code; the panic itself has been printed by then.
    let ended = catch_unwind(AssertUnwindSafe(|| commands::main(std::env::args_os(), surroundings)));
    ExitCode::from(ended.unwrap_or(Exit::Harness).code())
}
