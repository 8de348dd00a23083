//! Every bound of this crate in one place: what a hostile file can cost is what these constants say.

/// Longest source that is parsed, in bytes; a longer one gives an empty tree and a problem.
pub const SOURCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest physical line in bytes, without its newline: BuildKit refuses longer ones.
pub const LINE_BYTES_MAX: usize = 65_535;

/// How many `ONBUILD` may follow each other on one line before the rest is left unread.
pub const ONBUILD_DEPTH_MAX: usize = 8;

/// How deep arrays and objects of the JSON form may nest before it is read as a shell form.
pub const JSON_DEPTH_MAX: usize = 64;

/// How deep `${a:-${b:-…}}` may nest in one word.
pub const EXPANSION_DEPTH_MAX: usize = 64;

/// How much longer than its text the value of one expansion may be, in bytes.
pub const EXPANSION_BYTES_MAX: usize = 64 * 1024;

/// Bytes copied and steps of globs taken in one expansion.
pub const EXPANSION_WORK_MAX: usize = 4 * 1024 * 1024;

/// Bytes copied and steps of globs taken by all expansions of one model; values after that are unknown.
pub const MODEL_WORK_MAX: usize = 256 * 1024 * 1024;

/// Bytes of expanded values that one model keeps; values beyond that are unknown.
pub const MODEL_VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Triggers of `ONBUILD` that one model runs; later ones are left out.
pub const MODEL_TRIGGERS_MAX: usize = 65_536;

/// Bytes of the triggers that one model runs, counted each time; later ones are left out.
pub const MODEL_TRIGGER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many problems of one model come with a suggestion: each is a search through all names.
pub const MODEL_SUGGESTIONS_MAX: usize = 16;

/// Longest trigger of a base image that is parsed, in bytes.
pub const TRIGGER_BYTES_MAX: usize = 256 * 1024;

/// Longest working directory that is followed, in bytes, as Linux has it; a longer one is unknown.
pub const DIRECTORY_BYTES_MAX: usize = 4096;

/// Longest normal form of a platform, in bytes: every stage upon a stage has a copy of it.
pub const PLATFORM_BYTES_MAX: usize = 256;
