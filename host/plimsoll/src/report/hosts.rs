//! What `-v` says of each host: a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::printable;
use crate::lint::{HostTally, Outcome};

const HEAD: [&str; 8] = ["host", "questions", "duplicates", "from cache", "requests", "retries", "bytes", "seconds"];

/// What a registry was sent, and what it sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// HTTP requests of all kinds.
    pub requests: u64,
    /// Those that repeated another.
    pub retries: u64,
    /// Bytes of answers.
    pub bytes: u64,
}

/// One line for each host that was to be asked, or that was asked in its stead,
/// as mirrors are; nothing if there is none.
pub fn hosts(outcome: &Outcome, traffic: &BTreeMap<String, Traffic>) -> String {
    let names: BTreeSet<&String> = outcome.hosts.keys().chain(traffic.keys()).collect();
    let row = |name: &&String| {
        let HostTally { questions, duplicates, from_cache, time } =
            outcome.hosts.get(*name).copied().unwrap_or_default();
        let Traffic { requests, retries, bytes } = traffic.get(*name).copied().unwrap_or_default();
        let counts = [questions as u64, duplicates as u64, from_cache as u64, requests, retries, bytes];
        let counts = counts.iter().map(u64::to_string);
        let seconds = format!("{:.1}", time.as_secs_f64());
        [printable(name)].into_iter().chain(counts).chain([seconds]).collect::<Vec<_>>()
    };
    if names.is_empty() {
        return String::new();
    }
    let head = HEAD.iter().map(|title| (*title).to_owned()).collect();
    let rows: Vec<Vec<String>> = [head].into_iter().chain(names.iter().map(row)).collect();
    let widths: Vec<usize> =
        (0..HEAD.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let _ = write!(text, "{:width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn columns_stand_below_one_another() {
        let tally = HostTally { questions: 12, duplicates: 3, from_cache: 4, time: Duration::from_millis(1_250) };
        let outcome = Outcome { hosts: [("docker.io".to_owned(), tally)].into(), ..Outcome::default() };
        let traffic = [("mirror.example:5000".to_owned(), Traffic { requests: 7, retries: 1, bytes: 123_456 })].into();
        let expected = "\
host                 questions  duplicates  from cache  requests  retries   bytes  seconds
docker.io                   12           3           4         0        0       0      1.2
mirror.example:5000          0           0           0         7        1  123456      0.0
";
        assert_eq!(hosts(&outcome, &traffic), expected);
        let nothing = Outcome { hosts: BTreeMap::new(), ..outcome };
        assert_eq!(hosts(&nothing, &BTreeMap::new()), "");
    }
}
