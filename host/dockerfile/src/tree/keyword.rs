//! The keywords of Dockerfiles: a word in any case → [`Keyword`] → its name in upper case.

/// The instructions of a Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    /// A first word that is no instruction.
    Unknown,
}

impl Keyword {
    /// Every instruction BuildKit knows, in alphabetical order.
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Arg,
        Self::Cmd,
        Self::Copy,
        Self::Entrypoint,
        Self::Env,
        Self::Expose,
        Self::From,
        Self::Healthcheck,
        Self::Label,
        Self::Maintainer,
        Self::Onbuild,
        Self::Run,
        Self::Shell,
        Self::Stopsignal,
        Self::User,
        Self::Volume,
        Self::Workdir,
    ];

    /// The keyword in any case.
    pub fn parse(word: &str) -> Self {
        // The first letter and the length leave one candidate, or none.
        let Some(first) = word.bytes().next() else { return Self::Unknown };
        let candidate = match (first.to_ascii_uppercase(), word.len()) {
            (b'A', 3) if word.as_bytes()[1].eq_ignore_ascii_case(&b'D') => Self::Add,
            (b'A', 3) => Self::Arg,
            (b'C', 3) => Self::Cmd,
            (b'C', 4) => Self::Copy,
            (b'E', 10) => Self::Entrypoint,
            (b'E', 3) => Self::Env,
            (b'E', 6) => Self::Expose,
            (b'F', 4) => Self::From,
            (b'H', 11) => Self::Healthcheck,
            (b'L', 5) => Self::Label,
            (b'M', 10) => Self::Maintainer,
            (b'O', 7) => Self::Onbuild,
            (b'R', 3) => Self::Run,
            (b'S', 5) => Self::Shell,
            (b'S', 10) => Self::Stopsignal,
            (b'U', 4) => Self::User,
            (b'V', 6) => Self::Volume,
            (b'W', 7) => Self::Workdir,
            _ => return Self::Unknown,
        };
        if candidate.as_str() == word || candidate.as_str().eq_ignore_ascii_case(word) {
            candidate
        } else {
            Self::Unknown
        }
    }

    /// The keyword in upper case; empty for [`Keyword::Unknown`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Arg => "ARG",
            Self::Cmd => "CMD",
            Self::Copy => "COPY",
            Self::Entrypoint => "ENTRYPOINT",
            Self::Env => "ENV",
            Self::Expose => "EXPOSE",
            Self::From => "FROM",
            Self::Healthcheck => "HEALTHCHECK",
            Self::Label => "LABEL",
            Self::Maintainer => "MAINTAINER",
            Self::Onbuild => "ONBUILD",
            Self::Run => "RUN",
            Self::Shell => "SHELL",
            Self::Stopsignal => "STOPSIGNAL",
            Self::User => "USER",
            Self::Volume => "VOLUME",
            Self::Workdir => "WORKDIR",
            Self::Unknown => "",
        }
    }
}
