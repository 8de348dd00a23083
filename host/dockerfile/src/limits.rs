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

/// Longest script of a shell that is parsed, in bytes; a longer one is unknown.
pub const SHELL_SCRIPT_BYTES_MAX: usize = 64 * 1024;

/// What parsing all scripts of one file may cost, in bytes, where a script costs its length, the square of
/// its openers, and [`SHELL_SUBSTITUTION_BYTES`] times that of its substitutions; scripts after that are unknown.
pub const SHELL_WORK_MAX: usize = 1024 * 1024;

/// See [`SHELL_WORK_MAX`]: the grammar reads nested substitutions again at each level.
pub const SHELL_SUBSTITUTION_BYTES: usize = 64;

/// Command and process substitutions in one script.
pub const SHELL_SUBSTITUTIONS_MAX: usize = 32;

/// What may open a level of nesting in one script: brackets, backticks, reserved words.
pub const SHELL_OPENERS_MAX: usize = 500;

/// What separates commands in one script, or redirects them.
pub const SHELL_SEPARATORS_MAX: usize = 4_000;

/// Openers of a script that is parsed on the stack of the caller.
pub const SHELL_OPENERS_HERE_MAX: usize = 48;

/// Separators of a script that is parsed on the stack of the caller.
pub const SHELL_SEPARATORS_HERE_MAX: usize = 200;

/// The stack of the thread that parses any other script: enough for every opener and separator
/// at its deepest, and only touched as far as it is needed.
pub const SHELL_STACK_BYTES: usize = 64 * 1024 * 1024;

/// How often the end of a substitution is looked for again when what stands before it is no script.
pub const SHELL_ENDS_TRIED_MAX: usize = 16;
