//! All pages of a plugin.
//!
//! Input: a plugin and the folder of its pages. Output: one [`Tested`] a rule, in the order of the plugin;
//! pages are written where that is wanted. Invariant: each rule has a page and each page a rule.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::Complaint;
use super::check::{Checked, Wanted, check};
use super::page::{Page, page_name};
use super::scene::{Candidate, Scene};
use super::steadiness::steadiness;
use crate::plugin::Plugin;

/// What came of a rule's page.
pub struct Tested {
    /// The rule's full name.
    pub rule: Arc<str>,
    /// How many cases it has.
    pub cases: usize,
    /// Its cases, as far as they can be linted.
    pub scenes: Vec<Scene>,
    /// Whether the page was written anew.
    pub is_rewritten: bool,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
}

/// Tests the rules of a plugin by their pages. What comes besides is wrong with the folder.
///
/// # Errors
/// When the folder cannot be read, or a page not be written.
pub fn test(
    plugins: &Arc<[Plugin]>,
    plugin: usize,
    folder: &Path,
    wanted: &Wanted,
) -> io::Result<(Vec<Tested>, Vec<Complaint>)> {
    let strays = strays(&plugins[plugin], folder)?;
    let candidates = (0..plugins[plugin].rules.len()).map(|rule| Candidate { plugins, plugin, rule });
    let tested = candidates.map(|candidate| test_rule(candidate, folder, wanted));
    let mut tested = tested.collect::<io::Result<Vec<_>>>()?;
    let scenes: Vec<&Scene> = tested.iter().flat_map(|rule| &rule.scenes).collect();
    for complaint in steadiness(plugins, &scenes) {
        let is_own = |rule: &&mut Tested| rule.scenes.iter().any(|scene| scene.path() == complaint.path);
        tested.iter_mut().find(is_own).into_iter().for_each(|rule| rule.complaints.push(complaint.clone()));
    }
    Ok((tested, strays))
}

fn test_rule(candidate: Candidate, folder: &Path, wanted: &Wanted) -> io::Result<Tested> {
    let path = folder.join(page_name(candidate.own_name()));
    let mut tested = Tested {
        rule: candidate.name().clone(),
        cases: 0,
        scenes: Vec::new(),
        is_rewritten: false,
        complaints: Vec::new(),
    };
    let page = match Page::read(&path, candidate.own_name()) {
        Ok(page) => page,
        Err(complaint) => {
            tested.complaints.push(complaint);
            return Ok(tested);
        }
    };
    let before = page.text.clone();
    let Checked { page, scenes, mut complaints } = check(candidate, page, wanted);
    if let Some(fault) = candidate.plugins[candidate.plugin].schema_fault(candidate.rule) {
        complaints.push(page.complain(1, format!("{fault}: mend OPTIONS_SCHEMA of rule {}", candidate.own_name())));
    }
    if page.text != before {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        fs::write(&path, &page.text).map_err(told)?;
        tested.is_rewritten = true;
    }
    Ok(Tested { cases: page.cases.len(), scenes, complaints, ..tested })
}

/// Pages without a rule.
fn strays(plugin: &Plugin, folder: &Path) -> io::Result<Vec<Complaint>> {
    let own = |name: &Arc<str>| page_name(name.split_once('/').map_or(name, |(_, name)| name));
    let known: HashSet<String> = plugin.names.iter().map(own).collect();
    let mut strays = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let is_known = path.file_name().is_some_and(|name| known.contains(&*name.to_string_lossy()));
        if is_page && !is_known {
            let message = format!("plugin {} has no rule for this page; was it built from these sources?", plugin.name);
            strays.push(Complaint { path, line: 1, message });
        }
    }
    strays.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(strays)
}
