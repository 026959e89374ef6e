//! Those whom we are measured beside: installed by `chaos/peers/install`, each in a folder of its own.
//!
//! Invariant: what cannot be installed says why, and nothing of an installation goes on when it is given up.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// A handler for Node, with Powertools.
pub const NODE: &str = "node";
/// A handler for Python, with Powertools.
pub const PYTHON: &str = "python";
/// A cloud on one machine.
pub const MINISTACK: &str = "ministack";
/// A mock of AWS.
pub const MOTO: &str = "moto";

/// How often it is looked whether an installation is done, or not wanted any more.
const LOOK: Duration = Duration::from_millis(50);

/// Where peers are.
#[derive(Clone, Debug)]
pub struct Folders {
    /// What they are made of: `chaos/peers`.
    pub sources: PathBuf,
    /// Where they are installed, each in a folder of its name.
    pub installations: PathBuf,
}

/// A peer that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name, with its version.
    pub name: String,
    /// What runs it.
    pub program: PathBuf,
    /// What of it would be deployed, bytes; a server has none.
    pub size_bytes: Option<u64>,
}

/// A peer, or why it is not there.
pub type Installed = Result<Peer, String>;

impl Folders {
    /// The folder of one of them.
    pub(super) fn of(&self, key: &str) -> PathBuf {
        self.installations.join(key)
    }

    /// Installs one of them, or finds it installed; `None` when `interrupted` says so before that is done.
    pub fn install(&self, key: &str, interrupted: &dyn Fn() -> bool) -> Option<Installed> {
        let script = self.sources.join("install");
        let mut command = Command::new(&script);
        command.arg(key).arg(self.of(key)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that all of it can be ended.
        let child = match command.process_group(0).spawn() {
            Ok(child) => child,
            Err(error) => return Some(Err(format!("cannot run {}: {error}", script.display()))),
        };
        let mut child = Group(child);
        let (out, err) = (read(child.0.stdout.take()), read(child.0.stderr.take()));
        let status = loop {
            match child.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if interrupted() => return None,
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Some(Err(error.to_string())),
            }
        };
        let [out, err] = [out, err].map(|text| text.join().unwrap_or_default());
        Some(if status.success() { parsed(&out) } else { Err(last_line(&err)) })
    }
}

/// What the script says of a peer that is there: name, program, bytes, a line each.
fn parsed(said: &str) -> Installed {
    let mut lines = said.lines();
    let (Some(name), Some(program)) = (lines.next(), lines.next()) else {
        return Err("its installation does not say what it is".to_owned());
    };
    let size_bytes = lines.next().and_then(|bytes| bytes.parse().ok());
    Ok(Peer { name: name.to_owned(), program: Path::new(program).to_owned(), size_bytes })
}

fn last_line(said: &str) -> String {
    let line = said.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| "its installation fails without a word".to_owned(), |line| line.trim().to_owned())
}

/// Reads to the end beside us: what nobody reads would stop whoever writes.
fn read(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.map(|mut from| from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A child and those it started, which end with it.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // A child that was not reaped keeps its number, so no other group can be meant.
        if matches!(self.0.try_wait(), Ok(None)) {
            let group = format!("-{}", self.0.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// Peers that are installed by this script.
    fn folders(test: &str, script: &str) -> Folders {
        let folder = std::env::temp_dir().join(format!("chaos-bench-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("it can be made");
        // What was just written cannot be run while another test starts a process; it can be read by what can.
        fs::write(folder.join("what"), script).expect("it can be written");
        let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/up/reads");
        symlink(reader, folder.join("install")).expect("it can be linked");
        Folders { sources: folder.clone(), installations: folder }
    }

    fn installed(test: &str, script: &str, interrupted: &dyn Fn() -> bool) -> Option<Installed> {
        let folders = folders(test, script);
        let installed = folders.install(NODE, interrupted);
        let _ = fs::remove_dir_all(folders.sources);
        installed
    }

    #[test]
    fn a_peer_says_what_it_is_and_what_runs_it() {
        let peer = installed("there", "echo Node 20; echo /usr/bin/$1; echo 4096", &|| false);
        let wanted =
            Peer { name: "Node 20".to_owned(), program: "/usr/bin/node".into(), size_bytes: Some(4096) };
        assert_eq!(peer, Some(Ok(wanted)));
    }

    #[test]
    fn a_peer_that_cannot_be_installed_says_why() {
        let missing = installed("missing", "echo trying >&2; echo no npm on the path >&2; exit 1", &|| false);
        assert_eq!(missing, Some(Err("no npm on the path".to_owned())));
        let mute = installed("mute", "exit 3", &|| false);
        assert_eq!(mute, Some(Err("its installation fails without a word".to_owned())));
    }

    #[test]
    fn an_installation_that_is_given_up_leaves_nobody_behind() {
        let folders = folders("given-up", "sleep 600 & echo $! > $2.pid; wait");
        let pid = folders.installations.join("node.pid");
        let child = || fs::read_to_string(&pid).ok().filter(|text| text.ends_with('\n'));
        assert_eq!(folders.install(NODE, &|| child().is_some()), None);
        let status = format!("/proc/{}/stat", child().expect("it began").trim());
        let lives = || fs::read_to_string(&status).is_ok_and(|status| !status.contains(") Z "));
        // It was killed; only whoever inherited it has yet to notice.
        for _ in 0..100 {
            if !lives() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        assert!(!lives());
        let _ = fs::remove_dir_all(folders.sources);
    }
}
