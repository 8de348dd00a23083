//! Comments that wave findings through: what the pages of the host's own rules say of them, what they mean case by
//! case, and that what `--suppress` writes does what it should to any file.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plimsoll::config::Files;
use plimsoll::document::Surroundings;
use plimsoll::finding::{Finding, Severity, Suppression};
use plimsoll::lint::{self, Ask, FileReport, Input, Job, MISSING_REASON, Ruleset, SlowChecks, Source, own_rules};
use plimsoll::pages::{BlockKind, Page, page_name};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::resolve::Context;
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::{Platform, parse};
use plimsoll_test_support::dockerfiles::dockerfiles;
use plimsoll_test_support::{Project, repository_root};

/// 2026-01-31T12:00:00Z.
const NOW: Duration = Duration::from_secs(1_769_860_800);

struct Linter {
    plugins: Arc<[Plugin]>,
}

impl Linter {
    fn new() -> Self {
        let plugins = Plugin::bundled(&Host::new().unwrap()).unwrap_or_else(|pack| panic!("{}", pack.message));
        Self { plugins: plugins.into() }
    }

    fn lint(&self, sources: Vec<Vec<u8>>, configure: impl FnOnce(&mut Ruleset)) -> Vec<FileReport> {
        let mut ruleset = Ruleset::new(&self.plugins, Files::default()).unwrap();
        configure(&mut ruleset);
        let input = |source| Input {
            shown: "Dockerfile".to_owned(),
            source: Source::Bytes(source),
            ruleset: 0,
            context: Arc::default(),
        };
        let platforms = ["amd64", "arm64"].map(|architecture| Platform::new("linux", architecture, ""));
        let job = Job {
            inputs: sources.into_iter().map(input).collect(),
            plugins: self.plugins.clone(),
            unusable: Vec::new(),
            rulesets: vec![ruleset],
            surroundings: platforms.into_iter().map(Surroundings::of_platform).collect(),
            slow_checks: SlowChecks { ask: Ask::Nothing, fail_fast: true, terms: Terms::within(Duration::ZERO) },
            lock: None,
            resolver: Arc::new(Context::default()),
            now: SystemTime::UNIX_EPOCH + NOW,
            threads: 2,
        };
        lint::run(&job).files
    }

    fn lint_one(&self, source: &str, configure: impl FnOnce(&mut Ruleset)) -> FileReport {
        self.lint(vec![source.into()], configure).remove(0)
    }
}

#[test]
fn the_pages_of_the_own_rules_are_true() {
    let linter = Linter::new();
    let folder = repository_root().join("host/plimsoll/src/lint/own");
    for rule in own_rules() {
        let name = rule.name.strip_prefix("plimsoll/").unwrap();
        let page = Page::read(&folder.join(page_name(name)), name).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(page.text.starts_with(&format!("# {name}\n")) && page.cases.len() >= 3, "{name}");
        assert_eq!(page.text, rule.documentation);
        for case in &page.cases {
            let source = &case.dockerfile.text;
            let report = linter.lint_one(source, |ruleset| {
                if rule.is_opt_in {
                    ruleset.turn_on(&rule.name);
                }
            });
            let mut said = String::new();
            let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.rule == rule.name).collect();
            for finding in &findings {
                let lines = report.source.as_ref().unwrap().lines();
                let (start, end) = (lines.position(finding.span.start), lines.position(finding.span.end));
                let place = format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column);
                said.push_str(&format!("{place} {}\n", finding.message));
            }
            let place = format!("{name}, line {}", case.dockerfile.line);
            assert_eq!(said, case.text(BlockKind::Findings).unwrap_or_default(), "{place}");
            if let Some(fixed) = case.text(BlockKind::Fixed) {
                let fixes = findings.iter().filter_map(|finding| finding.fixes.first());
                assert_eq!(applied(source, fixes.flat_map(|fix| fix.edits.clone()).collect()), fixed, "{place}");
            }
        }
    }
}

fn applied(source: &str, mut edits: Vec<(plimsoll_dockerfile::Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = source.to_owned();
    for (span, new) in edits {
        text.replace_range(span.range(), &new);
    }
    text
}

/// What is found in a file, and what is waved through and by which line: rule without pack, line.
fn check(linter: &Linter, source: &str, found: &[(&str, u32)], waved: &[(&str, u32, u32)]) {
    let report = linter.lint_one(source, |_| ());
    let lines = report.source.as_ref().unwrap().lines();
    let name = |finding: &Finding| finding.rule.split_once('/').unwrap().1.to_owned();
    let seen: Vec<_> = report.findings.iter().map(|f| (name(f), lines.line_of(f.span.start))).collect();
    let found: Vec<_> = found.iter().map(|(rule, line)| ((*rule).to_owned(), *line)).collect();
    assert_eq!(seen, found, "{source}");
    let by = |why: &Suppression| if let Suppression::Comment { line, .. } = why { *line } else { 0 };
    let suppressed = report.suppressed.iter();
    let suppressed: Vec<_> = suppressed.map(|(f, why)| (name(f), lines.line_of(f.span.start), by(why))).collect();
    let waved: Vec<_> = waved.iter().map(|(rule, line, by)| ((*rule).to_owned(), *line, *by)).collect();
    assert_eq!(suppressed, waved, "{source}");
}

#[test]
fn comments_count_where_they_should() {
    let linter = Linter::new();
    let check = |source: &str, found: &[_], waved: &[_]| check(&linter, source, found, waved);
    const CMD: &str = "JSONArgsRecommended";
    const BY: &str = "MaintainerDeprecated";
    // Whole names, bare ones, packs and patterns.
    for name in ["buildkit/JSONArgsRecommended", CMD, "buildkit/*", "JSON*", "*/JSON*", "*"] {
        check(&format!("FROM scratch\n# plimsoll ignore={name}\nCMD a\n"), &[], &[(CMD, 3, 2)]);
    }
    check("FROM scratch\n# plimsoll ignore = buildkit/* ,x/Y -- both\nCMD a\n", &[], &[(CMD, 3, 2)]);
    check("FROM scratch\r\n  # plimsoll ignore=JSON*\r\n  CMD a\r\n", &[], &[(CMD, 3, 2)]);
    check("FROM scratch\nCMD a \\\n  # plimsoll ignore=JSON*\n  b\n", &[], &[(CMD, 2, 3)]);
    // Of others, or elsewhere.
    check("FROM scratch\n# plimsoll ignore=buildkit/Stage*\nCMD a\n", &[("unused-suppression", 2), (CMD, 3)], &[]);
    // A bare # parts what BuildKit and hadolint say from the instruction below.
    check("FROM scratch\n# plimsoll ignore=JSON*\n#\n# Why.\n\nCMD a\n", &[], &[(CMD, 6, 2)]);
    check("FROM scratch\n# hadolint ignore=DL3025\n#\nCMD a\n", &[(CMD, 4)], &[]);
    check("FROM scratch\nCMD a\n# plimsoll ignore=JSON*\n", &[(CMD, 2), ("broken-suppression", 3)], &[]);
    check("FROM scratch\n# plimsoll ignore=acme/JSON*,acme/x\nCMD a\n", &[(CMD, 3)], &[]);
    // What stands in a heredoc is no comment.
    check("FROM scratch\nRUN <<EOF\n# plimsoll global ignore=*\nEOF\nCMD a\n", &[(CMD, 5)], &[]);
    // The file, blocks, and the nearest of several.
    check("FROM scratch\nCMD a\n# plimsoll global ignore=JSON*\n", &[], &[(CMD, 2, 3)]);
    let blocks = "FROM scratch\n# plimsoll ignore-start=JSON*,Maint*\n# plimsoll ignore-start=JSON*\nCMD a\n\
                  # plimsoll ignore-end\nMAINTAINER b\n# plimsoll ignore-end=Maint*\nMAINTAINER c\n# plimsoll ignore-end\n";
    check(blocks, &[("unused-suppression", 2), (BY, 8)], &[(CMD, 4, 3), (BY, 6, 2)]);
    let crossed = "FROM scratch\n# plimsoll ignore-start=JSON*\n# plimsoll ignore-start=Maint*\nCMD a\n\
                   # plimsoll ignore-end=JSON*\nMAINTAINER b\n# plimsoll ignore-end=Maint*\n";
    check(crossed, &[], &[(CMD, 4, 2), (BY, 6, 3)]);
    check("FROM scratch\n# plimsoll ignore-start=JSON*\nCMD a\n", &[("broken-suppression", 2)], &[(CMD, 3, 2)]);
    check("FROM scratch\n# plimsoll ignore-end=JSON*\nCMD a\n", &[("broken-suppression", 2), (CMD, 3)], &[]);
    // What means nothing is said, and what is written to people is not.
    let odd = [("broken-suppression", 2)];
    for behind in ["until 2020-01-01 -- x", "MaintainerDeprecated", "SC2086", "buildkit/MaintainerDeprecatd", "why=not"]
    {
        check(&format!("FROM scratch\n# plimsoll ignore=JSON* {behind}\nCMD a\n"), &odd, &[(CMD, 3, 2)]);
    }
    for behind in ["since the script says so", "MaintainerDeprecated's kin", "-- MaintainerDeprecated"] {
        check(&format!("FROM scratch\n# plimsoll ignore=JSON* {behind}\nCMD a\n"), &[], &[(CMD, 3, 2)]);
    }
    for comment in ["ignore", "ignore: JSON*", "ignore JSONArgsRecommended", "ignore DL3025", "ignore-star=JSON*"] {
        check(&format!("FROM scratch\n# plimsoll {comment}\nCMD a\n"), &[odd[0], (CMD, 3)], &[]);
    }
    for comment in ["is great", "ignores this", "ignore this script", "ignore this, please"] {
        check(&format!("FROM scratch\n# plimsoll {comment}\nCMD a\n"), &[(CMD, 3)], &[]);
    }
    // The day itself still counts.
    check("FROM scratch\n# plimsoll ignore=JSON* until=2026-01-31\nCMD a\n", &[], &[(CMD, 3, 2)]);
    let over = [("expired-suppression", 2), (CMD, 3)];
    check("FROM scratch\n# plimsoll ignore=JSON* until=2026-01-30\nCMD a\n", &over, &[]);
    let broken = [("broken-suppression", 2), (CMD, 3)];
    check("FROM scratch\n# plimsoll ignore=JSON* until=2026-01-32\nCMD a\n", &broken, &[]);
    // BuildKit's own.
    check("FROM scratch\n# check=skip=JSONArgsRecommended\nCMD a\n", &[], &[(CMD, 3, 2)]);
    // A rule that an answer might have helped, one that is off, and a file that does not parse.
    check("# plimsoll global ignore=CopyIgnoredFile\nFROM scratch\nCOPY a /\n", &[], &[]);
    check("# plimsoll global ignore=unpinned-image\nFROM scratch\nCOPY --from=a:1 a /\n", &[], &[]);
    check("# plimsoll global ignore=JSON*\nFROM scratch\nCOPY\n", &[], &[]);
    // What is said of comments can be waved through for the file.
    let own = "# plimsoll global ignore=plimsoll/unused-*\nFROM scratch\n# plimsoll ignore=JSON*\nUSER a\n";
    check(own, &[], &[("unused-suppression", 3, 1)]);
}

/// Each code with a file that has what it is about, and how many findings of the rule are left with it.
#[test]
fn codes_of_hadolint_mean_what_rules_here_mean() {
    let linter = Linter::new();
    let check = |source: &str, found: &[_], waved: &[_]| check(&linter, source, found, waved);
    let above = |code: &str, rest: &str| format!("# hadolint ignore={code}\n{rest}");
    let tag = "latest-tag";
    check(&above("DL3006", "FROM alpine\n"), &[], &[(tag, 2, 1)]);
    check(&above("DL3007", "FROM alpine\n"), &[(tag, 2)], &[]);
    check(&above("DL3007", "FROM alpine:latest\n"), &[], &[(tag, 2, 1)]);
    check(&above("DL3006", "FROM alpine:latest\n"), &[(tag, 2)], &[]);
    let in_stage = |code: &str, rest: &str| format!("FROM scratch\n# hadolint ignore=DL1234,{code}\n{rest}");
    for (code, rule, line) in [
        ("DL3000", "WorkdirRelativePath", "WORKDIR a\n"),
        ("DL3025", "JSONArgsRecommended", "CMD a\n"),
        ("DL4000", "MaintainerDeprecated", "MAINTAINER a\n"),
    ] {
        check(&in_stage(code, line), &[], &[(rule, 3, 2)]);
        check(&in_stage("DL3999", line), &[(rule, 3)], &[]);
        check(&format!("FROM scratch\n{line}# hadolint global ignore={code}\n"), &[], &[(rule, 2, 3)]);
    }
    check("FROM scratch AS a\n# hadolint ignore=DL3024\nFROM scratch AS a\n", &[], &[("DuplicateStageName", 3, 2)]);
    let constant = "# hadolint ignore=DL3029\nFROM --platform=linux/s390x scratch\n";
    check(constant, &[], &[("FromPlatformFlagConstDisallowed", 2, 1)]);
    // hadolint reports the second of two.
    let (many, exec) = ("MultipleInstructionsDisallowed", "[\"a\"]");
    for (code, keyword) in [("DL4003", "CMD"), ("DL4004", "ENTRYPOINT"), ("DL3012", "HEALTHCHECK CMD")] {
        let source = format!("FROM scratch\n{keyword} {exec}\n# hadolint ignore={code}\n{keyword} {exec}\n");
        check(&source, &[], &[(many, 2, 3)]);
    }
    let other = format!("FROM scratch\nCMD {exec}\n# hadolint ignore=DL4004\nCMD {exec}\n");
    check(&other, &[(many, 2)], &[]);
}

#[test]
fn comments_count_for_nothing_where_that_is_wanted() {
    let linter = Linter::new();
    let source = "# check=skip=StageNameCasing;error=true\nFROM scratch AS A\n# plimsoll ignore=Json*\n# check=skip=all\nCMD a\n";
    let report = linter.lint_one(source, |ruleset| ruleset.ignores_comments = true);
    let rules: Vec<&str> = report.findings.iter().map(|finding| &*finding.rule).collect();
    assert_eq!(rules, ["buildkit/StageNameCasing", "buildkit/JSONArgsRecommended"]);
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Error), "what counts as an error stays");
    assert!(report.suppressed.is_empty());
    let reasons =
        linter.lint_one("# plimsoll global ignore=*\nFROM scratch\n", |ruleset| ruleset.turn_on(MISSING_REASON));
    // What waves everything through does not wave itself through.
    assert_eq!((reasons.findings.len(), reasons.suppressed.len()), (1, 0), "{:?}", reasons.findings);
}

#[test]
fn too_many_comments_are_told_and_cost_little() {
    let linter = Linter::new();
    let check = |what: &str, source: String, rule: &str, count: usize| {
        let start = Instant::now();
        let report = linter.lint_one(&source, |_| ());
        let time = start.elapsed();
        let found = report.findings.iter().filter(|finding| finding.rule.ends_with(rule)).count();
        assert_eq!(found, count, "{what}: {:?}", report.findings.first());
        assert!(time < Duration::from_secs(20), "{what}: {time:?}");
        time
    };
    let many = 10_000;
    let each =
        |comment: &str, times: usize| format!("FROM scratch\n{}", format!("{comment}\nCMD [\"a\"]\n").repeat(times));
    check("as many as count", each("# plimsoll ignore=JSON*", many), "broken-suppression", 0);
    check("one more", each("# plimsoll ignore=JSON*", many + 1), "broken-suppression", 1);
    let list = format!("FROM scratch\n# plimsoll ignore={}\nCMD a\n", "A,".repeat(30_000));
    check("a long list", list, "broken-suppression", 1);
    let unknown = format!("FROM scratch\n# plimsoll ignore={}\nCMD a\n", "JSONArgsRecommendd,".repeat(3_000));
    check("names that are none", unknown, "unknown-rule", 2_000);
    let starts = format!("FROM scratch\n{}CMD a\n", "# plimsoll ignore-start=*\n".repeat(many));
    check("blocks in blocks", starts.clone(), "broken-suppression", 2_000);
    let half = |comment: &str| format!("{comment}\n").repeat(many / 2);
    let ended = format!("FROM scratch\n{}CMD a\n{}", half("# plimsoll ignore-start=*"), half("# plimsoll ignore-end"));
    check("blocks in blocks that end", ended, "broken-suppression", 0);
    let stars = format!("FROM scratch\n# plimsoll ignore={}x\nCMD a\n", "*a".repeat(30_000));
    check("a long pattern", stars, "unknown-rule", 1);
    let nothing = format!("FROM scratch\n{}CMD a\n", "# plimsoll ignore=\n".repeat(200_000));
    check("comments without names", nothing.clone(), "broken-suppression", 2_000);
    let report = linter.lint_one(&nothing, |_| ());
    let is_told = |finding: &&Finding| finding.message.starts_with("Comments name more than");
    assert_eq!(report.findings.iter().filter(is_told).count(), 1, "those that do not count are told of");
    let codes = |times: usize| format!("# hadolint global ignore={}\n", vec!["DL3006"; times].join(","));
    let latest: String = (0..3_000).map(|stage| format!("FROM alpine:latest AS x{stage}\n")).collect();
    let once = check("one code of other findings", codes(1) + &latest, "latest-tag", 2_000);
    let often = check("the same many times", codes(many - 1_000) + &latest, "latest-tag", 2_000);
    assert!(often < once * 4 + Duration::from_millis(500), "{often:?}, and with one {once:?}");
    let start = Instant::now();
    let below = format!("FROM scratch\n{}{}", "\n".repeat(100_000), "# plimsoll ignore=\n".repeat(many));
    let above = format!("{}{}FROM scratch\n", "\n".repeat(100_000), "# plimsoll ignore=\n".repeat(many));
    for source in [below, above] {
        assert_eq!(linter.lint_one(&source, |_| ()).findings.len(), 2_000);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "below blank lines: {:?}", start.elapsed());
}

/// After the comments that are written nothing of what was found is, and the file says what it did.
#[test]
fn what_is_written_waves_everything_through() {
    let linter = Linter::new();
    let mut sources: Vec<(String, Vec<u8>)> = dockerfiles().into_iter().map(|file| (file.name, file.source)).collect();
    match std::env::var_os("PLIMSOLL_CORPUS") {
        Some(folder) => sources.extend(files_of(Path::new(&folder))),
        None => eprintln!("PLIMSOLL_CORPUS is not set: the repository's own set stands in"),
    }
    let mut variants = BTreeMap::new();
    for (name, source) in sources {
        let crlf = String::from_utf8_lossy(&source).replace("\r\n", "\n").replace('\n', "\r\n");
        let marked = [b"\xEF\xBB\xBF".as_slice(), &source].concat();
        let cut = source.trim_ascii_end().to_vec();
        for (variant, source) in [("CRLF", crlf.into_bytes()), ("BOM", marked), ("cut", cut), ("as it is", source)] {
            variants.insert(format!("{name}, {variant}"), source);
        }
    }
    let ask_for_all = |ruleset: &mut Ruleset| ruleset.severities.clear();
    let before = linter.lint(variants.values().cloned().collect(), ask_for_all);
    let (mut edited, mut count) = (Vec::new(), 0);
    for ((name, source), report) in variants.iter().zip(&before) {
        let inserted = lint::insert(source, &report.findings, Some("known"), &[]).unwrap_or_else(|| panic!("{name}"));
        count += inserted.findings;
        assert_eq!(instructions(source), instructions(&inserted.source), "{name}");
        edited.push(inserted.source);
    }
    assert!(count > 100, "{count} findings");
    let after = linter.lint(edited.clone(), ask_for_all);
    for (((name, _), source), (old, new)) in variants.iter().zip(&edited).zip(before.iter().zip(&after)) {
        let left: Vec<_> = new.findings.iter().filter(|finding| !finding.rule.starts_with("plimsoll/")).collect();
        assert!(left.is_empty(), "{name}: {left:?}\n{}", String::from_utf8_lossy(source));
        assert_eq!(old.problems.len(), new.problems.len(), "{name}");
        let own = |report: &FileReport| report.findings.iter().filter(|f| f.rule.starts_with("plimsoll/")).count();
        assert_eq!(own(old), own(new), "{name}: no comment is one too many: {:?}", new.findings);
    }
}

/// Fixes of what is said of comments take away what they are for, and nothing else.
#[test]
fn comments_that_are_not_needed_can_be_taken_out() {
    let linter = Linter::new();
    let check = |source: &str, expect: &str| {
        let text = mended(&linter, vec![source.to_owned()]).remove(0);
        assert_eq!(text, expect, "{source}");
        assert_eq!(instructions(source.as_bytes()), instructions(text.as_bytes()));
    };
    check("FROM scratch\n# plimsoll ignore=JSON*,Work*\nUSER a\n", "FROM scratch\nUSER a\n");
    let [first, middle, last] = ["Work*, JSON*, Maint*", "JSON* ,Work*,Maint*", "Maint*,Work*,JSON* -- why"];
    for names in [first, middle, last] {
        let rest = if names.ends_with("why") { " -- why" } else { "" };
        let expect = format!("FROM scratch\n# plimsoll ignore=JSON*{rest}\nCMD a\n");
        check(&format!("FROM scratch\n# plimsoll ignore={names}\nCMD a\n"), &expect);
    }
    // What ends a block goes with what begins it, and with nothing else.
    let block = |start: &str, end: &str| {
        format!("FROM scratch\n# plimsoll ignore-start={start}\nCMD a\n# plimsoll ignore-end{end}\nCMD b\n")
    };
    check(&block("JSON*,Work*", "=JSON*,Work*"), &block("JSON*", "=JSON*"));
    check(&block("Work*,JSON*", ""), &block("JSON*", ""));
    check(&block("JSON*", "=JSON*,Work*"), &block("JSON*", "=JSON*"));
    check(&block("Work*", "=Work*"), "FROM scratch\nCMD a\nCMD b\n");
    let outer = |inner: &str| {
        format!("FROM scratch\n# plimsoll ignore-start=JSON*\n{inner}CMD a\n# plimsoll ignore-end\nCMD b\n")
    };
    for inner in ["Work*", "Work*,Maint*", "JSON* until=2020-01-01", "Work* -- why\n# note"] {
        let note = if inner.ends_with("note") { "# note\n" } else { "" };
        let inner = format!("# plimsoll ignore-start={inner}\nUSER a\n# plimsoll ignore-end\n");
        check(&outer(&inner), &outer(&format!("{note}USER a\n")));
    }
    check(
        &outer("# plimsoll ignore-start=Work*,Maint*\nMAINTAINER a\n# plimsoll ignore-end\n"),
        &outer("# plimsoll ignore-start=Maint*\nMAINTAINER a\n# plimsoll ignore-end\n"),
    );
    check(
        &outer(
            "# plimsoll ignore-start=Work*,Maint*\nMAINTAINER a\n# plimsoll ignore-end=Maint*\n# plimsoll ignore-end\n",
        ),
        &outer("# plimsoll ignore-start=Maint*\nMAINTAINER a\n# plimsoll ignore-end=Maint*\n"),
    );
    // The last line, line ends, indentation and a byte order mark.
    check("FROM scratch\n# plimsoll ignore=", "FROM scratch\n");
    check("FROM scratch\r\n\t# plimsoll ignore=\r\nUSER a\r\n", "FROM scratch\r\nUSER a\r\n");
    check("\u{FEFF}# plimsoll ignore=\nFROM scratch\n", "\u{FEFF}FROM scratch\n");
    check("FROM scratch\nRUN a \\\n  # plimsoll ignore=\n  b\n", "FROM scratch\nRUN a \\\n  b\n");
    // What would then be a directive.
    for kept in [
        "# plimsoll global ignore=JSON*\n# escape=`\nFROM scratch\n",
        "\u{FEFF}# plimsoll ignore=\n# check=skip=all\nFROM scratch\n",
        "# syntax=docker/dockerfile:1\n# plimsoll ignore=\n# escape=`\nFROM scratch\n",
        "#!/bin/x\n# plimsoll ignore=\n# syntax=docker/dockerfile:1\nFROM scratch\n",
        "# plimsoll ignore-start=JSON*\n# plimsoll ignore-end\n# escape=`\nFROM scratch\n",
    ] {
        check(kept, kept);
    }
    check("# a\n# plimsoll ignore=\n# escape=`\nFROM scratch\n", "# a\n# escape=`\nFROM scratch\n");
}

/// What safe fixes of what is said of comments make of files.
fn mended(linter: &Linter, mut texts: Vec<String>) -> Vec<String> {
    for _ in 0..10 {
        let reports = linter.lint(texts.iter().map(|text| text.clone().into_bytes()).collect(), |_| ());
        let mut is_done = true;
        for (text, report) in texts.iter_mut().zip(reports) {
            let own = report.findings.iter().filter(|finding| finding.rule.starts_with("plimsoll/"));
            let fixes = own.filter_map(|finding| finding.fixes.first()).filter(|fix| fix.is_safe);
            let (mut edits, mut end): (Vec<_>, _) = (Vec::new(), 0);
            for fix in fixes {
                if fix.edits.iter().all(|(span, _)| span.start >= end) {
                    end = fix.edits.iter().map(|(span, _)| span.end).max().unwrap_or(end);
                    edits.extend(fix.edits.clone());
                }
            }
            is_done &= edits.is_empty();
            *text = applied(text, edits);
        }
        if is_done {
            break;
        }
    }
    texts
}

/// All blocks of a few comments: what is found before is found after fixes, and what was waved through still is.
#[test]
fn blocks_reach_as_far_after_fixes() {
    let linter = Linter::new();
    let comments = [
        "start=Legacy*",
        "start=Legacy*,Work*",
        "start=Work*",
        "start=Legacy* until=2020-01-01",
        "end",
        "end=Legacy*,Work*",
    ];
    let mut sources = vec!["FROM scratch\n".to_owned()];
    for number in 0..4 {
        let longer = |source: &String| {
            comments.map(|comment| format!("{source}# plimsoll ignore-{comment}\nENV A{number} b\n")).to_vec()
        };
        sources = sources.iter().flat_map(longer).collect();
    }
    let seen = |sources: &[String]| {
        let reports = linter.lint(sources.iter().map(|source| source.clone().into_bytes()).collect(), |_| ());
        let lines = |report: FileReport| {
            let source = report.source.unwrap();
            let of_env = report.findings.iter().filter(|finding| finding.rule.starts_with("buildkit/"));
            let line = |finding: &Finding| {
                let rest = String::from_utf8_lossy(&source.bytes()[finding.span.start as usize..]).into_owned();
                rest.lines().next().map(str::to_owned)
            };
            of_env.filter_map(line).collect::<Vec<String>>()
        };
        reports.into_iter().map(lines).collect::<Vec<_>>()
    };
    let after = mended(&linter, sources.clone());
    for (index, (old, new)) in seen(&sources).into_iter().zip(seen(&after)).enumerate() {
        assert_eq!(old, new, "{}became\n{}", sources[index], after[index]);
    }
}

#[cfg(unix)]
#[test]
fn comments_are_written_where_they_may_be() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let text = "FROM scratch AS App\n";
    let outside = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", text);
    let project =
        Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("in/Dockerfile", text).file("fixed/Dockerfile", text);
    let path = |name: &str| project.path().join(name);
    symlink(outside.path().join("Dockerfile"), path("leads-out.Dockerfile")).unwrap();
    symlink(outside.path(), path("folder")).unwrap();
    symlink("in/Dockerfile", path("leads-in.Dockerfile")).unwrap();
    fs::set_permissions(path("in/Dockerfile"), fs::Permissions::from_mode(0o754)).unwrap();
    fs::set_permissions(path("fixed/Dockerfile"), fs::Permissions::from_mode(0o444)).unwrap();
    let named = "leads-out.Dockerfile folder/Dockerfile leads-in.Dockerfile in fixed";
    let output = project.run(&format!("lint --slow-checks=off --suppress --reason=why {named}"));
    assert_eq!((output.status, output.stdout.as_str()), (2, "leads-in.Dockerfile: 1 suppressed\n"), "{output:#?}");
    assert_eq!(output.stderr.matches("a link leads out of").count(), 2, "{output:#?}");
    assert!(output.stderr.contains("fixed/Dockerfile stays as it is: it is read-only"), "{output:#?}");
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    assert_eq!(read(outside.path().join("Dockerfile")), text);
    assert_eq!(read(path("fixed/Dockerfile")), text);
    assert_eq!(read(path("in/Dockerfile")), format!("# plimsoll ignore=buildkit/StageNameCasing -- why\n{text}"));
    assert_eq!(fs::metadata(path("in/Dockerfile")).unwrap().permissions().mode() & 0o777, 0o754);
    assert!(path("leads-in.Dockerfile").is_symlink());
}

/// Keyword and logical text of each instruction, and all directives.
fn instructions(source: &[u8]) -> Vec<String> {
    let tree = parse(source);
    let directives = tree.directives.iter().map(|found| String::from_utf8_lossy(found.span.of(source)).into_owned());
    let texts = tree.instructions.iter().map(|instruction| tree.text(source, instruction.text).to_owned());
    let bodies = tree.heredocs.iter().map(|heredoc| String::from_utf8_lossy(heredoc.body.of(source)).into_owned());
    directives.chain(texts).chain(bodies).collect()
}

fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut folders, mut files): (Vec<PathBuf>, Vec<_>) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files.push((path.display().to_string(), bytes));
            }
        }
    }
    files.retain(|(_, bytes)| !bytes.contains(&0));
    files
}
