use super::*;

const CANONICAL: &str = "[[\"version\",\"1\"]]\n\
[\"git\",\"resolve\",[\"https://git.test/app.git\",\"main\"],{\"value\":\"5f3c\",\"policy\":\"float\"}]\n\
[\"later\",\"thing\",{\"b\":1e400,\"a\":[ ]},null,{\"z\":0.10,\"a\":\"x y\"}]\n\
[\"oci\",\"resolve\",[\"docker.io/library/alpine:3.20\",\"linux/amd64\"],\
{\"value\":\"sha256:1\",\"policy\":\"pin\",\"index\":\"sha256:2\",\"kind\":\"index\",\"later\":12345678901234567890.5}]\n";

fn canonical() -> String {
    CANONICAL.replace("[ ]", "[]")
}

fn complaint(text: &str) -> String {
    Lock::parse(text).unwrap_err().to_string()
}

#[test]
fn reading_and_writing_are_inverses() {
    let parsed = Lock::parse(&canonical()).unwrap();
    assert_eq!(parsed.lock.text(), canonical());
    assert_eq!((parsed.lock.len(), parsed.warnings), (3, vec![]));
    // Blanks, another order and empty lines are no change.
    let mut lines: Vec<&str> = CANONICAL.lines().skip(1).collect();
    lines.reverse();
    let loose = format!("\n{}\r\n\n  {}\n", HEADER, lines.join("\n\n").replace(",{", " , {"));
    assert_eq!(Lock::parse(&loose).unwrap().lock.text(), canonical());
    assert_eq!(Lock::parse("").unwrap().lock.text(), "");
    assert_eq!(Lock::parse(&format!("{HEADER}\n")).unwrap().lock.text(), "");
}

#[test]
fn what_stands_twice_counts_once() {
    let line = |value: &str| {
        format!("[\"oci\",\"tags\",[\"docker.io/library/alpine\"],{{\"value\":\"{value}\",\"policy\":\"pin\"}}]\n")
    };
    let parsed = Lock::parse(&format!("{HEADER}\n{}{}", line("a"), line("b"))).unwrap();
    assert_eq!(parsed.lock.text(), format!("{HEADER}\n{}", line("b")));
    let told = "oci.tags docker.io/library/alpine stands there twice; the last counts";
    assert_eq!(parsed.warnings, [(3, told.to_owned())]);
}

#[test]
fn what_does_not_hold_up_is_told_with_its_line() {
    let entry = |rest: &str| format!("{HEADER}\n\n[\"oci\",\"resolve\",[\"a:1\",\"linux/amd64\"]{rest}]\n");
    for (text, told) in [
        ("{}", "1: this is no lock of plimsoll: its first line would be "),
        ("[[\"version\",\"2\"]]", "1: the lock is of version 2, this program knows 1: use a newer plimsoll"),
        ("[[\"version\",\"2\"],[\"more\",\"1\"]]\nwhatever", "1: the lock is of version 2"),
        (&format!("{HEADER}\n["), "2: it is no JSON array ("),
        (&format!("{HEADER}\n[\"oci\"]"), "2: it has 1 parts: an entry is "),
        (&format!("{HEADER}\n[1,2,[]]"), "2: its module and function are no texts: "),
        (&entry(""), "3: it has 3 parts: an entry is "),
        (&entry(",1"), "3: oci.resolve a:1 linux/amd64: what it says is no JSON object with"),
        (&entry(",{}"), "3: oci.resolve a:1 linux/amd64: it has no \"value\": take the line away"),
        (&entry(",{\"value\":\"x\"}"), "3: oci.resolve a:1 linux/amd64: it has no \"policy\": write \"pin\" or"),
        (&entry(",{\"value\":\"x\",\"policy\":\"often\"}"), "\"often\" is no policy: write \"pin\" or \"float\""),
        (&entry(",{\"value\":\"x\",\"policy\":\"pin\"},1"), "3: it has 5 parts: "),
        (&format!("{HEADER}\n[\"oci\",\"tags\",[1],{{}}]"), "2: the arguments of oci.tags are texts: "),
        (&format!("{HEADER}\n<<<<<<< HEAD\n"), "2: git left a conflict here: run `plimsoll lock merge`"),
        (&format!("{HEADER}\n=======\n"), "2: git left a conflict here"),
        (&format!("{HEADER}\n[[[[[[[[\n"), "2: it is no JSON array"),
    ] {
        assert!(complaint(text).contains(told), "{}", complaint(text));
    }
}

#[test]
fn what_is_nested_deep_is_kept_or_refused() {
    let nest = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!("{HEADER}\n[\"a\",\"b\",{nest}]\n");
    assert!(Lock::parse(&text).unwrap().lock.text() == text);
    let known = format!("{HEADER}\n[\"git\",\"resolve\",[],{{\"value\":{nest},\"policy\":\"pin\"}}]\n");
    assert!(complaint(&known).contains("it has no \"value\""));
}

/// A pseudo-random number, for edits that differ and come again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// A lock of entries that others have too; those of a key mean the same unless `may_differ`.
    fn lock(&mut self, may_differ: bool) -> Lock {
        let entries = (0..self.roll(12)).map(|_| {
            let number = self.roll(10);
            let key = Key::new("oci", "resolve", &[&format!("docker.io/library/image:{number}"), "linux/amd64"]);
            let value = format!("sha256:{}", if may_differ { self.roll(2) } else { number });
            let policy = [Policy::Pin, Policy::Float][self.roll(2) as usize];
            let entry = Entry::new(value, policy);
            (key, (0..self.roll(3)).fold(entry, |entry, field| entry.with(&format!("field-{field}"), number)))
        });
        entries.collect()
    }
}

#[test]
fn joining_depends_on_no_order() {
    let mut dice = Dice(1);
    for _ in 0..20_000 {
        let [a, b, c] = [(); 3].map(|()| dice.lock(false));
        let joined = |one: &Lock, other: &Lock| {
            let joined = join(one, other);
            assert_eq!(joined.conflicts, []);
            joined.lock
        };
        assert_eq!(joined(&a, &b), joined(&b, &a), "commutative");
        assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)), "associative");
        assert_eq!(joined(&a, &a), a, "idempotent");

        let [a, b] = [(); 2].map(|()| dice.lock(true));
        let (one, other) = (join(&a, &b), join(&b, &a));
        assert_eq!(one.lock, other.lock);
        let keys = |joined: &Joined| joined.conflicts.iter().map(|conflict| conflict.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&one), keys(&other));
        for key in keys(&one) {
            assert_ne!(a.get(&key).unwrap().text(), b.get(&key).unwrap().text());
            assert_eq!(one.lock.get(&key), None);
        }
    }
}

#[test]
fn a_merge_knows_who_changed_what() {
    let mut dice = Dice(2);
    for _ in 0..20_000 {
        let [base, ours, theirs] = [(); 3].map(|()| dice.lock(true));
        assert_eq!(join_over(&base, &ours, &base).lock, ours, "what they left alone is as we have it");
        assert_eq!(join_over(&base, &base, &theirs).lock, theirs);
        assert_eq!(join_over(&base, &ours, &ours).lock, ours);
        let (one, other) = (join_over(&base, &ours, &theirs), join_over(&base, &theirs, &ours));
        assert_eq!((one.lock, one.conflicts.len()), (other.lock, other.conflicts.len()));
    }
}

#[test]
fn conflicts_that_git_left_are_joined() {
    let mut dice = Dice(3);
    let body = |lock: &Lock| lock.text().lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    for _ in 0..5_000 {
        let [base, ours, theirs] = [(); 3].map(|()| dice.lock(true));
        let (our, their) = (body(&ours), body(&theirs));
        let two_way = format!("{HEADER}\n<<<<<<< HEAD\n{our}=======\n{their}>>>>>>> branch\n");
        assert_eq!(resolve(&two_way).unwrap(), join(&ours, &theirs));
        let three_way =
            format!("{HEADER}\n<<<<<<< HEAD\n{our}||||||| base\n{}=======\n{their}>>>>>>> branch\n", body(&base));
        let joined = resolve(&three_way).unwrap();
        assert_eq!(joined, join_over(&base, &ours, &theirs));
        // What is left of it can be resolved again, or is a lock.
        let left = joined.text();
        match joined.conflicts.is_empty() {
            true => assert_eq!(Lock::parse(&left).unwrap().lock, joined.lock),
            false => assert!(Lock::parse(&left).unwrap_err().message.contains("git left a conflict")),
        }
    }
    let lonely = format!("{HEADER}\n<<<<<<< HEAD\n");
    assert_eq!(resolve(&lonely).unwrap_err().to_string(), "2: this marker of a conflict has no counterpart");
    let broken = format!("{HEADER}\n<<<<<<< HEAD\n=======\n[\n>>>>>>> branch\n");
    assert!(resolve(&broken).unwrap_err().to_string().starts_with("4: it is no JSON array"));
}
