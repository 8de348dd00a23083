//! Scripts as text: what stands where, by the bytes that the spans name.

use std::fmt::Write as _;

use super::{CommandKind, Joint, Part, Script, Told, Unknown, WordRole, script_source, scripts};
use crate::limits::{SHELL_OPENERS_MAX, SHELL_SCRIPT_BYTES_MAX, SHELL_SUBSTITUTIONS_MAX, SHELL_WORK_MAX};
use crate::model::{BaseImage, Inputs, model};
use crate::span::Span;
use crate::tree::Keyword;
use crate::{Platform, parse};

/// The script of the last step of a file that builds on nothing.
fn last(file: &str, inputs: &Inputs<'_>) -> Result<Script, Unknown> {
    let tree = parse(file.as_bytes());
    let model = model(file.as_bytes(), &tree, inputs);
    scripts(file.as_bytes(), &tree, &model).pop().expect("a file has steps")
}

/// Commands in order: `(parent part joint kind words…)`; words as `source` or `source=text`.
fn check(file: &str, expect: &[&str]) {
    let file = if file.starts_with("# escape") { file.to_owned() } else { format!("FROM scratch\n{file}") };
    let script = last(&file, &Inputs::default()).unwrap_or_else(|unknown| panic!("{unknown:?} in {file:?}"));
    let text = |span: Span| &file[span.range()];
    let mut seen = Vec::new();
    for command in &script.commands {
        let mut line = command.parent.map_or_else(String::new, |parent| format!("{parent}"));
        line.push_str(match command.part {
            Part::Body => "",
            Part::Condition => "?",
            Part::Else => "else",
            Part::Substitution => "$",
        });
        line.push_str(match command.joint {
            Joint::First => "",
            Joint::Then => ";",
            Joint::And => "&&",
            Joint::Or => "||",
            Joint::Pipe => "|",
            Joint::PipeBoth => "|&",
            Joint::Pattern => ";;",
        });
        let mark = |is: bool, mark: &'static str| if is { mark } else { "" };
        write!(line, "{}{}", mark(command.negated, "!"), mark(command.background, "&")).expect("a string");
        if command.kind != CommandKind::Simple {
            write!(line, " {:?}", command.kind).expect("a string");
        }
        for word in script.words_of(command).iter().filter(|word| word.role == WordRole::Argument) {
            let written = text(word.span);
            match script.text(word) {
                Some(known) if known == written => write!(line, " {written}"),
                Some(known) => write!(line, " {written}={known}"),
                None => write!(line, " {written}=?"),
            }
            .expect("a string");
        }
        for assignment in &script.assignments[command.assignments.start as usize..command.assignments.end as usize] {
            let value = &script.words[assignment.value as usize];
            write!(line, " [{}:{}]", text(assignment.name), text(value.span)).expect("a string");
        }
        for row in &script.redirections[command.redirections.start as usize..command.redirections.end as usize] {
            let target = text(script.words[row.target as usize].span);
            write!(line, " <{:?} {target}", row.operator).expect("a string");
            if let Some(body) = row.body {
                write!(line, " {:?}", text(body)).expect("a string");
            }
            line.push('>');
        }
        seen.push(line.trim_start().to_owned());
    }
    assert_eq!(seen, expect, "{file}");
}

#[track_caller]
fn unknown(file: &str, expect: Unknown) {
    let file = format!("FROM scratch\n{file}");
    assert_eq!(last(&file, &Inputs::default()).err(), Some(expect), "{file}");
}

#[test]
fn words() {
    check("RUN echo a 'b c' \"d\" e\\ f", &["echo a 'b c'=b c \"d\"=d e\\ f=e f"]);
    check("RUN echo \"a\\$b\\c\" '\\'", &["echo \"a\\$b\\c\"=a$b\\c '\\'=\\"]);
    check("RUN echo $a \"${b:-c}\" x$1", &["echo $a=? \"${b:-c}\"=? x$1=?"]);
    check("RUN echo a\\\n  b\\\nc", &["echo a b\\\nc=bc"]);
    check("RUN echo a \\\n # no\n\n b # c; d", &["echo a b"]);
    check("RUN echo é 'ß' # ü", &["echo é 'ß'=ß"]);
    check("# escape=`\nFROM scratch\nRUN echo a\\ b `\n  c", &["echo a\\ b=a b c"]);
}

#[test]
fn assignments_and_redirections() {
    check("RUN A=1 B= c d=e >x 2>&1", &["c d=e [A:1] [B:] <Output x> <DuplicateOutput 1>"]);
    check("RUN A=$(b) c", &["c [A:$(b)]", "0$ b"]);
    check("RUN cat <<EOF >x\na $b\nEOF\n", &["cat <HereDocument EOF \"a $b\\n\"> <Output x>"]);
    check(
        "RUN cat <<A <<-B && c\na\nA\n\t$(b)\n\tB\n",
        &["List", "0 cat <HereDocument A \"a\\n\"> <HereDocumentTabs B \"\\t$(b)\\n\">", "0&& c", "1$ b"],
    );
}

#[test]
fn structure() {
    check("RUN a && b || ! c | d; e & f", &["List", "0 a", "0&& b", "0||! Pipeline", "3 c", "3| d", ";& e", "; f"]);
    check("RUN (a; { b; }) >x", &["Subshell <Output x>", "0 a", "0; Group", "2 b"]);
    check("RUN if a; then b; elif c; then d; else e; fi", &["If", "0? a", "0 b", "0else If", "3? c", "3 d", "3else e"]);
    check("RUN while a; do b; done; until c; do d; done", &["While", "0? a", "0 b", "; Until", "3? c", "3 d"]);
    check("RUN for i in 1 \"$x\"; do a; done; for j do b; done", &["For i 1 \"$x\"=?", "0 a", "; For j", "2 b"]);
    check("RUN case $x in a|b) c;; (*) d; e; esac", &["Case $x=? a b *", "0 c", "0;; d", "0; e"]);
    check("RUN f() { a; }; f", &["Function f", "0 Group", "1 a", "; f"]);
    check(
        "SHELL [\"bash\", \"-c\"]\nRUN [[ -f a && $b == c ]]; (( 1 + $(d) )); time e |& f",
        &["Test a $b=? c", "; Arithmetic", "1$ d", "; Time", "3 Pipeline", "4 e", "4|& f"],
    );
}

#[test]
fn substitutions() {
    check("RUN a \"$(b \"$(c)\")\" `d`", &["a \"$(b \"$(c)\")\"=? `d`=?", "0$ b \"$(c)\"=?", "1$ c", "0$ d"]);
    check("RUN a `b \\`c\\``", &["a `b \\`c\\``=?", "0$ b \\`c\\`=?", "1$ c"]);
    check(
        "RUN a $(case x in y) b;; esac) $((1 + 2))",
        &["a $(case x in y) b;; esac)=? $((1 + 2))=?", "0$ Case x y", "1 b"],
    );
}

#[test]
fn heredocs() {
    check("RUN <<EOF\na\nb c\nEOF\n", &["a", "; b c"]);
    check("RUN <<-EOF\n\ta \\\n\t\tb\n\tEOF\n", &["a b"]);
    check("RUN <<EOF\n#!/bin/bash -e\na\nEOF\n", &["a"]);
    check("RUN <<EOF sh -s && b\na\nEOF\n", &["List", "0 sh -s <HereDocument EOF \"a\\n\">", "0&& b"]);
    unknown("RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF\n", Unknown::Interpreter);
}

#[test]
fn exec_forms() {
    check("CMD [\"a b\", \"$c\"]", &["\"a b\"=a b \"$c\"=$c"]);
    check("RUN [\"/bin/sh\", \"-ec\", \"a \\\"b\\\" \\u0063\"]", &["a \\\"b\\\"=b \\u0063=c"]);
    check("RUN [\"bash\", \"-eo\", \"pipefail\", \"-c\", \"a | b\", \"c\"]", &["Pipeline", "0 a", "0| b"]);
    check("ENTRYPOINT [\"sh\", \"-c\"]", &["\"sh\"=sh \"-c\"=-c"]);
}

#[test]
fn who_reads_it() {
    let shell = |file: &str| {
        let script = last(file, &Inputs::default());
        script.map(|script| (script.shell, script.beyond_posix, script.is_certain()))
    };
    use super::Shell::{Bash, Posix, Unknown as Open};
    assert_eq!(shell("FROM scratch\nRUN a"), Ok((Some(Posix), false, true)));
    assert_eq!(shell("FROM scratch\nRUN a {b,c}"), Ok((Some(Posix), true, false)));
    assert_eq!(shell("FROM a\nRUN a"), Ok((Some(Open), false, false)));
    assert_eq!(shell("FROM a\nCMD [\"a\"]"), Ok((None, false, true)));
    let bash = "FROM a\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-exc\"]\n";
    assert_eq!(shell(&format!("{bash}RUN [[ a ]]")), Ok((Some(Bash), true, true)));
    assert_eq!(shell(&format!("{bash}HEALTHCHECK CMD a")), Ok((Some(Bash), false, true)));
    assert_eq!(shell(&format!("{bash}ONBUILD RUN a")), Ok((Some(Open), false, false)));
    for shell in ["powershell\", \"-Command", "cmd\", \"/S\", \"/C", "zsh\", \"-c", "python3\", \"-c", "sh"] {
        unknown(&format!("SHELL [\"{shell}\"]\nRUN a"), Unknown::Interpreter);
    }
    let windows = Platform::parse("windows/amd64").expect("a platform");
    let inputs = Inputs { target_platform: windows, ..Inputs::default() };
    assert_eq!(last("FROM a\nRUN a", &inputs).err(), Some(Unknown::Interpreter));
}

#[test]
fn triggers() {
    let image = BaseImage {
        shell: vec!["/bin/bash".into(), "-c".into()],
        onbuild: vec!["RUN sudo a".into()],
        ..BaseImage::default()
    };
    let file = "FROM base\n";
    let script = last(file, &Inputs { base_images: &[(0, &image)], ..Inputs::default() }).expect("a script");
    assert_eq!((script.shell, script.commands.len()), (Some(super::Shell::Bash), 1));
    // It stands in another file: all of it is said of FROM.
    assert!(script.words.iter().all(|word| &file[word.span.range()] == "FROM base"), "{:?}", script.words);
    let texts: Vec<_> = script.words.iter().map(|word| script.text(word)).collect();
    assert_eq!(texts, [Some("sudo"), Some("a")]);
}

#[test]
fn expansions_of_words() {
    let script = last("FROM scratch\nRUN a* ~/b [ \"*\" c[d]e f~ \\?", &Inputs::default()).expect("a script");
    let flags: Vec<_> = script.words.iter().map(|word| (word.expands, word.quoted)).collect();
    let (plain, quoted, expands) = ((false, false), (false, true), (true, false));
    assert_eq!(flags, [expands, expands, plain, quoted, expands, plain, quoted]);
}

#[test]
fn variables() {
    let file = "FROM scratch\nRUN a=$b c \"${d%$e}\" '$f' \\$g $((h + $i)) <<X $1\n$j \\$k\nX\n";
    let script = last(file, &Inputs::default()).expect("a script");
    let mut names: Vec<_> = script.variables.iter().map(|row| (script.name(row), &file[row.span.range()])).collect();
    names.sort_unstable();
    assert_eq!(names, [("1", "$1"), ("b", "$b"), ("d", "${d%$e}"), ("e", "$e"), ("i", "$i"), ("j", "$j")]);
}

#[test]
fn not_the_shells() {
    for script in [
        "echo foo(bar)",
        "a &; b",
        "a ||",
        "(a",
        "a)",
        "{ a",
        "if a; fi",
        "echo 'a",
        "echo \"a",
        "echo $(a",
        "echo `a",
        "echo ${a",
        "case a in",
        "a | | b",
        "for",
        "! &",
        "()",
        "a ;; b",
        "<",
        "then",
    ] {
        unknown(&format!("RUN {script}"), Unknown::Syntax);
    }
    unknown("WORKDIR /a", Unknown::NoCommand);
    unknown("HEALTHCHECK NONE", Unknown::NoCommand);
}

#[test]
fn limits() {
    let line = |part: &str, count: usize| format!("RUN a{}", format!(" {part}\\\n").repeat(count));
    unknown(&line("{a", SHELL_OPENERS_MAX + 1), Unknown::Limit);
    unknown(&line("$(b)", SHELL_SUBSTITUTIONS_MAX + 1), Unknown::Limit);
    unknown(&line("bbbbbbb", SHELL_SCRIPT_BYTES_MAX / 8), Unknown::Limit);
    check(&line("b", SHELL_OPENERS_MAX + 1), &[&format!("a{}", " b".repeat(SHELL_OPENERS_MAX + 1))]);
    // The work of a file is shared by its scripts, in their order.
    let script = line("bbbbbbb", SHELL_SCRIPT_BYTES_MAX / 16);
    let file = format!("FROM scratch\n{}", format!("{script} b\n").repeat(2 * SHELL_WORK_MAX / script.len()));
    let tree = parse(file.as_bytes());
    let results = scripts(file.as_bytes(), &tree, &model(file.as_bytes(), &tree, &Inputs::default()));
    assert!(results[1].is_ok() && results.last().is_some_and(|last| *last == Err(Unknown::Limit)));
}

/// Whatever nests, on the stack of a small thread: an answer, and soon.
#[test]
fn hostile() {
    const STACK_BYTES: usize = 1024 * 1024;
    const BODY_BYTES: [usize; 3] = [150, 3_000, 60_000];
    let parts = [
        "(",
        "( ",
        "$(",
        "`",
        "a|",
        "a&&",
        "{ ",
        "if ",
        "while ",
        "case a in b) ",
        "f() ",
        "${a:-",
        "$((",
        "<(",
        "{a,",
        "[[ ( ",
        "! ",
        "time ",
        "a[",
        "$'",
        "\\",
        "<<a ",
        ">",
        "(a);",
        "for i in a; do ",
        "coproc ",
        "\"$(",
        "elif ",
        "a=(",
        "$[",
        "\n",
    ];
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        for (part, bytes) in parts.iter().flat_map(|part| BODY_BYTES.map(|bytes| (part, bytes))) {
            for close in ["", ")", "}", "; }", "; fi", "; done", "1))"] {
                let count = bytes / (part.len() + close.len());
                let body = format!("{}a{}", part.repeat(count), close.repeat(count));
                let file = format!("FROM scratch\nRUN <<'END'\n{body}\nEND\n");
                let script = last(&file, &Inputs::default());
                assert!(!matches!(script, Err(Unknown::NoCommand | Unknown::Interpreter)), "{part:?} {close:?}");
            }
        }
    });
    thread.expect("a thread starts").join().expect("no script panics or overflows");
}

/// Who reads each script of a file, and with which options; `-` where nobody known does.
fn check_readers(file: &str, expect: &[&str]) {
    let tree = parse(file.as_bytes());
    let model = model(file.as_bytes(), &tree, &Inputs::default());
    let told = Told::new(file.as_bytes(), &tree, &model);
    let sources = model.steps.iter().map(|step| (script_source(file.as_bytes(), &tree, &model, &told, step), step));
    let has_command = |step: &crate::model::Step| {
        let (_, of) = model.tree_of(step, file.as_bytes(), &tree);
        matches!(of.instructions[step.instruction as usize].keyword, Keyword::Run | Keyword::Onbuild)
    };
    let read = sources.filter(|(_, step)| has_command(step)).map(|(source, _)| match source {
        Some(source) => [&[source.shell.to_owned()], source.options.as_slice()].concat().join(" "),
        None => "-".to_owned(),
    });
    assert_eq!(read.collect::<Vec<_>>(), expect, "{file}");
}

#[test]
fn readers_are_named_with_their_options() {
    check_readers(
        "FROM a\nRUN a\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN b\nRUN [\"busybox\", \"sh\", \"-c\", \"c\"]\n",
        &["sh -c", "bash -eo pipefail -c", "ash -c"],
    );
    check_readers("FROM a\nRUN <<E\n#!/usr/bin/env -S dash -x\na\nE\nRUN [\"a\"]\n", &["dash -x", "-"]);
    check_readers("FROM a\nSHELL [\"pwsh\", \"-c\"]\nRUN a\nONBUILD RUN a\n", &["-", "-"]);
}

#[test]
fn comments_say_who_reads() {
    // From there on to the next, to SHELL, to the end of the stage.
    check_readers(
        "FROM a\nRUN a\n# plimsoll shell=bash -- it is\n\nRUN b\nRUN c\n# plimsoll shell = powershell\nRUN d\n\
         SHELL [\"/bin/ash\", \"-c\"]\nRUN e\n#plimsoll shell=busybox\nRUN f\nFROM b\nRUN g\n",
        &["sh -c", "bash", "bash", "-", "ash -c", "ash", "sh -c"],
    );
    // In front of the first FROM for the whole file, but for stages that have a SHELL.
    check_readers(
        "# plimsoll shell=dash\nARG A\n# other\nFROM a AS a\nRUN a\nSHELL [\"/bin/bash\", \"-c\"]\nRUN b\n\
         FROM a\nRUN c\nFROM b\nRUN d\n# plimsoll shell=ksh\nFROM c\nONBUILD RUN e\n",
        &["dash", "bash -c", "bash -c", "dash", "ksh"],
    );
    // What names its own shell keeps it; what stands inside an instruction is not said.
    check_readers(
        "# plimsoll shell=cmd\nFROM a\nRUN <<E\n#!/bin/bash\na\nE\nRUN [\"sh\", \"-c\", \"b\"]\n\
         RUN a && \\\n# plimsoll shell=bash\n  b\nRUN c\n",
        &["bash", "sh -c", "-", "-"],
    );
}
