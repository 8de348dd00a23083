//! Plugins of others, built outside of the workspace: one that behaves, fast
//! and slow, and one that misbehaves in every way its rules know. Whatever it
//! does costs at most its own findings in that file, and is said.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plimsoll::document::{Document, Meaning, Surroundings};
use plimsoll::plugin::{Component, Host, Limits, Plugin, Runner, Settings, Subject};
use plimsoll_dockerfile::{LineIndex, Platform};
use plimsoll_test_support::component::component;
use plimsoll_test_support::{Image, Linted, Project, Registry};

fn path_of(name: &'static str) -> String {
    static ACME: OnceLock<String> = OnceLock::new();
    static HOSTILE: OnceLock<String> = OnceLock::new();
    let built = if name == "acme" { &ACME } else { &HOSTILE };
    built.get_or_init(|| component(name).display().to_string()).clone()
}

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

#[test]
fn a_stranger_s_rules_run_fast_and_slow() {
    let registry = Registry::start();
    registry.push("team/root:1", &Image::new("linux/amd64"));
    registry.push("team/user:1", &Image::new("linux/amd64").user("app"));
    let (root, user) = (registry.reference("team/root:1"), registry.reference("team/user:1"));
    let project = project()
        .file("a/Dockerfile", format!("FROM {root}\nENV A=1\n"))
        .file("b/Dockerfile", format!("FROM {user}\nENV A=1\n"))
        .file("c/Dockerfile", "FROM alpine:latest\nUSER app\n");
    let linted =
        project.lint(&format!("--slow-checks=on --platform linux/amd64 --plugin acme={} a b", path_of("acme")));
    assert_eq!(linted.findings().len(), 1, "{linted:#?}");
    assert!(linted.findings()[0].starts_with("acme/no-root "), "{linted:#?}");
    assert!(linted.json()["files"][0]["findings"][0]["rule"] == "acme/no-root");
    // Ours and theirs ask the same of the world: one question an image.
    assert_eq!(linted.json()["slow_checks"]["executed"], 2);
    assert_eq!(registry.counts().requests, 1 + 2 * 2, "{:#?}", registry.log());

    let fast = project.lint(&format!("--slow-checks=off --plugin acme={} c", path_of("acme")));
    // Pack sources has a word to say too.
    let theirs = |linted: &Linted| {
        let findings = linted.findings().into_iter();
        findings.filter(|finding| finding.starts_with("acme/")).collect::<Vec<_>>()
    };
    assert_eq!(theirs(&fast).len(), 1, "{fast:#?}");
    assert!(theirs(&fast)[0].starts_with("acme/no-latest 1: "), "{fast:#?}");

    project.write("plimsoll.toml", "[rules.\"acme/no-latest\"]\noptions = { allow = [\"alpine\"] }\n");
    let allowed = project.lint(&format!("--slow-checks=off --plugin acme={} c", path_of("acme")));
    assert_eq!(theirs(&allowed), [""; 0], "{allowed:#?}");
    project.write("plimsoll.toml", "[rules.\"acme/no-latest\"]\noptions = { alow = [] }\n");
    let refused = project.lint(&format!("--slow-checks=off --plugin acme={} c", path_of("acme")));
    assert_eq!(refused.status, 2);
    let place =
        "plimsoll.toml:2:20: [rules.\"acme/no-latest\"]: options: /alow: additionalProperties 'alow' not allowed";
    assert!(refused.stderr.contains(place), "{refused:#?}");
}

/// Commands through sudo, wherever one may stand, are between ⟦ and ⟧.
const MARKED: &str = r#"FROM alpine:3.21
RUN set -e; \
    # sudo in a comment
    yes | A=1 ⟦"su"do⟧ tee /a > /b && (cd /; ⟦/usr/bin/sudo⟧ id) || { ! ⟦sudo⟧ -n true; }
RUN if ⟦sudo⟧ true; then echo "$(⟦sudo⟧ id) and `⟦sudo⟧`" é$(⟦sudo⟧ a); fi
RUN <<EOF
  for i in 1 2; do
    ⟦sudo⟧ echo $i
  done
EOF
RUN cat <<EOF | ⟦su\
do⟧ tee a
sudo id $(⟦sudo⟧ id)
EOF
CMD [⟦"sudo"⟧, "id"]
ENTRYPOINT ["sh", "-c", "\"a\" | ⟦s\u0075do⟧ id; sudoku"]
HEALTHCHECK CMD ⟦sudo⟧ true
RUN apk add sudo && echo sudo 'sudo id' > sudo && $sudo id && "$(a) sudo" && a=sudo b
SHELL ["powershell", "-Command"]
RUN sudo id
"#;

#[test]
fn a_stranger_s_rule_reads_the_shell() {
    let source = MARKED.replace(['⟦', '⟧'], "");
    let lines = LineIndex::new(source.as_bytes());
    let (mut at, mut expected) = (0, Vec::new());
    for piece in MARKED.split_inclusive(['⟦', '⟧']) {
        at += u32::try_from(piece.trim_end_matches(['⟦', '⟧']).len()).unwrap();
        let place = lines.position(at);
        expected.push(format!("{}:{}", place.line, place.column));
    }
    expected.pop();
    assert!(expected.len() > 20, "{expected:?}");
    let project = project().file("Dockerfile", source);
    let linted = project.lint(&format!("--slow-checks=off --plugin acme={}", path_of("acme")));
    assert_eq!(linted.problems(), [""; 0], "{linted:#?}");
    let json = linted.json();
    let findings = json["files"][0]["findings"].as_array().unwrap();
    let places = findings.iter().filter(|finding| finding["rule"] == "acme/no-sudo").flat_map(|finding| {
        ["start", "end"]
            .map(|side| &finding["range"][side])
            .map(|place| format!("{}:{}", place["line"], place["column"]))
    });
    assert_eq!(places.collect::<Vec<_>>(), expected);
}

/// What the shell is told is read for the first rule that asks, and shared.
#[test]
fn the_shell_is_read_once_or_not_at_all() {
    let host = Host::new().unwrap();
    let acme = Component::read(Path::new(&path_of("acme"))).unwrap();
    let load = |name| Plugin::load(&host, name, &acme, Limits::default()).unwrap_or_else(|e| panic!("{e:?}"));
    let plugins: Arc<[Plugin]> = [load("one"), load("two")].into();
    let document = Arc::new(Document::new(0, "Dockerfile".to_owned(), b"FROM a\nRUN true | sudo b\n".to_vec()));
    let surroundings = Surroundings::of_platform(Platform::parse("linux/amd64").unwrap());
    let meaning = Arc::new(Meaning::new(document.clone(), &surroundings, &[]));
    let mut runner = Runner::new(plugins.clone());
    let mut run = |plugin: usize, rule: &str| {
        let names = plugins[plugin].names.clone();
        let enabled =
            (0..).zip(names.iter()).filter(|(_, name)| name.ends_with(rule)).map(|(index, _)| index).collect();
        let settings = Arc::new(Settings { rules: names, enabled, options: Vec::new() });
        let subject = Subject {
            id: 0,
            document: document.clone(),
            meaning: meaning.clone(),
            settings,
            context: Arc::default(),
            now: std::time::SystemTime::UNIX_EPOCH,
        };
        let draft = runner.draft(plugin, subject);
        assert_eq!(draft.failures.len(), 0);
        (draft.findings.len(), meaning.shell_readings())
    };
    assert_eq!(run(0, "/no-latest"), (1, 0), "it does not ask");
    assert_eq!(run(0, "/no-sudo"), (1, 1));
    assert_eq!(run(1, "/no-sudo"), (1, 1), "another plugin asks");
    assert_eq!(run(0, "/no-sudo"), (1, 1), "it asks again");
}

/// Lints one file that makes the hostile plugin misbehave among files that do
/// not. The bundled rules report, the others of the plugin too unless it lost
/// them with the call, and the problem names plugin and cause.
fn check(behaviour: &str, keeps_the_rest: bool, problem: &str) -> Linted {
    let mut project = project().file("m/Dockerfile", format!("# hostile: {behaviour}\nFROM scratch AS Bad\n"));
    for name in ["a", "z"] {
        project = project.file(&format!("{name}/Dockerfile"), "FROM scratch AS Good\n");
    }
    let linted = project.lint(&format!("--slow-checks=off --threads 2 --plugin hostile={} .", path_of("hostile")));
    let findings = linted.findings();
    let count = |rule: &str| findings.iter().filter(|finding| finding.starts_with(rule)).count();
    assert_eq!(count("buildkit/StageNameCasing "), 3, "{behaviour}: {linted:#?}");
    assert_eq!(
        count("hostile/good "),
        2 + usize::from(keeps_the_rest),
        "{behaviour}: {:?} {:?}",
        linted.problems(),
        linted.stderr
    );
    assert_eq!(linted.status, 2, "{behaviour}");
    assert_eq!(linted.json()["summary"]["not_checked"], linted.problems().len(), "{behaviour}");
    let problems = linted.problems();
    assert!(problems.iter().any(|found| found.contains(problem)), "{behaviour}: {problem:?} in {problems:#?}");
    linted
}

#[test]
fn a_panic_costs_one_rule_and_says_why() {
    let linted = check("panic", true, "plugin-failure: plugin hostile, rule hostile/panic: panicked at ");
    assert_eq!(linted.problems().len(), 1, "{linted:#?}");
}

#[test]
fn a_loop_ends_at_its_deadline() {
    let linted = check("loop", true, "plugin hostile, rule hostile/loop: it took longer than the 2s");
    assert!(linted.took < Duration::from_millis(5_000), "{:?}", linted.took);
}

#[test]
fn memory_and_stack_are_bounded() {
    check("memory", true, "plugin hostile, rule hostile/memory: it asked for more memory than the 128 MiB");
    check("stack", true, "plugin hostile, rule hostile/stack: it used up its stack");
}

#[test]
fn phases_are_kept() {
    check("plans-in-check", true, "rule hostile/plans-in-check: registry.plan-image was called during check");
    check("reads-unasked", true, "rule hostile/reads-unasked: registry.image-");
}

#[test]
fn floods_are_cut() {
    let linted = check("flood", true, "rule hostile/flood: it reported more than the 2000 findings");
    assert!(linted.findings().len() < 2_010, "{}", linted.findings().len());
    check("requests", true, "a plugin may plan 5000 requests for one file");
}

#[test]
fn findings_must_hold_up() {
    check("outside", true, "rule hostile/outside: it points at bytes ");
    check("foreign-rule", true, "it reported a finding of rule number 99, which it did not describe");
}

#[test]
fn a_log_is_cut_and_no_failure() {
    let project = project().file("Dockerfile", "# hostile: logs\nFROM scratch\n");
    let linted = project.lint(&format!("--slow-checks=off -v --plugin hostile={} .", path_of("hostile")));
    assert_eq!((linted.status, linted.problems()), (0, vec![]), "{}", linted.stderr.len());
    assert!(linted.stderr.len() < 64 << 10, "{}", linted.stderr.len());
}

#[test]
fn answers_of_other_requests_are_not_to_be_had() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64").user("secret"));
    let base = registry.reference("team/app:1");
    let project = project().file("Dockerfile", format!("# hostile: foreign-answer\nFROM {base}\n"));
    let on = "--slow-checks=on --platform linux/amd64";
    let linted = project.lint(&format!("{on} --plugin hostile={} .", path_of("hostile")));
    assert_eq!(linted.findings(), ["hostile/good 1: nothing is wrong here"], "{linted:#?}");
    let problem = "rule hostile/foreign-answer: registry.image-user was asked for request 2, which is neither";
    assert!(linted.problems()[0].contains(problem), "{linted:#?}");
}

#[test]
fn follow_ups_see_the_answers_before_them_and_end() {
    let registry = Registry::start();
    for tag in 1..=5 {
        let image = Image::new("linux/amd64").user(&format!("user{tag}"));
        registry.push(&format!("team/app:{tag}"), &image);
    }
    let base = registry.reference("team/app:1");
    let project = project().file("Dockerfile", format!("# hostile: follow-ups\nFROM {base}\n"));
    let on = "--slow-checks=on --platform linux/amd64";
    let linted = project.lint(&format!("{on} --plugin hostile={} .", path_of("hostile")));
    assert_eq!(
        linted.findings(),
        [
            "hostile/follow-ups 1: users: user1",
            "hostile/follow-ups 1: users: user1, user2",
            "hostile/follow-ups 1: users: user1, user2, user3",
            "hostile/good 1: nothing is wrong here",
        ],
        "{linted:#?}"
    );
    assert!(
        linted.problems()[0].contains("rule hostile/follow-ups: it follows up an answer for the 4th time"),
        "{linted:#?}"
    );
    // Ours asks for the first image, theirs for four: one of five requests is a duplicate.
    let slow = &linted.json()["slow_checks"];
    assert_eq!((&slow["planned"], &slow["deduplicated"], &slow["executed"]), (&5.into(), &1.into(), &4.into()));
}

#[test]
fn plugins_need_names_of_their_own() {
    let project = project().file("Dockerfile", "FROM scratch\n");
    let path = path_of("acme");
    let twice = project.lint(&format!("--slow-checks=off --plugin acme={path} --plugin acme={path}"));
    assert_eq!(twice.status, 2);
    assert!(twice.stderr.contains("two plugins are called acme"), "{twice:#?}");
    let taken = project.lint(&format!("--slow-checks=off --plugin buildkit={path}"));
    assert!(taken.stderr.contains("the name buildkit is taken by a bundled pack"), "{taken:#?}");
}
