//! Templates in memory, and what becomes of them.

mod alerting;
mod broken;
mod edge;
mod functions;
mod permissions;
mod pipes;
mod releases;
mod rules;
mod shipped;
mod watch;

use super::{Deployment, Stack, assemble};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Assembles `template.yaml` from `files`, pairs of path and text.
fn assembled(files: &[(&str, &str)], deployment: &Deployment) -> Result<Stack, String> {
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| Error::from(ErrorKind::NotFound))
    };
    assemble(&[PathBuf::from("template.yaml")], deployment, &read).map_err(|error| error.to_string())
}

/// Assembles one template as it is deployed by default.
fn loaded(text: &str) -> Result<Stack, String> {
    assembled(&[("template.yaml", text)], &Deployment::default())
}

/// The one line said about a template that cannot be assembled.
fn refusal(text: &str) -> String {
    let refusal = loaded(text).expect_err("the template must be refused");
    assert!(!refusal.contains('\n'), "one line, not {refusal}");
    refusal
}
