//! Whose process is measured, and the environment it is given.
//!
//! Invariant: every subject meets the same port with the same backends behind it; only what it is differs.

use super::backends::IDEMPOTENCY_TABLE;
use super::peers::{Installed, NODE, PYTHON};
use super::{Column, Offer};
use crate::cloud::config::FunctionConfig;
use crate::cloud::names;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Calls a second that the consumer is told that Stripe grants: so many that its own pace is no part of what is measured.
pub(super) const STRIPE_RATE_PER_S: u32 = 1_000_000;

/// How the columns of ours are called.
pub(super) const CONSUMER: &str = "consumer";
/// See [`CONSUMER`].
pub(super) const RESPONDER: &str = "responder";
/// See [`CONSUMER`].
pub(super) const STATUS: &str = "status function";
/// The function without duties.
pub(super) const BARE: &str = "bare `lambda_runtime`";
/// How the column of the handler for Node begins.
pub(super) const NODE_TITLE: &str = "Node";

/// Why there may be no function behind an edge.
const NO_EDGE: &str = "no edge stands in front of this stack";

/// What a subject does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duties {
    /// Charges batches of payments.
    Payments,
    /// Takes a look when the schedule wakes it.
    Turns,
    /// Tells how a payment stands that the consumer charged in the same run.
    Looks,
    /// Answers whatever it is asked.
    None,
}

/// One of those that are compared.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Its name, with its version.
    pub(super) name: String,
    pub(super) duties: Duties,
    /// What is run, or why it cannot be.
    program: Result<Program, String>,
    /// Variables of its own.
    variables: BTreeMap<String, String>,
    maker: Maker,
}

#[derive(Clone, Debug)]
struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    /// The folder that it is started in, which is its task's.
    folder: PathBuf,
    size_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Ours,
    Others,
}

impl Subject {
    /// All of them, in the order of the table.
    pub(super) fn all(offer: &Offer) -> Vec<Self> {
        let [consumer, responder, status, bare] = &offer.binaries;
        let of = |config: &FunctionConfig| config.environment.clone();
        let mut paced = of(&offer.deployed.consumer);
        paced.insert("STRIPE_RATE_PER_SECOND".to_owned(), STRIPE_RATE_PER_S.to_string());
        paced.insert("CONSUMER_CONCURRENCY".to_owned(), "1".to_owned());
        let turns = offer.deployed.responder.as_ref().map(of);
        let looks = offer.deployed.edge.as_ref().map(|edge| of(&edge.status));
        // The consumer before the status function, which tells what that one charged.
        let ours = [
            Some(Self::ours(CONSUMER, Duties::Payments, consumer, Ok(paced))),
            turns.map(|variables| Self::ours(RESPONDER, Duties::Turns, responder, Ok(variables))),
            Some(Self::ours(STATUS, Duties::Looks, status, looks.ok_or(NO_EDGE))),
            Some(Self::ours(BARE, Duties::None, bare, Ok(BTreeMap::new()))),
        ];
        let variables = [
            ("IDEMPOTENCY_TABLE", IDEMPOTENCY_TABLE),
            ("POWERTOOLS_METRICS_NAMESPACE", "payments"),
            ("POWERTOOLS_SERVICE_NAME", "payments"),
            ("STRIPE_SECRET_ARN", &offer.deployed.secret),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let peer = |key: &'static str, title: &str, arguments: &[&str]| {
            let program = offer.peers.get(key).cloned().unwrap_or_else(|| Err("not asked for".to_owned()));
            Self::peer(title, arguments, program, &offer.folders.of(key), BTreeMap::from(variables.clone()))
        };
        let peers = [
            peer(NODE, NODE_TITLE, &["main.js"]),
            peer(PYTHON, "Python", &["-m", "awslambdaric", "handler.handler"]),
        ];
        ours.into_iter().flatten().chain(peers).collect()
    }

    /// One of ours with its variables, or why it has none.
    fn ours(
        name: &str,
        duties: Duties,
        path: &Path,
        variables: Result<BTreeMap<String, String>, &str>,
    ) -> Self {
        let size_bytes = std::fs::metadata(path).ok().map(|it| it.len());
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let program = Program { path: path.to_owned(), arguments: Vec::new(), folder, size_bytes };
        let (program, variables) = match variables {
            Ok(variables) => (Ok(program), variables),
            Err(why) => (Err(why.to_owned()), BTreeMap::new()),
        };
        Self { name: name.to_owned(), duties, program, variables, maker: Maker::Ours }
    }

    fn peer(
        title: &str,
        arguments: &[&str],
        installed: Installed,
        folder: &Path,
        variables: BTreeMap<String, String>,
    ) -> Self {
        let name = installed.as_ref().map_or_else(|_| title.to_owned(), |it| it.name.clone());
        let program = installed.map(|it| Program {
            path: it.program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            folder: folder.join("function"),
            size_bytes: it.size_bytes,
        });
        Self { name, duties: Duties::Payments, program, variables, maker: Maker::Others }
    }

    /// Its column, empty.
    pub(super) fn column<T>(&self) -> Column<T> {
        let program = self.program.as_ref();
        Column {
            name: self.name.clone(),
            is_peer: !self.is_ours(),
            size_bytes: program.ok().and_then(|it| it.size_bytes),
            runs: Vec::new(),
            missing: program.err().cloned(),
            repeated: None,
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        self.maker == Maker::Ours
    }

    /// What starts it.
    pub(super) fn command(&self) -> Result<Command, String> {
        let program = self.program.clone()?;
        let mut command = Command::new(program.path);
        command.args(program.arguments).current_dir(program.folder);
        Ok(command)
    }

    /// The environment that Lambda gives a function, with everything behind `port`.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    pub(super) fn environment(&self, port: u16) -> BTreeMap<String, String> {
        let door = format!("127.0.0.1:{port}");
        let base = format!("http://{door}");
        let task = self.program.as_ref().map(|it| it.folder.display().to_string()).unwrap_or_default();
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", door.as_str()),
            ("AWS_ENDPOINT_URL", &base),
            ("STRIPE_API_BASE", &base),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
            ("AWS_REGION", names::REGION),
            ("AWS_DEFAULT_REGION", names::REGION),
            ("AWS_ACCESS_KEY_ID", "ASIABENCH"),
            ("AWS_SECRET_ACCESS_KEY", "of-a-role"),
            ("AWS_SESSION_TOKEN", "of-a-session"),
            ("_HANDLER", "handler.handler"),
            ("LAMBDA_TASK_ROOT", &task),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
        ];
        let mut environment = self.variables.clone();
        environment.extend(lambda.map(|(name, value)| (name.to_owned(), value.to_owned())));
        environment
    }
}
