#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer as RegistryAnswer, Attestation, Image, Index, IndexEntry, Referrer};
use plimsoll_test_support::{files_below, scratch_folder};

use super::{Cache, clear, contents};
use crate::limits::{CACHE_BYTES_MAX, CACHE_ENTRY_BYTES_MAX};
use crate::question::{Algorithm, Answer, Download, Question};

const TTL: Duration = Duration::from_secs(600);

fn question(reference: &str) -> Question {
    let platform = Platform::parse("linux/arm64").unwrap();
    Question::Image { reference: Reference::parse(reference).unwrap().with_default_tag(), platform }
}

fn image(label: &str) -> Answer {
    Answer::Image(RegistryAnswer::Image(Box::new(Image {
        digest: "sha256:d".to_owned(),
        index_digest: Some("sha256:i".to_owned()),
        platform: Platform::new("plan9", "", ""),
        environment: vec![("A".to_owned(), "1\n\u{0}é".to_owned()), ("A".to_owned(), String::new())],
        working_dir: "/w".to_owned(),
        user: "u".to_owned(),
        shell: vec!["sh".to_owned()],
        labels: [("l".to_owned(), label.to_owned())].into(),
        onbuild: vec!["RUN x".to_owned()],
        entrypoint: vec!["e".to_owned()],
        cmd: vec!["c".to_owned()],
        created: Some("2026".to_owned()),
    })))
}

fn mismatch() -> Answer {
    let platforms = ["linux/arm/v7", "windows(10.0.1)/amd64"].map(|text| Platform::parse(text).unwrap());
    Answer::Image(RegistryAnswer::PlatformMismatch {
        requested: platforms[0].clone(),
        available: platforms.into(),
        index_digest: "sha256:i".to_owned(),
    })
}

fn index() -> Answer {
    let annotations = || [("a".to_owned(), "1".to_owned())].into();
    let entry = |platform: Option<&str>, attestation: Option<Attestation>| IndexEntry {
        digest: "sha256:e".to_owned(),
        size: u64::MAX,
        media_type: Some("m".to_owned()),
        artifact_type: Some("t".to_owned()),
        platform: platform.map(|platform| Platform::parse(platform).unwrap()),
        is_image: attestation.is_none(),
        annotations: annotations(),
        attestation,
    };
    let told = Attestation { subject: Some("s".to_owned()), predicate_types: Some(vec!["p".to_owned()]) };
    let untold = Attestation { subject: None, predicate_types: None };
    let entries = vec![entry(Some("linux/arm/v7"), None), entry(None, Some(told)), entry(None, Some(untold))];
    Answer::Index(Index { digest: "sha256:i".to_owned(), is_index: true, annotations: annotations(), entries })
}

/// A question of each other kind for a registry, with its answer.
fn others(name: &str) -> [(Question, Answer); 3] {
    let reference = Reference::parse(name).unwrap().with_default_tag();
    let repository = Reference { tag: None, digest: None, ..reference.clone() };
    let referrer = Referrer {
        digest: "sha256:r".to_owned(),
        size: 1,
        media_type: None,
        artifact_type: Some("t".to_owned()),
        annotations: Default::default(),
    };
    [
        (Question::Index { reference: reference.clone(), attestations: true }, index()),
        (Question::Tags { repository }, Answer::Tags(vec!["1".to_owned(), "latest".to_owned()])),
        (Question::Referrers { reference, artifact_type: Some("t".to_owned()) }, Answer::Referrers(vec![referrer])),
    ]
}

fn shown(answer: Option<&Answer>) -> Option<String> {
    answer.map(|answer| format!("{answer:?}"))
}

/// The files of answers, and those half written.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    files.retain(|path| !path.ends_with("CACHEDIR.TAG"));
    files
}

fn age(path: &Path, by: Duration) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
}

#[test]
fn answers_come_back_as_they_were() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().join("a/b"), TTL);
    for (name, answer) in [("one", image("x")), ("other", mismatch())] {
        let question = question(name);
        assert_eq!(shown(cache.known(&question, "").as_ref()), None);
        cache.keep([(&question, "", &answer)].into_iter());
        assert_eq!(shown(cache.known(&question, "").as_ref()), shown(Some(&answer)));
        // Nobody else's answer: another mirror, another platform.
        assert!(cache.known(&question, "mirror").is_none());
        let Question::Image { reference, .. } = question else { unreachable!() };
        let elsewhere = Question::Image { reference, platform: Platform::parse("linux/amd64").unwrap() };
        assert!(cache.known(&elsewhere, "").is_none());
    }
    for (question, answer) in others("one") {
        assert!(cache.known(&question, "").is_none(), "another question");
        cache.keep([(&question, "", &answer)].into_iter());
        assert_eq!(shown(cache.known(&question, "").as_ref()), shown(Some(&answer)));
        assert!(cache.known(&question, "mirror").is_none());
    }
    let reference = Reference::parse("one").unwrap().with_default_tag();
    assert!(cache.known(&Question::Index { reference: reference.clone(), attestations: false }, "").is_none());
    assert!(cache.known(&Question::Referrers { reference, artifact_type: None }, "").is_none());
    assert_eq!(cache.trouble(), super::Trouble::default());
}

#[test]
fn what_a_tag_means_is_known_for_a_while_and_a_digest_for_ever() {
    let scratch = scratch_folder();
    let keep = |ttl| Cache::new(scratch.path().to_owned(), ttl);
    let tag = question("app:1");
    let digest = question(&format!("app:1@sha256:{}", "0".repeat(64)));
    keep(TTL).keep([(&tag, "", &image("t")), (&digest, "", &image("d"))].into_iter());
    assert!(keep(TTL).known(&tag, "").is_some() && keep(TTL).known(&digest, "").is_some());
    let none = keep(Duration::ZERO);
    assert!(none.known(&tag, "").is_none() && none.known(&digest, "").is_some());
    // What is in an index never changes; what is attached to it does.
    let of_digest = others(&format!("app@sha256:{}", "0".repeat(64)));
    keep(TTL).keep(of_digest.iter().map(|(question, answer)| (question, "", answer)));
    assert_eq!(of_digest.each_ref().map(|(question, _)| none.known(question, "").is_some()), [true, false, false]);
    assert_eq!(of_digest.map(|(question, _)| keep(TTL).known(&question, "").is_some()), [true; 3]);
    clear(scratch.path()).unwrap();
    none.keep([(&tag, "", &image("t"))].into_iter());
    assert_eq!(contents(scratch.path()).unwrap().answers, 0, "what is not known again is not kept");
}

/// Queries may be signatures: they tell questions apart, and cannot be read from the cache.
#[test]
fn downloads_and_commits_are_kept_without_queries() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().to_owned(), TTL);
    let url = |text: &str| text.parse().unwrap();
    let download = |text: &str| Question::Download { url: url(text), algorithm: Algorithm::Sha256 };
    let held = |final_url: &str| {
        Answer::Download(Download { digest: "sha256:d".to_owned(), size: 7, final_url: final_url.to_owned() })
    };
    let (asked, moved) = ("https://a.example/x?sig=secret1", "https://a.example/y");
    let commit = Question::Commit { remote: url("https://a.example/r.git"), reference: "main".to_owned() };
    let answers = [(download(asked), held(asked)), (download(moved), held("https://b.example/z"))];
    let answers = answers.into_iter().chain([(commit, Answer::Commit("c0ffee".to_owned()))]);
    for (question, answer) in answers {
        cache.keep([(&question, "", &answer)].into_iter());
        assert_eq!(format!("{:?}", cache.known(&question, "")), format!("{:?}", Some(answer)));
    }
    assert!(cache.known(&download("https://a.example/x?sig=other"), "").is_none());
    assert!(cache.known(&download("https://a.example/x"), "").is_none());
    let other = Question::Download { url: url(asked), algorithm: Algorithm::Sha512 };
    assert!(cache.known(&other, "").is_none());
    let kept = files(scratch.path()).iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    assert!(!kept.contains("secret1"), "{kept}");
}

#[test]
fn what_is_damaged_is_not_known_and_goes() {
    let question = question("app:1");
    let kept = |content: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let scratch = scratch_folder();
        let cache = Cache::new(scratch.path().to_owned(), TTL);
        cache.keep([(&question, "", &image("x"))].into_iter());
        let [path] = &files(scratch.path())[..] else { panic!("one answer, one file") };
        fs::write(path, content(fs::read(path).unwrap())).unwrap();
        let known = [0, 1].map(|_| cache.known(&question, "").is_some());
        (known, cache.trouble().damaged, files(scratch.path()).len())
    };
    assert_eq!(kept(&|content| content), ([true, true], 0, 1));
    let damages: [&dyn Fn(Vec<u8>) -> Vec<u8>; 6] = [
        &|_| Vec::new(),
        &|content| content[..content.len() - 1].to_vec(),
        &|content| content.iter().map(|byte| if *byte == b'x' { b'y' } else { *byte }).collect(),
        &|content| content[..65].to_vec(),
        &|_| vec![b'\n'; 70],
        &|content| content.into_iter().cycle().take(CACHE_ENTRY_BYTES_MAX as usize * 2).collect(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        assert_eq!(kept(damage), ([false, false], 1, 0), "damage {number}");
    }
}

#[test]
fn an_answer_under_the_name_of_another_is_not_believed() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().to_owned(), TTL);
    let (one, other) = (question("one"), question("other"));
    cache.keep([(&one, "", &image("one"))].into_iter());
    let of_one = files(scratch.path()).remove(0);
    cache.keep([(&other, "", &image("other"))].into_iter());
    let of_other = files(scratch.path()).into_iter().find(|path| *path != of_one).unwrap();
    fs::copy(&of_other, &of_one).unwrap();
    assert!(cache.known(&one, "").is_none() && cache.known(&other, "").is_some());
    assert_eq!(cache.trouble().damaged, 1);
}

#[test]
fn the_oldest_go_where_there_is_no_room() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().to_owned(), TTL);
    let large = "x".repeat(CACHE_ENTRY_BYTES_MAX as usize * 9 / 10);
    let questions: Vec<_> = (0..100).map(|number| question(&format!("app:{number}"))).collect();
    for (question, number) in questions.iter().zip(0..) {
        cache.keep([(question, "", &image(&large))].into_iter());
        for path in files(scratch.path()).iter().filter(|path| path.metadata().unwrap().len() > 1) {
            let modified = path.metadata().unwrap().modified().unwrap();
            if modified.elapsed().unwrap() < Duration::from_secs(1_000) {
                age(path, Duration::from_secs(100_000 - number));
            }
        }
    }
    let held = contents(scratch.path()).unwrap();
    assert!(held.bytes <= CACHE_BYTES_MAX && held.answers >= 32, "{held:?}");
    let known: Vec<bool> = questions.iter().map(|question| cache.known(question, "").is_some()).collect();
    let last = known.iter().rev().take(16).filter(|known| **known).count();
    let first = known.iter().take(16).filter(|known| **known).count();
    assert!(last == 16 && first < 16, "{known:?}");

    let before = held.answers;
    cache.keep([(&question("huge"), "", &image(&large.repeat(2)))].into_iter());
    assert_eq!(contents(scratch.path()).unwrap().answers, before, "what is too large is not kept");
}

#[test]
fn many_may_write_at_once() {
    let scratch = scratch_folder();
    let questions: Vec<_> = (0..8).map(|number| question(&format!("app:{number}"))).collect();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (folder, questions) = (scratch.path(), &questions);
            scope.spawn(move || {
                let cache = Cache::new(folder.to_owned(), TTL);
                for round in 0..20 {
                    let answer = image(&format!("{thread} {round}").repeat(1_000));
                    cache.keep(questions.iter().map(|question| (question, "", &answer)));
                    assert!(questions.iter().all(|question| cache.known(question, "").is_some()));
                }
                assert_eq!(cache.trouble(), super::Trouble::default());
            });
        }
    });
    assert_eq!(files(scratch.path()).len(), 8, "nothing is left half written");
}

#[test]
fn only_what_is_ours_is_cleared() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().to_owned(), TTL);
    cache.keep([(&question("app:1"), "", &image("x"))].into_iter());
    let shard = files(scratch.path())[0].parent().unwrap().to_owned();
    let (letter, half) = (shard.join("letter.json"), shard.join(format!("{}.1.2.tmp", "a".repeat(64))));
    fs::write(&letter, "dear").unwrap();
    fs::write(&half, "half").unwrap();
    assert_eq!(clear(scratch.path()).unwrap().answers, 1);
    assert_eq!(files(scratch.path()), [letter]);
    assert_eq!(contents(&scratch.path().join("nowhere")).unwrap().answers, 0);
}

#[test]
fn half_written_files_go_in_time() {
    let scratch = scratch_folder();
    let cache = Cache::new(scratch.path().to_owned(), TTL);
    cache.keep([(&question("app:1"), "", &image("x"))].into_iter());
    let path = files(scratch.path()).remove(0);
    let [fresh, old] = ["1", "2"].map(|process| path.with_extension(format!("{process}.0.tmp")));
    fs::write(&fresh, "").unwrap();
    fs::write(&old, "").unwrap();
    age(&old, Duration::from_secs(3_600));
    cache.keep([(&question("app:1"), "", &image("x"))].into_iter());
    assert_eq!(files(scratch.path()).len(), 2, "the answer and the fresh one: {:?}", files(scratch.path()));
}

#[test]
#[cfg(unix)]
fn nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratch_folder();
    let folder = scratch.path().join("caches/plimsoll");
    Cache::new(folder.clone(), TTL).keep([(&question("app:1"), "", &image("x"))].into_iter());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&files(&folder)[0])), (0o700, 0o600));
}

#[test]
fn a_folder_that_cannot_be_is_said_and_no_more() {
    let scratch = scratch_folder();
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Cache::new(file.join("cache"), TTL);
    cache.keep([(&question("app:1"), "", &image("x"))].into_iter());
    assert!(cache.known(&question("app:1"), "").is_none());
    assert!(cache.trouble().folder.unwrap().contains("file/cache: "), "{:?}", cache.trouble());
}
