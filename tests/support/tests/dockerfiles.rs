//! The set of Dockerfiles is what its README says.

use std::collections::BTreeSet;

use plimsoll_test_support::dockerfiles::{buildkit_findings, dockerfiles};

#[test]
fn the_findings_are_of_the_set() {
    let set = dockerfiles();
    assert!(set.len() >= 36);
    let names: BTreeSet<_> = set.iter().map(|file| file.name.as_str()).collect();
    let findings = buildkit_findings();
    assert!(findings.is_sorted());
    let mut rules = BTreeSet::new();
    for finding in &findings {
        let (name, rest) = finding.split_once(':').unwrap();
        assert!(names.contains(name), "{finding}");
        if !rest.starts_with(" build error") {
            rules.extend(rest.split(' ').nth(1));
        }
    }
    assert_eq!(rules.len(), 22, "{rules:?}");
}

#[test]
fn the_set_has_odd_bytes() {
    let set = dockerfiles();
    let has = |needle: &[u8]| {
        let mut sources = set.iter().map(|file| &file.source);
        sources.any(|source| source.windows(needle.len()).any(|bytes| bytes == needle))
    };
    assert!(has(b"\r\n"), "a file with Windows line ends");
    assert!(has(b"\xef\xbb\xbfFROM"), "a file with a byte order mark");
    assert!(has(b"FROM\t"), "a file with tabs");
    assert!(has(b"# escape=`"), "a file with another escape");
}
