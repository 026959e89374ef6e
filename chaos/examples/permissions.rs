//! Prints every permission of the repository's template, resolved: one action and one resource a line, apart by a tab.
//! For whoever holds them to what AWS publishes; see `ci/permissions`.

use chaos::world::{Deployed, WorldError, own_template};
use std::collections::BTreeMap;

fn main() -> Result<(), WorldError> {
    let deployed = Deployed::load(&own_template(), &BTreeMap::new())?;
    for grant in deployed.stack.policies.grants() {
        println!("{}\t{}", grant.action, grant.resource);
    }
    Ok(())
}
