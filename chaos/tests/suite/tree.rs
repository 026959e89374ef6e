//! Folders for programs to run in: where Cargo builds there need be no template above.

use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder of this name, in a tree that has the templates.
pub(crate) fn folder(name: &str) -> PathBuf {
    let tree = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&tree);
    let folder = tree.join("here");
    fs::create_dir_all(&folder).expect("cargo's folder for tests can be written to");
    copy_the_templates(&tree);
    folder
}

/// As they lie in this tree.
pub(crate) fn copy_the_templates(to: &Path) {
    fs::create_dir(to.join("alarms")).expect("it can be made");
    for file in ["template.yaml", "alarms/template.yaml"] {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        fs::copy(own, to.join(file)).expect("it can be copied");
    }
}
