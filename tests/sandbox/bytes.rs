//! Bytes that are no component, or one that rules have no use for.

use plimsoll_test_support::guest::Guest;

use super::{check, good};
use plimsoll::plugin::{Component, Host, Limits, Plugin};

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn what_the_contract_does_not_offer_is_refused_by_name() {
    let foreign = "(component (import \"acme:vault/keys@1.0.0\" (instance (export \"all\" (func)))))";
    check(&component(foreign), "it imports acme:vault/keys@1.0.0, which Plimsoll does not offer");
    let newer = "(component (import \"plimsoll:rules/log@9.0.0\" (instance)))";
    check(&component(newer), "it needs plimsoll >= 9.0.0: it is built for version 9.0.0 of the contract");
    let never = "(component (import \"plimsoll:rules/log@0.0.1\" (instance)))";
    check(&component(never), "version 0.0.1 of the contract (plimsoll:rules/log), which no Plimsoll speaks");
    let late = "(component (import \"wasi:cli/environment@0.3.0\" (instance)))";
    check(&component(late), "it imports wasi:cli/environment@0.3.0, which Plimsoll does not offer");
    check(
        &component("(component)"),
        "it exports no instance named plimsoll:rules/plugin@0.2.0 or plimsoll:rules/plugin@0.1.0",
    );
}

#[test]
fn proposals_that_rules_do_not_need_are_off() {
    let module = |fields: &str| component(&format!("(component (core module {fields}))"));
    check(&module("(memory i64 1)"), "memory64");
    check(&module("(memory 1 1 shared)"), "threads");
    check(&module("(func (return_call 0))"), "tail");
    check(&module("(tag)"), "exceptions");
    check(&module("(type (struct (field i32)))"), "gc");
    check(&module("(memory 1 (pagesize 1))"), "custom page sizes");
    check(&component("(component (type (future u8)))"), "component model async");
}

#[test]
fn what_is_too_large_is_not_read() {
    let mut large = good();
    large.resize(100 << 20, 0);
    check(&large, "it is larger than the 64 MiB a component may have");
}

/// Every prefix, and many bytes changed at places a generator chooses, which
/// starts the same each time.
#[test]
fn damaged_bytes_are_refused_or_run() {
    let host = Host::new().unwrap_or_else(|error| panic!("{error:#}"));
    let whole = Guest::default().component();
    let load = |bytes: Vec<u8>| {
        let loaded = Component::new(bytes).and_then(|component| {
            Plugin::load(&host, "bad", &component, Limits::default()).map_err(|unusable| unusable.message)
        });
        match loaded {
            Ok(_) => true,
            Err(message) => {
                assert!(!message.is_empty() && message.len() < 4 << 10, "{message}");
                false
            }
        }
    };
    assert!(load(whole.clone()));
    for length in 0..whole.len() {
        // Sections left off at the end may be ones that nobody needs.
        let is_fine = load(whole[..length].to_vec());
        assert!(!is_fine || length > whole.len() / 2, "{length} of {} bytes", whole.len());
    }
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let mut refused = 0;
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        for _ in 0..=draw(4) {
            let at = draw(bytes.len());
            match draw(3) {
                0 => bytes[at] = u8::try_from(draw(256)).unwrap_or(0),
                1 => drop(bytes.drain(at..(at + draw(16)).min(whole.len() / 2).max(at))),
                _ => bytes.insert(at, u8::try_from(draw(256)).unwrap_or(0)),
            }
        }
        refused += usize::from(!load(bytes));
    }
    assert!((500..2_000).contains(&refused), "{refused} of 2000 were refused");
    for length in [8, 100, 10_000] {
        let mut random: Vec<u8> = (0..length).map(|_| u8::try_from(draw(256)).unwrap_or(0)).collect();
        random[..8].copy_from_slice(&whole[..8]);
        assert!(!load(random));
    }
}
