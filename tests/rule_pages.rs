//! The page of a rule is its documentation and its test.
//!
//! Input: every `plugins/<pack>/rules/<rule>.md`. Each fenced `dockerfile` block
//! is a case; the blocks behind it belong to it:
//!
//! - `findings`: what the rule finds, one `LINE:COLUMN-LINE:COLUMN message` a
//!   line, columns in code points, the end exclusive. Without it: nothing.
//! - `facts`: the answers of the world by question, as JSON. With it slow checks
//!   are on, and every question must be answered; without it they are off:
//!   `"IMAGE PLATFORM"`, `"index IMAGE"` (with its statements: `"index IMAGE attestations"`),
//!   `"tags REPOSITORY": […]`, `"referrers IMAGE"` (of one kind: `"referrers IMAGE TYPE"`),
//!   `"http URL": {"ALGORITHM": …}`, `"git URL NAME": {"commit": …}`,
//!   or `{"skipped": REASON}`. It is always the first day of 2026. What `.dockerignore` holds stands there as its lines,
//!   or null where there is none. `"context": {"files": […], "ignore": […]}` is a real
//!   folder with these files. `"console": {TEXT: ENTRIES}` is what a tool says of texts; `BLESS=1`
//!   asks ShellCheck itself, where it is installed.
//! - `settings`: keys of `plimsoll.toml`.
//! - `fixed`: the file after the first fix of every finding.
//!
//! The rule runs as the component of the bundle, under the limits of the
//! program. `BLESS=1` writes the `findings` and `fixed` blocks anew.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use plimsoll::config::{self, Config, Files, Flags};
use plimsoll::document::Surroundings;
use plimsoll::finding::{Finding, ProblemKind};
use plimsoll::lint::{Ask, FileReport, Input, Job, Ruleset, SlowChecks, Source, run};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::question::{Algorithm, Answer, BuildContext, Download, Failure, Question, SkipReason};
use plimsoll::resolve::{Console, Context, Recorded, Resolve, Resolving};
use plimsoll::schedule::{Session, Terms};
use plimsoll_dockerfile::{LineIndex, Platform, Reference};
use plimsoll_registry::{Answer as RegistryAnswer, Attestation, Image, Index, IndexEntry, Referrer};
use serde::Deserialize;

/// Fewer show too little of a rule.
const CASES_MIN: usize = 3;

/// 2026-01-01T00:00:00Z in seconds since 1970: what counts as now.
const NOW: Duration = Duration::from_secs(1_767_225_600);

/// What the facts call the ignore file of the build context.
const IGNORE_FILE: &str = ".dockerignore";

#[test]
fn rules_do_what_their_pages_say() {
    let host = Host::new().expect("the engine starts");
    let plugins: Arc<[Plugin]> = Plugin::bundled(&host).expect("the bundle loads").into();
    let mut failures = String::new();
    for (plugin, pack) in plugins.iter().enumerate() {
        for (rule, described) in pack.rules.iter().enumerate() {
            let name = described.name.split_once('/').expect("a rule has a prefix").1;
            let path = rules_folder(&pack.name).join(kebab_case(name)).with_extension("md");
            let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let check = Check { plugins: &plugins, plugin, rule, page: &page };
            for failure in check.page(&path, name) {
                let _ = writeln!(failures, "{}{failure}\n", path.display());
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}BLESS=1 writes the blocks anew.");
}

#[test]
fn every_page_has_a_rule() {
    let host = Host::new().expect("the engine starts");
    for pack in Plugin::bundled(&host).expect("the bundle loads") {
        let names: HashSet<String> =
            pack.names.iter().map(|name| kebab_case(name.rsplit('/').next().unwrap())).collect();
        for entry in fs::read_dir(rules_folder(&pack.name)).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(names.contains(stem), "{}: pack {} has no such rule", path.display(), pack.name);
        }
    }
}

/// One page under test.
struct Check<'p> {
    plugins: &'p Arc<[Plugin]>,
    plugin: usize,
    rule: usize,
    page: &'p str,
}

/// A `dockerfile` block and those that belong to it.
#[derive(Default)]
struct Case {
    dockerfile: Block,
    others: BTreeMap<&'static str, Block>,
}

/// A fenced block: its text, and where it stands in the page with its fences.
#[derive(Clone, Default)]
struct Block {
    line: usize,
    text: String,
    whole: Range<usize>,
}

/// What a case says of the world.
struct Facts {
    recorded: Recorded,
    /// Whether they say which ignore file the build context has, if any.
    know_context: bool,
    /// The build context, where they say what is in it.
    folder: Option<tempfile::TempDir>,
    /// What a tool says of each text, whatever its name and arguments.
    console: Option<BTreeMap<String, serde_json::Value>>,
}

/// What answers a case: a folder what is in it, the page all else.
#[derive(Default)]
struct World {
    recorded: Recorded,
    folder: Context,
    console: BTreeMap<String, serde_json::Value>,
}

impl Resolve for World {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        match question {
            Question::Check { text, .. } if self.console.contains_key(text) => {
                let entries = self.console[text].to_string();
                Box::pin(async move { Ok(Answer::Entries(entries)) })
            }
            question if is_of_folder(question) => self.folder.resolve(question, deadline),
            question => self.recorded.resolve(question, deadline),
        }
    }
}

fn is_of_folder(question: &Question) -> bool {
    matches!(question, Question::Files { .. } | Question::File { .. } | Question::Text { .. })
}

/// What a folder of files holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    files: Vec<String>,
    #[serde(default)]
    ignore: Vec<String>,
}

impl Folder {
    fn make(&self) -> tempfile::TempDir {
        let folder = plimsoll_test_support::scratch_folder();
        for file in &self.files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a file lies in the folder")).unwrap();
            fs::write(path, file).unwrap();
        }
        if !self.ignore.is_empty() {
            fs::write(folder.path().join(IGNORE_FILE), self.ignore.join("\n")).unwrap();
        }
        folder
    }
}

/// What is recorded of an image.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Fact {
    platform: Option<String>,
    environment: BTreeMap<String, String>,
    onbuild: Vec<String>,
    shell: Vec<String>,
    working_directory: String,
    user: String,
    labels: BTreeMap<String, String>,
    no_match: Option<Vec<String>>,
    digest: Option<String>,
    index_digest: Option<String>,
    created: Option<String>,
    skipped: Option<String>,
}

impl Fact {
    /// Why there is no answer, if the page says so.
    fn failure(skipped: Option<&str>) -> Result<Option<Failure>, String> {
        let Some(skipped) = skipped else { return Ok(None) };
        let reasons = [SkipReason::Auth, SkipReason::NotFound, SkipReason::Network, SkipReason::Timeout];
        let reason = reasons.into_iter().find(|known| known.name() == skipped).ok_or("an unknown reason to skip")?;
        Ok(Some(Failure { reason, detail: String::new() }))
    }
}

impl Check<'_> {
    /// What is wrong with the page, each with its line.
    fn page(&self, path: &Path, name: &str) -> Vec<String> {
        let mut failures = Vec::new();
        if self.page.lines().next() != Some(&format!("# {name}")) {
            failures.push(format!(":1: the title is not `# {name}`"));
        }
        let cases = cases(self.page);
        if cases.len() < CASES_MIN {
            failures.push(format!(": {} cases; a rule needs {CASES_MIN}", cases.len()));
        }
        let mut blessed = self.page.to_owned();
        for case in cases.iter().rev() {
            match self.case(case) {
                Ok(got) => {
                    let differences = case.differences(&got);
                    if env::var_os("BLESS").is_some() {
                        case.bless(&mut blessed, &got);
                    } else if !differences.is_empty() {
                        failures.push(format!(":{}: {differences}", case.dockerfile.line));
                    }
                }
                Err(failure) => failures.push(format!(":{}: {failure}", case.dockerfile.line)),
            }
        }
        if blessed != self.page {
            fs::write(path, blessed).expect("the page can be written");
        }
        failures
    }

    /// The `findings` and `fixed` blocks as they should be.
    fn case(&self, case: &Case) -> Result<BTreeMap<&'static str, String>, String> {
        let facts = case.facts()?;
        let report = self.lint(case, case.facts()?)?;
        if env::var_os("BLESS").is_some() && facts.as_ref().is_some_and(|facts| facts.console.is_some()) {
            let asked = report.planned.iter().map(|(_, question)| question);
            if let Some(facts) = case.recorded(asked)? {
                let report = self.lint(case, Some(Facts::parse(&facts)?))?;
                let mut blocks = blocks(&case.dockerfile.text, &report);
                blocks.insert("facts", facts);
                return Ok(blocks);
            }
        }
        if let Some(failed) = report.problems.iter().find(|problem| problem.kind == ProblemKind::PluginFailure) {
            return Err(failed.message.clone());
        }
        if facts.is_some() && report.skipped.iter().any(|skipped| skipped.reason == SkipReason::FailFast) {
            return Err(format!("the file has errors: {:?}", report.problems));
        }
        if let Some(facts) = &facts {
            let asked: HashSet<_> = report.planned.iter().map(|(_, question)| question).collect();
            let is_known = |question: &Question| match question {
                Question::Ignored { .. } => facts.know_context,
                question if is_of_folder(question) => facts.folder.is_some(),
                Question::Check { text, .. } => {
                    facts.console.as_ref().is_some_and(|console| console.contains_key(text))
                }
                _ => facts.recorded.answers.contains_key(question),
            };
            if let Some(question) = asked.iter().find(|question| !is_known(question)) {
                return Err(format!("the facts do not answer the question for {question}"));
            }
            if let Some(question) = facts.recorded.answers.keys().find(|question| !asked.contains(question)) {
                return Err(format!("nobody asks for {question}"));
            }
            if facts.know_context && !asked.iter().any(|question| matches!(question, Question::Ignored { .. })) {
                return Err(format!("nobody asks for {IGNORE_FILE}"));
            }
            let is_asked = |text: &str| {
                asked.iter().any(|question| matches!(question, Question::Check { text: asked, .. } if asked == text))
            };
            if let Some(text) = facts.console.iter().flat_map(|console| console.keys()).find(|text| !is_asked(text)) {
                return Err(format!("nobody has {text:?} checked"));
            }
            if facts.folder.is_some() && !asked.iter().any(|question| is_of_folder(question)) {
                return Err("nobody asks for the files of the context".to_owned());
            }
        }
        Ok(blocks(&case.dockerfile.text, &report))
    }

    /// Runs the one rule, as the program would.
    fn lint(&self, case: &Case, facts: Option<Facts>) -> Result<FileReport, String> {
        let settings = case.others.get("settings").map_or("", |settings| &settings.text);
        let file: config::File = toml::from_str(settings).map_err(|error| error.to_string())?;
        let files = Files { tree: Some(&file), user: None };
        let default = Platform::parse("linux/amd64").expect("a platform");
        let target_platforms = file.lint.target_platforms.is_none().then(|| vec![default]);
        let flags = Flags { target_platforms, ..Flags::default() };
        let config = Config::settle(flags, &BTreeMap::new(), files).map_err(|error| error.to_string())?;
        let mut ruleset = Ruleset::new(self.plugins, files).map_err(|error| error.to_string())?;
        for (plugin, settings) in ruleset.settings.iter_mut().enumerate() {
            let rule = u32::try_from(self.rule).expect("packs are small");
            Arc::make_mut(settings).enabled.retain(|enabled| plugin == self.plugin && *enabled == rule);
        }
        let ask = if facts.is_some() { Ask::Everything } else { Ask::Nothing };
        let facts = facts.map(|facts| (facts.recorded, facts.folder, facts.console));
        let (recorded, folder, console) = facts.unwrap_or_default();
        let mut terms = Terms::within(config.timeout);
        terms.pools.console.enabled = console.is_some();
        let root = folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
        let job = Job {
            inputs: vec![Input {
                shown: "Dockerfile".to_owned(),
                source: Source::Bytes(case.dockerfile.text.clone().into_bytes()),
                ruleset: 0,
                context: Arc::new(BuildContext { root, dockerfile: None }),
            }],
            plugins: self.plugins.clone(),
            unusable: Vec::new(),
            rulesets: vec![ruleset],
            surroundings: config.target_platforms.into_iter().map(Surroundings::of_platform).collect(),
            slow_checks: SlowChecks { ask, fail_fast: config.fail_fast, terms },
            resolver: Arc::new(World { recorded, folder: Context::default(), console: console.unwrap_or_default() }),
            now: SystemTime::UNIX_EPOCH + NOW,
            threads: 1,
        };
        Ok(run(&job).files.remove(0))
    }
}

/// The `findings` and `fixed` blocks of a report.
fn blocks(text: &str, report: &FileReport) -> BTreeMap<&'static str, String> {
    let lines = LineIndex::new(text.as_bytes());
    let mut findings = String::new();
    for Finding { span, message, .. } in &report.findings {
        let (start, end) = (lines.position(span.start), lines.position(span.end));
        let _ = writeln!(findings, "{}:{}-{}:{} {message}", start.line, start.column, end.line, end.column);
    }
    let mut blocks = BTreeMap::from([("findings", findings)]);
    if report.findings.iter().any(|finding| !finding.fixes.is_empty()) {
        blocks.insert("fixed", fixed(text, &report.findings));
    }
    blocks
}

impl Case {
    /// The facts with what the tool itself says, where it is installed.
    fn recorded<'q>(&self, asked: impl Iterator<Item = &'q Question>) -> Result<Option<String>, String> {
        let tools = [("shellcheck".to_owned(), vec!["shellcheck".to_owned()])];
        let mut session = Session::new(Arc::new(Console::new(tools.into())), Terms::within(config::TIMEOUT_DEFAULT));
        let checks: Vec<_> = asked.filter(|question| question.batch().is_some()).collect();
        session.ask(checks.iter().map(|question| (*question, None)), &mut ());
        let mut console: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
        for question in checks {
            let Question::Check { text, .. } = question else { continue };
            match session.outcome(question) {
                Some(Ok(answer)) => match answer.as_ref() {
                    Answer::Entries(entries) => drop(console.insert(text, serde_json::from_str(entries).unwrap())),
                    other => return Err(format!("{other:?}")),
                },
                _ => return Ok(None),
            }
        }
        let mut text = String::from("{\"console\": {");
        for (number, (key, entries)) in console.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n  {}: [", serde_json::Value::from(*key));
            for (number, entry) in entries.as_array().into_iter().flatten().enumerate() {
                let comma = if number == 0 { "" } else { "," };
                let _ = write!(text, "{comma}\n    {entry}");
            }
            text.push(']');
        }
        text.push_str("\n}}\n");
        Ok(Some(text))
    }

    fn facts(&self) -> Result<Option<Facts>, String> {
        self.others.get("facts").map(|facts| Facts::parse(&facts.text)).transpose()
    }

    fn differences(&self, got: &BTreeMap<&'static str, String>) -> String {
        let mut differences = String::new();
        for kind in ["findings", "fixed"] {
            let got = got.get(kind).map_or("", String::as_str);
            match self.others.get(kind) {
                Some(block) if block.text == got => {}
                // A case need not show how it is fixed.
                None if got.is_empty() || kind == "fixed" => {}
                expected => {
                    let expected = expected.map_or("", |block| &block.text);
                    let _ = write!(differences, "{kind}: expected\n{expected}but got\n{got}");
                }
            }
        }
        differences
    }

    /// Puts what was got into the page.
    fn bless(&self, page: &mut String, got: &BTreeMap<&'static str, String>) {
        let findings = got.get("findings").filter(|findings| !findings.is_empty());
        // From the last block on, so that those before it stay where they are.
        if let (Some(block), Some(text)) = (self.others.get("fixed"), got.get("fixed")) {
            page.replace_range(block.whole.clone(), &format!("```fixed\n{text}```\n"));
        }
        if let (Some(block), Some(text)) = (self.others.get("facts"), got.get("facts")) {
            page.replace_range(block.whole.clone(), &format!("```facts\n{text}```\n"));
        }
        match (self.others.get("findings"), findings) {
            (Some(block), Some(text)) => page.replace_range(block.whole.clone(), &format!("```findings\n{text}```\n")),
            (Some(block), None) => page.replace_range(block.whole.clone(), ""),
            (None, Some(text)) => page.insert_str(self.dockerfile.whole.end, &format!("\n```findings\n{text}```\n")),
            (None, None) => {}
        }
    }
}

fn cases(page: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<(&str, Block)> = None;
    let mut end = 0;
    for (line, text) in (1..).zip(page.split_inclusive('\n')) {
        let start = end;
        end += text.len();
        let fence = text.trim_end().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(info)) => open = Some((info, Block { line, whole: start..start, ..Block::default() })),
            (Some((_, block)), None) => block.text.push_str(text),
            (Some((info, block)), Some(_)) => {
                block.whole.end = end;
                let kind = ["findings", "facts", "settings", "fixed"].into_iter().find(|kind| kind == info);
                match (kind, cases.last_mut()) {
                    (Some(kind), Some(case)) => drop(case.others.insert(kind, block.clone())),
                    (Some(kind), None) => panic!("line {line}: {kind} without a dockerfile block"),
                    (None, _) if *info == "dockerfile" => {
                        cases.push(Case { dockerfile: block.clone(), ..Case::default() });
                    }
                    (None, _) => {}
                }
                open = None;
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    cases
}

impl Facts {
    /// Answers by image and platform, and `.dockerignore` with its lines or null.
    fn parse(text: &str) -> Result<Self, String> {
        let mut facts: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| format!("facts: {error}"))?;
        let ignore_file = facts.remove(IGNORE_FILE);
        let know_context = ignore_file.is_some();
        let lines: Option<Vec<String>> = serde_json::from_value(ignore_file.unwrap_or_default())
            .map_err(|error| format!("facts: {IGNORE_FILE}: {error}"))?;
        let console: Option<BTreeMap<String, serde_json::Value>> = facts
            .remove("console")
            .map(|console| serde_json::from_value(console).map_err(|error| format!("facts: console: {error}")))
            .transpose()?;
        let folder: Option<Folder> = facts
            .remove("context")
            .map(|folder| serde_json::from_value(folder).map_err(|error| format!("facts: context: {error}")))
            .transpose()?;
        let answer = |(question, fact): (String, serde_json::Value)| {
            let answer = match question.split_once(' ') {
                Some(("http", url)) => download(url, fact),
                Some(("git", question)) => commit(question, fact),
                Some(("index", question)) => index(question, fact),
                Some(("tags", repository)) => tags(repository, fact),
                Some(("referrers", question)) => referrers(question, fact),
                _ => serde_json::from_value(fact)
                    .map_err(|error| error.to_string())
                    .and_then(|fact| answer(&question, fact)),
            };
            answer.map_err(|error| format!("{question}: {error}"))
        };
        let answers = facts.into_iter().map(answer).collect::<Result<_, _>>()?;
        let ignore_file = lines.map(|lines| lines.join("\n"));
        Ok(Self {
            recorded: Recorded { answers, ignore_file },
            know_context,
            folder: folder.map(|folder| folder.make()),
            console,
        })
    }
}

type Answered = (Question, Result<Answer, Failure>);

/// What a URL holds, by the algorithm it is asked with.
fn download(url: &str, fact: serde_json::Value) -> Result<Answered, String> {
    let fact: BTreeMap<String, String> = serde_json::from_value(fact).map_err(|error| error.to_string())?;
    let failure = Fact::failure(fact.get("skipped").map(String::as_str))?;
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| fact.contains_key(algorithm.name()));
    let algorithm = algorithm.or(failure.is_some().then_some(Algorithm::Sha256)).ok_or("no digest is given")?;
    let question = Question::Download { url: url.parse().map_err(|error| format!("{error}"))?, algorithm };
    let answer = match failure {
        Some(failure) => Err(failure),
        None => {
            let digest = format!("{}:{}", algorithm.name(), fact[algorithm.name()]);
            Ok(Answer::Download(Download { digest, size: 1, final_url: url.to_owned() }))
        }
    };
    Ok((question, answer))
}

/// The commit of a name in a repository.
fn commit(question: &str, fact: serde_json::Value) -> Result<Answered, String> {
    let fact: BTreeMap<String, String> = serde_json::from_value(fact).map_err(|error| error.to_string())?;
    let (remote, reference) = question.split_once(' ').ok_or("a question is a URL and a name")?;
    let remote = remote.parse().map_err(|error| format!("{error}"))?;
    let question = Question::Commit { remote, reference: reference.to_owned() };
    let answer = match Fact::failure(fact.get("skipped").map(String::as_str))? {
        Some(failure) => Err(failure),
        None => Ok(Answer::Commit(fact.get("commit").ok_or("no commit is given")?.clone())),
    };
    Ok((question, answer))
}

/// What is recorded of an index; without entries, of a single manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct IndexFact {
    digest: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    entries: Option<Vec<EntryFact>>,
    predicate_types: Option<Vec<String>>,
    skipped: Option<String>,
}

/// What is recorded of one entry. `attests` is the digest that it makes statements about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct EntryFact {
    digest: String,
    platform: Option<String>,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    attests: Option<String>,
    predicate_types: Option<Vec<String>>,
}

impl EntryFact {
    fn entry(self) -> Result<IndexEntry, String> {
        let Self { digest, platform, artifact_type, annotations, attests, predicate_types } = self;
        let platform = platform.map(|platform| Platform::parse(&platform)).transpose();
        let attestation = (attests.is_some() || predicate_types.is_some())
            .then_some(Attestation { subject: attests, predicate_types });
        Ok(IndexEntry {
            digest,
            size: 1,
            media_type: None,
            platform: platform.map_err(|error| error.to_string())?,
            is_image: artifact_type.is_none() && attestation.is_none(),
            artifact_type,
            annotations,
            attestation,
        })
    }
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

/// What a reference offers.
fn index(question: &str, fact: serde_json::Value) -> Result<Answered, String> {
    let IndexFact { digest, annotations, entries, predicate_types, skipped } =
        serde_json::from_value(fact).map_err(|error| error.to_string())?;
    let (text, attestations) = match question.strip_suffix(" attestations") {
        Some(text) => (text, true),
        None => (question, false),
    };
    let reference = reference(text)?.with_default_tag();
    let digest = digest.or_else(|| reference.digest.clone()).unwrap_or_else(|| format!("sha256:{:064}", 0));
    let question = Question::Index { reference, attestations };
    if let Some(failure) = Fact::failure(skipped.as_deref())? {
        return Ok((question, Err(failure)));
    }
    let is_index = entries.is_some();
    let entries = entries.unwrap_or_else(|| {
        let (platform, artifact_type, attests, annotations) = (None, None, None, BTreeMap::new());
        vec![EntryFact { digest: digest.clone(), platform, artifact_type, annotations, attests, predicate_types }]
    });
    let entries = entries.into_iter().map(EntryFact::entry).collect::<Result<_, _>>()?;
    Ok((question, Ok(Answer::Index(Index { digest, is_index, annotations, entries }))))
}

/// A list, or why there is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum List<T> {
    All(Vec<T>),
    Skipped { skipped: String },
}

impl<T: serde::de::DeserializeOwned> List<T> {
    fn read(fact: serde_json::Value) -> Result<Result<Vec<T>, Failure>, String> {
        match serde_json::from_value(fact).map_err(|error| error.to_string())? {
            Self::All(all) => Ok(Ok(all)),
            Self::Skipped { skipped } => Ok(Err(Fact::failure(Some(&skipped))?.ok_or("no reason is given")?)),
        }
    }
}

/// The tags of a repository.
fn tags(repository: &str, fact: serde_json::Value) -> Result<Answered, String> {
    let question = Question::Tags { repository: reference(repository)? };
    Ok((question, List::read(fact)?.map(Answer::Tags)))
}

/// What is recorded of a referrer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReferrerFact {
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What refers to an image.
fn referrers(question: &str, fact: serde_json::Value) -> Result<Answered, String> {
    let (text, artifact_type) = match question.split_once(' ') {
        Some((text, kind)) => (text, Some(kind.to_owned())),
        None => (question, None),
    };
    let question = Question::Referrers { reference: reference(text)?.with_default_tag(), artifact_type };
    let referrer = |(number, ReferrerFact { artifact_type, annotations }): (usize, ReferrerFact)| Referrer {
        digest: format!("sha256:{number:064}"),
        size: 1,
        media_type: None,
        artifact_type,
        annotations,
    };
    let listed = List::read(fact)?.map(|all| (0..).zip(all).map(referrer).collect());
    Ok((question, listed.map(Answer::Referrers)))
}

fn answer(question: &str, fact: Fact) -> Result<Answered, String> {
    let parse = |platform: &str| Platform::parse(platform).map_err(|error| error.to_string());
    let (reference, platform) = question.split_once(' ').ok_or("a question is an image and a platform")?;
    let reference = Reference::parse(reference).map_err(|error| error.to_string())?.with_default_tag();
    let platform = parse(platform)?;
    let question = Question::Image { reference, platform: platform.clone() };
    if let Some(failure) = Fact::failure(fact.skipped.as_deref())? {
        return Ok((question, Err(failure)));
    }
    let digest = fact.digest.unwrap_or_else(|| format!("sha256:{:064}", 0));
    let answer = if let Some(available) = fact.no_match {
        let available = available.iter().map(|platform| parse(platform)).collect::<Result<_, _>>()?;
        RegistryAnswer::PlatformMismatch { requested: platform, available, index_digest: digest }
    } else {
        RegistryAnswer::Image(Box::new(Image {
            digest,
            index_digest: fact.index_digest,
            platform: fact.platform.map_or(Ok(platform), |platform| parse(&platform))?,
            environment: fact.environment.into_iter().collect(),
            working_dir: fact.working_directory,
            user: fact.user,
            shell: fact.shell,
            labels: fact.labels,
            onbuild: fact.onbuild,
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            created: fact.created,
        }))
    };
    Ok((question, Ok(Answer::Image(answer))))
}

/// The file after the first fix of every finding, without those that overlap
/// one before them; equal edits are one.
fn fixed(source: &str, findings: &[Finding]) -> String {
    let mut taken: Vec<(Range<usize>, &str)> = Vec::new();
    for fix in findings.iter().filter_map(|finding| finding.fixes.first()) {
        let edits: Vec<_> = fix.edits.iter().map(|(span, text)| (span.range(), text.as_str())).collect();
        let (known, new): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| taken.contains(edit));
        let collides = |(range, _): &(Range<usize>, &str)| {
            taken.iter().any(|(other, _)| range.start < other.end && other.start < range.end)
        };
        if known.is_empty() || !new.iter().any(collides) {
            taken.extend(new);
        }
    }
    taken.sort_by_key(|(range, _)| (range.start, range.end));
    let mut fixed = source.to_owned();
    for (range, text) in taken.into_iter().rev() {
        fixed.replace_range(range, text);
    }
    fixed
}

fn rules_folder(pack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(pack).join("rules")
}

/// `JSONArgsRecommended` → `json-args-recommended`.
fn kebab_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (index, character) in characters.iter().enumerate() {
        let is_lower = |at: usize| characters.get(at).is_some_and(|c| c.is_ascii_lowercase() || *c == '-');
        let begins = character.is_ascii_uppercase() && index > 0 && (is_lower(index - 1) || is_lower(index + 1));
        if begins && !kebab.ends_with('-') {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
    }
    kebab
}
