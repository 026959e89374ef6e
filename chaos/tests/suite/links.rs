//! Links in the pages of this repository, without a network: every relative one leads to a file that is there, and every
//! anchor to a heading.
//!
//! Invariant: a page is found by looking for it, so a new one is held to this without being named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Folders that are not this repository's text.
const NOT_OURS: [&str; 4] = ["target", "node_modules", "chaos-runs", "snapshots"];

/// What a path in the text of a page begins with.
const TOP: [&str; 6] = ["alarms/", "chaos/", "ci/", "docs/", "functions/", "schemas/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository is there")
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
            pages.extend(self::pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

/// The text without what is code: fences, and blocks that are indented below an empty line.
fn prose(text: &str) -> String {
    let (mut in_fence, mut prose) = (false, String::new());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence && !line.starts_with("    ") {
            prose += line;
            prose.push('\n');
        }
    }
    prose
}

/// Text between backticks, and the text without it.
fn spans(prose: &str) -> (Vec<String>, String) {
    let parts: Vec<&str> = prose.split('`').collect();
    let odd =
        |odd: usize| parts.iter().enumerate().filter(move |(at, _)| at % 2 == odd).map(|(_, part)| *part);
    (odd(1).map(str::to_owned).collect(), odd(0).collect::<Vec<_>>().join("code"))
}

/// The targets of `[text](target)`, images included.
fn targets(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchors of a page: its headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = prose(text);
    let headings =
        headings.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.split_once("# "));
    headings
        .map(|(_, heading)| heading)
        .map(|heading| {
            let kept = heading.trim().to_lowercase();
            let kept = kept.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
            let slug: String = kept.map(|char| if char == ' ' { '-' } else { char }).collect();
            let count = seen.entry(slug.clone()).or_default();
            *count += 1;
            if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
        })
        .collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => normal.push(part),
        }
    }
    normal
}

/// What is wrong with a link, if anything is.
fn broken(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let file = if path.is_empty() { page.to_owned() } else { normal(&page.parent()?.join(path)) };
    if !file.starts_with(root()) || !file.exists() {
        return Some(format!("{target}: no such file"));
    }
    let anchor = anchor?;
    let text = fs::read_to_string(&file).unwrap_or_default();
    (!anchors(&text).contains(anchor)).then(|| format!("{target}: no such heading"))
}

/// Whether a span of code is a path of this repository, and not a pattern or an example.
fn is_path(span: &str) -> bool {
    TOP.iter().any(|top| span.starts_with(top))
        && span.chars().all(|char| char.is_ascii_alphanumeric() || "/._-".contains(char))
        && !span.contains("NAME")
}

#[test]
fn every_link_and_every_path_in_a_page_leads_somewhere() {
    let pages = pages(&root());
    assert!(pages.len() > 20, "{pages:?}");
    let (mut wrong, mut links, mut paths) = (Vec::new(), 0, 0);
    for page in &pages {
        let text = fs::read_to_string(page).expect("a page can be read");
        let (spans, rest) = spans(&prose(&text));
        let targets = targets(&rest);
        links += targets.len();
        let bad = targets.iter().filter_map(|target| broken(page, target));
        wrong.extend(bad.map(|bad| format!("{}: {bad}", page.display())));
        let named = spans.iter().filter(|span| is_path(span));
        for path in named {
            paths += 1;
            if !root().join(path).exists() && !root().join(path).with_extension("rs").exists() {
                wrong.push(format!("{}: `{path}`: no such file", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(links > 40 && paths > 60, "{links} links and {paths} paths were looked at");
}

#[test]
fn what_is_not_there_is_noticed() {
    let page = root().join("README.md");
    let said = |target: &str| broken(&page, target);
    assert_eq!(said("chaos/experiments/README.md#the-file-itself"), None);
    assert_eq!(said("#run-it"), None);
    assert_eq!(said("https://example.com/#nothing"), None);
    for target in ["docs/nothing.md", "#nothing", "docs/producers.md#nothing", "../elsewhere.md"] {
        assert!(said(target).is_some(), "{target}");
    }
}

#[test]
fn headings_become_anchors_as_on_github() {
    let text = "# One, two\n## `code` and A-b_c\n## One, two\n```sh\n# no heading\n```\n";
    assert_eq!(anchors(text), ["one-two", "code-and-a-b_c", "one-two-1"].map(str::to_owned).into());
}
