//! `# check=…`: what a Dockerfile says to BuildKit about its checks.
//!
//! The text of a directive, a comment or the build argument
//! `BUILDKIT_DOCKERFILE_CHECK` → [`CheckOptions`], read as BuildKit reads it.

use plimsoll_dockerfile::find_directive;
use plimsoll_dockerfile::source::parse_bool;
use plimsoll_dockerfile::tree::DirectiveKind;

use crate::document::Document;
use crate::finding::{Problem, ProblemKind};

/// The build argument that replaces the directive.
const BUILD_ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// Options of BuildKit's checks, `;` between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// `skip=A,B` or `skip=all`. It has no say over experimental rules.
    pub skip: Rules,
    /// `experimental=A,B` or `experimental=all`: rules that run only where named.
    pub experimental: Rules,
    /// `error=true`: any finding stops the build.
    pub is_error: bool,
}

/// Rules that an option names, without their pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rules {
    /// None.
    #[default]
    None,
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

impl CheckOptions {
    /// Reads the options; a third `;` belongs to the third option.
    ///
    /// # Errors
    /// BuildKit's words against an option that it does not know.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let text = text.trim();
        for part in text.splitn(3, ';').filter(|_| !text.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("invalid check option {part:?}"))?;
            match (key.trim(), value.trim()) {
                ("skip", value) => options.skip = Rules::parse(value),
                ("experimental", value) => options.experimental = Rules::parse(value),
                ("error", value) => {
                    options.is_error =
                        parse_bool(value).ok_or_else(|| format!("failed to parse check option {part:?}"))?;
                }
                (key, _) => return Err(format!("invalid check option {key:?}")),
            }
        }
        Ok(options)
    }

    /// The options that hold for a file.
    ///
    /// # Errors
    /// What is wrong with them: the build would stop before it reads anything else.
    pub fn of_file(document: &Document, build_args: &[(String, String)]) -> Result<Self, Problem> {
        let refused = |message: String, line| Problem { kind: ProblemKind::Syntax, message, line };
        if let Some((_, value)) = build_args.iter().rfind(|(name, _)| name == BUILD_ARGUMENT) {
            return Self::parse(value)
                .map_err(|error| refused(format!("build argument {BUILD_ARGUMENT}: {error}"), None));
        }
        let Some(directive) = find_directive(document.source(), DirectiveKind::Check) else {
            return Ok(Self::default());
        };
        let value = String::from_utf8_lossy(directive.value.of(document.source()));
        let line = document.lines().line_of(directive.span.start);
        Self::parse(value.split(' ').next().unwrap_or_default())
            .map_err(|error| refused(format!("failed to parse check options: {error}"), Some(line)))
    }

    /// Whether the build argument says them, which then count whatever the file says.
    pub fn is_told(build_args: &[(String, String)]) -> bool {
        build_args.iter().any(|(name, _)| name == BUILD_ARGUMENT)
    }

    /// Whether a comment is a `check`, well formed or not.
    pub fn is_check(comment: &str) -> bool {
        check_value(comment).is_some()
    }

    /// The options in the comments above an instruction. The first comment that is
    /// a `check` counts, and nothing if it is not well formed.
    pub fn of_comments<'c>(comments: impl IntoIterator<Item = &'c str>) -> Option<Self> {
        let value = comments.into_iter().find_map(check_value)?;
        Self::parse(value.split(' ').next().unwrap_or_default()).ok()
    }
}

impl Rules {
    fn parse(value: &str) -> Self {
        match value {
            "all" => Self::All,
            names => Self::Named(names.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Named(names) => names.is_empty(),
            Self::All => false,
        }
    }

    /// Whether a rule is among them.
    pub fn contain(&self, rule: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|name| name == rule),
            Self::All => true,
        }
    }
}

/// What follows `check=` in a comment; the case of the key does not matter.
fn check_value(comment: &str) -> Option<&str> {
    let (key, value) = comment.trim_start().split_once('=')?;
    let value = value.trim();
    (key.trim_end().eq_ignore_ascii_case("check") && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{CheckOptions, Rules};

    fn named(names: &[&str]) -> Rules {
        Rules::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn options() {
        let check = |text: &str, expect: CheckOptions| assert_eq!(CheckOptions::parse(text), Ok(expect), "{text}");
        check("", CheckOptions::default());
        check(
            "skip=A, B;error=true",
            CheckOptions { skip: named(&["A", "B"]), is_error: true, ..CheckOptions::default() },
        );
        check(
            " skip = all ; experimental=A",
            CheckOptions { skip: Rules::All, experimental: named(&["A"]), is_error: false },
        );
        check("skip=A;skip=B", CheckOptions { skip: named(&["B"]), ..CheckOptions::default() });
        check("error=1;error=F;skip=A;x", CheckOptions { skip: named(&["A;x"]), ..CheckOptions::default() });
    }

    #[test]
    fn what_buildkit_refuses() {
        let check = |text: &str, expect: &str| assert_eq!(CheckOptions::parse(text), Err(expect.to_owned()), "{text}");
        check("skip", "invalid check option \"skip\"");
        check("skip=A;", "invalid check option \"\"");
        check("Skip=A", "invalid check option \"Skip\"");
        check("error=yes", "failed to parse check option \"error=yes\"");
    }

    #[test]
    fn comments() {
        let check = |comments: &[&str], expect: Rules| {
            let options = CheckOptions::of_comments(comments.iter().copied());
            assert_eq!(options.unwrap_or_default().skip, expect, "{comments:?}");
        };
        check(&["build", "CHECK = skip=A,B", "check=skip=C"], named(&["A", "B"]));
        check(&["check=skip=A, B"], named(&["A", ""]));
        check(&["check=skip=A;bogus=1", "check=skip=B"], Rules::None);
        check(&["# check=skip=A"], Rules::None);
        check(&["check="], Rules::None);
        check(&["checks=skip=A"], Rules::None);
    }
}
