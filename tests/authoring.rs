//! What an author does: a new plugin outside of this repository, built with
//! what the program carries and the crates that Cargo already has, and watched
//! while it changes.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use plimsoll::plugin::contract::CAPABILITIES;
use plimsoll_test_support::{best_of, repository_root, scratch_folder, timed};

/// Bytes of the component of a new plugin.
const COMPONENT_BYTES_MAX: u64 = 100 << 10;
/// Lines of the smallest rule.
const RULE_LINES_MAX: usize = 25;
/// What a test of a plugin takes at most where nothing changed.
const SECOND_TEST_MAX: Duration = Duration::from_secs(1);
const SECOND_TESTS: usize = 3;
/// How long a build may take before a test gives up on it.
const BUILD_DEADLINE: Duration = Duration::from_secs(300);

/// The program in a folder, with this machine's Rust and no network. What is
/// built lies in a folder that later runs of the tests find again.
fn plimsoll(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", repository_root().join("target/authoring"))
        // Those of whoever runs the tests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null());
    command
}

/// Standard output of a command that must go well.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Standard error of a command that must not.
fn complaint(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{command:?}: {}{stderr}", String::from_utf8_lossy(&output.stdout));
    stderr
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}: {text}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_new_plugin_builds_and_lints() {
    let scratch = scratch_folder();
    let folder = scratch.path().join("first-rules");
    // As at an author's, nothing but the sources of crates is there beforehand.
    let of_author = |command: &str| output(plimsoll(&folder, command).env_remove("CARGO_TARGET_DIR"));
    let start = Instant::now();
    output(&mut plimsoll(scratch.path(), "plugin new first-rules"));
    assert_eq!(of_author("plugin test"), "first-rules/no-ssh  3 cases    ok\n");
    println!("plugin new and the first plugin test: {:.1?}", start.elapsed());
    let second = best_of(SECOND_TESTS, SECOND_TEST_MAX, || timed(|| drop(of_author("plugin test"))));
    println!("plugin test again, without a change: {second:.1?}");
    assert!(second <= SECOND_TEST_MAX, "{second:?}");
    let built = of_author("plugin build");

    let component = folder.join("target/first-rules.wasm");
    let bytes = fs::metadata(&component).unwrap().len();
    println!("component: {bytes} bytes");
    assert!(bytes <= COMPONENT_BYTES_MAX, "{bytes}");
    assert!(built.contains("can ask for   none"), "{built}");
    let rule = fs::read_to_string(folder.join("rules/no-ssh.rs")).unwrap();
    println!("smallest rule: {} lines", rule.lines().count());
    assert!(rule.lines().count() <= RULE_LINES_MAX, "{rule}");

    // What the lock file that came along named is what was built.
    let ours = packages(&repository_root().join("Cargo.lock"));
    let theirs = packages(&folder.join("Cargo.lock"));
    let unknown: Vec<_> = theirs.iter().filter(|package| !ours.contains(package)).collect();
    assert_eq!(unknown, [&("first-rules".to_owned(), "0.1.0".to_owned())], "{theirs:?}");

    fs::write(scratch.path().join("Dockerfile"), "FROM scratch\nEXPOSE 22\n").unwrap();
    let arguments = "lint --slow-checks=off --plugin first-rules/target/first-rules.wasm Dockerfile";
    let linted = plimsoll(scratch.path(), arguments).output().unwrap();
    let linted = String::from_utf8_lossy(&linted.stdout).into_owned();
    assert!(linted.contains("warning[first-rules/no-ssh]: Enter containers"), "{linted}");
}

/// Names and versions of a lock file.
fn packages(lock: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(lock).unwrap();
    let value = |line: &str, name: &str| line.strip_prefix(name).map(|rest| rest.trim_matches('"').to_owned());
    let names = text.lines().filter_map(|line| value(line, "name = "));
    names.zip(text.lines().filter_map(|line| value(line, "version = \""))).collect()
}

/// Built first is the younger folder, which is gone when the other is built in the same target folder.
#[test]
fn the_same_sources_make_the_same_component_anywhere() {
    let scratch = scratch_folder();
    let folders = ["one", "further/down/two"];
    for folder in folders {
        output(&mut plimsoll(scratch.path(), &format!("plugin new same-rules --capability registry --path {folder}")));
    }
    let [first, second] = folders.map(|folder| scratch.path().join(folder));
    let digest_in = |folder: &Path| {
        let built = output(&mut plimsoll(folder, "plugin build"));
        let component = fs::read(repository_root().join("target/authoring/same-rules.wasm")).unwrap();
        let machine = scratch.path().to_str().unwrap().as_bytes();
        assert!(!component.windows(machine.len()).any(|part| part == machine), "it tells where it was built");
        built.lines().find(|line| line.contains("digest")).unwrap().to_owned()
    };
    let digest = digest_in(&second);
    fs::remove_dir_all(&second).unwrap();
    assert_eq!(digest, digest_in(&first));
}

#[test]
fn a_plugin_asks_for_what_its_world_says() {
    let scratch = scratch_folder();
    output(&mut plimsoll(scratch.path(), "plugin new bound-rules --capability registry --capability git"));
    let folder = scratch.path().join("bound-rules");
    let path = folder.join("wit/world.wit");
    let world = fs::read_to_string(&path).unwrap();
    let imported: Vec<_> =
        CAPABILITIES.iter().filter(|name| world.contains(&format!("import plimsoll:rules/{name}@"))).collect();
    assert_eq!(imported, [&"registry", &"git"], "{world}");
    // What the rules do not use is not imported: `git`.
    let built = output(&mut plimsoll(&folder, "plugin build"));
    assert!(built.contains("can ask for   registry\n"), "{built}");

    edit(&path, "import plimsoll:rules/registry@", "// import plimsoll:rules/registry@");
    let refused = complaint(&mut plimsoll(&folder, "plugin build"));
    assert!(refused.contains("rules ask for registry, which the world does not import: add `import "), "{refused}");

    edit(&path, "export plimsoll:rules/slow@", "// export plimsoll:rules/slow@");
    let refused = complaint(&mut plimsoll(&folder, "plugin build"));
    let expected = "rules/base-source.rs plans questions: ";
    assert!(refused.contains(expected) && refused.contains("does not build; Cargo says why above"), "{refused}");
}

#[test]
fn the_template_offers_every_capability() {
    let scratch = scratch_folder();
    let all: Vec<_> = CAPABILITIES.iter().map(|name| format!("--capability {name}")).collect();
    output(&mut plimsoll(scratch.path(), &format!("plugin new all-rules {}", all.join(" "))));
    let world = fs::read_to_string(scratch.path().join("all-rules/wit/world.wit")).unwrap();
    for name in CAPABILITIES {
        assert!(world.contains(&format!("  import plimsoll:rules/{name}@")), "{name}: {world}");
    }
}

#[test]
fn a_component_for_wasi_runs_on_an_empty_one() {
    if !has_standard_library("wasm32-wasip2") {
        println!("skipped: rustup target add wasm32-wasip2");
        return;
    }
    let scratch = scratch_folder();
    output(&mut plimsoll(scratch.path(), "plugin new wasi-rules --capability registry"));
    let folder = scratch.path().join("wasi-rules");
    // What wants an operating system gets none of its variables, files and arguments.
    edit(
        &folder.join("rules/base-source.rs"),
        "        if !image.labels()",
        "        assert!(std::env::var_os(\"PATH\").is_none() && std::fs::read_dir(\"/\").is_err());\n        \
         println!(\"seen\");\n        if !image.labels()",
    );
    let built = output(&mut plimsoll(&folder, "plugin build --target wasm32-wasip2 -o wasi.wasm"));
    assert!(built.contains("can ask for   registry\n") && built.contains("WASI          empty: wasi:"), "{built}");
    println!("component for WASI: {} bytes", fs::metadata(folder.join("wasi.wasm")).unwrap().len());
    let expected = "wasi-rules/base-source  3 cases    ok\n";
    assert_eq!(output(&mut plimsoll(&folder, "plugin test --target wasm32-wasip2")), expected);
    assert_eq!(output(&mut plimsoll(&folder, "plugin test --component wasi.wasm --name wasi-rules")), expected);
    assert!(output(&mut plimsoll(&folder, "plugin inspect wasi.wasm")).contains("wasi:cli/stdout@"));
}

fn has_standard_library(target: &str) -> bool {
    let libraries = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    libraries.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

#[test]
fn what_is_missing_is_named() {
    let scratch = scratch_folder();
    let new = |arguments: &str| complaint(&mut plimsoll(scratch.path(), &format!("plugin new {arguments}")));
    assert!(new("fn").contains("fn means something to Rust or Cargo: name the plugin otherwise, such as fn-rules"));
    assert!(new("serde").contains("serde is a crate that plugins are built with: name the plugin otherwise"));
    assert!(new("buildkit").contains("the name buildkit is taken by a bundled pack"));
    for name in ["Acme", "2nd", "a--b", "a-", "ä", "a.b", "a-1"] {
        assert!(new(name).contains(&format!("{name:?} is no name of a plugin")), "{name}");
    }
    assert!(new("a --capability shell").contains("invalid value 'shell'"));
    fs::create_dir(scratch.path().join("taken")).unwrap();
    assert!(new("taken").contains("taken is there already, and stays as it is"));

    let build = |arguments: &str| plimsoll(scratch.path(), &format!("plugin build {arguments}"));
    assert!(complaint(&mut build("nowhere")).contains("nowhere/Cargo.toml is not there: name a plugin's folder"));
    fs::write(scratch.path().join("taken/Cargo.toml"), "[workspace]\n").unwrap();
    assert!(complaint(&mut build("taken")).contains("taken/Cargo.toml: it has no [package]"));
    fs::create_dir(scratch.path().join("taken/src")).unwrap();
    fs::write(scratch.path().join("taken/src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"no-rules\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(scratch.path().join("taken/Cargo.toml"), manifest).unwrap();
    assert!(complaint(&mut build("taken")).contains("it makes no component: write crate-type = [\"cdylib\"]"));
    fs::write(scratch.path().join("taken/Cargo.toml"), format!("{manifest}[lib]\ncrate-type = [\"cdylib\"]\n"))
        .unwrap();
    let refused = complaint(&mut build("taken"));
    assert!(refused.contains("no-rules.wasm: "), "{refused}");

    output(&mut plimsoll(scratch.path(), "plugin new lonely-rules"));
    let refused = complaint(build("lonely-rules").env("CARGO", "/nowhere/cargo"));
    assert!(refused.contains("/nowhere/cargo is not there: plugins are built with Rust"), "{refused}");
    let refused = complaint(build("lonely-rules").env_remove("RUSTC").env("PATH", scratch.path()));
    assert!(refused.contains("rustc is not there: plugins are built with Rust, see https://rustup.rs"), "{refused}");
}

/// What Cargo is told of files that are no rules, in the author's words.
#[test]
fn mistakes_in_a_plugin_are_told_with_file_and_line() {
    let scratch = scratch_folder();
    let path = scratch.path().join("at odds/ä");
    let mut new = plimsoll(scratch.path(), "plugin new odd-rules --path");
    let told = output(new.arg("at odds/ä"));
    assert!(told.contains("\n  cd 'at odds/ä'\n"), "{told}");
    let rules = path.join("rules");
    let (rule, page) = (rules.join("no-ssh.rs"), rules.join("no-ssh.md"));
    let (code, text) = (fs::read_to_string(&rule).unwrap(), fs::read_to_string(&page).unwrap());
    let refused = || complaint(&mut plimsoll(&path, "plugin test"));

    for name in ["no ssh", "ä", "2nd", "NoSsh", "a--b", "a_b"] {
        let file = rules.join(format!("{name}.rs"));
        fs::write(&file, &code).unwrap();
        let refused = refused();
        assert!(refused.contains(&format!("rules/{name}.rs: a rule's file is called by words of a-z")), "{refused}");
        assert!(!refused.contains("panicked"), "{refused}");
        fs::remove_file(file).unwrap();
    }
    fs::remove_file(&page).unwrap();
    assert!(refused().contains("rules/no-ssh.rs: a rule has its page beside it: write rules/no-ssh.md"));
    fs::write(&page, text).unwrap();

    edit(&rule, "fn check(", "fn chick(");
    let line = code.lines().position(|line| line.contains("fn check(")).unwrap() + 1;
    let refused = refused();
    assert!(refused.contains(&format!("--> rules/no-ssh.rs:{line}:")), "the place in the author's file: {refused}");

    // A schema that is none would be found out by the first user with options.
    let code =
        code.replace("    fn check(", "    const OPTIONS_SCHEMA: &'static str = \"{type: 1}\";\n\n    fn check(");
    fs::write(&rule, code.replace("report.add(", "assert!(false, \"lost\");\n report.add(")).unwrap();
    let tested = plimsoll(&path, "plugin test").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
    assert!(out.contains("rules/no-ssh.md:1: the rule's schema is no JSON: "), "{out}{err}");
    assert!(out.contains(": panicked at rules/no-ssh.rs:"), "{out}{err}");

    assert!(complaint(&mut plimsoll(&rules, "plugin watch")).contains("it is no plugin's folder"));
    let inside = |command: &str| complaint(&mut plimsoll(&rules, command));
    let advice = format!("; {} is one", path.canonicalize().unwrap().display());
    assert!(inside("plugin test").contains(&advice) && inside("plugin build").contains(&advice), "{advice}");
}

/// Programs that stand in for Rust's own, which tests must not change.
#[cfg(unix)]
#[test]
fn the_target_is_fetched_or_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratch_folder();
    output(&mut plimsoll(scratch.path(), "plugin new far-rules"));
    let programs = scratch.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let program = |name: &str, script: &str| {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("rustc", "echo /nowhere/lib");
    let build = || {
        let mut command = plimsoll(scratch.path(), "plugin build far-rules");
        command.env_remove("RUSTC").env("PATH", &programs).env("CARGO", programs.join("cargo"));
        command
    };
    let advice = "please run: rustup target add wasm32-unknown-unknown";
    let refused = complaint(&mut build());
    assert!(refused.contains(&format!("{advice} (there is no rustup here")), "{refused}");
    program("rustup", "echo no network >&2; exit 1");
    let refused = complaint(&mut build());
    assert!(refused.contains("no network\nerror: Rust's standard library for wasm32-unknown-unknown"), "{refused}");
    program("rustup", "echo \"rustup: $*\" >&2");
    program("cargo", "echo cargo runs >&2; exit 1");
    let refused = complaint(&mut build());
    assert!(refused.contains("rustup: target add wasm32-unknown-unknown\ncargo runs\n"), "{refused}");
}

/// A watching process that ends with its test.
struct Watch {
    child: Child,
    output: Lines,
    errors: Lines,
}

/// What a process prints, line by line.
struct Lines(Receiver<String>);

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            BufReader::new(pipe).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Self(lines)
    }

    /// Waits for a line with this text.
    fn until(&self, text: &str) {
        let deadline = Instant::now() + BUILD_DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.0.recv_timeout(left).unwrap_or_else(|error| panic!("{text}: {error}"));
            if line.contains(text) {
                return;
            }
        }
    }
}

impl Watch {
    fn of(folder: &Path) -> Self {
        let mut command = plimsoll(folder, "plugin watch");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Lines::of(child.stdout.take().unwrap());
        let errors = Lines::of(child.stderr.take().unwrap());
        Self { child, output, errors }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_runs_again_after_each_change() {
    let scratch = scratch_folder();
    output(&mut plimsoll(scratch.path(), "plugin new watched-rules"));
    let folder = scratch.path().join("watched-rules");
    let watch = Watch::of(&folder);
    watch.output.until("watched-rules/no-ssh");
    watch.errors.until("waiting for changes");

    let second = |extension: &str| -> PathBuf { folder.join("rules/no-telnet").with_extension(extension) };
    let text = fs::read_to_string(folder.join("rules/no-ssh.rs")).unwrap();
    fs::write(second("md"), "# no-telnet\n").unwrap();
    fs::write(second("rs"), text.replace("no-ssh", "no-telnet").replace("NoSsh", "NoTelnet")).unwrap();
    watch.output.until("watched-rules/no-telnet");
    watch.errors.until("waiting for changes");

    edit(&second("rs"), "impl Rule", "impl Role");
    watch.errors.until("does not build; Cargo says why above");
    watch.errors.until("waiting for changes");
    edit(&second("rs"), "impl Role", "impl Rule");
    watch.output.until("watched-rules/no-telnet");
    watch.errors.until("waiting for changes");
    // Nothing changes: nothing runs.
    let more = watch.errors.0.recv_timeout(Duration::from_secs(2));
    assert!(more.is_err(), "{more:?}");
}
