//! MAINTAINER is deprecated.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct MaintainerDeprecated;

impl Rule for MaintainerDeprecated {
    const NAME: &'static str = "MaintainerDeprecated";
    const SUMMARY: &'static str = "A label should name the author, not MAINTAINER";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let is_labelled = has_label(document);
        for maintainer in document.instructions().filter(|instruction| instruction.keyword() == Keyword::Maintainer) {
            // The trigger of an ONBUILD is not looked at; MAINTAINER may not be one anyway.
            if maintainer.enclosing().is_some() {
                continue;
            }
            let place = place::on_first_line(document, maintainer.span(), maintainer.keyword_span());
            let finding = report.add(place, "Maintainer instruction is deprecated in favor of using label");
            let is_editable = !is_labelled && text::is_whole(&document.text(maintainer.span()));
            let author = maintainer.words().next().filter(|_| is_editable);
            if let Some(author) = author.and_then(|author| plain(&author.text())) {
                let label = format!("LABEL {AUTHORS}=\"{author}\"");
                finding.fix("Name the author in a label", [Edit::replace(maintainer.span(), label)]);
            }
        }
    }
}

const AUTHORS: &str = "org.opencontainers.image.authors";

/// Whether a label names the authors already: of two of them the last would count.
fn has_label(document: &Document) -> bool {
    let labels = document.instructions().filter(|instruction| instruction.keyword() == Keyword::Label);
    labels.flat_map(|label| label.words()).any(|word| word.text().contains(AUTHORS))
}

/// The author without quotes, if a label in quotes can say the same.
fn plain(author: &str) -> Option<String> {
    let inner = |quote: char| author.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
    let author = inner('"').or_else(|| inner('\'')).unwrap_or(author);
    (!author.contains(['"', '\\', '`', '$', '\n'])).then(|| author.to_owned())
}
