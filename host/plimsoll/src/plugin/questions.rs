//! The questions of the contract: what a guest asks made typed and normal, and
//! the answers it may read.
//!
//! Input: arguments of a guest. Output: a [`Question`], or for the guest why it
//! cannot be asked. Invariant: what is planned has one spelling, bounds kept.

use plimsoll_dockerfile::{Platform, Reference};

use super::call::{Call, Planning, Result};
use super::contract::{Image, Request, RequestId, Selection};
use crate::limits::{
    CONSOLE_ARGUMENT_BYTES_MAX, CONSOLE_ARGUMENTS_MAX, CONSOLE_SUFFIX_BYTES_MAX, CONSOLE_TEXT_BYTES_MAX,
    CONTEXT_PATTERN_BYTES_MAX, CONTEXT_PATTERNS_MAX, IGNORED_BYTES_MAX, IGNORED_PATHS_MAX, URL_BYTES_MAX,
};
use crate::question::{self, Algorithm, Answer, ContextFile, Download, Ignored, Matches, Question, Ran, Tool};

impl Call {
    /// `registry.plan-image`; the inner error is the guest's to deal with.
    pub fn plan_image(&mut self, request: Request, reference: &str, platform: &str) -> Result<Planning> {
        self.plan(request, "registry.plan-image", |_| {
            let (reference, platform) = parse_image(reference, platform)?;
            Ok(Question::Image { reference, platform })
        })
    }

    /// `context.plan-ignored`; the inner error is the guest's to deal with.
    pub fn plan_ignored(&mut self, request: Request, paths: Vec<String>) -> Result<Planning> {
        self.plan(request, "context.plan-ignored", |subject| {
            if paths.len() > IGNORED_PATHS_MAX || paths.iter().map(String::len).sum::<usize>() > IGNORED_BYTES_MAX {
                return Err(format!(
                    "at most {IGNORED_PATHS_MAX} paths of {IGNORED_BYTES_MAX} bytes are answered at once"
                ));
            }
            Ok(Question::Ignored { context: subject.context.clone(), paths })
        })
    }

    /// `context.plan-files`; the inner error is the guest's to deal with.
    pub fn plan_files(&mut self, request: Request, patterns: Vec<String>) -> Result<Planning> {
        self.plan(request, "context.plan-files", |subject| {
            let bytes = patterns.iter().map(String::len).sum::<usize>();
            if patterns.len() > CONTEXT_PATTERNS_MAX || bytes > CONTEXT_PATTERN_BYTES_MAX {
                return Err(format!(
                    "at most {CONTEXT_PATTERNS_MAX} patterns of {CONTEXT_PATTERN_BYTES_MAX} bytes are answered at once"
                ));
            }
            Ok(Question::Files { context: subject.context.clone(), patterns })
        })
    }

    /// `context.plan-file`; the inner error is the guest's to deal with.
    pub fn plan_file(&mut self, request: Request, path: String) -> Result<Planning> {
        self.plan(request, "context.plan-file", |subject| {
            Ok(Question::File { context: subject.context.clone(), path: check_path(path)? })
        })
    }

    /// `context.plan-text`; the inner error is the guest's to deal with.
    pub fn plan_text(&mut self, request: Request, path: String) -> Result<Planning> {
        self.plan(request, "context.plan-text", |subject| {
            Ok(Question::Text { context: subject.context.clone(), path: check_path(path)? })
        })
    }

    /// `http.plan-digest`; the inner error is the guest's to deal with.
    pub fn plan_digest(&mut self, request: Request, url: &str, algorithm: &str) -> Result<Planning> {
        self.plan(request, "http.plan-digest", |_| {
            let known = Algorithm::ALL.into_iter().find(|known| known.name() == algorithm);
            let algorithm = known.ok_or_else(|| format!("{algorithm:?} is none of sha256, sha384 and sha512"))?;
            Ok(Question::Download { url: question::parse_url(url)?, algorithm })
        })
    }

    /// `git.plan-resolve`; the inner error is the guest's to deal with.
    pub fn plan_resolve(&mut self, request: Request, remote: &str, name: &str) -> Result<Planning> {
        self.plan(request, "git.plan-resolve", |_| {
            Ok(Question::Commit {
                remote: question::parse_remote(remote)?,
                reference: question::check_reference(name)?,
            })
        })
    }

    /// `console.plan-run`; the inner error is the guest's to deal with.
    pub fn plan_run(
        &mut self,
        request: Request,
        tool: String,
        arguments: Vec<String>,
        input: String,
    ) -> Result<Planning> {
        self.plan(request, "console.plan-run", |_| {
            Ok(Question::Run { tool: check_tool(tool, arguments)?, input: check_length(input)? })
        })
    }

    /// `console.plan-check`; the inner error is the guest's to deal with.
    pub fn plan_check(
        &mut self,
        request: Request,
        tool: String,
        arguments: Vec<String>,
        suffix: String,
        text: String,
    ) -> Result<Planning> {
        self.plan(request, "console.plan-check", |_| {
            let is_plain = suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
            if !is_plain || suffix.len() > CONSOLE_SUFFIX_BYTES_MAX {
                return Err(format!("a suffix has at most {CONSOLE_SUFFIX_BYTES_MAX} letters, digits and full stops"));
            }
            Ok(Question::Check { tool: check_tool(tool, arguments)?, suffix, text: check_length(text)? })
        })
    }

    /// `registry.image-selection`.
    pub fn image_selection(&self, request: RequestId) -> Result<Selection> {
        use plimsoll_registry::Answer as Registry;
        let function = "registry.image-selection";
        let Answer::Image(answer) = self.answer(request, function)? else {
            return Err(self.other_answer(request, function));
        };
        Ok(match answer {
            Registry::Image(image) => Selection::Image(Image {
                digest: image.digest.clone(),
                index_digest: image.index_digest.clone(),
                platform: image.platform.to_string(),
            }),
            Registry::PlatformMismatch { available, .. } => {
                Selection::NoMatch(available.iter().map(ToString::to_string).collect())
            }
        })
    }

    /// The image that a getter reads from.
    pub fn image(&self, request: RequestId, function: &str) -> Result<&plimsoll_registry::Image> {
        let answer = self.answer(request, function)?;
        answer.image().ok_or_else(|| {
            self.misuse(format!(
                "{function}: the answer holds no image, since none is for the platform: ask image-selection first"
            ))
        })
    }

    /// The answer of an ignore file.
    pub fn ignored(&self, request: RequestId, function: &str) -> Result<&Ignored> {
        match self.answer(request, function)? {
            Answer::Ignored(ignored) => Ok(ignored),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// What patterns match in the context.
    pub fn files(&self, request: RequestId, function: &str) -> Result<&[Matches]> {
        match self.answer(request, function)? {
            Answer::Files(matches) => Ok(matches),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// What stands at a path of the context.
    pub fn file(&self, request: RequestId, function: &str) -> Result<Option<&ContextFile>> {
        match self.answer(request, function)? {
            Answer::File(file) => Ok(file.as_ref()),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// The text of a file of the context.
    pub fn context_text(&self, request: RequestId, function: &str) -> Result<Option<&str>> {
        match self.answer(request, function)? {
            Answer::Text(text) => Ok(text.as_deref()),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// What an address of the web holds.
    pub fn download(&self, request: RequestId, function: &str) -> Result<&Download> {
        match self.answer(request, function)? {
            Answer::Download(download) => Ok(download),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// The commit that a name means.
    pub fn commit(&self, request: RequestId, function: &str) -> Result<&str> {
        match self.answer(request, function)? {
            Answer::Commit(commit) => Ok(commit),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// What a run of a tool came to.
    pub fn ran(&self, request: RequestId, function: &str) -> Result<&Ran> {
        match self.answer(request, function)? {
            Answer::Ran(ran) => Ok(ran),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// What a tool says of a text.
    pub fn entries(&self, request: RequestId, function: &str) -> Result<&str> {
        match self.answer(request, function)? {
            Answer::Entries(entries) => Ok(entries),
            _ => Err(self.other_answer(request, function)),
        }
    }
}

pub(super) type Parsed<T> = std::result::Result<T, String>;

/// Reference and platform of an image, normalised; else what is wrong with them.
fn parse_image(reference: &str, platform: &str) -> Parsed<(Reference, Platform)> {
    let reference = parse_reference(reference)?;
    if platform.len() > URL_BYTES_MAX {
        return Err(format!("a platform may have {URL_BYTES_MAX} bytes"));
    }
    let platform = Platform::parse(platform).map_err(|error| format!("{platform:?} is no platform: {error}"))?;
    Ok((reference.with_default_tag(), platform))
}

/// A reference, normalised; else what is wrong with it.
pub(super) fn parse_reference(reference: &str) -> Parsed<Reference> {
    if reference.len() > URL_BYTES_MAX {
        return Err(format!("an image reference may have {URL_BYTES_MAX} bytes"));
    }
    Reference::parse(reference).map_err(|error| format!("{reference:?} is no image reference: {error}"))
}

fn check_path(path: String) -> Parsed<String> {
    if path.len() > CONTEXT_PATTERN_BYTES_MAX || path.contains('\0') {
        return Err(format!("a path has at most {CONTEXT_PATTERN_BYTES_MAX} bytes, none of them zero"));
    }
    Ok(path)
}

/// A tool that could be configured, and arguments that a process can be given.
fn check_tool(name: String, arguments: Vec<String>) -> Parsed<Tool> {
    if !Tool::is_name(&name) {
        return Err(format!("{name:?} is no name of a tool: letters, digits, `-` and `_`"));
    }
    let bytes: usize = arguments.iter().map(String::len).sum();
    if arguments.len() > CONSOLE_ARGUMENTS_MAX || bytes > CONSOLE_ARGUMENT_BYTES_MAX {
        return Err(format!(
            "a tool is given at most {CONSOLE_ARGUMENTS_MAX} arguments of {CONSOLE_ARGUMENT_BYTES_MAX} bytes"
        ));
    }
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return Err("no argument holds a zero byte".to_owned());
    }
    Ok(Tool { name: name.into(), arguments: arguments.into() })
}

fn check_length(text: String) -> Parsed<String> {
    match text.len() > CONSOLE_TEXT_BYTES_MAX {
        true => Err(format!("a tool is given at most {CONSOLE_TEXT_BYTES_MAX} bytes of text")),
        false => Ok(text),
    }
}
