//! `cargo chaos`: the one place where wall clock, environment and terminal are read.

use chaos::commands::{self, Exit, Surroundings};
use chaos::report::Paint;
use chaos::report::bar::Visibility;
use chaos::world::Code;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::io::{IsTerminal, stderr, stdout};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A world makes and drops millions of small things; the system's allocator takes a fifth of a run for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set by the first Ctrl-C; the second ends the program at once. A file that grows beyond what is allowed is then an error
/// like any other, and no longer the end.
fn interrupted() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let code = i32::from(Exit::Interrupted.code());
    for signal in [SIGINT, SIGTERM] {
        // Where a signal cannot be heard it does what it always did.
        let _ = flag::register_conditional_shutdown(signal, code, Arc::clone(&interrupted));
        let _ = flag::register(signal, Arc::clone(&interrupted));
    }
    let _ = flag::register(SIGXFSZ, Arc::default());
    interrupted
}

#[expect(clippy::disallowed_methods, reason = "time and environment enter here, and nowhere else")]
fn main() -> ExitCode {
    let clock = std::time::Instant::now();
    let no_colour = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
    let interrupted = interrupted();
    let (out, err) = (&mut stdout(), &mut stderr());
    let surroundings = Surroundings {
        started: jiff::Timestamp::now(),
        elapsed: &|| clock.elapsed(),
        folder: std::env::current_dir().unwrap_or_default(),
        program: std::env::current_exe().unwrap_or_default(),
        // Cargo names itself to whatever it runs.
        cargo: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        cores: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        paint: if no_colour || !out.is_terminal() { Paint::Plain } else { Paint::Colours },
        bar: if err.is_terminal() { Visibility::Shown } else { Visibility::Hidden },
        interrupted: &|| interrupted.load(Ordering::Relaxed),
        code: Code::DEPLOYED,
        out,
        err,
    };
    // A panic of the harness has its own exit code; the panic itself has been printed by then.
    let ended = catch_unwind(AssertUnwindSafe(|| commands::main(std::env::args_os(), surroundings)));
    ExitCode::from(ended.unwrap_or(Exit::Harness).code())
}
