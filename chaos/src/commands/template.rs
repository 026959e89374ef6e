//! The template that a command deploys: the one that was named, or that of the tree it is typed in.
//!
//! Invariant: a tree that was copied or moved runs its own template, and says which that is.

use super::{Refusal, Surroundings, from_here, say};
use crate::world::Deployed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Its name, where nobody says another.
const NAME: &str = "template.yaml";

/// Says which it is.
pub(super) fn told(template: &str, around: &mut Surroundings<'_>) {
    let line = around.paint.dim(&format!("template: {template}"));
    say(around.out, &format!("{line}\n"));
}

/// Finds the template, from the working folder upward unless one was named.
pub(super) fn found(named: Option<&Path>, folder: &Path) -> Result<PathBuf, Refusal> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let above = folder.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file());
    above.map(|path| from_here(&path, folder)).ok_or_else(|| {
        let folder = folder.display();
        Refusal::Bad(format!("no {NAME} in {folder} or a folder above it; accepted: --template PATH"))
    })
}

/// Deploys the template that was named, or that of the tree this is typed in, with these parameters.
pub(super) fn deployed(
    template: Option<&Path>,
    parameters: &BTreeMap<String, String>,
    around: &Surroundings<'_>,
) -> Result<Deployed, Refusal> {
    let template = found(template, &around.folder)?;
    Ok(Deployed::load(&template, parameters)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_tree_that_was_copied_finds_its_own_template() {
        let copy = std::env::temp_dir().join(format!("chaos-template-{}", std::process::id()));
        let below = copy.join("chaos/src");
        fs::create_dir_all(&below).expect("it can be made");
        fs::write(copy.join(NAME), "").expect("it can be written");
        assert_eq!(found(None, &below).ok(), Some(copy.join(NAME)));
        assert_eq!(found(None, &copy).ok(), Some(NAME.into()));
        assert_eq!(found(Some(Path::new("other.yaml")), &copy).ok(), Some("other.yaml".into()));
        let _ = fs::remove_dir_all(copy);
        let nowhere = found(None, Path::new("/no/such/folder"));
        assert!(matches!(nowhere, Err(Refusal::Bad(said)) if said.contains("--template PATH")));
    }
}
