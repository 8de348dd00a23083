//! The pages under `docs/`: made of the program and the README, and without dead links.
//!
//! `BLESS=1` writes them anew. What is not made here is written by hand: `capabilities.md` and
//! `skip-reasons.md`, which the program shows too, and `workflows.md`.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Command;
use plimsoll::cli::{command, examples};
use plimsoll::lint::all_rules;
use plimsoll::plugin::contract::CAPABILITIES;
use plimsoll::plugin::{Host, Plugin, Rule, described_options};
use plimsoll::question::SkipReason;
use plimsoll_test_support::{Project, files_below, repository_root};

/// Where links from the site to other files of the repository lead.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

/// Sections of the README that are pages too.
const OF_README: [(&str, &[&str]); 9] = [
    ("index.md", &["Plimsoll", "Five minutes"]),
    ("configuration.md", &["Settings"]),
    ("suppressions.md", &["Suppressions"]),
    ("fixes.md", &["Fixes"]),
    ("reports.md", &["Reports"]),
    ("lock.md", &["The lock"]),
    ("packs.md", &["BuildKit's checks", "Pack sources", "Pack shellcheck"]),
    ("repositories.md", &["Repositories"]),
    ("plugins.md", &["Rules of others", "Rules that travel", "Writing a rule"]),
];

/// The chapters, before rules and commands.
const CHAPTERS: [(&str, &str); 12] = [
    ("Plimsoll", "index.md"),
    ("Settings", "configuration.md"),
    ("Suppressions", "suppressions.md"),
    ("Fixes", "fixes.md"),
    ("Reports", "reports.md"),
    ("Every day", "workflows.md"),
    ("The lock", "lock.md"),
    ("Repositories", "repositories.md"),
    ("Packs", "packs.md"),
    ("Plugins", "plugins.md"),
    ("What rules may ask", "capabilities.md"),
    ("Why a question has no answer", "skip-reasons.md"),
];

#[test]
fn pages_are_what_the_program_says() {
    let docs = repository_root().join("docs");
    let made = made();
    let is_blessed = env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for (name, text) in &made {
        let path = docs.join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        if is_blessed {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            wrong.push(name.clone());
        }
    }
    // Pages of rules and commands that there are no more.
    for folder in ["cli", "rules"] {
        for path in files_below(&docs.join(folder)) {
            let name = path.strip_prefix(&docs).unwrap().to_str().unwrap().to_owned();
            if !made.contains_key(&name) {
                if is_blessed { fs::remove_file(&path).unwrap() } else { wrong.push(name) }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} are not what the program says; BLESS=1 writes them anew");
}

fn made() -> BTreeMap<String, String> {
    let host = Host::new().unwrap();
    let mut plugins = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}: {}", pack.name, pack.message));
    Plugin::wait_for_tools(&mut plugins);
    let mut made = BTreeMap::new();
    let mut contents = "# Summary\n\n".to_owned();
    for (title, page) in CHAPTERS {
        writeln!(contents, "- [{title}]({page})").unwrap();
    }
    contents.push_str("\n# Rules\n\n- [All rules](rules/index.md)\n");
    let mut index = "# Rules\n\n| rule | severity | fix | |\n|---|---|---|---|\n".to_owned();
    for (plugin, rule) in all_rules(&plugins) {
        let file = format!("{}.md", rule.name);
        writeln!(contents, "  - [{}](rules/{file})", rule.name).unwrap();
        let fix = if rule.is_fixable { "yes" } else { "" };
        writeln!(index, "| [{}]({file}) | {} | {fix} | {} |", rule.name, rule.shown_severity(), rule.summary).unwrap();
        made.insert(format!("rules/{file}"), page_of_rule(plugin, rule));
    }
    made.insert("rules/index.md".to_owned(), index);
    contents.push_str("\n# Commands\n\n");
    let mut top = shaped(command());
    top.build();
    made.insert("cli/index.md".to_owned(), page_of_program(&top));
    contents.push_str("- [plimsoll](cli/index.md)\n");
    for inner in commands(&top) {
        let mut page = String::new();
        describe(inner, 1, &mut page);
        writeln!(contents, "  - [plimsoll {}](cli/{}.md)", inner.get_name(), inner.get_name()).unwrap();
        made.insert(format!("cli/{}.md", inner.get_name()), page);
    }
    made.insert("SUMMARY.md".to_owned(), contents);
    let readme = fs::read_to_string(repository_root().join("README.md")).unwrap();
    for (page, titles) in OF_README {
        made.insert(page.to_owned(), of_readme(&readme, titles));
    }
    made
}

/// A command with help of one width, wherever it is printed.
fn shaped(command: Command) -> Command {
    command.term_width(100).disable_help_subcommand(true).color(clap::ColorChoice::Never)
}

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set())
}

fn page_of_program(command: &Command) -> String {
    let mut page = format!("# plimsoll\n\n{}\n\n", command.get_about().unwrap());
    for inner in commands(command) {
        let name = inner.get_name();
        writeln!(page, "- [`plimsoll {name}`]({name}.md): {}", inner.get_about().unwrap()).unwrap();
    }
    page
}

/// What a command's help says, and that of its own commands.
fn describe(command: &Command, depth: usize, page: &mut String) {
    let name = command.get_bin_name().unwrap();
    let help = command.clone().render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "{} {name}\n\n```text\n{}\n```\n", "#".repeat(depth), lines.join("\n").trim_end()).unwrap();
    for inner in commands(command) {
        page.push('\n');
        describe(inner, depth + 1, page);
    }
}

fn page_of_rule(plugin: Option<&Plugin>, rule: &Rule) -> String {
    let mut page = format!("{}\n\n## Rule\n\n| | |\n|---|---|\n", rule.page());
    let asked_for = match plugin {
        _ if !rule.is_opt_in => "",
        Some(plugin) if plugin.needs_tools() => ", where you let tools run: `--slow-checks-console=on`",
        _ => ", where `plimsoll.toml` asks for it",
    };
    let capabilities = plugin.map_or(&[][..], |plugin| &plugin.capabilities);
    let capabilities: Vec<String> =
        capabilities.iter().map(|name| format!("[{name}](../../capabilities.md#{name})")).collect();
    writeln!(page, "| name | `{}` |", rule.name).unwrap();
    writeln!(page, "| severity | {}{asked_for} |", rule.severity).unwrap();
    writeln!(page, "| fix | {} |", if rule.is_fixable { "yes" } else { "no" }).unwrap();
    if !capabilities.is_empty() {
        writeln!(page, "| the pack may ask | {} |", capabilities.join(", ")).unwrap();
    }
    if let Some(url) = &rule.url {
        writeln!(page, "| see | <{url}> |").unwrap();
    }
    let options = described_options(&rule.options_schema);
    if !options.is_empty() {
        page.push_str("\n| option | value | |\n|---|---|---|\n");
    }
    for option in options {
        writeln!(page, "| `{}` | {} | {} |", option.name, option.kind, option.description).unwrap();
    }
    page
}

/// Sections of the README as a page, with links that lead from there.
fn of_readme(readme: &str, titles: &[&str]) -> String {
    let mut page = String::new();
    for (place, title) in titles.iter().enumerate() {
        let body = section(readme, title);
        let (heading, gap) = if place == 0 { ("#", "") } else { ("##", "\n") };
        write!(page, "{gap}{heading} {title}\n\n{}\n", body.trim()).unwrap();
    }
    let mut linked = String::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("](") {
        let (target, behind) = after.split_once(')').unwrap();
        write!(linked, "{before}]({})", from_site(target)).unwrap();
        rest = behind;
    }
    linked + rest
}

/// The text under a heading, up to the next one.
fn section<'r>(readme: &'r str, title: &str) -> &'r str {
    let starts = |level: &str| readme.find(&format!("{level} {title}\n")).map(|at| at + level.len() + title.len() + 2);
    let start = ["\n##", "\n###"].into_iter().find_map(starts);
    let start = start.or_else(|| readme.strip_prefix(&format!("# {title}\n")).map(|rest| readme.len() - rest.len()));
    let body = &readme[start.unwrap_or_else(|| panic!("the README has no section {title}"))..];
    let end = ["\n## ", "\n### "].into_iter().filter_map(|heading| body.find(heading)).min();
    &body[..end.unwrap_or(body.len())]
}

/// A link of the README as it is from a page of the site.
fn from_site(target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    let Some(anchor) = target.strip_prefix('#') else {
        return match target.strip_prefix("docs/") {
            Some(page) => page.to_owned(),
            None => format!("{REPOSITORY}{target}"),
        };
    };
    let of_page = |(page, titles): &(&'static str, &[&str])| {
        let place = titles.iter().position(|title| slug(title) == anchor)?;
        Some(if place == 0 { (*page).to_owned() } else { format!("{page}#{anchor}") })
    };
    OF_README.iter().find_map(of_page).unwrap_or_else(|| format!("{REPOSITORY}README.md#{anchor}"))
}

#[test]
fn no_link_is_dead() {
    let root = repository_root();
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for folder in ["docs", "sdk", "wit", "plugins"] {
        pages.extend(files_below(&root.join(folder)).into_iter().filter(|path| {
            let is_made =
                path.components().any(|part| matches!(part.as_os_str().to_str(), Some("target" | "node_modules")));
            !is_made && path.extension().is_some_and(|extension| extension == "md")
        }));
    }
    let docs = root.join("docs");
    let mut anchors: HashMap<PathBuf, BTreeSet<String>> = HashMap::new();
    let mut links = 0;
    let mut dead = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in targets(&text) {
            links += 1;
            let complaint = || format!("{}: {target}", page.strip_prefix(&root).unwrap().display());
            if let Some(path) = target.strip_prefix(REPOSITORY) {
                let path = path.split('#').next().unwrap();
                if !root.join(path).exists() {
                    dead.push(complaint());
                }
                continue;
            }
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let Ok(path) = path.canonicalize() else {
                dead.push(complaint());
                continue;
            };
            // The site holds what lies below docs/.
            if page.starts_with(&docs) && !path.starts_with(&docs) {
                dead.push(format!("{} leaves the site", complaint()));
            }
            if !anchor.is_empty() {
                let known =
                    anchors.entry(path.clone()).or_insert_with(|| headings(&fs::read_to_string(&path).unwrap()));
                if !known.contains(anchor) {
                    dead.push(complaint());
                }
            }
        }
    }
    assert!(links > 60, "{links} links are few");
    assert!(dead.is_empty(), "{} links lead nowhere:\n{}", dead.len(), dead.join("\n"));
}

/// Lines outside of fenced blocks, without what stands in backticks.
fn prose(text: &str) -> impl Iterator<Item = String> {
    let mut is_fenced = false;
    text.lines().filter_map(move |line| {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            return None;
        }
        (!is_fenced).then(|| line.split('`').step_by(2).collect())
    })
}

/// Where links lead.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        let links = line.split("](").skip(1);
        targets.extend(links.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
    }
    targets
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut is_fenced = false;
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        is_fenced ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        if !is_fenced && title.len() < line.len() && title.starts_with(' ') {
            let anchor = slug(title.trim());
            let numbered = (1..).map(|number| format!("{anchor}-{number}"));
            let free = std::iter::once(anchor.clone()).chain(numbered).find(|anchor| !anchors.contains(anchor));
            anchors.insert(free.unwrap());
        }
    }
    anchors
}

fn slug(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn each_command_has_examples_that_hold() {
    let mut top = shaped(command());
    top.build();
    let mut bare = Vec::new();
    let mut count = 0;
    let mut commands = vec![&top];
    while let Some(inner) = commands.pop() {
        commands.extend(self::commands(inner));
        let name = inner.get_bin_name().unwrap_or("plimsoll");
        let shown = shown_commands(&examples(inner));
        if !shown.iter().any(|words| words.join(" ").starts_with(name)) {
            bare.push(name.to_owned());
        }
        for words in shown {
            count += 1;
            if let Err(error) = command().try_get_matches_from(&words)
                && error.kind() != clap::error::ErrorKind::DisplayHelp
            {
                panic!("{name}: {words:?}: {error}");
            }
        }
    }
    assert!(bare.is_empty(), "without an example of their own: {bare:?}");
    assert!(count > 60, "{count} examples");
}

/// The command lines of this program in an example.
fn shown_commands(text: &str) -> Vec<Vec<String>> {
    let mut shown = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("  ") || line.contains(":  ")) {
        let Some(at) = line.find("plimsoll ") else { continue };
        let line = &line[at..];
        // Behind two blanks stands what it is for.
        let line = &line[..line.find("  ").unwrap_or(line.len())];
        let parts = line.split(" && ").flat_map(|part| part.split(", then "));
        for part in parts.filter(|part| part.starts_with("plimsoll ")) {
            let part = [" > ", " >> ", " | "].iter().fold(part, |part, mark| part.split(mark).next().unwrap());
            let part = part.replace('…', &"a".repeat(64)).replace('\'', "");
            shown.push(part.split_whitespace().map(str::to_owned).collect());
        }
    }
    shown
}

#[test]
fn each_capability_and_reason_is_explained() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let reasons = SkipReason::ALL.map(SkipReason::name);
    for name in CAPABILITIES.iter().chain(&reasons) {
        let run = project.run(&format!("explain {name}"));
        assert!(run.stdout.starts_with(&format!("# {name}\n\n")) && run.stdout.len() > 100, "{name}: {run:#?}");
    }
    // And no document explains what there is not.
    for (document, known) in [("capabilities.md", CAPABILITIES), ("skip-reasons.md", &reasons)] {
        let text = fs::read_to_string(Path::new(&repository_root()).join("docs").join(document)).unwrap();
        let told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(told, known, "{document}");
    }
}

#[test]
fn the_list_of_rules_has_all_there_is_to_know() {
    let run = Project::new(env!("CARGO_BIN_EXE_plimsoll")).run("rules --format json");
    let list = run.json();
    assert_eq!(list["version"], 1);
    let listed = list["rules"].as_array().unwrap();
    let host = Host::new().unwrap();
    let mut plugins = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}: {}", pack.name, pack.message));
    Plugin::wait_for_tools(&mut plugins);
    let pairs: Vec<_> = all_rules(&plugins).collect();
    assert_eq!(listed.len(), pairs.len());
    for (listed, (plugin, rule)) in listed.iter().zip(pairs) {
        let told = |key: &str| listed[key].as_str().unwrap_or_default();
        assert_eq!((told("name"), told("summary")), (&*rule.name, rule.summary.as_str()));
        let name = plugin.map_or("plimsoll", |plugin| &plugin.name);
        assert_eq!((told("severity"), told("plugin")), (rule.severity.name(), name));
        assert_eq!(
            (listed["opt_in"].as_bool(), listed["fixable"].as_bool()),
            (Some(rule.is_opt_in), Some(rule.is_fixable))
        );
        assert_eq!(
            (told("about") == "lock", told("url")),
            (rule.is_about_lock, rule.url.as_deref().unwrap_or_default())
        );
        assert_eq!(listed["options"].is_object(), !rule.options_schema.is_empty(), "{}", rule.name);
        assert_eq!(listed["capabilities"], serde_json::json!(plugin.map_or(&[][..], |plugin| &plugin.capabilities)));
    }
}
