//! Configuration: its schema, which rules run, what files extend, what costs nothing.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use plimsoll::config::{self, File, Files, LintTable, Reach, SchemaRule, Texts, schema};
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, Input, Job, Ruleset, SlowChecks, Source, all_rules};
use plimsoll::plugin::{Call, Code, Failure, Host, Instance, Plugin, contract};
use plimsoll::resolve::Context;
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::Platform;
use plimsoll_test_support::user::artifact;
use plimsoll_test_support::{Registry, User, repository_root, scratch_folder};
use serde_json::{Value, json};

fn bundled() -> Vec<Plugin> {
    Plugin::bundled(&Host::new().unwrap()).unwrap()
}

fn made_schema() -> Value {
    let plugins = bundled();
    let rules: Vec<_> =
        all_rules(&plugins).map(|(_, rule)| SchemaRule { name: &rule.name, options: &rule.options_schema }).collect();
    schema(&rules).unwrap()
}

struct Validator(boon::Schemas, boon::SchemaIndex);

impl Validator {
    fn new(schema: Value) -> Self {
        let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
        compiler.add_resource("plimsoll.schema.json", schema).unwrap();
        let index = compiler.compile("plimsoll.schema.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    fn takes(&self, toml: &str) -> Result<(), String> {
        let value: toml::Table = toml::from_str(toml).map_err(|error| error.to_string())?;
        self.takes_value(&serde_json::to_value(value).unwrap())
    }

    fn takes_value(&self, value: &Value) -> Result<(), String> {
        self.0.validate(value, self.1).map_err(|error| format!("{error:#}"))
    }
}

#[test]
fn the_schema_is_that_of_the_types() {
    let path = repository_root().join("plimsoll.schema.json");
    let made = serde_json::to_string_pretty(&made_schema()).unwrap() + "\n";
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(made == committed, "plimsoll.schema.json is not that of the types; BLESS=1 writes it");
}

/// What reads a file takes, the schema takes, and the other way round.
#[test]
fn schema_and_loader_agree() {
    let validator = Validator::new(made_schema());
    let digest = format!("sha256:{}", "0".repeat(64));
    let plugin = format!("path = \"a.wasm\"\ndigest = \"{digest}\"\nkey = \"k\"\n");
    let good = [
        "",
        "extends = \"../base.toml\"",
        "extends = [\"a.toml\", \"oci://ghcr.io/acme/policy:1\"]",
        "[lint]\nfail-level = \"none\"\ntarget-platform = [\"linux/amd64\"]\nselect = [\"strict\", \"buildkit/*\", \"latest-tag\", \"acme/x\"]",
        "[lint.per-file-ignores]\n\"a/**\" = [\"all\"]",
        "[lint]\nexclude = [\"a\"]\nignore = []\nextend-select = [\"sources/old-image\"]",
        "[rules]\n\"buildkit/StageNameCasing\" = \"off\"\n\"acme/x\" = { severity = \"info\", options = { a = 1 } }",
        "[rules.\"sources/foreign-registry\"]\noptions = { allow = [\"ghcr.io\"] }",
        "[slow-checks]\nmode = \"on\"\ntimeout = \"5s\"\n[slow-checks.network]\nconcurrency = 2",
        "[slow-checks.console.tools]\nshellcheck = [\"/usr/bin/shellcheck\", \"-x\"]",
        "[lock]\nmode = \"strict\"\npin = [\"docker.io/*\"]\nwrite = false\nanswers = true",
        "[plugins.acme]\nsource = \"oci://ghcr.io/acme/rules:1\"\nlimits = { memory = \"64MiB\", time = \"200ms\", findings = 10 }",
    ];
    let odd = [
        "lnt = 1",
        "extends = 1",
        "extends = \"\"",
        "[lint]\nfail-lvel = \"error\"",
        "[lint]\nfail-level = \"fatal\"",
        "[lint]\nselect = \"all\"",
        "[lint]\nselect = [1]",
        "[lint.per-file-ignores]\na = \"all\"",
        "[rules]\n\"buildkit/StageNameCasing\" = \"fatal\"",
        "[rules]\n\"buildkit/StageNameCasing\" = 1",
        "[rules.\"buildkit/StageNameCasing\"]\nsevrity = \"off\"",
        "[slow-checks]\nmode = \"maybe\"",
        "[slow-checks]\ntimeout = 5",
        "[slow-checks.network]\nconcurrency = 0",
        "[slow-checks.netwrk]\nconcurrency = 1",
        "[lock]\nmode = \"update\"",
        "[lock]\npin = \"a\"",
        "[registries]\nconfig = 1",
        "[plugins.acme]\nsource = \"ftp://x/y\"",
        "[plugins.acme]\npath = \"a\"\ngrants = { registries = [] }",
        "[plugins.acme]\npath = \"a\"\nlimits = { memory = \"a lot\" }",
        "[trust.acme]\nname = \"x\"",
    ];
    for text in good.into_iter().map(str::to_owned).chain([
        format!("[plugins.acme]\n{}", plugin.replace("key = \"k\"\n", "")),
        format!("[trust.\"{digest}\"]\nname = \"acme\"\ngrants = {{ registry = [\"ghcr.io/*\"] }}"),
    ]) {
        assert_eq!(toml::from_str::<File>(&text).map(drop).map_err(|error| error.to_string()), Ok(()), "{text}");
        assert_eq!(validator.takes(&text), Ok(()), "{text}");
    }
    for text in odd {
        assert!(toml::from_str::<File>(text).is_err(), "the loader takes {text}");
        assert!(validator.takes(text).is_err(), "the schema takes {text}");
    }
    // What only whoever knows the rules can refuse.
    for text in [
        "[rules.\"buildkit/StageNameCase\"]\nseverity = \"off\"",
        "[rules]\nStageNameCasing = \"off\"",
        "[lint]\nselect = [\"buildkit/StageNameCase\"]",
        "[rules.\"sources/foreign-registry\"]\noptions = { alow = [] }",
    ] {
        let file: File = toml::from_str(text).unwrap();
        let files = Files { tree: Some(&file), ..Files::default() };
        assert!(Ruleset::new(&bundled(), files).is_err(), "the rules take {text}");
        assert!(validator.takes(text).is_err(), "the schema takes {text}");
    }
}

/// Each table that the schema closes is closed for the loader, and each key that the schema names is one for the loader:
/// of a value that is none, the loader complains about the value.
#[test]
fn the_loader_knows_each_key_of_the_schema() {
    let schema = made_schema();
    let mut keys = Vec::new();
    walk(&schema, &schema, &mut Vec::new(), &mut keys);
    assert!(keys.len() > 50, "{}: {keys:?}", keys.len());
    for path in &keys {
        // That is no value of any key.
        let (last, tables) = path.split_last().unwrap();
        let quoted = |key: &String| toml_edit::Key::new(key.as_str()).to_string();
        let tables: Vec<String> = tables.iter().map(quoted).collect();
        let written = |key: &str| {
            let mut path = tables.clone();
            path.push(quoted(&key.to_owned()));
            format!("{} = nan", path.join("."))
        };
        let error = |text: &str| toml::from_str::<File>(text).unwrap_err().message().to_owned();
        let known = error(&written(last));
        assert!(!known.contains("unknown field"), "{path:?}: {known}");
        let unknown = error(&written(&format!("{last}-x")));
        assert!(unknown.contains("unknown field"), "{path:?}-x: {unknown}");
    }
}

/// The paths of all keys of tables that take no others.
fn walk(root: &Value, schema: &Value, path: &mut Vec<String>, keys: &mut Vec<Vec<String>>) {
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        return walk(root, root.pointer(pointer.trim_start_matches('#')).unwrap(), path, keys);
    }
    for key in ["anyOf", "allOf"] {
        for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            walk(root, part, path, keys);
        }
    }
    let is_closed = schema.get("additionalProperties") == Some(&json!(false));
    for (key, value) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(key.clone());
        if is_closed {
            keys.push(path.clone());
        }
        if key != "rules" {
            walk(root, value, path, keys);
        }
        path.pop();
    }
    if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
        // A name that any such table takes.
        path.push("x".to_owned());
        walk(root, others, path, keys);
        path.pop();
    }
}

/// All that is written down in this repository as configuration is so by the schema.
#[test]
fn what_is_written_down_here_is_valid() {
    let validator = Validator::new(made_schema());
    let (root, mut count) = (repository_root(), 0);
    let mut check = |from: &Path, text: &str| {
        let Ok(mut file) = toml::from_str::<File>(text) else { return };
        file.text = text.to_owned();
        let knows = Ruleset::new(&bundled(), Files { tree: Some(&file), ..Files::default() }).is_ok();
        if knows {
            assert_eq!(validator.takes(text), Ok(()), "{}:\n{text}", from.display());
            count += 1;
        }
    };
    let mut files = Vec::new();
    for folder in ["tests/cli", "plugins", "sdk"] {
        gather(&root.join(folder), &mut files);
    }
    files.push(root.join("README.md"));
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => {
                for section in text.split("\n--- ").skip(1) {
                    let (title, body) = section.split_once('\n').unwrap_or((section, ""));
                    if title.ends_with("plimsoll.toml") {
                        check(&path, body);
                    }
                }
            }
            Some("md") => {
                for block in text.split("```toml\n").chain(text.split("```settings\n")).skip(1) {
                    check(&path, block.split("```").next().unwrap());
                }
            }
            _ => {}
        }
    }
    assert!(count > 20, "{count}");
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() != "node_modules" => gather(&entry.path(), files),
            true => {}
            false => files.push(entry.path()),
        }
    }
}

/// What one layer says: `select`, `extend-select`, `ignore`, and `[rules]`.
#[derive(Clone, Copy, Default)]
struct Says {
    select: Option<&'static str>,
    extend: &'static str,
    ignore: &'static str,
    rules: &'static str,
}

impl Says {
    fn file(self) -> File {
        let list = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let lint = LintTable {
            select: self.select.map(list),
            extend_select: list(self.extend),
            ignore: list(self.ignore),
            ..LintTable::default()
        };
        let rules = if self.rules.is_empty() {
            File::default()
        } else {
            toml::from_str(&format!("[rules]\n{}", self.rules)).unwrap()
        };
        File { lint, ..rules }
    }
}

const NOTHING: Says = Says { select: None, extend: "", ignore: "", rules: "" };

/// The table of the README: what runs of `buildkit/StageNameCasing` (by default), `sources/latest-tag` (by default)
/// and `sources/old-image` (where asked for), as the tree's file and the command line say.
#[test]
fn who_decides_which_rules_run() {
    let plugins = bundled();
    let stage_off = "\"buildkit/StageNameCasing\" = \"off\"";
    let old_on = "\"sources/old-image\" = \"error\"";
    let select = |select| Says { select: Some(select), ..NOTHING };
    let ignore = |ignore| Says { ignore, ..NOTHING };
    let extend = |extend| Says { extend, ..NOTHING };
    let rules = |rules| Says { rules, ..NOTHING };
    let table: &[(Says, Says, [bool; 3])] = &[
        (NOTHING, NOTHING, [true, true, false]),
        (select("recommended"), NOTHING, [true, true, false]),
        (select("strict"), NOTHING, [true, true, true]),
        (select("all"), NOTHING, [true, true, true]),
        (select(""), NOTHING, [true, true, false].map(|_| false)),
        (select("buildkit/*"), NOTHING, [true, false, false]),
        (select("*/*-tag old-image"), NOTHING, [false, true, true]),
        (select("latest-*"), NOTHING, [false, true, false]),
        (extend("sources/old-image"), NOTHING, [true, true, true]),
        (ignore("sources/*"), NOTHING, [true, false, false]),
        (rules(stage_off), NOTHING, [false, true, false]),
        (rules(old_on), NOTHING, [true, true, true]),
        // In one place the more specific counts, and of equally specific ones that which switches off.
        (Says { select: Some("all"), ignore: "sources/*", ..NOTHING }, NOTHING, [true, false, false]),
        (Says { select: Some("sources/*"), ignore: "all", ..NOTHING }, NOTHING, [false, true, true]),
        (Says { select: Some("sources/*"), ignore: "sources/*", ..NOTHING }, NOTHING, [false, false, false]),
        (Says { select: Some("sources/old-image"), ignore: "sources/*", ..NOTHING }, NOTHING, [false, false, true]),
        (Says { ignore: "sources/*", rules: old_on, ..NOTHING }, NOTHING, [true, false, true]),
        (Says { ignore: "sources/old-image", rules: old_on, ..NOTHING }, NOTHING, [true, true, false]),
        (Says { extend: "StageNameCasing", rules: stage_off, ..NOTHING }, NOTHING, [false, true, false]),
        // The command line goes before the file.
        (select("sources/*"), select("buildkit/*"), [true, false, false]),
        (rules(old_on), select("buildkit/*"), [true, false, false]),
        (extend("old-image"), select("recommended"), [true, true, false]),
        (rules(old_on), ignore("sources/*"), [true, false, false]),
        (select("buildkit/*"), extend("latest-tag"), [true, true, false]),
        // What was switched off stays so until something at least as specific selects it.
        (rules(stage_off), select("buildkit/*"), [false, false, false]),
        (rules(stage_off), select("all"), [false, true, true]),
        (rules(stage_off), select("buildkit/StageNameCasing"), [true, false, false]),
        (rules(stage_off), extend("StageNameCasing"), [true, true, false]),
        (ignore("sources/*"), select("all"), [true, false, false]),
        (ignore("sources/*"), select("sources/*"), [false, true, true]),
        (ignore("sources/*"), extend("latest-tag"), [true, true, false]),
    ];
    let names = ["buildkit/StageNameCasing", "sources/latest-tag", "sources/old-image"];
    let runs = |files: Files, ignored: &[(usize, &str)]| {
        let ruleset = Ruleset::of_file(&plugins, files, ignored, &[]).unwrap();
        names.map(|name| {
            plugins
                .iter()
                .zip(&ruleset.settings)
                .any(|(plugin, settings)| settings.enabled.iter().any(|rule| &*plugin.names[*rule as usize] == name))
        })
    };
    for (row, (tree, line, expect)) in table.iter().enumerate() {
        let (tree, overrides) = (tree.file(), [line.file()]);
        let files = Files { overrides: &overrides, tree: Some(&tree), user: None };
        assert_eq!(runs(files, &[]), *expect, "row {row}");
        // Wherever it stands: in what the tree's file extends, or in the user's own.
        let extending = File { bases: vec![tree.clone()], ..File::default() };
        let files = Files { overrides: &overrides, tree: Some(&extending), user: None };
        assert_eq!(runs(files, &[]), *expect, "row {row}, extended");
        let files = Files { overrides: &[], tree: Some(&overrides[0]), user: Some(&tree) };
        assert_eq!(runs(files, &[]), *expect, "row {row}, user's own");
        // Files may go without, whoever selects.
        let without = runs(files, &[(0, "sources/*")]);
        assert_eq!(without, [expect[0], false, false], "row {row}, per file");
    }
}

#[test]
fn of_a_rule_severity_and_options_count_apart() {
    let plugins = bundled();
    let user: File =
        toml::from_str("[rules.\"sources/old-image\"]\nseverity = \"error\"\noptions = { days = 3 }").unwrap();
    let tree: File = toml::from_str("[rules]\n\"sources/old-image\" = \"info\"").unwrap();
    let ruleset = Ruleset::new(&plugins, Files { overrides: &[], tree: Some(&tree), user: Some(&user) }).unwrap();
    let severity = ruleset.severities.iter().find(|(name, _)| &***name == "sources/old-image").unwrap().1;
    assert_eq!(severity.name(), "info");
    assert!(ruleset.settings.iter().any(|settings| settings.options.iter().any(|(_, text)| text == "{\"days\":3}")));
}

#[test]
fn hostile_files_are_refused_in_time() {
    let scratch = scratch_folder();
    let folder = scratch.path();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let begun = Instant::now();
    let refused = |path: &Path, reach: Reach, why: &str| {
        let error = config::read_all(path, reach, &Texts::new()).unwrap_err().to_string();
        assert!(error.contains(why), "{error:.400}");
    };
    let unlinked = Reach::Unlinked;
    refused(&write("self.toml", "extends = \"self.toml\""), unlinked, "it comes back to itself");
    write("a.toml", "extends = \"b.toml\"");
    write("b.toml", "extends = [\"c.toml\"]");
    refused(&write("c.toml", "extends = \"./a.toml\""), unlinked, "c.toml → ");
    for link in 0..20 {
        write(&format!("chain{link}.toml"), &format!("extends = \"chain{}.toml\"", link + 1));
    }
    refused(&folder.join("chain0.toml"), unlinked, "the chain is longer than 8 files");
    let many: Vec<String> = (0..100).map(|file| format!("\"many{file}.toml\"")).collect();
    (0..100).for_each(|file| drop(write(&format!("many{file}.toml"), "")));
    refused(&write("many.toml", &format!("extends = [{}]", many.join(", "))), unlinked, "more than 32 files");
    let large = write("large.toml", &"#".repeat(10 << 20));
    refused(&large, unlinked, "larger than");
    refused(&write("extends-large.toml", "extends = \"large.toml\""), unlinked, "larger than");
    refused(
        &write("deep.toml", &format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000))),
        unlinked,
        "deep.toml:1:",
    );
    refused(&write("wide.toml", &format!("[lint]\nignore = [{}]", "\"a\",".repeat(2_000))), unlinked, "at most 1000");
    refused(&write("gone.toml", "extends = \"nowhere.toml\""), unlinked, "gone.toml:1:11: extends: ");
    refused(&write("folder.toml", "extends = \".\""), unlinked, "no regular file");
    let elsewhere = scratch_folder();
    fs::write(elsewhere.path().join("base.toml"), "[lint]\nfail-level = \"none\"\n").unwrap();
    let target = elsewhere.path().join("base.toml");
    let absolute = write("absolute.toml", &format!("extends = {}", json!(target)));
    refused(&absolute, unlinked, "no absolute path");
    refused(&absolute, Reach::Within(folder), "outside of the checkout");
    assert!(config::read_all(&absolute, Reach::Anywhere, &Texts::new()).is_ok());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&target, folder.join("link.toml")).unwrap();
        let linked = write("linked.toml", "extends = \"link.toml\"");
        refused(&linked, unlinked, "by way of a link");
        refused(&linked, Reach::Within(folder), "outside of the checkout");
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn of_several_extended_files_the_last_goes_first() {
    let scratch = scratch_folder();
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    write("a.toml", "extends = \"base.toml\"\n[lint]\nfail-level = \"error\"");
    write("b.toml", "[lint]\nfail-level = \"info\"");
    write("base.toml", "[lint]\nfail-level = \"style\"\n[slow-checks]\nfail-fast = false");
    write("plimsoll.toml", "extends = [\"a.toml\", \"b.toml\"]");
    let file = config::read_all(&scratch.path().join("plimsoll.toml"), Reach::Unlinked, &Texts::new()).unwrap();
    let names: Vec<_> = file.layers().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["plimsoll.toml", "b.toml", "a.toml", "base.toml"]);
}

fn plimsoll(folder: &Path, arguments: &str) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).env_clear().env("HOME", folder).args(arguments.split(' '));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_program_prints_the_schema() {
    let (status, stdout, _) = plimsoll(&repository_root(), "config schema");
    assert_eq!(status, 0);
    assert!(stdout == fs::read_to_string(repository_root().join("plimsoll.schema.json")).unwrap());
}

/// What `init` writes holds up as it is, and with all that it has in comments.
#[test]
fn what_init_writes_is_valid() {
    let validator = Validator::new(made_schema());
    let scratch = scratch_folder();
    let folder = scratch.path();
    let written = || fs::read_to_string(folder.join("plimsoll.toml")).unwrap();
    fs::write(folder.join("Dockerfile"), "FROM ghcr.io/acme/base:1\nRUN --mount=from=quay.io/x/y true\n").unwrap();
    let check = || {
        let text = written();
        let is_setting = |line: &&str| line.contains(" = ") || line.starts_with("# [") && line.ends_with(']');
        let all: String = text
            .lines()
            .map(|line| if is_setting(&line) { line.trim_start_matches("# ") } else { line })
            .map(|line| format!("{line}\n"))
            .collect();
        for text in [text.clone(), all] {
            let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(Ruleset::new(&bundled(), Files { tree: Some(&file), ..Files::default() }).is_ok());
            assert_eq!(validator.takes(&text), Ok(()), "{text}");
        }
        text
    };
    assert_eq!(plimsoll(folder, "init").0, 0);
    assert!(check().contains("# allow = [\"ghcr.io\", \"quay.io\"]"), "{}", written());
    assert_eq!(plimsoll(folder, "init").0, 2, "it is there already");
    let codes: Vec<String> = (3000..3062).chain(4000..4007).map(|code| format!("DL{code}")).collect();
    let yaml = format!(
        "ignored: [{}, SC1000]\nfailure-threshold: info\ntrustedRegistries: [ghcr.io]\nlabel-schema: {{a: \"x\\n[lint]\"}}\n\"evil\\n[x]\": 1\n",
        codes.join(", ")
    );
    fs::write(folder.join(".hadolint.yaml"), yaml).unwrap();
    let (status, stdout, stderr) = plimsoll(folder, "init --force");
    assert_eq!((status, stderr.as_str()), (0, ""));
    let text = check();
    for code in codes.iter().map(String::as_str).chain(["SC1000", "label-schema", "evil"]) {
        assert!(text.contains(code), "{code} is lost:\n{text}");
    }
    assert!(stdout.contains("DL3008 off (no rule looks for that here)"), "{stdout}");
    let file: File = toml::from_str(&text).unwrap();
    assert_eq!(file.rules.len(), 9, "{text}");
}

/// Counts instances and calls.
#[derive(Clone, Default)]
struct Counted(Arc<[AtomicUsize; 2]>);

impl Code for Counted {
    fn instantiate(&self, _until: Instant) -> Result<Box<dyn Instance>, Failure> {
        self.0[0].fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(self.clone()))
    }

    fn capabilities(&self) -> Vec<&'static str> {
        contract::CAPABILITIES.to_vec()
    }
}

impl Instance for Counted {
    fn describe(&mut self) -> Result<contract::Description, Failure> {
        let rule = |name: &str| contract::types::Rule {
            name: name.to_owned(),
            summary: String::new(),
            severity: contract::Severity::Warning,
            url: None,
            documentation: String::new(),
            options_schema: String::new(),
            fixable: false,
            opt_in: false,
            about: contract::About::Dockerfile,
        };
        Ok(contract::Description { version: "1".to_owned(), rules: vec![rule("one"), rule("two")] })
    }

    fn validate_options(&mut self, _: u32, _: &str) -> Result<Vec<contract::OptionError>, Failure> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: &mut Call) -> Result<Vec<contract::Finding>, Failure> {
        self.0[1].fetch_add(1, Ordering::Relaxed);
        Ok(Vec::new())
    }

    fn plan(&mut self, _: &mut Call) -> Result<(), Failure> {
        self.0[1].fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn on_success(&mut self, _: &mut Call, _: &contract::Answered) -> Result<contract::Verdict, Failure> {
        Ok(contract::Verdict::Keep)
    }

    fn is_spent(&self) -> bool {
        false
    }
}

/// A plugin whose rules are all off is not called, and but for its description no instance of it is made.
#[test]
fn rules_that_are_off_cost_nothing() {
    let check = |toml: &str, expect: [usize; 2]| {
        let counted = Counted::default();
        let plugins: Arc<[Plugin]> = [Plugin::from_code("acme", Box::new(counted.clone())).unwrap()].into();
        let file: File = toml::from_str(toml).unwrap();
        let input = |name: &str| Input {
            shown: name.to_owned(),
            source: Source::Bytes(b"FROM scratch".to_vec()),
            ruleset: 0,
            context: Arc::default(),
        };
        let job = Job {
            inputs: vec![input("a"), input("b")],
            rulesets: vec![Ruleset::new(&plugins, Files { tree: Some(&file), ..Files::default() }).unwrap()],
            plugins,
            unusable: Vec::new(),
            surroundings: vec![Surroundings::of_platform(Platform::host())],
            slow_checks: SlowChecks {
                ask: Ask::Nothing,
                fail_fast: true,
                terms: Terms::within(Duration::from_secs(1)),
            },
            lock: None,
            resolver: Arc::<Context>::default(),
            now: std::time::SystemTime::UNIX_EPOCH,
            threads: 1,
        };
        assert_eq!(lint::run(&job).files.len(), 2);
        let [instances, calls] = [0, 1].map(|index| counted.0[index].load(Ordering::Relaxed));
        // One to describe itself.
        assert_eq!([instances - 1, calls], expect, "{toml}");
    };
    check("", [1, 4]);
    check("[rules]\n\"acme/one\" = \"off\"", [1, 4]);
    check("[rules]\n\"acme/one\" = \"off\"\n\"acme/two\" = \"off\"", [0, 0]);
    check("[lint]\nignore = [\"acme/*\"]", [0, 0]);
    check("[lint]\nselect = []", [0, 0]);
    check("[lint]\nselect = []\n[rules.\"acme/one\"]\nseverity = \"off\"\noptions = {}", [0, 0]);
}

/// A plugin that the command line leaves out altogether is not even read.
#[test]
fn plugins_of_which_nothing_runs_are_not_loaded() {
    let scratch = scratch_folder();
    let folder = scratch.path();
    fs::write(folder.join("Dockerfile"), "FROM scratch AS App\n").unwrap();
    let digest = format!("sha256:{}", "0".repeat(64));
    let table =
        format!("[plugins.acme]\npath = \"nowhere.wasm\"\ndigest = \"{digest}\"\n[rules]\n\"acme/x\" = \"error\"\n");
    fs::write(folder.join("plimsoll.toml"), table).unwrap();
    let (status, _, stderr) = plimsoll(folder, "lint --slow-checks=off --select buildkit/*");
    assert_eq!((status, stderr.as_str()), (1, ""));
    let (status, _, stderr) = plimsoll(folder, "lint --slow-checks=off --select buildkit/*,acme/*");
    assert!(status == 2 && stderr.contains("nowhere.wasm"), "{stderr}");
}

/// Configuration that a registry keeps: the lock pins it, a run takes it by its digest alone, from this machine where it
/// is there, and it has no more say than the file that extends it.
#[test]
fn configuration_comes_from_registries_by_digest() {
    let registry = Registry::start();
    let push = |text: &str| {
        let tree = artifact("application/vnd.oci.empty.v1+json", "application/toml", text.as_bytes());
        registry.push_tree("team/policy:1", &tree)
    };
    let user = User::new(env!("CARGO_BIN_EXE_plimsoll"));
    let source = format!("oci://{}", registry.reference("team/policy:1"));
    user.tree.write("plimsoll.toml", format!("extends = \"{source}\"\n"));
    user.tree.write("Dockerfile", "FROM scratch AS App\n");
    let tools = "[slow-checks.console]\nenabled = true\n";
    push(&format!("{tools}[rules]\n\"buildkit/StageNameCasing\" = \"error\"\n"));

    let lint = |arguments: &str| user.tree.run(&format!("lint {arguments} ."));
    let before = lint("");
    assert!(before.status == 2 && before.stderr.contains("run `plimsoll lock`"), "{before:#?}");
    assert_eq!(registry.log().len(), 0, "nobody is asked by a name that can move");
    let locked = user.tree.run("lock");
    assert_eq!(locked.status, 0, "{locked:#?}");
    let lock = || fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
    assert!(lock().contains(&format!("[\"config\",\"resolve\",[\"{source}\"],{{\"value\":\"sha256:")), "{}", lock());
    registry.clear_log();
    let first = lint("");
    assert!(first.status == 1 && first.stdout.contains("error[buildkit/StageNameCasing]"), "{first:#?}");
    assert!(first.stderr.contains("enabled = true under [slow-checks.console] counts for nothing"), "{first:#?}");
    assert_eq!(registry.log().len(), 0, "what is on this machine is asked of nobody");
    assert!(lint("--show-settings").stdout.contains(&format!("# {source}:4:")), "{:#?}", lint("--show-settings"));
    assert_eq!(user.tree.run("lock check").status, 0);

    fs::remove_dir_all(user.home.path().join(".cache")).unwrap();
    let pulled = user.plugin("pull");
    assert!(pulled.stdout.contains(&format!("plimsoll.toml  {source}  sha256:")), "{pulled:#?}");
    registry.clear_log();
    assert!(lint("").stdout.contains("error[buildkit/StageNameCasing]"));
    assert_eq!(registry.log().len(), 0);

    // The tag moves, and what it meant counts until somebody takes over what it means now.
    let old = lock();
    push("[rules]\n\"buildkit/StageNameCasing\" = \"info\"\n");
    assert!(lint("").stdout.contains("error[buildkit/StageNameCasing]"));
    assert_eq!(user.tree.run("lock").status, 0);
    assert_eq!(lock(), old, "what stands there stays");
    let updated = user.tree.run("lock update");
    assert!(updated.status == 0 && lock() != old, "{updated:#?}");
    assert!(lint("").stdout.contains("info[buildkit/StageNameCasing]"));

    // What is none is refused, and what names files of this machine too.
    for (text, why) in [
        ("[lnt]\n", "unknown field `lnt`"),
        ("extends = \"/etc/passwd\"\n", "may name no files of this machine"),
        ("[registries]\ncredentials = \"/root/.docker/config.json\"\n", "may name no files of this machine"),
        ("[plugins.x]\npath = \"x.wasm\"\n", "may name no files of this machine"),
    ] {
        push(text);
        let refused = user.tree.run("lock update");
        assert!(refused.status == 2 && refused.stderr.contains(why), "{refused:#?}");
    }
    registry.push_tree("team/policy:1", &artifact("application/x", "application/wasm", b"x"));
    assert!(user.tree.run("lock update").stderr.contains("it is no configuration"));
    registry.push_tree("team/policy:1", &artifact("application/x", "application/toml", &vec![b'#'; 2 << 20]));
    assert!(user.tree.run("lock update").stderr.contains("more than the 1048576 bytes"));
    // Somebody else's answer is not taken for what the lock says.
    user.tree.write("plimsoll.lock", lock().replacen("\"value\":\"sha256:", "\"value\":\"sha256:0", 1));
    assert_eq!(lint("").status, 2);
    // A file below the configuration of the run extends files only.
    user.tree.write("plimsoll.toml", "");
    user.tree.write("plimsoll.lock", "");
    user.tree.write("below/plimsoll.toml", format!("extends = \"{source}\"\n"));
    user.tree.write("below/Dockerfile", "FROM scratch\n");
    assert!(lint("").stderr.contains("is extended by the configuration above all files"), "{:#?}", lint(""));
}
