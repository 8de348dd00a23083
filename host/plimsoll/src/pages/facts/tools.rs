//! Facts of runs of tools.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outcome, failure, form};
use crate::question::{Answer, Question, Ran, Tool};

/// What is told of a run: the tool with its arguments, its input, and what it came to.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct RunFact {
    tool: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    input: String,
    #[serde(skip_serializing_if = "is_zero")]
    exit_code: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    output: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    errors: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
}

/// What runs came to.
pub(super) fn runs(facts: Value) -> Result<Vec<(Question, Outcome)>, String> {
    form::<Vec<RunFact>>(facts)?.into_iter().map(run).collect()
}

fn run(fact: RunFact) -> Result<(Question, Outcome), String> {
    let RunFact { tool, input, exit_code, output, errors, skipped } = fact;
    let (name, arguments) = tool.split_first().ok_or("a run names its tool: {\"tool\": [NAME, ARGUMENT…], …}")?;
    let tool = Tool { name: Arc::from(name.as_str()), arguments: arguments.into() };
    let outcome = match failure(skipped.as_deref())? {
        Some(failure) => Err(failure),
        None => Ok(Answer::Ran(Ran { exit_code, output, errors })),
    };
    Ok((Question::Run { tool, input }, outcome))
}

/// What is told of a run; none for another question.
pub(super) fn run_fact(question: &Question, outcome: &Outcome) -> Option<Value> {
    let Question::Run { tool, input } = question else { return None };
    let tool = std::iter::once(tool.name.to_string()).chain(tool.arguments.iter().cloned()).collect();
    let asked = RunFact { tool, input: input.clone(), ..RunFact::default() };
    let fact = match outcome {
        Ok(Answer::Ran(Ran { exit_code, output, errors })) => {
            RunFact { exit_code: *exit_code, output: output.clone(), errors: errors.clone(), ..asked }
        }
        Ok(_) => return None,
        Err(failure) => RunFact { skipped: Some(failure.reason.name().to_owned()), ..asked },
    };
    Some(serde_json::to_value(fact).expect("text and numbers are JSON"))
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &i32) -> bool {
    *number == 0
}
