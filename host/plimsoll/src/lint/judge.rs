//! What the answers mean for one file.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_dockerfile::BaseImage;
use plimsoll_dockerfile::model::Base;

use super::Job;
use super::merge::{self, Verdict};
use super::work::{Content, Pending, Work, skipped};
use crate::document::Meaning;
use crate::finding::{Finding, Skipped};
use crate::limits::{FAILURES_MAX, FINDINGS_MAX};
use crate::plugin::{Answered, Failure, Log, Runner};
use crate::question::{self, Answer, Question, SkipReason};
use crate::schedule::Session;

/// What one round of answers came to.
#[derive(Default)]
pub(super) struct Round {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) findings: Vec<Finding>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) pending: Vec<Pending>,
    pub(super) said: Vec<(usize, Vec<Failure>, Log)>,
}

/// Hands each answer to the rule that asked, in the order of planning.
pub(super) fn judge(job: &Job, runner: &mut Runner, session: &Session, work: &Work) -> Round {
    let mut round = Round::default();
    let Some(content) = &work.content else { return round };
    // One meaning at a time: a file with many base images would need many.
    let mut seeded: Option<(Vec<Question>, Arc<Meaning>)> = None;
    let mut failures = vec![0; job.plugins.len()];
    let mut counts: HashMap<(usize, u32), usize> = HashMap::new();
    let mut planned = content.planned.clone();
    for pending in &work.pending {
        let request = &pending.request;
        let verdict = |outcome| Verdict { plugin: pending.plugin, rule: request.rule, scope: request.scope, outcome };
        let answer = match session.outcome(&request.question) {
            Some(Ok(answer)) => answer.clone(),
            failed => {
                let failure = match failed {
                    Some(Err(failure)) => failure.clone(),
                    _ => question::Failure {
                        reason: SkipReason::ResolverError,
                        detail: "the resolver gave up".to_owned(),
                    },
                };
                round.skipped.push(skipped(job, pending, &failure));
                round.verdicts.push(verdict(merge::Outcome::Failed));
                continue;
            }
        };
        let mut answers = vec![Arc::new(Answered { request: request.clone(), answer })];
        answers.extend(pending.follows.iter().cloned());
        if failures[pending.plugin] >= FAILURES_MAX {
            round.verdicts.push(verdict(merge::Outcome::Failed));
            continue;
        }
        let asked: Vec<Question> = answers.iter().map(|answered| answered.request.question.clone()).collect();
        let (_, meaning) = match seeded.take().filter(|(questions, _)| *questions == asked) {
            Some(known) => seeded.insert(known),
            None => seeded.insert((asked, reseed(job, content, &answers))),
        };
        let subject = content.subject(pending.plugin, meaning.clone());
        let judgement = runner.judge(pending.plugin, &subject, answers.clone(), planned[pending.plugin]);

        planned[pending.plugin] += judgement.planned.len();
        let follow_ups = judgement.planned.into_iter();
        round.pending.extend(follow_ups.map(|request| Pending {
            plugin: pending.plugin,
            request,
            follows: answers.clone(),
        }));
        round.verdicts.push(verdict(match judgement.replaces {
            Some(true) => merge::Outcome::Replaced,
            _ if !judgement.failures.is_empty() => merge::Outcome::Failed,
            _ => merge::Outcome::Stands,
        }));
        failures[pending.plugin] += judgement.failures.len();
        let count = counts.entry((pending.plugin, request.rule)).or_default();
        let room = FINDINGS_MAX.saturating_sub(*count);
        *count += judgement.findings.len();
        round.findings.extend(judgement.findings.into_iter().take(room));
        round.said.push((pending.plugin, judgement.failures, judgement.log));
    }
    round
}

/// The meaning of the document when these answers are known.
fn reseed(job: &Job, content: &Content, answers: &[Arc<Answered>]) -> Arc<Meaning> {
    let images: Vec<(&Question, BaseImage)> = answers
        .iter()
        .filter_map(|answered| Some((&answered.request.question, base_image(&answered.answer)?)))
        .collect();
    if images.is_empty() {
        return content.meaning.clone();
    }
    let mut known = Vec::new();
    for (index, stage) in (0..).zip(&content.meaning.model().stages) {
        let Base::Image { reference, .. } = &stage.base else { continue };
        let question = Question::Image { reference: reference.with_default_tag(), platform: stage.platform.clone() };
        known.extend(images.iter().find(|(asked, _)| **asked == question).map(|(_, image)| (index, image)));
    }
    Arc::new(Meaning::new(content.document.clone(), &job.surroundings, &known))
}

fn base_image(answer: &Answer) -> Option<BaseImage> {
    let image = answer.image()?;
    Some(BaseImage {
        environment: image.environment.clone(),
        working_dir: image.working_dir.clone(),
        user: image.user.clone(),
        shell: image.shell.clone(),
        onbuild: image.onbuild.clone(),
        platform: Some(image.platform.clone()),
    })
}
