//! Every limit of the client, in one place: whatever a registry sends, it costs no more than this.

use std::time::Duration;

/// Largest manifest or index that is read.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Largest image configuration that is read.
pub const CONFIG_BYTES_MAX: usize = 8 << 20;
/// Largest answer of a token service that is read.
pub const TOKEN_BYTES_MAX: usize = 1 << 20;
/// How much of an error answer is read; the rest is left.
pub const ERROR_BYTES_MAX: usize = 64 << 10;
/// How much the answers kept by digest may hold in memory together.
pub const CACHE_BYTES_MAX: usize = 64 << 20;
/// How many answers may be kept by digest, how many tags may be known, and of how many repositories that they keep no
/// lists of referrers.
pub const CACHE_ENTRIES_MAX: usize = 4096;
/// For how long a tag means what it meant when it was asked for.
pub const TAG_LIFE: Duration = Duration::from_secs(60);

/// Longest wait for a connection, name resolution and TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for TLS from a registry that may be asked without.
pub const INSECURE_TLS_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest silence while an answer is read, where the caller's deadline is later still.
pub const READ_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest time for one request, where the caller's deadline is later still.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// Most redirects that one request follows.
pub const REDIRECTS_MAX: usize = 5;
/// Most times that one request is sent again with other authorization.
pub const AUTHORIZATIONS_MAX: usize = 3;
/// Pauses before a transient failure is tried again; their number is the number of retries.
pub const RETRY_DELAYS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Longest `Retry-After` that is waited for where the caller sets no deadline.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// How many requests are on their way to a server that is not known yet.
pub const IN_FLIGHT_FIRST: usize = 4;
/// Most requests that are on their way to one server.
pub const IN_FLIGHT_MAX: usize = 64;
/// A request that takes longer than this does not keep others from being sent.
pub const STALLED_AFTER: Duration = Duration::from_secs(2);
/// A server that fails this often in a row is left alone.
pub const BREAKER_FAILURES: usize = 5;
/// For how long it is left alone.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(30);
/// First pause before a server that says "too many" is asked again; each further one is four times as long.
pub const RATE_LIMIT_PAUSE_FIRST: Duration = Duration::from_millis(100);
/// How much longer than others a request waits that is sent again after such a pause.
pub const RETRY_YIELD: Duration = Duration::from_millis(30);
/// Longest such pause, where the server does not ask for a longer one.
pub const RATE_LIMIT_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Who waits for a server's leave gives up this long before the deadline, in time to say why.
pub const DEADLINE_MARGIN: Duration = Duration::from_millis(25);
/// How long an error is the answer to the same question, asked for the third time or later.
pub const ERROR_LIFE: Duration = Duration::from_secs(10);
/// How many errors may be kept.
pub const ERROR_ENTRIES_MAX: usize = 4096;
/// How many mirrors an error tells of.
pub const MIRRORS_SHOWN_MAX: usize = 4;

/// Largest certificate or key that is read.
pub const CERTIFICATE_BYTES_MAX: usize = 1 << 20;
/// Most files in a folder of certificates.
pub const CERTIFICATE_FILES_MAX: usize = 64;

/// Life of a token whose service does not say.
pub const TOKEN_LIFE_DEFAULT: Duration = Duration::from_secs(60);
/// Longest life of a token that is believed.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// A token is renewed this long before it ends.
pub const TOKEN_LIFE_MARGIN: Duration = Duration::from_secs(10);

/// Most pages of one list.
pub const PAGES_MAX: usize = 512;
/// How many tags a page is asked to have.
pub const TAGS_A_PAGE: usize = 1000;
/// Most tags of one repository.
pub const TAGS_MAX: usize = 100_000;
/// How often one blob is sent to a registry, each time from its beginning.
pub const UPLOADS_MAX: usize = 2;
/// Most referrers of one manifest.
pub const REFERRERS_MAX: usize = 10_000;
/// Most bytes of all pages of one list.
pub const LIST_BYTES_MAX: usize = 32 << 20;
/// Most attestation manifests of one index that are read.
pub const ATTESTATIONS_MAX: usize = 64;
/// Most predicate types of one attestation manifest.
pub const PREDICATE_TYPES_MAX: usize = 256;
/// Most annotations of one index or list of referrers, those of what it lists included.
pub const ANNOTATIONS_MAX: usize = 64 << 10;
/// Most bytes of annotations, types and the like in one such answer.
pub const TEXT_BYTES_MAX: usize = 8 << 20;

/// Most entries of an index that are looked at.
pub const INDEX_ENTRIES_MAX: usize = 4096;

/// Largest `registries.conf`, drop-in or file of aliases that is read.
pub const REGISTRIES_FILE_BYTES_MAX: usize = 1 << 20;
/// Most drop-ins in one folder.
pub const DROP_INS_MAX: usize = 256;
/// Most registries in one file.
pub const REGISTRIES_MAX: usize = 16 << 10;
/// Most mirrors of one registry.
pub const MIRRORS_MAX: usize = 64;
/// Most aliases in one file.
pub const ALIASES_MAX: usize = 64 << 10;

/// Largest credential file that is read.
pub const CREDENTIAL_FILE_BYTES_MAX: usize = 4 << 20;
/// Longest run of a credential helper.
pub const HELPER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest output of a credential helper that is read.
pub const HELPER_BYTES_MAX: usize = 64 << 10;
