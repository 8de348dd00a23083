//! What rules cost: time, bytes that cross, requests.
//!
//! Input: files, and for each the one rule that runs. Output: one [`Cost`] a rule. Invariant: a cost is that of
//! a warm instance, the best of several rounds over the same files, so that figures of one run can be compared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Complaint;
use super::scene::{Candidate, Scene};
use crate::limits::{BENCH_ROUNDS_MIN, BENCH_TIME};
use crate::lint::Instances;
use crate::plugin::{Meter, Plugin};

/// What one rule costs for all files together.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Its full name.
    pub rule: Arc<str>,
    /// How many files.
    pub files: usize,
    /// The time in the plugin and in what it called, of the fastest round.
    pub time: Duration,
    /// Bytes that it was given: tables, texts, answers.
    pub given: u64,
    /// Bytes that it gave: questions, messages, findings.
    pub taken: u64,
    /// Questions that it planned.
    pub requests: usize,
}

/// What a rule costs over the cases of its page.
pub fn cost(plugins: &Arc<[Plugin]>, rule: &Arc<str>, scenes: &[Scene]) -> Cost {
    let meter = Arc::new(Meter::default());
    let instances = Instances::metered(plugins.clone(), meter.clone());
    let mut cost =
        Cost { rule: rule.clone(), files: scenes.len(), time: Duration::MAX, given: 0, taken: 0, requests: 0 };
    let start = Instant::now();
    let mut round = 0;
    // The first is there to warm up: it makes the instance.
    while round <= BENCH_ROUNDS_MIN || start.elapsed() < BENCH_TIME {
        let (time, given, taken) = (meter.time(), meter.given(), meter.taken());
        let requests = scenes.iter().map(|scene| scene.lint_in(&instances).planned.len()).sum();
        if round > 0 {
            cost.time = cost.time.min(meter.time() - time);
            (cost.given, cost.taken, cost.requests) = (meter.given() - given, meter.taken() - taken, requests);
        }
        round += 1;
    }
    cost
}

/// What a rule costs over files, where nobody answers.
///
/// # Errors
/// When its plugin cannot be configured.
pub fn cost_of_files(candidate: Candidate, files: &[(String, Vec<u8>)]) -> Result<Cost, Complaint> {
    let scenes = files.iter().map(|(name, bytes)| Scene::of_file(candidate, name, bytes.clone()));
    let scenes = scenes.collect::<Result<Vec<_>, _>>()?;
    Ok(cost(candidate.plugins, candidate.name(), &scenes))
}
