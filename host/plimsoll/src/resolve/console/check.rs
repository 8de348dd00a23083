//! Many texts, few processes.
//!
//! A tool and texts → what it says of each, as a JSON array. Invariant: a text that makes the tool fail, or
//! takes all its time, costs others no more than a few further runs can tell apart.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{Console, Program};
use crate::limits::{CONSOLE_CHECK_BYTES_MAX, CONSOLE_KILL_GRACE, CONSOLE_OUTPUT_BYTES_MAX, CONSOLE_RETRIES_MAX};
use crate::private::Folder;
use crate::process::{Process, Trouble};
use crate::question::{Answer, Failure, SkipReason, Tool};

type Outcome = Result<Answer, Failure>;

impl Console {
    /// What a tool says of each text.
    pub(super) async fn check(&self, tool: &Tool, suffix: &str, texts: &[&str], deadline: Instant) -> Vec<Outcome> {
        let program = match self.find(tool) {
            Ok(program) => program,
            Err(failure) => return vec![Err(failure); texts.len()],
        };
        let mut outcomes: Vec<Option<Outcome>> = vec![None; texts.len()];
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        // What is known by then must still be told in time.
        let deadline = deadline - CONSOLE_KILL_GRACE.min(left(deadline) / 8);
        let (mut waiting, mut retries) = (VecDeque::new(), CONSOLE_RETRIES_MAX);
        waiting.push_back(0..texts.len());
        while let Some(range) = waiting.pop_front() {
            let left = left(deadline);
            if left.is_zero() {
                outcomes[range].fill(Some(Err(program.failure(&Trouble::Timeout))));
                continue;
            }
            let may_split = range.len() > 1 && retries >= 2;
            // If one text takes all the time, the others need some of it.
            let has_others = may_split || !waiting.is_empty();
            let due = if has_others { deadline - left / 2 } else { deadline };
            match self.check_once(&program, suffix, &texts[range.clone()], due).await {
                Ok(answers) => {
                    for (outcome, answer) in outcomes[range].iter_mut().zip(answers) {
                        *outcome = Some(answer.map_err(|trouble| program.failure(&trouble)));
                    }
                }
                Err(trouble) if may_split && trouble.is_of_one_text() => {
                    retries -= 2;
                    let middle = range.start + range.len() / 2;
                    waiting.extend([range.start..middle, middle..range.end]);
                }
                Err(trouble) => outcomes[range].fill(Some(Err(program.failure(&trouble)))),
            }
        }
        let unknown = || Err(Failure { reason: SkipReason::ResolverError, detail: "nobody was asked".to_owned() });
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unknown)).collect()
    }

    /// The same in one process.
    async fn check_once(
        &self,
        program: &Program<'_>,
        suffix: &str,
        texts: &[&str],
        deadline: Instant,
    ) -> Result<Vec<Result<Answer, Trouble>>, Trouble> {
        // No text can name the file of another.
        let folder = Folder::new(&self.temporary).map_err(Trouble::Folder)?;
        let prefix = folder.path().file_name().unwrap_or_default().display().to_string();
        let named = |(number, text): (usize, &&str)| (format!("{prefix}-{number}{suffix}"), (*text).to_owned());
        let files: Vec<(String, String)> = texts.iter().enumerate().map(named).collect();
        let mut arguments = program.arguments.clone();
        arguments.extend(files.iter().map(|(name, _)| name.into()));
        let numbers = files.iter().enumerate().map(|(number, (name, _))| (name.clone(), number)).collect();
        let filled = spawn_blocking(move || filled(folder, &files)).await.map_err(|_| Trouble::Lost)?;
        let process = Process {
            program: program.path.clone(),
            arguments,
            folder: Arc::new(filled.map_err(Trouble::Folder)?),
            input: Vec::new(),
            output_bytes_max: CONSOLE_CHECK_BYTES_MAX,
        };
        let output = self.start(process, deadline).await?;
        let entries = entries(&output.output, &numbers);
        let entries = entries.map_err(|what| Trouble::Answer { what, errors: output.errors })?;
        let bounded = |entries: Vec<Value>| {
            let text = Value::Array(entries).to_string();
            let fits = text.len() <= CONSOLE_OUTPUT_BYTES_MAX;
            if fits { Ok(Answer::Entries(text)) } else { Err(Trouble::Overflow(CONSOLE_OUTPUT_BYTES_MAX)) }
        };
        Ok(entries.into_iter().map(bounded).collect())
    }
}

impl Trouble {
    /// Whether fewer texts may fare better.
    fn is_of_one_text(&self) -> bool {
        !matches!(self, Self::Start(_) | Self::Folder(_) | Self::Lost)
    }
}

/// A folder with files.
fn filled(folder: Folder, files: &[(String, String)]) -> io::Result<Folder> {
    files.iter().try_for_each(|(name, text)| folder.write(name, text))?;
    Ok(folder)
}

/// The entries about each file, without its name.
fn entries(output: &[u8], numbers: &HashMap<String, usize>) -> Result<Vec<Vec<Value>>, String> {
    let value: Value = serde_json::from_slice(output).map_err(|error| format!("it did not print JSON: {error}"))?;
    let all = match value {
        Value::Array(all) => all,
        Value::Object(members) => {
            let mut arrays = members.into_iter().filter_map(|(_, member)| match member {
                Value::Array(all) => Some(all),
                _ => None,
            });
            match (arrays.next(), arrays.next()) {
                (Some(all), None) => all,
                _ => return Err("the JSON it printed has not one array of entries".to_owned()),
            }
        }
        _ => return Err("the JSON it printed is no array of entries".to_owned()),
    };
    let mut by_file = vec![Vec::new(); numbers.len()];
    for entry in all {
        let Value::Object(mut entry) = entry else { return Err("an entry it printed is no object".to_owned()) };
        let Some(Value::String(file)) = entry.remove("file") else {
            return Err("an entry it printed names no file".to_owned());
        };
        let name = file.rsplit('/').next().unwrap_or_default();
        // What it says of other files nobody has asked.
        if let Some(number) = numbers.get(name) {
            by_file[*number].push(Value::Object(entry));
        }
    }
    Ok(by_file)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::entries;

    fn check(output: &str, expect: Result<&str, &str>) {
        let numbers: HashMap<_, _> = [("0.sh".to_owned(), 0), ("1.sh".to_owned(), 1)].into();
        let got = entries(output.as_bytes(), &numbers).map(|entries| serde_json::to_string(&entries).unwrap());
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{output}"),
            (Err(error), Err(expect)) => assert!(error.contains(expect), "{error}"),
            (got, _) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn entries_go_to_the_file_they_name() {
        check("[]", Ok("[[],[]]"));
        check(
            r#"{"comments":[{"file":"./1.sh","a":1},{"file":"0.sh"},{"file":"/x/1.sh"}],"n":1}"#,
            Ok(r#"[[{}],[{"a":1},{}]]"#),
        );
        check(r#"[{"file":"2.sh"},{"file":"/etc/passwd"}]"#, Ok("[[],[]]"));
        check("", Err("did not print JSON"));
        check("1", Err("no array"));
        check("{}", Err("not one array"));
        check(r#"{"a":[],"b":[]}"#, Err("not one array"));
        check("[1]", Err("no object"));
        check(r#"[{"file":1}]"#, Err("names no file"));
        check(&"[".repeat(10_000), Err("recursion"));
    }
}
