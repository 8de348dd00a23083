//! Judging files while their answers arrive, so that one whose errors come from
//! an answer waits for no further ones.
//!
//! Input: files that wait, and answers in any order. Output: how far each was
//! judged, and which questions nobody waits for any more. Invariant: what a file
//! comes to is the same as if all answers had been there at once ([`Judging`]
//! sees to that); a question that another file waits for goes on.

use std::collections::{HashMap, HashSet};

use super::Job;
use super::judge::Judging;
use super::work::Work;
use crate::plugin::Runner;
use crate::question::Question;
use crate::schedule::{Listen, Outcome, Session};

/// The files of one round.
pub(super) struct Early<'r> {
    job: &'r Job,
    runner: Runner,
    files: Vec<File<'r>>,
    /// Files by the questions that they wait for.
    waiting: HashMap<&'r Question, Vec<usize>>,
}

struct File<'r> {
    work: &'r Work,
    judging: Judging,
    /// Distinct questions without an answer yet.
    open: HashSet<&'r Question>,
}

impl<'r> Early<'r> {
    /// Begins with files that wait. Where errors keep no file from asking, there is
    /// nothing to be early for.
    pub(super) fn new(job: &'r Job, session: &Session, files: impl Iterator<Item = &'r Work>) -> Self {
        let mut waiting: HashMap<_, Vec<usize>> = HashMap::new();
        let mut file = |(index, work): (usize, &'r Work)| {
            let questions = work.pending.iter().map(|pending| &pending.request.question);
            let is_open = |question: &&Question| job.slow_checks.fail_fast && session.outcome(question).is_none();
            let open: HashSet<_> = questions.filter(is_open).collect();
            open.iter().for_each(|question| waiting.entry(*question).or_default().push(index));
            File { work, judging: Judging::default(), open }
        };
        let files = files.enumerate().map(&mut file).collect();
        Self { job, runner: Runner::new(job.plugins.clone()), files, waiting }
    }

    /// How far each file was judged.
    pub(super) fn judgings(self) -> impl Iterator<Item = Judging> {
        self.files.into_iter().map(|file| file.judging)
    }
}

impl Listen for Early<'_> {
    fn arrived(&mut self, question: &Question, known: &dyn Fn(&Question) -> Option<Outcome>) -> Vec<Question> {
        let mut unwanted = Vec::new();
        for index in self.waiting.remove(question).unwrap_or_default() {
            let File { work, judging, open } = &mut self.files[index];
            open.remove(question);
            // Where nothing is in flight for this file alone, there is time for that when all files are judged on
            // all cores.
            let is_alone = |question: &&Question| self.waiting.get(question).is_some_and(|files| files.len() == 1);
            if !open.iter().any(is_alone) {
                continue;
            }
            judging.go_on(self.job, &mut self.runner, work, known);
            if judging.done() < work.pending.len() {
                continue;
            }
            for question in open.drain() {
                let files = self.waiting.entry(question).or_default();
                files.retain(|file| *file != index);
                if files.is_empty() {
                    unwanted.push(question.clone());
                }
            }
        }
        unwanted
    }
}
