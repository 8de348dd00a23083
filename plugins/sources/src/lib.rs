//! Rules about where the parts of a build come from, one a file under `rules/`.

mod address;
mod attestation;
mod image;
mod place;
mod repository;

plimsoll_sdk::pack!();
