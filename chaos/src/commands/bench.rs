//! `bench`: what the deployed binaries cost and what the embedded services carry, beside others, on this machine.
//!
//! Invariant: whatever is typed wrong is told before anything is built, and nothing that was started outlives it.

use super::stripe::{now, ring_when_ended};
use super::{Exit, Refusal, Surroundings, say, template};
use crate::bench::{self, BenchError, Folders, Installed, Measured, Offer, Part, peers};
use crate::report::bar::Bar;
use crate::up;
use crate::world::own_edge;
use clap::{Args, ValueEnum, ValueHint};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;

const EXAMPLES: &str = "\
Examples:
  cargo chaos bench                          builds, installs the peers below target/bench, measures: a quarter of an hour
  cargo chaos bench functions --build none   the functions as they were built last
  cargo chaos bench services --runs 9 --json rates.json

Exit codes:
  0   measured, whatever became of the goals
  64  bad arguments, or the functions cannot be built
  70  one of ours could not be measured
  130 ended by Ctrl-C before it was done";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// What to measure; everything when nothing is named
    #[arg(value_name = "WHAT")]
    pub(super) what: Option<What>,

    /// How often each is measured, 1 to 99, taking turns
    #[arg(long, value_name = "NUMBER", value_parser = runs, default_value_t = 5, allow_negative_numbers = true)]
    pub(super) runs: u32,

    /// How the functions are built
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    pub(super) build: Build,

    /// File for what every single run came to
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) json: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// The binaries of the functions, beside a bare one and handlers for Node and Python
    Functions,
    /// The embedded services over HTTP, beside ministack and moto
    Services,
}

/// How the functions are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Build {
    /// As they are deployed: takes minutes
    Release,
    /// Not at all: as they were built last
    None,
}

fn runs(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=99).contains(number));
    number.ok_or_else(|| format!("runs {text}; accepted: 1 to 99"))
}

/// Measures, and prints a table.
pub(super) fn bench(wanted: &Bench, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    wanted.json.as_deref().map_or(Ok(()), |path| writable(path, &around.folder))?;
    let template = around.folder.join(template::found(None, &around.folder)?);
    let folders = folders(&template, &around.program)?;
    let none = BTreeMap::new();
    let deployed = template::deployed(None, &none, around)?.with_edge(&own_edge(), &none)?;
    let parts = match wanted.what {
        None => vec![Part::Functions, Part::Services],
        Some(What::Functions) => vec![Part::Functions],
        Some(What::Services) => vec![Part::Services],
    };
    let binaries = match binaries(&parts, wanted.build, &folders, around) {
        Err(_) if (around.interrupted)() => return Ok(Exit::Interrupted),
        binaries => binaries?,
    };
    let Some(peers) = install(&parts, &folders, around) else { return Ok(Exit::Interrupted) };
    let (runs, now) = (wanted.runs, now(around));
    let offer = Offer { parts, deployed, runs, binaries, folders, peers, now };
    let stop = Arc::new(Notify::new());
    ring_when_ended(Arc::clone(&stop)).map_err(|error| Refusal::Harness(error.to_string()))?;
    if (around.interrupted)() {
        return Ok(Exit::Interrupted);
    }
    let bar = Bar::counting(0, around.bar);
    let measured = bench::bench(&offer, &stop, &mut |done, whole, who| {
        bar.lengthen(whole);
        bar.advance(done, who);
    });
    bar.clear();
    match measured {
        Err(BenchError::Ended) => Ok(Exit::Interrupted),
        Err(BenchError::World(error)) => Err(error.into()),
        Err(BenchError::Up(error)) => Err(error.into()),
        Err(error @ BenchError::Fails { .. }) => Err(Refusal::Harness(error.to_string())),
        Ok(measured) => tell(&measured, wanted.json.as_deref(), around),
    }
}

fn tell(measured: &Measured, json: Option<&Path>, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    say(around.out, &measured.text());
    if let Some(path) = json {
        let text =
            serde_json::to_string_pretty(measured).map_err(|error| Refusal::Harness(error.to_string()))?;
        let written = std::fs::write(around.folder.join(path), text + "\n");
        written.map_err(|error| Refusal::Harness(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(Exit::Passed)
}

/// Where the peers are made of, in the tree of the template, and where they are installed, beside what was built.
fn folders(template: &Path, program: &Path) -> Result<Folders, Refusal> {
    let sources = template.parent().unwrap_or(Path::new(".")).join("chaos/peers");
    if !sources.join("install").is_file() {
        let sources = sources.display();
        return Err(Refusal::Bad(format!("no peers in {sources}; accepted: a folder of this workspace")));
    }
    Ok(Folders { sources, installations: up::target(program).join("bench") })
}

/// Told before minutes of measuring, without writing anything.
fn writable(path: &Path, folder: &Path) -> Result<(), Refusal> {
    let whole = folder.join(path);
    let is_there = whole.parent().is_some_and(Path::is_dir) && !whole.is_dir();
    let path = path.display();
    is_there.then_some(()).ok_or_else(|| {
        Refusal::Bad(format!("--json <PATH>: {path}; accepted: a file in a folder that is there"))
    })
}

/// The consumer, the responder, the status function, and a function without duties; nothing is built where only services are measured.
fn binaries(
    parts: &[Part],
    build: Build,
    folders: &Folders,
    around: &Surroundings<'_>,
) -> Result<[PathBuf; 4], Refusal> {
    let release = up::target(&around.program).join("release");
    let bare = folders.installations.join("bare/release/bare");
    let [consumer, responder, status] = ["consumer", "responder", "status"].map(|name| release.join(name));
    let binaries = [consumer, responder, status, bare];
    if !parts.contains(&Part::Functions) {
        return Ok(binaries);
    }
    if build == Build::Release {
        let built = up::Build::Release.binaries(&around.cargo, &around.program, &around.folder);
        built.map_err(|error| Refusal::Bad(error.to_string()))?;
        build_bare(folders, around)?;
    }
    match binaries.iter().find(|path| !path.is_file()) {
        None => Ok(binaries),
        Some(path) => {
            let path = path.display();
            Err(Refusal::Bad(format!("no {path}; accepted: --build release, which builds it")))
        }
    }
}

fn build_bare(folders: &Folders, around: &Surroundings<'_>) -> Result<(), Refusal> {
    let mut command = up::cargo(&around.cargo);
    command.args(["build", "--release", "--locked", "--manifest-path"]);
    command.arg(folders.sources.join("bare/Cargo.toml"));
    command.arg("--target-dir").arg(folders.installations.join("bare"));
    let status = command.status().map_err(|error| Refusal::Bad(format!("cannot run cargo: {error}")))?;
    let failed = || Refusal::Bad(format!("the bare function cannot be built (cargo: {status})"));
    status.success().then_some(()).ok_or_else(failed)
}

/// Installs the peers that these parts need; `None` when it was interrupted.
fn install(
    parts: &[Part],
    folders: &Folders,
    around: &Surroundings<'_>,
) -> Option<BTreeMap<&'static str, Installed>> {
    let needed = |part: &Part| match part {
        Part::Functions => [peers::NODE, peers::PYTHON],
        Part::Services => [peers::MINISTACK, peers::MOTO],
    };
    let needed: Vec<&'static str> = parts.iter().flat_map(needed).collect();
    let bar = Bar::counting(needed.len() as u64, around.bar);
    let install = |(number, key): (usize, &&'static str)| {
        bar.advance(number as u64, &format!("installing {key}"));
        Some((*key, folders.install(key, around.interrupted)?))
    };
    let installed = needed.iter().enumerate().map(install).collect();
    bar.clear();
    installed
}
