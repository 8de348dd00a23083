//! `--show-settings`: every value of a run with who said it, and the rules that run on
//! each file.
//!
//! Input: settled values, rulesets. Output: text, or the same as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_dockerfile::Position;
use serde_json::{Value, json};

use super::job::Prepared;
use super::setting::Setting;
use crate::cli::inputs::Configuration;
use crate::cli::patterns::Without;
use crate::cli::{CLEAN, FAILED, complain, consent, print, print_lines};
use crate::config::{File, FileOrigin, Files, Format, Origin, Settled};
use crate::lint::{Decision, Reason, Ruleset, Said, own_rules};

/// Shows them.
pub(super) fn show(setting: &Setting, prepared: &Prepared, named: &[String]) -> anyhow::Result<u8> {
    let files = setting.configured.files();
    let mut settled = setting.config.settled.clone();
    for (name, path) in named.iter().map(|argument| consent::named(argument)) {
        let key = format!("plugins.{}.", toml_edit::Key::new(name));
        settled.retain(|settled| !settled.key.starts_with(&key));
        let (value, origin) = (path.to_string_lossy().into(), Origin::Flag("--plugin".to_owned()));
        settled.push(Settled { key: key + "path", value, origin });
    }
    let with_told = |settled: Settled| {
        let told = Told::of_origin(files, &settled.origin, &settled.key);
        (settled, told)
    };
    let settled: Vec<(Settled, Told)> = settled.into_iter().map(with_told).collect();
    let groups = groups(setting, prepared);
    match setting.config.output.targets.iter().any(|target| target.format == Format::Json && target.file.is_none()) {
        true => print(&format!("{}\n", json(&settled, &groups)))?,
        false => print_lines(&text(&settled, &groups))?,
    }
    let mut status = CLEAN;
    for (shown, problem) in prepared.job.inputs.iter().filter_map(|input| Some((&input.shown, input.problem()?))) {
        complain(&format!("error: {shown}: {}", problem.message));
        status = FAILED;
    }
    Ok(status)
}

/// Who said something, as people are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    kind: &'static str,
    /// The flag, variable or file.
    name: String,
    place: Option<(u32, u32)>,
}

impl Default for Told {
    /// Nobody said it.
    fn default() -> Self {
        Self { kind: "default", name: String::new(), place: None }
    }
}

impl Told {
    fn of_origin(files: Files, origin: &Origin, key: &str) -> Self {
        match origin {
            Origin::Default => Self::default(),
            Origin::Flag(flag) => Self { kind: "flag", name: flag.clone(), place: None },
            Origin::Variable(name) => Self { kind: "variable", name: name.clone(), place: None },
            Origin::File(place) => {
                let file = files.layers().nth(*place).map(|(_, file)| file);
                if file.is_some_and(|file| file.origin == FileOrigin::Flags) {
                    let flag = key.rsplit('.').next().unwrap_or_default();
                    return Self { kind: "flag", name: format!("--{flag}"), place: None };
                }
                let keys = toml_edit::Key::parse(key).unwrap_or_default();
                file.map_or_else(Self::default, |file| Self::of_file(file, keys.iter().map(|key| key.get())))
            }
        }
    }

    /// A file that says something under these keys.
    fn of_file<'k>(file: &File, keys: impl Iterator<Item = &'k str>) -> Self {
        let kind = match file.origin {
            FileOrigin::Flags => "flag",
            FileOrigin::Override => "config",
            FileOrigin::Found | FileOrigin::Named => "file",
        };
        let name = file.path.display().to_string();
        let place = file.position(keys).map(|Position { line, column }| (line, column));
        Self { kind, name, place }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn text(&self) -> String {
        match (self.kind, self.place) {
            ("default", _) => "default".to_owned(),
            (_, Some((line, column))) => format!("{}:{line}:{column}", self.name),
            _ => self.name.clone(),
        }
    }

    fn json(&self) -> Value {
        let mut value = json!({ "kind": self.kind });
        if !self.name.is_empty() {
            value["name"] = self.name.as_str().into();
        }
        if let Some((line, column)) = self.place {
            (value["line"], value["column"]) = (line.into(), column.into());
        }
        value
    }
}

/// Files on which the same rules run in the same way.
struct Group<'g> {
    paths: Vec<&'g str>,
    rules: Vec<Row<'g>>,
}

/// A rule there.
struct Row<'g> {
    name: &'g str,
    /// Its severity where it runs.
    severity: Option<&'static str>,
    options: Option<Value>,
    said: Told,
    /// Who gave it that severity, and those options.
    severity_said: Told,
    options_said: Told,
}

fn groups<'g>(setting: &'g Setting, prepared: &'g Prepared) -> Vec<Group<'g>> {
    let mut by_ruleset: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for input in prepared.job.inputs.iter().filter(|input| input.problem().is_none()) {
        by_ruleset.entry(input.ruleset).or_default().push(&input.shown);
    }
    let group = |(ruleset, paths): (usize, Vec<&'g str>)| {
        let Configuration { file, ignored } = &prepared.configurations[ruleset];
        let who = Sayers { setting, files: Files { tree: file.as_deref(), ..setting.configured.files() }, ignored };
        Group { paths, rules: rows(prepared, &prepared.job.rulesets[ruleset], &who) }
    };
    by_ruleset.into_iter().map(group).collect()
}

/// Who has a say in which rules run on some files.
struct Sayers<'s> {
    setting: &'s Setting,
    files: Files<'s>,
    ignored: &'s [Without],
}

fn rows<'g>(prepared: &'g Prepared, ruleset: &Ruleset, who: &Sayers) -> Vec<Row<'g>> {
    let mut rows = Vec::new();
    let files = who.files;
    let packs = prepared.job.plugins.iter().map(|plugin| plugin.rules.as_slice()).chain([own_rules()]);
    for (index, (rules, decisions)) in packs.zip(&ruleset.decisions).enumerate() {
        for ((number, rule), decision) in (0..).zip(rules).zip(decisions) {
            let severity = ruleset.severities.get(&rule.name).unwrap_or(&rule.severity).name();
            let settings = ruleset.settings.get(index);
            let options = settings.and_then(|settings| settings.options.iter().find(|(rule, _)| *rule == number));
            let told = |file: Option<&File>, key| match file {
                Some(file) => Told::of_file(file, ["rules", &rule.name, key].into_iter()),
                None => Told::default(),
            };
            let said_severity = files.of_rule(&rule.name, |table| table.severity?.severity());
            let said_options = files.of_rule(&rule.name, |table| table.options.as_ref());
            rows.push(Row {
                name: &rule.name,
                severity: decision.runs.then_some(severity),
                options: options.and_then(|(_, options)| serde_json::from_str(options).ok()),
                said: decided(who, &rule.name, *decision),
                severity_said: told(said_severity.map(|(file, _)| file), "severity"),
                options_said: told(said_options.map(|(file, _)| file), "options"),
            });
        }
    }
    rows
}

/// Who decided whether a rule runs.
fn decided(Sayers { setting, files, ignored }: &Sayers, rule: &str, decision: Decision) -> Told {
    let (place, said) = match decision.reason {
        Reason::Default => return Told::default(),
        Reason::Setting => {
            let key = "lint.require-reason";
            let settled = setting.config.settled.iter().find(|settled| settled.key == key);
            let told = settled.map(|settled| Told::of_origin(setting.configured.files(), &settled.origin, key));
            return told.unwrap_or_default();
        }
        Reason::Said(place, said) => (place, said),
    };
    let Some((_, file)) = files.layers().nth(place) else { return Told::default() };
    let (keys, index): (&[&str], _) = match said {
        Said::Select(index) => (&["lint", "select"], index),
        Said::ExtendSelect(index) => (&["lint", "extend-select"], Some(index)),
        Said::Ignore(index) => (&["lint", "ignore"], Some(index)),
        Said::Rules => (&["rules", rule], None),
        Said::PerFile(index) => (&["lint", "per-file-ignores", &ignored[index].glob], Some(ignored[index].index)),
    };
    if file.origin == FileOrigin::Flags {
        return Told { kind: "flag", name: format!("--{}", keys[1]), place: None };
    }
    let index = index.map(|index| index.to_string());
    Told::of_file(file, keys.iter().copied().chain(index.as_deref()))
}

fn text(settled: &[(Settled, Told)], groups: &[Group]) -> String {
    let mut text = String::new();
    let lines: Vec<_> =
        settled.iter().map(|(settled, told)| (format!("{} = {}", settled.key, settled.value), told)).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width < WIDE).max().unwrap_or(0);
    for (line, told) in &lines {
        let _ = writeln!(text, "{line:width$}  # {}", told.text());
    }
    for Group { paths, rules } in groups {
        let count = rules.iter().filter(|row| row.severity.is_some()).count();
        let _ = writeln!(text, "\n{}: {count} of {} rules", paths.join(", "), rules.len());
        let width = rules.iter().map(|row| row.name.len()).max().unwrap_or(0);
        for row in rules {
            let _ = write!(text, "  {:width$}  {:7}  # {}", row.name, row.severity.unwrap_or("off"), row.said.text());
            if row.severity.is_some() && !row.severity_said.is_default() && row.severity_said != row.said {
                let _ = write!(text, "; severity {}", row.severity_said.text());
            }
            if let Some(options) = &row.options {
                let _ = write!(text, "; options {options} {}", row.options_said.text());
            }
            text.push('\n');
        }
    }
    text
}

/// Lines from this width on do not push what stands behind the others to the right.
const WIDE: usize = 60;

fn json(settled: &[(Settled, Told)], groups: &[Group]) -> Value {
    let settings: serde_json::Map<String, Value> = settled
        .iter()
        .map(|(settled, told)| (settled.key.clone(), json!({ "value": settled.value, "origin": told.json() })))
        .collect();
    let rule = |row: &Row| {
        let mut value = json!({ "severity": row.severity.unwrap_or("off"), "origin": row.said.json() });
        if row.severity.is_some() {
            value["severity_origin"] = row.severity_said.json();
        }
        if let Some(options) = &row.options {
            (value["options"], value["options_origin"]) = (options.clone(), row.options_said.json());
        }
        (row.name.to_owned(), value)
    };
    let file = |group: &Group| {
        let rules: serde_json::Map<String, Value> = group.rules.iter().map(rule).collect();
        json!({ "paths": group.paths, "rules": rules })
    };
    json!({ "version": 1, "settings": settings, "files": groups.iter().map(file).collect::<Vec<_>>() })
}
