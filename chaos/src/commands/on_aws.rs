//! `run --target aws`: the experiment on a stack that was deployed.
//!
//! Invariant: nothing is changed before everything that speaks against it was looked for, and said.

use super::arguments::Run;
use super::folder::Folder;
use super::one_run::Telling;
use super::run::{mails, page};
use super::{Exit, Refusal, Surroundings, say, stripe};
use crate::deployed::{self, Cli, CliError, DeployedError, Ended, Plan, Time, Wanted};
use crate::experiment::Experiment;
use clap::Args;
use payments::UnixMs;
use std::ffi::OsString;
use std::time::Duration;

/// What only `--target aws` takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "With --target aws")]
pub(super) struct OnAws {
    /// Name of the stack that was deployed from this template, with StripeMode=test and StripeApiBase of a running
    /// `cargo chaos stripe`
    #[arg(long, value_name = "NAME")]
    pub(super) stack: Option<String>,

    /// Region that it is in
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,

    /// Account that it is in; credentials of any other are refused
    #[arg(long, value_name = "ID")]
    pub(super) account: Option<String>,

    /// Where AWS answers, for anything but AWS itself
    #[arg(long, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,

    /// Where the stack's fake Stripe takes faults, http://HOST:PORT [default: the stack's StripeApiBase]
    #[arg(long, value_name = "URL")]
    pub(super) stripe: Option<String>,

    /// Key of a fake Stripe that was deployed itself, by chaos/deploy/template.yaml
    #[arg(long, value_name = "KEY", value_parser = test_key)]
    pub(super) stripe_key: Option<String>,

    /// The AWS CLI to work with, version 1 or 2 [default: aws]
    #[arg(long, value_name = "PATH")]
    pub(super) aws_cli: Option<OsString>,

    /// Say what would be changed and undone, what it costs and how long it takes; change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A key of Stripe's own never gets here: whoever has a deployed fake made this one up.
fn test_key(text: &str) -> Result<String, String> {
    let is_one =
        text.starts_with("sk_test_") && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_one
        .then(|| text.to_owned())
        .ok_or_else(|| "no test key; accepted: sk_test_…, as the fake was deployed with".to_owned())
}

impl OnAws {
    /// What was typed of it, for a refusal where none of it is meant, and for the line that runs the same again.
    pub(super) fn typed(&self) -> Vec<(&'static str, Option<String>)> {
        let texts = [
            ("stack", &self.stack),
            ("region", &self.region),
            ("account", &self.account),
            ("endpoint-url", &self.endpoint_url),
            ("stripe", &self.stripe),
        ];
        let mut typed: Vec<_> = texts
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, value)| (name, value.clone()))
            .collect();
        // What is printed may be read by others than whoever may have the key.
        typed.extend(self.stripe_key.as_ref().map(|_| ("stripe-key", Some("sk_test_…".to_owned()))));
        typed.extend(self.aws_cli.as_ref().map(|cli| ("aws-cli", Some(cli.display().to_string()))));
        typed.extend(self.dry_run.then_some(("dry-run", None)));
        typed
    }

    /// Refuses what is meant for a deployed stack where there is none.
    pub(super) fn refuse_elsewhere(&self) -> Result<(), Refusal> {
        match self.typed().first() {
            None => Ok(()),
            Some((name, _)) => Err(Refusal::Bad(format!("--{name} without --target aws; accepted: with it"))),
        }
    }
}

/// Runs an experiment on a deployed stack, reports it, and ends with its verdict.
pub(super) fn run(
    wanted: &Run,
    experiment: Experiment,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let missing = |name| {
        Refusal::Bad(format!(
            "--target aws without --{name}; accepted: --stack NAME --region REGION --account ID"
        ))
    };
    if wanted.template.is_some() {
        let line =
            "--template with --target aws; accepted: without it, because the stack is as it was deployed";
        return Err(Refusal::Bad(line.to_owned()));
    }
    let on = &wanted.on_aws;
    let stack = on.stack.as_deref().ok_or_else(|| missing("stack"))?;
    let region = on.region.clone().ok_or_else(|| missing("region"))?;
    let account = on.account.as_deref().ok_or_else(|| missing("account"))?;
    let program = on.aws_cli.clone().unwrap_or_else(|| "aws".into());
    let cli = Cli { program, region, endpoint_url: on.endpoint_url.clone() };
    let seed = wanted.seed_of(&experiment);
    let named = Wanted { stack, account, stripe: on.stripe.as_deref(), stripe_key: on.stripe_key.as_deref() };
    let plan = Plan::make(&named, cli, experiment, seed, stripe::now(around)).map_err(before)?;
    say(around.out, &plan.text());
    if on.dry_run {
        return Ok(Exit::Passed);
    }
    say(around.out, "\n");
    let mut folder = Folder::new(wanted.out.as_deref(), around, &plan.experiment().name);
    folder.make()?;
    let Ended { history, left } = watched(plan, around);
    let history = match history {
        Ok(history) => history,
        Err(error) => {
            folder.unmake();
            let undone =
                if left == 0 { "what was changed is undone" } else { "not all is undone, see above" };
            return match error {
                DeployedError::Interrupted => {
                    say(around.out, &format!("INTERRUPTED: {undone}; nothing is judged or written\n"));
                    Ok(if left == 0 { Exit::Interrupted } else { Exit::Harness })
                }
                DeployedError::Refused(_) | DeployedError::Cli(_) | DeployedError::Stripe(_) => {
                    Err(Refusal::Harness(format!("{error}; {undone}")))
                }
            };
        }
    };
    let (mails, page) = (mails(wanted), page(wanted));
    let telling = Telling { replay: &wanted.replay(seed), mails, page, leaves: None };
    let exit = telling.told(&history, Duration::ZERO, &mut folder, around)?;
    if left > 0 {
        return Err(Refusal::Harness("not all is undone, see above".to_owned()));
    }
    Ok(exit)
}

/// Runs it in real time, and says what is seen.
fn watched(plan: Plan, around: &mut Surroundings<'_>) -> Ended {
    let Surroundings { started, elapsed, interrupted, out, .. } = around;
    let began = UnixMs(started.as_millisecond());
    let now = || began.plus_ms(i64::try_from(elapsed().as_millis()).unwrap_or(i64::MAX));
    let wait = |ms| std::thread::sleep(Duration::from_millis(ms));
    let time = Time { now: &now, wait: &wait, interrupted: *interrupted };
    deployed::run(plan, &time, &mut |line| say(*out, &format!("{line}\n")))
}

/// Nothing was changed yet: whatever is wrong is what was typed, or what it names.
fn before(error: DeployedError) -> Refusal {
    match error {
        DeployedError::Cli(CliError::Failed { .. }) => {
            Refusal::Bad(format!("{error}; accepted: a stack, a region and credentials that AWS knows"))
        }
        DeployedError::Refused(_)
        | DeployedError::Cli(CliError::Missing { .. })
        | DeployedError::Stripe(_)
        | DeployedError::Interrupted => Refusal::Bad(error.to_string()),
    }
}
