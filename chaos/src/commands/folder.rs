//! The folder that a command leaves its files in.
//!
//! Invariant: a folder that nobody named is this run's alone, and none is left behind empty.

use super::{Refusal, Surroundings};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How many runs may begin in one second, each with a folder of its own.
const NAMESAKES_MAX: u32 = 1_000;

/// A folder that is made when it is first needed.
pub(super) struct Folder {
    named: Option<PathBuf>,
    unnamed: PathBuf,
    made: Option<PathBuf>,
}

impl Folder {
    /// The folder that was named, or one to be named by time and `what`.
    pub(super) fn new(named: Option<&Path>, around: &Surroundings<'_>, what: &str) -> Self {
        let started = around.started.strftime("%Y-%m-%dT%H-%M-%SZ");
        let unnamed = Path::new("chaos-runs").join(format!("{started}-{what}"));
        Self { named: named.map(Path::to_owned), unnamed, made: None }
    }

    /// Makes it, once.
    pub(super) fn make(&mut self) -> Result<&Path, Refusal> {
        if self.made.is_none() {
            let made = match &self.named {
                Some(named) => fs::create_dir_all(named).map(|()| named.clone()),
                None => of_ones_own(&self.unnamed),
            };
            self.made = Some(made.map_err(|error| self.refused(&error))?);
        }
        Ok(self.made.as_deref().unwrap_or(&self.unnamed))
    }

    /// Takes it away again if there is nothing in it: a run that was interrupted leaves no trace.
    pub(super) fn unmake(&self) {
        let Some(made) = &self.made else { return };
        // What is not empty is not removed, and that is as it should be.
        if fs::remove_dir(made).is_ok() && self.named.is_none() {
            let _ = made.parent().map(fs::remove_dir);
        }
    }

    fn refused(&self, error: &io::Error) -> Refusal {
        let folder = self.named.as_ref().unwrap_or(&self.unnamed).display();
        Refusal::Bad(format!(
            "cannot make the folder {folder}: {error}; accepted: --out DIR, a folder that can be written to"
        ))
    }
}

/// A new folder of this name, or of the first free one with a number behind it.
fn of_ones_own(wanted: &Path) -> io::Result<PathBuf> {
    wanted.parent().map_or(Ok(()), fs::create_dir_all)?;
    let numbered = (2..=NAMESAKES_MAX).map(|number| PathBuf::from(format!("{}-{number}", wanted.display())));
    for folder in std::iter::once(wanted.to_owned()).chain(numbered) {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_same_second_have_a_folder_each() {
        let wanted = std::env::temp_dir().join(format!("chaos-folder-{}", std::process::id())).join("run");
        let made = [(); 3].map(|()| of_ones_own(&wanted).expect("it can be made"));
        let names = made.map(|folder| folder.file_name().map(|it| it.to_string_lossy().into_owned()));
        assert_eq!(names, ["run", "run-2", "run-3"].map(|name| Some(name.to_owned())));
        let _ = wanted.parent().map(fs::remove_dir_all);
    }
}
