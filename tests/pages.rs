//! What an author sees of his pages: differences with their place, questions that nobody answers, answers
//! written down, rules that remember, and what rules cost.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use plimsoll_test_support::component::component;
use plimsoll_test_support::{Auth, Image, Linted, Project, Registry, repository_root};

/// What the second test of a plugin may take.
const SECOND_TEST_MAX: Duration = Duration::from_secs(1);

fn path_of(name: &'static str) -> String {
    static ACME: OnceLock<String> = OnceLock::new();
    static STATEFUL: OnceLock<String> = OnceLock::new();
    let built = if name == "acme" { &ACME } else { &STATEFUL };
    built.get_or_init(|| component(name).display().to_string()).clone()
}

/// A folder with the pages of ACME's plugin.
fn acme() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let pages = repository_root().join("tests/plugins/acme/rules");
    for entry in fs::read_dir(pages).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            project.write(&format!("rules/{name}"), fs::read(&path).unwrap());
        }
    }
    project
}

fn read(project: &Project, rule: &str) -> String {
    fs::read_to_string(project.path().join(format!("rules/{rule}.md"))).unwrap()
}

fn try_pages(project: &Project, more: &str) -> Linted {
    project.run(&format!("plugin test --component {} --name acme {more}", path_of("acme")))
}

#[test]
fn a_plugin_s_rules_do_what_their_pages_say() {
    let project = acme();
    let tested = try_pages(&project, "");
    let expected = "\
acme/newest-tag  3 cases    ok
acme/no-latest   4 cases    ok
acme/no-root     4 cases    ok
acme/no-sudo     4 cases    ok
";
    assert_eq!((tested.status, tested.stdout.as_str()), (0, expected), "{tested:#?}");
    let again = try_pages(&project, "");
    assert_eq!(again.stdout, expected);
    assert!(again.took <= SECOND_TEST_MAX, "{:?}", again.took);
}

#[test]
fn differences_are_shown_in_their_place_and_blessed() {
    let project = acme();
    let page = read(&project, "no-latest");
    let line = "2:6-2:17 Image 'node:latest' may be another one tomorrow; name a version";
    let spoilt =
        page.replace(line, "2:6-2:17 Image 'node' floats").replace("\n```findings\n2:6-2:12", "\n```text\n2:6-2:12");
    project.write("rules/no-latest.md", &spoilt);
    let tested = try_pages(&project, "");
    assert_eq!(tested.status, 1, "{tested:#?}");
    let difference = format!(
        "rules/no-latest.md:12: findings: expected (-), got (+)\n  - 2:6-2:17 Image 'node' floats\n  + {line}\n"
    );
    assert!(tested.stdout.contains("acme/no-latest   4 cases    2 wrong\n"), "{}", tested.stdout);
    assert!(tested.stdout.contains(&difference), "{}", tested.stdout);
    assert!(tested.stdout.contains("\n  + 2:6-2:12 Image 'alpine'"), "{}", tested.stdout);
    assert_eq!(read(&project, "no-latest"), spoilt, "nobody wanted it written");

    let blessed = try_pages(&project, "--bless");
    assert!(blessed.stdout.contains("acme/no-latest   4 cases    ok, page rewritten\n"), "{}", blessed.stdout);
    assert!(read(&project, "no-latest").contains(line));
    let again = try_pages(&project, "--bless");
    assert_eq!((again.status, again.stdout.contains("rewritten")), (0, false), "{again:#?}");
}

/// What is wrong with one page, as the command says it.
fn complaint(page: &str, expected: &str) {
    let project = acme();
    project.write("rules/no-root.md", page);
    let tested = try_pages(&project, "");
    assert_eq!(tested.status, 1, "{page}: {tested:#?}");
    assert!(tested.stdout.contains(&format!("\nrules/no-root.md:{expected}")), "{expected}:\n{}", tested.stdout);
    assert!(tested.stdout.contains("acme/no-sudo     4 cases    ok"), "the others are tested: {}", tested.stdout);
}

#[test]
fn pages_of_any_kind_get_an_answer() {
    let case = |blocks: &str| format!("# no-root\n\n```dockerfile\nFROM nginx:1\n```\n\n{blocks}");
    complaint("# no-boot\n", "1: the title is not `# no-root`");
    complaint("# no-root\n", "1: the page has 0 cases");
    complaint("# no-root\n```dockerfile\nFROM a\n", "2: this block is not closed");
    complaint("# no-root\n```findings\n```\n", "2: findings stand behind a dockerfile block");
    complaint(&case("```facts\n{}\n```\n```facts\n{}\n```\n"), "10: the dockerfile block of line 3 has facts already");
    complaint(&case("```facts\nnone\n```\n"), "8: facts: expected ident\n");
    complaint(
        &case("```facts\n{\"nginx:1 linux/amd64\": {\"usr\": \"a\"}}\n```\n"),
        "8: facts: nginx:1 linux/amd64: unknown field `usr`",
    );
    complaint(
        &case("```facts\n{\"nginx:1 linux/amd64\": {\"skipped\": \"bored\"}}\n```\n"),
        "8: facts: nginx:1 linux/amd64: there is no reason \"bored\"",
    );
    complaint(
        &case("```facts\n{\"nginx:1 linux/amd64\": {}, \"tags a\": []}\n```\n"),
        "7: nobody asks for tags of a: take it out",
    );
    complaint(
        &case("```facts\n{}\n```\n"),
        "3: the facts do not answer the question for image nginx:1 for linux/amd64; --record asks",
    );
    complaint(
        &case("```settings\n[rules.\"acme/no-rot\"]\n```\n"),
        "8: [rules.\"acme/no-rot\"]: there is no such rule",
    );
    complaint(
        &case("```settings\n[rules.\"other/rule\"]\n```\n"),
        "7: the settings speak of other/rule; the rules here begin with acme/",
    );
    complaint("\u{feff}# no-root\n", "1: the title is not `# no-root`: the page begins with \"\\u{feff}# no-root\"");
    complaint("\u{0}", "1: the title");
}

#[test]
fn mistakes_in_a_page_are_told_at_their_line() {
    let case = |blocks: &str| format!("# no-root\n\n```dockerfile\nFROM nginx:1\n```\n\n{blocks}");
    let unclosed = "7: this block is not closed: end it with ```, before the next begins in line 10\n";
    complaint(&case("```facts\n{}\n\n```dockerfile\nFROM a\n```\n"), unclosed);
    complaint(&case("```finding\n```\n"), "7: a block called finding means nothing here; did you mean findings?");
    complaint(
        "# no-root\n```Dockerfile\n```\n",
        "2: a block called Dockerfile means nothing here; did you mean dockerfile?",
    );
    // What shows a block to readers is none.
    complaint("# no-root\n````markdown\n```dockerfile\n```\n````\n", "1: the page has 0 cases");
    complaint(&case("```facts\n{\n  \"tags a\": [],\n}\n```\n"), "10: facts: trailing comma\n");
    complaint(&case("```facts\n{\n  \"nginx:1\": {}\n}\n```\n"), "9: facts: nginx:1: this is no question; those are");
    complaint(&case("```settings\n[rules\n```\n"), "8: settings: ");
    complaint(&case("```settings\n[rules.\"acme/no-root\"]\nsevere = 1\n```\n"), "9: settings: unknown field `severe`");
}

#[test]
fn lines_may_end_as_elsewhere() {
    let project = acme();
    let page = read(&project, "no-latest");
    let (findings, rest) = (page.find("```findings").unwrap(), page.len());
    let end = page[findings..rest].find("\n```\n").unwrap() + findings;
    let page = format!("{}{}{}", &page[..findings], page[findings..end].replace('\n', "\r\n"), &page[end..]);
    project.write("rules/no-latest.md", &page);
    let tested = try_pages(&project, "");
    assert_eq!(tested.status, 0, "{tested:#?}");
}

#[test]
fn a_context_lies_in_its_own_folder() {
    for name in ["../outside", "/outside", "a/../../outside", ""] {
        let facts = format!("```facts\n{{\"context\": {{\"files\": [{name:?}]}}}}\n```\n");
        let page = format!("# no-root\n\n```dockerfile\nFROM nginx:1\n```\n\n{facts}");
        complaint(&page, &format!("7: facts: context: {name:?} is no file below the folder of the context"));
    }
    assert!(!Path::new("/outside").exists());
}

#[test]
fn every_page_has_a_rule_and_every_rule_a_page() {
    let project = acme().file("rules/no-such.md", "# no-such\n");
    fs::remove_file(project.path().join("rules/no-sudo.md")).unwrap();
    let tested = try_pages(&project, "");
    assert_eq!(tested.status, 1);
    assert!(tested.stdout.contains("\nrules/no-sudo.md:1: rule no-sudo has no page: write one"), "{}", tested.stdout);
    assert!(tested.stdout.contains("\nrules/no-such.md:1: plugin acme has no rule for this page"), "{}", tested.stdout);
    let nowhere = try_pages(&Project::new(env!("CARGO_BIN_EXE_plimsoll")), "");
    assert_eq!(nowhere.status, 2);
    assert!(nowhere.stderr.contains("rules is not there: name a plugin's folder"), "{nowhere:#?}");
}

#[test]
fn answers_are_recorded_and_stand_for_the_world() {
    let registry = Registry::start();
    let root = Image::new("linux/amd64").env("PATH", "/bin").label("a", "b").created("2025-01-01T00:00:00Z");
    registry.push("team/root:1", &root);
    registry.push("team/user:1", &Image::new("linux/amd64").user("app"));
    let host = registry.host();
    let page = format!(
        "# no-root\n\n```dockerfile\nFROM {host}/team/root:1\n```\n\nText.\n\n```dockerfile\nFROM {host}/team/user:1\n```\n\n\
         ```facts\n{{\"{host}/team/user:1 linux/amd64\": {{\"user\": \"told\"}}}}\n```\n\n\
         ```dockerfile\nFROM {host}/team/gone:1\n```\n\n```facts\n{{}}\n```\n\n\
         ```dockerfile\nFROM scratch\n```\n\n```facts\n{{}}\n```\n"
    );
    let project = acme().file("rules/no-root.md", &page);
    let open = try_pages(&project, "");
    assert_eq!(open.status, 1, "{open:#?}");
    assert!(open.stdout.contains("the facts do not answer the question for image "), "{}", open.stdout);
    assert_eq!(registry.counts().requests, 0, "nobody is asked unbidden");

    let recorded = try_pages(&project, "--record --bless");
    assert_eq!(recorded.status, 0, "{recorded:#?}");
    let written = read(&project, "no-root");
    let fact = format!("```facts\n{{\n  \"{host}/team/root:1 linux/amd64\": {{");
    let short = format!("```facts\n{{\"{host}/team/root:1 linux/amd64\": {{");
    assert!(written.contains(&fact) || written.contains(&short), "{written}");
    assert!(written.contains(r#""environment": {"PATH": "/bin"}"#), "{written}");
    assert!(written.contains(r#""created": "2025-01-01T00:00:00Z""#), "{written}");
    assert!(written.contains(&format!("1:1-1:5 What is built on '{host}/team/root:1' runs as root here")), "{written}");
    assert!(written.contains(r#"{"user": "told"}"#), "what is told stays: {written}");
    assert!(
        written.contains(&format!(r#"{{"{host}/team/gone:1 linux/amd64": {{"skipped": "not-found"}}}}"#)),
        "{written}"
    );
    assert!(written.contains("\nText.\n"), "{written}");

    let renewed = try_pages(&project, "--record=all");
    assert_eq!(renewed.status, 0, "{renewed:#?}");
    assert!(read(&project, "no-root").contains(r#""user": "app""#), "{}", read(&project, "no-root"));

    // The page is all there is to know now; and what cannot be asked any more stays told.
    let before = read(&project, "no-root");
    assert!(
        before.ends_with("```dockerfile\nFROM scratch\n```\n\n```facts\n{}\n```\n"),
        "nothing is asked, which is told: {before}"
    );
    drop(registry);
    assert_eq!(try_pages(&project, "").status, 0);
    assert_eq!(try_pages(&project, "--record=all").status, 0);
    assert_eq!(read(&project, "no-root"), before);
}

#[test]
fn no_credentials_are_recorded() {
    let (user, password) = ("recorder", "correct-horse");
    let registry = Registry::builder().auth(Auth::Token { user: user.into(), password: password.into() }).start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let host = registry.host();
    let auth = "cmVjb3JkZXI6Y29ycmVjdC1ob3JzZQ==";
    let page = format!("# no-root\n\n```dockerfile\nFROM {host}/team/app:1\n```\n");
    let project = acme()
        .file("rules/no-root.md", &page)
        .file(".docker/config.json", format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#));
    let recorded = try_pages(&project, "--record --bless");
    let written = read(&project, "no-root");
    assert_eq!(recorded.status, 0, "{recorded:#?}");
    assert!(written.contains("\"digest\": \"sha256:"), "it was answered: {written}");
    for secret in [user, password, auth, "Basic", "Bearer"] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[test]
fn rules_that_remember_are_caught() {
    let folder = repository_root().join("tests/plugins/stateful");
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let tested =
        project.run(&format!("plugin test {} --component {} --name stateful", folder.display(), path_of("stateful")));
    assert_eq!(tested.status, 1, "{tested:#?}");
    let stdout = &tested.stdout;
    assert!(stdout.contains("stateful/steady             1 case     ok\n"), "{stdout}");
    let found = |rule: &str, line: usize, what: &str| {
        let expected = format!(
            "rules/{rule}.md:{line}: stateful/{rule} comes to something else after other files: rules must keep nothing \
             between calls\n  {what}"
        );
        assert!(stdout.contains(&expected), "{expected}\nin\n{stdout}");
    };
    found("once", 5, "findings: alone (-), then (+)\n  - 1:6-1:12 Said once\n");
    found("once", 13, "findings: alone (-), then (+)\n  - 3:6-3:13 Said once\n");
    found("patient", 5, "findings: alone (-), then (+)\n  + 1:6-1:13 Enough\n");
    found("asks-once", 5, "requests: alone (-), then (+)\n  - tags of alpine\n");
    found("remembers-answers", 5, "findings: alone (-), then (+)\n  + 1:6-1:17 Before: 3.20 3.21\n");
}

#[test]
fn rules_have_a_cost() {
    let project =
        acme().file("files/Dockerfile", "FROM alpine\nRUN sudo true\n").file("files/b.Dockerfile", "FROM a:1\n");
    let bench = |more: &str| {
        let command = format!("plugin bench --component {} --name acme {more}", path_of("acme"));
        let benched = project.run(&command);
        assert_eq!(benched.status, 0, "{benched:#?}");
        benched
    };
    let pages = bench("--format json").json();
    let rows = pages["rules"].as_array().unwrap().clone();
    let names: Vec<&str> = rows.iter().map(|row| row["rule"].as_str().unwrap()).collect();
    assert_eq!(names, ["acme/newest-tag", "acme/no-latest", "acme/no-root", "acme/no-sudo"]);
    let requests: Vec<u64> = rows.iter().map(|row| row["requests"].as_u64().unwrap()).collect();
    assert_eq!(requests, [2, 0, 2, 0], "{rows:#?}");
    let number = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap();
    for row in &rows {
        assert!(number(row, "nanoseconds") > 0.0 && number(row, "bytes_given") > 0.0, "{row}");
        assert!(number(row, "bytes_taken") > 0.0, "each finds or asks something: {row}");
    }
    let shares: f64 = rows.iter().map(|row| number(row, "share")).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    // What crosses is the same in every run, whatever the machine does.
    let again = bench("--format json").json();
    for key in ["files", "bytes_given", "bytes_taken", "requests"] {
        let of = |rows: &[serde_json::Value]| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
        assert_eq!(of(&rows), of(again["rules"].as_array().unwrap()), "{key}");
    }

    let files = bench(". files");
    let lines: Vec<&str> = files.stdout.lines().collect();
    assert!(lines[0].starts_with("rule             files  µs/file  share  bytes in/file"), "{}", files.stdout);
    assert_eq!(lines.len(), 5, "{}", files.stdout);
    assert!(lines[1..].iter().all(|line| line.contains("      2  ")), "{}", files.stdout);
    // A rule that is silent unless asked for is on here: it asks for the image with a number.
    assert!(lines[1].ends_with("0.50"), "{}", files.stdout);
}
