//! Comments into a Dockerfile, so that findings are waved through.
//!
//! Input: a file's bytes and findings in it. Output: the bytes with one comment above each instruction that has any,
//! and one behind the parser directives for what is in none. Invariant: the instructions and directives are the same
//! before and after; else nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::tree::{Comment as TreeComment, DirectiveKind, Instruction, Keyword};
use plimsoll_dockerfile::{Span, Tree, find_directive, parse};

use super::comment::{Comment, Kind, Odd, read};
use super::meant::code_of;
use crate::finding::Finding;
use crate::plugin::OWN_PACK;

/// A file after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Its bytes.
    pub source: Vec<u8>,
    /// How many findings are waved through.
    pub findings: usize,
}

/// Writes the comments; nothing where the file would then be another one to BuildKit.
/// What the host itself says of comments is no reason for more of them. In the places where comments are taken for
/// descriptions of what FROM and ARG define, those that are none are waved through as well.
pub fn insert(source: &[u8], findings: &[Finding], reason: Option<&str>, described: &[Span]) -> Option<Inserted> {
    let tree = parse(source);
    let mut count = 0;
    // By instruction; what is in none is for the whole file.
    let mut names: BTreeMap<Option<u32>, BTreeSet<&str>> = BTreeMap::new();
    let of_rules = findings.iter().filter(|finding| finding.rule.split('/').next() != Some(OWN_PACK));
    for finding in of_rules {
        let name = code_of(finding).unwrap_or(&finding.rule);
        names.entry(instruction_at(&tree, finding.span.start)).or_default().insert(name);
        count += 1;
    }
    let newline = newline(source);
    let mut edits: Vec<(usize, String)> = Vec::new();
    for (place, mut names) in names {
        let above = place.map(|index| &tree.instructions[index as usize]);
        let extended = extendable(source, &tree, place, reason);
        let is_described = |above: &&Instruction| described.iter().any(|place| place.contains(above.span.start));
        if extended.is_none() && above.filter(is_described).is_some_and(|above| defines(&tree, above)) {
            names.insert(DESCRIPTION);
        }
        let names = names.into_iter().collect::<Vec<_>>().join(",");
        if let Some(at) = extended {
            edits.push((at, format!(",{names}")));
            continue;
        }
        let reason = reason.map_or(String::new(), |reason| format!(" -- {reason}"));
        match above {
            Some(instruction) => {
                let (at, indent) = line_start(source, instruction.span.start as usize);
                edits.push((at, format!("{indent}# plimsoll ignore={names}{reason}{newline}")));
            }
            None => {
                let at = behind_directives(source);
                let is_cut = at == source.len() && at > 0 && !source.ends_with(b"\n") && at > mark(source);
                let before = if is_cut { newline } else { "" };
                edits.push((at, format!("{before}# plimsoll global ignore={names}{reason}{newline}")));
            }
        }
    }
    edits.sort_by_key(|(at, _)| *at);
    let after = edited(source, &edits);
    is_alike(source, &tree, &after).then_some(Inserted { source: after, findings: count })
}

/// The instruction that a place is in. What stands in an ONBUILD is part of that.
fn instruction_at(tree: &Tree, at: u32) -> Option<u32> {
    let before = tree.instructions.partition_point(|instruction| instruction.span.start <= at);
    let found = tree.instructions[..before].iter().rposition(|instruction| instruction.parent.is_none())?;
    tree.instructions[found].span.contains(at).then(|| u32::try_from(found).unwrap_or(0))
}

/// The rule that takes comments for descriptions.
const DESCRIPTION: &str = "buildkit/InvalidDefinitionDescription";

/// Whether an instruction gives something a name.
fn defines(tree: &Tree, instruction: &Instruction) -> bool {
    match instruction.keyword {
        Keyword::From => tree.words_of(instruction).len() > 2,
        Keyword::Arg => true,
        _ => false,
    }
}

/// Where further names can be written behind those that a comment has, if they are there for the same reason. One
/// that counts up to a day says too little.
fn extendable(source: &[u8], tree: &Tree, place: Option<u32>, reason: Option<&str>) -> Option<usize> {
    let is_below = |comment: &TreeComment, index: u32| {
        let at = comment.span.start;
        tree.instructions.partition_point(|instruction| instruction.span.start <= at) == index as usize
    };
    let (comments, kind) = match place {
        Some(index) => {
            let start = tree.instructions[index as usize].span.start;
            let end = tree.comments.partition_point(|comment| comment.span.start < start);
            let of_others = |comment: &TreeComment| comment.inside || !is_below(comment, index);
            let begin = tree.comments[..end].iter().rposition(of_others).map_or(0, |last| last + 1);
            (&tree.comments[begin..end], Kind::Instruction)
        }
        None => (tree.comments.as_slice(), Kind::File),
    };
    let read = comments.iter().rev().filter_map(|comment| read(comment.span.of(source), comment.span.start));
    let is_same = |comment: &Comment| {
        comment.reason.map(|span| span.of(source)) == reason.map(str::as_bytes)
            && comment.until.is_none()
            && !matches!(comment.odd, Some(Odd::Certain(_)))
    };
    let mut fitting = read.filter(|comment| comment.is_own && comment.kind == kind && is_same(comment));
    fitting.find_map(|comment| Some(comment.names.last()?.end as usize))
}

/// Where the line of a place begins, and the blanks that it begins with.
fn line_start(source: &[u8], at: usize) -> (usize, &str) {
    let start = source[..at].iter().rposition(|byte| *byte == b'\n').map_or(mark(source), |newline| newline + 1);
    let indent = str::from_utf8(&source[start..at]).ok();
    (start, indent.filter(|indent| indent.trim_matches([' ', '\t']).is_empty()).unwrap_or_default())
}

/// The first place where a line ends no parser directives, and stands in front of no `#!`.
fn behind_directives(source: &[u8]) -> usize {
    let is_script = source[mark(source)..].starts_with(b"#!");
    let directives = KINDS.iter().filter_map(|kind| find_directive(source, *kind));
    let last = directives.map(|found| found.span.end as usize).chain(is_script.then_some(mark(source))).max();
    let behind_line = |at: usize| {
        let newline = source[at..].iter().position(|byte| *byte == b'\n');
        newline.map_or(source.len(), |newline| at + newline + 1)
    };
    last.map_or(mark(source), behind_line)
}

/// The length of a byte order mark.
fn mark(source: &[u8]) -> usize {
    if source.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

fn newline(source: &[u8]) -> &'static str {
    let first = source.iter().position(|byte| *byte == b'\n');
    if first.is_some_and(|at| at > 0 && source[at - 1] == b'\r') { "\r\n" } else { "\n" }
}

fn edited(source: &[u8], edits: &[(usize, String)]) -> Vec<u8> {
    let mut after = Vec::with_capacity(source.len() + edits.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut done = 0;
    for (at, text) in edits {
        after.extend_from_slice(&source[done..*at]);
        after.extend_from_slice(text.as_bytes());
        done = *at;
    }
    after.extend_from_slice(&source[done..]);
    after
}

const KINDS: [DirectiveKind; 3] = [DirectiveKind::Syntax, DirectiveKind::Escape, DirectiveKind::Check];

/// Whether two files have the same directives, instructions and problems.
fn is_alike(before: &[u8], tree: &Tree, after: &[u8]) -> bool {
    let new = parse(after);
    let value = |source: &[u8], kind| find_directive(source, kind).map(|found| Span::of(found.value, source).to_vec());
    let has_same_directives = KINDS.into_iter().all(|kind| value(before, kind) == value(after, kind));
    let heredocs = |source: &[u8], tree: &Tree, instruction: &Instruction| {
        let bodies = tree.heredocs_of(instruction).iter().map(|heredoc| heredoc.body.of(source).to_vec());
        bodies.collect::<Vec<_>>()
    };
    let has_same_instructions = tree.instructions.len() == new.instructions.len()
        && tree.instructions.iter().zip(&new.instructions).all(|(old, other)| {
            old.keyword == other.keyword
                && tree.text(before, old.text) == new.text(after, other.text)
                && heredocs(before, tree, old) == heredocs(after, &new, other)
        });
    let problems = |tree: &Tree| tree.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    has_same_directives && has_same_instructions && tree.escape == new.escape && problems(tree) == problems(&new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    /// What becomes of a file with findings of rules where their texts stand.
    fn check(source: &str, findings: &[(&str, &str)], expect: &str) {
        let finding = |(rule, text): &(&str, &str)| {
            let start = u32::try_from(source.find(text).unwrap()).unwrap();
            Finding {
                rule: (*rule).into(),
                severity: Severity::Warning,
                message: "SC2086: words".to_owned(),
                url: None,
                span: Span::new(start, start + 1),
                related: Vec::new(),
                lock: None,
                fixes: Vec::new(),
            }
        };
        let findings: Vec<Finding> = findings.iter().map(finding).collect();
        let described = source.find("ARG").map(|at| Span::new(u32::try_from(at).unwrap(), u32::MAX));
        let inserted = insert(source.as_bytes(), &findings, Some("why"), described.as_slice());
        let text = inserted.map(|inserted| String::from_utf8(inserted.source).unwrap());
        assert_eq!(text.as_deref(), Some(expect), "{source}");
    }

    #[test]
    fn comments_go_above_instructions() {
        check("FROM a\n", &[("p/R", "FROM")], "# plimsoll ignore=p/R -- why\nFROM a\n");
        check("FROM a", &[("p/R", "a")], "# plimsoll ignore=p/R -- why\nFROM a");
        check(
            "\u{FEFF}FROM a\r\n  RUN b \\\r\n    c\r\n",
            &[("p/S", "c"), ("p/R", "b"), ("p/R", "c"), ("p/R", "FROM")],
            "\u{FEFF}# plimsoll ignore=p/R -- why\r\nFROM a\r\n  # plimsoll ignore=p/R,p/S -- why\r\n  RUN b \\\r\n    c\r\n",
        );
        check(
            "FROM a\nRUN <<EOF\n  # x\nEOF\nONBUILD RUN b\n",
            &[("p/R", "x"), ("shellcheck/script", "b\n")],
            "FROM a\n# plimsoll ignore=p/R -- why\nRUN <<EOF\n  # x\nEOF\n# plimsoll ignore=SC2086 -- why\nONBUILD RUN b\n",
        );
    }

    #[test]
    fn comments_that_are_there_get_more_names() {
        check(
            "FROM a\n# plimsoll ignore=p/A -- why\n# note\nRUN b\n",
            &[("p/R", "RUN")],
            "FROM a\n# plimsoll ignore=p/A,p/R -- why\n# note\nRUN b\n",
        );
        // The reason is one for what it was given for.
        for reason in ["", " -- known"] {
            check(
                &format!("FROM a\n# plimsoll ignore=p/A{reason}\nRUN b\n"),
                &[("p/R", "RUN")],
                &format!("FROM a\n# plimsoll ignore=p/A{reason}\n# plimsoll ignore=p/R -- why\nRUN b\n"),
            );
        }
        check(
            "FROM a\n# plimsoll ignore=p/A until=2027-01-31\nRUN b\n",
            &[("p/R", "RUN")],
            "FROM a\n# plimsoll ignore=p/A until=2027-01-31\n# plimsoll ignore=p/R -- why\nRUN b\n",
        );
        // BuildKit would not count it to the instruction.
        check(
            "FROM a\n# plimsoll ignore=p/A -- why\n#\n\n# note\nRUN b\n",
            &[("p/R", "RUN"), ("p/R", "FROM")],
            "# plimsoll ignore=p/R -- why\nFROM a\n# plimsoll ignore=p/A,p/R -- why\n#\n\n# note\nRUN b\n",
        );
    }

    #[test]
    fn comments_that_are_no_descriptions_say_so() {
        let both = "buildkit/InvalidDefinitionDescription,p/R";
        check(
            "FROM o AS o\nARG x\nFROM a\nFROM b AS c\n",
            &[("p/R", "FROM o"), ("p/R", "ARG"), ("p/R", "FROM a"), ("p/R", "FROM b")],
            &format!(
                "# plimsoll ignore=p/R -- why\nFROM o AS o\n# plimsoll ignore={both} -- why\nARG x\n# plimsoll ignore=p/R -- why\nFROM a\n\
                 # plimsoll ignore={both} -- why\nFROM b AS c\n"
            ),
        );
    }

    #[test]
    fn what_is_of_the_whole_file_stands_behind_directives() {
        let whole = "# plimsoll global ignore=p/R -- why\n";
        for directives in
            ["", "# syntax=a\n", "# syntax=a\n# escape=\\\n", "#!/usr/bin/x\n", "#!/usr/bin/x\n# syntax=a\n"]
        {
            let rest = "# x\nFROM a\n";
            check(&format!("{directives}{rest}"), &[("p/R", "x\nFROM")], &format!("{directives}{whole}{rest}"));
        }
        check(
            "# check=skip=A\nFROM a\n# x\n",
            &[("p/R", "FROM"), ("p/S", "# x")],
            "# check=skip=A\n# plimsoll global ignore=p/S -- why\n# plimsoll ignore=p/R -- why\nFROM a\n# x\n",
        );
        check(
            "# plimsoll global ignore=p/A -- why\nFROM a\n# x\n",
            &[("p/R", "# x")],
            "# plimsoll global ignore=p/A,p/R -- why\nFROM a\n# x\n",
        );
        // What the host says of comments is left to be seen.
        check("FROM a\n", &[("plimsoll/unknown-rule", "FROM")], "FROM a\n");
    }
}
