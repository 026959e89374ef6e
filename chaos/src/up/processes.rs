//! A stack's functions as processes, in the place of the code that a simulated world runs.
//!
//! Invariant: they differ from those that are deployed in where AWS and Stripe are, and in nothing else.

use super::binaries::Binaries;
use super::function::ProcessFunction;
use super::logs::Logs;
use crate::cloud::container::Function;
use crate::cloud::crew::Crew;
use crate::stripe::Provider;
use crate::world::Deployed;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;

/// The functions of one stack.
#[derive(Clone, Debug)]
pub struct Processes {
    binaries: Binaries,
    stripe_base: String,
    logs: Logs,
}

impl Processes {
    /// Those of this stack, by these binaries.
    #[must_use]
    pub fn of(deployed: &Deployed, binaries: Binaries) -> Self {
        let stripe_base = deployed.stack.parameters.get(super::STRIPE_API_BASE).cloned().unwrap_or_default();
        let groups = deployed.stack.functions.values().map(|function| function.log_group.clone());
        Self { binaries, stripe_base, logs: Logs::new(groups) }
    }

    /// The function fed by the payments queue. Must be called inside the runtime of its world.
    #[must_use]
    pub fn consumer(&self, provider: Provider) -> Arc<dyn Function> {
        Arc::new(self.function("consumer", &self.binaries.consumer, provider))
    }

    /// The function with the schedule. Must be called inside the runtime of its world.
    #[must_use]
    pub fn responder(&self, provider: Provider) -> Arc<dyn Function> {
        Arc::new(self.function("responder", &self.binaries.responder, provider))
    }

    /// Writes what each function said into a file of its own in `folder`; those files.
    ///
    /// # Errors
    /// What the system says, when one cannot be written.
    pub fn write_logs(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let groups = self.logs.names().into_iter();
        groups.map(|group| self.write_log(&group, folder)).collect()
    }

    fn write_log(&self, group: &str, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join(format!("{}.log", group.rsplit('/').next().unwrap_or(group)));
        let mut file = BufWriter::new(File::create(&path)?);
        let written = self.logs.of(group, |group| {
            group.after(0).try_for_each(|line| writeln!(file, "{} {}", line.stream, line.text))
        });
        written.unwrap_or(Ok(()))?;
        file.flush()?;
        Ok(path)
    }

    fn function(&self, role: &'static str, program: &Path, stripe: Provider) -> ProcessFunction {
        let (crew, at_work) = Crew::new();
        #[expect(clippy::disallowed_methods, reason = "it ends with the runtime, which is one run's own")]
        tokio::spawn(at_work);
        // A run tells of nothing while it lasts: its journal and its logs do.
        let (notices, _) = unbounded_channel();
        ProcessFunction {
            role,
            program: program.to_owned(),
            logs: self.logs.clone(),
            stripe,
            stripe_base: self.stripe_base.clone(),
            crew,
            notices,
        }
    }
}
