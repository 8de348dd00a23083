//! How others get the program: the action, the hook, the image. `.ci/packages` installs and runs them for real.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use plimsoll::discover::is_dockerfile;
use plimsoll::resolve::context::IgnoreFile;
use plimsoll_test_support::docker_engine::installed_or_skip;
use plimsoll_test_support::servers::run_or_skip;
use plimsoll_test_support::tools::program_or_skip;
use plimsoll_test_support::{DockerEngine, Image, Project, Registries, Registry, repository_root, scratch_folder};

fn read(name: &str) -> String {
    fs::read_to_string(repository_root().join(name)).unwrap()
}

#[test]
fn all_speak_of_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    let project = read("pyproject.toml");
    assert!(project.contains(&format!("\nversion = \"{version}\"\n")), "{project}");
    assert!(project.contains(&format!("\"plimsoll=={version}\"")), "{project}");
    assert!(read("action.yml").contains(&format!("\n    default: {version}\n")));
    let page = read("docs/workflows.md");
    assert!(page.contains(&format!("rev: v{version}\n")) && page.contains(&format!("plimsoll@v{version}\n")), "{page}");
    let rust = read("Cargo.toml").lines().find_map(|line| line.strip_prefix("rust-version = ").map(str::to_owned));
    let rust = rust.unwrap().replace('"', "");
    assert!(read("Dockerfile").contains(&format!("FROM rust:{rust}-")), "the image is built with Rust {rust}");
}

#[test]
fn its_own_dockerfile_is_clean() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let path = repository_root().join("Dockerfile");
    let run = project.lint(&format!("--slow-checks=off {}", path.display()));
    assert_eq!((run.status, run.findings(), run.problems()), (0, vec![], vec![]), "{run:#?}");
    let text = read("Dockerfile");
    assert!(text.contains("\nFROM scratch\n") && text.contains("\nUSER 65532:65532\n"), "{text}");
}

/// What Cargo says the program is made of reaches the build of the image.
#[test]
fn the_image_is_built_of_all_that_the_program_is_made_of() {
    let listed = fs::read_to_string(Path::new(env!("CARGO_BIN_EXE_plimsoll")).with_extension("d")).unwrap();
    let root = repository_root();
    let paths = listed.replace("\\ ", "\0").split_whitespace().skip(1).map(|path| path.replace('\0', " ")).collect();
    let inside = |path: String| Some(fs::canonicalize(path).ok()?.strip_prefix(&root).ok()?.display().to_string());
    let paths: Vec<String> =
        Vec::into_iter(paths).filter_map(inside).filter(|path| !path.starts_with("target/")).collect();
    for known in ["Cargo.lock", "host/plimsoll/build.rs", "docs/capabilities.md", "plimsoll.schema.json"] {
        assert!(paths.iter().any(|path| path == known), "no {known} in {paths:#?}");
    }
    let ignore_file = IgnoreFile::new(".dockerignore", &fs::read(root.join(".dockerignore")).unwrap());
    let ignored = ignore_file.ignored(&paths, Instant::now() + Duration::from_secs(60)).unwrap();
    let lost: Vec<_> = ignored.paths.iter().filter(|(_, patterns)| !patterns.is_empty()).collect();
    assert_eq!(ignored.paths.len(), paths.len());
    assert!(lost.is_empty(), ".dockerignore leaves out what the program is made of: {lost:#?}");
}

#[test]
fn the_hook_is_handed_what_is_linted_in_folders() {
    if !program_or_skip("python3", "the_hook_is_handed_what_is_linted_in_folders") {
        return;
    }
    let hook = read(".pre-commit-hooks.yaml");
    let pattern = hook.lines().find_map(|line| line.trim().strip_prefix("files: '")?.strip_suffix('\''));
    let names = [
        "Dockerfile",
        "dockerfile",
        "Dockerfile.dev",
        "Dockerfile.",
        "app.dockerfile",
        "app.Dockerfile",
        ".dockerfile",
        "Containerfile",
        "Containerfile.ci",
        "x.containerfile",
        "Dockerfile.md",
        "Dockerfile.dockerignore",
        "Containerfile.containerignore",
        "app.dockerfile.dockerignore",
        "Dockerfile.DockerIgnore",
        ".dockerignore",
        ".containerignore",
        "Dockerfiles",
        "MyDockerfile",
        "docker",
        "dockerfile-dev",
        "Dockerfile.dockerignore.old",
    ];
    // As pre-commit does, with the paths of the checkout.
    let script = "import re, sys\nfor path in sys.argv[2:]: print(bool(re.search(sys.argv[1], path)))";
    for folder in ["", "a/b c/", "Dockerfile/", "x.dockerignore/"] {
        let paths = names.map(|name| format!("{folder}{name}"));
        let output = Command::new("python3").args(["-c", script, pattern.unwrap()]).args(&paths).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let matched: Vec<bool> = said.lines().map(|line| line == "True").collect();
        assert_eq!(matched, names.map(is_dockerfile), "{paths:#?}");
    }
}

/// The scripts of the action's steps, by the name of the step.
fn script(step: &str) -> String {
    let action = read("action.yml");
    let (_, step) = action.split_once(&format!("- name: {step}\n")).unwrap();
    let (_, script) = step.split_once("      run: |\n").unwrap();
    let lines = script.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    lines.map(|line| format!("{}\n", line.trim_start_matches("        "))).collect()
}

#[test]
fn no_input_is_part_of_a_script() {
    for step in ["Install Plimsoll", "Lint"] {
        let script = script(step);
        assert!(script.starts_with("set -euo pipefail\n") && script.lines().count() > 5, "{script}");
        assert!(!script.contains("${{") && !script.contains("eval"), "{script}");
    }
}

#[test]
fn each_input_of_the_action_is_told_of() {
    let (action, page) = (read("action.yml"), read("docs/workflows.md"));
    let (_, inputs) = action.split_once("\ninputs:\n").unwrap();
    let (inputs, _) = inputs.split_once("\nruns:\n").unwrap();
    let names = inputs.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let names: Vec<&str> = names.filter(|name| !name.starts_with(' ')).collect();
    assert!(names.len() > 5, "{names:?}");
    let (_, told) = page.split_once("Its inputs are ").unwrap();
    names
        .iter()
        .for_each(|name| assert!(told.contains(&format!("`{name}`")), "{name} is missing in docs/workflows.md"));
}

/// Runs the step that lints, with these inputs besides the defaults.
fn lint(project: &Project, inputs: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script("Lint")]).current_dir(project.path());
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", project.path())
        .env("RUNNER_TEMP", project.path())
        .env("CI", "true");
    for (name, value) in
        [("PATHS", "."), ("ARGUMENTS", ""), ("FAIL_LEVEL", ""), ("FORMAT", "json"), ("OUTPUT", ""), ("UPLOAD", "false")]
    {
        command.env(format!("LINT_{name}"), value);
    }
    command.envs(inputs.iter().copied()).output().unwrap()
}

#[test]
fn the_action_lints_what_it_is_given() {
    if !program_or_skip("bash", "the_action_lints_what_it_is_given") {
        return;
    }
    let project =
        Project::new("").file("a b/Dockerfile", "FROM scratch AS Build\n").file("c/Dockerfile", "FROM scratch\n");
    let files = |output: &Output| {
        let json: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let files = json["files"].as_array().unwrap().iter();
        files.map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let output = lint(&project, &[]);
    assert_eq!((output.status.code(), files(&output).len()), (Some(1), 2));
    let output = lint(&project, &[("LINT_PATHS", "a b\nc\n"), ("LINT_FAIL_LEVEL", "error")]);
    assert_eq!((output.status.code(), files(&output).len()), (Some(0), 2));
    let output = lint(&project, &[("LINT_OUTPUT", "report.json"), ("LINT_ARGUMENTS", "--slow-checks=off\n--quiet")]);
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(1), 0, 0));
    assert!(fs::read_to_string(project.path().join("report.json")).unwrap().contains("StageNameCasing"));
}

/// GitHub and GitLab count from the checkout, wherever the run is.
#[test]
fn places_are_those_of_the_checkout() {
    for variable in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"] {
        let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
        project.write("services/plimsoll.toml", "");
        project.write("services/api/Dockerfile", "FROM scratch AS Build\n");
        let root = project.path().display().to_string();
        for (place, value, shown) in [
            ("services", root.as_str(), "services/api/Dockerfile"),
            ("services", "/nowhere", "api/Dockerfile"),
            (".", root.as_str(), "services/api/Dockerfile"),
        ] {
            let mut command = project.command("lint --slow-checks=off --format concise");
            let output = command.current_dir(project.path().join(place)).env(variable, value).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(said.starts_with(&format!("{shown}:1:17: ")), "{place} {value}: {said}");
        }
    }
}

#[test]
fn no_shell_reads_an_input() {
    if !program_or_skip("bash", "no_shell_reads_an_input") {
        return;
    }
    let project = Project::new("").file("Dockerfile", "FROM scratch\n");
    for hostile in ["$(touch sprung)", "`touch sprung`", "; touch sprung", "'\"; touch sprung #", "${IFS}x", "* ?"] {
        for name in ["LINT_PATHS", "LINT_ARGUMENTS", "LINT_FAIL_LEVEL", "LINT_FORMAT"] {
            let output = lint(&project, &[(name, hostile)]);
            assert_eq!(output.status.code(), Some(2), "{name} {hostile}: {output:?}");
            assert!(!project.path().join("sprung").exists(), "{name} {hostile}");
        }
    }
    // A path is none of the arguments.
    let output = lint(&project, &[("LINT_PATHS", "--plugin=x")]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("--plugin=x"), "{output:?}");
}

/// Where `.ci/image` says which static program is to be put into the image.
const STATIC: &str = "PLIMSOLL_STATIC";

/// The image, with a program that was built before: what it holds is all there is where it runs.
#[test]
fn the_image_is_all_that_the_program_needs() {
    let test = "the_image_is_all_that_the_program_needs";
    let program = std::env::var_os(STATIC);
    if !run_or_skip(test, program.as_ref().map(drop).ok_or_else(|| format!("{STATIC} names no static program")))
        || !installed_or_skip(test)
    {
        return;
    }
    let base = || Image::new("linux/amd64").env("BASE_HOME", "/opt");
    // Others are behind TLS, and known by the names in the image alone.
    let (others, plain) = (Registries::start(move |_| (&base()).into()), Registry::start());
    plain.push("app:2", &base());

    // What the stage that compiles leaves behind.
    let (stage, folder, image) = (scratch_folder(), scratch_folder(), scratch_folder());
    fs::create_dir_all(stage.path().join("etc/ssl/certs")).unwrap();
    fs::write(stage.path().join("etc/ssl/certs/ca-certificates.crt"), others.certificates()).unwrap();
    fs::copy(program.unwrap(), stage.path().join("plimsoll")).unwrap();
    fs::write(folder.path().join("Dockerfile"), read("Dockerfile")).unwrap();
    let engine = DockerEngine::start(&others);
    engine.build_from(folder.path(), ("build", stage.path()), image.path()).unwrap();

    let root = image.path();
    let work = root.join("work");
    let port = plain.host().rsplit(':').next().unwrap().to_owned();
    let dockerfile = format!(
        "FROM registry.example/app:1\nENV X=$BASE_HOME Y=$OTHER\nFROM named.test:{port}/app:2\nENV X=$BASE_HOME\n"
    );
    fs::write(work.join("Dockerfile"), dockerfile).unwrap();
    let insecure = format!("[[registry]]\nlocation = 'named.test:{port}'\ninsecure = true\n");
    fs::write(work.join("registries.conf"), insecure).unwrap();
    // As container engines do. The static C library looks names up without parts of its own on the disk.
    fs::write(root.join("etc/hosts"), "127.0.0.1 named.test\n").unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new("chroot");
        command.arg("--userspec=65532:65532").arg(root).args(["/plimsoll"]).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HTTPS_PROXY", others.proxy()).env("NO_PROXY", "named.test");
        command.env("PLIMSOLL_REGISTRIES_CONFIG", "/work/registries.conf").output().unwrap()
    };
    let version = run(&["version"]);
    assert!(version.stdout.starts_with(b"plimsoll "), "{version:?}");
    let linted = run(&["lint", "--format=json", "--slow-checks=on", "--platform=linux/amd64", "/work"]);
    let json: serde_json::Value =
        serde_json::from_slice(&linted.stdout).unwrap_or_else(|error| panic!("{error}: {linted:?}"));
    let file = &json["files"][0];
    let found: Vec<&str> =
        file["findings"].as_array().unwrap().iter().filter_map(|finding| finding["message"].as_str()).collect();
    assert_eq!(found, ["Usage of undefined variable '$OTHER'"], "{linted:?}");
    assert_eq!(file["skipped"].as_array().unwrap().len(), 0, "{linted:?}");
}
