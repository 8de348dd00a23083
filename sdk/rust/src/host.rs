//! The seam to the host: inside a component the imports of its world, natively
//! whatever [`crate::native`] was given. One list makes both.

use crate::bindings::plimsoll::rules::context::{ContextFile, Ignored, Matches};
use crate::bindings::plimsoll::rules::lock::Entry;
use crate::bindings::plimsoll::rules::log::Level;
use crate::bindings::plimsoll::rules::model::Port;
use crate::bindings::plimsoll::rules::registry::{IndexEntry, Referrer, Selection};
use crate::bindings::plimsoll::rules::shell::ScriptSource;
use crate::{Request, RequestId, Span};

macro_rules! seam {
    ($($(#[$doc:meta])* $module:ident :: $import:ident as $name:ident ( $($arg:ident : $type:ty),* ) $(-> $return:ty)?;)*) => {
        /// The imports of a component, as one trait: what a native stand-in for
        /// the host implements. The contract in `wit/` says what each does.
        pub trait Host {
            $($(#[$doc])* fn $name(&self, $($arg: $type),*) $(-> $return)?;)*
        }

        $(
            #[cfg(target_arch = "wasm32")]
            #[inline]
            pub(crate) fn $name($($arg: $type),*) $(-> $return)? {
                crate::bindings::plimsoll::rules::$module::$import($($arg),*)
            }

            #[cfg(not(target_arch = "wasm32"))]
            pub(crate) fn $name($($arg: $type),*) $(-> $return)? {
                crate::native::current(|host| host.$name($($arg),*))
            }
        )*
    };
}

seam! {
    /// `document.source`.
    document::source as source() -> Vec<u8>;
    /// `document.id`.
    document::id as document_id() -> u64;
    /// `document.path`.
    document::path as path() -> String;
    /// `document.escape`.
    document::escape as escape() -> u32;
    /// `document.instructions`.
    document::instructions as instructions() -> Vec<u32>;
    /// `document.words`.
    document::words as words() -> Vec<u32>;
    /// `document.word-text`.
    document::word_text as word_text(word: u32) -> String;
    /// `document.logical-text`.
    document::logical_text as logical_text(span: Span) -> String;
    /// `document.empty-continuations`.
    document::empty_continuations as empty_continuations() -> Vec<u32>;
    /// `document.flags`.
    document::flags as flags() -> Vec<u32>;
    /// `document.heredocs`.
    document::heredocs as heredocs() -> Vec<u32>;
    /// `document.comments`.
    document::comments as comments() -> Vec<u32>;
    /// `model.target-platform`.
    model::target_platform as target_platform() -> String;
    /// `model.strings`.
    model::strings as strings() -> String;
    /// `model.stages`.
    model::stages as stages() -> Vec<u32>;
    /// `model.stage-platform`.
    model::stage_platform as stage_platform(stage: u32) -> String;
    /// `model.variables`.
    model::variables as variables() -> Vec<u32>;
    /// `model.names-in-scope`.
    model::names_in_scope as names_in_scope(variable: u32) -> Vec<String>;
    /// `model.steps`.
    model::steps as steps() -> Vec<u32>;
    /// `model.stage-platform-flag`.
    model::stage_platform_flag as stage_platform_flag(stage: u32) -> Option<String>;
    /// `model.similar-name`.
    model::similar_name as similar_name(variable: u32) -> Option<String>;
    /// `model.variable-value`.
    model::variable_value as variable_value(variable: u32) -> Option<String>;
    /// `model.images`.
    model::images as images() -> Vec<u32>;
    /// `model.step-name`.
    model::step_name as step_name(step: u32) -> String;
    /// `model.step-strings`.
    model::step_strings as step_strings() -> String;
    /// `model.step-words`.
    model::step_words as step_words() -> Vec<u32>;
    /// `model.step-flags`.
    model::step_flags as step_flags() -> Vec<u32>;
    /// `model.step-ports`.
    model::step_ports as step_ports(step: u32) -> Vec<Port>;
    /// `shell.strings`.
    shell::strings as shell_strings() -> String;
    /// `shell.scripts`.
    shell::scripts as shell_scripts() -> Vec<u32>;
    /// `shell.commands`.
    shell::commands as shell_commands() -> Vec<u32>;
    /// `shell.words`.
    shell::words as shell_words() -> Vec<u32>;
    /// `shell.assignments`.
    shell::assignments as shell_assignments() -> Vec<u32>;
    /// `shell.redirections`.
    shell::redirections as shell_redirections() -> Vec<u32>;
    /// `shell.variables`.
    shell::variables as shell_variables() -> Vec<u32>;
    /// `shell.script`.
    shell::script as shell_script(step: u32) -> Option<ScriptSource>;
    /// `settings.enabled`.
    settings::enabled as enabled(from: u32) -> u64;
    /// `settings.options`.
    settings::options as options(rule: u32) -> String;
    /// `settings.announces`.
    settings::announces as announces() -> bool;
    /// `lock.image`.
    lock::image as locked_image(reference: &str, platform: &str) -> Option<Entry>;
    /// `lock.download`.
    lock::download as locked_download(url: &str, algorithm: &str) -> Option<Entry>;
    /// `lock.commit`.
    lock::commit as locked_commit(remote: &str, name: &str) -> Option<Entry>;
    /// `lock.entries`.
    lock::entries as locked_entries() -> Vec<Entry>;
    /// `log.enter`.
    log::enter as enter(rule: u32);
    /// `log.write`.
    log::write as write_log(level: Level, message: &str);
    /// `log.panicked`.
    log::panicked as panicked(message: &str);
    /// `registry.plan-image`.
    registry::plan_image as plan_image(request: &Request, reference: &str, platform: &str) -> Result<RequestId, String>;
    /// `registry.image-selection`.
    registry::image_selection as image_selection(request: RequestId) -> Selection;
    /// `registry.image-environment`.
    registry::image_environment as image_environment(request: RequestId) -> Vec<(String, String)>;
    /// `registry.image-working-directory`.
    registry::image_working_directory as image_working_directory(request: RequestId) -> String;
    /// `registry.image-user`.
    registry::image_user as image_user(request: RequestId) -> String;
    /// `registry.image-shell`.
    registry::image_shell as image_shell(request: RequestId) -> Vec<String>;
    /// `registry.image-labels`.
    registry::image_labels as image_labels(request: RequestId) -> Vec<(String, String)>;
    /// `registry.image-onbuild`.
    registry::image_onbuild as image_onbuild(request: RequestId) -> Vec<String>;
    /// `registry.image-created`.
    registry::image_created as image_created(request: RequestId) -> Option<String>;
    /// `registry.image-age-days`.
    registry::image_age_days as image_age_days(request: RequestId) -> Option<u32>;
    /// `registry.plan-index`.
    registry::plan_index as plan_index(request: &Request, reference: &str, attestations: bool) -> Result<RequestId, String>;
    /// `registry.index-digest`.
    registry::index_digest as index_digest(request: RequestId) -> String;
    /// `registry.is-index`.
    registry::is_index as is_index(request: RequestId) -> bool;
    /// `registry.index-annotations`.
    registry::index_annotations as index_annotations(request: RequestId) -> Vec<(String, String)>;
    /// `registry.index-entries`.
    registry::index_entries as index_entries(request: RequestId) -> Vec<IndexEntry>;
    /// `registry.index-entry-for`.
    registry::index_entry_for as index_entry_for(request: RequestId, platform: &str) -> Result<Option<IndexEntry>, String>;
    /// `registry.plan-tags`.
    registry::plan_tags as plan_tags(request: &Request, reference: &str) -> Result<RequestId, String>;
    /// `registry.tags`.
    registry::tags as tags(request: RequestId) -> Vec<String>;
    /// `registry.plan-referrers`.
    registry::plan_referrers as plan_referrers(request: &Request, reference: &str, artifact_type: Option<&str>) -> Result<RequestId, String>;
    /// `registry.referrers`.
    registry::referrers as referrers(request: RequestId) -> Vec<Referrer>;
    /// `context.plan-ignored`.
    context::plan_ignored as plan_ignored(request: &Request, paths: &[String]) -> Result<RequestId, String>;
    /// `context.ignore-file`.
    context::ignore_file as ignore_file(request: RequestId) -> Option<String>;
    /// `context.ignore-has-exceptions`.
    context::ignore_has_exceptions as ignore_has_exceptions(request: RequestId) -> bool;
    /// `context.ignored-paths`.
    context::ignored_paths as ignored_paths(request: RequestId) -> Vec<Ignored>;
    /// `context.plan-files`.
    context::plan_files as plan_files(request: &Request, patterns: &[String]) -> Result<RequestId, String>;
    /// `context.files`.
    context::files as files(request: RequestId) -> Vec<Matches>;
    /// `context.plan-file`.
    context::plan_file as plan_file(request: &Request, path: &str) -> Result<RequestId, String>;
    /// `context.file`.
    context::file as file(request: RequestId) -> Option<ContextFile>;
    /// `context.plan-text`.
    context::plan_text as plan_text(request: &Request, path: &str) -> Result<RequestId, String>;
    /// `context.text`.
    context::text as text(request: RequestId) -> Option<String>;
    /// `http.plan-digest`.
    http::plan_digest as plan_digest(request: &Request, url: &str, algorithm: &str) -> Result<RequestId, String>;
    /// `http.digest`.
    http::digest as digest(request: RequestId) -> String;
    /// `http.size`.
    http::size as size(request: RequestId) -> u64;
    /// `http.final-url`.
    http::final_url as final_url(request: RequestId) -> String;
    /// `git.plan-resolve`.
    git::plan_resolve as plan_resolve(request: &Request, remote: &str, name: &str) -> Result<RequestId, String>;
    /// `git.commit`.
    git::commit as commit(request: RequestId) -> String;
    /// `console.plan-run`.
    console::plan_run as plan_run(request: &Request, tool: &str, arguments: &[String], input: &str) -> Result<RequestId, String>;
    /// `console.exit-code`.
    console::exit_code as exit_code(request: RequestId) -> i32;
    /// `console.output`.
    console::output as output(request: RequestId) -> String;
    /// `console.errors`.
    console::errors as errors(request: RequestId) -> String;
    /// `console.plan-check`.
    console::plan_check as plan_check(request: &Request, tool: &str, arguments: &[String], suffix: &str, text: &str) -> Result<RequestId, String>;
    /// `console.entries`.
    console::entries as entries(request: RequestId) -> String;
}
