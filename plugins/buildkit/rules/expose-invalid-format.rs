//! EXPOSE names ports of the container, nothing else.

use plimsoll_sdk::prelude::*;

use crate::place;
use crate::port::Port;

#[derive(Default)]
pub struct ExposeInvalidFormat;

impl Rule for ExposeInvalidFormat {
    const NAME: &'static str = "ExposeInvalidFormat";
    const SUMMARY: &'static str = "EXPOSE should name no address and no port of the host";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/expose-invalid-format/");

    fn check(&self, document: &Document, report: &mut Report) {
        for (step, word, port) in Port::of_document(document) {
            if port.protocol().is_some() && port.names_host() {
                let message = format!(
                    "EXPOSE instruction should not define an IP address or host-port mapping, found '{}'",
                    port.text
                );
                report.add(place::of_word(document, &step, word), message);
            }
        }
    }
}
