//! Plugins in JavaScript, Python and C, as their authors make them: a new one
//! with two rules, built, held against the pages that Rust's has too, linted with,
//! and broken. And what each language costs, in one table.
//!
//! The tools are installed into folders under `target/languages` that later runs
//! find again; where they are not and nothing requires them, nothing is tested.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use plimsoll::document::{Document, Meaning, Surroundings};
use plimsoll::plugin::{Component, Host, Limits, Plugin, Runner, Settings, Store, Subject};
use plimsoll_dockerfile::Platform;
use plimsoll_test_support::servers::{REQUIRE_SERVERS, run_or_skip};
use plimsoll_test_support::{Image, Project, Registry, files_below, repository_root, scratch_folder};

/// Only one builds or measures at a time: folders, cores and memory are shared.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is told of a language.
struct Language {
    /// As `--lang` has it.
    name: &'static str,
    /// The programs that an author has to have.
    programs: &'static [&'static str],
    /// What is there once the tool is installed.
    tool: &'static str,
    /// A rule's file.
    rule: fn(&str) -> String,
    /// A rule that fails where the file has a USER, and its file.
    broken: (&'static str, &'static str),
    /// What the user is told of that, part by part.
    told: &'static [&'static str],
}

const JS: Language = Language {
    name: "js",
    programs: &["node", "npm"],
    tool: "node_modules/componentize-qjs/package.json",
    rule: |name| format!("rules/{name}.js"),
    broken: (
        "rules/broken.js",
        "\
export const summary = \"Fails\";\n\
function deep() { throw new TypeError(\"no user\", { cause: new RangeError(\"none at all\") }); }\n\
export function check(document) {\n\
  if (document.instructions.some(({ keyword }) => keyword === \"USER\")) deep();\n}\n",
    ),
    told: &[
        "TypeError: no user (at rules/broken.js:2:",
        ", rules/broken.js:4:",
        "), caused by RangeError: none at all (at ",
    ],
};

const PYTHON: Language = Language {
    name: "python",
    programs: &["python3"],
    tool: "target/venv/requirements.txt",
    rule: |name| format!("rules/{}.py", name.replace('-', "_")),
    broken: (
        "rules/broken.py",
        "\
SUMMARY = \"Fails\"\n\
def deep():\n    raise ValueError(\"no user\") from KeyError(\"none\")\n\
def check(document, report, options):\n    if any(one.keyword == \"USER\" for one in document.instructions):\n        deep()\n",
    ),
    told: &["ValueError: no user (at rules/broken.py:3, rules/broken.py:6), caused by KeyError: 'none'"],
};

const C: Language = Language {
    name: "c",
    programs: &["python3"],
    tool: "target/venv/requirements.txt",
    rule: |name| format!("rules/{name}.c"),
    broken: (
        "rules/broken.c",
        "\
#include <assert.h>\n#include <plimsoll.h>\n\
static void check(plimsoll_report *report, const char *options) {\n    (void)report, (void)options;\n\
    size_t count;\n    const plimsoll_instruction *all = plimsoll_instructions(&count);\n\
    for (size_t index = 0; index < count; index++) assert(all[index].keyword != PLIMSOLL_USER);\n}\n\
PLIMSOLL_RULE(broken) = {.summary = \"Fails\", .check = check};\n",
    ),
    told: &["rules/broken.c:7: check: assertion `all[index].keyword != PLIMSOLL_USER` failed"],
};

/// The program in a folder.
fn plimsoll(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// Standard output of a command that must go well.
fn output(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = run(command);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {stdout}{stderr}");
    stdout.into_owned()
}

/// Standard error of a command that must not.
fn complaint(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = run(command);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(2), "{command:?}: {stdout}{stderr}");
    stderr.into_owned()
}

impl Language {
    /// Where its plugin is built, again and again.
    fn folder(&self) -> PathBuf {
        repository_root().join("target/languages").join(self.name)
    }

    /// Why it cannot be tested here.
    fn installed(&self) -> Result<(), String> {
        for program in self.programs {
            let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
            found.map_err(|error| format!("{program}: {error}"))?;
        }
        let is_required = env::var(REQUIRE_SERVERS).is_ok_and(|value| value == "1");
        let is_there = is_required || self.folder().join(self.tool).is_file();
        if is_there { Ok(()) } else { Err(format!("its tool is not in {}", self.folder().display())) }
    }

    /// A new plugin with the rules of the template, and the tool beside it that an earlier run installed.
    fn plugin(&self) -> PathBuf {
        let (folder, scratch) = (self.folder(), scratch_folder());
        for own in ["rules", "wit", "src"] {
            let _ = fs::remove_dir_all(folder.join(own));
        }
        for (path, capability) in [("one", ""), ("two", " --capability registry")] {
            let name = format!("in-{}", self.name);
            output(&mut plimsoll(
                scratch.path(),
                &format!("plugin new {name} --lang {} --path {path}{capability}", self.name),
            ));
            let written = scratch.path().join(path);
            for file in files_below(&written) {
                let (to, text) = (folder.join(file.strip_prefix(&written).unwrap()), fs::read(&file).unwrap());
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                // What is the same is left alone, and npm with it.
                if fs::read(&to).is_ok_and(|there| there == text) {
                    continue;
                }
                fs::write(to, text).unwrap();
            }
        }
        folder
    }

    fn component(&self) -> PathBuf {
        self.folder().join(format!("target/in-{}.wasm", self.name))
    }
}

/// Builds one, and all that an author does with it.
fn check(language: &Language) {
    let _turn = turn();
    if !run_or_skip(language.name, language.installed()) {
        return;
    }
    let (name, folder) = (format!("in-{}", language.name), language.plugin());
    let tested = output(&mut plimsoll(&folder, "plugin test"));
    assert_eq!(tested, format!("{name}/base-source  3 cases    ok\n{name}/no-ssh       3 cases    ok\n"));
    let built = output(&mut plimsoll(&folder, "plugin build"));
    assert!(built.contains("can ask for   registry\n  WASI          not imported\n"), "{built}");
    lint(language);
    fail(language, &folder);
    let _ = fs::remove_file(folder.join(language.broken.0));
    misuse(language, &folder);
}

/// Its rules ask a registry, and say what they make of the answers.
fn lint(language: &Language) {
    let registry = Registry::start();
    registry.push("team/base:1", &Image::new("linux/amd64"));
    registry.push("team/base:2", &Image::new("linux/amd64").label("org.opencontainers.image.source", "https://e.com"));
    let [first, second] = ["team/base:1", "team/base:2"].map(|name| registry.reference(name));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        // Positions count bytes, and some characters have several.
        .file(
            "Dockerfile",
            format!("ARG É=é\nFROM {first} AS one\nEXPOSE 80 22\nFROM {second}\nFROM one\nEXPOSE \\\n 22/tcp\n"),
        );
    let component = language.component();
    let linted =
        project.lint(&format!("--platform linux/amd64 --slow-checks=on --plugin {} Dockerfile", component.display()));
    let name = format!("in-{}", language.name);
    let of_plugin = linted.findings().into_iter().filter(|finding| finding.starts_with(&name)).collect::<Vec<_>>();
    let ssh = "Enter containers through their engine (docker exec), not through SSH";
    let expected = [
        format!("{name}/base-source 2: '{first}' does not say where its source is (org.opencontainers.image.source)"),
        format!("{name}/no-ssh 3: {ssh}"),
        format!("{name}/no-ssh 7: {ssh}"),
    ];
    assert_eq!(of_plugin, expected, "{linted:#?}");
}

/// A rule that fails is told with the message of its own language, and costs no other rule.
fn fail(language: &Language, folder: &Path) {
    let (file, code) = language.broken;
    fs::write(folder.join(file), code).unwrap();
    fs::write(folder.join("rules/broken.md"), "# broken\n").unwrap();
    output(&mut plimsoll(folder, "plugin build"));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", "FROM scratch\nUSER a\nEXPOSE 22\n");
    let linted = project.lint(&format!("--slow-checks=off --plugin {} Dockerfile", language.component().display()));
    let (problems, name) = (linted.problems(), format!("in-{}", language.name));
    let [problem] = &problems[..] else { panic!("{linted:#?}") };
    let told = problem.strip_prefix(&format!("plugin-failure: plugin {name}, rule {name}/broken: "));
    assert!(told.is_some_and(|told| told.starts_with(language.told[0])), "{problem}");
    assert!(language.told.iter().all(|part| problem.contains(part)), "{problem}");
    let found = linted.findings();
    assert!(found.iter().any(|finding| finding.starts_with(&format!("{name}/no-ssh 3:"))), "{linted:#?}");
    fs::remove_file(folder.join(file)).unwrap();
    fs::remove_file(folder.join("rules/broken.md")).unwrap();
}

/// What is wrong in the author's folder is said before any tool says it.
fn misuse(language: &Language, folder: &Path) {
    let refused = || complaint(&mut plimsoll(folder, "plugin build"));
    let rule = (language.rule)("no-ssh");
    let (odd, page) = (folder.join(rule.replace("ssh", "Ssh")), folder.join("rules/no-ssh.md"));
    fs::copy(folder.join(&rule), &odd).unwrap();
    assert!(refused().contains(": a rule's file is called by words of a-z and 0-9"), "{odd:?}");
    fs::remove_file(odd).unwrap();

    let text = fs::read_to_string(&page).unwrap();
    fs::remove_file(&page).unwrap();
    assert!(refused().contains(&format!("{rule}: a rule has its page beside it: write rules/no-ssh.md")));
    fs::write(page, text).unwrap();

    let world = folder.join("wit/world.wit");
    let text = fs::read_to_string(&world).unwrap();
    fs::write(&world, text.replace("  export plimsoll:rules/slow@", "  // export plimsoll:rules/slow@")).unwrap();
    let said = refused();
    assert!(said.contains(" plans questions: wit/world.wit needs `export plimsoll:rules/slow@"), "{said}");
    fs::write(&world, text).unwrap();
    assert!(complaint(&mut plimsoll(folder, "plugin build --target wasm32-wasip2")).contains("--target is for Rust"));
}

#[test]
fn javascript() {
    check(&JS);
}

#[test]
fn python() {
    check(&PYTHON);
}

#[test]
fn c() {
    check(&C);
}

#[test]
fn tools_that_are_missing_are_named() {
    let scratch = scratch_folder();
    for (language, variable, expected) in [
        (
            "js",
            "PYTHON",
            "npm is not there: plugins in JavaScript are built with Node.js and its npm, see https://nodejs.org",
        ),
        ("python", "PYTHON", "/nowhere/tool is not there: plugins in Python are built with Python 3.10 or later"),
        ("c", "ZIG", "/nowhere/tool is not there: plugins in C are built with zig, which the variable ZIG names"),
    ] {
        output(&mut plimsoll(scratch.path(), &format!("plugin new for-{language} --lang {language}")));
        let mut build = plimsoll(scratch.path(), &format!("plugin build for-{language}"));
        let refused = complaint(build.env(variable, "/nowhere/tool").env("PATH", scratch.path()));
        assert!(refused.contains(expected), "{refused}");
    }
}

/// What was measured of one language.
struct Figures {
    language: &'static str,
    bytes: u64,
    compile: Duration,
    /// Of the processor, for all cores together.
    compile_work: Duration,
    load: Duration,
    check: Duration,
    kibibytes: u64,
}

/// What checking a file and compiling may take at most: half as much again as an engine without our limits took, on
/// two cores.
const JS_MAX: (Duration, Duration) = (Duration::from_micros(2_250), Duration::from_millis(1_350));
const PYTHON_MAX: (Duration, Duration) = (Duration::from_micros(1_500), Duration::from_millis(7_650));
const CORES: u32 = 2;
/// How often compiling and loading are measured: what counts is the best, since others use this machine too.
const ATTEMPTS: usize = 3;
/// Instances whose memory is taken together.
const INSTANCES: u64 = 8;

#[test]
fn figures() {
    let _turn = turn();
    let all = [JS, PYTHON, C];
    let installed = all.iter().try_for_each(Language::installed);
    if !run_or_skip("figures", installed) {
        return;
    }
    let scratch = scratch_folder();
    output(&mut plimsoll(scratch.path(), "plugin new in-rust --capability registry"));
    let rust = scratch.path().join("in-rust");
    let other = scratch.path().join("other");
    output(&mut plimsoll(scratch.path(), "plugin new in-rust --path other"));
    for file in ["rules/no-ssh.rs", "rules/no-ssh.md"] {
        fs::copy(other.join(file), rust.join(file)).unwrap();
    }
    let target = repository_root().join("target/authoring");
    let mut build = plimsoll(&rust, "plugin build");
    output(build.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS"));
    let mut rows = vec![measure("Rust", &rust, &target.join("in-rust.wasm"))];
    for (shown, language) in ["JavaScript", "Python", "C"].into_iter().zip(&all) {
        let folder = language.plugin();
        output(&mut plimsoll(&folder, "plugin build"));
        rows.push(measure(shown, &folder, &language.component()));
    }
    println!(
        "| language | component | first compile | of the processor | load | a file | memory |\n|---|---|---|---|---|---|---|"
    );
    for Figures { language, bytes, compile, compile_work, load, check, kibibytes } in &rows {
        let (kilobytes, check) = (bytes.div_ceil(1_000), check.as_secs_f64() * 1e6);
        println!(
            "| {language} | {kilobytes} KB | {compile:.1?} | {compile_work:.1?} | {load:.1?} | {check:.0} µs | {kibibytes} KiB |"
        );
    }
    for (language, (check, compile)) in [("JavaScript", JS_MAX), ("Python", PYTHON_MAX)] {
        let row = rows.iter().find(|row| row.language == language).unwrap();
        assert!(row.check <= check, "{language}: {:?} a file", row.check);
        assert!(row.compile_work <= compile * CORES, "{language}: {:?} of the processor", row.compile_work);
    }
}

/// Measures a component with both rules of the template, over the cases of their pages.
fn measure(language: &'static str, folder: &Path, path: &Path) -> Figures {
    let bytes = fs::read(path).unwrap();
    let length = bytes.len() as u64;
    let component = Component::new(bytes).unwrap();
    let load = |host: &Arc<Host>| {
        let start = Instant::now();
        let plugin = Plugin::load(host, "measured", &component, Limits::default());
        let plugin = plugin.unwrap_or_else(|error| panic!("{}", error.message));
        (start.elapsed(), plugin)
    };
    let compiled = (0..ATTEMPTS).map(|_| {
        let (host, before) = (Host::new().unwrap(), processor_time());
        (load(&host).0, processor_time() - before)
    });
    let (compile, compile_work) = compiled.min().unwrap();
    let store = scratch_folder();
    let host = || Host::with_store(Some(Store::new(store.path(), store.path().join("key")))).unwrap();
    load(&host());
    let loaded = (0..ATTEMPTS).map(|_| load(&host()).0).min().unwrap();
    let again = host();
    let (_, plugin) = load(&again);
    assert_eq!(again.compiled(), 0, "{language}: native code is found again");

    let bench = plimsoll_bench(folder, path);
    let rules = bench["rules"].as_array().unwrap();
    let micro = |rule: &serde_json::Value| {
        Duration::from_nanos(rule["nanoseconds"].as_u64().unwrap() / rule["files"].as_u64().unwrap())
    };
    let check = rules.iter().map(micro).sum();
    Figures { language, bytes: length, compile, compile_work, load: loaded, check, kibibytes: memory(plugin) }
}

fn plimsoll_bench(folder: &Path, component: &Path) -> serde_json::Value {
    let bench = format!("plugin bench --format json --name measured --component {}", component.display());
    serde_json::from_str(&output(&mut plimsoll(folder, &bench))).unwrap()
}

/// Resident memory of one instance that has served a file, in KiB.
fn memory(plugin: Plugin) -> u64 {
    let document = Arc::new(Document::new(0, "Dockerfile".to_owned(), b"FROM alpine\nEXPOSE 22\n".to_vec()));
    let meaning = Arc::new(Meaning::new(document.clone(), &Surroundings::of_platform(Platform::host()), &[]));
    let (rules, now) = (plugin.names.clone(), SystemTime::UNIX_EPOCH);
    let settings = Arc::new(Settings { rules, enabled: vec![0, 1], options: Vec::new() });
    let subject = Subject { id: 0, document, meaning, settings, context: Arc::default(), now };
    let plugins: Arc<[Plugin]> = [plugin].into();
    let runner = || {
        let mut runner = Runner::new(plugins.clone());
        assert_eq!(runner.draft(0, subject.clone()).failures, []);
        runner
    };
    let warm = runner();
    let before = status("VmRSS:");
    let runners: Vec<Runner> = (0..INSTANCES).map(|_| runner()).collect();
    let each = status("VmRSS:").saturating_sub(before) / INSTANCES;
    drop((warm, runners));
    each
}

/// A number of this process; nothing where the system does not say.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// What this process has had of the processor; nothing where the system does not say.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
