//! Tools of this machine: who may have them run, what they are given, and that
//! nothing is left of them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::question::{Answer, Question, Ran, SkipReason, Tool};
use plimsoll::resolve::{Console, Registry, World};
use plimsoll::schedule::{Session, Terms};
use plimsoll_registry::{ClientConfig, Environment};
use plimsoll_test_support::scratch_folder;
use plimsoll_test_support::tools::make_tool;

/// A tool that finds nothing, and says where that it was started.
const QUIET: &str = "echo started >> \"$0.log\"\necho '{\"comments\":[]}'\n";

/// How often a tool of [`make_tool`] was started.
fn starts(tool: &Path) -> usize {
    let mut log = tool.as_os_str().to_owned();
    log.push(".log");
    fs::read_to_string(log).map_or(0, |log| log.lines().count())
}

/// A session in which rules may have one program run, as `tool`.
fn session(program: &Path, budget: Duration) -> Session {
    let registry = Arc::new(Registry::new(ClientConfig::new(Environment::default())));
    let tools = [("tool".to_owned(), vec![program.display().to_string(), "first".to_owned()])];
    let console = Console::new(tools.into());
    Session::new(Arc::new(World { console, ..World::new(registry, []) }), Terms::within(budget))
}

fn tool(name: &str, arguments: &[&str]) -> Tool {
    Tool { name: name.into(), arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
}

fn check(text: &str) -> Question {
    Question::Check { tool: tool("tool", &["--json"]), suffix: ".sh".to_owned(), text: text.to_owned() }
}

/// Asks, as a run does: the answers' entries, or why there are none.
fn ask(session: &mut Session, questions: &[Question]) -> Vec<Result<String, (SkipReason, String)>> {
    session.ask(questions.iter().map(|question| (question, None)), &mut ());
    let outcomes = questions.iter().map(|question| match session.outcome(question).unwrap() {
        Ok(answer) => match answer.as_ref() {
            Answer::Entries(entries) => Ok(entries.clone()),
            other => panic!("{other:?}"),
        },
        Err(failure) => Err((failure.reason, failure.detail)),
    });
    outcomes.collect()
}

fn run(program: &Path, name: &str, input: &str) -> Result<Ran, (SkipReason, String)> {
    let question = Question::Run { tool: tool(name, &["$HOME", "a b", ";ls"]), input: input.to_owned() };
    let mut session = session(program, Duration::from_secs(10));
    session.ask([(&question, None)].into_iter(), &mut ());
    match session.outcome(&question).unwrap() {
        Ok(answer) => match answer.as_ref() {
            Answer::Ran(ran) => Ok(ran.clone()),
            other => panic!("{other:?}"),
        },
        Err(failure) => Err((failure.reason, failure.detail)),
    }
}

/// Whether a process is there that has not ended.
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // A zombie has ended: nobody has come for it yet.
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn a_tool_is_given_what_was_asked_and_nothing_else() {
    let scratch = scratch_folder();
    let script = "printf '%s|' \"$@\"; cat; echo; env | sort; pwd; stat -c '%a' .; ls -A; echo oh >&2; exit 3\n";
    let program = make_tool(scratch.path(), "fake", script);
    let ran = run(&program, "tool", "the input\n").unwrap();
    assert_eq!((ran.exit_code, ran.errors.as_str()), (3, "oh\n"));
    let lines: Vec<&str> = ran.output.lines().collect();
    assert_eq!(lines[0], "first|$HOME|a b|;ls|the input", "no shell has read the arguments");
    let [.., folder, mode] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(*mode, "700", "the folder is private, and empty");
    let names: Vec<&str> = lines[2..lines.len() - 2].iter().map(|line| line.split('=').next().unwrap()).collect();
    // The shell that runs the tool sets one of its own.
    let expected = ["HOME", "LANG", "LC_ALL", "PATH", "PWD", "TMPDIR"];
    assert!(names.iter().all(|name| expected.contains(name)) && names.len() >= 5, "{names:?}");
    assert!(!Path::new(folder).exists(), "{folder} is gone");
}

#[test]
fn reasons_are_told_apart() {
    let scratch = scratch_folder();
    let check = |script: &str, reason: SkipReason, detail: &str| {
        let program = make_tool(scratch.path(), "fake", script);
        let failed = run(&program, "tool", &"x".repeat(100_000)).unwrap_err();
        assert!(failed.0 == reason && failed.1.contains(detail), "{failed:?}");
    };
    check("kill -9 $$\n", SkipReason::ResolverError, "tool tool: signal 9 ended it");
    check("exec yes\n", SkipReason::ResolverError, "tool tool: it wrote more than 1 MiB");
    let missing = scratch.path().join("nothing");
    let failed = run(&missing, "tool", "").unwrap_err();
    assert!(failed.0 == SkipReason::NotFound && failed.1.starts_with("tool tool: there is no program"), "{failed:?}");
    let failed = run(&missing, "other", "").unwrap_err();
    let detail = "there is no tool other; --slow-checks-tool other=PROGRAM says which program it is";
    assert_eq!(failed, (SkipReason::Disabled, detail.to_owned()));
    // Who does not read his input may well answer, and what he complains of is bounded.
    let program = make_tool(scratch.path(), "fake", "head -c 1000000 /dev/zero | tr '\\0' a >&2\necho ok\n");
    let ran = run(&program, "tool", &"x".repeat(200_000)).unwrap();
    assert_eq!((ran.output.as_str(), ran.errors.len()), ("ok\n", 64 << 10));
}

#[test]
fn texts_share_a_process_and_a_bad_one_costs_itself() {
    let scratch = scratch_folder();
    // Answers for each file by its content; one with BAD ends everything.
    let script = r#"echo started >> "$0.log"
shift 2
if grep -q BAD "$@"; then echo 'no JSON'; echo "cannot read" >&2; exit 2; fi
printf '['
comma=
for file; do printf '%s{"file":"%s","says":"%s","mode":"%s"}' "$comma" "$file" "$(cat "$file")" "$(stat -c %a "$file")"; comma=,; done
printf ']'
exit 1
"#;
    let program = make_tool(scratch.path(), "fake", script);
    let questions: Vec<_> = (0..100).map(|number| check(&format!("text {number}"))).collect();
    let answers = ask(&mut session(&program, Duration::from_secs(10)), &questions);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_deref(), Ok(&*format!(r#"[{{"mode":"600","says":"text {number}"}}]"#)));
    }
    assert_eq!(starts(&program), 1);

    let mut questions = questions;
    questions[37] = check("BAD");
    let answers = ask(&mut session(&program, Duration::from_secs(10)), &questions);
    let failed: Vec<usize> = (0..100).filter(|number| answers[*number].is_err()).collect();
    assert_eq!(failed, [37]);
    let (reason, detail) = answers[37].clone().unwrap_err();
    assert_eq!(reason, SkipReason::ResolverError);
    assert!(
        detail.starts_with("tool tool: it did not print JSON") && detail.ends_with("it said: cannot read"),
        "{detail}"
    );
    assert!(starts(&program) <= 1 + 17, "{} processes", starts(&program));
}

#[test]
fn long_texts_take_processes_of_their_own() {
    let scratch = scratch_folder();
    let program = make_tool(scratch.path(), "fake", QUIET);
    let questions: Vec<_> = ["a", "b", "c", "d", "e"].map(|text| check(&text.repeat(250 << 10))).into();
    let answers = ask(&mut session(&program, Duration::from_secs(10)), &questions);
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("[]")), "{answers:?}");
    assert_eq!(starts(&program), 2);
}

#[test]
fn one_that_hangs_is_killed_with_its_children() {
    let scratch = scratch_folder();
    let script = "sleep 100 & echo $! >> \"$0.pids\"\necho $$ >> \"$0.pids\"\nwait\n";
    let program = make_tool(scratch.path(), "fake", script);
    let start = Instant::now();
    let mut session = session(&program, Duration::from_millis(600));
    let answers = ask(&mut session, &[check("a"), check("b")]);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    for answer in answers {
        let (reason, detail) = answer.unwrap_err();
        assert_eq!((reason, detail.as_str()), (SkipReason::Timeout, "the tool did not answer within 600ms"));
    }
    let processes = fs::read_to_string(scratch.path().join("fake.pids")).unwrap();
    assert!(processes.lines().count() >= 2, "{processes}");
    let alive: Vec<&str> = processes.lines().filter(|process| is_alive(process)).collect();
    assert!(alive.is_empty(), "{alive:?} of {processes}");
}

#[test]
fn a_text_that_takes_all_the_time_leaves_some_to_others() {
    let scratch = scratch_folder();
    let script = "shift 2\nif grep -q HANG \"$@\"; then sleep 100; fi\necho '[]'\n";
    let program = make_tool(scratch.path(), "fake", script);
    let text = |number| if number == 3 { "HANG".to_owned() } else { format!("text {number}") };
    let questions: Vec<_> = (0..16).map(|number| check(&text(number))).collect();
    let answers = ask(&mut session(&program, Duration::from_secs(4)), &questions);
    let failed: Vec<usize> = (0..16).filter(|number| answers[*number].is_err()).collect();
    assert_eq!(failed, [3], "{answers:?}");
}
