//! Offers fixes that do no good.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Mends;

impl Rule for Mends {
    const NAME: &'static str = "mends";
    const SUMMARY: &'static str = "Offers fixes that do no good.";
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let length = u32::try_from(document.source().len()).unwrap_or(u32::MAX);
        let (all, end) = (Span { start: 0, end: length }, Span { start: length, end: length });
        let edits = [
            ("breaks", Edit::replace(all, "nothing like it\n")),
            ("empties", Edit::replace(all, "")),
            ("binary", Edit::replace(end, "\0")),
            ("inflates", Edit::replace(end, "#".repeat(11 << 20))),
            ("again", Edit::replace(end, "# again\n")),
        ];
        for (what, edit) in edits {
            if is_asked_for(document, &format!("mends {what}")) {
                report.add(Span { start: 0, end: 0 }, what).fix(format!("Do what {what}"), [edit]);
            }
        }
    }
}
