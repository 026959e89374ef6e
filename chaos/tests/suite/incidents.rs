//! `docs/incidents.md` names what is built against each story; whatever it names exists.
//!
//! Invariant: a story has a source, and something here that would have noticed.

use crate::mutants;
use chaos::experiment::SHIPPED;
use chaos::faults::Kind;
use chaos::promises::Check;
use chaos::world::own_template;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Names by what they are of.
fn known() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    BTreeMap::from([
        ("experiment", SHIPPED.iter().map(|shipped| shipped.name).collect()),
        ("mutant", mutants::names().collect()),
        ("check", Check::ALL.into_iter().map(Check::name).collect()),
        ("fault", Kind::ALL.into_iter().map(Kind::name).collect()),
    ])
}

/// What a story names: ``mutant `never mails` `` is a mutant.
fn named<'a>(
    story: &'a str,
    known: &BTreeMap<&'static str, BTreeSet<&'static str>>,
) -> Vec<(&'static str, &'a str)> {
    let parts: Vec<&str> = story.split('`').collect();
    let spans =
        parts.windows(2).enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, pair)| (pair[0], pair[1]));
    let of = |before: &str| known.keys().copied().find(|kind| before.trim_end().ends_with(kind));
    spans.filter_map(|(before, name)| Some((of(before)?, name))).collect()
}

#[test]
fn every_story_has_a_source_and_names_what_exists() {
    let page = own_template().with_file_name("docs").join("incidents.md");
    let page = fs::read_to_string(page).expect("the page is readable");
    let known = known();
    let stories: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(stories.len() >= 8, "{}", stories.len());
    for story in stories {
        let title = story.lines().next().unwrap_or_default();
        assert!(story.contains("](https://"), "{title}: no source");
        let named = named(story, &known);
        for (kind, name) in &named {
            assert!(known[kind].contains(name), "{title}: there is no {kind} {name}");
        }
        let has = |kind: &str| named.iter().any(|(of, _)| *of == kind);
        assert!(has("check") && (has("mutant") || has("experiment")), "{title}: {named:?}");
        assert!(story.contains("\n- Here: "), "{title}: what happens here?");
    }
}

/// Else the story would say that one thing notices, and another does.
#[test]
fn a_mutant_of_a_story_is_caught_by_a_check_of_it() {
    let page =
        fs::read_to_string(own_template().with_file_name("docs").join("incidents.md")).expect("readable");
    let known = known();
    for story in page.split("\n## ").skip(1) {
        let named = named(story, &known);
        let checks: BTreeSet<&str> =
            named.iter().filter(|(kind, _)| *kind == "check").map(|(_, name)| *name).collect();
        for (_, mutant) in named.iter().filter(|(kind, _)| *kind == "mutant") {
            let caught_by = mutants::caught_by(mutant).unwrap_or_default();
            assert!(
                checks.contains(caught_by),
                "{mutant} is caught by {caught_by}, which its story does not name"
            );
        }
    }
}
