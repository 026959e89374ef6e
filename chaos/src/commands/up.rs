//! `up`: the stack on this machine, in real time, for the AWS CLI and for whoever wants to see it work.
//!
//! Invariant: nothing is said on standard output before everything listens, and all that was started is gone at the end.

use super::stripe::{self, Beginning, now, ring_when_ended};
use super::values::{Build, port};
use super::{Exit, Refusal, Surroundings, say, template};
use crate::cloud::names;
use crate::serve::{self, ServeError};
use crate::stripe::{Latency, Mode};
use crate::up::{self, EdgeStanding, Offer, Standing, Told, UpError};
use crate::world::own_edge;
use clap::{Args, ValueHint};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;

const EXAMPLES: &str = "\
Examples:
  cargo chaos up                                            then paste the lines it prints, and send payments
  cargo chaos up --edge-port 12112                          payments come in and are looked up by HTTP, too
  cargo chaos up --failure-rate 1                           Stripe is gone from the beginning
  cargo chaos up --fault stripe-lost-answer=0.3             three answers in ten are lost, their effect is not
  cargo chaos fault set stripe-unavailable=1 --ttl 5m       while it runs

Exit codes:
  0   ended by Ctrl-C
  64  bad arguments or template, a port in use, or the functions cannot be built
  70  it could not be kept up";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Up {
    /// Port for AWS; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = port, default_value_t = up::PORT, allow_negative_numbers = true)]
    pub(super) port: u16,

    /// Port for the fake Stripe, always on 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = port, default_value_t = serve::PORT, allow_negative_numbers = true)]
    pub(super) stripe_port: u16,

    /// Address for AWS; whoever reaches it may do everything there
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) listen: IpAddr,

    /// Also deploy the edge, and serve it on this port, on the address for AWS; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = port, allow_negative_numbers = true)]
    pub(super) edge_port: Option<u16>,

    #[command(flatten)]
    pub(super) beginning: Beginning,

    /// How the functions are built
    #[arg(long, value_name = "PROFILE", default_value = "debug")]
    pub(super) build: Build,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("address {text}; accepted: an IP address of this machine, such as 127.0.0.1"))
}

/// Keeps the stack up until Ctrl-C, then prints what was charged and what went wrong.
pub(super) fn up(wanted: &Up, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    // Told before minutes of building, if it is not there or cannot be honoured.
    let deployed = template::deployed(wanted.template.as_deref(), &BTreeMap::new(), around)?;
    let deployed = match wanted.edge_port {
        Some(_) => deployed.with_edge(&own_edge(), &BTreeMap::new())?,
        None => deployed,
    };
    let (faults, seed) = (wanted.beginning.faults()?, wanted.beginning.seed);
    let binaries = wanted.build.binaries(around)?;
    let now = now(around);
    let (latency, mode) = (Latency::Usual, Mode::Test);
    let stripe = serve::Offer { port: wanted.stripe_port, mode, latency, faults, seed, now };
    let (listen, port, edge_port) = (wanted.listen, wanted.port, wanted.edge_port);
    let offer = Offer { deployed, binaries, listen, port, edge_port, stripe, seed, now };
    let stop = Arc::new(Notify::new());
    ring_when_ended(Arc::clone(&stop)).map_err(|error| Refusal::Harness(error.to_string()))?;
    let elapsed = around.elapsed;
    let began = elapsed();
    let served = up::up(&offer, &stop, &mut |told| {
        let after_s = elapsed().saturating_sub(began).as_secs();
        say(around.out, &line(told, after_s));
    })?;
    say(around.out, &format!("\n{}{}", served.sums.text(), stripe::told(&served.faults)));
    Ok(Exit::Passed)
}

impl From<UpError> for Refusal {
    fn from(error: UpError) -> Self {
        match error {
            UpError::World(error) => error.into(),
            UpError::Port { .. } | UpError::Stripe(ServeError::Port { .. }) => Self::Bad(error.to_string()),
            UpError::Stripe(ServeError::System(_)) | UpError::System(_) | UpError::Harness(_) => {
                Self::Harness(error.to_string())
            }
        }
    }
}

fn line(told: Told<'_>, after_s: u64) -> String {
    let at = format!("{:>4}m {:02}s", after_s / 60, after_s % 60);
    match told {
        Told::Standing(standing) => greeting(standing),
        Told::Mail(subject, url) => format!("{at}  mail: {subject}\n           {url}\n"),
        Told::Notice(text) => format!("{at}  {text}\n"),
    }
}

fn greeting(standing: &Standing) -> String {
    let Standing { aws, stripe_port, edge, deployed } = standing;
    let template = &deployed.template;
    let mut out = format!(
        "{template} is up, both functions as processes, in real time. Ctrl-C ends all of it.\n\n  \
         page     {aws}/\n  AWS      {aws}\n  Stripe   http://127.0.0.1:{stripe_port}   faults: cargo chaos fault list|set|clear --port {stripe_port}\n  \
         mails    {aws}/chaos/mails\n  state    {aws}/chaos/state\n\nPaste this into another shell:\n\n"
    );
    let region = names::REGION;
    let lines = [
        format!("AWS_ENDPOINT_URL={aws} AWS_REGION={region} AWS_DEFAULT_REGION={region}"),
        "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_EC2_METADATA_DISABLED=true AWS_PAGER="
            .to_owned(),
    ];
    let local = |url: &str| format!("{aws}/{}/{}", names::ACCOUNT, names::queue_in_url(url));
    let outputs = &deployed.stack.outputs;
    let named = |(variable, name): (&str, &str)| {
        let value = outputs.get(name)?;
        let value = if name.ends_with("QueueUrl") { local(value) } else { value.clone() };
        Some(format!("{variable}={value}"))
    };
    for line in lines.into_iter().chain(VARIABLES.into_iter().filter_map(named)) {
        let _ = writeln!(out, "  export {line}");
    }
    if let Some(EdgeStanding { base, authorization }) = edge {
        let _ = write!(
            out,
            "  export EDGE={base} EDGE_AUTHORIZATION='{authorization}'\n\n\
             hand a payment in at the edge, and open the link that it answers with, below $EDGE:\n\n  \
             curl $EDGE/payments --header \"authorization: $EDGE_AUTHORIZATION\" --header 'payment-id: order-2' --data \\\n    \
             '{{\"payment_id\":\"order-2\",\"amount\":1999,\"currency\":\"eur\",\"payment_method\":\"pm_card_visa\"}}'\n"
        );
    }
    out.push_str(
        "\nand send a payment, or PYMT_FAILED, which is dead-lettered and told of:\n\n  \
         aws sqs send-message --queue-url $PAYMENTS_QUEUE_URL --message-body \\\n    \
         '{\"payment_id\":\"order-1\",\"amount\":1999,\"currency\":\"eur\",\"payment_method\":\"pm_card_visa\"}'\n\n\
         Version 1 of the AWS CLI does not listen to AWS_ENDPOINT_URL for SQS: alias aws='aws --endpoint-url '$AWS_ENDPOINT_URL\n\n",
    );
    out
}

/// The stack's outputs, as variables of a shell.
const VARIABLES: [(&str, &str); 7] = [
    ("PAYMENTS_QUEUE_URL", "PaymentsQueueUrl"),
    ("DEAD_LETTERS_QUEUE_URL", "DeadLettersQueueUrl"),
    ("QUARANTINE_QUEUE_URL", "QuarantineQueueUrl"),
    ("LEDGER_TABLE", "LedgerTable"),
    ("CONSUMER_FUNCTION", "ConsumerFunction"),
    ("CONSUMER_LOG_GROUP", "ConsumerLogGroup"),
    ("RESPONDER_FUNCTION", "ResponderFunction"),
];
