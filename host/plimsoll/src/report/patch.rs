//! What became of a file, as a patch that `patch` and `git apply -p0` take.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// Lines around a change that are shown.
const AROUND: u32 = 3;

/// The difference of two versions of a file, in the unified format; nothing where there is none. `name` is that of the file, in the bytes that the system has for it.
pub fn patch(name: &[u8], before: &[u8], after: &[u8]) -> Vec<u8> {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(before), lines(after));
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let mut text = Vec::new();
    let mut hunks = diff.hunks().peekable();
    while let Some(first) = hunks.next() {
        let mut changes = vec![(first.before, first.after)];
        while let Some(next) = hunks.next_if(|next| next.before.start <= changes[changes.len() - 1].0.end + 2 * AROUND)
        {
            changes.push((next.before, next.after));
        }
        if text.is_empty() {
            for sign in [b"--- ", b"+++ "] {
                text.extend_from_slice(sign);
                text.extend_from_slice(&quoted(name));
                text.push(b'\n');
            }
        }
        hunk(&old, &new, &changes, &mut text);
    }
    text
}

type Change = (Range<u32>, Range<u32>);

fn hunk(old: &[&[u8]], new: &[&[u8]], changes: &[Change], text: &mut Vec<u8>) {
    let (first, last) = (&changes[0], &changes[changes.len() - 1]);
    let before = AROUND.min(first.0.start);
    let after = AROUND.min(u32::try_from(old.len()).unwrap_or(u32::MAX) - last.0.end);
    let place = |start: u32, end: u32| {
        let (start, end) = (start - before, end + after);
        // A file without lines begins before its first.
        format!("{},{}", if start == end { start } else { start + 1 }, end - start)
    };
    let (was, is) = (place(first.0.start, last.0.end), place(first.1.start, last.1.end));
    text.extend_from_slice(format!("@@ -{was} +{is} @@\n").as_bytes());
    let mut done = first.0.start - before;
    for (removed, added) in changes {
        put(b' ', old, done..removed.start, text);
        put(b'-', old, removed.clone(), text);
        put(b'+', new, added.clone(), text);
        done = removed.end;
    }
    put(b' ', old, done..last.0.end + after, text);
}

fn put(sign: u8, lines: &[&[u8]], range: Range<u32>, text: &mut Vec<u8>) {
    for line in &lines[range.start as usize..range.end as usize] {
        text.push(sign);
        text.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            text.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

/// With what ends them.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A name as patches have it: in quotes, with escapes, where it could end the line or begin with a quote; one with a
/// space ends with a tab.
fn quoted(name: &[u8]) -> Vec<u8> {
    let is_odd = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\\');
    if name.iter().any(is_odd) {
        let escaped = name.iter().map(|byte| match byte {
            b'"' | b'\\' => vec![b'\\', *byte],
            byte if byte.is_ascii_control() => format!("\\{byte:03o}").into_bytes(),
            byte => vec![*byte],
        });
        return [b"\"".to_vec(), escaped.flatten().collect(), b"\"".to_vec()].concat();
    }
    let tab: &[u8] = if name.contains(&b' ') { b"\t" } else { b"" };
    [name, tab].concat()
}

#[cfg(test)]
mod tests {
    use super::patch;

    fn check(before: &str, after: &str, expect: &str) {
        let patch = String::from_utf8(patch(b"a b", before.as_bytes(), after.as_bytes())).unwrap();
        let expect = if expect.is_empty() { String::new() } else { format!("--- a b\t\n+++ a b\t\n{expect}") };
        assert_eq!(patch, expect);
    }

    #[test]
    fn odd_names_are_quoted() {
        let check = |name: &[u8], expect: &str| {
            let patch = patch(name, b"", b"a\n");
            assert_eq!(String::from_utf8_lossy(&patch).lines().next(), Some(expect));
        };
        check(b"a/Dockerfile", "--- a/Dockerfile");
        check("\u{e4}".as_bytes(), "--- \u{e4}");
        check(b"a\n::b", r#"--- "a\012::b""#);
        check(b"a\t\"b\\", r#"--- "a\011\"b\\""#);
    }

    #[test]
    fn patches_have_three_lines_around_changes() {
        check("a\n", "a\n", "");
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n",
        );
        check(
            "a\nb",
            "a\nc",
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n",
        );
        check("", "a\n", "@@ -0,0 +1,1 @@\n+a\n");
        check("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
        let far: String = (0..20).map(|line| format!("{line}\n")).collect();
        let changed = far.replace("2\n3\n", "2\nx\n").replace("17\n", "");
        let hunks =
            "@@ -1,7 +1,7 @@\n 0\n 1\n 2\n-3\n+x\n 4\n 5\n 6\n@@ -15,6 +15,5 @@\n 14\n 15\n 16\n-17\n 18\n 19\n";
        check(&far, &changed, hunks);
    }
}
