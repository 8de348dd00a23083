//! What a guest can do while it is called.

use std::time::Instant;

use plimsoll::plugin::{Component, Host, Limits, Plugin};
use plimsoll_test_support::best_of;
use plimsoll_test_support::guest::{DESCRIPTION, FREE, Guest, NOTHING};

use super::{LIMIT, LOOP, check, check_with, findings, lint, one_finding};

fn guest(change: impl FnOnce(&mut Guest)) -> Vec<u8> {
    let mut guest = Guest::default();
    change(&mut guest);
    guest.component()
}

const LATE: &str = "it took longer than the 200ms a call may take";

#[test]
fn a_loop_ends_wherever_it_is() {
    check(&guest(|guest| guest.describe = LOOP.to_owned()), LATE);
    check(&guest(|guest| guest.check = LOOP.to_owned()), LATE);
    check(&guest(|guest| guest.after_check = LOOP.to_owned()), LATE);
    check(&asking(10, LOOP).component(), LATE);
    check(&guest(|guest| guest.fields = format!("(start $begin) (func $begin {LOOP})")), LATE);
    let in_realloc = |guest: &mut Guest| {
        guest.realloc = LOOP.to_owned();
        guest.world = "import plimsoll:rules/document@0.2.0;";
        guest.imports = "(import \"plimsoll:rules/document@0.2.0\" \"source\" (func $source (param i32)))".to_owned();
        guest.check = format!("(call $source (i32.const {FREE})) i32.const {NOTHING}");
    };
    check(&guest(in_realloc), LATE);
}

/// Options are checked before any file is linted.
#[test]
fn a_loop_over_options_ends() {
    let host = Host::new().unwrap_or_else(|error| panic!("{error:#}"));
    let component = Component::new(guest(|guest| guest.validate_options = LOOP.to_owned()));
    let limits = Limits { call_time: LIMIT, ..Limits::default() };
    let loaded = component.map(|component| Plugin::load(&host, "bad", &component, limits));
    let plugin = loaded.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|error| panic!("{}", error.message));
    let took = best_of(1, LIMIT * 2, || {
        let start = Instant::now();
        let faults = plugin.validate_options(0, &serde_json::json!({})).unwrap_err();
        let took = start.elapsed();
        assert_eq!(faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>(), [LATE]);
        took
    });
    assert!(took <= LIMIT * 2, "{took:?}");
}

/// A request for the ignore file of the build context, with a path of this many bytes.
fn asking(path: u32, plan: &str) -> Guest {
    let import = "plimsoll:rules/context@0.2.0";
    let ask = format!(
        "(call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {FREE}) (i32.const 0) (i32.const 0) \
         (i32.const 0) (i32.const 3000) (i32.const 1) (i32.const 3104))"
    );
    Guest {
        world: "import plimsoll:rules/context@0.2.0;",
        imports: format!(
            "(import \"{import}\" \"plan-ignored\" (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"
        ),
        pages: 32,
        plan: format!(
            "(local $count i32) (i32.store (i32.const 3000) (i32.const 65536)) (i32.store (i32.const 3004) (i32.const \
             {path})) {}",
            plan.replace("ASK", &ask)
        ),
        ..Guest::default()
    }
}

#[test]
fn a_loop_ends_where_an_answer_is_handed_over() {
    let mut late = asking(10, "ASK");
    late.on_success = LOOP.to_owned();
    check_with("--slow-checks=on", &late.component(), LATE);
}

#[test]
fn questions_are_counted_and_weighed() {
    let flood = "(loop ASK (local.set $count (i32.add (local.get $count) (i32.const 1))) \
                 (br_if 0 (i32.lt_u (local.get $count) (i32.const 20000))))";
    let planned = |path| {
        let linted = lint("--slow-checks=off", &asking(path, flood).component());
        linted.json()["slow_checks"]["planned"].as_u64().unwrap_or_default()
    };
    assert_eq!(planned(10), 5_000);
    // 60 KB count for four.
    assert_eq!(planned(60_000), 1_250);
    assert_eq!(planned(1 << 20), 0, "one of a megabyte is not taken");
}

#[test]
fn what_is_asked_for_in_the_wrong_phase_is_refused() {
    let mut wrong = asking(10, "");
    wrong.check = format!(
        "(call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {FREE}) (i32.const 0) (i32.const 0) \
         (i32.const 0) (i32.const 3000) (i32.const 1) (i32.const 3104)) i32.const {NOTHING}"
    );
    check(&wrong.component(), "context.plan-ignored was called during check");
    wrong.fields = "(start $begin) (func $begin (call $ask (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096) \
                    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 3000) (i32.const 1) (i32.const 3104)))"
        .to_owned();
    check(&wrong.component(), "it does not describe itself: it trapped: ");
}

#[test]
fn memory_and_tables_are_counted_together() {
    let bomb = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    check(&guest(|guest| guest.check = bomb.to_owned()), "it asked for more memory than the 16 MiB it may have");
    check(&guest(|guest| guest.pages = 1_000), "it asked for more memory than the 16 MiB");
    let table = "(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 9999)) (i32.const -1)))) unreachable";
    let tables = |guest: &mut Guest| {
        guest.fields = "(table $t 0 funcref) (table 90000 funcref)".to_owned();
        guest.check = table.to_owned();
    };
    check(&guest(tables), "it asked for tables of more than the 100000 elements it may have");
    check(&guest(|guest| guest.fields = "(table 4000000 funcref)".to_owned()), "it asked for tables of more than");
}

#[test]
fn stack_and_traps_are_said() {
    let deep = |guest: &mut Guest| {
        guest.fields =
            "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))".into();
        guest.check = "(call $deep (i32.const 1))".to_owned();
    };
    check(&guest(deep), "it used up its stack");
    check(&guest(|guest| guest.check = "unreachable".to_owned()), "it trapped: ");
    check(&guest(|guest| guest.after_check = "unreachable".to_owned()), "it trapped: ");
    check(&guest(|guest| guest.describe = "unreachable".to_owned()), "it does not describe itself: it trapped: ");
    check(&guest(|guest| guest.fields = "(start $begin) (func $begin unreachable)".to_owned()), "it trapped: ");
}

/// Fills memory with findings whose messages are all the same megabyte.
#[test]
fn strings_that_lie_on_top_of_each_other_are_counted_each() {
    let aliased = |guest: &mut Guest| {
        guest.pages = 250;
        let fill = "(local $at i32) (local.set $at (i32.const 1200000)) (loop (i32.store offset=4 (local.get $at) \
                    (i32.const 100000)) (i32.store offset=8 (local.get $at) (i32.const 1048576)) (local.set $at \
                    (i32.add (local.get $at) (i32.const 52))) (br_if 0 (i32.lt_u (local.get $at) (i32.const \
                    16000000)))) (i32.store (i32.const 1024) (i32.const 1200000))";
        guest.check = findings(fill, 280_000);
    };
    check(&guest(aliased), "what it returned cannot be read: ");
    let flood = |guest: &mut Guest| {
        guest.pages = 250;
        guest.check = findings("(i32.store (i32.const 1024) (i32.const 1048576))", 100_000);
    };
    let linted = check(&guest(flood), "it reported more than the 2000 findings a rule may have in a file");
    assert!(linted.findings().len() < 2_100);
    let megabyte = |guest: &mut Guest| {
        guest.pages = 32;
        let long = "(i32.store (i32.const 2052) (i32.const 65536)) (i32.store (i32.const 2056) (i32.const 1048576))";
        guest.check = one_finding(long);
    };
    let linted = lint("--slow-checks=off", &guest(megabyte));
    assert!(linted.stdout.len() < 256 << 10, "{}", linted.stdout.len());
}

#[test]
fn findings_must_hold_up() {
    let found = |written: &str| guest(|guest| guest.check = one_finding(written));
    check(&found("(i32.store (i32.const 2064) (i32.const 99))"), "it points at bytes 0..99 of a file of");
    check(&found("(i32.store (i32.const 2060) (i32.const 9))"), "it points at bytes 9..0");
    check(&found("(i32.store (i32.const 2064) (i32.const 23))"), "begin or end inside a character");
    check(
        &found("(i32.store (i32.const 2048) (i32.const 7))"),
        "a finding of rule number 7, which it did not describe",
    );
    check(
        &found("(i32.store8 (i32.const 2069) (i32.const 9)) (i32.store8 (i32.const 2068) (i32.const 1))"),
        "unexpected discriminant: 9",
    );
    let long = "(i32.store (i32.const 2052) (i32.const 2147483647)) (i32.store (i32.const 2056) (i32.const 9))";
    check(&found(long), "what it returned cannot be read: ");
    let broken = "(i32.store (i32.const 5000) (i32.const -1)) (i32.store (i32.const 2052) (i32.const 5000)) \
                  (i32.store (i32.const 2056) (i32.const 4))";
    check(&found(broken), "what it returned cannot be read: ");
    check(&guest(|guest| guest.check = "i32.const -4".to_owned()), "what it returned cannot be read: ");
    check(&guest(|guest| guest.check = "i32.const 1025".to_owned()), "what it returned cannot be read: ");
}

#[test]
fn descriptions_must_hold_up() {
    check(&guest(|guest| guest.name = "b\x1b["), "has other characters than letters, digits and -");
    check(&guest(|guest| guest.name = "a/b"), "has other characters than letters, digits and -");
    let many = |guest: &mut Guest| {
        guest.pages = 200;
        guest.describe = format!(
            "(i32.store (i32.const {}) (i32.const 65536)) (i32.store (i32.const {}) (i32.const 200000)) i32.const \
             {DESCRIPTION}",
            DESCRIPTION + 8,
            DESCRIPTION + 12
        );
    };
    check(&guest(many), "it describes 200000 rules; 1000 are allowed");
    let long = |guest: &mut Guest| {
        guest.pages = 32;
        guest.documentation = (65_536, 1 << 20);
    };
    check(&guest(long), "rule bad has a documentation of 1048576 bytes");
    // One that says something else each time is believed once.
    let fickle = |guest: &mut Guest| {
        guest.fields = "(global $n (mut i32) (i32.const 0))".to_owned();
        guest.describe = format!("i32.const {DESCRIPTION}");
        guest.check = "(i32.store (i32.const 2048) (i32.const 1)) ".to_owned() + &one_finding("");
    };
    check(&guest(fickle), "it reported a finding of rule number 1, which it did not describe");
}
