//! Every limit of the host, in one place. What comes from strangers is bounded:
//! Dockerfiles, components, what components do, and what the world answers.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Bytes of a Dockerfile. BuildKit's own frontend reads far less in practice.
pub const SOURCE_BYTES_MAX: u64 = 4 << 20;

/// Bytes of Dockerfiles that a thread holds at once, unless one is larger.
pub const BYTES_TOGETHER_MAX: usize = 1 << 20;

/// Reasons why BuildKit would refuse one file that are listed.
pub const SYNTAX_PROBLEMS_MAX: usize = 5;

/// Rules that the comments of one file name, a comment that names none counted for one; those after
/// them count for nothing, and that is told.
pub const SUPPRESSIONS_MAX: usize = 10_000;

/// Bytes of `plimsoll.toml`.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Entries of a list of rules or patterns in `plimsoll.toml`.
pub const CONFIG_LIST_MAX: usize = 1_000;

/// How many files extend one another in a chain.
pub const EXTENDS_DEPTH_MAX: usize = 8;

/// How many files one file extends, all in all.
pub const EXTENDS_MAX: usize = 32;

/// Bytes of a component.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Bytes of a file with a public key.
pub const KEY_BYTES_MAX: usize = 16 << 10;
/// Bytes of a bundle with a signature.
pub const BUNDLE_BYTES_MAX: usize = 256 << 10;
/// Bytes of what an older signature signs.
pub const SIGNED_BYTES_MAX: usize = 64 << 10;
/// Bytes of one signature, in Base64.
pub const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// Bytes of a signature that is kept, with all that it takes to verify it again.
pub const PROOF_BYTES_MAX: usize = BUNDLE_BYTES_MAX + SIGNATURE_BYTES_MAX + (1 << 10);
/// What is looked at in search of a signature that holds: manifests, and signatures in one.
pub const SIGNATURES_MAX: usize = 64;

/// Bytes of the name of a new plugin, as registries of packages allow.
pub const PLUGIN_NAME_BYTES_MAX: usize = 64;

/// How often a plugin's folder is looked at for changes, and how long nothing may
/// change before they count as made.
pub const WATCH_TICK: Duration = Duration::from_millis(200);

/// How often files that are linted are looked at for changes.
pub const WATCH_LINT_TICK: Duration = Duration::from_millis(300);

/// What part of the time goes into looking, at most: as the reciprocal.
pub const WATCH_SHARE: u32 = 20;

/// Files of a plugin's folder, or of those that are linted, that are looked at.
pub const WATCH_FILES_MAX: usize = 10_000;

/// Types of one component, all modules together.
pub const TYPES_MAX: u64 = 20_000;
/// Functions of one component, all modules together.
pub const FUNCTIONS_MAX: u64 = 60_000;
/// Functions that its modules write into tables.
pub const ELEMENTS_MAX: u64 = 100_000;
/// Bytes of the code of all functions of a component.
pub const CODE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of one function.
pub const FUNCTION_BYTES_MAX: u64 = 768 << 10;
/// Values that one block takes and leaves.
pub const BLOCK_VALUES_MAX: u64 = 16;
/// What compiling one function may take: its operators, those that join or part
/// ways counted tenfold, times its variables. The compiler may need some 10 bytes
/// and 20 ns for each. The interpreter of Python, the largest guest known here,
/// comes to a tenth of either number.
pub const FUNCTION_WORK_MAX: u64 = 40_000_000;
/// What compiling all functions of a component may take.
pub const WORK_MAX: u64 = 1_000_000_000;
/// Instances of one component, the parts they are made of and what these are
/// given, each as often as it is instantiated.
pub const COMPONENT_ITEMS_MAX: u64 = 100_000;

/// Components that stand in one another.
pub const COMPONENT_DEPTH_MAX: u64 = 32;

/// Linear memory of one instance, in bytes.
pub const MEMORY_BYTES_MAX: usize = 128 << 20;

/// Elements of all tables of an instance. Tables hold the functions that are
/// called indirectly, of which a whole interpreter has tens of thousands.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Handles of resources that an instance may hold at a time.
pub const HANDLES_MAX: usize = 1_000;

/// Core instances, memories and tables of one component's instance. Toolchains
/// such as Python's need up to 64.
pub const CORE_INSTANCES_MAX: usize = 64;

/// How long one call into a plugin may take.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(2);

/// Where a call has used up its time, the part of it that each of at most
/// [`OVERTIMES_MAX`] further calls gets: one to learn which rule it was, one to
/// hear the others.
pub const OVERTIME_PARTS: u32 = 10;
/// How often a call is made again after its time was up.
pub const OVERTIMES_MAX: u32 = 2;
/// Memory and time that the user may allow a plugin instead.
pub const MEMORY_BYTES_ALLOWED: RangeInclusive<usize> = 1 << 20..=2 << 30;
/// Likewise, of one call. What is much shorter cannot be kept to a fifth.
pub const CALL_TIME_ALLOWED: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// Likewise, elements of all tables.
pub const TABLE_ELEMENTS_ALLOWED: RangeInclusive<usize> = 100..=1_000_000;
/// Likewise, requests for one file.
pub const REQUESTS_ALLOWED: RangeInclusive<usize> = 1..=50_000;
/// Likewise, findings of one rule in one file.
pub const FINDINGS_ALLOWED: RangeInclusive<usize> = 1..=20_000;
/// Likewise, bytes of log of one call.
pub const LOG_BYTES_ALLOWED: RangeInclusive<usize> = 1 << 10..=1 << 20;

/// How often the epoch advances, and so how exactly [`CALL_TIME_MAX`] is kept.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Bytes that a plugin may hand to the host in one call.
pub const HOSTCALL_BYTES_MAX: usize = 32 << 20;

/// Rules of one plugin.
pub const RULES_MAX: usize = 1_000;

/// Bytes of the JSON Schema of a rule's options.
pub const SCHEMA_BYTES_MAX: usize = 64 << 10;
/// Bytes that a pattern in it may take up.
pub const SCHEMA_PATTERN_BYTES_MAX: usize = 1 << 20;
/// Levels of arrays and objects that options may have.
pub const OPTIONS_DEPTH_MAX: usize = 16;
/// Values in a schema, where what it refers to stands in its place.
pub const SCHEMA_NODES_MAX: usize = 100_000;
/// Levels of such a schema.
pub const SCHEMA_DEPTH_MAX: usize = 200;
/// Faults of one rule's options that are told.
pub const OPTION_FAULTS_MAX: usize = 5;

/// Bytes of the page and of the options' schema of a rule.
pub const RULE_PAGE_BYTES_MAX: usize = 256 << 10;
/// Bytes of a rule's name, summary and address, and of a plugin's version.
pub const RULE_LINE_BYTES_MAX: usize = 2 << 10;

/// How often a file is linted again for what fixes left or brought up.
pub const FIX_ROUNDS_MAX: usize = 10;

/// Bytes that are read of a file with fixes some of which would break it, to find out which: its own as often as it
/// takes.
pub const FIX_TRIED_BYTES_MAX: usize = 256 << 20;

/// Bytes of a file that one suggestion of an rdjson report takes the place of.
pub const RDJSON_SUGGESTION_BYTES_MAX: u32 = 4 << 10;

/// Findings of one rule in one file; the contract names this number. All findings
/// of a call together are bounded by [`HOSTCALL_BYTES_MAX`].
pub const FINDINGS_MAX: usize = 2_000;

/// Bytes of one finding's message.
pub const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// Bytes of what is said about one failure of a plugin.
pub const FAILURE_BYTES_MAX: usize = 2 << 10;

/// Failures of one plugin in one file after which its further answers are not
/// handed to it.
pub const FAILURES_MAX: usize = 3;

/// Requests of one plugin for one file, follow-ups included.
pub const REQUESTS_MAX: usize = 5_000;

/// Platforms that one run is for.
pub const PLATFORMS_MAX: usize = 16;

/// Bytes of a request from which on it counts for more than one, once more for
/// each so many.
pub const REQUEST_BYTES: usize = 16 << 10;

/// Bytes of a request's state.
pub const STATE_BYTES_MAX: usize = 1 << 10;

/// Paths that one question about the build context may name.
pub const IGNORED_PATHS_MAX: usize = 1_000;

/// Bytes of these paths together.
pub const IGNORED_BYTES_MAX: usize = 64 << 10;

/// Bytes of an ignore file.
pub const IGNORE_FILE_BYTES_MAX: u64 = 1 << 20;

/// What holding paths against an ignore file may take, as bytes of all patterns
/// times bytes of all paths.
pub const IGNORE_WORK_MAX: usize = 256 << 20;

/// Patterns that one question for files of the build context may name.
pub const CONTEXT_PATTERNS_MAX: usize = 1_000;
/// Bytes of these together.
pub const CONTEXT_PATTERN_BYTES_MAX: usize = 64 << 10;

/// Paths that one such question is answered with.
pub const CONTEXT_PATHS_MAX: usize = 10_000;

/// Entries of folders that one such question may look at.
pub const CONTEXT_ENTRIES_MAX: usize = 100_000;

/// Links that are followed on the way to one path, as on Linux.
pub const CONTEXT_LINKS_MAX: usize = 40;

/// Bytes of a file of the context that is digested.
pub const CONTEXT_FILE_BYTES_MAX: u64 = 512 << 20;

/// Bytes of a file of the context that is read as text.
pub const CONTEXT_TEXT_BYTES_MAX: u64 = 1 << 20;

/// Bytes of an address of the web, and of the name of a branch or tag.
pub const URL_BYTES_MAX: usize = 8 << 10;

/// Bytes of the type of an artifact: both names of a media type at their longest.
pub const ARTIFACT_TYPE_BYTES_MAX: usize = 255;

/// Bytes of what an address of the web may hold.
pub const DOWNLOAD_BYTES_MAX: u64 = 512 << 20;

/// Redirects that one question follows, as many as BuildKit.
pub const REDIRECTS_MAX: usize = 10;

/// How long connecting to a server may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses before a question to the web is asked again after a failure that may
/// pass; their number is the number of retries.
pub const RETRY_DELAYS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// Bytes of what a git server says of its names.
pub const GIT_BYTES_MAX: usize = 16 << 20;

/// How long fetching a repository that is to be linted may take.
pub const CLONE_TIME_MAX: Duration = Duration::from_secs(5 * 60);
/// Bytes of what is fetched, and of the files in it.
pub const CLONE_BYTES_MAX: u64 = 1 << 30;
/// Files of such a repository.
pub const CLONE_FILES_MAX: usize = 200_000;
/// Bytes of the list of these.
pub const CLONE_LIST_BYTES_MAX: usize = 64 << 20;
/// How often it is looked how much has been fetched: what comes in meanwhile may be too much.
pub const CLONE_TICK: Duration = Duration::from_millis(10);
/// What git may allocate at once, and from where on it reads objects piece by piece instead.
pub const CLONE_ALLOCATION: &str = "256m";
/// Likewise.
pub const CLONE_STREAM_FROM: &str = "16m";

/// How long git may take to say what has changed in a checkout.
pub const CHANGES_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of the list of what has changed, or of what is staged.
pub const CHANGES_LIST_BYTES_MAX: usize = 64 << 20;
/// Bytes of all staged files that are linted.
pub const CHANGES_BYTES_MAX: usize = 256 << 20;
/// Bytes of staged files that git hands over at once.
pub const CHANGES_BYTES_TOGETHER: usize = 32 << 20;
/// Bytes of where a staged link leads, as on Linux.
pub const CHANGES_LINK_BYTES_MAX: usize = 4096;
/// Staged links that are followed to one file, as on Linux.
pub const CHANGES_LINKS_MAX: usize = 40;

/// Bytes of a tool's name.
pub const TOOL_NAME_BYTES_MAX: usize = 64;
/// Arguments that a tool is given by who asks.
pub const CONSOLE_ARGUMENTS_MAX: usize = 64;
/// Bytes of these together.
pub const CONSOLE_ARGUMENT_BYTES_MAX: usize = 8 << 10;
/// Bytes of a tool's input, and of a text that it is to check.
pub const CONSOLE_TEXT_BYTES_MAX: usize = 256 << 10;
/// Bytes of what the name of a text's file ends in.
pub const CONSOLE_SUFFIX_BYTES_MAX: usize = 16;

/// Texts that one run of a tool checks, so that few processes check many and a
/// run that fails costs few.
pub const CONSOLE_BATCH_TEXTS_MAX: usize = 250;
/// Bytes of these together, unless one is longer.
pub const CONSOLE_BATCH_BYTES_MAX: usize = 1 << 20;
/// Further runs in search of the text that made one fail.
pub const CONSOLE_RETRIES_MAX: usize = 16;

/// Bytes of what a tool writes when it checks texts.
pub const CONSOLE_CHECK_BYTES_MAX: usize = 4 << 20;
/// Bytes of what it writes when it is run, and of what it says of one text.
pub const CONSOLE_OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Bytes of its standard error that are kept; the rest is read and dropped.
pub const CONSOLE_ERROR_BYTES_MAX: usize = 64 << 10;

/// Characters of what a tool complained of that a note shows.
pub const CONSOLE_COMPLAINT_CHARACTERS_MAX: usize = 200;
/// How long before its deadline a process is killed, so that it has ended by then.
pub const CONSOLE_KILL_GRACE: Duration = Duration::from_millis(50);

/// Characters of a text that a question shows.
pub const SHOWN_CHARACTERS_MAX: usize = 60;

/// How many answers may follow from one another.
pub const FOLLOW_UPS_MAX: usize = 3;

/// Bytes of log of one call, each message counted with [`LOG_MESSAGE_BYTES`] on
/// top; more is dropped.
pub const LOG_BYTES_MAX: usize = 16 << 10;

/// Bytes of one line of what a guest writes to a standard stream; the rest is dropped.
pub const LOG_LINE_BYTES_MAX: usize = 2 << 10;
/// Bytes that a guest is told it can write to a standard stream at once.
pub const STREAM_BYTES_MAX: u64 = 4 << 10;
/// Things that a guest can wait for at once.
pub const POLLABLES_MAX: u32 = 1_000;
/// Random bytes that a guest is given at a time.
pub const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// What a message of a log costs besides its text.
pub const LOG_MESSAGE_BYTES: usize = 32;

/// How often a pack runs again for one file, each time without a rule that panicked.
pub const RERUNS_MAX: usize = 3;

/// Questions in flight at once to other machines, unless configured otherwise.
pub const NETWORK_CONCURRENCY: usize = 8;
/// Questions in flight at once to one host, unless configured otherwise.
pub const HOST_CONCURRENCY: usize = 4;

/// Questions in flight at once that may be configured for a pool or a host.
pub const CONCURRENCY_MAX: usize = 64;

/// How often whoever watches a session is told how far it is.
pub const PROGRESS_TICK: Duration = Duration::from_millis(100);
/// From when on a run shows on a terminal how far it is.
pub const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// Bytes on disk of all answers that are kept.
pub const CACHE_BYTES_MAX: u64 = 64 << 20;
/// Bytes of one answer that is kept.
pub const CACHE_ENTRY_BYTES_MAX: u64 = 1 << 20;
/// What a file that is kept occupies at least, and in steps of, as disks count.
pub const DISK_BLOCK_BYTES: u64 = 4 << 10;
/// How long a file may be half written before it counts as left behind.
pub const TEMPORARY_LIFE: Duration = Duration::from_secs(10 * 60);

/// Bytes of a lock.
pub const LOCK_BYTES_MAX: u64 = 64 << 20;
/// Bytes of one of its lines: the tags of a large repository.
pub const LOCK_LINE_BYTES_MAX: usize = 4 << 20;
/// Entries of a lock.
pub const LOCK_ENTRIES_MAX: usize = 200_000;

/// Bytes of the answers beside a lock.
pub const ANSWERS_BYTES_MAX: u64 = 64 << 20;
/// Bytes of one of their lines.
pub const ANSWERS_LINE_BYTES_MAX: usize = 4 << 20;

/// Bytes of a baseline.
pub const BASELINE_BYTES_MAX: u64 = 64 << 20;
/// Characters of a reason that is written into Dockerfiles.
pub const REASON_CHARACTERS_MAX: usize = 1_000;

/// Bytes of a recording.
pub const RECORDING_BYTES_MAX: u64 = 256 << 20;

/// Bytes of native code that is kept of one component.
pub const STORE_ENTRY_BYTES_MAX: u64 = 128 << 20;
/// Bytes of all of it.
pub const STORE_BYTES_MAX: u64 = 512 << 20;

/// Bytes of the manifest of a plugin in a registry, and of the configuration that it names.
pub const ARTIFACT_DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Imports and exports of a component that its configuration lists.
pub const ARTIFACT_NAMES_MAX: usize = 1_000;
/// Bytes of one annotation of a plugin in a registry.
pub const ANNOTATION_BYTES_MAX: usize = 2 << 10;
/// How long pulling or pushing one plugin may take.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long a run waits for what the name of a floating plugin means now.
pub const FLOAT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of all plugins that are kept.
pub const SHELF_BYTES_MAX: u64 = 1 << 30;
/// Bytes of an archive of plugins.
pub const ARCHIVE_BYTES_MAX: u64 = 512 << 20;
/// Plugins of an archive.
pub const ARCHIVE_PLUGINS_MAX: usize = 1_000;
/// Signatures of a plugin in an archive.
pub const ARCHIVE_PROOFS_MAX: usize = 8;

/// Bytes of a source line that a report shows.
pub const EXCERPT_BYTES_MAX: usize = 4 << 10;

/// Hosts or details that one note names.
pub const NOTE_NAMES_MAX: usize = 3;

/// Dockerfiles of one run.
pub const FILES_MAX: usize = 100_000;

/// Bytes of a rule's page.
pub const PAGE_BYTES_MAX: u64 = 1 << 20;

/// Files that each rule sees in a row while it is tested whether what was before shows, unless its page has
/// more.
pub const STEADINESS_FILES_MIN: usize = 64;

/// Rounds over all files that the cost of a rule is taken from.
pub const BENCH_ROUNDS_MIN: usize = 5;
/// For how long, unless so many rounds take longer.
pub const BENCH_TIME: Duration = Duration::from_millis(100);

/// Bytes of rows in a Markdown report: GitHub takes comments of 65,536 characters.
pub const MARKDOWN_BYTES_MAX: usize = 60_000;
