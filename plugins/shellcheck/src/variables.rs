//! Which variables the Dockerfile sets where a script runs.

use std::collections::BTreeSet;

use plimsoll_sdk::{Base, Document, Keyword, Step, WordRole};

/// Build arguments that every RUN may be given without asking, as shells spell them.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/// The names that ENV and ARG have set so far, by stage.
#[derive(Default)]
pub(crate) struct Variables {
    stages: Vec<(Option<u32>, BTreeSet<String>)>,
}

impl Variables {
    /// Takes what a step sets. Steps come in the order they run.
    pub(crate) fn take(&mut self, document: &Document, step: &Step) {
        let Some(stage) = step.stage().filter(|_| matches!(step.keyword(), Keyword::Env | Keyword::Arg)) else {
            return;
        };
        let names = step.words().filter_map(|word| match (step.keyword(), word.role()) {
            (Keyword::Env, WordRole::Key) => Some(word.value().unwrap_or(word.text()).to_owned()),
            (Keyword::Arg, _) => Some(word.text().split('=').next().unwrap_or_default().to_owned()),
            _ => None,
        });
        self.stage(document, stage.index()).extend(names);
    }

    /// Whether a name is set in a stage or one it is built on.
    pub(crate) fn contain(&self, document: &Document, stage: u32, name: &str) -> bool {
        let mut at = Some(stage);
        while let Some(index) = at {
            match self.stages.get(index as usize) {
                Some((_, names)) if names.contains(name) => return true,
                Some((base, _)) => at = *base,
                None => at = base(document, index),
            }
        }
        PROXIES.contains(&name)
    }

    fn stage(&mut self, document: &Document, stage: u32) -> &mut BTreeSet<String> {
        for index in u32::try_from(self.stages.len()).unwrap_or(u32::MAX)..=stage {
            self.stages.push((base(document, index), BTreeSet::new()));
        }
        &mut self.stages[stage as usize].1
    }
}

/// The earlier stage that a stage is built on.
fn base(document: &Document, stage: u32) -> Option<u32> {
    match document.stage(stage).base() {
        Base::Stage(base) if base < stage => Some(base),
        _ => None,
    }
}
