//! "Did you mean": the nearest of some names, as BuildKit picks it.

const DISTANCE_MAX: usize = 2;

/// The option nearest to `name`, at most two edits away; the first of equals.
/// None if `name` itself is among the options.
pub(crate) fn nearest<'o>(name: &str, options: &'o [String]) -> Option<&'o str> {
    let mut best: Option<(&str, usize)> = None;
    for option in options {
        let distance = levenshtein(name, option);
        if distance == 0 {
            return None;
        }
        if distance <= DISTANCE_MAX && best.is_none_or(|(_, least)| distance < least) {
            best = Some((option, distance));
        }
    }
    // Where the nearest is the name without characters, there is nothing to say.
    best.map(|(option, _)| option).filter(|option| !option.is_empty())
}

fn levenshtein(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn picks_the_first_of_the_nearest() {
        let options = ["PATH", "HOME", "HONE"].map(str::to_owned);
        assert_eq!(nearest("PAHT", &options), Some("PATH"));
        assert_eq!(nearest("HOPE", &options), Some("HOME"));
        assert_eq!(nearest("HOME", &options), None);
        assert_eq!(nearest("EDITOR", &options), None);
    }
}
