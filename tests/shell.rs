//! The shell of Dockerfiles at large: the repository's own set, and those that
//! nobody here wrote, when `PLIMSOLL_CORPUS` names a folder.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use plimsoll::discover::discover;
use plimsoll_dockerfile::shell::{Part, Script, Unknown, scripts};
use plimsoll_dockerfile::tree::Keyword;
use plimsoll_dockerfile::{Inputs, Span, model, parse};
use plimsoll_test_support::repository_root;

/// Of all bodies of RUN that a POSIX shell reads, how many must be understood, in percent.
const UNDERSTOOD_PERCENT_MIN: usize = 97;

#[test]
fn bodies_of_run_are_understood() {
    let folder = std::env::var_os("PLIMSOLL_CORPUS").map_or_else(
        || {
            eprintln!("PLIMSOLL_CORPUS is not set: the repository's own set stands in");
            repository_root().join("tests/dockerfiles")
        },
        Into::into,
    );
    let (mut understood, mut others, mut elsewhere) = (0, Vec::new(), 0);
    for found in discover(&[folder], None) {
        let source = std::fs::read(&found.path).unwrap();
        let tree = parse(&source);
        let model = model(&source, &tree, &Inputs::default());
        for (step, script) in model.steps.iter().zip(scripts(&source, &tree, &model)) {
            let (_, of) = model.tree_of(step, &source, &tree);
            let instruction = &of.instructions[step.instruction as usize];
            if let Ok(script) = &script {
                check(&source, script);
            }
            if instruction.keyword != Keyword::Run || instruction.json {
                continue;
            }
            match script {
                Ok(_) => understood += 1,
                Err(Unknown::Interpreter) => elsewhere += 1,
                Err(unknown) => others.push(format!("{}:{} {unknown:?}", found.path.display(), instruction.lines.0)),
            }
        }
    }
    let all = understood + others.len();
    println!("{understood} of {all} bodies of RUN, and {elsewhere} for other interpreters; not: {others:#?}");
    assert!(all >= 30, "{all}");
    assert!(understood * 100 >= all * UNDERSTOOD_PERCENT_MIN, "{understood} of {all}: {others:#?}");
}

/// Everything lies in the file and inside its parent, and a plain word is what is written there.
fn check(source: &[u8], script: &Script) {
    let inside = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
    let file = Span::new(0, u32::try_from(source.len()).unwrap());
    for (index, command) in (0..).zip(&script.commands) {
        let parent = command.parent.map(|parent| (parent, &script.commands[parent as usize]));
        assert!(parent.is_none_or(|(number, _)| number < index));
        // What a here-document runs stands below its command.
        let outer = parent.filter(|_| command.part != Part::Substitution).map_or(file, |(_, parent)| parent.span);
        assert!(inside(outer, command.span), "{command:?}");
        for word in script.words_of(command) {
            assert!(inside(command.span, word.span), "{word:?} in {command:?}");
            let written = word.span.of(source);
            if let Some(text) = script.text(word).filter(|_| !word.quoted && !written.contains(&b'\n')) {
                assert_eq!(text.as_bytes(), written, "{command:?}");
            }
        }
    }
    for variable in &script.variables {
        let written = String::from_utf8_lossy(variable.span.of(source));
        assert!(written.starts_with('$') && written.contains(script.name(variable)), "{written}");
    }
}
