//! `--explain-plan`: what would be asked, by which rule, of which host.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::{counted, printable};
use crate::config::{Pool, Pools};
use crate::lint::Outcome;
use crate::question::Question;

/// The questions in the order in which they were first planned, each with who
/// asks it and how often. With `fail_fast`, files with errors ask nothing; what
/// an earlier run knows is not asked either, nor what a pool is for that is switched off.
pub fn plan(outcome: &Outcome, fail_fast: bool, pools: &Pools) -> String {
    let barred = |question: &Question| {
        let pool = Pool::of(question);
        let known = outcome.recalled.contains(question).then_some("known from an earlier run");
        known.or_else(|| (!pools.of(pool).enabled).then(|| pool.how_to_enable()))
    };
    let mut order: Vec<&Question> = Vec::new();
    let mut askers: HashMap<&Question, BTreeMap<&str, usize>> = HashMap::new();
    let (silent, asking): (Vec<_>, Vec<_>) = outcome.files.iter().partition(|file| fail_fast && file.has_error());
    for (rule, question) in asking.iter().flat_map(|file| &file.planned) {
        let askers = askers.entry(question).or_default();
        if askers.is_empty() {
            order.push(question);
        }
        *askers.entry(rule).or_default() += 1;
    }
    let mut text = String::new();
    for question in &order {
        let host = question.host().map(|host| format!(" {host}")).unwrap_or_default();
        let barred = barred(question).map(|why| format!(" ({why})")).unwrap_or_default();
        let shown = printable(&question.to_string());
        let _ = writeln!(text, "{}{host}: {shown}{barred}", question.resolver());
        for (rule, count) in &askers[question] {
            let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
            let _ = writeln!(text, "    {rule}{times}");
        }
    }
    for file in silent.iter().filter(|file| !file.planned.is_empty()) {
        let requests = counted(file.planned.len(), "request");
        let _ = writeln!(text, "{}: {requests} skipped (the file has errors already)", printable(&file.path));
    }
    order.retain(|question| barred(question).is_none());
    let is_asked = |planned: &&(_, Question)| barred(&planned.1).is_none();
    let (questions, planned) =
        (order.len(), asking.iter().map(|file| file.planned.iter().filter(is_asked).count()).sum());
    let _ = writeln!(
        text,
        "{} would be asked for {}; nothing was asked.",
        counted(questions, "question"),
        counted(planned, "request")
    );
    text
}
