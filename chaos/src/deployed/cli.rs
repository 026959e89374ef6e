//! The AWS CLI: one call, one child process, one JSON answer. Versions 1 and 2 alike.
//!
//! Invariant: a call is over when this returns, whoever presses Ctrl-C meanwhile: what it made is then known, and can be
//! undone.

use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest that a connection, and that an answer, may take, s.
const PATIENCE_S: [(&str, &str); 2] = [("--cli-connect-timeout", "10"), ("--cli-read-timeout", "30")];

/// How the line of an error begins that says what is wrong; others only go with it.
const SAYS: [&str; 2] = ["An error occurred", "aws: error"];

/// An AWS CLI, in one region, at one endpoint.
#[derive(Clone, Debug)]
pub struct Cli {
    /// The program; `aws` is looked for on the path.
    pub program: OsString,
    /// `--region`.
    pub region: String,
    /// `--endpoint-url`; AWS's own when absent.
    pub endpoint_url: Option<String>,
}

/// Why it did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// There is none, or it cannot be started.
    #[error("cannot start {program}: {why}; accepted: --aws-cli PATH, or the AWS CLI as `aws` on the path")]
    Missing {
        /// What was started.
        program: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// It refused, or AWS did.
    #[error("aws {call}: {why}")]
    Failed {
        /// Service and operation.
        call: String,
        /// Its last line.
        why: String,
    },
}

impl Cli {
    /// Asks, and reads the answer; `null` when it has none.
    ///
    /// # Errors
    /// When it cannot be started, refuses, or answers no JSON.
    pub fn ask(&self, words: &[&str]) -> Result<Value, CliError> {
        self.call(words)
    }

    /// The same, with the whole input of the operation as JSON: in a file, because an argument has 128 KiB at most, and
    /// version 1 reads the input twice.
    ///
    /// # Errors
    /// As [`Cli::ask`].
    pub fn ask_with(&self, words: &[&str], input: &Value) -> Result<Value, CliError> {
        let file = Input::write(input)
            .map_err(|why| failed(words, &format!("its input cannot be written: {why}")))?;
        self.call(&[words, &["--cli-input-json", &format!("file://{}", file.0.display())]].concat())
    }

    /// The line that whoever has a shell would type.
    #[must_use]
    pub fn line(&self, words: &[&str]) -> String {
        let mut line = "aws".to_owned();
        let endpoint = self.endpoint_url.as_deref().map(|url| ["--endpoint-url", url]);
        let own = ["--region", self.region.as_str()].into_iter().chain(endpoint.into_iter().flatten());
        for word in words.iter().copied().chain(own) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=,:@".contains(&byte);
            // Writing to a string does not fail.
            let _ = match word.bytes().all(plain) {
                true => write!(line, " {word}"),
                false => write!(line, " '{}'", word.replace('\'', r"'\''")),
            };
        }
        line
    }

    fn call(&self, words: &[&str]) -> Result<Value, CliError> {
        let missing = |why| CliError::Missing { program: self.program.display().to_string(), why };
        let output = self.command(words).output().map_err(missing)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
            let first = lines.clone().next();
            let says = lines.find(|line| SAYS.iter().any(|words| line.starts_with(words))).or(first);
            return Err(failed(words, says.unwrap_or(&output.status.to_string())));
        }
        if output.stdout.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| failed(words, &format!("it answers no JSON: {error}")))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).args(["--output", "json", "--region", &self.region]);
        command.args(PATIENCE_S.iter().flat_map(|(name, seconds)| [name, seconds]));
        if let Some(url) = &self.endpoint_url {
            command.args(["--endpoint-url", url]);
        }
        // Who answers is said by the option alone: an emulator that nobody knows of would be taken for AWS.
        command.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true").env_remove("AWS_ENDPOINT_URL");
        // A pager would wait for a key. In a group of its own, because Ctrl-C ends whoever is in ours.
        command.env("AWS_PAGER", "").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn failed(words: &[&str], why: &str) -> CliError {
    let call = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    CliError::Failed { call, why: why.to_owned() }
}

/// A file that nobody else may read, gone when it is dropped.
struct Input(PathBuf);

/// How many there were, so that each has a name of its own.
static INPUTS: AtomicU64 = AtomicU64::new(0);

impl Input {
    fn write(input: &Value) -> std::io::Result<Self> {
        let number = INPUTS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("chaos-input-{}-{number}.json", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let made = Self(path);
        file.write_all(input.to_string().as_bytes())?;
        Ok(made)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
