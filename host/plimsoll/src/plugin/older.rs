//! The contract as it was in versions before the one that this host speaks itself.
//!
//! Invariant: a component of such a version is told what it always was told. Each function of a version is handed on
//! to the one of the same name today; where a value has changed since, its conversion stands here. What only the
//! newest version has is no concern of this file.

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker};

use super::contract::{self, Request, RequestId, Span};
use super::guest::Guest;

/// Version 0.1.0.
#[allow(missing_docs, unused_qualifications, clippy::all)]
mod v0_1 {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "capabilities",
        imports: { default: trappable },
        with: { "plimsoll:rules/types@0.1.0": crate::plugin::contract::types },
    });
}

use v0_1::plimsoll::rules::{console, context, document, git, http, lock, log, model, registry, settings, shell};

/// The name of a planned request, or for the guest why nothing was planned.
type Planning = std::result::Result<RequestId, String>;

/// Offers what components of older versions import.
///
/// # Errors
/// When the linker has it already.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    // Types that have not changed are those of today, and there is nothing to call.
    linker.instance("plimsoll:rules/types@0.1.0")?;
    document::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    model::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    shell::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    settings::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    lock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    registry::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    context::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    http::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    git::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    console::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// A value of one version as another has it.
trait As<T> {
    fn value(self) -> T;
}

impl<T> As<T> for T {
    fn value(self) -> T {
        self
    }
}

/// Records that have the same fields.
macro_rules! same_fields {
    ($($interface:ident::$record:ident { $($field:ident),* })*) => {$(
        impl As<$interface::$record> for contract::$interface::$record {
            fn value(self) -> $interface::$record {
                $interface::$record { $($field: self.$field.value()),* }
            }
        }
    )*};
}

same_fields! {
    context::ContextFile { kind, size, checksum }
    context::Ignored { path, patterns }
    context::Matches { paths, complete }
    lock::Entry { span, module, function, arguments, value, index_digest, pinned, unused }
    model::Port { word, text }
    registry::Attestation { subject, predicate_types }
    registry::Image { digest, index_digest, platform }
    registry::IndexEntry { digest, size, media_type, artifact_type, platform, image, annotations, attestation }
    registry::Referrer { digest, size, media_type, artifact_type, annotations }
    shell::ScriptSource { shell, options, text, places }
}

impl As<registry::Selection> for contract::Selection {
    fn value(self) -> registry::Selection {
        match self {
            Self::Image(image) => registry::Selection::Image(image.value()),
            Self::NoMatch(platforms) => registry::Selection::NoMatch(platforms),
        }
    }
}

impl As<contract::Level> for log::Level {
    fn value(self) -> contract::Level {
        match self {
            Self::Warn => contract::Level::Warn,
            Self::Info => contract::Level::Info,
            Self::Debug => contract::Level::Debug,
        }
    }
}

/// Several values, or perhaps one.
macro_rules! several {
    ($($interface:ident::$record:ident in $($outer:ident)+;)*) => {$(
        several!(@ $($outer)+, contract::$interface::$record, $interface::$record);
    )*};
    (@ Vec, $now:ty, $then:ty) => {
        impl As<Vec<$then>> for Vec<$now> {
            fn value(self) -> Vec<$then> {
                self.into_iter().map(As::value).collect()
            }
        }
    };
    (@ Option, $now:ty, $then:ty) => {
        impl As<Option<$then>> for Option<$now> {
            fn value(self) -> Option<$then> {
                self.map(As::value)
            }
        }
    };
}

several! {
    context::ContextFile in Option;
    context::Ignored in Vec;
    context::Matches in Vec;
    lock::Entry in Option;
    lock::Entry in Vec;
    model::Port in Vec;
    registry::Attestation in Option;
    registry::IndexEntry in Option;
    registry::IndexEntry in Vec;
    registry::Referrer in Vec;
    shell::ScriptSource in Option;
}

impl As<std::result::Result<Option<registry::IndexEntry>, String>>
    for std::result::Result<Option<contract::IndexEntry>, String>
{
    fn value(self) -> std::result::Result<Option<registry::IndexEntry>, String> {
        self.map(As::value)
    }
}

/// Hands the functions of interfaces on to those of today.
macro_rules! hand_on {
    ($($interface:ident { $($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)* })*) => {$(
        impl $interface::Host for Guest {
            $(fn $name(&mut self, $($argument: $type),*) -> Result<$result> {
                contract::$interface::Host::$name(self, $($argument.value()),*).map(As::value)
            })*
        }
    )*};
}

hand_on! {
    document {
        id() -> u64;
        path() -> String;
        source() -> Vec<u8>;
        text(span: Span) -> String;
        logical_text(span: Span) -> String;
        escape() -> u32;
        instructions() -> Vec<u32>;
        words() -> Vec<u32>;
        word_text(word: u32) -> String;
        flags() -> Vec<u32>;
        heredocs() -> Vec<u32>;
        comments() -> Vec<u32>;
        directives() -> Vec<u32>;
        empty_continuations() -> Vec<u32>;
    }
    model {
        target_platform() -> String;
        strings() -> String;
        stages() -> Vec<u32>;
        stage_platform(stage: u32) -> String;
        stage_platform_flag(stage: u32) -> Option<String>;
        steps() -> Vec<u32>;
        step_name(step: u32) -> String;
        step_strings() -> String;
        step_words() -> Vec<u32>;
        step_flags() -> Vec<u32>;
        step_ports(step: u32) -> Vec<model::Port>;
        variables() -> Vec<u32>;
        names_in_scope(variable: u32) -> Vec<String>;
        similar_name(variable: u32) -> Option<String>;
        variable_value(variable: u32) -> Option<String>;
        images() -> Vec<u32>;
    }
    shell {
        strings() -> String;
        scripts() -> Vec<u32>;
        commands() -> Vec<u32>;
        words() -> Vec<u32>;
        assignments() -> Vec<u32>;
        redirections() -> Vec<u32>;
        variables() -> Vec<u32>;
        script(step: u32) -> Option<shell::ScriptSource>;
    }
    settings {
        enabled(from: u32) -> u64;
        options(rule: u32) -> String;
        announces() -> bool;
    }
    lock {
        image(reference: String, platform: String) -> Option<lock::Entry>;
        entries() -> Vec<lock::Entry>;
    }
    log {
        enter(rule: u32) -> ();
        write(level: log::Level, message: String) -> ();
        panicked(message: String) -> ();
    }
    registry {
        plan_image(request: Request, reference: String, platform: String) -> Planning;
        image_selection(request: RequestId) -> registry::Selection;
        image_environment(request: RequestId) -> Vec<(String, String)>;
        image_working_directory(request: RequestId) -> String;
        image_user(request: RequestId) -> String;
        image_shell(request: RequestId) -> Vec<String>;
        image_labels(request: RequestId) -> Vec<(String, String)>;
        image_onbuild(request: RequestId) -> Vec<String>;
        image_created(request: RequestId) -> Option<String>;
        image_age_days(request: RequestId) -> Option<u32>;
        plan_index(request: Request, reference: String, attestations: bool) -> Planning;
        index_digest(request: RequestId) -> String;
        is_index(request: RequestId) -> bool;
        index_annotations(request: RequestId) -> Vec<(String, String)>;
        index_entries(request: RequestId) -> Vec<registry::IndexEntry>;
        index_entry_for(request: RequestId, platform: String) -> std::result::Result<Option<registry::IndexEntry>, String>;
        plan_tags(request: Request, reference: String) -> Planning;
        tags(request: RequestId) -> Vec<String>;
        plan_referrers(request: Request, reference: String, artifact_type: Option<String>) -> Planning;
        referrers(request: RequestId) -> Vec<registry::Referrer>;
    }
    context {
        plan_ignored(request: Request, paths: Vec<String>) -> Planning;
        ignore_file(request: RequestId) -> Option<String>;
        ignore_has_exceptions(request: RequestId) -> bool;
        ignored_paths(request: RequestId) -> Vec<context::Ignored>;
        plan_files(request: Request, patterns: Vec<String>) -> Planning;
        files(request: RequestId) -> Vec<context::Matches>;
        plan_file(request: Request, path: String) -> Planning;
        file(request: RequestId) -> Option<context::ContextFile>;
        plan_text(request: Request, path: String) -> Planning;
        text(request: RequestId) -> Option<String>;
    }
    http {
        plan_digest(request: Request, url: String, algorithm: String) -> Planning;
        digest(request: RequestId) -> String;
        size(request: RequestId) -> u64;
        final_url(request: RequestId) -> String;
    }
    git {
        plan_resolve(request: Request, remote: String, name: String) -> Planning;
        commit(request: RequestId) -> String;
    }
    console {
        plan_run(request: Request, tool: String, arguments: Vec<String>, input: String) -> Planning;
        exit_code(request: RequestId) -> i32;
        output(request: RequestId) -> String;
        errors(request: RequestId) -> String;
        plan_check(request: Request, tool: String, arguments: Vec<String>, suffix: String, text: String) -> Planning;
        entries(request: RequestId) -> String;
    }
}
