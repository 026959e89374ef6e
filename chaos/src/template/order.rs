//! The order of creation.
//!
//! Invariant: no resource needs itself, by whatever detour; linters see such circles only after SAM's translation.

use super::error::{Place, Problem, TemplateError};
use std::collections::{BTreeMap, BTreeSet};

/// Refuses resources that need each other. `needs` holds, for each resource, those that must exist before it.
pub(super) fn refuse_circles(
    needs: &BTreeMap<String, BTreeSet<String>>,
    template: &Place,
) -> Result<(), TemplateError> {
    let mut created = BTreeSet::new();
    needs.keys().try_for_each(|name| create(name, needs, &mut created, &mut Vec::new())).map_err(|chain| {
        TemplateError {
            place: Place { line: 0, ..template.clone() },
            problem: Problem::Circular { chain: chain.join(" → ") },
        }
    })
}

/// Creates what `name` needs, then `name`; the error is the circle that makes it impossible.
fn create<'a>(
    name: &'a str,
    needs: &'a BTreeMap<String, BTreeSet<String>>,
    created: &mut BTreeSet<&'a str>,
    waiting: &mut Vec<&'a str>,
) -> Result<(), Vec<&'a str>> {
    let first = waiting.iter().position(|open| *open == name);
    waiting.push(name);
    if let Some(first) = first {
        return Err(waiting.split_off(first));
    }
    if !created.contains(name) {
        for needed in needs.get(name).into_iter().flatten() {
            create(needed, needs, created, waiting)?;
        }
        created.insert(name);
    }
    waiting.pop();
    Ok(())
}
