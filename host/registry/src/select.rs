//! Selection: which entry of an index is the image for a platform.

use std::collections::BTreeSet;

use plimsoll_dockerfile::Platform;

use crate::manifest::Descriptor;

/// The outcome for one index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Selection<T> {
    /// The best entry that says it is for the platform or one that can stand in for it.
    Entry(T),
    /// No entry says so, but this first one without a platform may be: its configuration decides, as for containerd.
    Unlabelled(T),
    /// None.
    Nothing,
}

/// Selects among `entries`; of equally good ones the first. Attestations and `unknown/unknown` never count.
pub(crate) fn select<'a>(entries: &'a [Descriptor], platform: &Platform) -> Selection<&'a Descriptor> {
    let ranked = images(entries).filter_map(|entry| Some((platform.rank(entry.platform.as_ref()?)?, entry)));
    if let Some((_, best)) = ranked.min_by_key(|(rank, _)| *rank) {
        return Selection::Entry(best);
    }
    match images(entries).find(|entry| entry.platform.is_none()) {
        Some(entry) => Selection::Unlabelled(entry),
        None => Selection::Nothing,
    }
}

/// The platforms that `entries` are for, sorted, each once.
pub(crate) fn available(entries: &[Descriptor]) -> BTreeSet<Platform> {
    images(entries).filter_map(|entry| entry.platform.clone()).collect()
}

fn images(entries: &[Descriptor]) -> impl Iterator<Item = &Descriptor> {
    let known = |entry: &&Descriptor| !entry.platform.as_ref().is_some_and(Platform::is_unknown);
    entries.iter().filter(|entry| !entry.attached).filter(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn entry(platform: &str) -> Descriptor {
        let platform = (!platform.is_empty()).then(|| Platform::parse(platform).unwrap());
        Descriptor { digest: Digest::of(b""), size: 0, media_type: None, platform, attached: false }
    }

    fn check(offered: &[&str], wanted: &str, expect: Selection<usize>) {
        let entries: Vec<_> = offered.iter().map(|platform| entry(platform)).collect();
        let place = |entry: &Descriptor| entries.iter().position(|other| std::ptr::eq(entry, other)).unwrap();
        let got = match select(&entries, &Platform::parse(wanted).unwrap()) {
            Selection::Entry(entry) => Selection::Entry(place(entry)),
            Selection::Unlabelled(entry) => Selection::Unlabelled(place(entry)),
            Selection::Nothing => Selection::Nothing,
        };
        assert_eq!(got, expect, "{wanted} of {offered:?}");
    }

    #[test]
    fn the_best_platform_is_selected() {
        use Selection::{Entry, Nothing, Unlabelled};
        check(&["linux/arm64", "linux/amd64"], "linux/amd64", Entry(1));
        check(&["linux/386", "linux/arm64"], "linux/amd64", Entry(0));
        check(&["linux/386", "linux/amd64"], "linux/amd64", Entry(1));
        check(&["linux/amd64", "linux/amd64"], "linux/amd64", Entry(0));
        check(&["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], "linux/arm", Entry(1));
        check(&["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], "linux/arm/v6", Entry(2));
        check(&["linux/arm/v7"], "linux/arm/v6", Nothing);
        check(&["linux/arm/v7"], "linux/arm64", Entry(0));
        check(&["linux/amd64/v3", "linux/amd64"], "linux/amd64/v2", Entry(1));
        check(&["windows/amd64"], "linux/amd64", Nothing);
        check(&["unknown/unknown", ""], "linux/amd64", Unlabelled(1));
        check(&["", "linux/amd64"], "linux/amd64", Entry(1));
        check(&["unknown/unknown"], "linux/amd64", Nothing);
        check(&[], "linux/amd64", Nothing);
    }

    #[test]
    fn available_platforms_are_sorted_and_unique() {
        let entries = ["linux/arm64", "linux/amd64", "unknown/unknown", "", "linux/arm64/v8"].map(entry);
        let names: Vec<_> = available(&entries).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    }
}
