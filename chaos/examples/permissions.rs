//! Prints every permission of the repository's templates, the edge's among them, resolved: one action and one resource a
//! line, apart by a tab. With those that are granted only on request.
//! For whoever holds them to what AWS publishes; see `ci/permissions`.

use chaos::world::{Deployed, WorldError, own_edge, own_template, own_watch};
use std::collections::BTreeMap;

fn main() -> Result<(), WorldError> {
    let on_request = [("Tracing", "on"), ("StripeEventBus", "aws.partner/stripe.com/ed_test_1")];
    let on_request: BTreeMap<String, String> =
        on_request.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let as_it_is = BTreeMap::new();
    let deployed = Deployed::load(&own_template(), &on_request)?
        .with_edge(&own_edge(), &as_it_is)?
        .with_watch(&own_watch(), &as_it_is)?;
    for grant in deployed.policies().grants() {
        println!("{}\t{}", grant.action, grant.resource);
    }
    Ok(())
}
