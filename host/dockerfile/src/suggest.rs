//! "Did you mean …?": the known name nearest to one that is not known.
//!
//! A value and the known names in order → the nearest of them, or nothing. An exact match suggests
//! nothing, because then the name was not what was wrong.

/// The first of `options` with the smallest edit distance to `value`, if that is below 3.
pub fn nearest<'a>(value: &str, options: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = value.chars().take(NAME_CHARS_MAX + 1).collect();
    if wanted.len() > NAME_CHARS_MAX {
        return None;
    }
    let mut best = None;
    let mut best_distance = DISTANCE_LIMIT;
    for option in options {
        if option == value {
            return None;
        }
        let distance = distance_below(&wanted, option, best_distance);
        if distance < best_distance {
            best_distance = distance;
            best = Some(option);
        }
    }
    best
}

/// Distances from here on are too far for a suggestion.
const DISTANCE_LIMIT: usize = 3;

/// Longer names get no suggestion, which keeps the search quadratic in a small number.
const NAME_CHARS_MAX: usize = 256;

/// The Levenshtein distance, or `limit` as soon as it cannot be less.
fn distance_below(wanted: &[char], option: &str, limit: usize) -> usize {
    let other: Vec<char> = option.chars().take(wanted.len() + limit).collect();
    if other.len().abs_diff(wanted.len()) >= limit {
        return limit;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in wanted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()].min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let check = |value, options: &[&'static str], expect| {
            assert_eq!(nearest(value, options.iter().copied()), expect, "{value}");
        };
        check("PAHT", &["HOME", "PATH"], Some("PATH"));
        check("PATH", &["PATH", "PAHT"], None);
        check("foo", &["bar", "quux"], None);
        check("ab", &["ac", "ad"], Some("ac"));
        check("DIR_ASSET", &["DIR_BINARIES", "DIR_ASSETS"], Some("DIR_ASSETS"));
    }
}
