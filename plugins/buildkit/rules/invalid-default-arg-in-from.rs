//! FROM should name an image also where no build argument is given.

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct InvalidDefaultArgInFrom;

impl Rule for InvalidDefaultArgInFrom {
    const NAME: &'static str = "InvalidDefaultArgInFrom";
    const SUMMARY: &'static str = "The defaults of arguments should make a valid base image name";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/invalid-default-arg-in-from/");

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages().filter(Stage::has_invalid_default_base) {
            let span = stage.base_span();
            let base = document.logical_text(span);
            let message = format!("Default value for ARG {base} results in empty or invalid base image name");
            report.add(place::on_first_line(document, stage.from().span(), span), message);
        }
    }
}
