//! Components of some kilobytes that a compiler would take hours and all memory for.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::check;

/// What judging a bomb may take.
const JUDGED: Duration = Duration::from_secs(3);

fn refuse(text: &str, problem: &str) {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let start = Instant::now();
    check(&bytes, problem);
    println!("{} bytes, {problem}: {:?}", bytes.len(), start.elapsed());
    assert!(start.elapsed() < JUDGED, "{problem}");
}

fn module(fields: &str) -> String {
    format!("(component (core module {fields}))")
}

fn function(body: &str) -> String {
    module(&format!("(memory 1) (func (param i32) {body})"))
}

#[test]
fn functions_that_are_too_much_work_are_refused() {
    let work = "work for the compiler in one function; ";
    let (mut merges, locals) = (String::new(), "(local i32)".repeat(3_000));
    for number in 0..3_000 {
        let _ = write!(merges, "(if (local.get 0) (then (local.set {} (i32.const 1))))", 1 + number);
    }
    refuse(&function(&format!("{locals} {merges}")), work);
    let live = "(i64.load (local.get 0))".repeat(10_000) + &"i64.add ".repeat(9_999) + "drop";
    refuse(&function(&live), work);
    refuse(
        &function(&"(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(120_000)),
        "bytes in one function; ",
    );
    let (values, consts) = ("i64 ".repeat(500), "(i64.const 1)".repeat(500));
    let blocks = "(block (type $many) (br_if 0 (local.get 0)))".repeat(500) + &"drop ".repeat(500);
    let many = format!("(type $many (func (param {values}) (result {values}))) (func (param i32) {consts} {blocks})");
    refuse(&module(&many), "values of one block; ");
}

#[test]
fn numbers_that_are_too_large_are_refused() {
    refuse(&module(&"(func)".repeat(70_000)), "70000 functions; ");
    refuse(&module(&"(type (func))".repeat(30_000)), "30000 types; ");
    let elements = format!("(elem func {})", "$f ".repeat(10_000)).repeat(11);
    refuse(&module(&format!("(func $f) {elements}")), "elements of tables; ");
    let large = "(func (local i32) ".to_owned() + &"(local.set 0 (i32.const 1))".repeat(100_000) + ")";
    refuse(&module(&large.repeat(42)), "bytes of code; ");
}

#[test]
fn components_in_components_end_somewhere() {
    let header = b"\0asm\x0d\0\x01\0";
    let mut bytes = header.to_vec();
    for _ in 0..10_000 {
        let mut around = header.to_vec();
        around.push(4);
        let mut length = bytes.len();
        while length >= 128 {
            around.push(u8::try_from(length % 128).unwrap_or(0) | 128);
            length /= 128;
        }
        around.push(u8::try_from(length).unwrap_or(0));
        around.append(&mut bytes);
        bytes = around;
    }
    check(&bytes, "components in one another; ");
}

/// Each holds ten of the one before it: a million in 604 bytes.
#[test]
fn instances_of_instances_are_multiplied() {
    let mut text = "(component (component $c0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for level in 1..=6 {
        let ten = "(instance (instantiate $p))".repeat(10);
        let _ = write!(text, "(component $c{level} (alias outer 1 $c{} (component $p)) {ten})", level - 1);
    }
    refuse(&(text + "(instance (instantiate $c6)))"), "instances and what they are given; ");
    refuse("(component (import \"c\" (component)))", "it imports or passes on whole components");
}

/// One component that others call with a record of so many texts, by so many functions.
fn composed(fields: usize, functions: usize) -> String {
    let record: String = (0..fields).map(|field| format!("(field \"f{field}\" string)")).collect();
    let each = |row: &dyn Fn(usize) -> String| (0..functions).map(row).collect::<String>();
    let memory = "(memory (core memory $i \"m\"))";
    let lifted = each(&|n| {
        let realloc = "(realloc (core func $i \"realloc\"))";
        format!("(func (export \"f{n}\") (type $f) (canon lift (core func $i \"f\") {memory} {realloc}))")
    });
    let imports = each(&|n| format!("(import \"f{n}\" (func $f{n} (type $f)))"));
    let lowered = each(&|n| format!("(core func $l{n} (canon lower (func $f{n}) {memory}))"));
    let (wanted, given) = (
        each(&|n| format!("(import \"\" \"{n}\" (func (param i32)))")),
        each(&|n| format!("(export \"{n}\" (func $l{n}))")),
    );
    let with = each(&|n| format!("(with \"f{n}\" (func $called \"f{n}\"))"));
    format!(
        "(component
          (component $callee
            (core module $m (memory (export \"m\") 1) (func (export \"f\") (param i32))
              (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (type $r (record {record})) (export $re \"r\" (type $r)) (type $f (func (param \"p\" $re))) {lifted})
          (instance $called (instantiate $callee))
          (component $caller
            (type $r (record {record})) (import \"r\" (type $re (eq $r))) (type $f (func (param \"p\" $re))) {imports}
            (core module $m (memory (export \"m\") 1)) (core instance $i (instantiate $m)) {lowered}
            (core module $user {wanted}) (core instance (instantiate $user (with \"\" (instance {given})))))
          (instance (instantiate $caller (with \"r\" (type $called \"r\")) {with})))"
    )
}

/// Between components that call one another the engine puts modules of its own, which it has to compile too.
#[test]
fn what_stands_between_components_is_compiled_in_time() {
    for (fields, functions) in [(20, 1), (20, 9_000), (100, 4_500), (450, 1_000)] {
        refuse(&composed(fields, functions), "it is no plugin: it exports no instance");
    }
    refuse(&composed(20, 10_000), "instances and what they are given; ");
}
