//! The bundled packs without a sandbox: the same rules, linked into this
//! process, with the host's own call behind the SDK's seam.

use std::cell::RefCell;
use std::rc::Rc;

use plimsoll::plugin::contract::{self, Verdict};
use plimsoll::plugin::{Call, Code, Failure, Instance, Plugin};
use plimsoll_sdk::native::{
    self, ContextFile, Host, Ignored, IndexEntry, Level, LockEntry, Matches, Port, Referrer, ScriptSource, Selection,
};
use plimsoll_sdk::pack::{self, Entry};
use plimsoll_sdk::{Request, RequestId, Scope, Severity};

/// All packs.
pub fn packs() -> Vec<Plugin> {
    let packs = [
        ("buildkit", plimsoll_pack_buildkit::RULES),
        ("shellcheck", plimsoll_pack_shellcheck::RULES),
        ("sources", plimsoll_pack_sources::RULES),
    ];
    let plugin = |(name, rules)| {
        Plugin::from_code(name, Box::new(Native(rules))).unwrap_or_else(|pack| panic!("{}", pack.message))
    };
    packs.map(plugin).into()
}

struct Native(&'static [Entry]);

impl Code for Native {
    fn instantiate(&self, _until: std::time::Instant) -> Result<Box<dyn Instance>, Failure> {
        Ok(Box::new(Native(self.0)))
    }

    fn capabilities(&self) -> Vec<&'static str> {
        contract::CAPABILITIES.to_vec()
    }
}

impl Instance for Native {
    fn describe(&mut self) -> Result<contract::Description, Failure> {
        let description = pack::describe(env!("CARGO_PKG_VERSION"), self.0);
        let rules = description.rules.into_iter().map(|rule| contract::types::Rule {
            name: rule.name,
            summary: rule.summary,
            severity: severity(rule.severity),
            url: rule.url,
            documentation: rule.documentation,
            options_schema: rule.options_schema,
            fixable: rule.fixable,
            opt_in: rule.opt_in,
            about: match rule.about {
                plimsoll_sdk::About::Dockerfile => contract::About::Dockerfile,
                plimsoll_sdk::About::Lock => contract::About::Lock,
            },
        });
        Ok(contract::Description { version: description.version, rules: rules.collect() })
    }

    fn validate_options(&mut self, _: u32, _: &str) -> Result<Vec<contract::OptionError>, Failure> {
        Ok(Vec::new())
    }

    fn check(&mut self, call: &mut Call) -> Result<Vec<contract::Finding>, Failure> {
        Ok(inside(call, || pack::check(self.0)).into_iter().map(finding).collect())
    }

    fn plan(&mut self, call: &mut Call) -> Result<(), Failure> {
        inside(call, || pack::plan(self.0));
        Ok(())
    }

    fn is_spent(&self) -> bool {
        false
    }

    fn on_success(&mut self, _: &mut Call, _: &contract::Answered) -> Result<Verdict, Failure> {
        Ok(Verdict::Keep)
    }
}

fn inside<T>(call: &mut Call, body: impl FnOnce() -> T) -> T {
    let host = Rc::new(Linked(RefCell::new(std::mem::take(call))));
    let result = native::with(host.clone(), body);
    *call = host.0.take();
    result
}

fn finding(finding: plimsoll_sdk::Finding) -> contract::Finding {
    let span = |span: plimsoll_sdk::Span| contract::Span { start: span.start, end: span.end };
    let edit =
        |edit: plimsoll_sdk::Edit| contract::types::Edit { span: span(edit.span), replacement: edit.replacement };
    contract::Finding {
        rule: finding.rule,
        message: finding.message,
        span: span(finding.span),
        severity: finding.severity.map(severity),
        url: finding.url,
        related: (finding.related.into_iter())
            .map(|related| contract::types::RelatedSpan { span: span(related.span), message: related.message })
            .collect(),
        lock_entry: finding.lock_entry.map(span),
        fixes: (finding.fixes.into_iter())
            .map(|fix| contract::Fix {
                message: fix.message,
                safety: match fix.safety {
                    plimsoll_sdk::Safety::Safe => contract::Safety::Safe,
                    plimsoll_sdk::Safety::Unsafe => contract::Safety::Unsafe,
                },
                edits: fix.edits.into_iter().map(edit).collect(),
                renews_entry: fix.renews_entry,
            })
            .collect(),
    }
}

fn locked(entry: &plimsoll::document::LockEntry) -> LockEntry {
    let contract::lock::Entry { span, module, function, arguments, value, index_digest, pinned, unused } = entry.into();
    let span = plimsoll_sdk::Span { start: span.start, end: span.end };
    LockEntry { span, module, function, arguments, value, index_digest, pinned, unused }
}

fn severity(severity: Severity) -> contract::Severity {
    match severity {
        Severity::Error => contract::Severity::Error,
        Severity::Warning => contract::Severity::Warning,
        Severity::Info => contract::Severity::Info,
        Severity::Style => contract::Severity::Style,
    }
}

fn of_contract(request: &Request) -> contract::Request {
    let scope = match request.scope {
        Scope::File => contract::Scope::File,
        Scope::Stage(stage) => contract::Scope::Stage(stage),
        Scope::Derived(stage) => contract::Scope::Derived(stage),
    };
    let Request { rule, state, budget_ms, .. } = request.clone();
    contract::Request { rule, scope, state, budget_ms }
}

/// The host's call, seen through the SDK's seam.
struct Linked(RefCell<Call>);

impl Linked {
    fn document<T>(&self, read: impl FnOnce(&plimsoll::document::Document) -> T) -> T {
        read(self.0.borrow().document().expect("a rule runs inside a call"))
    }

    fn meaning<T>(&self, read: impl FnOnce(&plimsoll::document::Meaning) -> T) -> T {
        read(self.0.borrow().meaning().expect("a rule runs inside a call"))
    }
}

impl Host for Linked {
    fn source(&self) -> Vec<u8> {
        self.document(|document| document.source().to_vec())
    }
    fn path(&self) -> String {
        self.document(|document| document.path().to_owned())
    }
    fn escape(&self) -> u32 {
        self.document(|document| document.tree().escape.into())
    }
    fn instructions(&self) -> Vec<u32> {
        self.document(|document| document.instructions().to_vec())
    }
    fn words(&self) -> Vec<u32> {
        self.document(|document| document.words().to_vec())
    }
    fn word_text(&self, word: u32) -> String {
        self.document(|document| document.word_text(word).unwrap_or_default().to_owned())
    }
    fn logical_text(&self, span: plimsoll_sdk::Span) -> String {
        let span = plimsoll_dockerfile::Span::new(span.start, span.end);
        self.document(|document| document.logical_text(span).into_owned())
    }
    fn empty_continuations(&self) -> Vec<u32> {
        self.document(|document| document.empty_continuations())
    }
    fn flags(&self) -> Vec<u32> {
        self.document(|document| document.flags().to_vec())
    }
    fn heredocs(&self) -> Vec<u32> {
        self.document(|document| document.heredocs().to_vec())
    }
    fn comments(&self) -> Vec<u32> {
        self.document(|document| document.comments().to_vec())
    }
    fn target_platform(&self) -> String {
        self.meaning(|meaning| meaning.target_platform())
    }
    fn strings(&self) -> String {
        self.meaning(|meaning| meaning.strings().to_owned())
    }
    fn stages(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.stages().to_vec())
    }
    fn stage_platform(&self, stage: u32) -> String {
        self.meaning(|meaning| meaning.stage_platform(stage).unwrap_or_default())
    }
    fn steps(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.steps().to_vec())
    }
    fn stage_platform_flag(&self, stage: u32) -> Option<String> {
        self.meaning(|meaning| meaning.stage_platform_flag(stage).flatten())
    }
    fn images(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.images().to_vec())
    }
    fn similar_name(&self, variable: u32) -> Option<String> {
        self.meaning(|meaning| meaning.similar_name(variable).flatten().map(str::to_owned))
    }
    fn variable_value(&self, variable: u32) -> Option<String> {
        self.meaning(|meaning| meaning.variable_value(variable).flatten().map(str::to_owned))
    }
    fn step_name(&self, step: u32) -> String {
        self.meaning(|meaning| meaning.step_name(step).unwrap_or_default())
    }
    fn announces(&self) -> bool {
        self.0.borrow().announces()
    }

    fn document_id(&self) -> u64 {
        self.0.borrow().id().expect("there is a document")
    }

    fn step_strings(&self) -> String {
        self.meaning(|meaning| meaning.step_strings().to_owned())
    }

    fn step_words(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.step_words().to_vec())
    }

    fn step_flags(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.step_flags().to_vec())
    }

    fn step_ports(&self, step: u32) -> Vec<Port> {
        let ports = self.meaning(|meaning| meaning.step_ports(step).unwrap_or_default()).into_iter();
        ports.map(|port| Port { word: port.word, text: port.text }).collect()
    }
    fn variables(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.variables().to_vec())
    }
    fn names_in_scope(&self, variable: u32) -> Vec<String> {
        self.meaning(|meaning| meaning.names_in_scope(variable).unwrap_or_default())
    }
    fn shell_strings(&self) -> String {
        self.meaning(|meaning| meaning.shell().strings.clone())
    }
    fn shell_scripts(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().scripts.clone())
    }
    fn shell_commands(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().commands.clone())
    }
    fn shell_words(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().words.clone())
    }
    fn shell_assignments(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().assignments.clone())
    }
    fn shell_redirections(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().redirections.clone())
    }
    fn shell_variables(&self) -> Vec<u32> {
        self.meaning(|meaning| meaning.shell().variables.clone())
    }
    fn shell_script(&self, step: u32) -> Option<ScriptSource> {
        let script = self.meaning(|meaning| meaning.script_source(step).flatten())?;
        Some(ScriptSource {
            shell: script.shell.to_owned(),
            options: script.options,
            text: script.text,
            places: script.places.iter().flat_map(|(of, at)| [of.start, of.end, at.start, at.end]).collect(),
        })
    }
    fn locked_image(&self, reference: &str, platform: &str) -> Option<LockEntry> {
        let call = self.0.borrow();
        call.locked_image(reference, platform).expect("a rule runs inside a call").map(locked)
    }
    fn locked_download(&self, url: &str, algorithm: &str) -> Option<LockEntry> {
        let call = self.0.borrow();
        call.locked_download(url, algorithm).expect("a rule runs inside a call").map(locked)
    }
    fn locked_commit(&self, remote: &str, name: &str) -> Option<LockEntry> {
        let call = self.0.borrow();
        call.locked_commit(remote, name).expect("a rule runs inside a call").map(locked)
    }
    fn locked_entries(&self) -> Vec<LockEntry> {
        let call = self.0.borrow();
        call.locked_entries().expect("the call is about the lock").iter().map(locked).collect()
    }
    fn enabled(&self, from: u32) -> u64 {
        self.0.borrow().enabled(from).expect("a rule runs inside a call")
    }
    fn options(&self, rule: u32) -> String {
        self.0.borrow().options(rule).expect("a rule runs inside a call").to_owned()
    }
    fn enter(&self, rule: u32) {
        self.0.borrow_mut().enter(rule).expect("the rule is described");
    }
    fn write_log(&self, _: Level, _: &str) {}
    fn panicked(&self, _: &str) {}
    fn plan_image(&self, request: &Request, reference: &str, platform: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_image(of_contract(request), reference, platform).expect("the rules plan what can be asked")
    }
    fn plan_index(&self, request: &Request, reference: &str, attestations: bool) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_index(of_contract(request), reference, attestations).expect("the rules plan what can be asked")
    }
    fn plan_tags(&self, request: &Request, reference: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_tags(of_contract(request), reference).expect("the rules plan what can be asked")
    }
    fn plan_referrers(&self, request: &Request, reference: &str, kind: Option<&str>) -> Result<RequestId, String> {
        let (mut call, kind) = (self.0.borrow_mut(), kind.map(str::to_owned));
        call.plan_referrers(of_contract(request), reference, kind).expect("the rules plan what can be asked")
    }
    fn plan_ignored(&self, request: &Request, paths: &[String]) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_ignored(of_contract(request), paths.to_vec()).expect("the rules plan what can be asked")
    }
    fn plan_files(&self, request: &Request, patterns: &[String]) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_files(of_contract(request), patterns.to_vec()).expect("the rules plan what can be asked")
    }
    fn plan_file(&self, request: &Request, path: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_file(of_contract(request), path.to_owned()).expect("the rules plan what can be asked")
    }
    fn plan_text(&self, request: &Request, path: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_text(of_contract(request), path.to_owned()).expect("the rules plan what can be asked")
    }
    fn plan_digest(&self, request: &Request, url: &str, algorithm: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_digest(of_contract(request), url, algorithm).expect("the rules plan what can be asked")
    }
    fn plan_resolve(&self, request: &Request, remote: &str, name: &str) -> Result<RequestId, String> {
        let mut call = self.0.borrow_mut();
        call.plan_resolve(of_contract(request), remote, name).expect("the rules plan what can be asked")
    }
    fn plan_run(&self, request: &Request, tool: &str, arguments: &[String], input: &str) -> Result<RequestId, String> {
        let (mut call, request) = (self.0.borrow_mut(), of_contract(request));
        let planned = call.plan_run(request, tool.to_owned(), arguments.to_vec(), input.to_owned());
        planned.expect("the rules plan what can be asked")
    }
    fn plan_check(
        &self,
        request: &Request,
        tool: &str,
        arguments: &[String],
        suffix: &str,
        text: &str,
    ) -> Result<RequestId, String> {
        let (mut call, request) = (self.0.borrow_mut(), of_contract(request));
        let planned = call.plan_check(request, tool.to_owned(), arguments.to_vec(), suffix.to_owned(), text.to_owned());
        planned.expect("the rules plan what can be asked")
    }
    fn exit_code(&self, _: RequestId) -> i32 {
        unreachable!("nothing is answered here")
    }
    fn output(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn errors(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn entries(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn files(&self, _: RequestId) -> Vec<Matches> {
        unreachable!("nothing is answered here")
    }
    fn file(&self, _: RequestId) -> Option<ContextFile> {
        unreachable!("nothing is answered here")
    }
    fn text(&self, _: RequestId) -> Option<String> {
        unreachable!("nothing is answered here")
    }
    fn digest(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn size(&self, _: RequestId) -> u64 {
        unreachable!("nothing is answered here")
    }
    fn final_url(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn commit(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn ignore_file(&self, _: RequestId) -> Option<String> {
        unreachable!("nothing is answered here")
    }
    fn ignore_has_exceptions(&self, _: RequestId) -> bool {
        unreachable!("nothing is answered here")
    }
    fn ignored_paths(&self, _: RequestId) -> Vec<Ignored> {
        unreachable!("nothing is answered here")
    }
    fn image_selection(&self, _: RequestId) -> Selection {
        unreachable!("nothing is answered here")
    }
    fn image_environment(&self, _: RequestId) -> Vec<(String, String)> {
        unreachable!("nothing is answered here")
    }
    fn image_working_directory(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn image_user(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn image_shell(&self, _: RequestId) -> Vec<String> {
        unreachable!("nothing is answered here")
    }
    fn image_labels(&self, _: RequestId) -> Vec<(String, String)> {
        unreachable!("nothing is answered here")
    }
    fn image_onbuild(&self, _: RequestId) -> Vec<String> {
        unreachable!("nothing is answered here")
    }
    fn image_created(&self, _: RequestId) -> Option<String> {
        unreachable!("nothing is answered here")
    }
    fn image_age_days(&self, _: RequestId) -> Option<u32> {
        unreachable!("nothing is answered here")
    }
    fn index_digest(&self, _: RequestId) -> String {
        unreachable!("nothing is answered here")
    }
    fn is_index(&self, _: RequestId) -> bool {
        unreachable!("nothing is answered here")
    }
    fn index_annotations(&self, _: RequestId) -> Vec<(String, String)> {
        unreachable!("nothing is answered here")
    }
    fn index_entries(&self, _: RequestId) -> Vec<IndexEntry> {
        unreachable!("nothing is answered here")
    }
    fn index_entry_for(&self, _: RequestId, _: &str) -> Result<Option<IndexEntry>, String> {
        unreachable!("nothing is answered here")
    }
    fn tags(&self, _: RequestId) -> Vec<String> {
        unreachable!("nothing is answered here")
    }
    fn referrers(&self, _: RequestId) -> Vec<Referrer> {
        unreachable!("nothing is answered here")
    }
}
