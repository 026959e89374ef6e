//! The functions' binaries: built, or taken as they are.
//!
//! Invariant: what is run is what was built beside this program, in one directory of builds.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The function fed by the payments queue.
    pub consumer: PathBuf,
    /// The function with the schedule.
    pub responder: PathBuf,
    /// The function behind the edge.
    pub status: PathBuf,
}

/// How they come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As this program was built: most of it is there already.
    Debug,
    /// As they are deployed: slow to build, quick to start.
    Release,
    /// Not at all: those that lie beside this program.
    None,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started.
    #[error(
        "cannot run {cargo}: {why}; accepted: a Rust toolchain, or --build none with binaries beside the program"
    )]
    Cargo {
        /// What was run.
        cargo: String,
        /// What the system says.
        why: io::Error,
    },
    /// Cargo has said why.
    #[error(
        "the functions cannot be built (cargo: {0}); accepted: a folder of this workspace, or --build none"
    )]
    Failed(String),
    /// A binary is not there.
    #[error("no {0}; accepted: --build debug or release, which build it")]
    Missing(PathBuf),
}

/// What `cargo run` puts into the environment of what it runs
/// (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>). A build script that asks after one of them is run
/// again when it has changed, and with it is compiled what depends on it: of ring, half of the AWS SDK, there and back again.
const OF_CARGO_RUN: [&str; 17] = [
    "CARGO_BIN_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Cargo, as if nobody had run this program by cargo.
pub(crate) fn cargo(program: &OsString) -> Command {
    let mut command = Command::new(program);
    OF_CARGO_RUN.iter().for_each(|name| _ = command.env_remove(name));
    command
}

/// The folder of builds that a program is in.
pub(crate) fn target(program: &Path) -> &Path {
    let beside = beside(program);
    beside.parent().unwrap_or(beside)
}

fn beside(program: &Path) -> &Path {
    program.parent().unwrap_or(Path::new("."))
}

impl Build {
    /// Builds what is not built yet, which cargo shows on standard error, and says where the binaries are. `program` is
    /// this program's own binary, and `folder` that in which cargo looks for the workspace.
    ///
    /// # Errors
    /// When cargo fails, or a binary is not there.
    pub fn binaries(self, cargo: &OsString, program: &Path, folder: &Path) -> Result<Binaries, BuildError> {
        let (beside, target) = (beside(program), target(program));
        let from = match self {
            Self::Debug => target.join("debug"),
            Self::Release => target.join("release"),
            Self::None => beside.to_owned(),
        };
        if let Some(arguments) = self.arguments() {
            let mut command = self::cargo(cargo);
            command.arg("build").args(arguments).arg("--target-dir").arg(target).current_dir(folder);
            let cargo = cargo.to_string_lossy().into_owned();
            let status = command.status().map_err(|why| BuildError::Cargo { cargo, why })?;
            if !status.success() {
                return Err(BuildError::Failed(super::process::how(status)));
            }
        }
        let of = |name: &str| {
            let path = from.join(name);
            if path.is_file() { Ok(path) } else { Err(BuildError::Missing(path)) }
        };
        Ok(Binaries { consumer: of("consumer")?, responder: of("responder")?, status: of("status")? })
    }

    fn arguments(self) -> Option<Vec<&'static str>> {
        // With the chaos among the packages, and its feature, everything they share is what `cargo chaos` was built of.
        // Alone they would be given other features of the AWS SDK, which then is compiled once more.
        let functions = ["--package", "consumer", "--package", "responder", "--package", "status"];
        let shared = ["--package", "chaos", "--features", "payments/model"];
        let binaries = ["--bin", "consumer", "--bin", "responder", "--bin", "status"];
        match self {
            Self::Debug => Some(shared.into_iter().chain(functions).chain(binaries).collect()),
            Self::Release => Some(["--release", "--bins"].into_iter().chain(functions).collect()),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_finds_nothing_of_another_that_runs_this_program() {
        let cargo = cargo(&"cargo".into());
        let removed: Vec<_> =
            cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        // Cargo put these into the environment of this very test.
        let of_cargo = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        let left: Vec<_> = of_cargo.filter(|name| !removed.contains(&name.as_os_str())).collect();
        assert_eq!(left, [""; 0]);
        assert!(removed.contains(&"CARGO_MANIFEST_DIR".as_ref()), "{removed:?}");
    }
}
