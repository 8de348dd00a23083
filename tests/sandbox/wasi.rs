//! Components that expect a system, and get an empty one.

use plimsoll_test_support::guest::{FREE, Guest, NOTHING};

use super::{check, lint, one_finding};

/// What of WASI the guests here call, in the words of its specification.
const PACKAGES: &str = "
    package wasi:io@0.2.6 {
        interface poll {
            resource pollable { block: func(); ready: func() -> bool; }
            poll: func(in: list<borrow<pollable>>) -> list<u32>;
        }
        interface error { resource error; }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream {
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:clocks@0.2.6 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.6.{pollable};
            now: func() -> u64;
            subscribe-duration: func(when: u64) -> pollable;
        }
    }
    package wasi:random@0.2.6 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
    package wasi:cli@0.2.6 {
        interface exit { exit: func(status: result); }
        interface stderr { use wasi:io/streams@0.2.6.{output-stream}; get-stderr: func() -> output-stream; }
    }
    package wasi:filesystem@0.2.6 { interface disks { format: func(disk: u32) -> u32; } }";

const WORLD: &str = "import wasi:io/poll@0.2.6; import wasi:io/streams@0.2.6; import wasi:clocks/monotonic-clock@0.2.6;
    import wasi:random/random@0.2.6; import wasi:cli/exit@0.2.6; import wasi:cli/stderr@0.2.6;
    import wasi:filesystem/disks@0.2.6;";

/// A guest that checks like this, with all of the above at hand.
fn guest(check: &str) -> Vec<u8> {
    let functions = [
        ("clocks/monotonic-clock", "subscribe-duration", "$sleep (param i64) (result i32)"),
        ("clocks/monotonic-clock", "now", "$now (result i64)"),
        ("io/poll", "[method]pollable.block", "$block (param i32)"),
        ("io/poll", "poll", "$poll (param i32 i32 i32)"),
        ("random/random", "get-random-bytes", "$random (param i64 i32)"),
        ("cli/exit", "exit", "$exit (param i32)"),
        ("cli/stderr", "get-stderr", "$stderr (result i32)"),
        ("io/streams", "[method]output-stream.blocking-write-and-flush", "$write (param i32 i32 i32 i32)"),
        ("filesystem/disks", "format", "$format (param i32) (result i32)"),
    ];
    let imports = functions
        .map(|(interface, name, function)| format!("(import \"wasi:{interface}@0.2.6\" \"{name}\" (func {function}))"));
    let (packages, world) = (PACKAGES, WORLD);
    Guest { packages, world, imports: imports.join(" "), check: check.to_owned(), pages: 32, ..Guest::default() }
        .component()
}

/// A guest that sleeps for a century wakes at once, and finds that it has slept.
#[test]
fn nobody_waits_for_a_sleeper() {
    let century = 3_155_760_000_000_000_000_u64;
    let sleeps = format!(
        "(call $block (call $sleep (i64.const {century}))) (if (i64.ne (call $now) (i64.const {century})) (then \
         unreachable)) {}",
        one_finding("")
    );
    let linted = lint("--slow-checks=off", &guest(&sleeps));
    assert_eq!(linted.problems(), [""; 0]);
    assert!(linted.findings().iter().any(|finding| finding.starts_with("bad/bad ")), "{linted:#?}");
    // One that never lets go of its alarm clocks runs out of them.
    let again = "(loop (call $block (call $sleep (i64.const 0))) (br 0)) unreachable";
    check(&guest(again), "store handle limit exceeded");
}

#[test]
fn what_is_not_there_ends_the_call() {
    check(&guest("(call $exit (i32.const 0)) unreachable"), "it left by exit instead of returning");
    check(&guest("(call $format (i32.const 0))"), "it called wasi:filesystem/disks#format, which rules do not have");
    let nothing = format!("(call $poll (i32.const 0) (i32.const 0) (i32.const 3104)) i32.const {NOTHING}");
    check(&guest(&nothing), "it polled 0 things");
    let large = format!("(call $random (i64.const -1) (i32.const 3104)) i32.const {NOTHING}");
    check(&guest(&large), "random bytes; 65536 are given at a time");
    check(&guest("(loop (drop (call $stderr)) (br 0)) unreachable"), "store handle limit exceeded");
}

/// Standard error is the log.
#[test]
fn what_is_written_is_logged_up_to_a_limit() {
    let text = format!("(i64.store (i32.const {FREE}) (i64.const 0x0a646c726f77206f))");
    let write = format!("(call $write (local.get $to) (i32.const {FREE}) (i32.const 8) (i32.const 3104))");
    let says = format!("(local $to i32) (local.set $to (call $stderr)) {text} {write} i32.const {NOTHING}");
    let linted = lint("--slow-checks=off -v", &guest(&says));
    assert_eq!(linted.problems(), [""; 0], "{linted:#?}");
    assert!(linted.stderr.contains("bad: o world"), "{}", linted.stderr);
    let flood = format!(
        "(local $to i32) (local $n i32) (local.set $to (call $stderr)) {text} (loop {write} (local.set $n (i32.add \
         (local.get $n) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $n) (i32.const 20000)))) i32.const {NOTHING}"
    );
    let linted = lint("--slow-checks=off -v", &guest(&flood));
    assert_eq!(linted.problems(), [""; 0], "{:?}", linted.problems());
    assert!(linted.stderr.len() < 64 << 10, "{}", linted.stderr.len());
}
