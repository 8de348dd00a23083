//! Patterns of grants: `*` for any run of characters, in paths `**` for any run
//! of folders.

/// Whether a text fits a pattern in which `*` stands for any run of characters.
pub fn fits(pattern: &str, text: &str) -> bool {
    run_fits(pattern.as_bytes(), text.as_bytes(), |_| true)
}

/// Whether what is written for a rule, with or without its pack, names this one.
pub fn fits_rule(pattern: &str, rule: &str) -> bool {
    let bare = rule.split_once('/').map_or(rule, |(_, bare)| bare);
    fits(pattern, if pattern.contains('/') { rule } else { bare })
}

/// Whether every path that a wish can mean fits a grant. Of both, `**` stands
/// for any run of folders; of a wish `*`, `?`, `[…]` and `\` stand for themselves
/// in what only `*` of a grant may take in, so that nothing is granted by accident.
pub(super) fn covers(grant: &str, wish: &str) -> bool {
    let (grant, wish): (Vec<&str>, Vec<&str>) = (grant.split('/').collect(), wish.split('/').collect());
    let (mut at, mut from) = (0, 0);
    // Where the last `**` stands, and how far what it stands for reached.
    let mut last: Option<(usize, usize)> = None;
    while from < wish.len() {
        if grant.get(at) == Some(&"**") {
            last = Some((at, from));
            at += 1;
        } else if grant.get(at).is_some_and(|part| part_covers(part, wish[from])) {
            (at, from) = (at + 1, from + 1);
        } else if let Some((place, reached)) = &mut last {
            *reached += 1;
            (at, from) = (*place + 1, *reached);
        } else {
            return false;
        }
    }
    grant[at..].iter().all(|part| *part == "**")
}

fn part_covers(grant: &str, wish: &str) -> bool {
    let is_plain = |byte: &u8| !b"*?[]\\".contains(byte);
    wish != "**" && run_fits(grant.as_bytes(), wish.as_bytes(), is_plain)
}

/// Whether bytes fit a pattern; those that are not `literal` only where `*` stands.
fn run_fits(pattern: &[u8], text: &[u8], literal: impl Fn(&u8) -> bool) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while from < text.len() {
        if pattern.get(at) == Some(&b'*') {
            last = Some((at, from));
            at += 1;
        } else if pattern.get(at) == Some(&text[from]) && literal(&text[from]) {
            (at, from) = (at + 1, from + 1);
        } else if let Some((place, reached)) = &mut last {
            *reached += 1;
            (at, from) = (*place + 1, *reached);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{covers, fits, fits_rule};

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expect) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*a*b*", "xxaxxb", true),
            ("a", "aa", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, text), expect, "{pattern} {text}");
        }
        // No pattern takes time beyond the product of the lengths.
        assert!(!fits(&"*a".repeat(1_000), &"a".repeat(999)));
    }

    #[test]
    fn rules_are_named_with_and_without_their_pack() {
        for (pattern, expect) in [
            ("acme/no-add", true),
            ("no-add", true),
            ("acme/*", true),
            ("*-add", true),
            ("acme", false),
            ("b/no-add", false),
        ] {
            assert_eq!(fits_rule(pattern, "acme/no-add"), expect, "{pattern}");
        }
    }

    #[test]
    fn a_grant_covers_all_that_a_wish_can_mean() {
        for (grant, wish, expect) in [
            ("src/**", "src/*.js", true),
            ("src/**", "src/**/a", true),
            ("src/*", "src/**", false),
            ("src/*", "src/*", true),
            ("src/*.js", "src/a*.js", true),
            ("src/*.js", "src/*", false),
            ("**/package.json", "**/package.json", true),
            ("**/package.json", "*/package.json", true),
            ("**/package.json", "**/*.json", false),
            ("a?", "a*", false),
            ("**", "[a-z]/x", true),
            ("a", "[a]", false),
            ("**/a/**", "x/a/y", true),
            ("**/a/**", "x/y", false),
        ] {
            assert_eq!(covers(grant, wish), expect, "{grant} {wish}");
        }
    }
}
