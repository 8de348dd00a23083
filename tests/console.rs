//! Tools of this machine: who may have them run, what they are given, and that
//! nothing is left of them; and pack `shellcheck`, their first user.

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
use plimsoll_test_support::lint::{Linted, Project};
use plimsoll_test_support::tools::{make_tool, shellcheck_or_skip};
use plimsoll_test_support::{best_of, scratch_folder};

/// A tool that finds nothing, and says where that it was started.
const QUIET: &str = "echo started >> \"$0.log\"\necho '{\"comments\":[]}'\n";

const ON: &str = "--slow-checks=on --offline --slow-checks-console=on";

/// A project on a machine with the programs of this one.
fn project() -> Project {
    let path = std::env::var("PATH").unwrap_or_default();
    Project::new(env!("CARGO_BIN_EXE_plimsoll")).variable("PATH", &path)
}

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

/// Private folders that are left.
fn folders(temporary: &Path) -> usize {
    fs::read_dir(temporary).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
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
    let took_max = Duration::from_millis(900);
    let took = best_of(1, took_max, || {
        let mut session = session(&program, Duration::from_millis(600));
        let start = Instant::now();
        let answers = ask(&mut session, &[check("a"), check("b")]);
        let took = start.elapsed();
        for answer in answers {
            let (reason, detail) = answer.unwrap_err();
            assert_eq!((reason, detail.as_str()), (SkipReason::Timeout, "the tool did not answer within 600ms"));
        }
        took
    });
    assert!(took <= took_max, "{took:?}");
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

#[test]
fn a_run_that_is_stopped_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let project = project().file("Dockerfile", "FROM scratch\nRUN echo a\n").file("tmp/.keep", "");
        let program = make_tool(project.path(), "fake", "sleep 100 & echo $! > \"$0.pids\"\nwait\n");
        let temporary = project.path().join("tmp");
        let project = project.variable("TMPDIR", &temporary.display().to_string());
        let mut command = project.command(&format!("lint {ON} --slow-checks-tool shellcheck={}", program.display()));
        let mut process = command.spawn().unwrap();
        let pids = project.path().join("fake.pids");
        let start = Instant::now();
        while fs::read_to_string(&pids).map_or(true, |pids| pids.is_empty()) {
            assert!(start.elapsed() < Duration::from_secs(10), "the tool does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(folders(&temporary), 1);
        std::process::Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(130));
        let start = Instant::now();
        while is_alive(fs::read_to_string(&pids).unwrap().trim()) {
            assert!(start.elapsed() < Duration::from_secs(2), "the tool's child lives");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(folders(&temporary), 0);
    }
}

#[test]
fn a_run_has_a_handful_of_processes() {
    let mut project = project();
    for number in 0..100 {
        let dockerfile = format!("FROM scratch\nRUN echo {number}\nRUN echo the same\nCMD run {number}\n");
        project = project.file(&format!("{number}.Dockerfile"), dockerfile);
    }
    let program = make_tool(project.path(), "fake", QUIET);
    let linted = project.lint(&format!("{ON} --slow-checks-tool shellcheck={}", program.display()));
    let counts = &linted.json()["slow_checks"];
    assert_eq!((counts["planned"].as_u64(), counts["deduplicated"].as_u64()), (Some(300), Some(99)), "{linted:#?}");
    assert_eq!(starts(&program), 1);
}

#[test]
fn nothing_runs_unless_the_user_says_so() {
    let project = project().file("Dockerfile", "FROM scratch\nRUN cd a\n");
    let program = make_tool(project.path(), "fake", QUIET);
    let place = program.display();
    project.write(
        "plimsoll.toml",
        format!(
            "[rules.\"shellcheck/script\"]\nseverity = \"info\"\n\
             [slow-checks.console]\nenabled = true\n[slow-checks.console.tools]\nshellcheck = \"{place}\"\n"
        ),
    );
    let linted = project.run("lint --offline");
    assert_eq!((linted.status, starts(&program)), (0, 0), "{linted:#?}");
    for expected in [
        "1 slow check skipped (tools run only with --slow-checks-console=on)",
        "enabled = true under [slow-checks.console] counts for nothing",
        "tools under [slow-checks.console] count in the user's own file only; or use --slow-checks-tool",
    ] {
        assert!(linted.stderr.contains(expected), "{linted:#?}");
    }
    // Nor is the tree's tool run where tools may run.
    project.run(&format!("lint {ON}"));
    assert_eq!(starts(&program), 0);
    // The user's own file says both.
    let home = scratch_folder();
    fs::create_dir(home.path().join("plimsoll")).unwrap();
    fs::copy(project.path().join("plimsoll.toml"), home.path().join("plimsoll/plimsoll.toml")).unwrap();
    let project = project.variable("XDG_CONFIG_HOME", &home.path().display().to_string());
    let linted = project.run("lint --offline");
    assert_eq!((linted.status, starts(&program)), (0, 1), "{linted:#?}");
    // Tools count besides other questions, but no run that asks nothing has any run.
    project.run("lint --slow-checks=off --slow-checks-console=on");
    assert_eq!(starts(&program), 1);
    let linted = project.run("lint --fail-on-skipped --offline --slow-checks-console=off");
    assert_eq!((linted.status, starts(&program)), (1, 1), "what was asked for was skipped: {linted:#?}");
    // Where nobody asks for the rule, it waits for the user's leave.
    project.write("plimsoll.toml", "");
    fs::remove_file(home.path().join("plimsoll/plimsoll.toml")).unwrap();
    let linted = project.run("lint --fail-on-skipped --offline --slow-checks-console=off");
    assert_eq!((linted.status, linted.stderr.as_str()), (0, ""), "{linted:#?}");
}

/// A rule of a stranger's may have scripts checked, and nothing of the user's read.
#[test]
fn no_rule_has_shellcheck_read_other_files() {
    let scratch = scratch_folder();
    let program = make_tool(scratch.path(), "shellcheck", QUIET);
    let registry = Arc::new(Registry::new(ClientConfig::new(Environment::default())));
    let tools = [("shellcheck".to_owned(), vec![program.display().to_string()])];
    let world = World { console: Console::new(tools.into()), ..World::new(registry, []) };
    let mut session = Session::new(Arc::new(world), Terms::within(Duration::from_secs(5)));
    for arguments in
        [&["--format=tty", "/etc/passwd"][..], &["-x"], &["--source-path=/"], &["--rcfile=a"], &["-f", "a"]]
    {
        let question =
            Question::Check { tool: tool("shellcheck", arguments), suffix: ".sh".to_owned(), text: "a".to_owned() };
        let asked = ask(&mut session, &[question]).remove(0);
        assert!(
            matches!(&asked, Err((SkipReason::Denied, detail)) if detail.contains("read other files")),
            "{asked:?}"
        );
    }
    assert_eq!(starts(&program), 0);
}

/// What is wrong with a script says nothing of files and images: they are asked for all the same.
#[test]
fn errors_in_scripts_keep_no_other_question_back() {
    let comment = r#"{\"file\":\"$f\",\"line\":2,\"endLine\":2,\"column\":1,\"endColumn\":2,\"level\":\"error\",\"code\":1000,\"message\":\"m\",\"fix\":null}"#;
    let script = format!("for f; do :; done\necho \"{{\\\"comments\\\":[{comment}]}}\"\n");
    let file = "FROM scratch\nRUN cd a\nCOPY nope there /x/\n";
    let project = project().file("Dockerfile", file).file("there", "");
    let program = make_tool(project.path(), "fake", &script);
    let linted = project.lint(&format!("{ON} --slow-checks-tool shellcheck={}", program.display()));
    assert_eq!(linted.skipped(), [""; 0], "{linted:#?}");
    let expected = ["shellcheck/script 2: SC1000: m", "sources/missing-source 3: 'nope' is not in the build context"];
    assert_eq!(linted.findings(), expected, "{linted:#?}");
}

#[test]
fn a_program_is_looked_for_on_the_absolute_path_alone() {
    let project = project().file("Dockerfile", "FROM scratch\nRUN cd a\n").file("bin/.keep", "");
    let programs = ["", "bin"].map(|folder| make_tool(&project.path().join(folder), "shellcheck", QUIET));
    let project = project.variable("PATH", ".:bin::./bin");
    let linted = project.run(&format!("lint {ON}"));
    let note = "skipped (tool shellcheck: there is no program shellcheck on the PATH; install it, or say with --slow-checks-tool where it is)";
    assert!(linted.stderr.contains(note), "{linted:#?}");
    assert_eq!(programs.each_ref().map(|program| starts(program)), [0, 0]);
    let project = project.variable("PATH", &format!(".:{}", programs[1].parent().unwrap().display()));
    let _ = project.run(&format!("lint {ON}"));
    assert_eq!(programs.each_ref().map(|program| starts(program)), [0, 1]);
    for (program, expected) in [("./shellcheck", "neither a program's absolute path nor its name"), ("", "neither")] {
        let linted = project.run(&format!("lint {ON} --slow-checks-tool shellcheck={program}"));
        assert!(linted.status == 2 && linted.stderr.contains(expected), "{linted:#?}");
    }
}

#[test]
fn what_a_tool_says_is_not_trusted() {
    let project = project().file("Dockerfile", "FROM scratch\nRUN echo é\n");
    let entry = |place: &str| {
        format!(r#"{{"file":"FILE",{place},"level":"error","code":1000,"message":"\u001b[31mred","fix":null}}"#)
    };
    let places = [
        r#""line":2,"column":1,"endLine":2,"endColumn":5"#,
        // Outside of the script.
        r#""line":1,"column":1,"endLine":1,"endColumn":2"#,
        r#""line":99,"column":1,"endLine":99,"endColumn":2"#,
        r#""line":2,"column":99,"endLine":2,"endColumn":100"#,
        r#""line":0,"column":0,"endLine":0,"endColumn":0"#,
        r#""line":2,"column":6,"endLine":4294967295,"endColumn":4294967295"#,
        // Backwards, and behind the end.
        r#""line":2,"column":3,"endLine":2,"endColumn":2"#,
        r#""line":3,"column":1,"endLine":3,"endColumn":1"#,
    ];
    let json = format!("[{}]", places.map(entry).join(","));
    let script = format!("for file; do :; done\ncat <<'END' | sed \"s|FILE|$file|g\"\n{json}\nEND\n");
    let program = make_tool(project.path(), "fake", &script);
    let linted = project.lint(&format!("{ON} --slow-checks-tool shellcheck={}", program.display()));
    assert_eq!(ranges(&linted), ["2:5-2:9 SC1000", "2:7-2:8 SC1000", "2:10-2:11 SC1000"], "{linted:#?}");
    // What is no comment of ShellCheck's is said.
    let program = make_tool(project.path(), "fake", "for file; do :; done\necho \"[{\\\"file\\\":\\\"$file\\\"}]\"\n");
    let linted = project.run(&format!("lint {ON} --slow-checks-tool shellcheck={}", program.display()));
    assert!(linted.stderr.contains("this is not what ShellCheck prints"), "{linted:#?}");
}

/// `LINE:COLUMN-LINE:COLUMN CODE` of every finding.
fn ranges(linted: &Linted) -> Vec<String> {
    let json = linted.json();
    let files = json["files"].as_array().unwrap().clone();
    let findings = files.iter().flat_map(|file| file["findings"].as_array().unwrap().clone());
    let findings = findings.filter(|finding| finding["rule"] == "shellcheck/script");
    let shown = findings.map(|finding| {
        let place = |end: &str| {
            let place = &finding["range"][end];
            format!("{}:{}", place["line"], place["column"])
        };
        let code = finding["message"].as_str().unwrap().split(':').next().unwrap().to_owned();
        format!("{}-{} {code}", place("start"), place("end"))
    });
    shown.collect()
}

/// Lints with the real ShellCheck.
fn check_places(dockerfile: &str, expect: &[&str]) {
    let project = project().file("Dockerfile", dockerfile);
    let linted = project.lint(ON);
    assert_eq!(ranges(&linted), expect, "{dockerfile}{linted:#?}");
}

#[test]
fn what_shellcheck_finds_is_shown_where_it_stands() {
    if !shellcheck_or_skip("what_shellcheck_finds_is_shown_where_it_stands") {
        return;
    }
    // Continued lines with tabs, comments and empty lines, and characters of several bytes.
    check_places(
        "FROM scratch\nRUN echo a && \\\n# é $x\n\n\t\techo 'é\t€' $x && \\\n  # $y\n\tls \\\n$y\n",
        &["5:14-5:16 SC2086", "5:14-5:16 SC2154", "8:1-8:3 SC2086", "8:1-8:3 SC2154"],
    );
    // Heredocs, with a shell of their own, and with leading tabs.
    check_places(
        "FROM scratch\nRUN <<EOF\n#!/bin/bash\n\techo € `ls`; read line\nEOF\nRUN <<-EOF\n\t\tcd é\n\tread a\n\tEOF\nRUN cat <<EOF\n$(ls `pwd`)\nEOF\n",
        &[
            "4:9-4:13 SC2006",
            "4:9-4:13 SC2046",
            "4:15-4:19 SC2162",
            "4:20-4:24 SC2034",
            "7:3-7:7 SC2164",
            "8:2-8:6 SC2162",
            "8:7-8:8 SC2034",
            "11:6-11:11 SC2006",
            "11:6-11:11 SC2046",
        ],
    );
    // The shell that SHELL names, with its options; a comment in its place.
    check_places(
        "FROM scratch\nRUN local a\nSHELL [\"/bin/bash\", \"-e\", \"-c\"]\nRUN cd a; [[ a ]]\n# plimsoll shell=dash\nRUN [[ a ]]\n\
         SHELL [\"pwsh\", \"-c\"]\nRUN [[ a ]]\n",
        &["2:5-2:12 SC3043", "2:11-2:12 SC2034", "4:14-4:15 SC2078", "6:5-6:12 SC3010", "6:8-6:9 SC2078"],
    );
    // What the Dockerfile sets is set, here and in stages below.
    check_places(
        "FROM scratch AS a\nENV a=1 b=2\nARG c\nRUN echo \"$a$b$c$d$http_proxy\"\nFROM a\nRUN echo \"$a$c$e\"\nCMD echo \"$f\"\n",
        &["4:17-4:19 SC2154", "6:15-6:17 SC2154"],
    );
    // Exec forms of a shell, and triggers.
    check_places(
        "FROM scratch\nENTRYPOINT [\"sh\", \"-c\", \"\\\"\\u00e9\\\"; exec ls $a\"]\nHEALTHCHECK --timeout=3s CMD ls $a\nONBUILD RUN ls $a\nRUN [\"ls\", \"$a\"]\n",
        &["2:46-2:48 SC2086", "3:33-3:35 SC2086", "4:16-4:18 SC2086"],
    );
    // What does not parse.
    check_places(
        "FROM scratch\nRUN echo \"a\nRUN if true; then\n",
        &[
            "2:5-2:6 SC1009",
            "2:10-2:11 SC1073",
            "2:11-2:12 SC1072",
            "3:5-3:6 SC1009",
            "3:14-3:15 SC1073",
            "3:17-3:18 SC1072",
        ],
    );
}

#[test]
fn comments_disable_codes_where_they_stand() {
    if !shellcheck_or_skip("comments_disable_codes_where_they_stand") {
        return;
    }
    // Above an instruction, between its lines, in a heredoc.
    check_places(
        "FROM scratch\nENV a=1\n# shellcheck disable=SC2086\nRUN ls $a\nRUN ls $a && \\\n# shellcheck disable=SC2086\n  ls $a && \\\n  ls $a\n\
         RUN <<EOF\nls $a\n# shellcheck disable=SC2086\nls $a\nls $a\nEOF\nRUN <<EOF\n# shellcheck disable=SC2086\nls $a\nls $a\nEOF\n",
        &["5:8-5:10 SC2086", "8:6-8:8 SC2086", "10:4-10:6 SC2086", "13:4-13:6 SC2086"],
    );
    // A command of several lines is covered as a whole, and what stands behind it is not.
    check_places(
        "FROM scratch\nENV a=1\nRUN true; \\\n# shellcheck disable=SC2086 # because\n  if true; then \\\n    ls $a; \\\n  fi; \\\n  ls $a\n",
        &["8:6-8:8 SC2086"],
    );
    // In front of everything.
    check_places(
        "# shellcheck disable=SC2086\n# shellcheck shell=bash\nFROM scratch\nENV a=1\nRUN ls $a; [[ a ]]\nRUN cd b; ls $a\n",
        &["5:15-5:16 SC2078", "6:5-6:9 SC2164"],
    );
}
