//! Which findings a baseline knows again.

use std::sync::Arc;

use plimsoll_dockerfile::Span;

use super::*;
use crate::document::Document as Parsed;
use crate::finding::Severity;

/// A file with findings, each a rule and the text that it is about.
fn file(source: &str, findings: &[(&str, &str)]) -> FileReport {
    let parsed = Parsed::new(0, "Dockerfile".to_owned(), source.into());
    let finding = |(rule, text): &(&str, &str)| {
        let start = u32::try_from(source.find(text).unwrap()).unwrap();
        Finding {
            rule: Arc::from(*rule),
            severity: Severity::Warning,
            message: format!("{rule} in line {}", parsed.lines().line_of(start)),
            url: None,
            span: Span::new(start, start),
            related: Vec::new(),
            lock: None,
            fixes: Vec::new(),
        }
    };
    let findings = findings.iter().map(finding).collect();
    FileReport { source: Some(parsed.shared_source()), findings, ..FileReport::default() }
}

/// How many findings of `after` are new to a baseline of `before`, and how many of that are found no more.
fn check(before: FileReport, after: FileReport, expect: (usize, usize)) {
    let names = ["Dockerfile".to_owned()];
    let known = Baseline::of(&[before], &names);
    let known = Baseline::parse(Path::new("b"), &known.text()).unwrap();
    let mut files = [after];
    let stale = known.hide(&mut files, &Linted { names: &names, ran: &|_, _| true });
    assert_eq!((files[0].findings.len(), stale), expect, "{:?}", files[0].findings);
}

#[test]
fn findings_are_known_again_where_their_lines_move() {
    let before = || file("FROM a\nRUN b  \\\n c\n", &[("p/R", "RUN"), ("p/S", "RUN"), ("p/R", "c")]);
    check(before(), before(), (0, 0));
    check(
        before(),
        file("# new\r\nFROM a\r\n\tRUN b \\\r\n    c\r\n", &[("p/R", "RUN"), ("p/S", "RUN"), ("p/R", "c")]),
        (0, 0),
    );
    check(before(), file("FROM a\nRUN other\n", &[("p/R", "RUN")]), (1, 3));
    check(before(), file("FROM a\nRUN b\n", &[("p/S", "RUN"), ("p/T", "RUN")]), (1, 2));
}

#[test]
fn what_was_perhaps_meant_is_no_part_of_a_finding() {
    let hinted = |hint: &str| {
        let mut file = file("FROM a\nENV A=$NAM\n", &[("p/R", "ENV")]);
        file.findings[0].message = format!("Usage of undefined variable '$NAM'{hint}");
        file
    };
    let [none, one, other] = ["", " (did you mean $NAME?)", " (did you mean $NAMES?)"];
    for (before, after) in [(none, one), (one, none), (one, other), (one, one)] {
        check(hinted(before), hinted(after), (0, 0));
    }
    check(hinted(none), hinted(" twice"), (1, 1));
    // Baselines that were written with it still know the finding, until they are written anew.
    let (names, now) = (["Dockerfile".to_owned()], hinted(one));
    let mut before = Baseline::default();
    let earlier = key(&names[0], &now, &now.findings[0], &now.findings[0].message);
    before.entries.insert(earlier.clone(), Known { count: 1, message: String::new() });
    let linted = Linted { names: &names, ran: &|_, _| true };
    let mut known = Baseline::of(std::slice::from_ref(&now), &names);
    known.keep(before.clone(), std::slice::from_ref(&now), &linted, |_| true);
    assert_eq!((known.len(), known.entries.contains_key(&earlier)), (1, false));
    let mut files = [now];
    assert_eq!((before.hide(&mut files, &linted), files[0].findings.len(), files[0].suppressed.len()), (0, 0, 1));
    // A comment that waves it through takes nothing out of the baseline.
    let mut known = Baseline::default();
    files[0].suppressed[0].1 = Suppression::Comment { line: 1, reason: None };
    known.keep(before.clone(), &files, &linted, |_| true);
    assert_eq!((known.len(), before.hide(&mut files, &linted)), (1, 0));
}

#[test]
fn a_second_equal_finding_is_new() {
    let one = || file("FROM a\nRUN b\nRUN b\n", &[("p/R", "RUN")]);
    check(one(), file("FROM a\nRUN b\nRUN b\n", &[("p/R", "RUN"), ("p/R", "RUN")]), (1, 0));
    check(file("FROM a\nRUN b\n", &[("p/R", "RUN"), ("p/R", "RUN")]), one(), (0, 1));
}

#[test]
fn what_cannot_be_read_is_said_with_its_line() {
    let check = |text: &str, expect: &str| {
        assert_eq!(Baseline::parse(Path::new("b.json"), text.as_bytes()).unwrap_err().to_string(), expect, "{text}");
    };
    check(
        "",
        "b.json:1: EOF while parsing a value: this is no baseline; mend it, or remove it and write it anew with --write-baseline",
    );
    check(
        "{\n\"version\": 1,\n<<<<<<<\n",
        "b.json:3: key must be a string: this is no baseline; mend it, or remove it and write it anew with --write-baseline",
    );
    check(
        "{\"version\": 2, \"new\": []}",
        "b.json: the baseline has version 2, and this Plimsoll knows 1: use a newer one",
    );
    check(
        "{\n\"version\": 0}",
        "b.json:2: there is no version 0: this is no baseline; mend it, or remove it and write it anew with --write-baseline",
    );
    check(
        "{\"version\": 1,\n\"findings\": [{\"path\": 1}]}",
        "b.json:2: invalid type: integer `1`, expected a string: this is no baseline; mend it, or remove it and write it anew with --write-baseline",
    );
}

#[test]
fn files_are_called_by_their_way_from_the_baseline() {
    let check = |folder: &str, file: &str, expect: &str| assert_eq!(name(Path::new(folder), Path::new(file)), expect);
    check("/w", "/w/a/Dockerfile", "a/Dockerfile");
    check("/w/ci", "/w/a/Dockerfile", "../a/Dockerfile");
    check("/w/a", "/w/ab/Dockerfile", "../ab/Dockerfile");
}

#[test]
fn what_other_runs_know_stays_while_its_files_do() {
    let of = |name: &str| Baseline::of(&[file("FROM a\n", &[("p/R", "FROM")])], &[name.to_owned()]);
    let mut known = of("linted");
    for other in ["linted", "there", "gone"] {
        let (files, names) = ([FileReport::default()], ["linted".to_owned()]);
        known.keep(of(other), &files, &Linted { names: &names, ran: &|_, _| true }, |name| name == "there");
    }
    let paths: Vec<&str> = known.entries.keys().map(|key| key.path.as_str()).collect();
    assert_eq!(paths, ["linted", "there"]);
}

#[test]
fn what_did_not_run_is_neither_gone_nor_dropped() {
    let names = ["Dockerfile".to_owned()];
    let both = || file("FROM a\n", &[("p/R", "FROM"), ("p/S", "FROM")]);
    let before = Baseline::of(&[both()], &names);
    let check = |mut now: FileReport, ran: &dyn Fn(usize, &str) -> bool, expect: (usize, usize)| {
        let linted = Linted { names: &names, ran };
        let mut known = Baseline::of(std::slice::from_ref(&now), &names);
        known.keep(before.clone(), std::slice::from_ref(&now), &linted, |_| true);
        let stale = before.hide(std::slice::from_mut(&mut now), &linted);
        assert_eq!((stale, known.len()), expect, "{:?}", now.findings);
    };
    let one = || file("FROM a\n", &[("p/R", "FROM")]);
    check(one(), &|_, _| true, (1, 1));
    check(one(), &|_, rule| rule == "p/R", (0, 2));
    check(FileReport { spared: vec!["p/S".into()], ..one() }, &|_, _| true, (0, 2));
    let mut waved = both();
    let finding = waved.findings.pop().unwrap();
    waved.suppressed.push((finding, Suppression::Comment { line: 1, reason: None }));
    check(waved, &|_, _| true, (0, 2));
}

#[test]
fn counts_end_where_numbers_do() {
    let line = format!("{{\"path\":\"a\",\"rule\":\"p/R\",\"hash\":\"0\",\"count\":{},\"message\":\"\"}}", usize::MAX);
    let other = line.replace("p/R", "p/S");
    let known = Baseline::parse(Path::new("b"), format!("{{\"version\":1,\"findings\":[{line},{other}]}}").as_bytes());
    let known = known.unwrap();
    assert_eq!(known.len(), usize::MAX);
    let names = ["a".to_owned()];
    let linted = Linted { names: &names, ran: &|_, _| true };
    assert_eq!(known.hide(&mut [FileReport::default()], &linted), usize::MAX);
}

#[test]
fn what_is_read_only_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.json");
    let names = ["Dockerfile".to_owned()];
    let known = Baseline::of(&[file("FROM a\n", &[("p/R", "FROM")])], &names);
    known.write(&path, None).unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    known.write(&path, None).unwrap();
    let refused = Baseline::default().write(&path, None).unwrap_err();
    assert!(matches!(refused, BaselineError::File(RewriteError::ReadOnly(_))), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), known.text());
}
