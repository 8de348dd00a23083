//! A whole page: every case linted, compared, and where that is wanted written anew.

use std::ops::Range;

use super::Complaint;
use super::blocks::Blocks;
use super::page::{BlockKind, Case, Page};
use super::record::Recorder;
use super::scene::{Candidate, Scene};

/// What is wanted of pages.
#[derive(Default)]
pub struct Wanted {
    /// Fewer cases show too little of a rule.
    pub cases_min: usize,
    /// Whether what came of the cases is written into the page.
    pub is_blessed: bool,
    /// Who tells the facts anew, if they are.
    pub recorder: Option<Recorder>,
}

/// What came of a page.
pub struct Checked {
    /// The page as it should be; its text is as it was where nothing is to be written.
    pub page: Page,
    /// Its cases, as far as they can be linted.
    pub scenes: Vec<Scene>,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
}

/// Something to put in the place of a range of the page.
type Edit = (Range<usize>, String);

/// Checks the page of a rule.
pub fn check(candidate: Candidate, page: Page, wanted: &Wanted) -> Checked {
    let mut checked = Checked { page, scenes: Vec::new(), complaints: Vec::new() };
    let title = format!("# {}", candidate.own_name());
    let first = checked.page.text.lines().next().unwrap_or_default();
    if first != title {
        let message = format!("the title is not `{title}`: the page begins with {first:?}");
        checked.complaints.push(checked.page.complain(1, message));
    }
    let count = checked.page.cases.len();
    if count < wanted.cases_min {
        let has = format!(
            "the page has {count} cases, and needs {} at least: each block that begins with ```dockerfile is one",
            wanted.cases_min
        );
        checked.complaints.push(checked.page.complain(1, has));
    }
    if let Some(recorder) = &wanted.recorder {
        checked.each_case(|page, case| {
            let facts = recorder.record(candidate, page, case)?;
            Ok(case.edit(page, BlockKind::Facts, facts.as_deref()).into_iter().collect())
        });
    }
    let mut scenes = Vec::new();
    checked.each_case(|page, case| {
        let scene = Scene::new(candidate, page, case)?;
        let report = scene.lint();
        scene.judge(&report).map_err(|message| page.complain(case.dockerfile.line, message))?;
        scene.idle(&report).map_or(Ok(()), |message| Err(page.complain(case.line(BlockKind::Facts), message)))?;
        let got = Blocks::of(scene.text(), &report);
        scenes.push(scene);
        if wanted.is_blessed {
            return Ok(case.bless(page, &got));
        }
        match got.differences(case).into_iter().next() {
            Some((kind, difference)) => Err(page.complain(case.line(kind), difference)),
            None => Ok(Vec::new()),
        }
    });
    checked.scenes = scenes;
    checked
}

impl Checked {
    /// Does something with each case, and then to the page what is to be done for it.
    fn each_case(&mut self, mut body: impl FnMut(&Page, &Case) -> Result<Vec<Edit>, Complaint>) {
        let mut edits = Vec::new();
        for case in &self.page.cases {
            match body(&self.page, case) {
                Ok(more) => edits.extend(more),
                Err(complaint) => self.complaints.push(complaint),
            }
        }
        if edits.is_empty() {
            return;
        }
        // From the last on, so that those before it stay where they are.
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut text = self.page.text.clone();
        for (range, new) in edits {
            text.replace_range(range, &new);
        }
        match Page::parse(&self.page.path, text) {
            Ok(page) => self.page = page,
            Err(complaint) => self.complaints.push(complaint),
        }
    }
}

impl Case {
    /// What puts what was got into the page.
    fn bless(&self, page: &Page, got: &Blocks) -> Vec<Edit> {
        let findings = Some(got.findings.as_str()).filter(|findings| !findings.is_empty());
        // A case need not show how it is fixed.
        let fixed = got.fixed.as_deref().filter(|_| self.others.contains_key(&BlockKind::Fixed));
        let kinds = [(BlockKind::Findings, findings), (BlockKind::Fixed, fixed)];
        kinds.into_iter().filter_map(|(kind, text)| self.edit(page, kind, text)).collect()
    }

    /// What gives a block this text; none where it has it. Without text there is no block.
    fn edit(&self, page: &Page, kind: BlockKind, text: Option<&str>) -> Option<Edit> {
        if self.text(kind) == text {
            return None;
        }
        let fenced = |text: &str| format!("```{}\n{text}```\n", kind.name());
        Some(match (self.others.get(&kind), text) {
            (Some(block), Some(text)) => (block.whole.clone(), fenced(text)),
            (Some(block), None) => {
                let Range { start, end } = block.whole;
                let blank = usize::from(page.text[..start].ends_with("\n\n"));
                (start - blank..end, String::new())
            }
            (None, text) => (self.dockerfile.whole.end..self.dockerfile.whole.end, format!("\n{}", fenced(text?))),
        })
    }
}
