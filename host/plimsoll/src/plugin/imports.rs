//! The imports of a component: every function of the contract, handed on to
//! the call in progress.

use wasmtime::Result;

use super::call::{self, Call, Planning};
use super::contract::{
    ContextFile, Ignored, IndexEntry, Level, Matches, Port, Referrer, Request, RequestId, ScriptSource, Selection,
    Span, console, context, document, git, http, lock, log, model, registry, settings, shell, types,
};
use super::failure::Misuse;
use super::guest::Guest;
use super::listings::pairs;
use super::meter::Crossing;
use crate::document::LockEntry;

impl Guest {
    fn call(&mut self) -> Result<&mut Call> {
        self.call.as_mut().ok_or_else(|| {
            let what = "it called the host while describing itself or checking options".to_owned();
            Misuse { index: None, rule: None, what }.into()
        })
    }

    /// Gives the guest what it pulls.
    fn give<T: Crossing>(&mut self, get: impl FnOnce(&mut Call) -> call::Result<T>) -> Result<T> {
        let call = self.call()?;
        let value = get(call)?;
        if let Some(meter) = call.meter() {
            meter.give(value.bytes());
        }
        Ok(value)
    }

    /// Takes a question of the guest's, which has so many bytes.
    fn ask(&mut self, bytes: usize, plan: impl FnOnce(&mut Call) -> call::Result<Planning>) -> Result<Planning> {
        let call = self.call()?;
        if let Some(meter) = call.meter() {
            meter.take(bytes);
        }
        Ok(plan(call)?)
    }
}

impl types::Host for Guest {}

impl document::Host for Guest {
    fn id(&mut self) -> Result<u64> {
        self.give(|call| call.id())
    }

    fn path(&mut self) -> Result<String> {
        self.give(|call| Ok(call.document()?.path().to_owned()))
    }

    fn source(&mut self) -> Result<Vec<u8>> {
        self.give(|call| Ok(call.document()?.source().to_vec()))
    }

    fn text(&mut self, span: Span) -> Result<String> {
        self.give(|call| call.text(span))
    }

    fn logical_text(&mut self, span: Span) -> Result<String> {
        self.give(|call| call.logical_text(span))
    }

    fn escape(&mut self) -> Result<u32> {
        self.give(|call| Ok(call.document()?.tree().escape.into()))
    }

    fn instructions(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.instructions().to_vec()))
    }

    fn words(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.words().to_vec()))
    }

    fn word_text(&mut self, word: u32) -> Result<String> {
        self.give(|call| Ok(call.entry("document.word-text", word, call.document()?.word_text(word))?.to_owned()))
    }

    fn flags(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.flags().to_vec()))
    }

    fn heredocs(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.heredocs().to_vec()))
    }

    fn comments(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.comments().to_vec()))
    }

    fn directives(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.directives()))
    }

    fn empty_continuations(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.document()?.empty_continuations()))
    }
}

impl model::Host for Guest {
    fn target_platform(&mut self) -> Result<String> {
        self.give(|call| Ok(call.meaning()?.target_platform()))
    }

    fn strings(&mut self) -> Result<String> {
        self.give(|call| Ok(call.meaning()?.strings().to_owned()))
    }

    fn stages(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.stages().to_vec()))
    }

    fn stage_platform(&mut self, stage: u32) -> Result<String> {
        self.give(|call| call.entry("model.stage-platform", stage, call.meaning()?.stage_platform(stage)))
    }

    fn stage_platform_flag(&mut self, stage: u32) -> Result<Option<String>> {
        self.give(|call| call.entry("model.stage-platform-flag", stage, call.meaning()?.stage_platform_flag(stage)))
    }

    fn variables(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.variables().to_vec()))
    }

    fn names_in_scope(&mut self, variable: u32) -> Result<Vec<String>> {
        self.give(|call| call.entry("model.names-in-scope", variable, call.meaning()?.names_in_scope(variable)))
    }

    fn steps(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.steps().to_vec()))
    }

    fn similar_name(&mut self, variable: u32) -> Result<Option<String>> {
        self.give(|call| {
            let name = call.entry("model.similar-name", variable, call.meaning()?.similar_name(variable))?;
            Ok(name.map(str::to_owned))
        })
    }

    fn variable_value(&mut self, variable: u32) -> Result<Option<String>> {
        self.give(|call| {
            let value = call.entry("model.variable-value", variable, call.meaning()?.variable_value(variable))?;
            Ok(value.map(str::to_owned))
        })
    }

    fn step_name(&mut self, step: u32) -> Result<String> {
        self.give(|call| call.entry("model.step-name", step, call.meaning()?.step_name(step)))
    }

    fn step_strings(&mut self) -> Result<String> {
        self.give(|call| Ok(call.meaning()?.step_strings().to_owned()))
    }

    fn step_words(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.step_words().to_vec()))
    }

    fn step_flags(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.step_flags().to_vec()))
    }

    fn step_ports(&mut self, step: u32) -> Result<Vec<Port>> {
        self.give(|call| {
            let ports = call.entry("model.step-ports", step, call.meaning()?.step_ports(step))?;
            Ok(ports.into_iter().map(|port| Port { word: port.word, text: port.text }).collect())
        })
    }

    fn images(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.images().to_vec()))
    }
}

impl shell::Host for Guest {
    fn strings(&mut self) -> Result<String> {
        self.give(|call| Ok(call.meaning()?.shell().strings.clone()))
    }

    fn scripts(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().scripts.clone()))
    }

    fn commands(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().commands.clone()))
    }

    fn words(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().words.clone()))
    }

    fn assignments(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().assignments.clone()))
    }

    fn redirections(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().redirections.clone()))
    }

    fn variables(&mut self) -> Result<Vec<u32>> {
        self.give(|call| Ok(call.meaning()?.shell().variables.clone()))
    }

    fn script(&mut self, step: u32) -> Result<Option<ScriptSource>> {
        self.give(|call| {
            let script = call.entry("shell.script", step, call.meaning()?.script_source(step))?;
            Ok(script.map(|script| ScriptSource {
                shell: script.shell.to_owned(),
                options: script.options,
                text: script.text,
                places: script.places.iter().flat_map(|(of, at)| [of.start, of.end, at.start, at.end]).collect(),
            }))
        })
    }
}

impl lock::Host for Guest {
    fn image(&mut self, reference: String, platform: String) -> Result<Option<lock::Entry>> {
        self.give(|call| Ok(call.locked_image(&reference, &platform)?.map(Into::into)))
    }

    fn download(&mut self, url: String, algorithm: String) -> Result<Option<lock::Entry>> {
        self.give(|call| Ok(call.locked_download(&url, &algorithm)?.map(Into::into)))
    }

    fn commit(&mut self, remote: String, name: String) -> Result<Option<lock::Entry>> {
        self.give(|call| Ok(call.locked_commit(&remote, &name)?.map(Into::into)))
    }

    fn entries(&mut self) -> Result<Vec<lock::Entry>> {
        self.give(|call| Ok(call.locked_entries()?.iter().map(Into::into).collect()))
    }
}

impl From<&LockEntry> for lock::Entry {
    fn from(entry: &LockEntry) -> Self {
        let LockEntry { span, module, function, arguments, value, index_digest, is_pinned, is_unused } = entry;
        Self {
            span: Span { start: span.start, end: span.end },
            module: module.clone(),
            function: function.clone(),
            arguments: arguments.clone(),
            value: value.clone(),
            index_digest: index_digest.clone(),
            pinned: *is_pinned,
            unused: *is_unused,
        }
    }
}

impl settings::Host for Guest {
    fn announces(&mut self) -> Result<bool> {
        self.give(|call| Ok(call.announces()))
    }

    fn enabled(&mut self, from: u32) -> Result<u64> {
        self.give(|call| call.enabled(from))
    }

    fn options(&mut self, rule: u32) -> Result<String> {
        self.give(|call| Ok(call.options(rule)?.to_owned()))
    }
}

impl log::Host for Guest {
    fn enter(&mut self, rule: u32) -> Result<()> {
        Ok(self.call()?.enter(rule)?)
    }

    fn write(&mut self, level: Level, message: String) -> Result<()> {
        let call = self.call()?;
        if let Some(meter) = call.meter() {
            meter.take(message.len());
        }
        call.write_log(level, message);
        Ok(())
    }

    fn panicked(&mut self, message: String) -> Result<()> {
        self.record_panic(message);
        Ok(())
    }
}

impl registry::Host for Guest {
    fn plan_image(
        &mut self,
        request: Request,
        reference: String,
        platform: String,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + reference.bytes() + platform.bytes(), |call| {
            call.plan_image(request, &reference, &platform)
        })
    }

    fn image_selection(&mut self, request: RequestId) -> Result<Selection> {
        self.give(|call| call.image_selection(request))
    }

    fn image_environment(&mut self, request: RequestId) -> Result<Vec<(String, String)>> {
        self.give(|call| Ok(call.image(request, "registry.image-environment")?.environment.clone()))
    }

    fn image_working_directory(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.image(request, "registry.image-working-directory")?.working_dir.clone()))
    }

    fn image_user(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.image(request, "registry.image-user")?.user.clone()))
    }

    fn image_shell(&mut self, request: RequestId) -> Result<Vec<String>> {
        self.give(|call| Ok(call.image(request, "registry.image-shell")?.shell.clone()))
    }

    fn image_labels(&mut self, request: RequestId) -> Result<Vec<(String, String)>> {
        self.give(|call| Ok(pairs(&call.image(request, "registry.image-labels")?.labels)))
    }

    fn image_onbuild(&mut self, request: RequestId) -> Result<Vec<String>> {
        self.give(|call| Ok(call.image(request, "registry.image-onbuild")?.onbuild.clone()))
    }

    fn image_created(&mut self, request: RequestId) -> Result<Option<String>> {
        self.give(|call| call.image_created(request))
    }

    fn image_age_days(&mut self, request: RequestId) -> Result<Option<u32>> {
        self.give(|call| call.image_age_days(request))
    }

    fn plan_index(
        &mut self,
        request: Request,
        reference: String,
        attestations: bool,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + reference.bytes() + attestations.bytes(), |call| {
            call.plan_index(request, &reference, attestations)
        })
    }

    fn index_digest(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.index(request, "registry.index-digest")?.digest.clone()))
    }

    fn is_index(&mut self, request: RequestId) -> Result<bool> {
        self.give(|call| Ok(call.index(request, "registry.is-index")?.is_index))
    }

    fn index_annotations(&mut self, request: RequestId) -> Result<Vec<(String, String)>> {
        self.give(|call| Ok(pairs(&call.index(request, "registry.index-annotations")?.annotations)))
    }

    fn index_entries(&mut self, request: RequestId) -> Result<Vec<IndexEntry>> {
        self.give(|call| call.index_entries(request))
    }

    fn index_entry_for(
        &mut self,
        request: RequestId,
        platform: String,
    ) -> Result<std::result::Result<Option<IndexEntry>, String>> {
        self.give(|call| call.index_entry_for(request, &platform))
    }

    fn plan_tags(&mut self, request: Request, reference: String) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + reference.bytes(), |call| call.plan_tags(request, &reference))
    }

    fn tags(&mut self, request: RequestId) -> Result<Vec<String>> {
        self.give(|call| Ok(call.tags(request, "registry.tags")?.to_vec()))
    }

    fn plan_referrers(
        &mut self,
        request: Request,
        reference: String,
        artifact_type: Option<String>,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + reference.bytes() + artifact_type.bytes(), |call| {
            call.plan_referrers(request, &reference, artifact_type)
        })
    }

    fn referrers(&mut self, request: RequestId) -> Result<Vec<Referrer>> {
        self.give(|call| call.referrers(request))
    }
}

impl context::Host for Guest {
    fn plan_ignored(&mut self, request: Request, paths: Vec<String>) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + paths.bytes(), |call| call.plan_ignored(request, paths))
    }

    fn ignore_file(&mut self, request: RequestId) -> Result<Option<String>> {
        self.give(|call| Ok(call.ignored(request, "context.ignore-file")?.file.clone()))
    }

    fn ignore_has_exceptions(&mut self, request: RequestId) -> Result<bool> {
        self.give(|call| Ok(call.ignored(request, "context.ignore-has-exceptions")?.has_exceptions))
    }

    fn ignored_paths(&mut self, request: RequestId) -> Result<Vec<Ignored>> {
        self.give(|call| {
            let ignored = call.ignored(request, "context.ignored-paths")?;
            let paths = ignored.paths.iter().map(|(path, patterns)| (path.clone(), patterns.clone()));
            Ok(paths.map(|(path, patterns)| Ignored { path, patterns }).collect())
        })
    }

    fn plan_files(
        &mut self,
        request: Request,
        patterns: Vec<String>,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + patterns.bytes(), |call| call.plan_files(request, patterns))
    }

    fn files(&mut self, request: RequestId) -> Result<Vec<Matches>> {
        self.give(|call| {
            let matches = call.files(request, "context.files")?.iter();
            Ok(matches.map(|matches| Matches { paths: matches.paths.clone(), complete: matches.is_complete }).collect())
        })
    }

    fn plan_file(&mut self, request: Request, path: String) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + path.bytes(), |call| call.plan_file(request, path))
    }

    fn file(&mut self, request: RequestId) -> Result<Option<ContextFile>> {
        let file = self.call()?.file(request, "context.file")?;
        let row = |file: &crate::question::ContextFile| ContextFile {
            kind: file.kind as u32,
            size: file.size,
            checksum: file.checksum.clone(),
        };
        Ok(file.map(row))
    }

    fn plan_text(&mut self, request: Request, path: String) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + path.bytes(), |call| call.plan_text(request, path))
    }

    fn text(&mut self, request: RequestId) -> Result<Option<String>> {
        self.give(|call| Ok(call.context_text(request, "context.text")?.map(str::to_owned)))
    }
}

impl http::Host for Guest {
    fn plan_digest(
        &mut self,
        request: Request,
        url: String,
        algorithm: String,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + url.bytes() + algorithm.bytes(), |call| call.plan_digest(request, &url, &algorithm))
    }

    fn digest(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.download(request, "http.digest")?.digest.clone()))
    }

    fn size(&mut self, request: RequestId) -> Result<u64> {
        self.give(|call| Ok(call.download(request, "http.size")?.size))
    }

    fn final_url(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.download(request, "http.final-url")?.final_url.clone()))
    }
}

impl git::Host for Guest {
    fn plan_resolve(
        &mut self,
        request: Request,
        remote: String,
        name: String,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + remote.bytes() + name.bytes(), |call| call.plan_resolve(request, &remote, &name))
    }

    fn commit(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.commit(request, "git.commit")?.to_owned()))
    }
}

impl console::Host for Guest {
    fn plan_run(
        &mut self,
        request: Request,
        tool: String,
        arguments: Vec<String>,
        input: String,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + tool.bytes() + arguments.bytes() + input.bytes(), |call| {
            call.plan_run(request, tool, arguments, input)
        })
    }

    fn exit_code(&mut self, request: RequestId) -> Result<i32> {
        self.give(|call| Ok(call.ran(request, "console.exit-code")?.exit_code))
    }

    fn output(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.ran(request, "console.output")?.output.clone()))
    }

    fn errors(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.ran(request, "console.errors")?.errors.clone()))
    }

    fn plan_check(
        &mut self,
        request: Request,
        tool: String,
        arguments: Vec<String>,
        suffix: String,
        text: String,
    ) -> Result<std::result::Result<RequestId, String>> {
        self.ask(request.bytes() + tool.bytes() + arguments.bytes() + suffix.bytes() + text.bytes(), |call| {
            call.plan_check(request, tool, arguments, suffix, text)
        })
    }

    fn entries(&mut self, request: RequestId) -> Result<String> {
        self.give(|call| Ok(call.entries(request, "console.entries")?.to_owned()))
    }
}
