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
        match Self::parse_upper(word.as_bytes()) {
            Self::Unknown => Self::parse_mixed(word),
            keyword => keyword,
        }
    }

    /// Most keywords are written in upper case.
    fn parse_upper(word: &[u8]) -> Self {
        match word {
            b"ADD" => Self::Add,
            b"ARG" => Self::Arg,
            b"CMD" => Self::Cmd,
            b"COPY" => Self::Copy,
            b"ENTRYPOINT" => Self::Entrypoint,
            b"ENV" => Self::Env,
            b"EXPOSE" => Self::Expose,
            b"FROM" => Self::From,
            b"HEALTHCHECK" => Self::Healthcheck,
            b"LABEL" => Self::Label,
            b"MAINTAINER" => Self::Maintainer,
            b"ONBUILD" => Self::Onbuild,
            b"RUN" => Self::Run,
            b"SHELL" => Self::Shell,
            b"STOPSIGNAL" => Self::Stopsignal,
            b"USER" => Self::User,
            b"VOLUME" => Self::Volume,
            b"WORKDIR" => Self::Workdir,
            _ => Self::Unknown,
        }
    }

    #[cold]
    fn parse_mixed(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|keyword| keyword.as_str().eq_ignore_ascii_case(word));
        found.unwrap_or(Self::Unknown)
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
