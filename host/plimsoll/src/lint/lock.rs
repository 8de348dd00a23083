//! The lock as what rules look at, after all Dockerfiles.

use std::sync::Arc;

use super::{Input, Job, Outcome, References, Ruleset, Source};
use crate::document::LockView;
use crate::lock::{Lock, view::key};
use crate::question::BuildContext;

/// The lock of a run.
#[derive(Clone)]
pub struct JobLock {
    /// What it says.
    pub lock: Lock,
    /// The same as rules see it.
    pub view: Arc<LockView>,
    /// What holds for the rules about it, as index into [`Job::rulesets`].
    pub ruleset: usize,
    /// The files around it.
    pub context: Arc<BuildContext>,
    /// Whether the run is about all files that the lock is about.
    pub covers_all: bool,
}

/// The job of the rules about the lock, once it is known what the Dockerfiles refer to; none where
/// there are no such rules.
pub(super) fn job(job: &Job, outcome: &Outcome) -> Option<Job> {
    let JobLock { lock, view, ruleset, context, covers_all } = job.lock.as_ref()?;
    let ruleset = &job.rulesets[*ruleset];
    if ruleset.of_lock.iter().all(|settings| settings.enabled.is_empty()) {
        return None;
    }
    let view = match *covers_all && job.unusable.is_empty() {
        true => {
            let unused = References::of(&outcome.files, &job.surroundings).unused(lock, &job.plugins);
            Arc::new(view.with_unused(|entry| unused.contains(&key(entry))))
        }
        false => view.clone(),
    };
    let input =
        Input { shown: view.path().to_owned(), source: Source::Lock(view), ruleset: 0, context: context.clone() };
    Some(Job {
        // Every Dockerfile has said so.
        unusable: Vec::new(),
        rulesets: vec![Ruleset { settings: ruleset.of_lock.clone(), of_lock: Vec::new(), ..ruleset.clone() }],
        surroundings: job.surroundings.first().cloned().into_iter().collect(),
        lock: None,
        threads: 1,
        ..job.over(vec![input])
    })
}
